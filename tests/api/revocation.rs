//! Token revocation (RFC 7009).

use serde_json::Value;

use crate::harness::{Answer, TestApp, TestClient, TestTenant, on_both_databases};

on_both_databases! {
    a_refresh_token_takes_its_whole_family_along,
    an_older_refresh_token_does_as_well,
    an_access_token_goes_alone,
    a_token_that_is_not_the_clients_own_stays_good,
    an_unknown_token_is_as_good_as_revoked,
    a_client_must_prove_itself_as_elsewhere,
}

async fn revoke(app: &TestApp, tenant: &TestTenant, client: &TestClient, token: &str) -> Answer {
    let call = app.post(&tenant.url("/oauth2/revoke"));
    match &client.secret {
        Some(secret) => call.basic(&client.id, secret).form(&[("token", token)]).send().await,
        None => call.form(&[("token", token), ("client_id", &client.id)]).send().await,
    }
}

#[track_caller]
fn done(answer: &Answer) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body, "");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[track_caller]
fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name} in {tokens}"))
}

async fn userinfo(app: &TestApp, tenant: &TestTenant, tokens: &Value) -> Answer {
    let access = text(tokens, "access_token");
    app.get(&tenant.url("/oauth2/userinfo")).bearer(access).send().await
}

async fn a_refresh_token_takes_its_whole_family_along(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for client in [&acme.web, &acme.spa] {
        let other = app.sign_in(&acme, client).await;
        let tokens = app.sign_in(&acme, client).await;
        let token = text(&tokens, "refresh_token");
        done(&revoke(app, &acme, client, token).await);
        app.refresh(&acme, client, token).await.refused(400, "invalid_grant");
        userinfo(app, &acme, &tokens).await.refused(401, "invalid_token");
        done(&revoke(app, &acme, client, token).await);
        userinfo(app, &acme, &other).await.expect(200);
        app.refresh(&acme, client, text(&other, "refresh_token")).await.expect(200);
    }
    let events = app.audit(&acme.tenant).await;
    assert_eq!(events.iter().filter(|event| *event == "token.revoked").count(), 2);
    assert!(!events.contains(&"refresh.reuse_detected".to_owned()));
}

async fn an_older_refresh_token_does_as_well(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let first = app.sign_in(&acme, &acme.web).await;
    let old = text(&first, "refresh_token");
    let second = app.refresh(&acme, &acme.web, old).await.expect(200);
    let third = app.refresh(&acme, &acme.web, text(&second, "refresh_token")).await.expect(200);
    done(&revoke(app, &acme, &acme.web, old).await);
    let newest = text(&third, "refresh_token");
    app.refresh(&acme, &acme.web, newest).await.refused(400, "invalid_grant");
    userinfo(app, &acme, &third).await.refused(401, "invalid_token");
}

async fn an_access_token_goes_alone(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for client in [&acme.web, &acme.spa] {
        let tokens = app.sign_in(&acme, client).await;
        userinfo(app, &acme, &tokens).await.expect(200);
        done(&revoke(app, &acme, client, text(&tokens, "access_token")).await);
        userinfo(app, &acme, &tokens).await.refused(401, "invalid_token");
        done(&revoke(app, &acme, client, text(&tokens, "access_token")).await);
        let refresh = text(&tokens, "refresh_token");
        let fresh = app.refresh(&acme, client, refresh).await.expect(200);
        userinfo(app, &acme, &fresh).await.expect(200);
    }
}

async fn a_token_that_is_not_the_clients_own_stays_good(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let tokens = app.sign_in(&acme, &acme.web).await;
    for name in ["access_token", "refresh_token"] {
        for (tenant, client) in
            [(&acme, &acme.spa), (&acme, &acme.native), (&acme, &acme.service), (&bolt, &bolt.web)]
        {
            done(&revoke(app, tenant, client, text(&tokens, name)).await);
        }
    }
    userinfo(app, &acme, &tokens).await.expect(200);
    app.refresh(&acme, &acme.web, text(&tokens, "refresh_token")).await.expect(200);
}

async fn an_unknown_token_is_as_good_as_revoked(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let tokens = app.sign_in(&acme, &acme.web).await;
    let refresh = text(&tokens, "refresh_token");
    let tampered = format!("{}A", &refresh[..refresh.len() - 1]);
    let tampered = if tampered == refresh { format!("{}B", &refresh[..71]) } else { tampered };
    for unknown in ["x", "a.b.c", &tampered, text(&tokens, "id_token")] {
        done(&revoke(app, &acme, &acme.web, unknown).await);
    }
    app.refresh(&acme, &acme.web, refresh).await.expect(200);
    // What kind of token it is, the client need not know.
    for hint in ["access_token", "refresh_token", "banana"] {
        let tokens = app.sign_in(&acme, &acme.web).await;
        let refresh = text(&tokens, "refresh_token");
        let call = app.post(&acme.url("/oauth2/revoke")).basic(&acme.web.id, acme.web.secret());
        done(&call.form(&[("token", refresh), ("token_type_hint", hint)]).send().await);
        app.refresh(&acme, &acme.web, refresh).await.refused(400, "invalid_grant");
    }
}

async fn a_client_must_prove_itself_as_elsewhere(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let tokens = app.sign_in(&acme, &acme.web).await;
    let url = acme.url("/oauth2/revoke");
    let token = ("token", text(&tokens, "refresh_token"));
    let wrong = app.post(&url).basic(&acme.web.id, "wrong").form(&[token]).send().await;
    wrong.refused(401, "invalid_client");
    assert!(wrong.header("www-authenticate").unwrap().starts_with("Basic"));
    let unproved = app.post(&url).form(&[token, ("client_id", &acme.web.id)]).send().await;
    unproved.refused(401, "invalid_client");
    assert_eq!(unproved.header("www-authenticate"), None);
    app.post(&url).form(&[token]).send().await.refused(401, "invalid_client");
    let none = app.post(&url).basic(&acme.web.id, acme.web.secret()).form(&[]).send().await;
    none.refused(400, "invalid_request");
    let twice = app.post(&url).basic(&acme.web.id, acme.web.secret());
    twice.form(&[token, token]).send().await.refused(400, "invalid_request");
    app.refresh(&acme, &acme.web, token.1).await.expect(200);
}
