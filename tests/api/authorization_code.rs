//! `grant_type=authorization_code`: a code is good once, for a minute, for whom it was issued.

use std::time::Duration;

use futures_util::future::join_all;

use crate::harness::{Browser, TestApp, VERIFIER, claims, on_both_databases, query};

on_both_databases! {
    a_code_gives_the_tokens_that_were_asked_for,
    a_code_is_good_for_a_minute,
    a_replayed_code_revokes_its_tokens,
    of_many_exchanges_at_once_none_leaves_live_tokens_but_one_at_most,
    a_code_is_bound_to_its_client_and_redirect_uri,
    pkce_is_enforced_for_confidential_clients_too,
    a_code_of_an_ended_session_or_a_disabled_user_gives_nothing,
    an_id_token_says_only_what_the_scopes_allow,
}

async fn a_code_gives_the_tokens_that_were_asked_for(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for client in [&acme.web, &acme.spa] {
        let tokens = app.sign_in(&acme, client).await;
        assert_eq!(tokens["token_type"], "Bearer");
        assert_eq!(tokens["expires_in"], 900);
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id["iss"], *acme.issuer);
        assert_eq!(id["aud"], *client.id);
        assert_eq!(id["sub"], acme.user.to_string());
        assert_eq!(id["nonce"], "no-1");
        assert_eq!(id["email"], *acme.email);
        assert_eq!(id["email_verified"], true);
        assert_eq!(id["role"], "ADMIN");
        assert_eq!(id["amr"], serde_json::json!(["pwd"]));
        let access = claims(tokens["access_token"].as_str().unwrap());
        assert_eq!(access["iss"], *acme.issuer);
        assert_eq!(access["aud"], *acme.issuer);
        assert_eq!(access["client_id"], *client.id);
        assert_eq!(access["sub"], id["sub"]);
        assert_eq!(access["sid"], id["sid"]);
        assert_eq!(access["auth_time"], id["auth_time"]);
        assert_eq!(access["tenant_id"], acme.tenant.id.to_string());
        assert_eq!(access["role"], "ADMIN");
        assert_eq!(access["roles"], serde_json::json!(["ADMIN"]));
        assert_eq!(
            access["exp"].as_i64().unwrap() - access["iat"].as_i64().unwrap(),
            tokens["expires_in"].as_i64().unwrap()
        );
    }
}

async fn a_code_is_good_for_a_minute(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let (in_time, late) = (app.code(&acme, &acme.web).await, app.code(&acme, &acme.web).await);
    app.clock.advance(Duration::from_secs(59));
    app.redeem(&acme, &acme.web, &in_time).await.expect(200);
    app.clock.advance(Duration::from_secs(1));
    app.redeem(&acme, &acme.web, &late).await.refused(400, "invalid_grant");
}

async fn a_replayed_code_revokes_its_tokens(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let code = app.code(&acme, &acme.web).await;
    let tokens = app.redeem(&acme, &acme.web, &code).await.expect(200);
    let refreshed =
        app.refresh(&acme, &acme.web, tokens["refresh_token"].as_str().unwrap()).await.expect(200);
    app.redeem(&acme, &acme.web, &code).await.refused(400, "invalid_grant");
    app.refresh(&acme, &acme.web, refreshed["refresh_token"].as_str().unwrap())
        .await
        .refused(400, "invalid_grant");
    for tokens in [&tokens, &refreshed] {
        let access = tokens["access_token"].as_str().unwrap();
        let userinfo = app.get(&acme.url("/oauth2/userinfo")).bearer(access).send().await;
        assert_eq!(userinfo.status, 401, "{userinfo:?}");
    }
    assert!(app.audit(&acme.tenant).await.contains(&"code.replayed".to_owned()));
}

