//! Cross-origin reading (Fetch standard §3.2): what a page of another origin may read, and what not.

use doorward::domain::application::{ApplicationKind, TokenSettings};
use doorward::web::cors::Readers;
use doorward::web::routes::{Route, Surface, TENANT};
use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, PASSWORD, TestApp, TestTenant, on_both_databases};

on_both_databases! {
    the_table_says_who_may_read_what,
    the_public_documents_are_for_every_origin,
    an_allowed_origin_reads_answers_and_errors,
    an_origin_that_is_not_allowed_reads_nothing,
    a_preflight_is_answered_for_allowed_origins_alone,
    where_the_app_is_known_its_own_origins_alone_count,
    introspection_and_pages_are_for_no_page_of_another_origin,
}

/// They are no pages, and no page of another origin reads them.
const WITHOUT_SESSION: [&str; 3] =
    ["/oauth2/introspect", "/federation/{provider}/token", "/logo.png"];

/// Contract §3 and §5.
fn readers(path: &str) -> Readers {
    match path {
        "/.well-known/openid-configuration" | "/.well-known/jwks.json" => Readers::Everybody,
        "/oauth2/token" | "/oauth2/userinfo" | "/oauth2/revoke" => Readers::AllowedOrigins,
        path if path.starts_with("/v1/auth/") => Readers::AllowedOriginsWithCredentials,
        _ => Readers::Nobody,
    }
}

async fn the_table_says_who_may_read_what(_: &TestApp) {
    for route in TENANT {
        let expected = match readers(route.path) {
            Readers::Nobody if !WITHOUT_SESSION.contains(&route.path) => Surface::Page,
            readers => Surface::Program(readers),
        };
        assert_eq!(route.surface, expected, "{} {}", route.method, route.path);
    }
}

async fn preflight(app: &TestApp, url: &str, origin: &str) -> Answer {
    app.call(Method::OPTIONS, url)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type")
        .send()
        .await
}

async fn from(app: &TestApp, method: &Method, url: &str, origin: &str) -> Answer {
    app.call(method.clone(), url).header("origin", origin).send().await
}

fn varies_by_origin(answer: &Answer) -> bool {
    let mut values = answer.headers.get_all("vary").iter();
    values.any(|value| value.to_str().unwrap().to_ascii_lowercase().contains("origin"))
}

/// No header of CORS at all, but that caches must tell origins apart.
#[track_caller]
fn unreadable(answer: &Answer) {
    let mut names = answer.headers.keys().map(reqwest::header::HeaderName::as_str);
    assert!(!names.any(|name| name.starts_with("access-control-")), "{answer:?}");
}

#[track_caller]
fn readable(answer: &Answer, origin: &str, readers: Readers) {
    assert_eq!(answer.header("access-control-allow-origin"), Some(origin), "{answer:?}");
    assert!(varies_by_origin(answer), "{answer:?}");
    let credentials = (readers == Readers::AllowedOriginsWithCredentials).then_some("true");
    assert_eq!(answer.header("access-control-allow-credentials"), credentials, "{answer:?}");
}

/// The endpoints that some origins may read.
fn for_some() -> impl Iterator<Item = (Method, &'static str, Readers)> {
    TENANT
        .iter()
        .map(|route| (method(route), route.path, readers(route.path)))
        .filter(|(_, _, readers)| !matches!(readers, Readers::Nobody | Readers::Everybody))
}

fn method(route: &Route) -> Method {
    Method::from_bytes(route.method.as_str().as_bytes()).unwrap()
}

