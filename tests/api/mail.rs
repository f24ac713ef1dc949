//! The outbox: what is ordered is sent once, when it can be.

use std::time::Duration;

use doorward::domain::email_address::EmailAddress;
use doorward::domain::mail_order::Letter;
use doorward::flows::mail::delivery;
use doorward::storage::StorageError;
use serde_json::json;

use crate::harness::{TestApp, TestTenant, on_both_databases};

on_both_databases! {
    what_many_replicas_send_is_sent_once,
    a_letter_speaks_in_the_tenants_name_and_colour,
    an_undone_sign_up_sends_nothing,
    what_waited_too_long_is_not_sent,
}

async fn order(app: &TestApp, acme: &TestTenant, letter: Letter, email: &str) {
    let email = EmailAddress::parse(email).unwrap();
    let order = app.context.letter(acme.tenant.id, letter, &email, None);
    let insert = app
        .context
        .db
        .write::<_, StorageError>(acme.tenant.id, move |tx| tx.mail_orders().insert(&order));
    insert.await.unwrap();
}

async fn what_many_replicas_send_is_sent_once(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for _ in 0..20 {
        order(app, &acme, Letter::PasswordChanged, &acme.email).await;
        app.clock.advance(Duration::from_millis(1));
    }
    let rounds = (0..6).map(|_| delivery::send_due(&app.context));
    let sent: usize =
        futures_util::future::join_all(rounds).await.into_iter().map(Result::unwrap).sum();
    assert_eq!(sent, 20);
    assert_eq!(app.mail_to(&acme.email).await.len(), 20);
    app.clock.advance(Duration::from_secs(3_600));
    assert_eq!(delivery::send_due(&app.context).await.unwrap(), 0);
}

async fn a_letter_speaks_in_the_tenants_name_and_colour(app: &TestApp) {
    use doorward::domain::tenant::{Accent, DisplayName};
    use doorward::flows::administration::tenants::TenantChange;
    let acme = app.tenant("acme").await;
    let change = TenantChange {
        name: Some(DisplayName::parse("<b>Ünïcode & Co</b>").unwrap()),
        accent: Some(Some(Accent::parse("#ffee00").unwrap())),
        ..TenantChange::default()
    };
    app.change(&acme, change).await;
    order(app, &acme, Letter::ResetPassword, &acme.email).await;
    let mail = app.mail_to(&acme.email).await.remove(0);
    assert_eq!(mail.from, "<b>Ünïcode & Co</b>");
    assert!(!mail.html.contains("<b>Ünï"), "{}", mail.html);
    assert!(mail.text.contains("<b>Ünïcode & Co</b>"), "{}", mail.text);
    let colour = Accent::parse("#ffee00").unwrap().under_white_text().to_string();
    assert!(mail.html.contains(&colour) && !mail.html.contains("#ffee00"), "{}", mail.html);
    let page = app.get(&acme.url("/login")).send().await;
    let stylesheet = page.body.split("href=\"/assets/accent-").nth(1).expect("a style sheet");
    let name = stylesheet.split('"').next().unwrap();
    let base = app.context.public_url.as_str();
    let css = app.get(&format!("{base}/assets/accent-{name}")).send().await;
    assert_eq!((css.status, css.body.contains(&colour)), (200, true), "{css:?}");
    for bad in ["accent-.css", "accent-ffee0.css", "accent-red}x{.css", "accent-ffee00"] {
        assert_eq!(app.get(&format!("{base}/assets/{bad}")).send().await.status, 404, "{bad}");
    }
}

async fn an_undone_sign_up_sends_nothing(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let body = json!({ "email": acme.email, "password": "otters juggle quietly at noon" });
    app.direct(&acme, "register", &body).await.refused(400, "invalid_request");
    assert!(app.mail_to(&acme.email).await.is_empty());
}

async fn what_waited_too_long_is_not_sent(app: &TestApp) {
    let acme = app.tenant("acme").await;
    order(app, &acme, Letter::ResetPassword, &acme.email).await;
    order(app, &acme, Letter::PasswordChanged, &acme.email).await;
    app.clock.advance(Duration::from_secs(3_600));
    let sent = app.mail_to(&acme.email).await;
    assert_eq!(sent.len(), 1, "what has happened is still told: {sent:?}");
    assert!(sent[0].subject.contains("was changed"), "{sent:?}");
    order(app, &acme, Letter::ResetPassword, &acme.email).await;
    assert_eq!(app.mail_to(&acme.email).await.len(), 2);
}
