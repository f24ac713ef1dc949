//! Where a sign-in leads: back to the application that asked for it, or to one of the account's own pages. Nowhere
//! else, so that no link to a sign-in page can send its user to a stranger's.

use super::ids::RequestId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterSignIn {
    /// The authorization request goes on.
    Request(RequestId),
    Account(AccountPage),
}

impl AfterSignIn {
    /// `None`: no application asked.
    pub fn of(request: Option<RequestId>) -> Self {
        request.map_or(Self::Account(AccountPage::Account), Self::Request)
    }

    pub fn request(self) -> Option<RequestId> {
        match self {
            Self::Request(id) => Some(id),
            Self::Account(_) => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountPage {
    Account,
    Password,
    Email,
    Delete,
    Identities,
}

impl AccountPage {
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
        Self::ALL.into_iter().find(|page| page.as_str() == text)
    }

    /// The page that a path belongs to.
    pub fn of(path: &str) -> Self {
        let longest_first = Self::ALL.into_iter().rev();
        longest_first
            .into_iter()
            .find(|page| path.ends_with(page.as_str()))
            .unwrap_or(Self::Account)
    }
}
