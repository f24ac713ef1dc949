//! Making an account of one's own, and proving its address.

use std::time::Duration;

use doorward::domain::tenant::{EmailVerification, SignUp};
use doorward::flows::administration::tenants::TenantChange;
use serde_json::{Value, json};

use crate::harness::{
    Answer, Browser, PASSWORD, TestApp, TestTenant, absolute, field, on_both_databases, query,
};

on_both_databases! {
    somebody_signs_up_for_an_app_and_is_in,
    what_is_wrong_stands_beside_its_field,
    a_new_account_verifies_its_address_by_mail,
    where_verification_is_required_taken_and_free_look_the_same,
    where_verification_is_required_nobody_is_in_before,
    the_app_is_reached_after_verification,
    whoever_signs_up_second_cannot_be_hijacked_by_the_first,
    an_earlier_link_confirms_no_planted_password,
    a_session_from_before_verification_was_required_gets_no_code,
    an_invitation_to_verify_lasts_a_day,
    where_sign_up_is_closed_the_page_says_so,
}

const NEW: &str = "otters juggle quietly at noon";

async fn required(app: &TestApp) -> TestTenant {
    let acme = app.tenant("acme").await;
    let email_verification = Some(EmailVerification::Required);
    app.change(&acme, TenantChange { email_verification, ..TenantChange::default() }).await;
    acme
}

async fn register(app: &TestApp, acme: &TestTenant, email: &str, password: &str) -> Answer {
    app.clock.advance(Duration::from_millis(5));
    app.direct(acme, "register", &json!({ "email": email, "password": password })).await
}

async fn login(app: &TestApp, acme: &TestTenant, email: &str, password: &str) -> Answer {
    app.clock.advance(Duration::from_millis(5));
    app.direct(acme, "login", &json!({ "email": email, "password": password })).await
}

async fn sign_up(
    browser: &mut Browser<'_>,
    acme: &TestTenant,
    page: &Answer,
    email: &str,
) -> Answer {
    let csrf = field(page, "csrf");
    let mut fields =
        vec![("csrf", csrf.as_str()), ("name", "Grace"), ("email", email), ("password", NEW)];
    let request = page.body.contains("name=\"request\"").then(|| field(page, "request"));
    fields.extend(request.as_ref().map(|request| ("request", request.as_str())));
    browser.submit(&acme.url("/signup"), &fields).await
}

async fn somebody_signs_up_for_an_app_and_is_in(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    let asked = browser.authorize(&acme, &acme.authorization(&acme.web)).await;
    let login = browser.get(&absolute(&acme, asked.location())).await;
    let request = field(&login, "request");
    let url = format!("/t/acme/signup?request={request}");
    assert!(login.body.contains(&format!("href=\"{url}\"")), "{}", login.body);
    let page = browser.get(&absolute(&acme, &url)).await;
    assert!(page.body.contains("to continue to <strong>web</strong>"), "{}", page.body);
    let answer = sign_up(&mut browser, &acme, &page, "grace@x.example").await;
    let goes_on = browser.get(&absolute(&acme, answer.location())).await;
    let code = query(goes_on.location())["code"].clone();
    let tokens = app.redeem(&acme, &acme.web, &code).await.expect(200);
    let claims = crate::harness::claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(claims["email"], "grace@x.example");
    assert_eq!(claims["email_verified"], false);
    assert_eq!(claims["name"], "Grace");
}

