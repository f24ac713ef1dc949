//! When the user is asked: `prompt`, `max_age`, `id_token_hint`.

use std::time::Duration;

use crate::harness::{
    Answer, Browser, PASSWORD, Query, TestApp, TestClient, TestTenant, absolute, claims, field,
    on_both_databases, query,
};

on_both_databases! {
    without_a_prompt_the_user_is_asked_only_when_needed,
    prompt_login_asks_again_although_the_user_is_signed_in,
    max_age_asks_again_when_the_sign_in_is_too_old,
    max_age_zero_asks_every_time_but_not_for_ever,
    the_user_says_who_goes_on,
    the_user_may_cancel,
    the_user_may_switch_to_another_account,
    a_choice_from_another_site_is_refused,
    a_hint_names_the_user_whom_the_client_expects,
}

const SECOND: Duration = Duration::from_secs(1);

/// The claims of the ID token that an answer's code gives.
async fn redeemed(
    app: &TestApp,
    tenant: &TestTenant,
    client: &TestClient,
    answer: &Answer,
) -> serde_json::Value {
    let code = query(answer.location())["code"].clone();
    let tokens = app.redeem(tenant, client, &code).await.expect(200);
    claims(tokens["id_token"].as_str().unwrap())
}

#[track_caller]
fn asks_to_sign_in(answer: &Answer) {
    assert!(answer.location().starts_with("/t/acme/login?request="), "{answer:?}");
}

#[track_caller]
fn refused(answer: &Answer, tenant: &TestTenant, error: &str) {
    let reply = query(answer.location());
    assert_eq!(reply["error"], error);
    assert_eq!(reply["state"], "st-1");
    assert_eq!(reply["iss"], tenant.issuer);
    assert!(!reply.contains_key("code"));
}

/// The page "Continue as …".
#[track_caller]
fn asks_who_goes_on(page: &Answer, tenant: &TestTenant) {
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.body.contains("Continue as Ada Example"), "{}", page.body);
    assert!(page.body.contains(&tenant.email), "{}", page.body);
}

async fn choose(
    browser: &mut Browser<'_>,
    tenant: &TestTenant,
    page: &Answer,
    choice: &str,
) -> Answer {
    let (csrf, request) = (field(page, "csrf"), field(page, "request"));
    let fields = [("csrf", &*csrf), ("request", &*request), ("choice", choice)];
    browser.submit(&tenant.url("/oauth2/authorize/continue"), &fields).await
}

async fn without_a_prompt_the_user_is_asked_only_when_needed(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    let request = acme.authorization(&acme.web);
    let asked = browser.authorize(&acme, &request).await;
    asks_to_sign_in(&asked);
    let answer = browser.sign_in_at(&acme, &asked).await;
    let reply = query(answer.location());
    assert!(answer.location().starts_with("https://web.acme.example/callback?"));
    assert_eq!(reply["state"], "st-1");
    assert_eq!(reply["iss"], acme.issuer);
    app.redeem(&acme, &acme.web, &reply["code"]).await.expect(200);
    for prompt in ["", "none"] {
        let answer = browser.authorize(&acme, &request.clone().with("prompt", prompt)).await;
        redeemed(app, &acme, &acme.web, &answer).await;
    }
    let stranger = Browser::new(app).authorize(&acme, &request.with("prompt", "none")).await;
    refused(&stranger, &acme, "login_required");
}

async fn prompt_login_asks_again_although_the_user_is_signed_in(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let request = acme.authorization(&acme.web);
    let answer = browser.authorize(&acme, &request).await;
    let before = redeemed(app, &acme, &acme.web, &answer).await;
    app.clock.advance(100 * SECOND);
    let asked = browser.authorize(&acme, &request.clone().with("prompt", "login")).await;
    asks_to_sign_in(&asked);
    // Going on without signing in again leads nowhere else.
    let skip = asked.location().replace("/login?", "/oauth2/authorize/continue?");
    asks_to_sign_in(&browser.get(&absolute(&acme, &skip)).await);
    let answer = browser.sign_in_at(&acme, &asked).await;
    let after = redeemed(app, &acme, &acme.web, &answer).await;
    assert!(after["auth_time"].as_i64() >= before["auth_time"].as_i64().map(|at| at + 100));
    assert_eq!(after["sub"], before["sub"]);
}

