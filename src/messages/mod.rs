//! What people read, in their language: message catalogues in Fluent's syntax, compiled in. A language is
//! added by adding a file to `templates/messages` and a line to [`LANGUAGES`].

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

/// The id of a message that is said elsewhere: written so that the test of all ids finds it.
macro_rules! id {
    ($id:literal) => {
        $id
    };
}
pub(crate) use id;

/// Tag (BCP 47) and catalogue.
const LANGUAGES: &[(&str, &str)] = &[("en", include_str!("../../templates/messages/en.ftl"))];

/// The words of one language.
pub struct Messages {
    /// BCP 47, for the `lang` of a page.
    pub language: &'static str,
    bundle: FluentBundle<FluentResource>,
}

static CATALOGUES: LazyLock<Vec<Messages>> = LazyLock::new(|| {
    LANGUAGES.iter().map(|(language, source)| Messages::parse(language, source)).collect()
});

/// What stands for a variable while its place in a text is looked for: private use, in no catalogue.
const MARK: &str = "\u{e000}";

impl Messages {
    /// The language for somebody who understands all.
    pub fn english() -> &'static Self {
        &CATALOGUES[0]
    }

    fn parse(language: &'static str, source: &str) -> Self {
        let identifier: LanguageIdentifier = language.parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![identifier]);
        // Isolation marks would stand in what people copy, such as names and addresses.
        bundle.set_use_isolating(false);
        // What Fluent cannot read is missing afterwards; a test reads every catalogue.
        let resource = match FluentResource::try_new(source.to_owned()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        bundle.add_resource_overriding(resource);
        Self { language, bundle }
    }

    /// The text of that name, or the name itself if the catalogue lacks it.
    pub fn say(&self, id: &str) -> String {
        self.format(id, None)
    }

    /// With one variable.
    pub fn say_with<'v>(
        &self,
        id: &str,
        name: &'v str,
        value: impl Into<FluentValue<'v>>,
    ) -> String {
        let mut arguments = FluentArgs::new();
        arguments.set(name, value);
        self.format(id, Some(&arguments))
    }

    pub fn say_with_two(
        &self,
        id: &str,
        (name, value): (&str, &str),
        (other, other_value): (&str, &str),
    ) -> String {
        let mut arguments = FluentArgs::new();
        arguments.set(name, value);
        arguments.set(other, other_value);
        self.format(id, Some(&arguments))
    }

    pub fn say_with_all(&self, id: &str, named: &[(&str, &str)]) -> String {
        let arguments: FluentArgs<'_> = named.iter().copied().collect();
        self.format(id, Some(&arguments))
    }

    /// What stands before and after the one variable: for pages that emphasise it.
    pub fn around(&self, id: &str, name: &str) -> (String, String) {
        let text = self.say_with(id, name, MARK);
        match text.split_once(MARK) {
            Some((before, after)) => (before.to_owned(), after.to_owned()),
            None => (text, String::new()),
        }
    }

    fn format(&self, id: &str, arguments: Option<&FluentArgs<'_>>) -> String {
        let Some(pattern) = self.bundle.get_message(id).and_then(|message| message.value()) else {
            tracing::error!(id, language = self.language, "a message is missing");
            return id.to_owned();
        };
        self.bundle.format_pattern(pattern, arguments, &mut Vec::new()).into_owned()
    }

    #[cfg(test)]
    fn has(&self, id: &str) -> bool {
        self.bundle.get_message(id).is_some_and(|message| message.value().is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_catalogue_can_be_read_and_all_hold_the_same_messages() {
        let ids = |source: &str| -> BTreeSet<String> {
            let resource = FluentResource::try_new(source.to_owned());
            let resource = resource.map_err(|(_, errors)| errors).expect("a readable catalogue");
            drop(resource);
            let is_id = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase());
            source
                .lines()
                .filter(is_id)
                .filter_map(|line| Some(line.split_once(" =")?.0.to_owned()))
                .collect()
        };
        let english = ids(LANGUAGES[0].1);
        assert!(english.len() > 50, "{} messages", english.len());
        for (language, source) in LANGUAGES {
            assert_eq!(ids(source), english, "{language}");
        }
    }

    /// Every id that a template or a source names in quotes after `say`, and no others.
    #[test]
    fn templates_and_sources_name_messages_that_exist_and_none_is_left_over() {
        let mut named = BTreeSet::new();
        for folder in ["templates", "src"] {
            collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut named);
        }
        let messages = Messages::english();
        let missing: Vec<_> = named.iter().filter(|id| !messages.has(id)).collect();
        assert!(missing.is_empty(), "no such messages: {missing:?}");
        let source = LANGUAGES[0].1;
        let known = source.lines().filter_map(|line| Some(line.split_once(" =")?.0));
        let known = known.filter(|id| id.starts_with(|c: char| c.is_ascii_lowercase()));
        let unused: Vec<_> = known.filter(|id| !named.contains(*id)).collect();
        assert!(unused.is_empty(), "nobody says: {unused:?}");
    }

    /// Texts in quotes that are written like ids of messages: `area-what`.
    fn collect(folder: &Path, named: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, named);
            } else if path.extension().is_some_and(|e| e == "html" || e == "rs" || e == "txt") {
                let text = fs::read_to_string(&path).unwrap();
                for call in
                    ["say", "say_with", "say_count", "strong", "say_with_two", "around", "id!"]
                {
                    let opening = format!("{call}(\"");
                    let ids = text.split(opening.as_str()).skip(1);
                    named.extend(ids.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
                }
            }
        }
    }

    #[test]
    fn a_text_can_be_parted_around_its_variable() {
        let (before, after) = Messages::english().around("login-to-continue", "app");
        assert_eq!((before.as_str(), after.as_str()), ("to continue to ", ""));
    }
}