async fn what_is_wrong_stands_beside_its_field(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    let page = browser.get(&acme.url("/signup")).await;
    let csrf = field(&page, "csrf");
    for (name, email, password, wrong) in [
        ("Ada", "nonsense", NEW, "email-error"),
        ("Ada", "a@x.example,b@x.example", NEW, "email-error"),
        ("Ada", "a@x.example\r\nBcc: b@x.example", NEW, "email-error"),
        ("Ada", "", NEW, "email-error"),
        ("Ada", "a@x.example", "short", "password-error"),
        ("a\u{202e}b", "a@x.example", NEW, "name-error"),
        ("Ada", &acme.email, NEW, "email-error"),
    ] {
        let fields = [("csrf", &*csrf), ("name", name), ("email", email), ("password", password)];
        let answer = browser.submit(&acme.url("/signup"), &fields).await;
        assert_eq!(answer.status, 200, "{email}");
        assert!(answer.body.contains(&format!("id=\"{wrong}\"")), "{email}: {}", answer.body);
        assert!(!answer.body.contains(NEW), "no page shows a password");
    }
    let long = format!("{}@x.example", "a".repeat(70_000));
    let fields = [("csrf", &*csrf), ("email", &*long), ("password", NEW)];
    assert_eq!(browser.submit(&acme.url("/signup"), &fields).await.status, 413);
    let fields = [("csrf", "forged"), ("email", "a@x.example"), ("password", NEW)];
    assert_eq!(browser.submit(&acme.url("/signup"), &fields).await.status, 403);
    login(app, &acme, "a@x.example", NEW).await.refused(401, "invalid_credentials");
}

async fn a_new_account_verifies_its_address_by_mail(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let made = register(app, &acme, "grace@x.example", NEW).await.expect(201);
    assert_eq!(made["email_verified"], false);
    let link = app.mailed_link("grace@x.example").await;
    let mut browser = Browser::new(app);
    let page = browser.get(&link).await;
    assert!(page.body.contains("grace@x.example"), "{}", page.body);
    let fields = [("csrf", &*field(&page, "csrf")), ("token", &*field(&page, "token"))];
    let done = browser.submit(&acme.url("/verify-email"), &fields).await;
    assert_eq!(done.location(), "/t/acme/login?done=verified");
    let token = json!({ "refresh_token": made["refresh_token"] });
    let fresh = app.direct(&acme, "refresh", &token).await.expect(200);
    assert_eq!(fresh["email_verified"], true);
    let again = browser.submit(&acme.url("/verify-email"), &fields).await;
    assert!(again.body.contains("This link does not work any more"), "{}", again.body);
}

async fn where_verification_is_required_taken_and_free_look_the_same(app: &TestApp) {
    let acme = required(app).await;
    register(app, &acme, "unproved@x.example", NEW).await.expect(202);
    app.user(&acme.tenant, "off@x.example", &[]).await;
    app.execute("UPDATE users SET status = 'disabled' WHERE email = 'off@x.example'");
    let free = register(app, &acme, "free@x.example", NEW).await;
    assert_eq!(free.expect(202), json!({ "status": "verification_required" }));
    let headers = |answer: &Answer| {
        let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        names.sort();
        names
    };
    let mut browser = Browser::new(app);
    let page = browser.get(&acme.url("/signup")).await;
    let free_page = sign_up(&mut browser, &acme, &page, "free2@x.example").await;
    for email in [&*acme.email, "unproved@x.example", "off@x.example"] {
        let taken = register(app, &acme, email, NEW).await;
        assert_eq!((taken.status, &taken.body), (free.status, &free.body), "{email}");
        assert_eq!(headers(&taken), headers(&free), "{email}");
        let taken_page = sign_up(&mut browser, &acme, &page, email).await;
        let masked = taken_page.body.replace(email, "free2@x.example");
        assert_eq!((taken_page.status, masked), (200, free_page.body.clone()), "{email}");
    }
    // Their owners learn it.
    let told = app.mail_to(&acme.email).await.remove(0);
    assert!(told.subject.contains("You have an account"), "{told:?}");
    assert!(app.mail_to("off@x.example").await.is_empty());
    login(app, &acme, &acme.email, PASSWORD).await.expect(200);
}

async fn where_verification_is_required_nobody_is_in_before(app: &TestApp) {
    let acme = required(app).await;
    register(app, &acme, "grace@x.example", NEW).await.expect(202);
    let first = app.mailed_token("grace@x.example").await;
    let refused = login(app, &acme, "grace@x.example", NEW).await;
    refused.refused(403, "email_not_verified");
    login(app, &acme, "grace@x.example", PASSWORD).await.refused(401, "invalid_credentials");
    let mut browser = Browser::new(app);
    let page = browser.get(&acme.url("/login")).await;
    let csrf = field(&page, "csrf");
    let fields = [("csrf", &*csrf), ("email", "grace@x.example"), ("password", NEW)];
    let answer = browser.submit(&acme.url("/login"), &fields).await;
    assert!(answer.body.contains("Look at your mail"), "{}", answer.body);
    assert_eq!(browser.get(&acme.url("/account")).await.status, 303);
    // The newest link is the one that works.
    let newest = app.mailed_token("grace@x.example").await;
    let verify = |token: String| {
        let acme = &acme;
        async move { app.direct(acme, "verify-email", &json!({ "token": token })).await.status }
    };
    assert_eq!(verify(first).await, 400);
    assert_eq!(verify(newest).await, 204);
    assert_eq!(login(app, &acme, "grace@x.example", NEW).await.expect(200)["email_verified"], true);
}

