//! `"delivery":"cookie"`: a refresh token that script in the page cannot read, for the origins that an app
//! allows.

use std::time::Duration;

use actix_web::cookie::{Cookie, SameSite};
use doorward::domain::application::{ApplicationKind, TokenSettings};
use serde_json::{Value, json};

use crate::harness::{Answer, PASSWORD, TestApp, TestTenant, on_both_databases};

on_both_databases! {
    the_refresh_token_comes_as_a_cookie_alone,
    a_cookie_is_for_the_origins_that_the_app_allows,
    refresh_by_cookie_rotates_the_cookie,
    refresh_by_cookie_wants_an_allowed_origin,
    logout_by_cookie_ends_the_sign_in_and_clears_the_cookie,
    logout_by_cookie_wants_an_allowed_origin,
    a_cookie_is_worth_nothing_at_another_app_or_tenant,
}

/// A call of the tenant's app `spa` from a page of `origin`, with a cookie.
async fn call(
    app: &TestApp,
    acme: &TestTenant,
    what: &str,
    origin: Option<&str>,
    cookie: Option<&str>,
) -> Answer {
    let mut call = app.post(&acme.url(&format!("/v1/auth/{what}")));
    if let Some(origin) = origin {
        call = call.header("origin", origin);
    }
    if let Some(cookie) = cookie {
        call = call.header("cookie", cookie);
    }
    call.json(&json!({ "client_id": acme.spa.id })).send().await
}

fn asking_for_cookie(acme: &TestTenant) -> Value {
    let mut body = acme.credentials();
    body["client_id"] = json!(acme.spa.id);
    body["delivery"] = json!("cookie");
    body
}

async fn login(app: &TestApp, acme: &TestTenant) -> Answer {
    let call = app.post(&acme.url("/v1/auth/login")).header("origin", acme.spa_origin());
    let answer = call.json(&asking_for_cookie(acme)).send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// The one cookie that an answer sets.
#[track_caller]
fn cookie(answer: &Answer) -> Cookie<'static> {
    let mut all = answer.headers.get_all("set-cookie").iter();
    let cookie = all.next().unwrap_or_else(|| panic!("no cookie: {answer:?}"));
    assert!(all.next().is_none(), "{answer:?}");
    Cookie::parse(cookie.to_str().unwrap().to_owned()).unwrap()
}

/// As a browser sends it back.
fn sent(cookie: &Cookie<'_>) -> String {
    format!("{}={}", cookie.name(), cookie.value())
}

#[track_caller]
fn check_attributes(acme: &TestTenant, cookie: &Cookie<'_>) {
    assert_eq!(cookie.http_only(), Some(true), "{cookie}");
    assert_eq!(cookie.secure(), Some(true), "{cookie}");
    assert_eq!(cookie.same_site(), Some(SameSite::Lax), "{cookie}");
    assert_eq!(cookie.path(), Some(&*format!("/t/{}/v1/auth", acme.tenant.slug)), "{cookie}");
    assert_eq!(cookie.domain(), None, "{cookie}");
}

