//! Samples of every page, with short and with hostile input, and what must hold for each that is rendered.

use std::collections::BTreeSet;

use askama::Template;

use super::account::{AccountPage, AppLine, SessionLine};
use super::account_delete::DeleteAccountPage;
use super::check_mail::CheckMailPage;
use super::consent::ConsentPage;
use super::email_code::EmailCodePage;
use super::federation_button::{Brand, ProviderButton};
use super::federation_identities::{IdentitiesPage, LinkableProvider, ShownIdentity};
use super::federation_link::LinkPage;
use super::federation_refused::{RefusedPage, Way};
use super::forms::{ConfirmLink, EmailForm, NewPasswordForm, Notice};
use super::login::LoginPage;
use super::mailbox::{Letter, MailboxPage, Piece};
use super::page::{ErrorPage, Page};
use super::sign_up::SignUpPage;
use super::welcome::{TenantLinks, WelcomePage};
use crate::messages::id;
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
            next: None,
            email: String::new(),
            app_name: None,
            forgot_url: "/t/acme/forgot-password".to_owned(),
            code_url: None,
            sign_up_url: None,
            error: None,
            email_error: None,
            password_error: None,
            notice: None,
            providers: vec![],
        };
        let some = || Some(text.to_owned());
        let url = || Some("/t/acme/signup".to_owned());
        vec![
            empty(),
            Self { providers: provider_buttons(text), ..empty() },
            Self { request: some(), app_name: some(), email: text.to_owned(), ..empty() },
            Self { error: some(), notice: some(), next: some(), ..empty() },
            Self { email_error: some(), password_error: some(), ..empty() },
            Self { code_url: url(), sign_up_url: url(), ..empty() },
        ]
    }
}

impl Samples for SignUpPage {
    fn samples(text: &str) -> Vec<Self> {
        let sample = |error: Option<String>, focus| Self {
            page: page(text),
            action: "/t/acme/signup".to_owned(),
            csrf: "token".to_owned(),
            request: error.clone(),
            app_name: error.clone(),
            login_url: "/t/acme/login".to_owned(),
            name: text.to_owned(),
            email: text.to_owned(),
            name_error: error.clone(),
            email_error: error.clone(),
            password_error: error.clone(),
            notice: error,
            focus,
            providers: provider_buttons(text),
        };
        vec![sample(None, "name"), sample(Some(text.to_owned()), "password")]
    }
}

impl Samples for CheckMailPage {
    fn samples(text: &str) -> Vec<Self> {
        let sample = |message: &'static str, more: Option<String>| Self {
            page: page(text),
            action: "/t/acme/verify-email".to_owned(),
            csrf: "token".to_owned(),
            request: more.clone(),
            text: message,
            email: text.to_owned(),
            notice: more.clone(),
            delay: more,
            login_url: "/t/acme/login".to_owned(),
        };
        let some = Some(text.to_owned());
        vec![sample(id!("check-mail-verify"), None), sample(id!("check-mail-recovery"), some)]
    }
}

impl Samples for Notice {
    fn samples(text: &str) -> Vec<Self> {
        vec![Self {
            page: page(text),
            heading: text.to_owned(),
            text: text.to_owned(),
            url: "/t/acme/login".to_owned(),
            label: text.to_owned(),
        }]
    }
}

impl Samples for ConfirmLink {
    fn samples(text: &str) -> Vec<Self> {
        let sample = |more: Option<String>| Self {
            page: page(text),
            action: "/t/acme/verify-email".to_owned(),
            csrf: "token".to_owned(),
            token: text.to_owned(),
            request: more.clone(),
            heading: text.to_owned(),
            text: id!("verify-lead"),
            email: text.to_owned(),
            submit: text.to_owned(),
            instead: more.clone().map(|label| (label, "/t/acme/forgot-password".to_owned())),
            note: more,
        };
        vec![sample(None), sample(Some(text.to_owned()))]
    }
}

