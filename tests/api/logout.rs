//! RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0).

use std::time::Duration;

use serde_json::Value;

use crate::harness::{
    Answer, Browser, Query, TestApp, TestTenant, absolute, field, on_both_databases, query,
};

on_both_databases! {
    a_client_signs_its_user_out_and_gets_them_back,
    an_expired_hint_is_as_good,
    a_session_takes_its_refresh_families_along,
    the_way_back_must_be_registered,
    without_a_hint_the_user_is_asked,
    a_hint_of_another_session_asks_the_user,
    another_site_cannot_answer_for_the_user,
    a_hint_of_another_tenant_is_none,
    a_hint_belongs_to_the_client_that_it_was_issued_to,
    a_logout_may_be_posted,
}

const RETURN_TO: &str = "https://web.acme.example/";

fn logout(tenant: &TestTenant, parameters: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    tenant.url(&format!("/oauth2/logout?{}", query.extend_pairs(parameters).finish()))
}

#[track_caller]
fn is_page(answer: &Answer, status: u16, heading: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("location"), None, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{answer:?}");
    assert!(answer.body.contains(heading), "{}", answer.body);
}

async fn is_signed_in(browser: &mut Browser<'_>, tenant: &TestTenant) -> bool {
    let silent: Query = tenant.authorization(&tenant.web).with("prompt", "none");
    let answer = browser.authorize(tenant, &silent).await;
    query(answer.location()).contains_key("code")
}

/// A browser that is signed in, and the tokens that the app `web` has from it.
async fn signed_in<'a>(app: &'a TestApp, tenant: &TestTenant) -> (Browser<'a>, Value) {
    let mut browser = Browser::new(app);
    browser.sign_in(tenant).await;
    let code = browser.code(tenant, &tenant.web).await;
    let tokens = app.redeem(tenant, &tenant.web, &code).await.expect(200);
    (browser, tokens)
}

#[track_caller]
fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name} in {tokens}"))
}

async fn a_client_signs_its_user_out_and_gets_them_back(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let (mut browser, tokens) = signed_in(app, &acme).await;
    let url = logout(
        &acme,
        &[
            ("id_token_hint", text(&tokens, "id_token")),
            ("post_logout_redirect_uri", RETURN_TO),
            ("state", "a&b=c"),
        ],
    );
    let old_cookies = browser.cookies.clone();
    let answer = browser.get(&url).await;
    assert_eq!(answer.location(), "https://web.acme.example/?state=a%26b%3Dc");
    let is_session = |cookie: &actix_web::cookie::Cookie<'_>| cookie.name() == "doorward";
    assert!(!browser.cookies.iter().any(is_session), "the browser is told to forget its cookie");
    assert!(!is_signed_in(&mut browser, &acme).await);
    let mut thief = Browser::new(app);
    thief.cookies = old_cookies;
    assert!(!is_signed_in(&mut thief, &acme).await, "the cookie is worth nothing any more");
    assert!(app.audit(&acme.tenant).await.contains(&"user.signed_out".to_owned()));
    // Once more, and it is as good as done.
    assert_eq!(browser.get(&url).await.location(), "https://web.acme.example/?state=a%26b%3Dc");

    let (mut browser, tokens) = signed_in(app, &acme).await;
    let hint = text(&tokens, "id_token");
    let bare = logout(&acme, &[("id_token_hint", hint), ("post_logout_redirect_uri", RETURN_TO)]);
    assert_eq!(browser.get(&bare).await.location(), RETURN_TO);
    let nowhere = logout(&acme, &[("id_token_hint", hint)]);
    is_page(&browser.get(&nowhere).await, 200, "You are signed out");
}

async fn an_expired_hint_is_as_good(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let (mut browser, tokens) = signed_in(app, &acme).await;
    app.clock.advance(Duration::from_secs(3 * 24 * 60 * 60));
    assert!(is_signed_in(&mut browser, &acme).await);
    let url = logout(
        &acme,
        &[("id_token_hint", text(&tokens, "id_token")), ("post_logout_redirect_uri", RETURN_TO)],
    );
    assert_eq!(browser.get(&url).await.location(), RETURN_TO);
    assert!(!is_signed_in(&mut browser, &acme).await);
    let refresh = text(&tokens, "refresh_token");
    app.refresh(&acme, &acme.web, refresh).await.refused(400, "invalid_grant");
}

