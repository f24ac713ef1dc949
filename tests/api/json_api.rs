//! `POST /v1/auth/login` and `GET /v1/auth/me`: what a frontend with a login form of its own gets.

use std::collections::BTreeSet;

use doorward::domain::application::{ApplicationKind, TokenSettings};
use doorward::domain::tenant::{AccountPolicy, DisplayName, Slug};
use doorward::flows::administration::Administrator;
use doorward::flows::administration::tenants::{self, NewTenant};
use serde_json::{Value, json};

use crate::harness::{
    Answer, PASSWORD, TestApp, TestClient, TestTenant, claims, on_both_databases,
};

on_both_databases! {
    login_answers_the_user_and_the_tokens_flat,
    the_app_is_the_one_that_authenticates_or_names_itself_or_the_default,
    a_client_that_is_unknown_or_lies_gets_nothing,
    an_app_without_direct_login_sends_its_users_to_the_hosted_page,
    a_tenant_without_a_default_app_wants_to_hear_which,
    whatever_was_wrong_the_answer_is_the_same,
    an_address_is_the_same_in_any_case_and_with_space_around_it,
    what_is_missing_or_of_the_wrong_type_is_named,
    what_a_frontend_sends_besides_is_ignored,
    me_is_the_user_of_a_token_that_is_good_now,
}

const FIELDS: [&str; 15] = [
    "id",
    "email",
    "email_verified",
    "name",
    "image",
    "role",
    "roles",
    "token",
    "access_token",
    "token_type",
    "expires_in",
    "expires_at",
    "refresh_token",
    "refresh_expires_in",
    "session_id",
];

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

async fn login_with(app: &TestApp, acme: &TestTenant, client: &TestClient) -> Answer {
    app.post(&acme.url("/v1/auth/login"))
        .basic(&client.id, client.secret())
        .json(&acme.credentials())
        .send()
        .await
}

async fn login_answers_the_user_and_the_tokens_flat(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let answer = login_with(app, &acme, &acme.web).await;
    let body = answer.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(keys(&body), BTreeSet::from(FIELDS));

    assert_eq!(body["id"], acme.user.to_string());
    assert!(body["id"].as_str().unwrap().starts_with("usr"), "{body}");
    assert_eq!(body["email"], *acme.email);
    assert_eq!(body["email_verified"], true);
    assert_eq!(body["name"], "Ada Example");
    assert_eq!(body["image"], Value::Null);
    assert_eq!(body["role"], "ADMIN");
    assert_eq!(body["roles"], json!(["ADMIN"]));
    assert_eq!(body["token"], body["access_token"]);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 900);
    assert_eq!(body["expires_at"], app.context.now().as_secs() + 900);
    assert_eq!(body["refresh_expires_in"], 604_800);
    let of_letters = |name: &str| {
        let text = body[name].as_str().unwrap();
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    assert!(of_letters("session_id") && of_letters("id"), "{body}");
    assert!(body["refresh_token"].as_str().unwrap().len() > 32, "{body}");

    let access = claims(body["access_token"].as_str().unwrap());
    assert_eq!(access["iss"], *acme.issuer);
    assert_eq!(access["aud"], *acme.issuer);
    assert_eq!(access["client_id"], *acme.web.id);
    assert_eq!(access["sub"], body["id"]);
    assert_eq!(access["sid"], body["session_id"]);
    assert_eq!(access["exp"], body["expires_at"]);
    assert_eq!(access["tenant_id"], acme.tenant.id.to_string());
    assert_eq!(access["role"], "ADMIN");
    assert_eq!(access["roles"], json!(["ADMIN"]));

    app.user(&acme.tenant, "bare@acme.example", &[]).await;
    let bare = json!({ "email": "bare@acme.example", "password": PASSWORD });
    let body = app.direct(&acme, "login", &bare).await.expect(200);
    assert_eq!(keys(&body), BTreeSet::from(FIELDS));
    assert_eq!(body["role"], Value::Null);
    assert_eq!(body["roles"], json!([]));
}

async fn the_app_is_the_one_that_authenticates_or_names_itself_or_the_default(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let client_of = |answer: &Answer| {
        claims(answer.expect(200)["access_token"].as_str().unwrap())["client_id"].clone()
    };
    let other =
        app.client(&acme.tenant, "other", ApplicationKind::Web, TokenSettings::default()).await;
    assert_eq!(client_of(&login_with(app, &acme, &other).await), *other.id);

    let mut named = acme.credentials();
    named["client_id"] = json!(acme.spa.id);
    assert_eq!(client_of(&app.direct(&acme, "login", &named).await), *acme.spa.id);

    let unnamed = acme.credentials();
    assert_eq!(client_of(&app.direct(&acme, "login", &unnamed).await), *acme.web.id);
    let mut null = acme.credentials();
    null["client_id"] = Value::Null;
    assert_eq!(client_of(&app.direct(&acme, "login", &null).await), *acme.web.id);
}

