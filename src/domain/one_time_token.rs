//! What a mailed link is good for: one thing, once, for one account, as long as its address stays.

use std::time::Duration;

use super::email_address::EmailAddress;
use super::ids::UserId;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The newest token of a purpose is the only one that a user has of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The address of a new account is its owner's.
    VerifyEmail,
    /// A new password; as good a proof of the address as `VerifyEmail`.
    ResetPassword,
    /// The first password of somebody whom an admin has invited, and as good a proof. Anybody can ask for a
    /// recovery; it is a purpose of its own so that doing so takes nobody's invitation away.
    AcceptInvitation,
    /// The account moves to another address, which this proves.
    ChangeEmail,
}

impl Purpose {
    const ALL: [Self; 4] =
        [Self::VerifyEmail, Self::ResetPassword, Self::AcceptInvitation, Self::ChangeEmail];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
            Self::AcceptInvitation => "accept_invitation",
            Self::ChangeEmail => "change_email",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }

    /// All that do the same as this one: where one is good, the others are, and what voids one voids them. Only a
    /// newer token replaces those of its own purpose alone.
    pub const fn alike(self) -> &'static [Self] {
        match self {
            Self::ResetPassword | Self::AcceptInvitation => {
                &[Self::ResetPassword, Self::AcceptInvitation]
            }
            Self::VerifyEmail => &[Self::VerifyEmail],
            Self::ChangeEmail => &[Self::ChangeEmail],
        }
    }

    pub const fn life(self) -> Duration {
        match self {
            Self::VerifyEmail => Duration::from_secs(24 * 60 * 60),
            Self::AcceptInvitation => Duration::from_secs(7 * 24 * 60 * 60),
            Self::ResetPassword | Self::ChangeEmail => HOUR,
        }
    }
}

/// What stands behind a token.
#[derive(Clone, Debug)]
pub struct OneTimeToken {
    pub purpose: Purpose,
    pub user_id: UserId,
    /// The address that the link was mailed to.
    pub email: EmailAddress,
}
