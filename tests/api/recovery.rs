//! A new password by a mailed link, hosted and in the JSON API.

use std::time::Duration;

use doorward::domain::tenant::EmailVerification;
use doorward::flows::account::session;
use doorward::flows::account::sign_in::{self, Credentials, Outcome};
use doorward::flows::account::throttle::Guesser;
use doorward::flows::administration::tenants::TenantChange;
use doorward::storage::Device;
use serde_json::json;

use crate::harness::{
    Answer, Browser, PASSWORD, TestApp, TestTenant, absolute, field, on_both_databases,
};

on_both_databases! {
    a_forgotten_password_is_chosen_anew_by_a_mailed_link,
    the_json_api_asks_and_resets,
    every_address_gets_the_same_answer_and_nobody_else_gets_mail,
    a_link_is_good_once_and_the_newest_alone,
    of_many_at_once_one_resets,
    opening_a_link_spends_nothing_and_a_weak_password_neither,
    a_link_lasts_an_hour_and_dies_with_its_address,
    a_link_is_good_for_its_purpose_alone,
    a_reset_ends_every_session_and_token_and_tells_the_owner,
    no_request_header_reaches_a_mailed_link,
    nobody_is_flooded_with_letters,
    the_app_is_reached_after_a_recovery,
    in_another_browser_a_recovery_leads_to_the_account,
    nothing_that_is_stored_is_a_link,
    a_sign_in_that_a_recovery_overtakes_begins_no_session,
}

const NEW: &str = "otters juggle quietly at noon";

async fn forgot(app: &TestApp, acme: &TestTenant, email: &str) -> Answer {
    app.clock.advance(Duration::from_millis(5));
    app.direct(acme, "forgot-password", &json!({ "email": email })).await
}

async fn reset(app: &TestApp, acme: &TestTenant, token: &str, password: &str) -> Answer {
    app.direct(acme, "reset-password", &json!({ "token": token, "password": password })).await
}

async fn login(app: &TestApp, acme: &TestTenant, password: &str) -> Answer {
    app.direct(acme, "login", &json!({ "email": acme.email, "password": password })).await
}

async fn a_forgotten_password_is_chosen_anew_by_a_mailed_link(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    let login_page = browser.get(&acme.url("/login")).await;
    assert!(login_page.body.contains("href=\"/t/acme/forgot-password\""), "{}", login_page.body);
    let url = acme.url("/forgot-password");
    let page = browser.get(&url).await;
    let csrf = field(&page, "csrf");
    let asked = browser.submit(&url, &[("csrf", &csrf), ("email", &acme.email)]).await;
    assert_eq!(asked.status, 200);
    assert!(asked.body.contains("Look at your mail"), "{}", asked.body);

    let link = app.mailed_link(&acme.email).await;
    assert!(link.starts_with(&acme.url("/reset-password?token=")), "{link}");
    // On another device.
    let mut phone = Browser::new(app);
    let page = phone.get(&link).await;
    assert!(page.body.contains(&acme.email), "{}", page.body);
    let (csrf, token) = (field(&page, "csrf"), field(&page, "token"));
    let fields = [("csrf", &*csrf), ("token", &token), ("password", NEW)];
    let done = phone.submit(&acme.url("/reset-password"), &fields).await;
    assert_eq!(done.location(), "/t/acme/login?done=password");
    let page = phone.get(&acme.url("/login?done=password")).await;
    assert!(page.body.contains("Your new password is set"), "{}", page.body);
    login(app, &acme, NEW).await.expect(200);
    login(app, &acme, PASSWORD).await.refused(401, "invalid_credentials");
}

