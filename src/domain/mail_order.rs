//! Mail that is to be sent. An order says which letter goes to whom; what is secret in it, a link or a code,
//! is made when it is sent, so that nothing in the database opens an account.

use std::time::Duration;

use super::clock::Timestamp;
use super::email_address::EmailAddress;
use super::ids::{MailId, TenantId};

macro_rules! letters {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Letter { $($(#[$doc])* $name,)* }

        impl Letter {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

letters! {
    /// A link that proves the address of an account.
    VerifyEmail = "verify_email",
    /// Someone signed up with an address that has an account already.
    AccountExists = "account_exists",
    /// A link to choose a new password, if the address has an account.
    ResetPassword = "reset_password",
    /// A link that moves an account to this address. `subject` is the user.
    ChangeEmail = "change_email",
    /// A code to sign in with. `subject` is the sign-in that waits for it.
    SignInCode = "sign_in_code",
    /// To the owner: the password is another now.
    PasswordChanged = "password_changed",
    /// To the old address: the account has moved to another.
    EmailChanged = "email_changed",
    /// To the owner: the account is going to be deleted.
    DeletionPlanned = "deletion_planned",
    /// To the owner: an account that somebody made with this address was taken over by its owner.
    AccountClaimed = "account_claimed",
    /// To the owner: an upstream identity was linked to the account.
    IdentityLinked = "identity_linked",
    /// To the owner: an upstream identity was taken off the account.
    IdentityUnlinked = "identity_unlinked",
    /// A link to choose a password, for somebody whom an admin made an account for.
    Invitation = "invitation",
    /// To somebody who may now see or change a tenant in the console. `subject` is the tenant.
    Membership = "membership",
    /// To an admin who tries the settings.
    Test = "test",
}

impl Letter {
    /// After this time it would only confuse.
    pub const fn life(self) -> Duration {
        match self {
            Self::SignInCode => super::email_code::LIFE,
            Self::VerifyEmail
            | Self::AccountExists
            | Self::ResetPassword
            | Self::ChangeEmail
            | Self::Test => Duration::from_secs(60 * 60),
            Self::PasswordChanged
            | Self::EmailChanged
            | Self::DeletionPlanned
            | Self::AccountClaimed
            | Self::IdentityLinked
            | Self::IdentityUnlinked
            | Self::Invitation
            | Self::Membership => Duration::from_secs(7 * 24 * 60 * 60),
        }
    }

    /// Who can bring it about: letters are counted by that, so that nobody is flooded.
    pub const fn cause(self) -> Cause {
        match self {
            Self::ResetPassword => Cause::Recovery,
            Self::VerifyEmail | Self::AccountExists | Self::ChangeEmail | Self::SignInCode => {
                Cause::Anybody
            }
            Self::Invitation | Self::Membership | Self::Test => Cause::Admin,
            Self::PasswordChanged
            | Self::EmailChanged
            | Self::DeletionPlanned
            | Self::AccountClaimed
            | Self::IdentityLinked
            | Self::IdentityUnlinked => Cause::Event,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Anybody who knows the address, and its owner has no other way in.
    Recovery,
    /// Anybody who knows the address.
    Anybody,
    Admin,
    /// Something has happened to the account.
    Event,
}

#[derive(Clone, Debug)]
pub struct MailOrder {
    pub id: MailId,
    pub tenant_id: TenantId,
    pub letter: Letter,
    pub email: EmailAddress,
    /// The id of what it is about, where the address alone does not say.
    pub subject: Option<String>,
    pub status: MailStatus,
    /// How often it was tried to be sent.
    pub tries: i32,
    pub due_at: Timestamp,
    pub created_at: Timestamp,
    pub last_error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailStatus {
    Waiting,
    /// Given up; kept for an admin to see.
    Dead,
}

impl MailStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Dead => "dead",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Dead].into_iter().find(|status| status.as_str() == text)
    }
}

/// Whoever takes an order has this long to send it before another may.
pub const SENDING_TIME: Duration = Duration::from_secs(2 * 60);
/// Dead letters are kept this long.
pub const DEAD_LETTER_MEMORY: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How long to wait after the `tries`th failure: 10 s, doubling, up to an hour.
pub fn back_off(tries: i32) -> Duration {
    let doublings = u32::try_from(tries.clamp(1, 10) - 1).unwrap_or(0);
    (Duration::from_secs(10) * 2_u32.pow(doublings)).min(Duration::from_secs(60 * 60))
}
