//! `/account`: looking after oneself.

use std::time::Duration;

use doorward::domain::consent::Consent;
use doorward::domain::identity::{Assertion, Identity, Organisation, Subject};
use doorward::domain::ids::ApplicationId;
use doorward::domain::scope::Scopes;
use doorward::storage::StorageError;
use serde_json::{Value, json};

use crate::harness::{
    Answer, Browser, PASSWORD, TestApp, TestTenant, absolute, field, on_both_databases,
};

on_both_databases! {
    whoever_is_not_signed_in_is_asked_to,
    the_name_is_changed_and_shows_in_the_next_refresh,
    a_new_password_ends_every_other_session_and_tells_the_owner,
    a_new_password_voids_the_links_that_could_undo_it,
    what_an_app_alone_uses_stays_listed,
    what_the_account_hangs_on_asks_for_a_fresh_sign_in,
    the_address_moves_once_the_new_one_is_proved,
    an_address_that_is_taken_is_not_told,
    one_session_or_all_others_are_ended,
    nobody_ends_a_session_of_another_user,
    the_data_are_taken_along,
    more_sessions_than_are_listed_are_spoken_of,
    an_account_is_deleted_after_its_grace_period_unless_it_is_kept,
    no_form_of_the_account_is_forged,
}

const NEW: &str = "otters juggle quietly at noon";

async fn signed_in(app: &TestApp) -> (TestTenant, Browser<'_>) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    (acme, browser)
}

/// Sends a form of the account.
async fn post(
    browser: &mut Browser<'_>,
    acme: &TestTenant,
    path: &str,
    fields: &[(&str, &str)],
) -> Answer {
    let csrf = field(&browser.get(&acme.url("/account")).await, "csrf");
    let fields = [&[("csrf", csrf.as_str())], fields].concat();
    browser.submit(&acme.url(path), &fields).await
}

async fn whoever_is_not_signed_in_is_asked_to(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    for path in ["/account", "/account/password", "/account/email", "/account/data.json"] {
        let answer = browser.get(&acme.url(path)).await;
        assert_eq!(answer.location(), "/t/acme/login", "{path}");
    }
    // A sign-in leads to one of the account's pages and nowhere else.
    let page = browser.get(&acme.url("/login?next=account/password")).await;
    assert_eq!(field(&page, "next"), "account/password");
    for next in ["https://evil.example", "//evil.example", "account/../..", "oauth2/logout"] {
        let page = browser.get(&acme.url(&format!("/login?next={next}"))).await;
        assert!(!page.body.contains("name=\"next\""), "{next}: {}", page.body);
    }
}

async fn the_name_is_changed_and_shows_in_the_next_refresh(app: &TestApp) {
    let (acme, mut browser) = signed_in(app).await;
    let tokens = app.direct(&acme, "login", &acme.credentials()).await.expect(200);
    let answer = post(&mut browser, &acme, "/account", &[("name", " Grace Hopper ")]).await;
    assert_eq!(answer.location(), "/t/acme/account?done=name");
    let page = browser.get(&absolute(&acme, answer.location())).await;
    assert!(page.body.contains("Your name is saved"), "{}", page.body);
    let token = json!({ "refresh_token": tokens["refresh_token"] });
    assert_eq!(app.direct(&acme, "refresh", &token).await.expect(200)["name"], "Grace Hopper");
    let wrong = post(&mut browser, &acme, "/account", &[("name", "a\u{202e}b")]).await;
    assert!(wrong.body.contains("id=\"name-error\""), "{}", wrong.body);
    assert_eq!(post(&mut browser, &acme, "/account", &[("name", "")]).await.status, 303);
}

