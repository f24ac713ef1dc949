//! Invitations: whose link stands, and until when.

use std::time::Duration;

use doorward::domain::email_address::EmailAddress;
use doorward::domain::member::MemberRole;
use doorward::domain::password::NewPassword;
use doorward::flows::administration::{Administrator, users};
use serde_json::json;

use crate::console::{post, sign_in};
use crate::console_pages::seat;
use crate::harness::{Browser, TestApp, TestTenant, field, on_both_databases};

on_both_databases! {
    nobody_takes_an_invitation_away_by_asking_for_a_recovery,
    what_voids_a_recovery_voids_an_invitation,
}

/// Invites somebody, and gives the token of the letter.
async fn invite(app: &TestApp, browser: &mut Browser<'_>, email: &str) -> String {
    let invited = post(app, browser, "/t/acme/users", &[("email", email)]).await;
    assert_eq!(invited.status, 303, "{invited:?}");
    app.mailed_token(email).await
}

async fn recover(app: &TestApp, acme: &TestTenant, email: &str) -> String {
    app.clock.advance(Duration::from_millis(5));
    let asked = app.direct(acme, "forgot-password", &json!({ "email": email })).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    app.mailed_token(email).await
}

async fn choose(app: &TestApp, acme: &TestTenant, token: &str, password: &str) -> u16 {
    let body = json!({ "token": token, "password": password });
    app.direct(acme, "reset-password", &body).await.status
}

const CHOSEN: &str = "otters juggle quietly at noon";

async fn nobody_takes_an_invitation_away_by_asking_for_a_recovery(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let email = "new@acme.example";
    let invitation = invite(app, &mut browser, email).await;
    let recovery = recover(app, &acme, email).await;
    assert_ne!(invitation, recovery);
    app.clock.advance(Duration::from_secs(6 * 24 * 3_600));
    let newer = recover(app, &acme, email).await;
    let mut guest = Browser::new(app);
    let page = guest.get(&acme.url(&format!("/reset-password?token={invitation}"))).await;
    assert!(page.status == 200 && page.body.contains(email), "{page:?}");
    let fields = [("csrf", &*field(&page, "csrf")), ("token", &*invitation), ("password", CHOSEN)];
    let chosen = guest.submit(&acme.url("/reset-password"), &fields).await;
    assert_eq!(chosen.status, 303, "{chosen:?}");
    // Each is spent by then.
    for token in [&invitation, &recovery, &newer] {
        assert_eq!(choose(app, &acme, token, "another badger hums").await, 400);
    }
    // And the other way round.
    let email = "other@acme.example";
    let mut browser = sign_in(app, "admin@acme.example").await;
    let invitation = invite(app, &mut browser, email).await;
    let recovery = recover(app, &acme, email).await;
    assert_eq!(choose(app, &acme, &recovery, CHOSEN).await, 204);
    assert_eq!(choose(app, &acme, &invitation, "another badger hums").await, 400);
    // It lasts a week and no longer.
    let email = "late@acme.example";
    let invitation = invite(app, &mut browser, email).await;
    app.clock.advance(Duration::from_secs(7 * 24 * 3_600));
    assert_eq!(choose(app, &acme, &invitation, CHOSEN).await, 400);
}

async fn what_voids_a_recovery_voids_an_invitation(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    for (act, email) in [
        ("require-reset", "a@acme.example"),
        ("delete", "b@acme.example"),
        ("disable", "c@acme.example"),
    ] {
        let invitation = invite(app, &mut browser, email).await;
        let address = EmailAddress::parse(email).unwrap();
        let user = users::find(&app.context, &acme.tenant, &address).await.unwrap();
        let path = format!("/t/acme/users/{}", user.id);
        let fields = [("act", act)];
        assert_eq!(post(app, &mut browser, &path, &fields).await.status, 303, "{act}");
        assert_eq!(choose(app, &acme, &invitation, CHOSEN).await, 400, "{act}");
    }
    // So does a password that is set.
    let invitation = invite(app, &mut browser, "d@acme.example").await;
    let address = EmailAddress::parse("d@acme.example").unwrap();
    let user = users::find(&app.context, &acme.tenant, &address).await.unwrap();
    let admin = Administrator::command_line(&app.context);
    let password = NewPassword::parse(CHOSEN).unwrap();
    users::set_password(&admin, &acme.tenant, &user, password).await.unwrap();
    assert_eq!(choose(app, &acme, &invitation, "another badger hums").await, 400);
}
