//! An e-mail address: as its owner wrote it, and the key that finds it again.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use url::Host;

/// RFC 5321 §4.5.3.1.3 allows 256 with the brackets of the path.
const MAX_LENGTH: usize = 254;
/// RFC 5321 §4.5.3.1.1.
const MAX_LOCAL_LENGTH: usize = 64;

#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress {
    written: String,
    key: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEmail {
    #[error("Enter an e-mail address.")]
    Empty,
    #[error("This e-mail address is too long: 254 characters at most.")]
    TooLong,
    #[error("Enter a single e-mail address, such as name@example.com.")]
    Malformed,
}

impl EmailAddress {
    /// Accepts the addresses that mail is sent to: one `local@domain`, no comments, no
    /// quoting, no lists, nothing that is not seen. White space around it is dropped.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let address = Self::stored(text)?;
        let starts_with_mark = address.written.starts_with(is_combining_mark);
        if starts_with_mark || !address.written.chars().all(is_seen) {
            return Err(InvalidEmail::Malformed);
        }
        // A wide `ｋ` finds the account of `k`, but mail to it may go to somebody else: who came first would keep
        // the other out.
        let local = address.local_part();
        if !local.nfkc().eq(local.chars()) {
            return Err(InvalidEmail::Malformed);
        }
        Ok(address)
    }

    /// One that was accepted before, when more was: its account must be found and shown all the same.
    pub fn stored(text: &str) -> Result<Self, InvalidEmail> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(InvalidEmail::Empty);
        }
        if trimmed.len() > MAX_LENGTH {
            return Err(InvalidEmail::TooLong);
        }
        let written: String = trimmed.nfc().collect();
        let (local, domain) = written.split_once('@').ok_or(InvalidEmail::Malformed)?;
        if !is_local_part(local) || !is_domain(domain) {
            return Err(InvalidEmail::Malformed);
        }
        // As DNS has it: `bücher.example` and `xn--bcher-kva.example` are one (RFC 5890).
        let Ok(Host::Domain(domain)) = Host::parse(domain) else {
            return Err(InvalidEmail::Malformed);
        };
        // Mail servers may tell cases apart in the local part; none that matter do, and
        // two accounts that differ in case alone are an invitation to phish.
        let key = local.nfkc().flat_map(char::to_lowercase).chain("@".chars());
        let key = key.chain(domain.chars()).collect();
        Ok(Self { written, key })
    }

    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The same for all spellings of the address: unique in a tenant.
    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn local_part(&self) -> &str {
        self.written.split('@').next().unwrap_or_default()
    }

    /// As DNS has it: lower case, and ASCII alone (RFC 5890).
    pub fn domain(&self) -> &str {
        self.key.rsplit('@').next().unwrap_or_default()
    }

    /// The same for all addresses that most mail servers put into one mailbox: without a `+tag`. It is good for
    /// counting alone: some servers tell them apart.
    pub fn mailbox_key(&self) -> String {
        let (local, domain) = self.key.rsplit_once('@').unwrap_or_default();
        let untagged = local.split_once('+').map_or(local, |(before, _)| before);
        let name = if untagged.is_empty() { local } else { untagged };
        format!("{name}@{domain}")
    }

    /// Whether mail to either surely reaches the same people. The key says less: it also joins letters that look
    /// alike, such as `ｋ` and `k`, which a mail server may give to different people.
    pub fn is_same_mailbox(&self, other: &Self) -> bool {
        self.local_part().eq_ignore_ascii_case(other.local_part())
            && self.domain() == other.domain()
    }
}

/// Of other scripts than ASCII, letters and digits alone, and the marks that combine with them, as the vowels of
/// many scripts do: no sign that is not seen, or that turns what stands beside it around.
fn is_seen(c: char) -> bool {
    // Letters and marks that are not drawn: Default_Ignorable_Code_Point.
    let is_ignored = matches!(c,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}');
    c.is_ascii() || (!is_ignored && (c.is_alphanumeric() || is_combining_mark(c)))
}

fn is_local_part(local: &str) -> bool {
    let allowed = |c: char| {
        c.is_alphanumeric()
            || "!#$%&'*+-/=?^_`{|}~.".contains(c)
            || (!c.is_ascii() && !c.is_control() && !c.is_whitespace())
    };
    !local.is_empty()
        && local.len() <= MAX_LOCAL_LENGTH
        && local.chars().all(allowed)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
}

