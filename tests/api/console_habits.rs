//! What all pages of the console have in common: viewers see all and change nothing, what destroys asks once, an edit
//! of what somebody else has changed shows both, and no page that is loaded again does a thing again.

use doorward::domain::email_address::EmailAddress;
use doorward::domain::logo::Logo;
use doorward::domain::member::MemberRole;
use doorward::domain::tenant::{Accent, Domain};
use doorward::flows::administration::keys::Takeover;
use doorward::flows::administration::tenants::TenantChange;
use doorward::flows::administration::{Administrator, hosts};

use crate::console::{member, operator, post, sign_in, url};
use crate::console_pages::{page, seat};
use crate::harness::{Browser, TestApp, absolute, field, on_both_databases};

on_both_databases! {
    a_viewer_sees_what_an_admin_sees_and_no_button_that_changes_it,
    every_destructive_act_names_what_it_destroys_and_asks_once,
    an_edit_of_what_was_changed_meanwhile_shows_both_versions,
    a_page_that_tells_what_was_done_does_nothing_when_it_is_loaded_again,
    the_form_of_a_new_application_makes_one_however_often_it_is_sent,
    a_page_tells_of_nothing_in_the_words_of_an_address,
    what_is_wrong_with_a_new_member_stands_beside_its_field,
}

fn logo() -> TenantChange {
    let logo = Logo { png: b"a picture".to_vec(), width: 40, height: 40 };
    TenantChange { logo: Some(Some(logo)), ..TenantChange::default() }
}

/// The post forms of a page, but the one to sign out.
fn forms(body: &str) -> Vec<&str> {
    let forms = body.split("<form ").skip(1).map(|rest| rest.split("</form>").next().unwrap());
    let posts = forms.filter(|form| form.split('>').next().unwrap().contains("method=\"post\""));
    posts.filter(|form| !form.contains("action=\"/console/sign-out\"")).collect()
}

async fn a_viewer_sees_what_an_admin_sees_and_no_button_that_changes_it(app: &TestApp) {
    let acme = app.tenant("acme").await;
    app.provider(&acme.tenant, "github", |new| {
        new.client_id = "client-of-acme".to_owned();
        new.allowed_domains = vec![Domain::parse("people.example").unwrap()];
    })
    .await;
    let reply_to = Some(Some(EmailAddress::parse("help@acme.example").unwrap()));
    let accent = Some(Some(Accent::parse("#7722aa").unwrap()));
    app.change(&acme, TenantChange { reply_to, accent, ..logo() }).await;
    app.sign_in(&acme, &acme.web).await;
    let mut viewer = seat(app, &acme, MemberRole::Viewer).await;
    let (web, spa) = (&acme.web, &acme.spa);
    let pages: [(String, Vec<&str>); 13] = [
        (
            format!("/apps/{}", web.id),
            vec![
                &web.redirect_uri,
                "name=\"access_minutes\"",
                "name=\"idle_hours\"",
                "name=\"absolute_hours\"",
                "name=\"reuse_window\"",
                "name=\"audience\"",
                "name=\"direct_login\" value=\"on\" checked",
                "Secret of ",
            ],
        ),
        (format!("/apps/{}", spa.id), vec!["value=\"https://spa.acme.example\""]),
        (format!("/apps/{}", acme.service.id), vec!["value=\"https://api.example\""]),
        (
            "/providers/github".to_owned(),
            vec!["value=\"client-of-acme\"", "/federation/github/callback", "people.example"],
        ),
        (
            "/branding".to_owned(),
            vec!["value=\"Tenant acme\"", "value=\"#7722aa\"", "class=\"logo\"", "checked"],
        ),
        ("/mail".to_owned(), vec!["value=\"help@acme.example\""]),
        ("/settings".to_owned(), vec![&acme.issuer, ">active<"]),
        (format!("/users/{}", acme.user), vec![">ADMIN<", "<strong>web</strong>", "last seen"]),
        ("/sign-in".to_owned(), vec!["checked"]),
        ("/roles".to_owned(), vec!["MEMBER", "A role"]),
        ("/keys".to_owned(), vec!["RS256", "ES256"]),
        ("/members".to_owned(), vec!["viewer@acme.example"]),
        ("/audit".to_owned(), vec!["user.created"]),
    ];
    for (path, texts) in pages {
        let shown = page(app, &mut viewer, &format!("/t/acme{path}")).await;
        for text in texts {
            assert!(shown.body.contains(text), "{path} has no {text}: {shown:?}");
        }
        assert!(!shown.body.contains("name=\"redirect-2\""), "no room for more: {path}");
        for form in forms(&shown.body) {
            assert!(form.contains("<fieldset disabled>"), "{path}: {form}");
            assert!(!form.contains("<button"), "{path}: {form}");
        }
        assert!(!shown.body.contains(web.secret()), "{path}");
    }
}

