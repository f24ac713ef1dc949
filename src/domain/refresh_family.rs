//! A refresh family: one sign-in of one user in one application. Its generation counts the
//! rotations; the token of each generation is derived, never stored (`crypto::refresh_token`).

use std::time::Duration;

use super::application::ClientAuthentication;
use super::authorization_code::Grant;
use super::clock::Timestamp;
use super::ids::FamilyId;

pub type Generation = u32;

#[derive(Clone, Debug)]
pub struct RefreshFamily {
    pub id: FamilyId,
    pub grant: Grant,
    pub generation: Generation,
    /// When the newest generation was made.
    pub rotated_at: Timestamp,
    /// How the client proved itself when the family was made. What was given to a client
    /// that authenticated is never refreshed by one that does not.
    pub client: ClientAuthentication,
    pub idle_expires_at: Timestamp,
    pub expires_at: Timestamp,
    pub state: FamilyState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FamilyState {
    Live,
    Revoked { at: Timestamp, reason: RevocationReason },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationReason {
    /// A token that had been succeeded for too long came back: it, or its successor, was stolen.
    ReuseDetected,
    /// The authorization code behind it was presented twice.
    CodeReplayed,
    /// The client gave the token back (RFC 7009).
    Client,
    /// The user signed out.
    SignedOut,
    /// The user took back what they had allowed the application.
    UserRevoked,
    /// The account's password was chosen anew.
    PasswordReset,
}

impl RevocationReason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReuseDetected => "reuse_detected",
            Self::CodeReplayed => "code_replayed",
            Self::Client => "client",
            Self::SignedOut => "signed_out",
            Self::UserRevoked => "user_revoked",
            Self::PasswordReset => "password_reset",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::ReuseDetected,
            Self::CodeReplayed,
            Self::Client,
            Self::SignedOut,
            Self::UserRevoked,
            Self::PasswordReset,
        ]
        .into_iter()
        .find(|reason| reason.as_str() == text)
    }
}

/// What a token of a true MAC deserves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The newest: make the next generation.
    Rotate,
    /// The one before the newest, within the window: answer the newest again.
    AnswerSuccessor,
    /// Older, or past its window: someone holds a token they should not.
    Reuse,
    /// Newer than the family knows: the database lost a rotation that it had acknowledged.
    CatchUp,
    /// Expired or revoked.
    Dead,
}

impl RefreshFamily {
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.state == FamilyState::Live && now < self.idle_expires_at && now < self.expires_at
    }

    pub fn judge(&self, presented: Generation, window: Duration, now: Timestamp) -> Verdict {
        if !self.is_alive(now) {
            return Verdict::Dead;
        }
        match presented.cmp(&self.generation) {
            std::cmp::Ordering::Equal => Verdict::Rotate,
            std::cmp::Ordering::Greater => Verdict::CatchUp,
            std::cmp::Ordering::Less
                if presented + 1 == self.generation && now < self.rotated_at + window =>
            {
                Verdict::AnswerSuccessor
            }
            std::cmp::Ordering::Less => Verdict::Reuse,
        }
    }

    /// How long the newest token is good for, from `now`.
    pub fn remaining_life(&self, now: Timestamp) -> Duration {
        self.idle_expires_at.min(self.expires_at).since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ApplicationId, SessionId, UserId};
    use crate::domain::scope::Scopes;

    const WINDOW: Duration = Duration::from_secs(30);

    fn family(generation: Generation, rotated_at: Timestamp) -> RefreshFamily {
        RefreshFamily {
            id: FamilyId::from_bytes([1; 16]),
            grant: Grant {
                application_id: ApplicationId::from_bytes([2; 16]),
                user_id: UserId::from_bytes([3; 16]),
                session_id: SessionId::from_bytes([4; 16]),
                scopes: Scopes::default(),
                resource: None,
                authenticated_at: rotated_at,
            },
            generation,
            rotated_at,
            client: ClientAuthentication::Unauthenticated,
            idle_expires_at: rotated_at + Duration::from_secs(1_000),
            expires_at: rotated_at + Duration::from_secs(10_000),
            state: FamilyState::Live,
        }
    }

    #[test]
    fn the_window_is_open_for_the_token_before_the_newest_alone() {
        let start = Timestamp::from_secs(1_000);
        let family = family(5, start);
        assert_eq!(family.judge(5, WINDOW, start), Verdict::Rotate);
        assert_eq!(
            family.judge(4, WINDOW, start + Duration::from_secs(29)),
            Verdict::AnswerSuccessor
        );
        assert_eq!(family.judge(4, WINDOW, start + WINDOW), Verdict::Reuse);
        assert_eq!(family.judge(3, WINDOW, start), Verdict::Reuse);
        assert_eq!(family.judge(4, Duration::ZERO, start), Verdict::Reuse);
        assert_eq!(family.judge(6, WINDOW, start), Verdict::CatchUp);
    }

    #[test]
    fn a_dead_family_answers_nothing() {
        let start = Timestamp::from_secs(1_000);
        let mut family = family(5, start);
        assert_eq!(family.judge(5, WINDOW, start + Duration::from_secs(1_000)), Verdict::Dead);
        family.state = FamilyState::Revoked { at: start, reason: RevocationReason::Client };
        assert_eq!(family.judge(5, WINDOW, start), Verdict::Dead);
        assert_eq!(family.judge(1, WINDOW, start), Verdict::Dead);
    }
}
