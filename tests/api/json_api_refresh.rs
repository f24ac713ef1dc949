//! `POST /v1/auth/refresh` and `/v1/auth/logout`: how a frontend stays signed in, and how it ends.

use std::time::Duration;

use doorward::domain::ids::UserId;
use doorward::domain::role::RoleKey;
use doorward::domain::tenant::Tenant;
use doorward::storage::StorageError;
use serde_json::{Value, json};

use crate::harness::{Answer, TestApp, TestTenant, claims, on_both_databases};

on_both_databases! {
    refresh_takes_either_spelling_and_answers_the_envelope,
    what_is_no_refresh_token_is_refused,
    claims_are_read_afresh,
    a_disabled_user_cannot_refresh,
    a_family_that_began_without_a_secret_goes_on_without,
    a_family_that_began_with_a_secret_needs_it,
    the_token_just_spent_gives_the_same_successor_again,
    logout_answers_204_whatever_it_gets,
    logout_ends_the_sign_in,
    logout_ends_no_other_sign_in,
}

async fn refresh(app: &TestApp, acme: &TestTenant, token: &str) -> Answer {
    app.direct(acme, "refresh", &json!({ "refresh_token": token })).await
}

async fn refresh_by_basic(app: &TestApp, acme: &TestTenant, token: &str) -> Answer {
    let call = app.post(&acme.url("/v1/auth/refresh")).basic(&acme.web.id, acme.web.secret());
    call.json(&json!({ "refresh_token": token })).send().await
}

/// A sign-in by a frontend that proves nothing.
async fn login(app: &TestApp, acme: &TestTenant) -> Value {
    app.direct(acme, "login", &acme.credentials()).await.expect(200)
}

fn token(body: &Value) -> &str {
    body["refresh_token"].as_str().unwrap()
}

async fn grant(app: &TestApp, tenant: &Tenant, user: UserId, role: &str) {
    let key = RoleKey::parse(role).unwrap();
    let granted = app.context.db.write::<_, StorageError>(tenant.id, move |tx| {
        let role = tx.roles().find_by_key(&key)?.unwrap();
        tx.users().grant_role(user, role.id)
    });
    granted.await.unwrap();
}

async fn refresh_takes_either_spelling_and_answers_the_envelope(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let first = login(app, &acme).await;
    app.clock.advance(Duration::from_secs(600));
    let answer = refresh(app, &acme, token(&first)).await;
    let second = answer.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("set-cookie"), None);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&second), keys(&first));
    for same in ["id", "email", "role", "roles", "session_id", "token_type", "expires_in"] {
        assert_eq!(second[same], first[same], "{same}");
    }
    assert_eq!(second["token"], second["access_token"]);
    assert_ne!(second["access_token"], first["access_token"]);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(second["expires_at"], app.context.now().as_secs() + 900);
    assert_eq!(second["refresh_expires_in"], 604_800);
    let (before, after) = (
        claims(first["access_token"].as_str().unwrap()),
        claims(second["access_token"].as_str().unwrap()),
    );
    for same in ["sub", "aud", "auth_time", "sid", "client_id"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    let third = app.direct(&acme, "refresh", &json!({ "refreshToken": token(&second) })).await;
    assert_ne!(third.expect(200)["refresh_token"], second["refresh_token"]);
}

async fn what_is_no_refresh_token_is_refused(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let bolt = app.tenant("bolt").await;
    let own = login(app, &acme).await;
    let of_bolt = login(app, &bolt).await;
    let of_spa = app.sign_in(&acme, &acme.spa).await;
    let mut broken = token(&own).to_owned();
    broken.pop();
    for text in [
        "x",
        "null",
        "\u{0}",
        &broken,
        &token(&own).to_lowercase(),
        own["access_token"].as_str().unwrap(),
        token(&of_bolt),
        token(&of_spa),
        &"x".repeat(10_000),
    ] {
        let answer = refresh(app, &acme, text).await;
        answer.refused(401, "invalid_grant");
        assert_eq!(answer.header("www-authenticate"), None, "{answer:?}");
    }
    for body in [
        json!({}),
        json!({ "refresh_token": "" }),
        json!({ "refresh_token": null }),
        json!({ "refresh_token": 7 }),
    ] {
        let answer = app.direct(&acme, "refresh", &body).await;
        answer.refused(400, "invalid_request");
        assert!(answer.json()["fields"]["refresh_token"].is_string(), "{answer:?}");
    }
    // None of that has harmed anybody.
    refresh(app, &acme, token(&own)).await.expect(200);
    refresh(app, &bolt, token(&of_bolt)).await.expect(200);
    app.refresh(&acme, &acme.spa, token(&of_spa)).await.expect(200);
    app.clock.advance(Duration::from_secs(7 * 24 * 3600));
    let late = login(app, &acme).await;
    app.clock.advance(Duration::from_secs(7 * 24 * 3600));
    refresh(app, &acme, token(&late)).await.refused(401, "invalid_grant");
}