async fn of_many_exchanges_at_once_none_leaves_live_tokens_but_one_at_most(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for _ in 0..5 {
        let code = app.code(&acme, &acme.web).await;
        let mut exchanges = Vec::new();
        for _ in 0..8 {
            exchanges.push(app.redeem(&acme, &acme.web, &code));
        }
        let answers = join_all(exchanges).await;
        let good: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert!(good.len() <= 1, "a code was spent {} times", good.len());
        for answer in &answers {
            if answer.status != 200 {
                answer.refused(400, "invalid_grant");
            }
        }
        // One presented it after it was spent: whatever it gave is dead.
        for answer in good {
            let token = answer.json()["refresh_token"].as_str().unwrap().to_owned();
            app.refresh(&acme, &acme.web, &token).await.refused(400, "invalid_grant");
        }
    }
}

async fn a_code_is_bound_to_its_client_and_redirect_uri(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let code = app.code(&acme, &acme.spa).await;
    app.redeem(&acme, &acme.web, &code).await.refused(400, "invalid_grant");
    app.redeem(&acme, &acme.native, &code).await.refused(400, "invalid_grant");
    let elsewhere = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", "https://spa.acme.example/other"),
        ("code_verifier", VERIFIER),
    ];
    app.token(&acme, &acme.spa, &elsewhere).await.refused(400, "invalid_grant");
    let nowhere = [("grant_type", "authorization_code"), ("code", &*code)];
    app.token(&acme, &acme.spa, &nowhere).await.refused(400, "invalid_request");
    // None of that has spent it.
    app.redeem(&acme, &acme.spa, &code).await.expect(200);
}

async fn pkce_is_enforced_for_confidential_clients_too(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let redeem = async |code: &str, verifier: Option<&str>| {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &*acme.web.redirect_uri),
        ];
        fields.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        app.token(&acme, &acme.web, &fields).await
    };
    let wrong = "A".repeat(43);
    let code = browser.code(&acme, &acme.web).await;
    redeem(&code, None).await.refused(400, "invalid_grant");
    redeem(&code, Some(&wrong)).await.refused(400, "invalid_grant");
    redeem(&code, Some("short")).await.refused(400, "invalid_request");
    redeem(&code, Some(VERIFIER)).await.expect(200);

    let without =
        acme.authorization(&acme.web).without("code_challenge").without("code_challenge_method");
    let answer = browser.authorize(&acme, &without).await;
    let code = query(answer.location())["code"].clone();
    // A verifier for a code without a challenge is an attacker's (RFC 9700 §2.1.1).
    redeem(&code, Some(VERIFIER)).await.refused(400, "invalid_grant");
    redeem(&code, None).await.expect(200);
}

async fn a_code_of_an_ended_session_or_a_disabled_user_gives_nothing(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let code = browser.code(&acme, &acme.web).await;
    let tokens = app.redeem(&acme, &acme.web, &code).await.expect(200);
    let code = browser.code(&acme, &acme.web).await;
    let hint = tokens["id_token"].as_str().unwrap();
    browser.get(&acme.url(&format!("/oauth2/logout?id_token_hint={hint}"))).await;
    app.redeem(&acme, &acme.web, &code).await.refused(400, "invalid_grant");

    let code = app.code(&acme, &acme.web).await;
    app.disable(&acme.tenant, &acme.email).await;
    app.redeem(&acme, &acme.web, &code).await.refused(400, "invalid_grant");
}

async fn an_id_token_says_only_what_the_scopes_allow(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let id_token = async |browser: &mut Browser<'_>, scope: &str| {
        let request = acme.authorization(&acme.web).with("scope", scope).without("nonce");
        let answer = browser.authorize(&acme, &request).await;
        let code = query(answer.location())["code"].clone();
        app.redeem(&acme, &acme.web, &code).await.expect(200)
    };
    let tokens = id_token(&mut browser, "openid").await;
    let claims = claims(tokens["id_token"].as_str().unwrap());
    for absent in ["nonce", "email", "email_verified", "name", "picture", "role", "roles"] {
        assert!(claims.get(absent).is_none(), "{absent} in {claims}");
    }
    for present in ["sub", "iat", "exp", "auth_time", "at_hash", "sid", "amr"] {
        assert!(claims.get(present).is_some(), "no {present} in {claims}");
    }
    let tokens = id_token(&mut browser, "profile").await;
    assert!(tokens.get("id_token").is_none(), "an ID token without openid: {tokens}");
}
