//! Who may see or change a tenant in the console.

use super::clock::Timestamp;
use super::ids::UserId;

/// A console account in a tenant.
#[derive(Clone, Debug)]
pub struct Member {
    /// A user of the built-in tenant.
    pub user_id: UserId,
    pub role: MemberRole,
    pub created_at: Timestamp,
}

/// Each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemberRole {
    /// Sees everything but secrets.
    Viewer,
    /// Changes apps, users, roles, sign-in methods, keys and looks.
    Admin,
    /// Decides who the members are, and may delete the tenant.
    Owner,
}

impl MemberRole {
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Admin, Self::Owner];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}
