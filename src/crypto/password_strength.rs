//! Whether a password that someone chose is hard enough to guess, for a stranger and for an acquaintance.

use zeroize::Zeroizing;
use zxcvbn::matching::Match;
use zxcvbn::matching::patterns::MatchPattern;
use zxcvbn::{Score, zxcvbn};

use crate::domain::password::{MinLength, NewPassword, PasswordProblem};

/// Below it, a password falls within a million guesses: every one in zxcvbn's lists of common ones does.
const MIN_SCORE: Score = Score::Two;
/// zxcvbn takes time by the square of the length; whatever comes after this can only help.
const MAX_CHARACTERS: usize = 100;
/// Shorter parts of names are in passwords by chance.
const MIN_PERSONAL_PART: usize = 4;

/// Whether the tenant, which wants at least `least` characters, takes it. `personal` is what others know of the
/// user: e-mail address, name, the tenant's name.
pub fn check(
    password: &NewPassword,
    least: MinLength,
    personal: &[&str],
) -> Result<(), PasswordProblem> {
    password.unless_shorter_than(least)?;
    let text = password.secret().expose();
    let mut head = Zeroizing::new(String::with_capacity(text.len()));
    head.extend(text.chars().take(MAX_CHARACTERS));
    let personal = parts(personal);
    let personal: Vec<&str> = personal.iter().map(String::as_str).collect();
    let estimate = zxcvbn(&head, &personal);
    if estimate.score() >= MIN_SCORE {
        Ok(())
    } else if estimate.sequence().iter().any(|part| is_personal(part, &personal)) {
        Err(PasswordProblem::ContainsOwnData)
    } else {
        Err(PasswordProblem::TooCommon)
    }
}

/// Each of them whole, and the words that it is made of, in lower case.
fn parts(personal: &[&str]) -> Vec<String> {
    let mut parts: Vec<String> = personal.iter().map(|text| text.to_lowercase()).collect();
    for text in personal {
        parts.extend(text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase));
    }
    parts.retain(|part| part.chars().count() >= MIN_PERSONAL_PART);
    parts
}

fn is_personal(part: &Match, personal: &[&str]) -> bool {
    match &part.pattern {
        MatchPattern::Dictionary(word) => personal.contains(&word.matched_word.as_str()),
        MatchPattern::Repeat(repeat) => {
            repeat.base_matches.iter().any(|part| is_personal(part, personal))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSONAL: [&str; 4] =
        ["ada.lovelace@analytical.example", "ada.lovelace", "Ada Lovelace", "Analytical Engines"];

    fn problem(password: &str) -> Option<PasswordProblem> {
        check(&NewPassword::parse(password).unwrap(), MinLength::default(), &PERSONAL).err()
    }

    #[test]
    fn well_known_and_regular_passwords_are_too_common() {
        for password in [
            "password",
            "P@ssw0rd",
            "12345678",
            "1234567890",
            "qwertyuiop",
            "iloveyou",
            "letmein1",
            "aaaaaaaaaaaaaaaa",
            "abcdefghijkl",
            "11111111",
            "password123",
            "abcabcabcabc",
            "19841984",
        ] {
            assert_eq!(problem(password), Some(PasswordProblem::TooCommon), "{password}");
        }
    }

    #[test]
    fn what_others_know_of_the_user_is_no_password() {
        for password in [
            "lovelace",
            "Lovelace1",
            "ada.lovelace",
            "ADA.LOVELACE",
            "ecalevol",
            "lovelacelovelace",
            "analytical1",
            "ada.lovelace@analytical.example",
            "l0velace",
        ] {
            assert_eq!(problem(password), Some(PasswordProblem::ContainsOwnData), "{password}");
        }
    }

    #[test]
    fn a_few_unrelated_words_and_random_letters_pass() {
        for password in [
            "correct horse battery staple",
            "kw8Zq2xv",
            "Lovelace sails a purple submarine",
            "пароль из четырёх слов",
            "犬も歩けば棒に当たる",
        ] {
            assert_eq!(problem(password), None, "{password}");
        }
    }

    #[test]
    fn a_password_of_any_length_and_script_is_judged() {
        assert_eq!(problem(&"a".repeat(1024)), Some(PasswordProblem::TooCommon));
        assert_eq!(problem(&"é\u{200d}🙂ß".repeat(256)), Some(PasswordProblem::TooCommon));
        assert_eq!(problem("é\u{200d}🙂ß🦀ñ\u{1}жλ"), None);
        let long: String = (0..1024_u32).map(|i| char::from(b'!' + (i * i % 89) as u8)).collect();
        assert_eq!(problem(&long), None);
    }

    #[test]
    fn knowing_nothing_of_the_user_changes_nothing_for_the_rest() {
        let check = |password| {
            let password = NewPassword::parse(password).unwrap();
            check(&password, MinLength::default(), &["", " ", "@"]).err()
        };
        assert_eq!(check("password"), Some(PasswordProblem::TooCommon));
        assert_eq!(check("correct horse battery staple"), None);
    }
}
