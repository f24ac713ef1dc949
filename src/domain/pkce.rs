//! Proof Key for Code Exchange (RFC 7636), method S256 alone.

/// RFC 7636 §4.2: base64url without padding of a SHA-256, hence 43 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeChallenge(String);

/// RFC 7636 §4.1: 43 to 128 unreserved characters.
#[derive(Clone)]
pub struct CodeVerifier(String);

impl CodeChallenge {
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (text.len() == 43 && text.bytes().all(allowed)).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl CodeVerifier {
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        ((43..=128).contains(&text.len()) && text.bytes().all(allowed))
            .then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
