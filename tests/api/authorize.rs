//! The authorization endpoint: whom it answers, how it refuses, and by which way its answers go.

use doorward::domain::application::{
    ApplicationKind, DirectLogin, Party, TokenSettings, UpstreamTokenAccess,
};
use doorward::domain::tenant::DisplayName;
use doorward::flows::administration::Administrator;
use doorward::flows::administration::applications::{self, NewApplication};

use crate::harness::{
    Answer, Browser, Query, TestApp, TestClient, TestTenant, claims, field, on_both_databases,
    query,
};

on_both_databases! {
    what_has_no_safe_way_back_is_answered_with_a_page,
    every_other_refusal_goes_back_with_state_and_issuer,
    a_repeated_state_is_not_given_back,
    a_form_post_carries_the_answer_in_hidden_fields,
    a_posted_request_is_as_good_as_any,
    a_native_app_may_listen_on_any_loopback_port,
    an_allowed_resource_becomes_the_audience,
    one_sign_in_is_good_for_every_app_of_the_tenant,
}

#[track_caller]
fn is_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("location"), None, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{answer:?}");
}

/// The answer is an error that went back to the client, and says what it must.
#[track_caller]
fn went_back(answer: &Answer, tenant: &TestTenant, client: &TestClient, error: &str) {
    let location = answer.location();
    assert!(location.starts_with(&format!("{}?", client.redirect_uri)), "{location}");
    let reply = query(location);
    assert_eq!(reply["error"], error, "{location}");
    assert!(!reply["error_description"].is_empty(), "{location}");
    assert_eq!(reply["state"], "st-1", "{location}");
    assert_eq!(reply["iss"], tenant.issuer, "{location}");
    assert!(!reply.contains_key("code"), "{location}");
}

async fn what_has_no_safe_way_back_is_answered_with_a_page(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let good = acme.authorization(&acme.web);
    let uri = &acme.web.redirect_uri;
    let mut bad = vec![
        good.clone().without("client_id"),
        good.clone().with("client_id", ""),
        good.clone().with("client_id", "unknown"),
        good.clone().with("client_id", &bolt.web.id),
        good.clone().with("client_id", &acme.spa.id),
        good.clone().repeated("client_id", &acme.web.id),
        good.clone().without("redirect_uri"),
        good.clone().repeated("redirect_uri", uri),
        good.clone().repeated("redirect_uri", "https://evil.example/"),
        acme.authorization(&acme.service),
    ];
    for other in [
        "https://evil.example/callback".to_owned(),
        format!("{uri}/"),
        format!("{uri}?a=b"),
        format!("{uri}#fragment"),
        format!("{uri}/../callback"),
        uri.to_uppercase(),
        uri.replace("https", "http"),
        uri.replace(".example/", ".example:443/"),
        uri.replace(".example/", ".example@evil.example/"),
        "javascript:alert(1)".to_owned(),
        "/callback".to_owned(),
    ] {
        bad.push(good.clone().with("redirect_uri", &other));
    }
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    for request in &bad {
        is_page(&browser.authorize(&acme, request).await, 400);
        // An error that would go back otherwise does not go there either.
        let worse = request.clone().with("response_type", "token");
        is_page(&browser.authorize(&acme, &worse).await, 400);
        let none = request.clone().with("prompt", "none");
        is_page(&browser.authorize(&acme, &none).await, 400);
        let form = request.clone().with("response_mode", "form_post");
        is_page(&browser.authorize(&acme, &form).await, 400);
        let posted = app.post(&acme.url("/oauth2/authorize"));
        let posted = posted.header("content-type", "application/x-www-form-urlencoded");
        is_page(&posted.body(request.encode()).send().await, 400);
    }
}

