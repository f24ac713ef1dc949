//! Samples of every page, with short and with hostile input, and what must hold for each that is rendered.

use std::collections::BTreeSet;

use askama::Template;

use super::account::AccountPage;
use super::login::LoginPage;
use super::page::{ErrorPage, Page};
use super::welcome::{TenantLinks, WelcomePage};
use crate::web::oauth::authorize::ConfirmPage;
use crate::web::oauth::logout::{LogoutPage, SignedOutPage};
use crate::web::oauth::reply::FormPost;

/// What a user could type into any field of theirs.
const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'&{{x}}";

trait Samples: Template + Sized {
    /// With `text` wherever a person or an application decides what stands there.
    fn samples(text: &str) -> Vec<Self>;
}

fn page(text: &str) -> Page {
    Page { tenant_name: text.to_owned(), monogram: "A".to_owned(), ..Page::doorward() }
}

impl Samples for LoginPage {
    fn samples(text: &str) -> Vec<Self> {
        let empty = || Self {
            page: page(text),
            action: "/t/acme/login".to_owned(),
            csrf: "token".to_owned(),
            request: None,
            email: String::new(),
            app_name: None,
            error: None,
            email_error: None,
            password_error: None,
            notice: None,
        };
        let some = || Some(text.to_owned());
        vec![
            empty(),
            Self { request: some(), app_name: some(), email: text.to_owned(), ..empty() },
            Self { error: some(), notice: some(), ..empty() },
            Self { email_error: some(), password_error: some(), ..empty() },
        ]
    }
}

impl Samples for ConfirmPage {
    fn samples(text: &str) -> Vec<Self> {
        let sample = |scopes: &[&str]| Self {
            page: page(text),
            action: "/t/acme/oauth2/authorize/continue".to_owned(),
            csrf: "token".to_owned(),
            request: "req".to_owned(),
            app_name: text.to_owned(),
            user_name: text.to_owned(),
            user_email: text.to_owned(),
            user_initial: "A".to_owned(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        };
        vec![sample(&[]), sample(&[text, text])]
    }
}

impl Samples for LogoutPage {
    fn samples(text: &str) -> Vec<Self> {
        let sample = |user_email: Option<String>| Self {
            page: page(text),
            action: "/t/acme/oauth2/logout".to_owned(),
            csrf: "token".to_owned(),
            fields: vec![("state".to_owned(), text.to_owned())],
            user_email,
        };
        vec![sample(None), sample(Some(text.to_owned()))]
    }
}

impl Samples for SignedOutPage {
    fn samples(text: &str) -> Vec<Self> {
        vec![Self { page: page(text), login_url: "/t/acme/login".to_owned() }]
    }
}

impl Samples for FormPost {
    fn samples(text: &str) -> Vec<Self> {
        vec![Self {
            page: page(text),
            action: "https://app.example/callback?x=1&y=2".to_owned(),
            fields: vec![("state".to_owned(), text.to_owned())],
            app_name: text.to_owned(),
        }]
    }
}

impl Samples for AccountPage {
    fn samples(text: &str) -> Vec<Self> {
        let sample = |email_verified: bool, roles: &[&str]| Self {
            page: page(text),
            user_name: text.to_owned(),
            user_email: text.to_owned(),
            email_verified,
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            user_initial: "A".to_owned(),
            logout_action: "/t/acme/oauth2/logout".to_owned(),
            csrf: "token".to_owned(),
            signed_in_at: "2026-11-23 09:20:30 UTC".to_owned(),
        };
        vec![sample(false, &[]), sample(true, &[text, text])]
    }
}

impl Samples for ErrorPage {
    fn samples(text: &str) -> Vec<Self> {
        vec![Self {
            page: page(text),
            heading: "This link does not work".to_owned(),
            message: text.to_owned(),
            advice: text.to_owned(),
            reference: "abc".to_owned(),
        }]
    }
}

impl Samples for WelcomePage {
    fn samples(text: &str) -> Vec<Self> {
        let tenant = TenantLinks {
            name: text.to_owned(),
            slug: "acme".to_owned(),
            issuer: "http://localhost:8080/t/acme".to_owned(),
            login_url: "/t/acme/login".to_owned(),
            discovery_url: "/t/acme/.well-known/openid-configuration".to_owned(),
            jwks_url: "/t/acme/.well-known/jwks.json".to_owned(),
        };
        let hint = (text.to_owned(), text.to_owned());
        vec![Self { page: page(text), tenants: vec![tenant], dev_hints: vec![hint] }]
    }
}

type Render = fn(&str) -> Vec<String>;

fn rendered<T: Samples>(text: &str) -> Vec<String> {
    T::samples(text).iter().map(|sample| sample.render().unwrap()).collect()
}

/// Every template but the layout, which the others extend.
const PAGES: &[(&str, Render)] = &[
    ("account.html", rendered::<AccountPage>),
    ("confirm.html", rendered::<ConfirmPage>),
    ("error.html", rendered::<ErrorPage>),
    ("form_post.html", rendered::<FormPost>),
    ("login.html", rendered::<LoginPage>),
    ("logout.html", rendered::<LogoutPage>),
    ("signed_out.html", rendered::<SignedOutPage>),
    ("welcome.html", rendered::<WelcomePage>),
];

fn all_pages(text: &str) -> Vec<(&'static str, String)> {
    let pages = PAGES.iter();
    pages
        .flat_map(|(name, render)| render(text).into_iter().map(move |page| (*name, page)))
        .collect()
}

#[test]
fn every_template_has_samples() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/hosted");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "layout.html")
        .collect();
    let sampled: BTreeSet<String> = PAGES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files, sampled);
}

#[test]
fn no_input_becomes_markup() {
    for (name, page) in all_pages(HOSTILE) {
        assert!(page.contains("alert(1)"), "{name} does not show the sample");
        assert!(!page.contains("<script>alert"), "{name}");
        assert!(!page.contains("<img src=x"), "{name}");
    }
}

#[test]
fn every_page_keeps_to_the_policy_and_can_be_read_aloud() {
    for (name, page) in all_pages("Ada") {
        assert_eq!(page.matches("<h1").count(), 1, "{name} has one heading");
        assert!(page.contains("<html lang=\"en\">"), "{name} says its language");
        assert!(!page.contains("<title></title>"), "{name} has a title");
        for inline in ["<style", " style=", " onclick=", " onsubmit=", " onload=", "javascript:"] {
            assert!(!page.contains(inline), "{name}: the policy forbids {inline}");
        }
        for script in page.split("<script").skip(1) {
            assert!(script.starts_with(" src=\"/assets/"), "{name}: a script from elsewhere");
        }
        for input in page.split("<input").skip(1).map(|rest| rest.split('>').next().unwrap()) {
            if !input.contains("type=\"hidden\"") {
                let id = input.split("id=\"").nth(1).and_then(|rest| rest.split('"').next());
                let label = format!("<label for=\"{}\">", id.unwrap_or_default());
                assert!(page.contains(&label), "{name}: a field without a label: {input}");
            }
        }
    }
}