async fn the_public_documents_are_for_every_origin(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let rfc_8414 = acme.issuer.replace("/t/", "/.well-known/oauth-authorization-server/t/");
    for url in [
        acme.url("/.well-known/openid-configuration"),
        acme.url("/.well-known/jwks.json"),
        rfc_8414,
    ] {
        for origin in ["https://spa.acme.example", "https://anybody.example", "null"] {
            let answer = from(app, &Method::GET, &url, origin).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{answer:?}");
            assert_eq!(answer.header("access-control-allow-credentials"), None, "{answer:?}");
            // A page that asks with a header of its own asks first.
            let answer = preflight(app, &url, origin).await;
            assert_eq!(answer.status, 204, "{answer:?}");
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{answer:?}");
            assert!(answer.header("access-control-allow-methods").unwrap().contains("GET"));
            assert_eq!(answer.header("access-control-allow-credentials"), None, "{answer:?}");
        }
        // Shared caches keep one copy for all: the header is there for those who do not ask, too.
        let answer = app.get(&url).send().await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{answer:?}");
        let tag = answer.header("etag").unwrap().to_owned();
        let answer = app.get(&url).header("if-none-match", tag).send().await;
        assert_eq!(answer.status, 304);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{answer:?}");
    }
    let missing = app.context.public_url.as_str().to_owned() + "/t/nobody/.well-known/jwks.json";
    let answer = from(app, &Method::GET, &missing, "https://anybody.example").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{answer:?}");
}