async fn every_other_refusal_goes_back_with_state_and_issuer(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let good = acme.authorization(&acme.spa);
    let long = "x".repeat(1_025);
    let cases = [
        (good.clone().without("response_type"), "invalid_request"),
        (good.clone().with("response_type", "token"), "unsupported_response_type"),
        (good.clone().with("response_type", "id_token"), "unsupported_response_type"),
        (good.clone().with("response_type", "code id_token"), "unsupported_response_type"),
        (good.clone().with("response_type", "none"), "unsupported_response_type"),
        (
            good.clone().without("code_challenge").without("code_challenge_method"),
            "invalid_request",
        ),
        (good.clone().without("code_challenge"), "invalid_request"),
        (good.clone().without("code_challenge_method"), "invalid_request"),
        (good.clone().with("code_challenge_method", "plain"), "invalid_request"),
        (good.clone().with("code_challenge_method", "s256"), "invalid_request"),
        (good.clone().with("code_challenge", "short"), "invalid_request"),
        (good.clone().with("code_challenge", &"=".repeat(43)), "invalid_request"),
        (good.clone().with("code_challenge", &"A".repeat(44)), "invalid_request"),
        (good.clone().repeated("scope", "openid"), "invalid_request"),
        (good.clone().repeated("nonce", "no-2"), "invalid_request"),
        (good.clone().repeated("code_challenge", &"A".repeat(43)), "invalid_request"),
        (good.clone().with("x", "1").repeated("x", "1"), "invalid_request"),
        (good.clone().with("request", "e30."), "request_not_supported"),
        (
            good.clone().with("request_uri", "https://spa.acme.example/r"),
            "request_uri_not_supported",
        ),
        (good.clone().with("registration", "{}"), "registration_not_supported"),
        (good.clone().with("prompt", "none login"), "invalid_request"),
        (good.clone().with("prompt", "create"), "invalid_request"),
        (good.clone().with("prompt", "LOGIN"), "invalid_request"),
        (good.clone().with("max_age", "-1"), "invalid_request"),
        (good.clone().with("max_age", "soon"), "invalid_request"),
        (good.clone().with("response_mode", "fragment"), "invalid_request"),
        (good.clone().with("nonce", &long), "invalid_request"),
        (good.clone().with("scope", "openid \"email\""), "invalid_scope"),
        (good.clone().with("scope", "openid é"), "invalid_scope"),
        (good.clone().with("resource", "https://elsewhere.example"), "invalid_target"),
        (good.clone().with("id_token_hint", "e30.e30.x"), "invalid_request"),
        (good.clone().with("prompt", "none"), "login_required"),
    ];
    let mut browser = Browser::new(app);
    for (request, error) in &cases {
        went_back(&browser.authorize(&acme, request).await, &acme, &acme.spa, error);
    }
    // The same for one who is signed in, and for a request that is posted.
    browser.sign_in(&acme).await;
    for (request, error) in &cases[..cases.len() - 1] {
        went_back(&browser.authorize(&acme, request).await, &acme, &acme.spa, error);
        let posted = app.post(&acme.url("/oauth2/authorize"));
        let posted = posted.header("content-type", "application/x-www-form-urlencoded");
        let answer = posted.body(request.encode()).send().await;
        went_back(&answer, &acme, &acme.spa, error);
    }
}

async fn a_repeated_state_is_not_given_back(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let request = acme.authorization(&acme.web).repeated("state", "st-2");
    let answer = Browser::new(app).authorize(&acme, &request).await;
    let reply = query(answer.location());
    assert_eq!(reply["error"], "invalid_request");
    assert_eq!(reply["iss"], acme.issuer);
    assert!(!reply.contains_key("state"), "{reply:?}");
}

async fn a_form_post_carries_the_answer_in_hidden_fields(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let request = acme.authorization(&acme.web).with("response_mode", "form_post");
    let page = browser.authorize(&acme, &request).await;
    is_page(&page, 200);
    assert!(page.body.contains("method=\"post\" action=\"https://web.acme.example/callback\""));
    assert_eq!(field(&page, "state"), "st-1");
    assert_eq!(field(&page, "iss"), acme.issuer);
    let policy = page.header("content-security-policy").unwrap();
    let form_action = policy.split(';').find(|part| part.trim().starts_with("form-action"));
    assert!(form_action.unwrap().contains("https://web.acme.example"), "{policy}");
    assert_eq!(page.header("cache-control"), Some("no-store"), "the page holds a code");
    app.redeem(&acme, &acme.web, &field(&page, "code")).await.expect(200);

    let page = browser.authorize(&acme, &request.clone().with("prompt", "create")).await;
    is_page(&page, 200);
    assert_eq!(field(&page, "error"), "invalid_request");
    assert_eq!(field(&page, "state"), "st-1");
    assert_eq!(field(&page, "iss"), acme.issuer);
    assert!(!page.body.contains("name=\"code\""));

    let posted = app.post(&acme.url("/oauth2/authorize"));
    let posted = posted.header("content-type", "application/x-www-form-urlencoded");
    let page = posted.body(request.clone().without("response_type").encode()).send().await;
    is_page(&page, 200);
    assert_eq!(field(&page, "error"), "invalid_request");

    let hostile = request.with("state", "\"><b>bold</b>");
    let page = browser.authorize(&acme, &hostile).await;
    assert!(!page.body.contains("<b>bold"), "{}", page.body);
}