impl Samples for EmailForm {
    fn samples(text: &str) -> Vec<Self> {
        let sample = |more: Option<String>| Self {
            page: page(text),
            action: "/t/acme/forgot-password".to_owned(),
            csrf: "token".to_owned(),
            request: more.clone(),
            next: more.clone(),
            heading: text.to_owned(),
            lead: text.to_owned(),
            label: "E-mail".to_owned(),
            email: text.to_owned(),
            email_error: more.clone(),
            autocomplete: "username",
            notice: more,
            submit: text.to_owned(),
            back_url: "/t/acme/login".to_owned(),
            back: text.to_owned(),
        };
        vec![sample(None), sample(Some(text.to_owned()))]
    }
}

impl Samples for NewPasswordForm {
    fn samples(text: &str) -> Vec<Self> {
        let sample = |more: Option<String>| Self {
            page: page(text),
            action: "/t/acme/reset-password".to_owned(),
            csrf: "token".to_owned(),
            token: more.clone(),
            request: more.clone(),
            heading: text.to_owned(),
            email: text.to_owned(),
            password_error: more.clone(),
            notice: more.clone(),
            submit: text.to_owned(),
            back_url: more.map(|_| "/t/acme/account".to_owned()),
        };
        vec![sample(None), sample(Some(text.to_owned()))]
    }
}

impl Samples for EmailCodePage {
    fn samples(text: &str) -> Vec<Self> {
        let sample = |more: Option<String>| Self {
            page: page(text),
            action: "/t/acme/login/code".to_owned(),
            csrf: "token".to_owned(),
            request: more.clone(),
            next: more.clone(),
            sign_in: "cod".to_owned(),
            email: text.to_owned(),
            problem: more.clone(),
            delay: more,
            again_url: "/t/acme/login/code".to_owned(),
            login_url: "/t/acme/login".to_owned(),
        };
        vec![sample(None), sample(Some(text.to_owned()))]
    }
}

impl Samples for ConsentPage {
    fn samples(text: &str) -> Vec<Self> {
        vec![Self {
            page: page(text),
            action: "/t/acme/consent".to_owned(),
            csrf: "token".to_owned(),
            request: "req".to_owned(),
            app_name: text.to_owned(),
            user_email: text.to_owned(),
            user_initial: "A".to_owned(),
            scopes: vec![text.to_owned(), text.to_owned()],
        }]
    }
}

impl Samples for DeleteAccountPage {
    fn samples(text: &str) -> Vec<Self> {
        vec![Self {
            page: page(text),
            action: "/t/acme/account/delete".to_owned(),
            csrf: "token".to_owned(),
            lead: text.to_owned(),
            grace: text.to_owned(),
            back_url: "/t/acme/account".to_owned(),
        }]
    }
}

impl Samples for MailboxPage {
    fn samples(text: &str) -> Vec<Self> {
        let letter = || Letter {
            subject: text.to_owned(),
            from: text.to_owned(),
            to: text.to_owned(),
            pieces: vec![
                Piece { text: text.to_owned(), is_link: false },
                Piece { text: "https://a.example/?token=x".to_owned(), is_link: true },
            ],
        };
        vec![
            Self { page: page(text), letters: Vec::new() },
            Self { page: page(text), letters: vec![letter(), letter()] },
        ]
    }
}

fn provider_buttons(text: &str) -> Vec<ProviderButton> {
    let button = |brand| ProviderButton {
        href: "/t/acme/federation/x?request=req".to_owned(),
        name: text.to_owned(),
        brand,
        last_used: brand == Brand::GitHub,
    };
    [Brand::Google, Brand::GitHub, Brand::Other].map(button).to_vec()
}

impl Samples for RefusedPage {
    fn samples(text: &str) -> Vec<Self> {
        let way = || Way { label: text.to_owned(), href: "/t/acme/login".to_owned() };
        vec![Self {
            page: page(text),
            heading: "This sign-in has expired".to_owned(),
            message: text.to_owned(),
            advice: text.to_owned(),
            ways: vec![way(), way()],
            reference: "abc".to_owned(),
        }]
    }
}

impl Samples for LinkPage {
    fn samples(text: &str) -> Vec<Self> {
        let sample = |has_password: bool, providers: Vec<ProviderButton>| Self {
            page: page(text),
            action: "/t/acme/federation/link".to_owned(),
            csrf: "token".to_owned(),
            offer: "lnk".to_owned(),
            provider_name: text.to_owned(),
            email: text.to_owned(),
            has_password,
            providers,
            login_url: "/t/acme/login".to_owned(),
            forgot_url: "/t/acme/forgot-password".to_owned(),
            error: has_password.then(|| text.to_owned()),
        };
        vec![sample(true, provider_buttons(text)), sample(true, vec![]), sample(false, vec![])]
    }
}

