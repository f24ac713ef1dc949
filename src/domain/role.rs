//! Roles: what tokens call a user, in the tenant's own words and exact case.

use std::fmt;

use super::ids::RoleId;

#[derive(Clone, Debug)]
pub struct Role {
    pub id: RoleId,
    pub key: RoleKey,
    pub description: String,
    /// The `role` claim is the user's role of lowest rank.
    pub rank: i32,
}

/// `ADMIN`, `editor`, `billing:read`: case is kept and tells keys apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleKey(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role key is 1 to 64 letters, digits and `_ - . :`, such as `ADMIN`")]
pub struct InvalidRoleKey;

impl RoleKey {
    pub fn parse(text: &str) -> Result<Self, InvalidRoleKey> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
        if (1..=64).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRoleKey)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
