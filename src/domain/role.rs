//! Roles: what tokens call a user, in the tenant's own words and exact case.

use std::collections::BTreeSet;
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

/// All of them are in each of the user's tokens, and a request's header holds some 8 KB.
pub const ROLES_OF_A_USER: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a user has at most {ROLES_OF_A_USER} roles: tokens name them all, and would not fit into a request"
)]
pub struct TooManyRoles;

/// What one user may have, each once.
pub fn of_a_user(keys: Vec<RoleKey>) -> Result<BTreeSet<RoleKey>, TooManyRoles> {
    let keys: BTreeSet<RoleKey> = keys.into_iter().collect();
    if keys.len() > ROLES_OF_A_USER { Err(TooManyRoles) } else { Ok(keys) }
}
