//! Where a sign-in leads that no application asked for: to one of the account's own pages, and nowhere else.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Account,
    Password,
    Email,
    Delete,
    Identities,
}

impl Next {
    const ALL: [Self; 5] =
        [Self::Account, Self::Password, Self::Email, Self::Delete, Self::Identities];

    /// The path under the issuer, without its slash.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Password => "account/password",
            Self::Email => "account/email",
            Self::Delete => "account/delete",
            Self::Identities => "account/identities",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|next| next.as_str() == text)
    }

    /// The page that a path belongs to.
    pub fn of(path: &str) -> Self {
        let longest_first = Self::ALL.into_iter().rev();
        longest_first
            .into_iter()
            .find(|next| path.ends_with(next.as_str()))
            .unwrap_or(Self::Account)
    }
}
