//! How a client proves itself at the token endpoint (RFC 6749 §2.3), and which grants it may use.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::harness::{
    Answer, TestApp, TestClient, TestTenant, VERIFIER, claims, on_both_databases,
};

on_both_databases! {
    a_client_with_a_secret_sends_it_in_the_header_or_in_the_body,
    both_halves_of_basic_are_form_decoded,
    a_client_authenticates_in_one_way_only,
    a_wrong_secret_is_refused_in_the_way_that_it_came,
    a_public_client_only_names_itself,
    a_service_gets_a_token_for_itself,
    only_a_service_acts_for_itself,
    a_request_names_a_grant_that_there_is,
    a_repeated_parameter_is_refused,
    no_answer_with_tokens_is_cached,
}

fn token_url(tenant: &TestTenant) -> String {
    tenant.url("/oauth2/token")
}

/// The service asks for a token with these fields beside the grant.
async fn ask(app: &TestApp, tenant: &TestTenant, fields: &[(&str, &str)]) -> Answer {
    let mut all = vec![("grant_type", "client_credentials")];
    all.extend(fields);
    app.post(&token_url(tenant)).form(&all).send().await
}

async fn ask_by_basic(
    app: &TestApp,
    tenant: &TestTenant,
    credentials: &str,
    fields: &[(&str, &str)],
) -> Answer {
    let mut all = vec![("grant_type", "client_credentials")];
    all.extend(fields);
    app.post(&token_url(tenant)).header("authorization", credentials).form(&all).send().await
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// RFC 6749 §5.2: by Basic refused, the answer says how to do it.
#[track_caller]
fn refused_with_challenge(answer: &Answer) {
    answer.refused(401, "invalid_client");
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Basic realm="), "{challenge}");
}

#[track_caller]
fn refused_without_challenge(answer: &Answer) {
    answer.refused(401, "invalid_client");
    assert_eq!(answer.header("www-authenticate"), None, "{answer:?}");
}

async fn a_client_with_a_secret_sends_it_in_the_header_or_in_the_body(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let (id, secret) = (&*acme.service.id, acme.service.secret());
    for text in [id, secret] {
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric()), "every client encodes it alike");
    }
    ask_by_basic(app, &acme, &basic(id, secret), &[]).await.expect(200);
    let lower = basic(id, secret).replacen("Basic", "basic", 1);
    ask_by_basic(app, &acme, &lower, &[]).await.expect(200);
    // Naming itself in the body as well is no second method.
    ask_by_basic(app, &acme, &basic(id, secret), &[("client_id", id)]).await.expect(200);
    ask(app, &acme, &[("client_id", id), ("client_secret", secret)]).await.expect(200);
}

async fn both_halves_of_basic_are_form_decoded(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let encode =
        |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    let (id, secret) = (&*acme.service.id, acme.service.secret());
    for credentials in [
        basic(&encode(id), &encode(secret)),
        basic(&encode(id).to_lowercase(), secret),
        basic(id, &encode(secret)),
    ] {
        ask_by_basic(app, &acme, &credentials, &[]).await.expect(200);
    }
    // A plus is a space, and then it is another secret.
    let spaced = basic(id, &format!("{secret}+"));
    refused_with_challenge(&ask_by_basic(app, &acme, &spaced, &[]).await);
}

async fn a_client_authenticates_in_one_way_only(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let (id, secret) = (&*acme.service.id, acme.service.secret());
    let both = [("client_id", id), ("client_secret", secret)];
    let answer = ask_by_basic(app, &acme, &basic(id, secret), &both).await;
    answer.refused(400, "invalid_request");
    let other = [("client_id", &*acme.web.id)];
    let answer = ask_by_basic(app, &acme, &basic(id, secret), &other).await;
    answer.refused(400, "invalid_request");
}

async fn a_wrong_secret_is_refused_in_the_way_that_it_came(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let (id, secret) = (&*acme.service.id, acme.service.secret());
    // No letter or digit, so surely another than the one in its place.
    let wrong = format!("{}-", &secret[..secret.len() - 1]);
    for (id, secret) in [
        (id, &*wrong),
        (id, ""),
        (id, acme.web.secret()),
        (id, &secret[..secret.len() - 1]),
        ("unknown", secret),
        ("", secret),
        (&*bolt.service.id, bolt.service.secret()),
        (&*acme.spa.id, "x"),
    ] {
        refused_with_challenge(&ask_by_basic(app, &acme, &basic(id, secret), &[]).await);
        let fields = [("client_id", id), ("client_secret", secret)];
        refused_without_challenge(&ask(app, &acme, &fields).await);
    }
    for malformed in ["Basic", "Basic !!!", "Basic bm9jb2xvbg=="] {
        let answer = ask_by_basic(app, &acme, malformed, &[]).await;
        answer.refused(401, "invalid_client");
    }
    refused_without_challenge(&ask(app, &acme, &[]).await);
    refused_without_challenge(&ask(app, &acme, &[("client_id", id)]).await);
    refused_without_challenge(&ask(app, &acme, &[("client_secret", secret)]).await);
}

