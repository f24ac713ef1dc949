//! How letters look: text for every reader, HTML in the tenant's colour.

use askama::Template;

/// What a letter says.
#[derive(Clone, Debug, Default)]
pub struct Content {
    pub language: &'static str,
    pub tenant_name: String,
    /// As CSS writes it; white text on it is readable.
    pub accent: String,
    pub logo: Option<Logo>,
    pub heading: String,
    pub paragraphs: Vec<String>,
    pub code: Option<String>,
    pub action: Option<Action>,
    pub notes: Vec<String>,
}

/// A picture by its address, with its width and height in CSS pixels.
#[derive(Clone, Debug)]
pub struct Logo {
    pub url: String,
    pub width: u32,
    pub height: u32,
}

#[derive(Clone, Debug)]
pub struct Action {
    pub label: String,
    pub url: String,
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Html<'a> {
    language: &'a str,
    tenant_name: &'a str,
    accent: &'a str,
    logo: &'a Option<Logo>,
    heading: &'a str,
    paragraphs: &'a [String],
    code: &'a Option<String>,
    action: &'a Option<Action>,
    notes: &'a [String],
}

#[derive(Template)]
#[template(path = "mail/letter.txt")]
struct Text<'a> {
    tenant_name: &'a str,
    heading: &'a str,
    paragraphs: &'a [String],
    code: &'a Option<String>,
    action: &'a Option<Action>,
    notes: &'a [String],
}

impl Content {
    pub fn html(&self) -> Result<String, askama::Error> {
        let Self { language, tenant_name, accent, logo, heading, paragraphs, code, action, notes } =
            self;
        Html { language, tenant_name, accent, logo, heading, paragraphs, code, action, notes }
            .render()
    }

    pub fn text(&self) -> Result<String, askama::Error> {
        let Self { tenant_name, heading, paragraphs, code, action, notes, .. } = self;
        Text { tenant_name, heading, paragraphs, code, action, notes }.render()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup_and_both_parts_say_all() {
        let hostile = "\"><script>alert(1)</script>";
        let content = Content {
            language: "en",
            tenant_name: hostile.to_owned(),
            accent: "#136f58".to_owned(),
            logo: Some(Logo { url: hostile.to_owned(), width: 40, height: 40 }),
            heading: hostile.to_owned(),
            paragraphs: vec![hostile.to_owned()],
            code: Some("123456".to_owned()),
            action: Some(Action {
                label: "Go".to_owned(),
                url: "https://a.example/x?t=1".to_owned(),
            }),
            notes: vec![hostile.to_owned()],
        };
        let html = content.html().unwrap();
        assert!(!html.contains("<script>"), "{html}");
        let text = content.text().unwrap();
        for part in [&html, &text] {
            assert!(part.contains("123456") && part.contains("https://a.example/x?t=1"), "{part}");
        }
        assert!(text.contains(hostile));
    }
}