impl Samples for IdentitiesPage {
    fn samples(text: &str) -> Vec<Self> {
        let identity = || ShownIdentity {
            provider: "google".to_owned(),
            provider_name: text.to_owned(),
            brand: Brand::Google,
            subject: text.to_owned(),
            known_as: text.to_owned(),
            last_used: "2026-11-23".to_owned(),
            unlink_label: text.to_owned(),
        };
        let linkable = || LinkableProvider {
            provider: "github".to_owned(),
            provider_name: text.to_owned(),
            brand: Brand::GitHub,
        };
        let sample = |identities: Vec<ShownIdentity>, linkable: Vec<LinkableProvider>| Self {
            page: page(text),
            action: "/t/acme/account/identities".to_owned(),
            csrf: "token".to_owned(),
            account_url: "/t/acme/account".to_owned(),
            may_unlink: identities.len() > 1,
            identities,
            linkable,
            error: Some(text.to_owned()),
        };
        vec![
            sample(vec![], vec![]),
            sample(vec![identity()], vec![linkable()]),
            sample(vec![identity(), identity()], vec![]),
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
        let sample = |more: Option<String>, count: usize| Self {
            page: page(text),
            base: "/t/acme".to_owned(),
            csrf: "token".to_owned(),
            notice: more.clone(),
            leaving_at: more.clone(),
            name: text.to_owned(),
            name_error: more.clone(),
            email: text.to_owned(),
            email_verified: more.is_some(),
            has_password: more.is_some(),
            roles: vec![text.to_owned(); count],
            sessions: (0..=count)
                .map(|index| SessionLine {
                    id: format!("ses{index}"),
                    device: text.to_owned(),
                    address: more.clone(),
                    seen_at: "2026-11-23 09:20:30 UTC".to_owned(),
                    is_this: index == 0,
                })
                .collect(),
            has_older_sessions: count > 0,
            apps: (0..count)
                .map(|index| AppLine {
                    id: format!("app{index}"),
                    name: text.to_owned(),
                    used: text.to_owned(),
                })
                .collect(),
        };
        vec![sample(None, 0), sample(Some(text.to_owned()), 3)]
    }
}

impl Samples for ErrorPage {
    fn samples(text: &str) -> Vec<Self> {
        vec![Self {
            page: page(text),
            heading: "This link does not work".to_owned(),
            message: text.to_owned(),
            advice: text.to_owned(),
            ways: vec![(text.to_owned(), "/t/acme/login".to_owned()); 2],
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

/// Every template but the layout and the parts, which the others are made of.
const PAGES: &[(&str, Render)] = &[
    ("account.html", rendered::<AccountPage>),
    ("check_mail.html", rendered::<CheckMailPage>),
    ("confirm.html", rendered::<ConfirmPage>),
    ("confirm_link.html", rendered::<ConfirmLink>),
    ("consent.html", rendered::<ConsentPage>),
    ("delete_account.html", rendered::<DeleteAccountPage>),
    ("email_code.html", rendered::<EmailCodePage>),
    ("email_form.html", rendered::<EmailForm>),
    ("error.html", rendered::<ErrorPage>),
    ("federation_identities.html", rendered::<IdentitiesPage>),
    ("federation_link.html", rendered::<LinkPage>),
    ("federation_refused.html", rendered::<RefusedPage>),
    ("form_post.html", rendered::<FormPost>),
    ("login.html", rendered::<LoginPage>),
    ("logout.html", rendered::<LogoutPage>),
    ("mailbox.html", rendered::<MailboxPage>),
    ("new_password.html", rendered::<NewPasswordForm>),
    ("notice.html", rendered::<Notice>),
    ("sign_up.html", rendered::<SignUpPage>),
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
        .filter(|name| name != "layout.html" && name != "parts.html")
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
                let label = format!("<label for=\"{}\"", id.unwrap_or_default());
                assert!(page.contains(&label), "{name}: a field without a label: {input}");
            }
        }
    }
}