async fn a_session_takes_its_refresh_families_along(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let (_, elsewhere) = signed_in(app, &acme).await;
    let (mut browser, of_web) = signed_in(app, &acme).await;
    let code = browser.code(&acme, &acme.spa).await;
    let of_spa = app.redeem(&acme, &acme.spa, &code).await.expect(200);
    let pending = browser.code(&acme, &acme.spa).await;
    browser.get(&logout(&acme, &[("id_token_hint", text(&of_web, "id_token"))])).await;
    for (client, tokens) in [(&acme.web, &of_web), (&acme.spa, &of_spa)] {
        let refresh = text(tokens, "refresh_token");
        app.refresh(&acme, client, refresh).await.refused(400, "invalid_grant");
        let access = text(tokens, "access_token");
        let userinfo = app.get(&acme.url("/oauth2/userinfo")).bearer(access).send().await;
        userinfo.refused(401, "invalid_token");
    }
    app.redeem(&acme, &acme.spa, &pending).await.refused(400, "invalid_grant");
    // The same user in another browser goes on.
    app.refresh(&acme, &acme.web, text(&elsewhere, "refresh_token")).await.expect(200);
}

async fn the_way_back_must_be_registered(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let (mut browser, tokens) = signed_in(app, &acme).await;
    let hint = text(&tokens, "id_token");
    for uri in [
        "https://evil.example/",
        "https://web.acme.example",
        "https://web.acme.example/?x=1",
        "https://web.acme.example/callback",
        "https://spa.acme.example/",
        "javascript:alert(1)",
    ] {
        let url = logout(
            &acme,
            &[("id_token_hint", hint), ("post_logout_redirect_uri", uri), ("state", "s")],
        );
        is_page(&browser.get(&url).await, 400, "This link does not work");
        let url = logout(&acme, &[("post_logout_redirect_uri", uri)]);
        is_page(&browser.get(&url).await, 400, "This link does not work");
    }
    // A good one, too, needs to say whose it is.
    let url = logout(&acme, &[("post_logout_redirect_uri", RETURN_TO)]);
    is_page(&browser.get(&url).await, 400, "This link does not work");
    let url = logout(&acme, &[("client_id", "unknown"), ("post_logout_redirect_uri", RETURN_TO)]);
    is_page(&browser.get(&url).await, 400, "This link does not work");
    let twice = logout(&acme, &[("state", "1"), ("state", "2"), ("id_token_hint", hint)]);
    is_page(&browser.get(&twice).await, 400, "This link does not work");
    assert!(is_signed_in(&mut browser, &acme).await, "none of that signed the user out");
}

async fn without_a_hint_the_user_is_asked(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let (mut browser, _) = signed_in(app, &acme).await;
    let url = acme.url("/oauth2/logout");
    let page = browser.get(&url).await;
    is_page(&page, 200, "Sign out of Tenant acme?");
    assert!(page.body.contains(&acme.email));
    assert!(is_signed_in(&mut browser, &acme).await, "asking is not doing");

    let stay = [("csrf", &*field(&page, "csrf")), ("choice", "stay")];
    assert_eq!(browser.submit(&url, &stay).await.location(), "/t/acme/account");
    assert!(is_signed_in(&mut browser, &acme).await);
    let go = [("csrf", &*field(&page, "csrf")), ("choice", "logout")];
    is_page(&browser.submit(&url, &go).await, 200, "You are signed out");
    assert!(!is_signed_in(&mut browser, &acme).await);
    let nobody = Browser::new(app).get(&url).await;
    is_page(&nobody, 200, "You are signed out");

    // With the client named, the user gets back to it.
    let (mut browser, _) = signed_in(app, &acme).await;
    let named = logout(
        &acme,
        &[("client_id", &acme.web.id), ("post_logout_redirect_uri", RETURN_TO), ("state", "s-1")],
    );
    let page = browser.get(&named).await;
    is_page(&page, 200, "Sign out of Tenant acme?");
    let go = [
        ("csrf", &*field(&page, "csrf")),
        ("choice", "logout"),
        ("client_id", &*field(&page, "client_id")),
        ("post_logout_redirect_uri", &*field(&page, "post_logout_redirect_uri")),
        ("state", &*field(&page, "state")),
    ];
    let answer = browser.submit(&url, &go).await;
    assert_eq!(answer.location(), "https://web.acme.example/?state=s-1");
    assert!(!is_signed_in(&mut browser, &acme).await);
}

async fn a_hint_of_another_session_asks_the_user(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let (_, attackers) = signed_in(app, &acme).await;
    let (mut browser, _) = signed_in(app, &acme).await;
    let url = logout(&acme, &[("id_token_hint", text(&attackers, "id_token"))]);
    is_page(&browser.get(&url).await, 200, "Sign out of Tenant acme?");
    assert!(is_signed_in(&mut browser, &acme).await);
}