async fn a_new_password_ends_every_other_session_and_tells_the_owner(app: &TestApp) {
    let (acme, mut browser) = signed_in(app).await;
    let mut other = Browser::new(app);
    other.sign_in(&acme).await;
    let weak = post(&mut browser, &acme, "/account/password", &[("password", "acme")]).await;
    assert!(weak.body.contains("id=\"password-error\""), "{}", weak.body);
    let answer = post(&mut browser, &acme, "/account/password", &[("password", NEW)]).await;
    assert_eq!(answer.location(), "/t/acme/account?done=password");
    assert_eq!(browser.get(&acme.url("/account")).await.status, 200);
    assert_eq!(other.get(&acme.url("/account")).await.status, 303);
    let login = |password: &str| json!({ "email": acme.email, "password": password });
    app.direct(&acme, "login", &login(NEW)).await.expect(200);
    app.direct(&acme, "login", &login(PASSWORD)).await.refused(401, "invalid_credentials");
    assert!(app.mail_to(&acme.email).await[0].subject.contains("was changed"));
}

async fn a_new_password_voids_the_links_that_could_undo_it(app: &TestApp) {
    let (acme, mut browser) = signed_in(app).await;
    post(&mut browser, &acme, "/account/email", &[("email", "thief@x.example")]).await;
    let moves = app.mailed_link("thief@x.example").await;
    app.direct(&acme, "forgot-password", &json!({ "email": acme.email })).await;
    let resets = app.mailed_token(&acme.email).await;
    // Ordered, and not sent yet.
    post(&mut browser, &acme, "/account/email", &[("email", "late@x.example")]).await;
    let changed = post(&mut browser, &acme, "/account/password", &[("password", NEW)]).await;
    assert_eq!(changed.location(), "/t/acme/account?done=password");
    assert!(app.mail_to("late@x.example").await.is_empty());
    let page = Browser::new(app).get(&moves).await;
    assert!(page.body.contains("This link does not work any more"), "{}", page.body);
    let body = json!({ "token": resets, "password": "a badger hums in the attic" });
    app.direct(&acme, "reset-password", &body).await.refused(400, "invalid_request");
}

async fn what_an_app_alone_uses_stays_listed(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut tokens = app.login(&acme).await;
    let session = tokens["session_id"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        app.clock.advance(Duration::from_secs(6 * 24 * 3_600));
        let token = tokens["refresh_token"].as_str().unwrap();
        tokens = app.refresh(&acme, &acme.web, token).await.expect(200);
    }
    let used_at = app.context.now().to_string();
    let mut browser = Browser::new(app);
    app.clock.advance(Duration::from_secs(60));
    browser.sign_in(&acme).await;
    let page = browser.get(&acme.url("/account")).await.body;
    assert!(page.contains(&format!("value=\"{session}\"")), "{page}");
    assert!(page.contains(&format!("value=\"{}\"", acme.web.id)), "{page}");
    assert_eq!(page.matches(&format!("Last used {used_at}")).count(), 2, "{page}");
    assert!(page.contains("signed in from 127.0.0.1"), "{page}");
    // And is ended from there.
    post(&mut browser, &acme, "/account/sessions", &[("end", &session)]).await;
    let token = tokens["refresh_token"].as_str().unwrap();
    app.refresh(&acme, &acme.web, token).await.refused(400, "invalid_grant");
    let page = browser.get(&acme.url("/account")).await.body;
    assert!(page.contains("No app holds access"), "{page}");
}

async fn what_the_account_hangs_on_asks_for_a_fresh_sign_in(app: &TestApp) {
    let (acme, mut browser) = signed_in(app).await;
    let stale = field(&browser.get(&acme.url("/account")).await, "csrf");
    app.clock.advance(Duration::from_secs(600));
    for path in ["/account/password", "/account/email", "/account/delete"] {
        let answer = browser.get(&acme.url(path)).await;
        let login = format!("/t/acme/login?next={}", &path[1..]);
        assert_eq!(answer.location(), login);
        let page = browser.get(&absolute(&acme, &login)).await;
        assert!(page.body.contains("prove once more that it is you"), "{}", page.body);
        assert!(page.body.contains(&acme.email), "{}", page.body);
    }
    let fields = [("csrf", &*stale), ("password", NEW)];
    let answer = browser.submit(&acme.url("/account/password"), &fields).await;
    assert_eq!(answer.location(), "/t/acme/login?next=account/password");
    let fields = [("csrf", &*stale), ("choice", "delete")];
    let answer = browser.submit(&acme.url("/account/delete"), &fields).await;
    assert_eq!(answer.location(), "/t/acme/login?next=account/delete");
    assert!(!app.audit(&acme.tenant).await.contains(&"user.deletion_planned".to_owned()));
    // Signing in again leads on, in the same session.
    let page = browser.get(&acme.url("/login?next=account/password")).await;
    let fields = [
        ("csrf", &*field(&page, "csrf")),
        ("next", "account/password"),
        ("email", &acme.email),
        ("password", PASSWORD),
    ];
    let answer = browser.submit(&acme.url("/login"), &fields).await;
    assert_eq!(answer.location(), "/t/acme/account/password");
    assert_eq!(browser.get(&acme.url("/account/password")).await.status, 200);
}

