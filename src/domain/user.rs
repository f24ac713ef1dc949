//! A user of one tenant.

use super::clock::Timestamp;
use super::email_address::EmailAddress;
use super::ids::UserId;
use super::role::RoleKey;
use super::tenant::DisplayName;

#[derive(Clone, Debug)]
pub struct User {
    pub id: UserId,
    pub email: EmailAddress,
    pub email_verified: bool,
    pub name: Option<DisplayName>,
    pub picture: Option<String>,
    pub status: UserStatus,
    pub created_at: Timestamp,
    /// Set while the account waits to be deleted.
    pub deletes_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserStatus {
    Active,
    Disabled,
}

impl UserStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Disabled].into_iter().find(|status| status.as_str() == text)
    }
}

/// A user as tokens and answers describe them: with their roles, by rank.
#[derive(Clone, Debug)]
pub struct Profile {
    pub user: User,
    pub roles: Vec<RoleKey>,
}

impl Profile {
    /// The first role by rank.
    pub fn role(&self) -> Option<&RoleKey> {
        self.roles.first()
    }
}
