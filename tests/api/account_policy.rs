//! What a tenant decides of its accounts, on every way in: pages, JSON API, providers, codes and recovery.

use doorward::domain::email_address::EmailAddress;
use doorward::domain::provider::UnverifiedEmail;
use doorward::domain::tenant::{EmailCode, EmailVerification, SignUp};
use doorward::flows::administration::tenants::TenantChange;
use doorward::storage::StorageError;
use serde_json::json;

use crate::federation::{account, says};
use crate::harness::federation::{Email, Pair, federate, log_in, user};
use crate::harness::{Browser, PASSWORD, TestApp, TestTenant, field, on_both_databases};

on_both_databases! {
    closed_sign_up_is_closed_on_every_way,
    an_address_that_must_be_verified_must_be_on_every_way,
}

const NEW: &str = "otters juggle quietly at noon";
const STRANGER: &str = "stranger@new.example";

async fn has_account(app: &TestApp, tenant: &TestTenant, email: &str) -> bool {
    let email = EmailAddress::parse(email).unwrap();
    let found = app
        .context
        .db
        .read::<_, StorageError>(tenant.tenant.id, move |tx| tx.users().find_by_email(&email));
    found.await.unwrap().is_some()
}

async fn closed_sign_up_is_closed_on_every_way(app: &TestApp) {
    let pair = Pair::new(app).await;
    let acme = &pair.acme;
    user(app, &pair.upstream, STRANGER, Email::Verified).await;
    let mut browser = Browser::new(app);
    let form = browser.get(&acme.url("/signup")).await;
    let change = TenantChange {
        sign_up: Some(SignUp::Closed),
        email_code: Some(EmailCode::On),
        ..TenantChange::default()
    };
    app.change(acme, change).await;

    // From a page that was opened before.
    let csrf = field(&form, "csrf");
    let fields = [("csrf", &*csrf), ("name", ""), ("email", STRANGER), ("password", NEW)];
    let answer = browser.submit(&acme.url("/signup"), &fields).await;
    assert!(answer.body.contains("Accounts are made by an admin"), "{answer:?}");
    let body = json!({ "email": STRANGER, "password": NEW });
    app.direct(acme, "register", &body).await.refused(403, "sign_up_closed");
    says(&federate(&mut Browser::new(app), &pair, STRANGER).await, "no account here yet");
    for (path, status) in [("/login/code", 303), ("/forgot-password", 200)] {
        let page = browser.get(&acme.url(path)).await;
        let csrf = field(&page, "csrf");
        let fields = [("csrf", &*csrf), ("email", STRANGER)];
        let answer = browser.submit(&acme.url(path), &fields).await;
        assert_eq!(answer.status, status, "as for any address: {answer:?}");
    }
    app.direct(acme, "forgot-password", &json!({ "email": STRANGER })).await;
    assert!(app.mail_to(STRANGER).await.is_empty());
    assert!(!has_account(app, acme, STRANGER).await);
    app.direct(acme, "login", &acme.credentials()).await.expect(200);
}

async fn an_address_that_must_be_verified_must_be_on_every_way(app: &TestApp) {
    let pair = Pair::varied(app, |new| new.unverified_email = UnverifiedEmail::Accepted).await;
    let acme = &pair.acme;
    let (by_password, by_provider) = ("password@new.example", "provider@new.example");
    user(app, acme, by_password, Email::Unverified).await;
    user(app, &pair.upstream, by_provider, Email::Unverified).await;
    federate(&mut Browser::new(app), &pair, by_provider).await;
    assert!(has_account(app, acme, by_provider).await);
    let email_verification = Some(EmailVerification::Required);
    app.change(acme, TenantChange { email_verification, ..TenantChange::default() }).await;

    let mut browser = Browser::new(app);
    let page = browser.get(&acme.url("/login")).await;
    let answer = log_in(&mut browser, acme, &page, by_password).await;
    assert!(answer.body.contains("Look at your mail"), "{answer:?}");
    assert_eq!(account(&mut browser, &pair).await, None);
    let body = json!({ "email": by_password, "password": PASSWORD });
    app.direct(acme, "login", &body).await.refused(403, "email_not_verified");
    let mut browser = Browser::new(app);
    says(&federate(&mut browser, &pair, by_provider).await, by_provider);
    assert_eq!(account(&mut browser, &pair).await, None);
    let body = json!({ "email": STRANGER, "password": NEW });
    let registered = app.direct(acme, "register", &body).await;
    assert!(!registered.body.contains("access_token"), "{registered:?}");

    // Recovery proves the address: whoever read the letter is in, with the password that they chose.
    app.direct(acme, "forgot-password", &json!({ "email": by_password })).await;
    let token = app.mailed_token(by_password).await;
    let body = json!({ "token": token, "password": NEW });
    assert_eq!(app.direct(acme, "reset-password", &body).await.status, 204);
    let body = json!({ "email": by_password, "password": NEW });
    app.direct(acme, "login", &body).await.expect(200);
}