async fn claims_are_read_afresh(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let user = app.user(&acme.tenant, "new@acme.example", &[]).await;
    let credentials = json!({ "email": "new@acme.example", "password": crate::harness::PASSWORD });
    let first = app.direct(&acme, "login", &credentials).await.expect(200);
    assert_eq!(first["role"], Value::Null);
    grant(app, &acme.tenant, user, "MEMBER").await;
    let second = refresh(app, &acme, token(&first)).await.expect(200);
    assert_eq!(second["role"], "MEMBER");
    assert_eq!(second["roles"], json!(["MEMBER"]));
    let access = claims(second["access_token"].as_str().unwrap());
    assert_eq!(access["role"], "MEMBER");
    assert_eq!(access["roles"], json!(["MEMBER"]));
}

async fn a_disabled_user_cannot_refresh(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let first = login(app, &acme).await;
    app.disable(&acme.tenant, &acme.email).await;
    refresh(app, &acme, token(&first)).await.refused(401, "invalid_grant");
}

async fn a_family_that_began_without_a_secret_goes_on_without(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let first = login(app, &acme).await;
    let second = refresh(app, &acme, token(&first)).await.expect(200);
    // To prove more than was asked does no harm.
    let third = refresh_by_basic(app, &acme, token(&second)).await.expect(200);
    refresh(app, &acme, token(&third)).await.expect(200);
}

async fn a_family_that_began_with_a_secret_needs_it(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let first = app.login(&acme).await;
    refresh(app, &acme, token(&first)).await.refused(401, "invalid_grant");
    let named = json!({ "refresh_token": token(&first), "client_id": acme.web.id });
    app.direct(&acme, "refresh", &named).await.refused(401, "invalid_grant");
    // The refusals have spent nothing.
    let second = refresh_by_basic(app, &acme, token(&first)).await.expect(200);
    app.refresh(&acme, &acme.web, token(&second)).await.expect(200);
}

async fn the_token_just_spent_gives_the_same_successor_again(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let first = login(app, &acme).await;
    let second = refresh(app, &acme, token(&first)).await.expect(200);
    app.clock.advance(Duration::from_secs(29));
    let again = refresh(app, &acme, token(&first)).await.expect(200);
    assert_eq!(again["refresh_token"], second["refresh_token"]);
    assert_ne!(again["access_token"], second["access_token"]);
    app.clock.advance(Duration::from_secs(2));
    refresh(app, &acme, token(&first)).await.refused(401, "invalid_grant");
    // Whoever holds the newest may be the thief.
    refresh(app, &acme, token(&second)).await.refused(401, "invalid_grant");
    assert!(app.audit(&acme.tenant).await.contains(&"refresh.reuse_detected".to_owned()));
}

async fn logout_answers_204_whatever_it_gets(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let url = acme.url("/v1/auth/logout");
    for body in [
        json!({}),
        json!({ "refresh_token": "garbage" }),
        json!({ "refresh_token": 7 }),
        json!({ "client_id": "unknown", "refresh_token": "garbage" }),
        json!({ "client_id": acme.native.id }),
        json!([1, 2]),
        json!("text"),
    ] {
        nothing(&app.post(&url).json(&body).send().await);
    }
    nothing(&app.post(&url).send().await);
    nothing(&app.post(&url).basic(&acme.web.id, "wrong").json(&json!({})).send().await);
    nothing(&app.post(&url).header("content-type", "application/json").body("{").send().await);
    nothing(&app.post(&url).form(&[("refresh_token", "x")]).send().await);
    nothing(&app.post(&url).bearer("x").body(vec![0xff; 100_000]).send().await);
}

#[track_caller]
fn nothing(answer: &Answer) {
    assert_eq!(answer.status, 204, "{answer:?}");
    assert_eq!(answer.body, "");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
}

async fn logout_ends_the_sign_in(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for name in ["refresh_token", "refreshToken"] {
        let first = login(app, &acme).await;
        let second = refresh(app, &acme, token(&first)).await.expect(200);
        let body = json!({ name: token(&second) });
        nothing(&app.direct(&acme, "logout", &body).await);
        nothing(&app.direct(&acme, "logout", &body).await);
        for dead in [&first, &second] {
            refresh(app, &acme, token(dead)).await.refused(401, "invalid_grant");
            let access = dead["access_token"].as_str().unwrap();
            let me = app.get(&acme.url("/v1/auth/me")).bearer(access).send().await;
            assert_eq!(me.status, 401, "{me:?}");
        }
    }
    // To give a token back, nobody need prove who they are (RFC 7009 §2.1 asks it of other clients' tokens).
    let first = app.login(&acme).await;
    let call = app.post(&acme.url("/v1/auth/logout")).basic(&acme.web.id, "a secret of yesterday");
    nothing(&call.json(&json!({ "refreshToken": token(&first) })).send().await);
    refresh_by_basic(app, &acme, token(&first)).await.refused(401, "invalid_grant");
}

async fn logout_ends_no_other_sign_in(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let bolt = app.tenant("bolt").await;
    let (phone, laptop) = (login(app, &acme).await, login(app, &acme).await);
    let elsewhere = login(app, &bolt).await;
    for body in
        [json!({ "refresh_token": token(&phone) }), json!({ "refresh_token": token(&elsewhere) })]
    {
        nothing(&app.direct(&acme, "logout", &body).await);
    }
    refresh(app, &acme, token(&phone)).await.refused(401, "invalid_grant");
    refresh(app, &acme, token(&laptop)).await.expect(200);
    refresh(app, &bolt, token(&elsewhere)).await.expect(200);
}