async fn another_site_cannot_answer_for_the_user(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let (mut browser, _) = signed_in(app, &acme).await;
    let url = acme.url("/oauth2/logout");
    let csrf = field(&browser.get(&url).await, "csrf");
    for (csrf, origin, site) in [
        ("", "null", "same-origin"),
        ("wrong", "null", "same-origin"),
        (&*csrf, "https://evil.example", "cross-site"),
        (&*csrf, "null", "cross-site"),
    ] {
        let call = app.post(&url).header("origin", origin).header("sec-fetch-site", site);
        let call = call.form(&[("csrf", csrf), ("choice", "logout")]);
        let answer = browser.send(&url, call).await;
        let next = browser.get(&absolute(&acme, answer.location())).await;
        is_page(&next, 200, "Sign out of Tenant acme?");
        assert!(is_signed_in(&mut browser, &acme).await, "{origin} {site}");
    }
}

async fn a_hint_of_another_tenant_is_none(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let (mut browser, tokens) = signed_in(app, &acme).await;
    let foreign = app.sign_in(&bolt, &bolt.web).await;
    let forged = format!("{}x", text(&tokens, "id_token"));
    for hint in [
        text(&foreign, "id_token"),
        text(&tokens, "access_token"),
        text(&tokens, "refresh_token"),
        "x",
        &forged,
    ] {
        for more in [None, Some(("post_logout_redirect_uri", RETURN_TO))] {
            let mut parameters = vec![("id_token_hint", hint), ("client_id", &acme.web.id)];
            parameters.extend(more);
            let answer = browser.get(&logout(&acme, &parameters)).await;
            is_page(&answer, 400, "This link does not work");
        }
    }
    assert!(is_signed_in(&mut browser, &acme).await);
    app.refresh(&bolt, &bolt.web, text(&foreign, "refresh_token")).await.expect(200);
}

async fn a_hint_belongs_to_the_client_that_it_was_issued_to(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let (mut browser, tokens) = signed_in(app, &acme).await;
    let hint = ("id_token_hint", text(&tokens, "id_token"));
    // The other client's own address: all is well but for the hint.
    let of_spa = ("post_logout_redirect_uri", "https://spa.acme.example/");
    for parameters in [
        vec![hint, ("client_id", &acme.spa.id), of_spa],
        vec![hint, ("client_id", &acme.spa.id)],
        vec![hint, ("client_id", "unknown")],
    ] {
        let answer = browser.get(&logout(&acme, &parameters)).await;
        is_page(&answer, 400, "This link does not work");
    }
    assert!(is_signed_in(&mut browser, &acme).await);
    let good = [hint, ("client_id", &acme.web.id), ("post_logout_redirect_uri", RETURN_TO)];
    assert_eq!(browser.get(&logout(&acme, &good)).await.location(), RETURN_TO);
    assert!(!is_signed_in(&mut browser, &acme).await);
}

async fn a_logout_may_be_posted(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let (mut browser, tokens) = signed_in(app, &acme).await;
    let fields = [
        ("id_token_hint", text(&tokens, "id_token")),
        ("post_logout_redirect_uri", RETURN_TO),
        ("state", "s-1"),
    ];
    // From the client's site: `SameSite=Lax` cookies do not come along.
    let posted = app
        .post(&acme.url("/oauth2/logout"))
        .header("origin", "https://web.acme.example")
        .header("sec-fetch-site", "cross-site")
        .form(&fields)
        .send()
        .await;
    // Its ID token is enough: the session is over before the answer leads anywhere.
    assert_eq!(posted.location(), "https://web.acme.example/?state=s-1");
    assert!(!is_signed_in(&mut browser, &acme).await);

    // Without one, the browser's cookies have to say who asks.
    let (mut browser, _) = signed_in(app, &acme).await;
    let by_client = [("client_id", &*acme.web.id), fields[1], fields[2]];
    let posted = app.post(&acme.url("/oauth2/logout")).form(&by_client).send().await;
    let asked = browser.get(&absolute(&acme, posted.location())).await;
    is_page(&asked, 200, "Sign out of Tenant acme?");
    assert!(is_signed_in(&mut browser, &acme).await);

    let bad = [fields[0], ("post_logout_redirect_uri", "https://evil.example/")];
    let answer = app.post(&acme.url("/oauth2/logout")).form(&bad).send().await;
    is_page(&answer, 400, "This link does not work");
}
