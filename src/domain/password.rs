//! Passwords: one to be set, one that someone presents, and what is kept of one.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::secret::Secret;

/// NIST SP 800-63B-4 §3.1.1.2, with zxcvbn on top.
pub const MIN_LENGTH: usize = 8;
/// Long enough for any passphrase, short enough to cost nothing before it is hashed.
pub const MAX_LENGTH: usize = 1024;

/// What is kept of a password: a PHC string, with salt and parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    pub fn from_phc(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// What is wrong with a password that someone chose, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    #[error(
        "Use at least 8 characters. A few unrelated words are easy to remember and hard to guess."
    )]
    TooShort,
    #[error("Use at most 1,024 characters.")]
    TooLong,
    #[error("This password holds a character that cannot be typed. Enter it by hand.")]
    Unusable,
    #[error("This password is easy to guess. Choose a longer one, such as a few unrelated words.")]
    TooCommon,
    #[error(
        "This password is easy to guess from your name, your e-mail address or this service's name. Leave them out."
    )]
    ContainsOwnData,
}

/// A password to be set: 8 to 1,024 characters of any script, in NFC, so that it is the same
/// from every keyboard. No rules about which characters it must have.
#[derive(Clone, Debug)]
pub struct NewPassword(Secret);

impl NewPassword {
    pub fn parse(text: &str) -> Result<Self, PasswordProblem> {
        let normalized = normalize(text).ok_or(PasswordProblem::TooLong)?;
        if normalized.contains('\0') {
            return Err(PasswordProblem::Unusable);
        }
        match normalized.chars().count() {
            ..MIN_LENGTH => Err(PasswordProblem::TooShort),
            MIN_LENGTH..=MAX_LENGTH => Ok(Self(Secret::new(normalized.to_string()))),
            _ => Err(PasswordProblem::TooLong),
        }
    }

    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

/// A password that someone presents, in NFC. It may be anything that is not too long to be a password.
#[derive(Clone, Debug)]
pub struct PresentedPassword(Secret);

impl PresentedPassword {
    pub fn parse(text: &str) -> Option<Self> {
        let normalized = normalize(text)?;
        let fits = normalized.chars().count() <= MAX_LENGTH;
        fits.then(|| Self(Secret::new(normalized.to_string())))
    }

    /// Stands for what cannot be a password: to be checked like one, and in vain.
    pub fn none() -> Self {
        Self(Secret::new(String::new()))
    }

    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

/// NFC, or `None` for what is too long whatever it composes to.
fn normalize(text: &str) -> Option<Zeroizing<String>> {
    // At most four characters, of at most four bytes each, compose to one.
    const MAX_BYTES: usize = MAX_LENGTH * 4 * 4;
    if text.len() > MAX_BYTES {
        return None;
    }
    // NFC at most triples the bytes of UTF-8 (UAX #15 §9): the buffer never grows and leaves no copy behind.
    let mut normalized = Zeroizing::new(String::with_capacity(text.len() * 3));
    normalized.extend(text.nfc());
    Some(normalized)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_password_has_8_to_1024_characters() {
        let problem = |text: &str| NewPassword::parse(text).err();
        assert_eq!(problem("1234567"), Some(PasswordProblem::TooShort));
        assert_eq!(problem("12345678"), None);
        assert_eq!(problem(&"ä".repeat(1024)), None);
        assert_eq!(problem(&"ä".repeat(1025)), Some(PasswordProblem::TooLong));
        assert_eq!(problem(&"a".repeat(1_000_000)), Some(PasswordProblem::TooLong));
        assert_eq!(problem("1234\x005678"), Some(PasswordProblem::Unusable));
        assert_eq!(problem("        "), None);
    }

    #[test]
    fn length_is_counted_in_characters_once_composed() {
        let decomposed = "a\u{308}".repeat(7);
        assert_eq!(NewPassword::parse(&decomposed).unwrap_err(), PasswordProblem::TooShort);
        // Each of these four characters composes to one.
        assert!(NewPassword::parse(&"\u{3b1}\u{313}\u{300}\u{345}".repeat(1024)).is_ok());
    }

    #[test]
    fn a_password_is_the_same_from_every_keyboard() {
        let composed = NewPassword::parse("pässwörd-ñ").unwrap();
        let decomposed = PresentedPassword::parse("pa\u{308}sswo\u{308}rd-n\u{303}").unwrap();
        assert_eq!(composed.secret().expose(), decomposed.secret().expose());
    }

    #[test]
    fn what_is_presented_may_be_anything_but_too_long() {
        for text in ["", "x", "\0", "  spaces  ", &"x".repeat(1024)] {
            assert_eq!(PresentedPassword::parse(text).unwrap().secret().expose(), text);
        }
        assert!(PresentedPassword::parse(&"x".repeat(1025)).is_none());
        assert!(PresentedPassword::parse(&"x".repeat(1_000_000)).is_none());
    }

    #[test]
    fn nfc_never_outgrows_its_buffer() {
        // U+1D160 and U+0390 expand the most (UAX #15 §9, NFC in UTF-8).
        for text in ["\u{1d160}", "\u{390}", "\u{fb2c}", "\u{958}"] {
            let text = text.repeat(100);
            let normalized = normalize(&text).unwrap();
            assert!(normalized.len() <= text.len() * 3, "{}", normalized.len());
        }
    }

    #[test]
    fn printing_a_password_prints_nothing_of_it() {
        let hash = PasswordHash::from_phc("$argon2id$v=19$secret".to_owned());
        let printed = format!(
            "{hash:?} {:?} {:?}",
            NewPassword::parse("secret secret").unwrap(),
            PresentedPassword::parse("secret").unwrap()
        );
        assert!(!printed.contains("secret"), "{printed}");
    }
}