/// What a button of that value destroys.
const DESTRUCTIVE: [&str; 12] = [
    "delete",
    "disable",
    "end-family",
    "end-session",
    "end-sessions",
    "give-up",
    "none",
    "now",
    "remove",
    "remove-secret",
    "suspend",
    "withdraw",
];

struct Button {
    value: String,
    /// What is read before it is pressed: all of what opens to show it.
    asks: Option<String>,
}

fn attribute(tag: &str, name: &str) -> String {
    let value = tag.split(&format!(" {name}=\"")).nth(1);
    value.map(|rest| rest.split('"').next().unwrap().to_owned()).unwrap_or_default()
}

fn text(html: &str) -> String {
    let parts = html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    parts.collect()
}

/// The buttons of a page that destroy something.
fn destructive(body: &str) -> Vec<Button> {
    let mut found = Vec::new();
    for (at, _) in body.match_indices("<button") {
        let tag = body[at..].split('>').next().unwrap();
        let value = attribute(tag, "value");
        let is_danger = attribute(tag, "class").split(' ').any(|class| class == "danger");
        if !is_danger && !DESTRUCTIVE.contains(&&*value) {
            continue;
        }
        let opened = body[..at].rfind("<details");
        let closed = body[..at].rfind("</details>");
        let asks = opened.filter(|opened| closed.is_none_or(|closed| closed < *opened));
        let asks = asks.filter(|opened| body[*opened..].starts_with("<details class=\"ask\""));
        let asks = asks.map(|opened| text(body[opened..].split("</details>").next().unwrap()));
        found.push(Button { value, asks });
    }
    found
}

async fn every_destructive_act_names_what_it_destroys_and_asks_once(app: &TestApp) {
    let acme = app.tenant("acme").await;
    app.tenant_at("bolt", Some("login.bolt.example")).await;
    app.github(&acme.tenant).await;
    app.change(&acme, logo()).await;
    let admin = Administrator::command_line(&app.context);
    let claimed = Domain::parse("login.acme.example").unwrap();
    hosts::claim(&admin, acme.tenant.id, None, claimed).await.unwrap();
    app.rotate_keys(&acme.tenant, Takeover::Now).await;
    app.sign_in(&acme, &acme.web).await;
    let viewer = member(app, &acme, MemberRole::Viewer).await;
    let mut owner = sign_in(app, &operator(app).await).await;
    let app_page = format!("/t/acme/apps/{}", acme.web.id);
    post(app, &mut owner, &format!("{app_page}/act"), &[("act", "add-secret")]).await;
    let user = &*acme.email;
    let pages: [(&str, Vec<(&str, &str)>); 11] = [
        (&app_page, vec![("remove-secret", "web"), ("disable", "web"), ("delete", "web")]),
        (
            &format!("/t/acme/users/{}", acme.user),
            vec![
                ("end-session", user),
                ("end-family", "web"),
                ("end-sessions", user),
                ("disable", user),
                ("require-reset", user),
                ("delete", user),
            ],
        ),
        ("/t/acme/roles", vec![("delete", "ADMIN"), ("delete", "MEMBER")]),
        ("/t/acme/providers/github", vec![("remove", "GitHub")]),
        ("/t/acme/branding", vec![("remove", "Tenant acme")]),
        (
            "/t/acme/settings",
            vec![
                ("withdraw", "login.acme.example"),
                ("suspend", "Tenant acme"),
                ("delete", "Tenant acme"),
            ],
        ),
        ("/t/bolt/settings", vec![("give-up", "login.bolt.example"), ("delete", "Tenant bolt")]),
        ("/t/acme/keys", vec![("", "ES256"), ("", "RS256"), ("", "EdDSA"), ("now", "Tenant acme")]),
        ("/t/acme/members", vec![("none", &viewer)]),
        ("/t/acme/mail", vec![]),
        ("/t/acme/sign-in", vec![]),
    ];
    for (path, expected) in pages {
        let shown = page(app, &mut owner, path).await;
        let buttons = destructive(&shown.body);
        for button in &buttons {
            let asks = button.asks.as_ref();
            let asks = asks.unwrap_or_else(|| panic!("{path}: {} does not ask", button.value));
            let names =
                expected.iter().any(|(value, name)| *value == button.value && asks.contains(name));
            let is_suspension = button.value == "suspend" && asks.contains("Tenant ");
            assert!(names || is_suspension, "{path}: {} asks {asks:?}", button.value);
        }
        for (value, name) in expected {
            let says = |asks: &String| asks.contains(name);
            let is_there = |it: &Button| it.value == value && it.asks.as_ref().is_some_and(says);
            assert!(buttons.iter().any(is_there), "{path}: no {value} of {name}: {shown:?}");
        }
    }
}

