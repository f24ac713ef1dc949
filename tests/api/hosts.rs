//! Tenants with a host of their own beside those on the public one, as behind a proxy with TLS.

use doorward::domain::tenant::TenantStatus;
use doorward::storage::StorageError;
use doorward::web::routes::TENANT;
use serde_json::json;

use crate::discovery::describes;
use crate::harness::{Answer, Browser, PASSWORD, TestApp, TestTenant, on_both_databases, query};

pub const PUBLIC: &str = "https://auth.example.com";
const DOMAIN: &str = "login.acme.example";

on_both_databases! {
    at crate::hosts::PUBLIC;
    a_tenant_with_a_domain_answers_at_its_root,
    its_users_sign_in_there,
    its_cookies_are_tied_to_the_host,
    the_json_api_hangs_off_its_root,
    each_tenant_is_at_its_own_place_and_nowhere_else,
    an_access_token_is_worth_nothing_at_another_host,
    a_disabled_tenant_is_not_there,
    the_host_header_is_read_as_http_says,
    health_is_answered_at_every_host,
}

async fn acme(app: &TestApp) -> TestTenant {
    app.tenant_at("acme", Some(DOMAIN)).await
}

async fn a_tenant_with_a_domain_answers_at_its_root(app: &TestApp) {
    let acme = acme(app).await;
    assert_eq!(acme.issuer, "https://login.acme.example");
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        let document = app.get(&acme.url(path)).send().await.expect(200);
        describes(&document, &acme);
    }
    let keys = app.get(&acme.url("/.well-known/jwks.json")).send().await.expect(200);
    assert!(!keys["keys"].as_array().unwrap().is_empty());
    // And one without, beside it, where it always was.
    let bolt = app.tenant("bolt").await;
    assert_eq!(bolt.issuer, "https://auth.example.com/t/bolt");
    let url = bolt.url("/.well-known/openid-configuration");
    assert_eq!(app.get(&url).send().await.expect(200)["issuer"], *bolt.issuer);
}

async fn its_users_sign_in_there(app: &TestApp) {
    let acme = acme(app).await;
    for client in [&acme.web, &acme.spa] {
        let mut browser = Browser::new(app);
        let answer = browser.authorize(&acme, &acme.authorization(client)).await;
        assert!(answer.location().starts_with("/login?"), "{answer:?}");
        let answer = browser.sign_in_at(&acme, &answer).await;
        let parameters = query(answer.location());
        assert_eq!(parameters["iss"], acme.issuer);
        let tokens = app.redeem(&acme, client, &parameters["code"]).await.expect(200);
        for name in ["id_token", "access_token"] {
            let claims = crate::harness::claims(tokens[name].as_str().unwrap());
            assert_eq!(claims["iss"], *acme.issuer, "{name}");
        }
        let token = tokens["refresh_token"].as_str().unwrap();
        app.refresh(&acme, client, token).await.expect(200);
        let userinfo = app.get(&acme.url("/oauth2/userinfo"));
        let userinfo = userinfo.bearer(tokens["access_token"].as_str().unwrap()).send().await;
        assert_eq!(userinfo.expect(200)["sub"], acme.user.to_string());
    }
}

async fn its_cookies_are_tied_to_the_host(app: &TestApp) {
    let (acme, bolt) = (acme(app).await, app.tenant("bolt").await);
    for (tenant, session, device) in [
        (&acme, ("__Host-doorward", "/"), ("__Secure-doorward-device", "/")),
        (&bolt, ("__Secure-doorward", "/t/bolt"), ("__Secure-doorward-device", "/t/bolt")),
    ] {
        let mut browser = Browser::new(app);
        browser.sign_in(tenant).await;
        assert_eq!(browser.cookies.len(), 2, "{:?}", browser.cookies);
        for (name, path) in [session, device] {
            let named = browser.cookies.iter().find(|cookie| cookie.name() == name);
            let cookie = named.unwrap_or_else(|| panic!("{name} in {:?}", browser.cookies));
            assert_eq!(cookie.path(), Some(path), "{cookie}");
            assert_eq!(cookie.secure(), Some(true), "{cookie}");
            assert_eq!(cookie.http_only(), Some(true), "{cookie}");
            assert_eq!(cookie.domain(), None, "{cookie}");
            assert_eq!(cookie.same_site(), Some(actix_web::cookie::SameSite::Lax), "{cookie}");
        }
    }
    let page = app.get(&acme.url("/login")).send().await;
    assert!(page.header("strict-transport-security").is_some(), "{page:?}");
}

