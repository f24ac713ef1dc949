//! What is wrong with a link, and what a device is called, in the reader's language.

use crate::domain::parameters::InvalidParameters;
use crate::flows::oauth::authorize::NoReply;
use crate::flows::oauth::logout::InvalidLogout;
use crate::messages::id;
use crate::web::sentence::Sentence;

impl Sentence for NoReply {
    fn id(&self) -> &'static str {
        match self {
            Self::NoClient => id!("link-no-client"),
            Self::UnknownClient => id!("link-unknown-client"),
            Self::NoRedirectUri => id!("link-no-redirect-uri"),
            Self::UnregisteredRedirectUri => id!("link-unregistered-uri"),
        }
    }
}

impl Sentence for InvalidLogout {
    fn id(&self) -> &'static str {
        match self {
            Self::Repeated => id!("sign-out-repeated"),
            Self::BadHint => id!("sign-out-bad-hint"),
            Self::UnknownClient => id!("sign-out-unknown-client"),
            Self::NoClient => id!("sign-out-no-client"),
            Self::UnregisteredUri => id!("link-unregistered-uri"),
        }
    }
}

impl Sentence for InvalidParameters {
    fn id(&self) -> &'static str {
        match self {
            Self::NotUtf8 | Self::ControlCharacter => id!("link-unreadable"),
            Self::TooMany => id!("link-too-long"),
        }
    }
}

/// The answer 413.
pub enum TooLarge {
    Form,
    File,
}

impl Sentence for TooLarge {
    fn id(&self) -> &'static str {
        match self {
            Self::Form => id!("link-too-large"),
            Self::File => id!("link-file-too-large"),
        }
    }
}

/// What a program would be told in more words, and the log has.
pub struct NotInOrder;

impl Sentence for NotInOrder {
    fn id(&self) -> &'static str {
        id!("link-not-in-order")
    }
}

/// Browser and system, as people call them; `None` for what is no browser that we know.
pub fn device(user_agent: &str) -> Option<String> {
    // Each also says the names of those after it, for old pages' sake.
    let browsers = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS", "Firefox"),
        ("CriOS", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    let systems = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let named = |names: &[(&str, &'static str)]| {
        names.iter().find(|(sign, _)| user_agent.contains(sign)).map(|(_, name)| *name)
    };
    match (named(&browsers), named(&systems)) {
        (Some(browser), Some(system)) => Some(format!("{browser}, {system}")),
        (Some(name), None) | (None, Some(name)) => Some(name.to_owned()),
        (None, None) => user_agent
            .split(['/', ' '])
            .next()
            .filter(|name| !name.is_empty())
            .map(|name| name.chars().take(40).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn a_device_is_named_as_people_call_it() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
        assert_eq!(device(chrome).as_deref(), Some("Chrome, Linux"));
        let iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
        assert_eq!(device(iphone).as_deref(), Some("Safari, iPhone"));
        assert_eq!(device("curl/8.5.0").as_deref(), Some("curl"));
        assert_eq!(device(""), None);
    }
}