async fn a_public_client_only_names_itself(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let redeem = async |client: &TestClient, more: &[(&str, &str)]| {
        let code = app.code(&acme, client).await;
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("redirect_uri", &*client.redirect_uri),
            ("code_verifier", VERIFIER),
            ("client_id", &*client.id),
        ];
        fields.extend(more);
        app.post(&token_url(&acme)).form(&fields).send().await
    };
    for client in [&acme.spa, &acme.native] {
        redeem(client, &[]).await.expect(200);
        redeem(client, &[("client_secret", "")]).await.expect(200);
        refused_without_challenge(&redeem(client, &[("client_secret", "x")]).await);
    }
    refused_without_challenge(&redeem(&acme.web, &[]).await);
    redeem(&acme.web, &[("client_secret", acme.web.secret())]).await.expect(200);
}

async fn a_service_gets_a_token_for_itself(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let grant = ("grant_type", "client_credentials");
    let answer = app.token(&acme, &acme.service, &[grant]).await;
    let tokens = answer.expect(200);
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 900);
    for absent in ["refresh_token", "id_token"] {
        assert!(tokens.get(absent).is_none(), "{absent} in {tokens}");
    }
    let access = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!(access["iss"], *acme.issuer);
    assert_eq!(access["sub"], *acme.service.id);
    assert_eq!(access["client_id"], *acme.service.id);
    assert_eq!(access["aud"], "https://api.example", "the app's own audience");
    assert_eq!(access["tenant_id"], acme.tenant.id.to_string());
    assert_eq!(access.get("role"), Some(&serde_json::Value::Null));
    assert_eq!(access["roles"], serde_json::json!([]));
    assert!(access.get("sid").is_none());
    assert!(access.get("auth_time").is_none());

    let asked = app.token(&acme, &acme.service, &[grant, ("resource", &acme.issuer)]).await;
    assert_eq!(claims(asked.expect(200)["access_token"].as_str().unwrap())["aud"], *acme.issuer);
    let foreign = [grant, ("resource", "https://elsewhere.example")];
    app.token(&acme, &acme.service, &foreign).await.refused(400, "invalid_target");
}

async fn only_a_service_acts_for_itself(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for client in [&acme.web, &acme.spa, &acme.native] {
        let answer = app.token(&acme, client, &[("grant_type", "client_credentials")]).await;
        answer.refused(400, "unauthorized_client");
    }
    let code = app.code(&acme, &acme.web).await;
    app.redeem(&acme, &acme.service, &code).await.refused(400, "unauthorized_client");
    app.redeem(&acme, &acme.web, &code).await.expect(200);
}

async fn a_request_names_a_grant_that_there_is(app: &TestApp) {
    let acme = app.tenant("acme").await;
    app.token(&acme, &acme.web, &[]).await.refused(400, "invalid_request");
    app.token(&acme, &acme.web, &[("grant_type", "")]).await.refused(400, "invalid_request");
    for grant in ["password", "implicit", "AUTHORIZATION_CODE", "urn:x"] {
        let fields = [("grant_type", grant), ("username", &acme.email), ("password", "x")];
        app.token(&acme, &acme.web, &fields).await.refused(400, "unsupported_grant_type");
    }
    for grant in ["authorization_code", "refresh_token"] {
        let answer = app.token(&acme, &acme.web, &[("grant_type", grant)]).await;
        answer.refused(400, "invalid_request");
    }
    let json = serde_json::json!({ "grant_type": "client_credentials" });
    let answer = app.post(&token_url(&acme)).basic(&acme.service.id, acme.service.secret());
    answer.json(&json).send().await.refused(400, "invalid_request");
    let get = app.get(&token_url(&acme)).send().await;
    assert!([404, 405].contains(&get.status), "{get:?}");
}

async fn a_repeated_parameter_is_refused(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let grant = ("grant_type", "client_credentials");
    for extra in [grant, ("resource", "https://api.example"), ("x", "1")] {
        let fields = [grant, extra, extra];
        app.token(&acme, &acme.service, &fields).await.refused(400, "invalid_request");
    }
    // The secret is not tried twice either.
    let (id, secret) = (&*acme.service.id, acme.service.secret());
    let twice = [("client_id", id), ("client_secret", "x"), ("client_secret", secret)];
    ask(app, &acme, &twice).await.refused(400, "invalid_request");
}

async fn no_answer_with_tokens_is_cached(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let code = app.code(&acme, &acme.web).await;
    let redeemed = app.redeem(&acme, &acme.web, &code).await;
    let token = redeemed.expect(200)["refresh_token"].as_str().unwrap().to_owned();
    let answers = [
        redeemed,
        app.refresh(&acme, &acme.web, &token).await,
        app.token(&acme, &acme.service, &[("grant_type", "client_credentials")]).await,
    ];
    for answer in answers {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("pragma"), Some("no-cache"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("set-cookie"), None);
    }
}