async fn the_app_is_reached_after_verification(app: &TestApp) {
    let acme = required(app).await;
    let mut browser = Browser::new(app);
    let asked = browser.authorize(&acme, &acme.authorization(&acme.web)).await;
    let page = browser.get(&absolute(&acme, &asked.location().replace("/login", "/signup"))).await;
    let mailed = sign_up(&mut browser, &acme, &page, "grace@x.example").await;
    assert!(mailed.body.contains("Look at your mail"), "{}", mailed.body);
    let page = browser.get(&app.mailed_link("grace@x.example").await).await;
    let request = field(&page, "request");
    let fields = [
        ("csrf", &*field(&page, "csrf")),
        ("token", &*field(&page, "token")),
        ("request", &*request),
    ];
    let done = browser.submit(&acme.url("/verify-email"), &fields).await;
    assert_eq!(done.location(), format!("/t/acme/login?request={request}&done=verified"));
    let page = browser.get(&absolute(&acme, done.location())).await;
    assert!(page.body.contains("Your address is verified"), "{}", page.body);
    let fields = [
        ("csrf", &*field(&page, "csrf")),
        ("request", &*request),
        ("email", "grace@x.example"),
        ("password", NEW),
    ];
    let answer = browser.submit(&acme.url("/login"), &fields).await;
    let back = browser.get(&absolute(&acme, answer.location())).await;
    assert!(back.location().starts_with(&acme.web.redirect_uri), "{back:?}");
}

/// An attacker plants a password with the address of somebody who comes later.
async fn whoever_signs_up_second_cannot_be_hijacked_by_the_first(app: &TestApp) {
    let acme = required(app).await;
    register(app, &acme, "victim@x.example", "the attacker's own words").await.expect(202);
    register(app, &acme, "victim@x.example", NEW).await.expect(202);
    let letters = app.mail_to("victim@x.example").await;
    let link = |wanted: &str| {
        let words = letters.iter().flat_map(|letter| letter.text.split_whitespace());
        words.into_iter().find(|word| word.contains(wanted)).map(str::to_owned)
    };
    assert!(link("/reset-password?token=").is_some(), "{letters:?}");
    // The button of the first letter does not make the attacker's password the victim's.
    if let Some(first) = link("/verify-email?token=") {
        let (_, token) = first.split_once("token=").unwrap();
        app.direct(&acme, "verify-email", &json!({ "token": token })).await;
        let planted = login(app, &acme, "victim@x.example", "the attacker's own words").await;
        planted.refused(401, "invalid_credentials");
    }
    let token = app.mailed_token("victim@x.example").await;
    let body = json!({ "token": token, "password": NEW });
    assert_eq!(app.direct(&acme, "reset-password", &body).await.status, 204);
    let planted = login(app, &acme, "victim@x.example", "the attacker's own words").await;
    planted.refused(401, "invalid_credentials");
    let victim = login(app, &acme, "victim@x.example", NEW).await.expect(200);
    assert_eq!(victim["email_verified"], Value::Bool(true));
}