async fn the_refresh_token_comes_as_a_cookie_alone(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let login = login(app, &acme).await;
    let register = json!({
        "client_id": acme.spa.id,
        "delivery": "cookie",
        "email": "new@acme.example",
        "password": PASSWORD,
    });
    let url = acme.url("/v1/auth/register");
    let registered =
        app.post(&url).header("origin", acme.spa_origin()).json(&register).send().await;
    assert_eq!(registered.status, 201, "{registered:?}");
    for answer in [login, registered] {
        let body = answer.json();
        assert!(body.get("refresh_token").is_none(), "{body}");
        assert_eq!(body["refresh_expires_in"], 604_800);
        assert_eq!(body["token"], body["access_token"]);
        let cookie = cookie(&answer);
        check_attributes(&acme, &cookie);
        assert_eq!(cookie.max_age().unwrap().whole_seconds(), 604_800);
        assert!(!answer.body.contains(cookie.value()), "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    }
}

async fn a_cookie_is_for_the_origins_that_the_app_allows(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let bolt = app.tenant("bolt").await;
    let body = asking_for_cookie(&acme);
    let http = acme.spa_origin().replace("https", "http");
    let port = format!("{}:8443", acme.spa_origin());
    let below = format!("{}.evil.example", acme.spa_origin());
    for origin in [
        None,
        Some("null"),
        Some(""),
        Some("https://evil.example"),
        Some(&*bolt.spa_origin()),
        Some(&*http),
        Some(&*port),
        Some(&*below),
    ] {
        let mut call = app.post(&acme.url("/v1/auth/login"));
        if let Some(origin) = origin {
            call = call.header("origin", origin);
        }
        let answer = call.json(&body).send().await;
        answer.refused(403, "origin_not_allowed");
        assert_eq!(answer.header("set-cookie"), None, "{origin:?}");
    }
    // The origin of one app is none of another's, in the same tenant too.
    let mut of_web = body.clone();
    of_web["client_id"] = json!(acme.web.id);
    let call = app.post(&acme.url("/v1/auth/login")).header("origin", acme.spa_origin());
    call.json(&of_web).send().await.refused(403, "origin_not_allowed");
}

async fn refresh_by_cookie_rotates_the_cookie(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let origin = acme.spa_origin();
    let first = cookie(&login(app, &acme).await);
    let answer = call(app, &acme, "refresh", Some(&origin), Some(&sent(&first))).await;
    let body = answer.expect(200);
    assert!(body.get("refresh_token").is_none(), "{body}");
    assert_eq!(body["email"], *acme.email);
    let second = cookie(&answer);
    check_attributes(&acme, &second);
    assert_eq!(second.name(), first.name());
    assert_ne!(second.value(), first.value());
    // Two tabs end up with the same one.
    let again = call(app, &acme, "refresh", Some(&origin), Some(&sent(&first))).await;
    assert_eq!(cookie(&again).value(), second.value());
    let answer = call(app, &acme, "refresh", Some(&origin), Some(&sent(&second))).await;
    let third = cookie(&answer);
    app.clock.advance(Duration::from_secs(31));
    for stale in [&first, &second, &third] {
        let answer = call(app, &acme, "refresh", Some(&origin), Some(&sent(stale))).await;
        answer.refused(401, "invalid_grant");
    }
    let none = call(app, &acme, "refresh", Some(&origin), None).await;
    none.refused(400, "invalid_request");
}

async fn refresh_by_cookie_wants_an_allowed_origin(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let bolt = app.tenant("bolt").await;
    let first = cookie(&login(app, &acme).await);
    for origin in [None, Some("null"), Some("https://evil.example"), Some(&*bolt.spa_origin())] {
        let answer = call(app, &acme, "refresh", origin, Some(&sent(&first))).await;
        answer.refused(403, "origin_not_allowed");
        assert_eq!(answer.header("set-cookie"), None, "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{answer:?}");
    }
    // Nothing was rotated: long past the window, the cookie is still the newest.
    app.clock.advance(Duration::from_secs(3600));
    let origin = acme.spa_origin();
    call(app, &acme, "refresh", Some(&origin), Some(&sent(&first))).await.expect(200);
}

async fn logout_by_cookie_ends_the_sign_in_and_clears_the_cookie(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let origin = acme.spa_origin();
    let first = cookie(&login(app, &acme).await);
    let answer = call(app, &acme, "logout", Some(&origin), Some(&sent(&first))).await;
    assert_eq!((answer.status, &*answer.body), (204, ""), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let cleared = cookie(&answer);
    check_attributes(&acme, &cleared);
    assert_eq!(cleared.name(), first.name());
    assert_eq!(cleared.value(), "");
    assert!(cleared.max_age().unwrap().is_zero(), "{cleared}");
    call(app, &acme, "refresh", Some(&origin), Some(&sent(&first)))
        .await
        .refused(401, "invalid_grant");
    // Once more, with the cookie that is good no more, clears it again.
    let answer = call(app, &acme, "logout", Some(&origin), Some(&sent(&first))).await;
    assert_eq!(answer.status, 204);
    assert_eq!(cookie(&answer).value(), "");
}

async fn logout_by_cookie_wants_an_allowed_origin(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let first = cookie(&login(app, &acme).await);
    for origin in [None, Some("null"), Some("https://evil.example")] {
        let answer = call(app, &acme, "logout", origin, Some(&sent(&first))).await;
        assert_eq!(answer.status, 204, "{answer:?}");
        assert_eq!(answer.header("set-cookie"), None, "{answer:?}");
    }
    let origin = acme.spa_origin();
    call(app, &acme, "refresh", Some(&origin), Some(&sent(&first))).await.expect(200);
}

async fn a_cookie_is_worth_nothing_at_another_app_or_tenant(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let bolt = app.tenant("bolt").await;
    let first = cookie(&login(app, &acme).await);
    // Under its own name, and under the name that the other would give it.
    let renamed = |id: &str| sent(&first).replace(&acme.spa.id, id);
    for cookie in [sent(&first), renamed(&bolt.spa.id)] {
        let answer = call(app, &bolt, "refresh", Some(&bolt.spa_origin()), Some(&cookie)).await;
        assert!([400, 401].contains(&answer.status), "{answer:?}");
        let answer = call(app, &bolt, "logout", Some(&bolt.spa_origin()), Some(&cookie)).await;
        assert_eq!(answer.status, 204);
    }
    let other =
        app.client(&acme.tenant, "other", ApplicationKind::Spa, TokenSettings::default()).await;
    for cookie in [sent(&first), renamed(&other.id)] {
        let answer = app
            .post(&acme.url("/v1/auth/refresh"))
            .header("origin", "https://other.acme.example")
            .header("cookie", cookie)
            .json(&json!({ "client_id": other.id }))
            .send()
            .await;
        assert!([400, 401].contains(&answer.status), "{answer:?}");
    }
    let origin = acme.spa_origin();
    call(app, &acme, "refresh", Some(&origin), Some(&sent(&first))).await.expect(200);
}