async fn a_client_that_is_unknown_or_lies_gets_nothing(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let bolt = app.tenant("bolt").await;
    for id in ["app0unknown", "", "\u{0}", &bolt.web.id, &bolt.spa.id] {
        let mut body = acme.credentials();
        body["client_id"] = json!(id);
        let answer = app.direct(&acme, "login", &body).await;
        answer.refused(401, "invalid_client");
        assert_eq!(answer.header("www-authenticate"), None, "{answer:?}");
    }
    for (id, secret) in [
        (&*acme.web.id, "wrong"),
        (&*acme.web.id, ""),
        (&*acme.spa.id, "anything"),
        ("app0unknown", acme.web.secret()),
        (&*bolt.web.id, bolt.web.secret()),
    ] {
        let call = app.post(&acme.url("/v1/auth/login")).basic(id, secret);
        let answer = call.json(&acme.credentials()).send().await;
        answer.refused(401, "invalid_client");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Basic "), "{challenge}");
    }
    // Two names for one client, and they differ.
    let mut body = acme.credentials();
    body["client_id"] = json!(acme.spa.id);
    let call = app.post(&acme.url("/v1/auth/login")).basic(&acme.web.id, acme.web.secret());
    call.json(&body).send().await.refused(400, "invalid_request");
}

async fn an_app_without_direct_login_sends_its_users_to_the_hosted_page(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for call in ["login", "register", "refresh"] {
        let body = json!({
            "client_id": acme.native.id,
            "email": "new@acme.example",
            "password": PASSWORD,
            "refresh_token": "x",
        });
        let answer = app.direct(&acme, call, &body).await;
        answer.refused(403, "direct_login_disabled");
    }
    login_with(app, &acme, &acme.service).await.refused(403, "direct_login_disabled");
}

async fn a_tenant_without_a_default_app_wants_to_hear_which(app: &TestApp) {
    let new = NewTenant {
        slug: Slug::parse("bare").unwrap(),
        name: DisplayName::parse("Bare").unwrap(),
        domain: None,
        accounts: AccountPolicy::default(),
    };
    let tenant = tenants::create(&Administrator::command_line(&app.context), new).await.unwrap();
    app.user(&tenant, "ada@bare.example", &[]).await;
    let spa = app.client(&tenant, "spa", ApplicationKind::Spa, TokenSettings::default()).await;
    let url = format!("{}/v1/auth/login", app.context.public_url.issuer(&tenant));
    let mut body = json!({ "email": "ada@bare.example", "password": PASSWORD });
    app.post(&url).json(&body).send().await.refused(401, "invalid_client");
    body["client_id"] = json!(spa.id);
    app.post(&url).json(&body).send().await.expect(200);
}

/// All that an answer shows but what is different in any two answers.
fn seen(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "date" && *name != "x-request-id")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    (answer.status, headers, answer.body.clone())
}

async fn whatever_was_wrong_the_answer_is_the_same(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let bolt = app.tenant("bolt").await;
    app.user(&acme.tenant, "off@acme.example", &[]).await;
    app.disable(&acme.tenant, "off@acme.example").await;
    let login = async |email: &str, password: &str| {
        app.direct(&acme, "login", &json!({ "email": email, "password": password })).await
    };
    let wrong = login(&acme.email, "not-her-password").await;
    wrong.refused(401, "invalid_credentials");
    assert_eq!(wrong.header("www-authenticate"), None, "{wrong:?}");
    let longest = format!("{}@x.example", "a".repeat(64));
    for (email, password) in [
        ("nobody@acme.example", PASSWORD),
        ("off@acme.example", PASSWORD),
        ("off@acme.example", "not-its-password"),
        (&*bolt.email, PASSWORD),
        (&*acme.email, &*PASSWORD.to_uppercase()),
        (&*acme.email, &*format!("{PASSWORD} ")),
        (&*acme.email, &*format!("{PASSWORD}\0")),
        (&*acme.email, "x"),
        (&*acme.email, &*"x".repeat(1025)),
        (&*acme.email, &*"x".repeat(60_000)),
        (&*longest, PASSWORD),
    ] {
        let answer = login(email, password).await;
        assert_eq!(seen(&answer), seen(&wrong), "{email}, a password of {}", password.len());
    }
    login(&acme.email, PASSWORD).await.expect(200);
}