async fn an_edit_of_what_was_changed_meanwhile_shows_both_versions(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let roles = page(app, &mut browser, "/t/acme/roles").await;
    let role = roles.body.split("/console/t/acme/roles/").nth(1).unwrap();
    let role = format!("/t/acme/roles/{}", role.split('"').next().unwrap());
    let edits = [
        ("/t/acme/branding", "/t/acme/branding", "name", "Acme One", "Acme Two"),
        ("/t/acme/mail", "/t/acme/mail", "reply_to", "one@acme.example", "two@acme.example"),
        (&role, "/t/acme/roles", "description", "Said first", "Said second"),
    ];
    for (path, shown_at, name, first, second) in edits {
        let version = field(&page(app, &mut browser, shown_at).await, "version");
        let saved = post(app, &mut browser, path, &[("version", &version), (name, first)]).await;
        assert_eq!(saved.status, 303, "{saved:?}");
        let late = [("version", &*version), (name, second)];
        let stale = post(app, &mut browser, path, &late).await;
        assert_eq!(stale.status, 409, "{path}: {stale:?}");
        assert!(stale.body.contains(&format!("<dd>{first}</dd>")), "what is there: {stale:?}");
        assert!(stale.body.contains(&format!("<dd>{second}</dd>")), "what was sent: {stale:?}");
        assert!(page(app, &mut browser, shown_at).await.body.contains(first), "and stays: {path}");
        let seen = field(&stale, "version");
        let insisting = [("version", &*seen), (name, second)];
        assert_eq!(post(app, &mut browser, path, &insisting).await.status, 303, "{path}");
        assert!(page(app, &mut browser, shown_at).await.body.contains(second), "{path}");
    }
    // A rank is an edit like any other.
    let version = field(&page(app, &mut browser, "/t/acme/roles").await, "version");
    let down = [("act", "down"), ("version", &*version)];
    assert_eq!(post(app, &mut browser, &role, &down).await.status, 303);
    let stale = post(app, &mut browser, &role, &down).await;
    assert_eq!(stale.status, 409, "{stale:?}");
    assert!(stale.body.contains("<dt>rank</dt><dd>2</dd>"), "{stale:?}");
}

/// Where it is posted to, what, and what the page says that it leads to.
type Deed<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a str);

