//! The userinfo endpoint (OpenID Connect Core §5.3, RFC 6750).

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::harness::{Answer, Browser, TestApp, TestTenant, on_both_databases, query};

on_both_databases! {
    the_scopes_decide_what_it_says,
    a_token_without_openid_is_refused,
    without_a_token_it_says_how_to_send_one,
    a_token_that_is_not_good_is_refused,
    what_it_says_is_of_now,
}

async fn access_token(app: &TestApp, tenant: &TestTenant, scope: &str) -> String {
    let mut browser = Browser::new(app);
    browser.sign_in(tenant).await;
    let request = tenant.authorization(&tenant.web).with("scope", scope);
    let answer = browser.authorize(tenant, &request).await;
    let code = query(answer.location())["code"].clone();
    let tokens = app.redeem(tenant, &tenant.web, &code).await.expect(200);
    tokens["access_token"].as_str().unwrap().to_owned()
}

async fn ask(app: &TestApp, tenant: &TestTenant, token: &str) -> Answer {
    app.get(&tenant.url("/oauth2/userinfo")).bearer(token).send().await
}

async fn the_scopes_decide_what_it_says(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let url = acme.url("/oauth2/userinfo");
    for (scope, names) in [
        ("openid", vec!["sub"]),
        ("openid email", vec!["sub", "email", "email_verified"]),
        ("openid profile", vec!["sub", "name", "role", "roles"]),
        ("openid roles", vec!["sub", "role", "roles"]),
        (
            "openid profile email roles offline_access",
            vec!["sub", "email", "email_verified", "name", "role", "roles"],
        ),
    ] {
        let token = access_token(app, &acme, scope).await;
        for method in [Method::GET, Method::POST] {
            let answer = app.call(method, &url).bearer(&token).send().await;
            let claims = answer.expect(200);
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            let said: BTreeSet<_> =
                claims.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(said, names.iter().copied().collect(), "{scope}");
            assert_eq!(claims["sub"], acme.user.to_string());
            for (name, value) in [
                ("email", Value::from(&*acme.email)),
                ("email_verified", Value::from(true)),
                ("name", Value::from("Ada Example")),
                ("role", Value::from("ADMIN")),
                ("roles", Value::from(vec!["ADMIN"])),
            ] {
                if names.contains(&name) {
                    assert_eq!(claims[name], value, "{scope}");
                }
            }
        }
    }
}

async fn a_token_without_openid_is_refused(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let grant = [("grant_type", "client_credentials")];
    let service = app.token(&acme, &acme.service, &grant).await.expect(200);
    for token in [
        access_token(app, &acme, "profile email").await,
        access_token(app, &acme, "").await,
        service["access_token"].as_str().unwrap().to_owned(),
    ] {
        let answer = ask(app, &acme, &token).await;
        answer.refused(403, "insufficient_scope");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer "), "{challenge}");
        assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
        assert!(challenge.contains("scope=\"openid\""), "{challenge}");
    }
}

async fn without_a_token_it_says_how_to_send_one(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let url = acme.url("/oauth2/userinfo");
    for method in [Method::GET, Method::POST] {
        let calls = [
            app.call(method.clone(), &url),
            app.call(method.clone(), &url).header("authorization", "Bearer"),
            app.call(method.clone(), &url).basic(&acme.web.id, acme.web.secret()),
        ];
        for call in calls {
            let answer = call.send().await;
            assert_eq!(answer.status, 401, "{answer:?}");
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.starts_with("Bearer"), "{challenge}");
            // RFC 6750 §3.1: no error code for one who sent no token.
            assert!(!challenge.contains("error"), "{challenge}");
        }
    }
}

async fn a_token_that_is_not_good_is_refused(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let tokens = app.sign_in(&acme, &acme.web).await;
    let access = tokens["access_token"].as_str().unwrap();
    let foreign = access_token(app, &bolt, "openid").await;
    let (head, rest) = access.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    // {"alg":"none","typ":"at+jwt"}
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0";
    let refused = async |token: &str| {
        let answer = ask(app, &acme, token).await;
        answer.refused(401, "invalid_token");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer "), "{challenge}");
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    };
    for bad in [
        "x",
        &foreign,
        tokens["id_token"].as_str().unwrap(),
        tokens["refresh_token"].as_str().unwrap(),
        &format!("{head}.{claims}."),
        &format!("{none}.{claims}."),
        &format!("{none}.{claims}.{signature}"),
        &format!("{head}.{claims}.{}", signature.chars().rev().collect::<String>()),
    ] {
        refused(bad).await;
    }
    app.clock.advance(Duration::from_secs(15 * 60 - 1));
    ask(app, &acme, access).await.expect(200);
    app.clock.advance(Duration::from_secs(1));
    refused(access).await;
}

async fn what_it_says_is_of_now(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let token = access_token(app, &acme, "openid roles").await;
    assert_eq!(ask(app, &acme, &token).await.expect(200)["role"], "ADMIN");
    app.execute(&format!("DELETE FROM user_roles WHERE user_id = '{}'", acme.user));
    let claims = ask(app, &acme, &token).await.expect(200);
    assert_eq!(claims.get("role"), Some(&Value::Null));
    app.disable(&acme.tenant, &acme.email).await;
    ask(app, &acme, &token).await.refused(401, "invalid_token");
}
