//! The master key, from which the keys for everything kept or handed out are derived.
//! It comes from the configuration and is never stored.

use std::fmt;

use aws_lc_rs::hkdf;
use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use zeroize::Zeroizing;

use crate::domain::entropy::Entropy;

const LENGTH: usize = 32;
/// 32 random bytes have fewer distinct values than this about once in 10^34.
const MIN_DISTINCT_BYTES: usize = 8;

/// 256 random bits. Zeroised when dropped; printing it prints nothing of it.
pub struct MasterKey(Zeroizing<[u8; LENGTH]>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    #[error("the master key is not base64: make one with `openssl rand -base64 32`")]
    NotBase64,
    #[error("the master key is not 32 bytes long: make one with `openssl rand -base64 32`")]
    WrongLength,
    #[error(
        "the master key is not random and could be guessed: make one with `openssl rand -base64 32`"
    )]
    Weak,
}

/// What a derived key is for. Each purpose has a key that tells nothing of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Encrypting what the database holds.
    Sealing,
    /// The MAC of refresh tokens.
    RefreshTokens,
    /// Cookies' encryption and signatures.
    Cookies,
    /// The MAC of codes that are mailed.
    EmailCodes,
    /// The MAC of the cookies by which devices are known again.
    KnownDevices,
    /// The link to the first console account.
    Console,
    /// The passwords and secrets of demonstration accounts.
    DemoCredentials,
}

impl Purpose {
    /// Never change one: whatever was made with its key would be lost.
    const fn info(self) -> &'static str {
        match self {
            Self::Sealing => "doorward/sealing/v1",
            Self::RefreshTokens => "doorward/refresh-tokens/v1",
            Self::Cookies => "doorward/cookies/v1",
            Self::EmailCodes => "doorward/email-codes/v1",
            Self::KnownDevices => "doorward/known-devices/v1",
            Self::Console => "doorward/console/v1",
            Self::DemoCredentials => "doorward/demo-credentials/v1",
        }
    }
}