async fn a_posted_request_is_as_good_as_any(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let request = acme.authorization(&acme.web).with("state", "a&b=c d+é");
    // From the client's site: `SameSite=Lax` cookies do not come along.
    let posted = app.post(&acme.url("/oauth2/authorize"));
    let posted = posted
        .header("origin", "https://web.acme.example")
        .header("sec-fetch-site", "cross-site")
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = posted.body(request.encode()).send().await;
    let next = crate::harness::absolute(&acme, answer.location());
    let answer = browser.get(&next).await;
    let reply = query(answer.location());
    assert_eq!(reply["state"], "a&b=c d+é");
    app.redeem(&acme, &acme.web, &reply["code"]).await.expect(200);
    let no_form = app.post(&acme.url("/oauth2/authorize")).json(&serde_json::json!({}));
    is_page(&no_form.send().await, 400);
}

async fn a_native_app_may_listen_on_any_loopback_port(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let at = |uri: &str| TestClient { redirect_uri: uri.to_owned(), ..acme.native.clone() };
    let listening = at("http://127.0.0.1:51004/callback");
    let answer = browser.authorize(&acme, &acme.authorization(&listening)).await;
    assert!(answer.location().starts_with("http://127.0.0.1:51004/callback?"), "{answer:?}");
    let code = query(answer.location())["code"].clone();
    // The code is bound to that port.
    let elsewhere = at("http://127.0.0.1:51005/callback");
    app.redeem(&acme, &elsewhere, &code).await.refused(400, "invalid_grant");
    app.redeem(&acme, &listening, &code).await.expect(200);
    for other in [
        "http://localhost:51004/callback",
        "http://[::1]:51004/callback",
        "http://127.0.0.1:51004/other",
        "http://127.0.0.1:51004@evil.example/callback",
        "https://127.0.0.1:51004/callback",
    ] {
        let answer = browser.authorize(&acme, &acme.authorization(&at(other))).await;
        is_page(&answer, 400);
    }
}

async fn an_allowed_resource_becomes_the_audience(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let redirect_uri = "https://shop.acme.example/callback";
    let new = NewApplication {
        name: DisplayName::parse("Shop").unwrap(),
        kind: ApplicationKind::Spa,
        redirect_uris: vec![redirect_uri.to_owned()],
        post_logout_redirect_uris: vec![],
        allowed_origins: vec![],
        audience: Some("https://api.acme.example".to_owned()),
        direct_login: DirectLogin::Refused,
        is_default: false,
        party: Party::First,
        upstream_tokens: UpstreamTokenAccess::Refused,
        tokens: TokenSettings::default(),
        secret: None,
    };
    let made = applications::create(&Administrator::command_line(&app.context), &acme.tenant, new)
        .await
        .unwrap();
    let shop = TestClient {
        id: made.application.id.to_string(),
        secret: None,
        redirect_uri: redirect_uri.to_owned(),
    };
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let good = acme.authorization(&shop);
    for (request, audience) in [
        (good.clone(), "https://api.acme.example"),
        (good.clone().with("resource", "https://api.acme.example"), "https://api.acme.example"),
        (good.clone().with("resource", &acme.issuer), &acme.issuer),
    ] {
        let answer = browser.authorize(&acme, &request).await;
        let code = query(answer.location())["code"].clone();
        let tokens = app.redeem(&acme, &shop, &code).await.expect(200);
        assert_eq!(claims(tokens["access_token"].as_str().unwrap())["aud"], audience);
        assert_eq!(claims(tokens["id_token"].as_str().unwrap())["aud"], *shop.id);
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let tokens = app.refresh(&acme, &shop, refresh).await.expect(200);
        assert_eq!(claims(tokens["access_token"].as_str().unwrap())["aud"], audience);
    }
    for other in ["https://api.acme.example/", "https://api.bolt.example", "api"] {
        let answer = browser.authorize(&acme, &good.clone().with("resource", other)).await;
        went_back(&answer, &acme, &shop, "invalid_target");
    }
}

async fn one_sign_in_is_good_for_every_app_of_the_tenant(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let mut sessions = Vec::new();
    for client in [&acme.web, &acme.spa, &acme.native] {
        let code = browser.code(&acme, client).await;
        let tokens = app.redeem(&acme, client, &code).await.expect(200);
        sessions.push(claims(tokens["id_token"].as_str().unwrap())["sid"].clone());
    }
    assert_eq!(sessions[0], sessions[1]);
    assert_eq!(sessions[0], sessions[2]);
    let silent = |query: Query| query.with("prompt", "none");
    let answer = browser.authorize(&bolt, &silent(bolt.authorization(&bolt.web))).await;
    went_back(&answer, &bolt, &bolt.web, "login_required");
}