async fn max_age_asks_again_when_the_sign_in_is_too_old(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let request = acme.authorization(&acme.web).with("max_age", "60");
    app.clock.advance(60 * SECOND);
    let answer = browser.authorize(&acme, &request).await;
    let claims = redeemed(app, &acme, &acme.web, &answer).await;
    assert!(claims["auth_time"].is_i64());
    app.clock.advance(SECOND);
    let silent = browser.authorize(&acme, &request.clone().with("prompt", "none")).await;
    refused(&silent, &acme, "login_required");
    let asked = browser.authorize(&acme, &request).await;
    asks_to_sign_in(&asked);
    let answer = browser.sign_in_at(&acme, &asked).await;
    let again = redeemed(app, &acme, &acme.web, &answer).await;
    assert!(again["auth_time"].as_i64() > claims["auth_time"].as_i64());
}

async fn max_age_zero_asks_every_time_but_not_for_ever(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let request = acme.authorization(&acme.web).with("max_age", "0");
    for _ in 0..2 {
        app.clock.advance(Duration::from_millis(1));
        let asked = browser.authorize(&acme, &request).await;
        asks_to_sign_in(&asked);
        let answer = browser.sign_in_at(&acme, &asked).await;
        redeemed(app, &acme, &acme.web, &answer).await;
    }
}

async fn the_user_says_who_goes_on(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    for prompt in ["select_account", "consent", "consent select_account"] {
        let request = acme.authorization(&acme.web).with("prompt", prompt);
        let page = browser.authorize(&acme, &request).await;
        asks_who_goes_on(&page, &acme);
        assert!(!page.body.contains("code="), "no code before the choice");
        let answer = choose(&mut browser, &acme, &page, "continue").await;
        assert_eq!(query(answer.location())["state"], "st-1");
        redeemed(app, &acme, &acme.web, &answer).await;
        let again = choose(&mut browser, &acme, &page, "continue").await;
        assert_eq!(again.status, 400, "answered once: {again:?}");
        assert_eq!(again.header("location"), None);
    }
    // One who signs in for the request has said so already.
    let mut stranger = Browser::new(app);
    let request = acme.authorization(&acme.web).with("prompt", "select_account");
    let asked = stranger.authorize(&acme, &request).await;
    asks_to_sign_in(&asked);
    let answer = stranger.sign_in_at(&acme, &asked).await;
    redeemed(app, &acme, &acme.web, &answer).await;
    // Confirming is no sign-in.
    let request = request.with("prompt", "login consent");
    asks_to_sign_in(&browser.authorize(&acme, &request).await);
}

async fn the_user_may_cancel(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let request = acme.authorization(&acme.web).with("prompt", "consent");
    let page = browser.authorize(&acme, &request).await;
    let answer = choose(&mut browser, &acme, &page, "cancel").await;
    refused(&answer, &acme, "access_denied");
    let again = choose(&mut browser, &acme, &page, "continue").await;
    assert_eq!(again.status, 400, "a request that was cancelled is over: {again:?}");
    // Cancelling one request is no sign-out.
    let silent = acme.authorization(&acme.web).with("prompt", "none");
    redeemed(app, &acme, &acme.web, &browser.authorize(&acme, &silent).await).await;
}

async fn the_user_may_switch_to_another_account(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let bob = app.user(&acme.tenant, "bob@acme.example", &["MEMBER"]).await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let request = acme.authorization(&acme.web).with("prompt", "select_account");
    let page = browser.authorize(&acme, &request).await;
    let asked = choose(&mut browser, &acme, &page, "switch").await;
    asks_to_sign_in(&asked);
    let answer = sign_in_as(&mut browser, &acme, &asked, "bob@acme.example").await;
    let claims = redeemed(app, &acme, &acme.web, &answer).await;
    assert_eq!(claims["sub"], bob.to_string());
    assert_eq!(claims["role"], "MEMBER");
}

