//! Token introspection (RFC 7662): a token that is good now says so, any other says nothing else.

use std::time::Duration;

use doorward::domain::application::{ApplicationKind, TokenSettings};
use serde_json::{Value, json};

use crate::harness::{Answer, TestApp, TestClient, TestTenant, claims, on_both_databases};

on_both_databases! {
    a_good_access_token_is_active,
    a_service_token_is_active,
    a_good_refresh_token_is_active_for_its_own_client,
    what_is_not_good_now_is_inactive_and_nothing_else,
    asking_spends_nothing,
    only_clients_with_a_secret_may_ask,
}

async fn introspect(
    app: &TestApp,
    tenant: &TestTenant,
    client: &TestClient,
    token: &str,
) -> Answer {
    let call = app.post(&tenant.url("/oauth2/introspect")).basic(&client.id, client.secret());
    call.form(&[("token", token)]).send().await
}

#[track_caller]
fn is_inactive(answer: &Answer) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body, r#"{"active":false}"#);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[track_caller]
fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name} in {tokens}"))
}

async fn a_good_access_token_is_active(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let tokens = app.sign_in(&acme, &acme.spa).await;
    let token = text(&tokens, "access_token");
    // Whoever of the tenant gets such tokens may ask about them.
    for client in [&acme.web, &acme.service] {
        let answer = introspect(app, &acme, client, token).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let answer = answer.expect(200);
        assert_eq!(answer["active"], true);
        assert_eq!(answer["token_type"], "Bearer");
        assert_eq!(answer["username"], *acme.email);
        let claims = claims(token);
        for same in [
            "iss",
            "sub",
            "aud",
            "client_id",
            "iat",
            "exp",
            "jti",
            "scope",
            "sid",
            "auth_time",
            "tenant_id",
            "role",
            "roles",
        ] {
            assert_eq!(answer[same], claims[same], "{same}");
            assert!(!answer[same].is_null(), "{same}");
        }
    }
    // In the body the secret is as good, and a hint changes nothing.
    for hint in ["access_token", "refresh_token", "banana"] {
        let fields = [
            ("token", token),
            ("token_type_hint", hint),
            ("client_id", &acme.web.id),
            ("client_secret", acme.web.secret()),
        ];
        let answer = app.post(&acme.url("/oauth2/introspect")).form(&fields).send().await;
        assert_eq!(answer.expect(200)["active"], true);
    }
}

async fn a_service_token_is_active(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let grant = [("grant_type", "client_credentials")];
    let tokens = app.token(&acme, &acme.service, &grant).await.expect(200);
    let answer = introspect(app, &acme, &acme.web, text(&tokens, "access_token")).await;
    let answer = answer.expect(200);
    assert_eq!(answer["active"], true);
    assert_eq!(answer["sub"], *acme.service.id);
    assert!(answer.get("username").is_none());
}

async fn a_good_refresh_token_is_active_for_its_own_client(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let tokens = app.sign_in(&acme, &acme.web).await;
    let token = text(&tokens, "refresh_token");
    let answer = introspect(app, &acme, &acme.web, token).await.expect(200);
    let access = claims(text(&tokens, "access_token"));
    assert_eq!(answer["active"], true);
    for same in ["iss", "sub", "client_id", "scope", "sid"] {
        assert_eq!(answer[same], access[same], "{same}");
    }
    let week = access["iat"].as_i64().map(|at| at + 7 * 24 * 60 * 60);
    assert_eq!(answer["exp"].as_i64(), week);
    let other =
        app.client(&acme.tenant, "other", ApplicationKind::Web, TokenSettings::default()).await;
    is_inactive(&introspect(app, &acme, &other, token).await);
    is_inactive(&introspect(app, &acme, &acme.service, token).await);
    let of_spa = app.sign_in(&acme, &acme.spa).await;
    is_inactive(&introspect(app, &acme, &acme.web, text(&of_spa, "refresh_token")).await);
}

