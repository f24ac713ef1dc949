//! How much happens in a tenant, for its overview.

use super::clock::Timestamp;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    SignIn,
    SignUp,
    SignInFailure,
    Refresh,
    /// Somebody fetched the keys to verify tokens with.
    JwksFetch,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::SignUp => "sign_up",
            Self::SignInFailure => "sign_in_failure",
            Self::Refresh => "refresh",
            Self::JwksFetch => "jwks_fetch",
        }
    }
}

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// A day of UTC, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

impl Day {
    pub fn of(time: Timestamp) -> Self {
        Self(i32::try_from(time.as_secs().div_euclid(DAY_SECONDS)).unwrap_or(i32::MAX))
    }

    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    pub const fn number(self) -> i32 {
        self.0
    }

    pub fn start(self) -> Timestamp {
        Timestamp::from_secs(i64::from(self.0) * DAY_SECONDS)
    }

    /// Days before this one.
    pub const fn minus(self, days: i32) -> Self {
        Self(self.0.saturating_sub(days))
    }
}
