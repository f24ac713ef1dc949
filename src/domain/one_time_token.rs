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
    /// The account moves to another address, which this proves.
    ChangeEmail,
}

impl Purpose {
    const ALL: [Self; 3] = [Self::VerifyEmail, Self::ResetPassword, Self::ChangeEmail];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
            Self::ChangeEmail => "change_email",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }

    pub const fn life(self) -> Duration {
        match self {
            Self::VerifyEmail => Duration::from_secs(24 * 60 * 60),
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