/// The victim signs up second and opens the first of the two letters.
async fn an_earlier_link_confirms_no_planted_password(app: &TestApp) {
    let acme = required(app).await;
    let planted = "the attacker's own words";
    register(app, &acme, "victim@x.example", planted).await.expect(202);
    let first = app.mailed_token("victim@x.example").await;
    register(app, &acme, "victim@x.example", NEW).await.expect(202);
    let answer = app.direct(&acme, "verify-email", &json!({ "token": first })).await;
    answer.refused(400, "invalid_request");
    let answer = login(app, &acme, "victim@x.example", planted).await;
    answer.refused(401, "invalid_credentials");
    // Also by a link that anybody may have sent again.
    let mut browser = Browser::new(app);
    let csrf = field(&browser.get(&acme.url("/login")).await, "csrf");
    let fields = [("csrf", &*csrf), ("again", "yes"), ("email", "victim@x.example")];
    browser.submit(&acme.url("/verify-email"), &fields).await;
    let token = app.mailed_token("victim@x.example").await;
    assert_eq!(app.direct(&acme, "verify-email", &json!({ "token": token })).await.status, 204);
    let answer = login(app, &acme, "victim@x.example", planted).await;
    answer.refused(401, "invalid_credentials");
}

/// A refresh goes on: the app has known since the sign-in that the address is not verified, and an honest user is
/// not thrown out for a setting that changed.
async fn a_session_from_before_verification_was_required_gets_no_code(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    let page = browser.get(&acme.url("/signup")).await;
    assert_eq!(sign_up(&mut browser, &acme, &page, "grace@x.example").await.status, 303);
    let tokens = register(app, &acme, "other@x.example", NEW).await.expect(201);
    let email_verification = Some(EmailVerification::Required);
    app.change(&acme, TenantChange { email_verification, ..TenantChange::default() }).await;

    let held = browser.authorize(&acme, &acme.authorization(&acme.web)).await;
    assert_eq!(held.status, 200, "{held:?}");
    assert!(held.body.contains("must be verified"), "{}", held.body);
    let silent = acme.authorization(&acme.web).with("prompt", "none");
    let refused = browser.authorize(&acme, &silent).await;
    assert_eq!(query(refused.location())["error"], "interaction_required");
    let token = json!({ "refresh_token": tokens["refresh_token"] });
    let refreshed = app.direct(&acme, "refresh", &token).await.expect(200);
    assert_eq!(refreshed["email_verified"], false);
    assert_eq!(browser.get(&acme.url("/account")).await.status, 200, "to mend the address");

    let request = field(&held, "request");
    let fields = [
        ("csrf", &*field(&held, "csrf")),
        ("request", &*request),
        ("again", "yes"),
        ("email", "grace@x.example"),
    ];
    browser.submit(&acme.url("/verify-email"), &fields).await;
    let page = browser.get(&app.mailed_link("grace@x.example").await).await;
    let fields = [
        ("csrf", &*field(&page, "csrf")),
        ("token", &*field(&page, "token")),
        ("request", &*request),
    ];
    let done = browser.submit(&acme.url("/verify-email"), &fields).await;
    let back = browser.get(&absolute(&acme, done.location())).await;
    assert!(query(back.location()).contains_key("code"), "{back:?}");
}

async fn an_invitation_to_verify_lasts_a_day(app: &TestApp) {
    let acme = app.tenant("acme").await;
    register(app, &acme, "grace@x.example", NEW).await.expect(201);
    let token = app.mailed_token("grace@x.example").await;
    app.clock.advance(Duration::from_secs(24 * 3_600));
    let answer = app.direct(&acme, "verify-email", &json!({ "token": token })).await;
    answer.refused(400, "invalid_request");
}

async fn where_sign_up_is_closed_the_page_says_so(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let sign_up = Some(SignUp::Closed);
    app.change(&acme, TenantChange { sign_up, ..TenantChange::default() }).await;
    let mut browser = Browser::new(app);
    let page = browser.get(&acme.url("/login")).await;
    assert!(!page.body.contains("/signup"), "{}", page.body);
    let closed = browser.get(&acme.url("/signup")).await;
    assert!(closed.body.contains("Accounts are made by an admin"), "{}", closed.body);
    let csrf = field(&page, "csrf");
    let fields = [("csrf", &*csrf), ("email", "a@x.example"), ("password", NEW)];
    let answer = browser.submit(&acme.url("/signup"), &fields).await;
    assert!(answer.body.contains("Accounts are made by an admin"), "{}", answer.body);
    register(app, &acme, "a@x.example", NEW).await.refused(403, "sign_up_closed");
    assert!(app.mail_to("a@x.example").await.is_empty());
}