async fn sign_in_as(
    browser: &mut Browser<'_>,
    tenant: &TestTenant,
    asked: &Answer,
    email: &str,
) -> Answer {
    let page = browser.get(&absolute(tenant, asked.location())).await;
    let (csrf, request) = (field(&page, "csrf"), field(&page, "request"));
    let fields =
        [("csrf", &*csrf), ("request", &*request), ("email", email), ("password", PASSWORD)];
    let answer = browser.submit(&tenant.url("/login"), &fields).await;
    browser.get(&absolute(tenant, answer.location())).await
}

async fn a_choice_from_another_site_is_refused(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let request = acme.authorization(&acme.web).with("prompt", "consent");
    let page = browser.authorize(&acme, &request).await;
    let (csrf, id) = (field(&page, "csrf"), field(&page, "request"));
    let url = acme.url("/oauth2/authorize/continue");
    for (csrf, origin, site) in [
        (&*csrf, "https://evil.example", "cross-site"),
        (&*csrf, "https://evil.example", "same-origin"),
        (&*csrf, "null", "cross-site"),
        (&*csrf, "null", "same-site"),
        ("wrong", "null", "same-origin"),
        ("", "null", "same-origin"),
    ] {
        let fields = [("csrf", csrf), ("request", &*id), ("choice", "continue")];
        let call = app.post(&url).header("origin", origin).header("sec-fetch-site", site);
        let answer = browser.send(&url, call.form(&fields)).await;
        assert_eq!(answer.status, 403, "{csrf} {origin} {site}: {answer:?}");
        assert_eq!(answer.header("location"), None);
    }
    let answer = choose(&mut browser, &acme, &page, "continue").await;
    redeemed(app, &acme, &acme.web, &answer).await;
}

async fn a_hint_names_the_user_whom_the_client_expects(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let bob = app.user(&acme.tenant, "bob@acme.example", &[]).await;
    let mut bobs = Browser::new(app);
    let asked = bobs.authorize(&acme, &acme.authorization(&acme.web)).await;
    let answer = sign_in_as(&mut bobs, &acme, &asked, "bob@acme.example").await;
    let code = query(answer.location())["code"].clone();
    let tokens = app.redeem(&acme, &acme.web, &code).await.expect(200);
    let hint = tokens["id_token"].as_str().unwrap();
    let request = acme.authorization(&acme.web).with("id_token_hint", hint);
    let silent = request.clone().with("prompt", "none");
    // Long expired, it still names him.
    app.clock.advance(2 * 60 * 60 * SECOND);
    let his = redeemed(app, &acme, &acme.web, &bobs.authorize(&acme, &silent).await).await;
    assert_eq!(his["sub"], bob.to_string());

    let mut adas = Browser::new(app);
    adas.sign_in(&acme).await;
    refused(&adas.authorize(&acme, &silent).await, &acme, "login_required");
    let asked = adas.authorize(&acme, &request).await;
    asks_to_sign_in(&asked);
    refused(&adas.sign_in_at(&acme, &asked).await, &acme, "login_required");
    let asked = adas.authorize(&acme, &request).await;
    let answer = sign_in_as(&mut adas, &acme, &asked, "bob@acme.example").await;
    assert_eq!(redeemed(app, &acme, &acme.web, &answer).await["sub"], bob.to_string());

    let foreign = app.sign_in(&bolt, &bolt.web).await;
    let with = |hint: &str| -> Query { silent.clone().with("id_token_hint", hint) };
    for bad in [foreign["id_token"].as_str().unwrap(), tokens["access_token"].as_str().unwrap()] {
        refused(&bobs.authorize(&acme, &with(bad)).await, &acme, "invalid_request");
    }
}
