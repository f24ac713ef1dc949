//! Methods that a path does not take, and HEAD, by which machines look at what is there.

use doorward::web::routes::{Surface, TENANT};
use reqwest::Method;

use crate::harness::{TestApp, on_both_databases};

on_both_databases! {
    head_says_what_get_says_and_sends_nothing_of_it,
    head_does_nothing_that_can_be_done_once,
    a_method_that_a_path_does_not_take_is_refused_with_those_that_it_takes,
    an_unknown_tenant_has_nothing_whatever_the_method,
}

/// A path of the tenant's with something in its braces.
fn filled(path: &str) -> String {
    path.replace("{provider}", "google")
}

async fn head_says_what_get_says_and_sends_nothing_of_it(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let public = |path: &str| format!("{}{path}", app.context.public_url.as_str());
    for (url, status) in [
        (acme.url("/.well-known/openid-configuration"), 200),
        (acme.url("/.well-known/jwks.json"), 200),
        (acme.url("/login"), 200),
        (acme.url("/signup"), 200),
        (acme.url("/v1/auth/me"), 401),
        (public("/.well-known/oauth-authorization-server/t/acme"), 200),
        (public("/healthz"), 200),
        (public("/readyz"), 200),
        (public("/metrics"), 200),
        (public("/assets/doorward.css"), 404),
    ] {
        let get = app.get(&url).send().await;
        let head = app.call(Method::HEAD, &url).send().await;
        assert_eq!((get.status, head.status), (status, status), "{url}");
        assert_eq!(head.body, "", "{url}");
        for name in ["content-type", "cache-control", "etag", "content-security-policy"] {
            // A page's policy names its own nonce.
            let same = name != "content-security-policy" || status != 200;
            assert!(!same || head.header(name) == get.header(name), "{name} of {url}");
        }
    }
}

async fn head_does_nothing_that_can_be_done_once(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for path in [
        "/oauth2/authorize",
        "/oauth2/logout",
        "/federation/google",
        "/federation/google/callback?state=x",
        "/federation/google/token",
    ] {
        let head = app.call(Method::HEAD, &acme.url(path)).send().await;
        assert_eq!(head.status, 405, "{path}: {head:?}");
    }
}

async fn a_method_that_a_path_does_not_take_is_refused_with_those_that_it_takes(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for (method, path, allowed) in [
        (Method::GET, "/v1/auth/login", "POST"),
        (Method::PUT, "/v1/auth/me", "GET, HEAD"),
        (Method::GET, "/oauth2/token", "POST"),
        (Method::DELETE, "/login", "GET, HEAD, POST"),
    ] {
        let refused = app.call(method, &acme.url(path)).send().await;
        assert_eq!(refused.header("allow"), Some(allowed), "{path}");
        assert!(refused.expect(405)["error"].is_string(), "{path}");
    }
}

async fn an_unknown_tenant_has_nothing_whatever_the_method(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for route in TENANT {
        let url = acme.url(&filled(route.path)).replace("/t/acme/", "/t/nobody/");
        for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE] {
            let answer = app.call(method.clone(), &url).send().await;
            assert_eq!(answer.status, 404, "{method} {url}: {answer:?}");
        }
        let preflight = app.call(Method::OPTIONS, &url).send().await;
        let is_programs = matches!(route.surface, Surface::Program(_));
        assert!(preflight.status == 404 || is_programs, "OPTIONS {url}: {preflight:?}");
    }
}
