//! Message authentication codes for what is too short to be kept as a digest, or is kept by others.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::master_key::{MasterKey, Purpose};

/// HMAC-SHA-256 under a key of its own.
pub struct Mac(hmac::Key);

impl Mac {
    pub fn new(master: &MasterKey, purpose: Purpose) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &*master.derive(purpose)))
    }

    /// As base64url. The parts are told apart by their lengths.
    pub fn sign(&self, parts: &[&str]) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, &input(parts)))
    }

    /// In constant time.
    pub fn verify(&self, parts: &[&str], mac: &str) -> bool {
        let Ok(mac) = URL_SAFE_NO_PAD.decode(mac) else { return false };
        hmac::verify(&self.0, &input(parts), &mac).is_ok()
    }
}

fn input(parts: &[&str]) -> Vec<u8> {
    let mut input = Vec::new();
    for part in parts {
        input.extend_from_slice(&part.len().to_be_bytes());
        input.extend_from_slice(part.as_bytes());
    }
    input
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::entropy::OsEntropy;

    #[test]
    fn a_mac_is_good_for_its_parts_and_its_purpose_alone() {
        let master = MasterKey::generate(&OsEntropy);
        let codes = Mac::new(&master, Purpose::EmailCodes);
        let mac = codes.sign(&["ab", "c"]);
        assert!(codes.verify(&["ab", "c"], &mac));
        assert!(!codes.verify(&["a", "bc"], &mac));
        assert!(!codes.verify(&["ab"], &mac));
        assert!(!codes.verify(&["ab", "c"], ""));
        assert!(!Mac::new(&master, Purpose::KnownDevices).verify(&["ab", "c"], &mac));
    }
}
