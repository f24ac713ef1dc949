//! Passwords: one to be set, one that someone presents, and what is kept of one.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::secret::Secret;

/// The fewest characters that a tenant takes in a new password; those that are set already go on working.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MinLength(u8);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a password has at least 8 characters, and no tenant may ask for more than 64")]
pub struct InvalidMinLength;

impl MinLength {
    /// NIST SP 800-63B-4 §3.1.1.2, with zxcvbn on top.
    pub const LEAST: Self = Self(8);
    /// More would keep out what password managers make; the same section wants 64 to be taken.
    pub const MOST: Self = Self(64);

    pub fn new(characters: u8) -> Result<Self, InvalidMinLength> {
        let is_allowed = (Self::LEAST.0..=Self::MOST.0).contains(&characters);
        is_allowed.then_some(Self(characters)).ok_or(InvalidMinLength)
    }

    pub fn parse(text: &str) -> Result<Self, InvalidMinLength> {
        Self::new(text.trim().parse().map_err(|_| InvalidMinLength)?)
    }

    pub const fn characters(self) -> u8 {
        self.0
    }
}

impl Default for MinLength {
    fn default() -> Self {
        Self::LEAST
    }
}

impl fmt::Display for MinLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

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
        "Use at least {0} characters. A few unrelated words are easy to remember and hard to guess."
    )]
    TooShort(MinLength),
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

/// A password that somebody chose: at most 1,024 characters of any script, in NFC, so that it is the same
/// from every keyboard. No rules about which characters it must have. Whether it is long enough for its tenant and
/// hard enough to guess, `crypto::password_strength` says.
#[derive(Clone, Debug)]
pub struct NewPassword(Secret);

impl NewPassword {
    pub fn parse(text: &str) -> Result<Self, PasswordProblem> {
        let normalized = normalize(text).ok_or(PasswordProblem::TooLong)?;
        if normalized.contains('\0') {
            return Err(PasswordProblem::Unusable);
        }
        match normalized.chars().count() {
            ..=MAX_LENGTH => Ok(Self(Secret::new(normalized.to_string()))),
            _ => Err(PasswordProblem::TooLong),
        }
    }

    pub fn unless_shorter_than(&self, least: MinLength) -> Result<(), PasswordProblem> {
        match self.0.expose().chars().count() < usize::from(least.0) {
            true => Err(PasswordProblem::TooShort(least)),
            false => Ok(()),
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
    fn a_new_password_has_the_tenants_least_to_1024_characters() {
        let problem_of = |text: &str, least: MinLength| {
            NewPassword::parse(text).and_then(|it| it.unless_shorter_than(least)).err()
        };
        let problem = |text: &str| problem_of(text, MinLength::default());
        assert_eq!(problem(""), Some(PasswordProblem::TooShort(MinLength::LEAST)));
        assert_eq!(problem("1234567"), Some(PasswordProblem::TooShort(MinLength::LEAST)));
        assert_eq!(problem("12345678"), None);
        for least in [9, 15, 64] {
            let least = MinLength::new(least).unwrap();
            let text = "ä".repeat(usize::from(least.characters()));
            assert_eq!(problem_of(&text, least), None);
            assert_eq!(
                problem_of(&text[.."ä".len() * usize::from(least.characters() - 1)], least),
                Some(PasswordProblem::TooShort(least))
            );
        }
        assert_eq!(problem(&"ä".repeat(1024)), None);
        assert_eq!(problem(&"ä".repeat(1025)), Some(PasswordProblem::TooLong));
        assert_eq!(problem(&"a".repeat(1_000_000)), Some(PasswordProblem::TooLong));
        assert_eq!(problem("1234\x005678"), Some(PasswordProblem::Unusable));
        assert_eq!(problem("        "), None);
    }

    #[test]
    fn length_is_counted_in_characters_once_composed() {
        let decomposed = "a\u{308}".repeat(7);
        let seven = NewPassword::parse(&decomposed).unwrap();
        let least = MinLength::default();
        assert_eq!(seven.unless_shorter_than(least), Err(PasswordProblem::TooShort(least)));
        // Each of these four characters composes to one.
        assert!(NewPassword::parse(&"\u{3b1}\u{313}\u{300}\u{345}".repeat(1024)).is_ok());
    }

    #[test]
    fn a_tenant_may_ask_for_8_to_64_characters() {
        for good in ["8", " 12 ", "64"] {
            assert!(MinLength::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "7", "65", "300", "-8", "8.5", "eight"] {
            assert_eq!(MinLength::parse(bad), Err(InvalidMinLength), "{bad}");
        }
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