async fn an_allowed_origin_reads_answers_and_errors(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let origin = acme.spa_origin();
    for (method, path, readers) in for_some() {
        // A call with nothing but the app's name: an error, at nearly all of them.
        let body = json!({ "client_id": acme.spa.id });
        let call = || app.call(method.clone(), &acme.url(path)).header("origin", &origin);
        let answer = call().json(&body).send().await;
        assert!((204..500).contains(&answer.status), "{method} {path}: {answer:?}");
        readable(&answer, &origin, readers);
        let exposed = answer.header("access-control-expose-headers").unwrap();
        assert!(exposed.contains("WWW-Authenticate") && exposed.contains("Retry-After"));
        // And where no app is known: a body that nobody can read, a method that there is not.
        let answer = call().header("content-type", "text/plain").body("x").send().await;
        readable(&answer, &origin, readers);
        let answer = from(app, &Method::DELETE, &acme.url(path), &origin).await;
        assert!((400..500).contains(&answer.status), "{answer:?}");
        readable(&answer, &origin, readers);
        // Without an origin there is nobody to allow anything to; but a cache must know that it depends.
        let answer = app.call(method.clone(), &acme.url(path)).send().await;
        unreadable(&answer);
        assert!(varies_by_origin(&answer), "{method} {path}: {answer:?}");
    }
    let fields =
        [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", &acme.spa.id)];
    let call = app.post(&acme.url("/oauth2/token")).header("origin", &origin);
    let answer = call.form(&fields).send().await;
    answer.refused(400, "invalid_grant");
    readable(&answer, &origin, Readers::AllowedOrigins);
    let mut body = acme.credentials();
    body["client_id"] = json!(acme.spa.id);
    let call = app.post(&acme.url("/v1/auth/login")).header("origin", &origin);
    let answer = call.json(&body).send().await;
    readable(&answer, &origin, Readers::AllowedOriginsWithCredentials);
    let token = answer.expect(200)["token"].as_str().unwrap().to_owned();
    for (path, readers) in [
        ("/oauth2/userinfo", Readers::AllowedOrigins),
        ("/v1/auth/me", Readers::AllowedOriginsWithCredentials),
    ] {
        let answer = app.get(&acme.url(path)).header("origin", &origin).bearer(&token).send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        readable(&answer, &origin, readers);
    }
}

/// Origins that look like the allowed one, and others.
fn strangers(acme: &TestTenant, bolt: &TestTenant) -> Vec<String> {
    let own = acme.spa_origin();
    vec![
        "https://evil.example".to_owned(),
        "null".to_owned(),
        "*".to_owned(),
        String::new(),
        format!("{own}/"),
        format!("{own}:8443"),
        format!("{own}.evil.example"),
        own.replace("https", "http"),
        own.replace("spa.", "x.spa."),
        own.replace("https://spa", "https://evilspa"),
        format!("{own}, https://evil.example"),
        bolt.spa_origin(),
        // The redirect URI of an app is no origin that it allows.
        "https://web.acme.example".to_owned(),
    ]
}

async fn an_origin_that_is_not_allowed_reads_nothing(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    for stranger in strangers(&acme, &bolt) {
        for (method, path, _) in for_some() {
            let answer = from(app, &method, &acme.url(path), &stranger).await;
            unreadable(&answer);
            assert!(varies_by_origin(&answer), "{method} {path}: {answer:?}");
        }
    }
    let nowhere = acme.issuer.replace("acme", "nobody");
    for (method, path, _) in for_some() {
        let answer = from(app, &method, &format!("{nowhere}{path}"), &acme.spa_origin()).await;
        assert_eq!(answer.status, 404);
        unreadable(&answer);
    }
}

async fn a_preflight_is_answered_for_allowed_origins_alone(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let origin = acme.spa_origin();
    for (method, path, readers) in for_some() {
        let answer = preflight(app, &acme.url(path), &origin).await;
        assert_eq!((answer.status, &*answer.body), (204, ""), "{method} {path}: {answer:?}");
        readable(&answer, &origin, readers);
        let listed = |header: &str, wanted: &str| {
            let values = answer.header(header).unwrap().to_ascii_lowercase();
            values.split(',').any(|value| value.trim() == wanted.to_ascii_lowercase())
        };
        assert!(listed("access-control-allow-methods", method.as_str()), "{answer:?}");
        for name in ["authorization", "content-type"] {
            assert!(listed("access-control-allow-headers", name), "{answer:?}");
        }
        for stranger in strangers(&acme, &bolt) {
            unreadable(&preflight(app, &acme.url(path), &stranger).await);
        }
    }
}

async fn where_the_app_is_known_its_own_origins_alone_count(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let other =
        app.client(&acme.tenant, "other", ApplicationKind::Spa, TokenSettings::default()).await;
    let (own, others) = (acme.spa_origin(), "https://other.acme.example");
    for (id, allowed, refused) in [(&acme.spa.id, &*own, others), (&other.id, others, &*own)] {
        for path in ["/oauth2/token", "/oauth2/revoke"] {
            let fields = [("grant_type", "refresh_token"), ("client_id", &**id), ("token", "x")];
            let call = |origin| app.post(&acme.url(path)).header("origin", origin).form(&fields);
            readable(&call(allowed).send().await, allowed, Readers::AllowedOrigins);
            unreadable(&call(refused).send().await);
        }
        for path in ["/v1/auth/login", "/v1/auth/register", "/v1/auth/refresh", "/v1/auth/logout"] {
            let body = json!({ "client_id": id, "email": acme.email, "password": PASSWORD });
            let call = |origin| app.post(&acme.url(path)).header("origin", origin).json(&body);
            let readers = Readers::AllowedOriginsWithCredentials;
            readable(&call(allowed).send().await, allowed, readers);
            unreadable(&call(refused).send().await);
        }
    }
    // The default app allows no origin, so nobody reads what a call that names no app gets.
    let call = app.post(&acme.url("/v1/auth/login")).header("origin", &own);
    let answer = call.json(&acme.credentials()).send().await;
    unreadable(&answer);
}

async fn introspection_and_pages_are_for_no_page_of_another_origin(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let nobody = TENANT.iter().filter(|route| readers(route.path) == Readers::Nobody);
    for route in nobody {
        for origin in [&*acme.spa_origin(), "https://evil.example", "null"] {
            let url = acme.url(route.path);
            unreadable(&from(app, &method(route), &url, origin).await);
            let answer = preflight(app, &url, origin).await;
            assert!((400..500).contains(&answer.status), "{}: {answer:?}", route.path);
            unreadable(&answer);
        }
    }
    let introspect = app
        .post(&acme.url("/oauth2/introspect"))
        .header("origin", acme.spa_origin())
        .basic(&acme.web.id, acme.web.secret())
        .form(&[("token", "x")])
        .send()
        .await;
    assert_eq!(introspect.expect(200), json!({ "active": false }));
    unreadable(&introspect);
}