fn is_domain(domain: &str) -> bool {
    domain.split('.').all(|label| {
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    })
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// An address is personal data: a log line that prints one is a mistake.
impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_share_a_key() {
        let written = EmailAddress::parse("  Ada.Lovelace@Example.COM ").unwrap();
        assert_eq!(written.as_str(), "Ada.Lovelace@Example.COM");
        assert_eq!(written.key(), "ada.lovelace@example.com");
        assert_eq!(
            EmailAddress::parse("a\u{308}@x.de").unwrap().key(),
            EmailAddress::parse("\u{e4}@x.de").unwrap().key()
        );
    }

    #[test]
    fn a_domain_has_one_form_and_look_alikes_are_no_same_mailbox() {
        let parse = |text| EmailAddress::stored(text).unwrap();
        let (letters, ascii) = (parse("a@Bücher.example"), parse("A@xn--bcher-kva.example"));
        assert_eq!(letters.key(), ascii.key());
        assert_eq!(letters.domain(), "xn--bcher-kva.example");
        assert!(letters.is_same_mailbox(&ascii));
        // A wide k, and the ligature fi.
        for (odd, plain) in [("\u{ff4b}ate@x.de", "kate@x.de"), ("\u{fb01}@x.de", "fi@x.de")] {
            assert_eq!(parse(odd).key(), parse(plain).key());
            assert!(!parse(odd).is_same_mailbox(&parse(plain)), "{plain}");
            assert_eq!(EmailAddress::parse(odd), Err(InvalidEmail::Malformed), "{plain}");
        }
    }

    #[test]
    fn letters_of_any_script_are_taken_and_nothing_that_is_not_seen() {
        // Greek, Chinese, Arabic, and Devanagari and Thai, whose vowels are marks.
        for local in ["δοκιμή", "用户", "مستخدم", "हिन्दी", "ผู้ใช้", "jörg", "a\u{308}"]
        {
            assert!(EmailAddress::parse(&format!("{local}@x.de")).is_ok(), "{local}");
        }
        for (what, c) in [
            ("override", '\u{202e}'),
            ("isolate", '\u{2066}'),
            ("mark", '\u{200e}'),
            ("zero-width space", '\u{200b}'),
            ("zero-width joiner", '\u{200d}'),
            ("word joiner", '\u{2060}'),
            ("byte order mark", '\u{feff}'),
            ("soft hyphen", '\u{ad}'),
            ("variation selector", '\u{fe0f}'),
            ("grapheme joiner", '\u{34f}'),
            ("Hangul filler", '\u{3164}'),
            ("half-width filler", '\u{ffa0}'),
            ("choseong filler", '\u{115f}'),
            ("Khmer inherent vowel", '\u{17b4}'),
            ("Mongolian selector", '\u{180b}'),
            ("tag", '\u{e0061}'),
            ("private use", '\u{e000}'),
            ("line separator", '\u{2028}'),
            ("full-width at", '\u{ff20}'),
            ("full-width comma", '\u{ff0c}'),
            ("quotation mark", '\u{201c}'),
            ("picture", '\u{1f600}'),
        ] {
            for text in [format!("a{c}b@x.de"), format!("{c}@x.de"), format!("a@x{c}y.de")] {
                assert_eq!(EmailAddress::parse(&text), Err(InvalidEmail::Malformed), "{what}");
            }
        }
        assert!(EmailAddress::parse("\u{301}a@x.de").is_err(), "a mark on nothing");
        // What is in a database from before can be read.
        assert_eq!(EmailAddress::stored("a\u{202e}b@x.de").unwrap().as_str(), "a\u{202e}b@x.de");
    }

    #[test]
    fn tags_make_no_other_mailbox() {
        let key = |text| EmailAddress::parse(text).unwrap().mailbox_key();
        assert_eq!(key("Ada+1@x.de"), key("ada+2+3@X.de"));
        assert_eq!(key("ada+1@x.de"), "ada@x.de");
        assert_eq!(key("+1@x.de"), "+1@x.de");
    }

    #[test]
    fn what_is_not_one_address_is_refused() {
        for text in [
            "",
            " ",
            "a",
            "@b",
            "a@",
            "a@b@c",
            "a@x.de,b@y.de",
            "a b@x.de",
            "a@x.de\r\nBcc: b@y.de",
            "a@x..de",
            ".a@x.de",
            "a.@x.de",
            "a@-x.de",
            "<a@x.de>",
            "a\0@x.de",
            "a@x.de\0",
            "\"a\"@x.de",
            "a@127.0.0.1",
            "a@0x7f.1",
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(
            EmailAddress::parse(&format!("a@{}.de", "x".repeat(65_536))),
            Err(InvalidEmail::TooLong)
        );
    }
}
