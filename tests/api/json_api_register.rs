//! `POST /v1/auth/register`, and which passwords there are.

use doorward::domain::application::{ApplicationKind, TokenSettings};
use doorward::domain::tenant::{AccountPolicy, DisplayName, SignUp, Slug};
use doorward::flows::administration::Administrator;
use doorward::flows::administration::tenants::{self, NewTenant};
use serde_json::{Value, json};

use crate::harness::{Answer, PASSWORD, TestApp, TestTenant, on_both_databases};

on_both_databases! {
    a_new_account_is_signed_in_at_once,
    an_address_has_one_account_in_a_tenant,
    what_is_wrong_is_said_field_by_field,
    where_sign_up_is_closed_nobody_makes_an_account,
    a_password_has_8_to_1024_characters,
    a_password_is_the_same_from_every_keyboard,
    of_many_at_once_one_gets_the_account,
}

async fn register(app: &TestApp, acme: &TestTenant, email: &str, password: &str) -> Answer {
    app.direct(acme, "register", &json!({ "email": email, "password": password })).await
}

async fn login(app: &TestApp, acme: &TestTenant, email: &str, password: &str) -> Answer {
    app.direct(acme, "login", &json!({ "email": email, "password": password })).await
}

/// The names of the fields that an answer finds fault with.
#[track_caller]
fn faults(answer: &Answer) -> Vec<String> {
    answer.refused(400, "invalid_request");
    answer.json()["fields"].as_object().unwrap().keys().cloned().collect()
}

async fn a_new_account_is_signed_in_at_once(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let body = json!({ "email": " Grace@Acme.Example ", "password": PASSWORD, "name": "Grace Ω" });
    let answer = app.direct(&acme, "register", &body).await;
    let made = answer.expect(201);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let known = app.direct(&acme, "login", &acme.credentials()).await.expect(200);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&made), keys(&known));
    assert_eq!(made["email"], "Grace@Acme.Example");
    assert_eq!(made["email_verified"], false);
    assert_eq!(made["name"], "Grace Ω");
    assert_eq!(made["role"], Value::Null);
    assert_eq!(made["roles"], json!([]));
    assert_eq!(made["token"], made["access_token"]);
    assert_eq!(made["expires_at"], app.context.now().as_secs() + 900);

    let me = app.get(&acme.url("/v1/auth/me")).bearer(made["token"].as_str().unwrap());
    assert_eq!(me.send().await.expect(200)["id"], made["id"]);
    let token = json!({ "refresh_token": made["refresh_token"] });
    app.direct(&acme, "refresh", &token).await.expect(200);
    let login = login(app, &acme, "grace@acme.example", PASSWORD).await.expect(200);
    assert_eq!(login["id"], made["id"]);

    // Without a name, or with an empty one.
    for (email, name) in [("a@acme.example", Value::Null), ("b@acme.example", json!(" "))] {
        let body = json!({ "email": email, "password": PASSWORD, "name": name });
        let made = app.direct(&acme, "register", &body).await.expect(201);
        assert_eq!(made["name"], Value::Null);
    }
}

async fn an_address_has_one_account_in_a_tenant(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let bolt = app.tenant("bolt").await;
    for email in [&*acme.email, "ADA@acme.EXAMPLE", " ada@acme.example"] {
        assert_eq!(faults(&register(app, &acme, email, "another-Walnut-19").await), ["email"]);
    }
    login(app, &acme, &acme.email, "another-Walnut-19").await.refused(401, "invalid_credentials");
    login(app, &acme, &acme.email, PASSWORD).await.expect(200);
    // Another tenant knows nothing of it.
    let other = register(app, &bolt, &acme.email, "another-Walnut-19").await.expect(201);
    assert_ne!(other["id"], acme.user.to_string());
}

async fn what_is_wrong_is_said_field_by_field(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for password in ["short", "password", "12345678", "aaaaaaaaaaaa", "grace@acme.example"] {
        let answer = register(app, &acme, "grace@acme.example", password).await;
        assert_eq!(faults(&answer), ["password"], "{password}");
        let text = answer.json()["fields"]["password"].as_str().unwrap().to_owned();
        assert!(password == "password" || !text.contains(password), "{answer:?}");
    }
    for email in
        ["grace", "@acme.example", "a b@acme.example", "a@b@c.example", "a@x.example\r\nBcc: b"]
    {
        let answer = register(app, &acme, email, PASSWORD).await;
        assert_eq!(faults(&answer), ["email"], "{email:?}");
    }
    assert_eq!(faults(&register(app, &acme, "grace", "short").await), ["email", "password"]);
    for name in ["line\nbreak", "\u{0}", &"x".repeat(201)] {
        let body = json!({ "email": "g@acme.example", "password": PASSWORD, "name": name });
        assert_eq!(faults(&app.direct(&acme, "register", &body).await), ["name"], "{name:?}");
    }
    let body = json!({ "email": "g@acme.example", "password": PASSWORD, "name": 7 });
    assert_eq!(faults(&app.direct(&acme, "register", &body).await), ["name"]);
    assert_eq!(faults(&app.direct(&acme, "register", &json!({})).await), ["email", "password"]);
    // None of that made an account.
    for email in ["grace@acme.example", "g@acme.example"] {
        login(app, &acme, email, PASSWORD).await.refused(401, "invalid_credentials");
    }
}

