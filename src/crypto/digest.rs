//! Digests of secrets that carry 256 random bits, and comparing without telling by the time it takes.

use aws_lc_rs::constant_time;
use aws_lc_rs::digest::{self as sha2, SHA256, SHA512};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::secret::{Secret, SecretDigest};
use crate::domain::signing_key::Algorithm;

/// What the database may hold of a secret. Enough for 256 random bits, far too fast for a password.
pub fn digest(secret: &Secret) -> SecretDigest {
    SecretDigest::from_base64url(sha256_base64url(secret.expose().as_bytes()))
}

/// Whether `expected` is the digest of `secret`, in constant time.
pub fn matches(secret: &Secret, expected: &SecretDigest) -> bool {
    equal(digest(secret).as_str().as_bytes(), expected.as_str().as_bytes())
}

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(sha2::digest(&SHA256, bytes).as_ref());
    hash
}

/// SHA-256 as base64url without padding: the code challenge of a verifier (RFC 7636 §4.2).
pub fn sha256_base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(sha256(bytes))
}

/// `at_hash`: the left half of the hash that the ID token's algorithm uses (OpenID Connect Core §3.1.3.6).
pub fn half_hash(algorithm: Algorithm, token: &str) -> String {
    let hash = match algorithm {
        Algorithm::Rs256 | Algorithm::Es256 => sha2::digest(&SHA256, token.as_bytes()),
        // Ed25519 hashes with SHA-512 (RFC 8032 §5.1).
        Algorithm::EdDsa => sha2::digest(&SHA512, token.as_bytes()),
    };
    let bytes = hash.as_ref();
    URL_SAFE_NO_PAD.encode(&bytes[..bytes.len() / 2])
}

/// Whether the two are the same; the time taken depends on their lengths alone.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_challenge_is_that_of_rfc_7636_appendix_b() {
        let challenge = sha256_base64url(b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_secret_matches_its_own_digest_alone() {
        let digest = digest(&Secret::new("one".to_owned()));
        assert!(matches(&Secret::new("one".to_owned()), &digest));
        assert!(!matches(&Secret::new("two".to_owned()), &digest));
        assert!(!matches(
            &Secret::new("one".to_owned()),
            &SecretDigest::from_base64url(String::new())
        ));
    }

    #[test]
    fn at_hash_is_half_of_the_hash_of_its_algorithm() {
        // OpenID Connect Core, appendix A.3.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(half_hash(Algorithm::Rs256, token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(half_hash(Algorithm::Es256, token), "77QmUPtjPfzWtF2AnpK9RQ");
        let of_sha512 = sha2::digest(&SHA512, token.as_bytes());
        assert_eq!(
            half_hash(Algorithm::EdDsa, token),
            URL_SAFE_NO_PAD.encode(&of_sha512.as_ref()[..32])
        );
    }

    #[test]
    fn equal_compares_bytes_and_lengths() {
        assert!(equal(b"abc", b"abc"));
        assert!(!equal(b"abc", b"abd"));
        assert!(!equal(b"abc", b"ab"));
    }
}
