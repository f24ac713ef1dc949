//! Scopes: what a token may be used for (RFC 6749 §3.3).

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    OpenId,
    Profile,
    Email,
    Roles,
    OfflineAccess,
    /// Ours: the tokens of the providers that the user signed in by.
    UpstreamTokens,
}

impl Scope {
    pub const ALL: [Self; 6] = [
        Self::OpenId,
        Self::Profile,
        Self::Email,
        Self::Roles,
        Self::OfflineAccess,
        Self::UpstreamTokens,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenId => "openid",
            Self::Profile => "profile",
            Self::Email => "email",
            Self::Roles => "roles",
            Self::OfflineAccess => "offline_access",
            Self::UpstreamTokens => "upstream_tokens",
        }
    }
}

/// A set of scopes, written in one order.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// The known ones among the words of `text`. RFC 6749 §3.3 lets a server leave out what
    /// it does not know, and OpenID Connect Core §3.1.2.1 says it should.
    pub fn parse(text: &str) -> Self {
        let words: Vec<&str> = text.split(' ').collect();
        Self(Scope::ALL.into_iter().filter(|scope| words.contains(&scope.as_str())).collect())
    }

    /// All that any application may ask for.
    pub fn for_any_application() -> Self {
        let special = |scope: &Scope| *scope == Scope::UpstreamTokens;
        Self(Scope::ALL.into_iter().filter(|scope| !special(scope)).collect())
    }

    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    pub fn contains_all(&self, other: &Self) -> bool {
        other.0.iter().all(|scope| self.contains(*scope))
    }

    /// What either holds.
    pub fn with(&self, other: &Self) -> Self {
        let held = |scope: &Scope| self.contains(*scope) || other.contains(*scope);
        Self(Scope::ALL.into_iter().filter(held).collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { " " };
            write!(f, "{separator}{}", scope.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_scopes_are_left_out_and_the_order_is_one() {
        let scopes = Scopes::parse("email openid  banana email");
        assert_eq!(scopes.to_string(), "openid email");
        assert!(Scopes::parse("openid email profile").contains_all(&scopes));
        assert!(!scopes.contains_all(&Scopes::parse("openid profile")));
    }
}