async fn the_address_moves_once_the_new_one_is_proved(app: &TestApp) {
    let (acme, mut browser) = signed_in(app).await;
    let asked = post(&mut browser, &acme, "/account/email", &[("email", "new@x.example")]).await;
    assert!(asked.body.contains("Look at your mail"), "{}", asked.body);
    assert!(!asked.body.contains("Sent once more"), "{}", asked.body);
    let again = [("email", "new@x.example"), ("again", "yes")];
    let asked = post(&mut browser, &acme, "/account/email", &again).await;
    assert!(asked.body.contains("Sent once more"), "{}", asked.body);
    let link = app.mailed_link("new@x.example").await;
    // Nothing has changed yet, and opening the link changes nothing.
    let page = browser.get(&link).await;
    app.login(&acme).await;
    let fields = [("csrf", &*field(&page, "csrf")), ("token", &*field(&page, "token"))];
    let done = browser.submit(&acme.url("/account/email/confirm"), &fields).await;
    assert!(done.body.contains("Your address is changed"), "{}", done.body);
    let login = |email: &str| json!({ "email": email, "password": PASSWORD });
    let user: Value = app.direct(&acme, "login", &login("new@x.example")).await.expect(200);
    assert_eq!(
        (&user["email_verified"], &user["id"]),
        (&json!(true), &json!(acme.user.to_string()))
    );
    app.direct(&acme, "login", &login(&acme.email)).await.refused(401, "invalid_credentials");
    let told = app.mail_to(&acme.email).await.remove(0);
    assert!(told.subject.contains("address"), "the old one is told: {told:?}");
    // What would not help from there is not recommended.
    assert!(told.text.contains("write to Tenant acme at once"), "{told:?}");
    assert!(!told.text.contains("/forgot-password"), "{told:?}");
    let again = browser.submit(&acme.url("/account/email/confirm"), &fields).await;
    assert!(again.body.contains("This link does not work any more"), "{}", again.body);
}

async fn an_address_that_is_taken_is_not_told(app: &TestApp) {
    let (acme, mut browser) = signed_in(app).await;
    app.user(&acme.tenant, "taken@x.example", &[]).await;
    let free = post(&mut browser, &acme, "/account/email", &[("email", "free@x.example")]).await;
    let taken = post(&mut browser, &acme, "/account/email", &[("email", "taken@x.example")]).await;
    assert_eq!(free.body, taken.body.replace("taken@x.example", "free@x.example"));
    let told = app.mail_to("taken@x.example").await.remove(0);
    assert!(told.subject.contains("You have an account"), "{told:?}");
    let same = post(&mut browser, &acme, "/account/email", &[("email", &acme.email)]).await;
    assert!(same.body.contains("id=\"email-error\""), "{}", same.body);
    // Taken between the letter and its link.
    let page = browser.get(&app.mailed_link("free@x.example").await).await;
    app.user(&acme.tenant, "free@x.example", &[]).await;
    let fields = [("csrf", &*field(&page, "csrf")), ("token", &*field(&page, "token"))];
    let refused = browser.submit(&acme.url("/account/email/confirm"), &fields).await;
    assert!(refused.body.contains("This link does not work any more"), "{}", refused.body);
    app.login(&acme).await;
}

