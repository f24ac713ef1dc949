//! A tenant's claim to a host, which a record in DNS proves: whoever can set it has the host in hand.

use std::time::Duration;

use super::clock::Timestamp;
use super::entropy::{Entropy, random_letters};
use super::tenant::Domain;

/// So long a claim can be proved.
pub const CLAIM_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// 190 random bits. Everybody may know them: that another tenant cannot have the same is all it takes.
const CHALLENGE_LENGTH: usize = 32;
const LABEL: &str = "_doorward-challenge";
const PREFIX: &str = "doorward-verification=";
/// RFC 1035 §2.3.4, without the dot of the root.
const MAX_NAME: usize = 253;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainClaim {
    pub domain: Domain,
    /// Letters and digits that DNS shows to everybody.
    pub challenge: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the host is too long: with `{LABEL}.` before it, it has more than {MAX_NAME} characters")]
pub struct DomainTooLong;

impl DomainClaim {
    pub fn new(
        domain: Domain,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, DomainTooLong> {
        let challenge = random_letters(entropy, CHALLENGE_LENGTH);
        let claim = Self { domain, challenge, created_at: now, expires_at: now + CLAIM_LIFE };
        if claim.record_name().len() <= MAX_NAME { Ok(claim) } else { Err(DomainTooLong) }
    }

    /// The same for another while: the record that may be set already stays the right one.
    #[must_use]
    pub fn renewed(self, now: Timestamp) -> Self {
        Self { expires_at: now + CLAIM_LIFE, ..self }
    }

    /// Where the TXT record is looked for.
    pub fn record_name(&self) -> String {
        format!("{LABEL}.{}", self.domain)
    }

    /// What it must say, to the letter.
    pub fn record_value(&self) -> String {
        format!("{PREFIX}{}", self.challenge)
    }

    pub fn is_proved_by(&self, records: &[String]) -> bool {
        let value = self.record_value();
        records.contains(&value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            (0..).zip(bytes).for_each(|(number, byte)| *byte = number);
        }
    }

    fn claim(host: &str) -> Result<DomainClaim, DomainTooLong> {
        DomainClaim::new(Domain::parse(host).unwrap(), Timestamp::from_secs(0), &Counting)
    }

    #[test]
    fn a_claim_is_proved_by_its_own_record_alone() {
        let claim = claim("Login.acme.example").unwrap();
        assert_eq!(claim.record_name(), "_doorward-challenge.login.acme.example");
        let value = claim.record_value();
        assert_eq!(value.len(), "doorward-verification=".len() + 32);
        assert!(claim.is_proved_by(&["v=spf1 -all".to_owned(), value.clone()]));
        for other in ["", &value.to_lowercase(), &format!("{value} "), &format!("\"{value}\"")] {
            assert!(!claim.is_proved_by(&[other.to_owned()]), "{other}");
        }
    }

    #[test]
    fn a_host_must_leave_room_for_the_name_of_its_record() {
        let host = |length: usize| {
            let labels = ["a".repeat(60), "a".repeat(60), "a".repeat(60)].join(".");
            format!("{labels}.{}", "b".repeat(length - labels.len() - 1))
        };
        assert!(claim(&host(233)).is_ok());
        assert_eq!(claim(&host(234)), Err(DomainTooLong));
    }
}