async fn the_json_api_asks_and_resets(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let answer = forgot(app, &acme, &acme.email).await;
    assert_eq!((answer.status, &answer.json()["status"]), (202, &json!("accepted")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let token = app.mailed_token(&acme.email).await;
    assert_eq!(reset(app, &acme, &token, NEW).await.status, 204);
    login(app, &acme, NEW).await.expect(200);
    let missing = app.direct(&acme, "reset-password", &json!({ "token": token })).await;
    missing.refused(400, "invalid_request");
    assert!(missing.json()["fields"]["password"].is_string());
}

async fn every_address_gets_the_same_answer_and_nobody_else_gets_mail(app: &TestApp) {
    let acme = app.tenant("acme").await;
    app.user(&acme.tenant, "off@acme.example", &[]).await;
    app.execute("UPDATE users SET status = 'disabled' WHERE email = 'off@acme.example'");
    let known = forgot(app, &acme, &acme.email).await;
    let mut browser = Browser::new(app);
    let csrf = field(&browser.get(&acme.url("/forgot-password")).await, "csrf");
    let url = acme.url("/forgot-password");
    let known_page = browser.submit(&url, &[("csrf", &csrf), ("email", &acme.email)]).await;
    for email in ["nobody@acme.example", "off@acme.example", "not an address"] {
        let answer = forgot(app, &acme, email).await;
        assert_eq!((answer.status, &answer.body), (known.status, &known.body), "{email}");
        if email.contains('@') {
            let page = browser.submit(&url, &[("csrf", &csrf), ("email", email)]).await;
            let masked = page.body.replace(email, &acme.email);
            assert_eq!((page.status, masked), (200, known_page.body.clone()), "{email}");
        }
        assert!(app.mail_to(email).await.is_empty(), "{email}");
    }
    assert_eq!(app.mail_to(&acme.email).await.len(), 2);
}

async fn a_link_is_good_once_and_the_newest_alone(app: &TestApp) {
    let acme = app.tenant("acme").await;
    forgot(app, &acme, &acme.email).await;
    let older = app.mailed_token(&acme.email).await;
    forgot(app, &acme, &acme.email).await;
    let newer = app.mailed_token(&acme.email).await;
    assert_ne!(older, newer);
    let refused = reset(app, &acme, &older, NEW).await;
    refused.refused(400, "invalid_request");
    assert!(refused.json()["fields"]["token"].is_string(), "{refused:?}");
    assert_eq!(reset(app, &acme, &newer, NEW).await.status, 204);
    reset(app, &acme, &newer, "an otter for the second time").await.refused(400, "invalid_request");
    login(app, &acme, NEW).await.expect(200);
    let page = Browser::new(app).get(&acme.url(&format!("/reset-password?token={newer}"))).await;
    assert!(page.body.contains("This link does not work any more"), "{}", page.body);
    let way_on = "/t/acme/forgot-password\">Send a new link</a>";
    assert!(page.body.contains(way_on), "{}", page.body);
}

async fn of_many_at_once_one_resets(app: &TestApp) {
    let acme = app.tenant("acme").await;
    forgot(app, &acme, &acme.email).await;
    let token = app.mailed_token(&acme.email).await;
    let passwords: Vec<String> = (0..8).map(|n| format!("{NEW} number {n}")).collect();
    let tries = passwords.iter().map(|password| reset(app, &acme, &token, password));
    let answers = futures_util::future::join_all(tries).await;
    let good = answers.iter().filter(|answer| answer.status == 204).count();
    assert_eq!(good, 1, "{answers:?}");
    let winner = answers.iter().position(|answer| answer.status == 204).unwrap();
    login(app, &acme, &passwords[winner]).await.expect(200);
}

async fn opening_a_link_spends_nothing_and_a_weak_password_neither(app: &TestApp) {
    let acme = app.tenant("acme").await;
    forgot(app, &acme, &acme.email).await;
    let link = app.mailed_link(&acme.email).await;
    let token = app.mailed_token(&acme.email).await;
    for _ in 0..3 {
        assert!(Browser::new(app).get(&link).await.body.contains("name=\"password\""));
    }
    for weak in ["short", "password1234", "tenant acme"] {
        let answer = reset(app, &acme, &token, weak).await;
        answer.refused(400, "invalid_request");
        assert!(answer.json()["fields"]["password"].is_string(), "{answer:?}");
    }
    assert_eq!(reset(app, &acme, &token, NEW).await.status, 204);
}

async fn a_link_lasts_an_hour_and_dies_with_its_address(app: &TestApp) {
    let acme = app.tenant("acme").await;
    forgot(app, &acme, &acme.email).await;
    let token = app.mailed_token(&acme.email).await;
    app.clock.advance(Duration::from_secs(3_600));
    reset(app, &acme, &token, NEW).await.refused(400, "invalid_request");
    forgot(app, &acme, &acme.email).await;
    let token = app.mailed_token(&acme.email).await;
    app.execute("UPDATE users SET email = 'moved@x.example', email_key = 'moved@x.example'");
    reset(app, &acme, &token, NEW).await.refused(400, "invalid_request");
}

async fn a_link_is_good_for_its_purpose_alone(app: &TestApp) {
    let acme = app.tenant("acme").await;
    app.direct(&acme, "register", &json!({ "email": "new@x.example", "password": PASSWORD }))
        .await
        .expect(201);
    let verify = app.mailed_token("new@x.example").await;
    forgot(app, &acme, "new@x.example").await;
    let token = app.mailed_token("new@x.example").await;
    reset(app, &acme, &verify, NEW).await.refused(400, "invalid_request");
    let acme = &acme;
    let verified = |token: String| async move {
        app.direct(acme, "verify-email", &json!({ "token": token })).await.status
    };
    assert_eq!(verified(token.clone()).await, 400);
    assert_eq!(verified(verify.clone()).await, 204, "it was not spent by another purpose");
    assert_eq!(verified(verify).await, 400, "it is good once");
}

async fn a_reset_ends_every_session_and_token_and_tells_the_owner(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let direct = app.direct(&acme, "login", &acme.credentials()).await.expect(200);
    forgot(app, &acme, &acme.email).await;
    let token = app.mailed_token(&acme.email).await;
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(reset(app, &acme, &token, NEW).await.status, 204);
    assert_eq!(browser.get(&acme.url("/account")).await.status, 303);
    let old = json!({ "refresh_token": direct["refresh_token"] });
    app.direct(&acme, "refresh", &old).await.refused(401, "invalid_grant");
    let told = app.mail_to(&acme.email).await.remove(0);
    assert!(told.subject.contains("was changed"), "{told:?}");
    assert!(app.audit(&acme.tenant).await.contains(&"user.password_reset".to_owned()));
}

async fn no_request_header_reaches_a_mailed_link(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let body = json!({ "email": acme.email }).to_string();
    let secret = doorward_basic(&acme);
    let head = format!(
        "POST /t/acme/v1/auth/forgot-password HTTP/1.1\r\nHost: evil.test\r\n\
         X-Forwarded-Host: evil.test\r\nForwarded: host=evil.test\r\nX-Forwarded-Proto: ftp\r\n\
         Authorization: Basic {secret}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
        body.len()
    );
    app.send_raw(head.as_bytes(), body.as_bytes());
    let head = head.replace("Host: evil.test\r\nX", "Host: localhost\r\nX");
    assert_eq!(app.send_raw(head.as_bytes(), body.as_bytes()).status, 202);
    for mail in app.mail_to(&acme.email).await {
        assert!(!format!("{mail:?}").contains("evil"), "{mail:?}");
        assert!(mail.text.contains(&acme.url("/reset-password?token=")), "{mail:?}");
    }
}

fn doorward_basic(acme: &TestTenant) -> String {
    use base64::Engine;
    let pair = format!("{}:{}", acme.web.id, acme.web.secret());
    base64::engine::general_purpose::STANDARD.encode(pair)
}

async fn nobody_is_flooded_with_letters(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for _ in 0..30 {
        assert_eq!(forgot(app, &acme, &acme.email).await.status, 202);
    }
    assert_eq!(app.mail_to(&acme.email).await.len(), 5);
    assert!(app.audit(&acme.tenant).await.contains(&"mail.withheld".to_owned()));
    // Others get theirs, and after a while so does the owner.
    app.user(&acme.tenant, "other@acme.example", &[]).await;
    forgot(app, &acme, "other@acme.example").await;
    assert_eq!(app.mail_to("other@acme.example").await.len(), 1);
    // Without asking again: some wait their turn.
    let mut letters = Vec::new();
    for _ in 0..6 {
        app.clock.advance(Duration::from_secs(12 * 60));
        letters.push(app.mail_to(&acme.email).await.len());
    }
    assert_eq!(letters, [6, 7, 8, 9, 9, 9]);
    forgot(app, &acme, &acme.email).await;
    assert_eq!(app.mail_to(&acme.email).await.len(), 10);
}

/// From the login page of an app to the letter, and the link in it.
async fn recovery_from_an_app(browser: &mut Browser<'_>, acme: &TestTenant) -> String {
    let asked = browser.authorize(acme, &acme.authorization(&acme.web)).await;
    let login = browser.get(&absolute(acme, asked.location())).await;
    let request = field(&login, "request");
    let page = browser.get(&acme.url(&format!("/forgot-password?request={request}"))).await;
    let fields =
        [("csrf", &*field(&page, "csrf")), ("request", &*request), ("email", &*acme.email)];
    let mailed = browser.submit(&acme.url("/forgot-password"), &fields).await;
    let back = format!("href=\"/t/acme/login?request={request}\"");
    assert!(mailed.body.contains(&back), "{}", mailed.body);
    request
}

async fn the_app_is_reached_after_a_recovery(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    let request = recovery_from_an_app(&mut browser, &acme).await;
    let link = app.mailed_link(&acme.email).await;
    let page = browser.get(&link).await;
    assert_eq!(field(&page, "request"), request);
    let (csrf, token) = (field(&page, "csrf"), field(&page, "token"));
    let fields = |password: &'static str| {
        [("csrf", &*csrf), ("token", &*token), ("request", &*request), ("password", password)]
    };
    let weak = browser.submit(&acme.url("/reset-password"), &fields("password")).await;
    assert_eq!(field(&weak, "request"), request);
    let done = browser.submit(&acme.url("/reset-password"), &fields(NEW)).await;
    assert_eq!(done.location(), format!("/t/acme/login?request={request}&done=password"));
    let page = browser.get(&absolute(&acme, done.location())).await;
    assert!(page.body.contains("Your new password is set"), "{}", page.body);
    let spent = browser.get(&link).await;
    let again = format!("href=\"/t/acme/forgot-password?request={request}\"");
    assert!(spent.body.contains(&again), "{}", spent.body);
    let fields = [
        ("csrf", &*field(&page, "csrf")),
        ("request", &*field(&page, "request")),
        ("email", &*acme.email),
        ("password", NEW),
    ];
    let answer = browser.submit(&acme.url("/login"), &fields).await;
    let back = browser.get(&absolute(&acme, answer.location())).await;
    assert!(back.location().starts_with(&acme.web.redirect_uri), "{back:?}");
}

/// A request stays with the browser that brought it.
async fn in_another_browser_a_recovery_leads_to_the_account(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    let request = recovery_from_an_app(&mut browser, &acme).await;
    let mut phone = Browser::new(app);
    let page = phone.get(&app.mailed_link(&acme.email).await).await;
    assert!(!page.body.contains(&request), "{}", page.body);
    let fields = [
        ("csrf", &*field(&page, "csrf")),
        ("token", &*field(&page, "token")),
        ("request", &*request),
        ("password", NEW),
    ];
    let done = phone.submit(&acme.url("/reset-password"), &fields).await;
    assert_eq!(done.location(), "/t/acme/login?done=password");
    let page = phone.get(&absolute(&acme, done.location())).await;
    let fields = [("csrf", &*field(&page, "csrf")), ("email", &*acme.email), ("password", NEW)];
    let answer = phone.submit(&acme.url("/login"), &fields).await;
    assert_eq!(answer.location(), "/t/acme/account");
}

async fn nothing_that_is_stored_is_a_link(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let change = TenantChange {
        email_verification: Some(EmailVerification::Required),
        ..TenantChange::default()
    };
    app.change(&acme, change).await;
    app.direct(&acme, "register", &json!({ "email": "new@x.example", "password": PASSWORD }))
        .await
        .expect(202);
    forgot(app, &acme, &acme.email).await;
    let tokens = [app.mailed_token(&acme.email).await, app.mailed_token("new@x.example").await];
    let stored = app.everything_stored();
    assert!(contains(&stored, acme.email.as_bytes()));
    for token in tokens {
        assert!(!contains(&stored, token.as_bytes()), "a token is stored");
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Between the check of the old password and the session stands the recovery that was to put its knower out.
async fn a_sign_in_that_a_recovery_overtakes_begins_no_session(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let snapshot = app.snapshot(&acme).await;
    let guesser = Guesser { address: None, known_device: None, client: None };
    let credentials = Credentials::parse(&acme.email, PASSWORD);
    let proved = sign_in::with_password(&app.context, &snapshot, credentials, &guesser).await;
    let Outcome::Proved(proof) = proved.unwrap() else { panic!("the password is right") };
    forgot(app, &acme, &acme.email).await;
    let link = app.mailed_link(&acme.email).await;
    let (_, token) = link.split_once("token=").unwrap();
    assert_eq!(reset(app, &acme, token, NEW).await.status, 204);
    let begun = session::begin(&app.context, &snapshot, proof.clone(), None, Device::default());
    assert_eq!(begun.await.unwrap(), None);
    let credentials = Credentials::parse(&acme.email, NEW);
    let proved = sign_in::with_password(&app.context, &snapshot, credentials, &guesser).await;
    let Outcome::Proved(proof) = proved.unwrap() else { panic!("the new password is right") };
    let begun = session::begin(&app.context, &snapshot, proof, None, Device::default());
    assert!(begun.await.unwrap().is_some());
}
