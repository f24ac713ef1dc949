//! What is wrong, as a sentence of the catalogue: the same one on a page and in the JSON API.

use crate::domain::email_address::InvalidEmail;
use crate::domain::password::PasswordProblem;
use crate::domain::tenant::InvalidName;
use crate::flows::account::sign_up::EmailProblem;
use crate::messages::{Messages, id};

/// What is wrong with a field of the JSON API as such, whatever it is for.
pub enum FieldProblem {
    Missing,
    NotText,
    NoDelivery,
    /// A token that is unknown, used, too old, or of another purpose, address or tenant.
    SpentToken,
}

impl Sentence for FieldProblem {
    fn id(&self) -> &'static str {
        match self {
            Self::Missing => id!("problem-field-missing"),
            Self::NotText => id!("problem-field-not-text"),
            Self::NoDelivery => id!("problem-field-delivery"),
            Self::SpentToken => id!("problem-link-spent"),
        }
    }
}

/// Says which sentence tells of it.
pub trait Sentence {
    fn id(&self) -> &'static str;

    fn say(&self, messages: &Messages) -> String {
        messages.say(self.id())
    }

    /// For a program that shows it to a person.
    fn in_english(&self) -> String {
        self.say(Messages::english())
    }
}

impl Sentence for InvalidEmail {
    fn id(&self) -> &'static str {
        match self {
            Self::Empty => id!("problem-email-empty"),
            Self::TooLong => id!("problem-email-long"),
            Self::Malformed => id!("problem-email-malformed"),
        }
    }
}

impl Sentence for EmailProblem {
    fn id(&self) -> &'static str {
        match self {
            Self::Invalid(problem) => problem.id(),
            Self::Taken => id!("problem-email-taken"),
        }
    }
}

impl Sentence for InvalidName {
    fn id(&self) -> &'static str {
        id!("problem-name")
    }
}

impl Sentence for PasswordProblem {
    fn id(&self) -> &'static str {
        match self {
            Self::TooShort(_) => id!("problem-password-short"),
            Self::TooLong => id!("problem-password-long"),
            Self::Unusable => id!("problem-password-unusable"),
            Self::TooCommon => id!("problem-password-common"),
            Self::ContainsOwnData => id!("problem-password-own"),
        }
    }

    fn say(&self, messages: &Messages) -> String {
        match self {
            Self::TooShort(least) => messages.say_with(self.id(), "least", least.characters()),
            Self::TooLong | Self::Unusable | Self::TooCommon | Self::ContainsOwnData => {
                messages.say(self.id())
            }
        }
    }
}