async fn the_json_api_hangs_off_its_root(app: &TestApp) {
    let acme = acme(app).await;
    let mut body = acme.credentials();
    let login = app.direct(&acme, "login", &body).await.expect(200);
    assert_eq!(login["email"], *acme.email);
    let token = json!({ "refresh_token": login["refresh_token"] });
    app.direct(&acme, "refresh", &token).await.expect(200);
    body["client_id"] = json!(acme.spa.id);
    body["delivery"] = json!("cookie");
    let call = app.post(&acme.url("/v1/auth/login")).header("origin", acme.spa_origin());
    let answer = call.json(&body).send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Secure-"), "{cookie}");
    let attributes: Vec<&str> = cookie.split("; ").skip(1).collect();
    for wanted in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/v1/auth"] {
        assert!(attributes.contains(&wanted), "{cookie}");
    }
}

/// Every route of that base, each of which must be a plain 404.
async fn nothing_at(app: &TestApp, base: &str) {
    for route in TENANT {
        let method = reqwest::Method::from_bytes(route.method.as_str().as_bytes()).unwrap();
        let answer = app.call(method, &format!("{base}{}", route.path)).send().await;
        not_found(&answer, &format!("{} {base}{}", route.method, route.path));
        assert_eq!(answer.header("set-cookie"), None, "{base}{}: {answer:?}", route.path);
    }
}

#[track_caller]
fn not_found(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 404, "{what}: {answer:?}");
    assert_eq!(answer.body, "Not found\n", "{what}");
}

async fn each_tenant_is_at_its_own_place_and_nowhere_else(app: &TestApp) {
    acme(app).await;
    app.tenant("bolt").await;
    app.tenant_at("other", Some("login.other.example")).await;
    for base in [
        // A tenant with a host of its own is not on the public one,
        "https://auth.example.com/t/acme",
        // nor below itself;
        "https://login.acme.example/t/acme",
        // and no tenant is on the host of another, or on one that nobody has.
        "https://login.acme.example/t/bolt",
        "https://login.acme.example/t/other",
        "https://unknown.example/t/bolt",
        "https://unknown.example/t/acme",
        "https://unknown.example",
        "https://auth.example.com",
        "https://auth.example.com/t/nobody",
        "https://auth.example.com/t/BOLT",
        "https://auth.example.com/t/bolt/t/bolt",
    ] {
        nothing_at(app, base).await;
    }
    let metadata = "/.well-known/oauth-authorization-server";
    for url in [
        format!("https://auth.example.com{metadata}/t/acme"),
        format!("https://login.acme.example{metadata}/t/bolt"),
        format!("https://login.acme.example{metadata}/t/acme"),
        format!("https://unknown.example{metadata}"),
        format!("https://unknown.example{metadata}/t/bolt"),
    ] {
        not_found(&app.get(&url).send().await, &url);
    }
    let url = format!("https://auth.example.com{metadata}/t/bolt");
    app.get(&url).send().await.expect(200);
}

async fn an_access_token_is_worth_nothing_at_another_host(app: &TestApp) {
    let (acme, bolt) = (acme(app).await, app.tenant("bolt").await);
    let other = app.tenant_at("other", Some("login.other.example")).await;
    let token = app.login(&acme).await["access_token"].as_str().unwrap().to_owned();
    for path in ["/v1/auth/me", "/oauth2/userinfo"] {
        for elsewhere in [&bolt, &other] {
            let answer = app.get(&elsewhere.url(path)).bearer(&token).send().await;
            answer.refused(401, "invalid_token");
        }
        app.get(&acme.url(path)).bearer(&token).send().await.expect(200);
    }
}

