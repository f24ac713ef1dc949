//! Identifiers: 48 bits of milliseconds and 80 random bits, so that they never collide
//! and new rows land side by side in an index. Written as a three-letter kind and 22
//! letters or digits (`usr01K…`); the kind keeps one id from passing for another.

use std::fmt;

use super::clock::Timestamp;
use super::entropy::{Entropy, decode_base62, encode_base62};

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct InvalidId;

/// 128 bits in base 62.
const LETTERS: usize = 22;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Self {
                Self(time_ordered(now, entropy))
            }

            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let letters = text.strip_prefix($prefix).ok_or(InvalidId)?;
                decode_base62::<LETTERS>(letters.as_bytes()).map(Self).ok_or(InvalidId)
            }

            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(u128::from_be_bytes(bytes))
            }

            /// When it was generated.
            pub fn made_at(self) -> Timestamp {
                Timestamp::from_millis(i64::try_from(self.0 >> 80).unwrap_or_default())
            }

            pub fn to_bytes(self) -> [u8; 16] {
                self.0.to_be_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let letters = encode_base62::<LETTERS>(self.0);
                f.write_str($prefix)?;
                letters.iter().try_for_each(|letter| fmt::Write::write_char(f, char::from(*letter)))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

ids! {
    TenantId = "ten";
    /// Also the `client_id` of OAuth.
    ApplicationId = "app";
    ClientSecretId = "sec";
    /// Also the `sub` of tokens.
    UserId = "usr";
    /// An upstream provider of a tenant.
    ProviderId = "prv";
    /// An upstream identity that waits for its user to prove their account.
    LinkOfferId = "lnk";
    RoleId = "rol";
    /// Also the `sid` of tokens.
    SessionId = "ses";
    FamilyId = "fam";
    /// A pending authorization request.
    RequestId = "req";
    AuditEventId = "evt";
    MailId = "mal";
    /// A sign-in that waits for an e-mailed code.
    EmailCodeId = "cod";
}

fn time_ordered(now: Timestamp, entropy: &dyn Entropy) -> u128 {
    let mut random = [0_u8; 16];
    entropy.fill(&mut random[6..]);
    (u128::from(now.as_millis().unsigned_abs()) << 80) | u128::from_be_bytes(random)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);
    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn an_id_is_read_back_as_it_was_printed() {
        let id = UserId::generate(Timestamp::from_secs(1_795_425_630), &Fixed(0xff));
        assert_eq!(UserId::parse(&id.to_string()), Ok(id));
        assert_eq!(UserId::from_bytes(id.to_bytes()), id);
        assert_eq!(id.to_string().len(), 25);
        assert_eq!(id.made_at(), Timestamp::from_secs(1_795_425_630));
    }

    #[test]
    fn an_id_of_another_kind_or_beyond_128_bits_is_refused() {
        let id = UserId::generate(Timestamp::from_secs(1), &Fixed(1)).to_string();
        assert_eq!(RoleId::parse(&id), Err(InvalidId));
        assert_eq!(UserId::parse("usrzzzzzzzzzzzzzzzzzzzzzz"), Err(InvalidId));
        assert_eq!(UserId::parse(&format!("{id}0")), Err(InvalidId));
        assert_eq!(UserId::parse("usr"), Err(InvalidId));
    }

    #[test]
    fn later_ids_sort_after_earlier_ones_as_text() {
        let earlier = UserId::generate(Timestamp::from_secs(1_000_000), &Fixed(0xff)).to_string();
        let later = UserId::generate(Timestamp::from_secs(1_000_001), &Fixed(0)).to_string();
        assert!(earlier < later);
    }
}
