//! Signing in by a code that is mailed: six digits, for one browser, for ten minutes, with five tries.

use std::time::Duration;

use super::email_address::EmailAddress;
use super::entropy::Entropy;
use super::secret::Secret;

pub const LIFE: Duration = Duration::from_secs(10 * 60);
/// Five of a million: with the limits on asking, guessing does not pay.
pub const MAX_TRIES: i32 = 5;
const DIGITS: usize = 6;

/// A sign-in that waits for its code.
#[derive(Clone, Debug)]
pub struct WaitingSignIn {
    pub email: EmailAddress,
    /// `None` if no code was sent, since there is nobody to send it to: no code is right then.
    pub code_mac: Option<String>,
}

pub fn generate(entropy: &dyn Entropy) -> Secret {
    let mut code = String::with_capacity(DIGITS);
    let mut bytes = [0_u8; 32];
    while code.len() < DIGITS {
        entropy.fill(&mut bytes);
        // 250 = 25 × 10: bytes above it would favour the first digits.
        let digits = bytes.iter().filter(|byte| **byte < 250).map(|byte| b'0' + byte % 10);
        code.extend(digits.map(char::from).take(DIGITS - code.len()));
    }
    Secret::new(code)
}

/// What someone typed: six digits, with the spaces that people put between them.
pub fn parse(text: &str) -> Option<Secret> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').take(7).collect();
    let well_formed = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    well_formed.then(|| Secret::new(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(std::sync::atomic::AtomicU8);
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
        }
    }

    #[test]
    fn a_code_is_six_digits_and_is_read_as_people_type_it() {
        let code = generate(&Counting(248.into()));
        assert_eq!(code.expose(), "890123");
        assert_eq!(parse(" 890 123 ").unwrap().expose(), "890123");
        for bad in ["", "12345", "1234567", "12345a", "１２３４５６"] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