async fn one_session_or_all_others_are_ended(app: &TestApp) {
    let (acme, mut browser) = signed_in(app).await;
    let (mut second, mut third) = (Browser::new(app), Browser::new(app));
    second.sign_in(&acme).await;
    third.sign_in(&acme).await;
    let page = browser.get(&acme.url("/account")).await;
    let ids: Vec<&str> = page
        .body
        .split("name=\"end\" value=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .filter(|id| id.starts_with("ses"))
        .collect();
    assert_eq!(ids.len(), 2, "this one is listed without a button: {}", page.body);
    post(&mut browser, &acme, "/account/sessions", &[("end", ids[0])]).await;
    let left = [second.get(&acme.url("/account")).await, third.get(&acme.url("/account")).await];
    assert_eq!(left.iter().filter(|answer| answer.status == 200).count(), 1);
    post(&mut browser, &acme, "/account/sessions", &[("end", "others")]).await;
    for other in [&mut second, &mut third] {
        assert_eq!(other.get(&acme.url("/account")).await.status, 303);
    }
    assert_eq!(browser.get(&acme.url("/account")).await.status, 200);
}

async fn more_sessions_than_are_listed_are_spoken_of(app: &TestApp) {
    const SAYS: &str = "And older ones, which are not listed";
    let (acme, mut browser) = signed_in(app).await;
    let copy = |number: u32| {
        let columns = "user_id, kind, authenticated_at, methods, created_at";
        app.execute(&format!(
            "INSERT INTO sessions (tenant_id, id, last_seen_at, {columns}) \
             SELECT tenant_id, 'ses{number:022}', last_seen_at - {number}, {columns} \
             FROM sessions WHERE id NOT LIKE 'ses000000000000000%'"
        ));
    };
    (1..100).for_each(copy);
    let page = browser.get(&acme.url("/account")).await;
    assert!(!page.body.contains(SAYS), "{}", page.body);
    copy(100);
    let page = browser.get(&acme.url("/account")).await;
    assert!(page.body.contains(SAYS), "{}", page.body);
    assert_eq!(page.body.matches("End the session of").count(), 99);
    let data = browser.get(&acme.url("/account/data.json")).await.json();
    let listed = data["sessions"].as_array().unwrap().len();
    assert_eq!((listed, &data["has_older_sessions"]), (100, &json!(true)));
    post(&mut browser, &acme, "/account/sessions", &[("end", "others")]).await;
    let page = browser.get(&acme.url("/account")).await;
    assert_eq!(page.body.matches("End the session of").count(), 0, "{}", page.body);
}

async fn nobody_ends_a_session_of_another_user(app: &TestApp) {
    let (acme, mut browser) = signed_in(app).await;
    app.user(&acme.tenant, "eve@acme.example", &[]).await;
    let mut eve = Browser::new(app);
    eve.sign_in_as(&acme, "eve@acme.example").await;
    let tokens = app.direct(&acme, "login", &acme.credentials()).await.expect(200);
    let session = tokens["session_id"].as_str().unwrap();
    post(&mut eve, &acme, "/account/sessions", &[("end", session)]).await;
    let token = json!({ "refresh_token": tokens["refresh_token"] });
    app.direct(&acme, "refresh", &token).await.expect(200);
    post(&mut browser, &acme, "/account/sessions", &[("end", session)]).await;
    app.direct(&acme, "refresh", &token).await.refused(401, "invalid_grant");
}

async fn the_data_are_taken_along(app: &TestApp) {
    let (acme, mut browser) = signed_in(app).await;
    let (provider, now, user) = (app.github(&acme.tenant).await, app.context.now(), acme.user);
    app.clock.advance(Duration::from_secs(2));
    let assertion = Assertion {
        subject: Subject::parse("583231").unwrap(),
        email: None,
        organisation: Organisation::Unknown,
        name: None,
        picture: None,
    };
    let identity = Identity::new(provider.id, user, assertion, now);
    let application_id = ApplicationId::parse(&acme.web.id).unwrap();
    let scopes = Scopes::parse("openid email");
    let consent = Consent { application_id, scopes, granted_at: now };
    let kept = app.context.db.write::<_, StorageError>(acme.tenant.id, move |tx| {
        tx.identities().insert(&identity)?;
        tx.consents().put(user, &consent)
    });
    kept.await.unwrap();
    let answer = browser.get(&acme.url("/account/data.json")).await;
    assert!(answer.header("content-disposition").unwrap().starts_with("attachment"), "{answer:?}");
    let data = answer.expect(200);
    assert_eq!(data["email"], *acme.email);
    assert_eq!(data["roles"], json!(["ADMIN"]));
    assert_eq!(data["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(data["linked_accounts"][0]["provider"], "GitHub");
    assert_eq!(data["linked_accounts"][0]["subject"], "583231");
    assert_eq!(data["consents"][0]["client_id"], acme.web.id);
    assert_eq!(data["consents"][0]["scope"], "openid email");
    let events = data["events"].as_array().unwrap();
    assert_eq!(events[0]["action"], "user.signed_in", "the newest first: {events:?}");
    assert_eq!(events[0]["address"], "127.0.0.1");
    let made = events.last().unwrap();
    assert_eq!((&made["action"], &made["actor"]), (&json!("user.created"), &json!("admin")));
    assert!(!answer.body.contains("argon2"), "{}", answer.body);
}

async fn an_account_is_deleted_after_its_grace_period_unless_it_is_kept(app: &TestApp) {
    let (acme, mut browser) = signed_in(app).await;
    let tokens = app.direct(&acme, "login", &acme.credentials()).await.expect(200);
    let page = browser.get(&acme.url("/account/delete")).await;
    assert!(page.body.contains("14 days to change your mind"), "{}", page.body);
    let delete = [("choice", "delete")];
    post(&mut browser, &acme, "/account/delete", &delete).await;
    let token = json!({ "refresh_token": tokens["refresh_token"] });
    app.direct(&acme, "refresh", &token).await.refused(401, "invalid_grant");
    let page = browser.get(&acme.url("/account")).await;
    assert!(page.body.contains("Your account will be deleted on"), "{}", page.body);
    assert!(app.mail_to(&acme.email).await[0].subject.contains("will be deleted"));
    // Changing one's mind, after signing in again.
    let mut browser = Browser::new(app);
    app.clock.advance(Duration::from_secs(13 * 24 * 3_600));
    doorward::jobs::round(&app.context).await.unwrap();
    browser.sign_in(&acme).await;
    post(&mut browser, &acme, "/account/delete", &[("choice", "keep")]).await;
    app.clock.advance(Duration::from_secs(2 * 24 * 3_600));
    doorward::jobs::round(&app.context).await.unwrap();
    app.login(&acme).await;
    // And not.
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    post(&mut browser, &acme, "/account/delete", &delete).await;
    app.clock.advance(Duration::from_secs(14 * 24 * 3_600));
    doorward::jobs::round(&app.context).await.unwrap();
    app.direct(&acme, "login", &acme.credentials()).await.refused(401, "invalid_credentials");
    assert_eq!(browser.get(&acme.url("/account")).await.status, 303);
}

async fn no_form_of_the_account_is_forged(app: &TestApp) {
    let (acme, mut browser) = signed_in(app).await;
    let csrf = field(&browser.get(&acme.url("/account")).await, "csrf");
    for path in ["", "/sessions", "/apps", "/password", "/email", "/delete", "/email/confirm"] {
        let url = acme.url(&format!("/account{path}"));
        assert_eq!(browser.submit(&url, &[("csrf", "forged")]).await.status, 403, "{path}");
        let call = app
            .post(&url)
            .header("origin", "https://evil.example")
            .header("sec-fetch-site", "cross-site")
            .form(&[("csrf", &csrf)]);
        assert_eq!(browser.send(&url, call).await.status, 403, "{path}");
    }
}
