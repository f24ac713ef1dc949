//! A tenant's signing keys and the life of one: upcoming, active, retired, removed.
//! The state is read off the key's times, so no job has to move it.

use std::fmt;
use std::time::Duration;

use super::clock::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a key is published before it signs: verifiers may cache a JWKS.
pub const PUBLISHED_BEFORE_USE: Duration = DAY;
/// How long a retired key stays published: the longest token life, one hour, and a day.
pub const PUBLISHED_AFTER_USE: Duration = Duration::from_secs(25 * 60 * 60);
/// How long a key signs before its successor takes over.
pub const ROTATION_PERIOD: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// RFC 7518 §3.1 and RFC 8037 §3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    Rs256,
    Es256,
    EdDsa,
}

impl Algorithm {
    pub const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published, does not sign yet.
    Upcoming,
    /// Signs.
    Active,
    /// Signs no more; still published for the tokens it signed.
    Retired,
    /// Published no more.
    Removed,
}

impl KeyState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upcoming => "upcoming",
            Self::Active => "active",
            Self::Retired => "retired",
            Self::Removed => "removed",
        }
    }
}

/// When a key starts to sign and, once it has a successor, when it stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyLife {
    pub activates_at: Timestamp,
    pub retires_at: Option<Timestamp>,
}

impl KeyLife {
    /// When it signs no more: its end or, without a successor yet, that of its period.
    pub fn signs_until(&self) -> Timestamp {
        self.retires_at.unwrap_or(self.activates_at + ROTATION_PERIOD)
    }

    /// When it is published no more.
    pub fn published_until(&self) -> Timestamp {
        self.signs_until() + PUBLISHED_AFTER_USE
    }

    /// When its successor is announced, if there is none yet.
    pub fn next_rotation(&self) -> Option<Timestamp> {
        match self.retires_at {
            Some(_) => None,
            None => Some(self.activates_at + (ROTATION_PERIOD - PUBLISHED_BEFORE_USE)),
        }
    }

    pub fn state(&self, now: Timestamp) -> KeyState {
        match self.retires_at {
            Some(retires_at) if now >= retires_at + PUBLISHED_AFTER_USE => KeyState::Removed,
            Some(retires_at) if now >= retires_at => KeyState::Retired,
            _ if now >= self.activates_at => KeyState::Active,
            _ => KeyState::Upcoming,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_from_upcoming_to_removed_as_time_passes() {
        let start = Timestamp::from_secs(1_000_000);
        let life = KeyLife { activates_at: start, retires_at: Some(start + DAY) };
        assert_eq!(life.state(start - DAY), KeyState::Upcoming);
        assert_eq!(life.state(start), KeyState::Active);
        assert_eq!(life.state(start + DAY), KeyState::Retired);
        assert_eq!(life.state(start + DAY + PUBLISHED_AFTER_USE), KeyState::Removed);
    }
}