impl MasterKey {
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        entropy.fill(&mut *bytes);
        Self(bytes)
    }

    /// Reads standard and URL-safe base64, padded or not, with white space around it.
    pub fn from_base64(text: &str) -> Result<Self, MasterKeyError> {
        let text = text.trim();
        let alphabet =
            if text.contains(['-', '_']) { alphabet::URL_SAFE } else { alphabet::STANDARD };
        let config =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        // Large enough for the length to be told from the content's being wrong.
        let mut buffer = Zeroizing::new([0_u8; 128]);
        if text.len() > buffer.len() {
            return Err(MasterKeyError::WrongLength);
        }
        let length = GeneralPurpose::new(&alphabet, config)
            .decode_slice(text, &mut *buffer)
            .map_err(|_| MasterKeyError::NotBase64)?;
        if length != LENGTH {
            return Err(MasterKeyError::WrongLength);
        }
        let mut bytes = Zeroizing::new([0; LENGTH]);
        bytes.copy_from_slice(&buffer[..LENGTH]);
        if is_weak(&bytes) { Err(MasterKeyError::Weak) } else { Ok(Self(bytes)) }
    }

    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(*self.0))
    }

    pub fn derive(&self, purpose: Purpose) -> Zeroizing<[u8; 32]> {
        self.expand(purpose)
    }

    /// For actix's cookie key, which wants a signing and an encryption key in one.
    pub fn cookie_key(&self) -> Zeroizing<[u8; 64]> {
        self.expand(Purpose::Cookies)
    }

    /// HKDF-SHA-256 (RFC 5869).
    fn expand<const N: usize>(&self, purpose: Purpose) -> Zeroizing<[u8; N]> {
        let mut derived = Zeroizing::new([0; N]);
        let key = hkdf::Salt::new(hkdf::HKDF_SHA256, b"doorward").extract(&*self.0);
        let info = [purpose.info().as_bytes()];
        #[expect(
            clippy::expect_used,
            reason = "fails beyond 255 × 32 bytes alone (RFC 5869 §2.3)"
        )]
        key.expand(&info, Length(N))
            .and_then(|okm| okm.fill(&mut *derived))
            .expect("32 or 64 bytes");
        derived
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// Keys that people make up: one byte repeated, a count, a short word.
fn is_weak(bytes: &[u8; LENGTH]) -> bool {
    let mut sorted = Zeroizing::new(*bytes);
    sorted.sort_unstable();
    let distinct = 1 + sorted.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let step = bytes[1].wrapping_sub(bytes[0]);
    let counts = bytes.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step);
    distinct < MIN_DISTINCT_BYTES || counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::entropy::OsEntropy;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

    /// Encodes with `+` and `/`, so that the two alphabets differ.
    fn bytes() -> [u8; 32] {
        std::array::from_fn(|i| if i % 2 == 0 { 0xfb } else { (i * i) as u8 })
    }

    #[test]
    fn a_key_is_read_in_either_alphabet_padded_or_not() {
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            let text = format!(" {}\n", engine.encode(bytes()));
            assert_eq!(*MasterKey::from_base64(&text).unwrap().0, bytes(), "{text}");
        }
    }

    #[test]
    fn a_key_that_was_made_is_read_back() {
        let key = MasterKey::generate(&OsEntropy);
        let again = MasterKey::from_base64(&key.to_base64()).unwrap();
        assert_eq!(*again.0, *key.0);
    }

    #[test]
    fn what_is_no_key_says_why() {
        let error = |text: &str| MasterKey::from_base64(text).unwrap_err();
        assert_eq!(error("not base64!"), MasterKeyError::NotBase64);
        assert_eq!(error(""), MasterKeyError::WrongLength);
        assert_eq!(error(&STANDARD.encode([7; 31])), MasterKeyError::WrongLength);
        assert_eq!(error(&STANDARD.encode([7; 33])), MasterKeyError::WrongLength);
        assert_eq!(error(&STANDARD.encode([7; 1000])), MasterKeyError::WrongLength);
    }

    #[test]
    fn weak_keys_are_refused() {
        let ascending: [u8; 32] = std::array::from_fn(|i| i as u8);
        let by_seven: [u8; 32] = std::array::from_fn(|i| (i * 7) as u8);
        let seven_values: [u8; 32] = std::array::from_fn(|i| (i * i % 7 * 31 + i % 7) as u8);
        let mut descending = ascending;
        descending.reverse();
        for weak in [[0; 32], [0xff; 32], ascending, descending, by_seven, seven_values] {
            let error = MasterKey::from_base64(&STANDARD.encode(weak)).unwrap_err();
            assert_eq!(error, MasterKeyError::Weak, "{weak:?}");
        }
    }

    #[test]
    fn purposes_and_keys_lead_to_different_keys() {
        let (one, two) = (MasterKey(Zeroizing::new([1; 32])), MasterKey(Zeroizing::new([2; 32])));
        let purposes =
            [Purpose::Sealing, Purpose::RefreshTokens, Purpose::Cookies, Purpose::DemoCredentials];
        let mut keys: Vec<_> =
            [&one, &two].iter().flat_map(|key| purposes.map(|p| *key.derive(p))).collect();
        assert_eq!(*one.derive(Purpose::Sealing), *one.derive(Purpose::Sealing));
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 8);
    }

    /// What was sealed yesterday must open tomorrow: computed by hand from RFC 5869.
    #[test]
    fn a_derived_key_stays_what_it_is() {
        let sealing = MasterKey(Zeroizing::new(bytes())).derive(Purpose::Sealing);
        assert_eq!(STANDARD.encode(*sealing), "gRc18isJF9Jc9v6V025QlFbVkdP5pwHosztrFbUFCqI=");
        let cookies = MasterKey(Zeroizing::new(bytes())).cookie_key();
        assert_eq!(STANDARD.encode(&cookies[..32]), "uJ4cQtYCxL2+B0uOy+P1TwFErwfDb6solWICpaCjjLI=");
    }

    #[test]
    fn printing_a_key_prints_nothing_of_it() {
        assert_eq!(format!("{:?}", MasterKey(Zeroizing::new(bytes()))), "MasterKey(…)");
    }
}