async fn what_is_not_good_now_is_inactive_and_nothing_else(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let tokens = app.sign_in(&acme, &acme.web).await;
    let foreign = app.sign_in(&bolt, &bolt.web).await;
    let tampered = {
        let (signed, signature) = text(&tokens, "access_token").rsplit_once('.').unwrap();
        format!("{signed}.{}", signature.chars().rev().collect::<String>())
    };
    for bad in [
        "x",
        "a.b.c",
        &tampered,
        &text(&tokens, "refresh_token").replace(|c: char| c.is_ascii_digit(), "Z"),
        text(&tokens, "id_token"),
        text(&foreign, "access_token"),
        text(&foreign, "refresh_token"),
    ] {
        is_inactive(&introspect(app, &acme, &acme.web, bad).await);
    }
    let both = ["access_token", "refresh_token"];
    let is_over = async |tokens: &Value| {
        for name in both {
            is_inactive(&introspect(app, &acme, &acme.web, text(tokens, name)).await);
        }
    };
    // Expired.
    app.clock.advance(Duration::from_secs(15 * 60));
    is_inactive(&introspect(app, &acme, &acme.web, text(&tokens, "access_token")).await);
    app.clock.advance(Duration::from_secs(7 * 24 * 60 * 60));
    is_over(&tokens).await;
    // Revoked.
    let tokens = app.sign_in(&acme, &acme.web).await;
    let revoke = app.post(&acme.url("/oauth2/revoke")).basic(&acme.web.id, acme.web.secret());
    revoke.form(&[("token", text(&tokens, "refresh_token"))]).send().await;
    is_over(&tokens).await;
    // Signed out.
    let tokens = app.sign_in(&acme, &acme.web).await;
    let logout = format!("/oauth2/logout?id_token_hint={}", text(&tokens, "id_token"));
    app.get(&acme.url(&logout)).send().await;
    is_over(&tokens).await;
    // Of a user who may sign in no more.
    let tokens = app.sign_in(&acme, &acme.web).await;
    assert_eq!(
        introspect(app, &acme, &acme.web, text(&tokens, "access_token")).await.json()["active"],
        true
    );
    app.disable(&acme.tenant, &acme.email).await;
    is_over(&tokens).await;
}

async fn asking_spends_nothing(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let tokens = app.sign_in(&acme, &acme.web).await;
    let first = text(&tokens, "refresh_token");
    for _ in 0..3 {
        introspect(app, &acme, &acme.web, first).await.expect(200);
    }
    let second = app.refresh(&acme, &acme.web, first).await.expect(200);
    let third = app.refresh(&acme, &acme.web, text(&second, "refresh_token")).await.expect(200);
    // To use that one would be reuse; to ask about it is not.
    is_inactive(&introspect(app, &acme, &acme.web, first).await);
    app.refresh(&acme, &acme.web, text(&third, "refresh_token")).await.expect(200);
}

async fn only_clients_with_a_secret_may_ask(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let tokens = app.sign_in(&acme, &acme.spa).await;
    let url = acme.url("/oauth2/introspect");
    let token = ("token", text(&tokens, "access_token"));
    let public = [token, ("client_id", &acme.spa.id)];
    app.post(&url).form(&public).send().await.refused(401, "invalid_client");
    let unproved = [token, ("client_id", &acme.web.id)];
    app.post(&url).form(&unproved).send().await.refused(401, "invalid_client");
    app.post(&url).form(&[token]).send().await.refused(401, "invalid_client");
    let wrong = app.post(&url).basic(&acme.web.id, "wrong").form(&[token]).send().await;
    wrong.refused(401, "invalid_client");
    assert!(wrong.header("www-authenticate").unwrap().starts_with("Basic"));
    let none = app.post(&url).basic(&acme.web.id, acme.web.secret()).form(&[]).send().await;
    none.refused(400, "invalid_request");
    let twice = app.post(&url).basic(&acme.web.id, acme.web.secret());
    twice.form(&[token, token]).send().await.refused(400, "invalid_request");
    let json = app.post(&url).basic(&acme.web.id, acme.web.secret());
    json.json(&json!({ "token": token.1 })).send().await.refused(400, "invalid_request");
}
