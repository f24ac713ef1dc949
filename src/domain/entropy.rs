//! Randomness as an argument.

use super::secret::Secret;

/// A source of cryptographically secure random bytes.
pub trait Entropy: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Letters and digits that carry 256 random bits: 43 of them, log2(62^43) = 256.03.
const SECRET_LENGTH: usize = 43;

/// A fresh secret of 256 bits in `[A-Za-z0-9]`, which every encoding leaves as it is.
pub fn random_secret(entropy: &dyn Entropy) -> Secret {
    Secret::new(random_letters(entropy, SECRET_LENGTH))
}

/// `length` letters and digits, each equally likely.
pub fn random_letters(entropy: &dyn Entropy, length: usize) -> String {
    let mut letters = String::with_capacity(length);
    let mut bytes = [0_u8; 64];
    while letters.len() < length {
        entropy.fill(&mut bytes);
        for byte in bytes {
            // 248 = 4 × 62: bytes above it would favour the first letters.
            if byte < 248 && letters.len() < length {
                letters.push(char::from(ALPHABET[usize::from(byte % 62)]));
            }
        }
    }
    letters
}

/// The most letters whose number is a machine word, and how many such numbers there are.
const WORD_LETTERS: usize = 10;
const WORD: u128 = 62_u128.pow(10);

/// A number as so many letters and digits that sort as the number does; 22 hold 128 bits.
pub fn encode_base62<const LETTERS: usize>(mut number: u128) -> [u8; LETTERS] {
    let mut letters = [b'0'; LETTERS];
    // Machine words are divided many times as fast.
    for some in letters.rchunks_mut(WORD_LETTERS) {
        let mut word = (number % WORD) as u64;
        number /= WORD;
        for letter in some.iter_mut().rev() {
            *letter = ALPHABET[(word % 62) as usize];
            word /= 62;
        }
    }
    letters
}

/// The inverse of [`encode_base62`]; `None` for anything that it does not print in so many letters.
pub fn decode_base62<const LETTERS: usize>(letters: &[u8]) -> Option<u128> {
    let letters: &[u8; LETTERS] = letters.try_into().ok()?;
    letters.iter().try_fold(0_u128, |number, letter| {
        let digit = match letter {
            b'0'..=b'9' => letter - b'0',
            b'A'..=b'Z' => letter - b'A' + 10,
            b'a'..=b'z' => letter - b'a' + 36,
            _ => return None,
        };
        number.checked_mul(62)?.checked_add(u128::from(digit))
    })
}
