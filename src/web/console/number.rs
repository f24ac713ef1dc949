//! A number in a form: as it stands in its field, and what is wrong with it.

pub struct Number {
    pub text: String,
    pub problem: Option<String>,
}

impl Number {
    pub fn of(number: impl Into<u64>) -> Self {
        Self { text: number.into().to_string(), problem: None }
    }

    pub fn typed(text: &str, problem: Option<&String>) -> Self {
        Self { text: text.chars().take(20).collect(), problem: problem.cloned() }
    }
}