async fn where_sign_up_is_closed_nobody_makes_an_account(app: &TestApp) {
    let new = NewTenant {
        slug: Slug::parse("shut").unwrap(),
        name: DisplayName::parse("Shut").unwrap(),
        domain: None,
        accounts: AccountPolicy { sign_up: SignUp::Closed, ..AccountPolicy::default() },
    };
    let tenant = tenants::create(&Administrator::command_line(&app.context), new).await.unwrap();
    app.client(&tenant, "web", ApplicationKind::Web, TokenSettings::default()).await;
    app.user(&tenant, "ada@shut.example", &[]).await;
    let issuer = app.context.public_url.issuer(&tenant);
    let url = format!("{issuer}/v1/auth/register");
    // The same for an address that has an account already.
    for email in ["new@shut.example", "ada@shut.example"] {
        let body = json!({ "email": email, "password": PASSWORD });
        app.post(&url).json(&body).send().await.refused(403, "sign_up_closed");
    }
    let body = json!({ "email": "ada@shut.example", "password": PASSWORD });
    app.post(&format!("{issuer}/v1/auth/login")).json(&body).send().await.expect(200);
}

/// Of that many characters, each of two bytes, and hard to guess.
fn long_password(length: u32) -> String {
    (0..length).map(|i| char::from_u32(0x430 + (i * i + i / 7) % 32).unwrap()).collect()
}

async fn a_password_has_8_to_1024_characters(app: &TestApp) {
    let acme = app.tenant("acme").await;
    assert_eq!(faults(&register(app, &acme, "a@x.example", "kw8Zq2x").await), ["password"]);
    register(app, &acme, "a@x.example", "kw8Zq2xv").await.expect(201);
    login(app, &acme, "a@x.example", "kw8Zq2xv").await.expect(200);

    let longest = long_password(1024);
    register(app, &acme, "b@x.example", &longest).await.expect(201);
    login(app, &acme, "b@x.example", &longest).await.expect(200);
    // Nothing of it is cut off.
    let mut other = longest.clone();
    other.pop();
    login(app, &acme, "b@x.example", &other).await.refused(401, "invalid_credentials");
    other.push('!');
    login(app, &acme, "b@x.example", &other).await.refused(401, "invalid_credentials");

    let too_long = long_password(1025);
    assert_eq!(faults(&register(app, &acme, "c@x.example", &too_long).await), ["password"]);
    login(app, &acme, "b@x.example", &too_long).await.refused(401, "invalid_credentials");
    login(app, &acme, "c@x.example", &too_long).await.refused(401, "invalid_credentials");
    let at_the_cap = "k".repeat(60_000);
    assert_eq!(faults(&register(app, &acme, "c@x.example", &at_the_cap).await), ["password"]);

    let with_nul = "kw8Zq2xv\u{0}tail";
    assert_eq!(faults(&register(app, &acme, "d@x.example", with_nul).await), ["password"]);
}

async fn a_password_is_the_same_from_every_keyboard(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let (composed, decomposed) =
        ("zw\u{f6}lf Sch\u{fc}ler 9\u{e9}", "zwo\u{308}lf Schu\u{308}ler 9e\u{301}");
    for (email, set) in [("a@x.example", composed), ("b@x.example", decomposed)] {
        register(app, &acme, email, set).await.expect(201);
        for typed in [composed, decomposed] {
            login(app, &acme, email, typed).await.expect(200);
        }
        login(app, &acme, email, "zwolf Schuler 9e").await.refused(401, "invalid_credentials");
    }
    // Space is part of a password.
    register(app, &acme, "c@x.example", "  two lone walruses ").await.expect(201);
    login(app, &acme, "c@x.example", "two lone walruses").await.refused(401, "invalid_credentials");
    login(app, &acme, "c@x.example", "  two lone walruses ").await.expect(200);
}

async fn of_many_at_once_one_gets_the_account(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let tries = (0..8).map(|_| register(app, &acme, "race@x.example", PASSWORD));
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1, "{answers:?}");
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(faults(answer), ["email"]);
    }
}
