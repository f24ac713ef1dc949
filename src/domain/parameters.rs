//! The parameters of an OAuth request, from a query string or a form body
//! (`application/x-www-form-urlencoded`), read strictly.

use std::borrow::Cow;

use percent_encoding::percent_decode;

#[derive(Clone, Debug, Default)]
pub struct Parameters {
    pairs: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidParameters {
    #[error("a parameter is not valid UTF-8 once its percent-encoding is undone")]
    NotUtf8,
    #[error("a parameter contains a control character")]
    ControlCharacter,
    #[error("there are more than 100 parameters")]
    TooMany,
}

impl Parameters {
    pub fn parse(encoded: &[u8]) -> Result<Self, InvalidParameters> {
        let typed = Self::parse_typed(encoded)?;
        if typed.iter().any(|(name, value)| has_control(name) || has_control(value)) {
            return Err(InvalidParameters::ControlCharacter);
        }
        Ok(typed)
    }

    /// As people may have typed it or pasted it, with line breaks: whatever takes a value refuses what it cannot
    /// use, and can say so beside the field.
    pub fn parse_typed(encoded: &[u8]) -> Result<Self, InvalidParameters> {
        let mut pairs = Vec::new();
        for pair in encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default())?;
            let value = decode(halves.next().unwrap_or_default())?;
            pairs.push((name, value));
            if pairs.len() > 100 {
                return Err(InvalidParameters::TooMany);
            }
        }
        Ok(Self { pairs })
    }

    /// The value, or `None` where it is missing or empty: RFC 6749 §3.1 treats the two alike.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The name of a parameter that came more than once (RFC 6749 §3.1 forbids it), if any did.
    pub fn repeated(&self) -> Option<&str> {
        self.pairs.iter().enumerate().find_map(|(index, (name, _))| {
            self.pairs[..index].iter().any(|(earlier, _)| earlier == name).then_some(name.as_str())
        })
    }

    pub fn is_repeated(&self, name: &str) -> bool {
        self.pairs.iter().filter(|(key, _)| key == name).count() > 1
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Those of the given names, such as may be passed on in a URL, which histories and proxies remember.
    pub fn only(&self, names: &[&str]) -> Self {
        let pairs = self.pairs.iter().filter(|(name, _)| names.contains(&name.as_str()));
        Self { pairs: pairs.cloned().collect() }
    }

    /// The same parameters, encoded anew.
    pub fn to_query(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(self.iter()).finish()
    }
}

/// Undoes the form encoding of one name or value.
pub fn decode_form_value(encoded: &[u8]) -> Result<String, InvalidParameters> {
    let value = decode(encoded)?;
    if has_control(&value) { Err(InvalidParameters::ControlCharacter) } else { Ok(value) }
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

fn decode(encoded: &[u8]) -> Result<String, InvalidParameters> {
    let spaced: Cow<'_, [u8]> = if encoded.contains(&b'+') {
        encoded
            .iter()
            .map(|byte| if *byte == b'+' { b' ' } else { *byte })
            .collect::<Vec<_>>()
            .into()
    } else {
        encoded.into()
    };
    String::from_utf8(percent_decode(&spaced).collect()).map_err(|_| InvalidParameters::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_counts_as_missing_and_repetition_is_seen() {
        let parameters = Parameters::parse(b"a=1&b=&c=x+y%2Bz&a=2").unwrap();
        assert_eq!(parameters.get("a"), Some("1"));
        assert_eq!(parameters.get("b"), None);
        assert_eq!(parameters.get("c"), Some("x y+z"));
        assert_eq!(parameters.repeated(), Some("a"));
        assert!(parameters.is_repeated("a") && !parameters.is_repeated("b"));
    }

    #[test]
    fn what_is_not_text_is_refused() {
        assert_eq!(Parameters::parse(b"a=%ff").unwrap_err(), InvalidParameters::NotUtf8);
        assert_eq!(Parameters::parse(b"a=%00").unwrap_err(), InvalidParameters::ControlCharacter);
        assert_eq!(
            Parameters::parse(b"a=%0d%0a").unwrap_err(),
            InvalidParameters::ControlCharacter
        );
        assert_eq!(Parameters::parse(&b"a&".repeat(101)).unwrap_err(), InvalidParameters::TooMany);
    }

    #[test]
    fn what_people_typed_may_have_line_breaks() {
        let typed = Parameters::parse_typed(b"email=a%0d%0ab&csrf=x").unwrap();
        assert_eq!(typed.get("email"), Some("a\r\nb"));
        assert_eq!(Parameters::parse_typed(b"a=%ff").unwrap_err(), InvalidParameters::NotUtf8);
    }

    #[test]
    fn parameters_survive_being_encoded_anew() {
        let parameters = Parameters::parse(b"state=a%26b%3Dc+d&scope=openid+email").unwrap();
        let again = Parameters::parse(parameters.to_query().as_bytes()).unwrap();
        assert_eq!(again.get("state"), Some("a&b=c d"));
        assert_eq!(again.get("scope"), Some("openid email"));
    }
}