async fn a_disabled_tenant_is_not_there(app: &TestApp) {
    let (acme, bolt) = (acme(app).await, app.tenant("bolt").await);
    for tenant in [&acme, &bolt] {
        app.login(tenant).await;
        let id = tenant.tenant.id;
        let disabled = app.context.db.system_write::<_, StorageError>(move |tx| {
            tx.tenants().set_status(id, TenantStatus::Disabled)
        });
        assert!(disabled.await.unwrap());
        // Done beside the server, which honours it within two seconds.
        app.clock.advance(std::time::Duration::from_secs(2));
        nothing_at(app, &tenant.issuer).await;
        let body = json!({ "email": tenant.email, "password": PASSWORD });
        not_found(&app.direct(tenant, "login", &body).await, "login");
    }
    let metadata = "https://auth.example.com/.well-known/oauth-authorization-server/t/bolt";
    not_found(&app.get(metadata).send().await, metadata);
}

/// What `path` answers to that `Host`.
async fn at(app: &TestApp, host: &[u8], path: &str) -> Answer {
    // The harness sets the header from the URL; a client may send any.
    let request = [b"GET ", path.as_bytes(), b" HTTP/1.1\r\nHost: ", host, b"\r\n"].concat();
    app.send_raw(&request, b"")
}

async fn the_host_header_is_read_as_http_says(app: &TestApp) {
    acme(app).await;
    app.tenant("bolt").await;
    let (root, below) = ("/.well-known/jwks.json", "/t/bolt/.well-known/jwks.json");
    // Case, a port and the dot of the root make no other host (RFC 3986 §3.2.2, RFC 9110 §4.2.3).
    for host in [
        "LOGIN.acme.EXAMPLE",
        "login.acme.example:443",
        "login.acme.example:8443",
        "login.acme.example.",
    ] {
        assert_eq!(at(app, host.as_bytes(), root).await.status, 200, "{host}");
        assert_eq!(at(app, host.as_bytes(), below).await.status, 404, "{host}");
    }
    for host in ["AUTH.example.com", "auth.example.com:443", "auth.example.com."] {
        assert_eq!(at(app, host.as_bytes(), below).await.status, 200, "{host}");
        assert_eq!(at(app, host.as_bytes(), root).await.status, 404, "{host}");
    }
    // What is no host of anybody's leads to no tenant's root.
    let long = "a".repeat(5_000);
    for host in [
        b"".as_slice(),
        b":",
        b":443",
        b".",
        b"..",
        b"login.acme.example:port",
        b"login.acme.example:443:443",
        b"login.acme.example/",
        b"login.acme.example@evil.example",
        b"evil.example@login.acme.example",
        b"login.acme.example, evil.example",
        b"login.acme.example evil.example",
        b"*.acme.example",
        b"%6cogin.acme.example",
        b"[::1]",
        b"127.0.0.1",
        b"' OR 1=1 --",
        b"login.acme.ex\xffmple",
        "login.acm\u{435}.example".as_bytes(),
        long.as_bytes(),
    ] {
        let answer = at(app, host, root).await;
        let what = String::from_utf8_lossy(host);
        assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
    }
    // A name that a client adds is none that it asked for.
    for header in ["X-Forwarded-Host: login.acme.example", "Forwarded: host=login.acme.example"] {
        let request = format!("GET {root} HTTP/1.1\r\nHost: unknown.example\r\n{header}\r\n");
        assert_eq!(app.send_raw(request.as_bytes(), b"").status, 404, "{header}");
    }
    // RFC 9112 §3.2: no Host, or two.
    for hosts in ["", "Host: login.acme.example\r\nHost: unknown.example\r\n"] {
        let request = format!("GET {root} HTTP/1.1\r\n{hosts}");
        let answer = app.send_raw(request.as_bytes(), b"");
        assert!((400..500).contains(&answer.status), "{hosts:?}: {answer:?}");
    }
    assert_eq!(app.send_raw(format!("GET {root} HTTP/1.0\r\n").as_bytes(), b"").status, 404);
}

async fn health_is_answered_at_every_host(app: &TestApp) {
    acme(app).await;
    for host in ["auth.example.com", "login.acme.example", "unknown.example", "10.0.0.7"] {
        let alive = app.get(&format!("https://{host}/healthz")).send().await;
        assert_eq!(alive.expect(200), json!({ "status": "ok" }));
        let ready = app.get(&format!("https://{host}/readyz")).send().await;
        assert_eq!(ready.expect(200), json!({ "status": "ready" }));
        assert_eq!(ready.header("cache-control"), Some("no-store"));
    }
}