async fn an_address_is_the_same_in_any_case_and_with_space_around_it(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for email in ["ADA@acme.example", "Ada@Acme.Example", "  ada@acme.example\t\n"] {
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = app.direct(&acme, "login", &body).await.expect(200);
        assert_eq!(answer["email"], "ada@acme.example", "{email:?}");
    }
}

async fn what_is_missing_or_of_the_wrong_type_is_named(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email = &*acme.email;
    for (body, fields) in [
        (json!({}), &["email", "password"][..]),
        (json!({ "email": email }), &["password"]),
        (json!({ "password": PASSWORD }), &["email"]),
        (json!({ "email": "", "password": "" }), &["email", "password"]),
        (json!({ "email": null, "password": null }), &["email", "password"]),
        (json!({ "email": 7, "password": PASSWORD }), &["email"]),
        (json!({ "email": email, "password": 12_345_678 }), &["password"]),
        (json!({ "email": email, "password": [PASSWORD] }), &["password"]),
        (json!({ "email": { "$ne": null }, "password": PASSWORD }), &["email"]),
        (json!({ "email": "nobody", "password": PASSWORD }), &["email"]),
        (json!({ "email": email, "password": PASSWORD, "client_id": 7 }), &["client_id"]),
        (json!({ "email": email, "password": PASSWORD, "delivery": "pigeon" }), &["delivery"]),
    ] {
        let answer = app.direct(&acme, "login", &body).await;
        answer.refused(400, "invalid_request");
        let answer = answer.json();
        assert_eq!(keys(&answer["fields"]), fields.iter().copied().collect(), "{body}");
        let texts = answer["fields"].as_object().unwrap().values();
        assert!(texts.into_iter().all(|text| text.as_str().unwrap().len() > 5), "{answer}");
        assert!(!answer.to_string().contains(PASSWORD), "{answer}");
    }
}

async fn what_a_frontend_sends_besides_is_ignored(app: &TestApp) {
    let acme = app.tenant("acme").await;
    // As NextAuth passes its form on.
    let mut body = acme.credentials();
    body["csrfToken"] = json!("0123456789abcdef");
    body["callbackUrl"] = json!("http://localhost:3000/");
    body["json"] = json!("true");
    body["redirect"] = json!(false);
    body["remember"] = json!({ "me": [1, 2, 3] });
    app.direct(&acme, "login", &body).await.expect(200);
    // A charset is no other media type.
    let call = app.post(&acme.url("/v1/auth/login"));
    let call = call.header("content-type", "Application/JSON; charset=utf-8");
    call.body(acme.credentials().to_string()).send().await.expect(200);
}

async fn me_is_the_user_of_a_token_that_is_good_now(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let me = async |token: Option<&str>| {
        let call = app.get(&acme.url("/v1/auth/me"));
        match token {
            Some(token) => call.bearer(token).send().await,
            None => call.send().await,
        }
    };
    let refused = |answer: &Answer, error: &str| {
        answer.refused(401, error);
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer "), "{answer:?}");
    };
    let login = app.login(&acme).await;
    let token = login["access_token"].as_str().unwrap();
    let answer = me(Some(token)).await;
    let body = answer.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(keys(&body), BTreeSet::from_iter(FIELDS[..7].iter().copied()));
    for name in &FIELDS[..7] {
        assert_eq!(body[name], login[name], "{name}");
    }
    // A token of the code flow serves as well.
    let tokens = app.sign_in(&acme, &acme.spa).await;
    me(tokens["access_token"].as_str()).await.expect(200);

    let none = me(None).await;
    assert_eq!(none.status, 401);
    // RFC 6750 §3.1: no error code for one who did not try.
    assert!(!none.header("www-authenticate").unwrap().contains("error"), "{none:?}");
    let (start, signature) = token.rsplit_once('.').unwrap();
    let forged = format!("{start}.{}", signature.chars().rev().collect::<String>());
    let refresh_token = login["refresh_token"].as_str().unwrap();
    let id_token = tokens["id_token"].as_str().unwrap();
    for garbage in ["x", "a.b.c", &forged, start, refresh_token, id_token] {
        refused(&me(Some(garbage)).await, "invalid_token");
    }
    let fields = [("grant_type", "client_credentials")];
    let machine = app.token(&acme, &acme.service, &fields).await.expect(200);
    refused(&me(machine["access_token"].as_str()).await, "invalid_token");

    let body = json!({ "refresh_token": refresh_token });
    assert_eq!(app.direct(&acme, "logout", &body).await.status, 204);
    refused(&me(Some(token)).await, "invalid_token");

    let login = app.login(&acme).await;
    app.clock.advance(std::time::Duration::from_secs(899));
    me(login["access_token"].as_str()).await.expect(200);
    app.clock.advance(std::time::Duration::from_secs(1));
    refused(&me(login["access_token"].as_str()).await, "invalid_token");
}