async fn a_page_that_tells_what_was_done_does_nothing_when_it_is_loaded_again(app: &TestApp) {
    let acme = app.tenant("acme").await;
    app.github(&acme.tenant).await;
    app.sign_in(&acme, &acme.web).await;
    let mut browser = seat(app, &acme, MemberRole::Owner).await;
    let user = format!("/t/acme/users/{}", acme.user);
    let web = format!("/t/acme/apps/{}/act", acme.web.id);
    let acts: [Deed<'_>; 17] = [
        ("/t/acme/users", vec![("email", "new@acme.example")], "is invited"),
        (&user, vec![("act", "rename"), ("name", "Another")], "Saved."),
        (&user, vec![("act", "end-sessions")], "All sessions are ended."),
        (&user, vec![("act", "disable")], "The user is disabled"),
        (&user, vec![("act", "enable")], "The user is enabled"),
        (&user, vec![("act", "delete")], "The user is deleted."),
        ("/t/acme/roles", vec![("key", "NEW")], "The role is there."),
        (&web, vec![("act", "disable")], "The application is disabled"),
        (&web, vec![("act", "enable")], "The application is enabled"),
        ("/t/acme/apps", vec![("name", "Page"), ("builds", "spa")], "The application is there."),
        ("/t/acme/mail/test", vec![("to", "me@acme.example")], "is on its way"),
        ("/t/acme/keys", vec![("takeover", "announced")], "New keys are published."),
        ("/t/acme/keys", vec![("takeover", "now")], "All keys are replaced."),
        ("/t/acme/providers/github/act", vec![("act", "remove")], "The provider is removed."),
        (
            "/t/acme/members",
            vec![("email", "x@doorward.example"), ("role", "viewer")],
            "The member is added.",
        ),
        ("/t/acme/settings/act", vec![("act", "delete"), ("slug", "acme")], "will be deleted"),
        ("/t/acme/settings/act", vec![("act", "keep")], "The tenant is not deleted."),
    ];
    for (path, fields, says) in acts {
        let answer = post(app, &mut browser, path, &fields).await;
        assert_eq!(answer.status, 303, "{path} {fields:?}: {answer:?}");
        let events = app.count("audit_events");
        let location = answer.location().to_owned();
        let target = format!("{}{location}", app.context.public_url.as_str());
        for _ in 0..2 {
            let shown = browser.get(&target).await;
            assert_eq!(shown.status, 200, "{location}: {shown:?}");
            let status = shown.body.split("role=\"status\"").any(|part| part.contains(says));
            assert!(status, "{location} does not say {says:?}: {shown:?}");
        }
        assert_eq!(app.count("audit_events"), events, "{location} did something");
    }
}

/// Its answer shows a secret, so it does not lead elsewhere.
async fn the_form_of_a_new_application_makes_one_however_often_it_is_sent(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let form = field(&page(app, &mut browser, "/t/acme/apps/new").await, "form");
    let fields = [("form", &*form), ("name", "Site"), ("builds", "node")];
    let made = post(app, &mut browser, "/t/acme/apps", &fields).await;
    assert_eq!(made.status, 200, "{made:?}");
    let again = post(app, &mut browser, "/t/acme/apps", &fields).await;
    assert_eq!(again.status, 303, "{again:?}");
    let shown = browser.get(&absolute(&acme, again.location())).await;
    assert!(shown.body.contains("<h1>Site"), "{shown:?}");
    let list = page(app, &mut browser, "/t/acme/apps?search=Site").await;
    assert_eq!(list.body.matches("<strong>Site</strong>").count(), 1, "{list:?}");
    // The form does not choose the id: nobody makes an app that is called like one of another tenant.
    let fields = [("form", &*bolt.web.id), ("name", "Twin"), ("builds", "node")];
    post(app, &mut browser, "/t/acme/apps", &fields).await;
    let twin = browser.get(&url(app, &format!("/t/acme/apps/{}", bolt.web.id))).await;
    assert_eq!(twin.status, 404, "{twin:?}");
}

async fn a_page_tells_of_nothing_in_the_words_of_an_address(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Viewer).await;
    let shown = page(app, &mut browser, "/t/acme/keys?done=Call+our+support+at+0900").await;
    assert!(!shown.body.contains("0900") && !shown.body.contains("role=\"status\""), "{shown:?}");
}

async fn what_is_wrong_with_a_new_member_stands_beside_its_field(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Owner).await;
    let add = async |browser: &mut Browser<'_>, email: &str, role: &str| {
        post(app, browser, "/t/acme/members", &[("email", email), ("role", role)]).await
    };
    let refused = add(&mut browser, "nobody at all", "emperor").await;
    for problem in ["id=\"email-problem\"", "id=\"role-problem\"", "a role is owner, admin"] {
        assert!(refused.body.contains(problem), "{problem}: {refused:?}");
    }
    assert!(refused.body.contains("value=\"nobody at all\""), "{refused:?}");
    let twice = add(&mut browser, "owner@acme.example", "admin").await;
    assert!(twice.body.contains("id=\"email-problem\""), "{twice:?}");
    assert!(twice.body.contains("<option selected>admin</option>"), "{twice:?}");
}
