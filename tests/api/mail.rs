//! The outbox: what is ordered is sent once, when it can be.

use std::time::Duration;

use doorward::domain::email_address::EmailAddress;
use doorward::domain::mail_order::Letter;
use doorward::flows::mail::delivery;
use doorward::storage::StorageError;
use serde_json::json;

use crate::harness::{Answer, Browser, TestApp, TestTenant, field, on_both_databases};

on_both_databases! {
    what_many_replicas_send_is_sent_once,
    a_letter_speaks_in_the_tenants_name_and_colour,
    an_undone_sign_up_sends_nothing,
    what_waited_too_long_is_not_sent,
    what_is_told_is_told_to_proved_addresses_alone,
    a_deletion_that_is_planned_is_planned_and_told_once,
    notices_are_counted_too,
    all_tenants_together_write_to_one_mailbox_only_so_often,
    strangers_in_other_tenants_keep_no_recovery_from_coming,
    recoveries_from_other_tenants_keep_none_from_coming,
    all_kinds_together_flood_no_mailbox,
    tags_make_no_other_mailbox,
    tags_make_no_other_mailbox_of_proved_accounts_either,
    asking_for_one_account_of_a_mailbox_keeps_no_recovery_of_another_from_coming,
    past_its_tenants_limit_a_notice_waits_too,
    asking_for_one_letter_keeps_no_other_from_coming,
    past_its_tenants_limit_a_letter_waits_its_turn,
    a_letter_goes_to_the_address_that_the_account_has,
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

/// Sends a form of the account.
async fn post(
    browser: &mut Browser<'_>,
    acme: &TestTenant,
    path: &str,
    fields: &[(&str, &str)],
) -> Answer {
    let csrf = field(&browser.get(&acme.url("/account")).await, "csrf");
    let fields = [&[("csrf", csrf.as_str())], fields].concat();
    browser.submit(&acme.url(path), &fields).await
}

async fn forgot(app: &TestApp, acme: &TestTenant, email: &str) {
    app.clock.advance(Duration::from_millis(5));
    let asked = app.direct(acme, "forgot-password", &json!({ "email": email })).await;
    assert_eq!(asked.status, 202, "{asked:?}");
}

/// An attacker has an account with the address of somebody else.
async fn what_is_told_is_told_to_proved_addresses_alone(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    let page = browser.get(&acme.url("/signup")).await;
    let (csrf, email) = (field(&page, "csrf"), "victim@x.example");
    let fields =
        [("csrf", &*csrf), ("email", email), ("password", "otters juggle quietly at noon")];
    assert_eq!(browser.submit(&acme.url("/signup"), &fields).await.status, 303);
    assert_eq!(app.mail_to(email).await.len(), 1, "the one that verifies it");
    for _ in 0..3 {
        post(&mut browser, &acme, "/account/delete", &[("choice", "delete")]).await;
        post(&mut browser, &acme, "/account/delete", &[("choice", "keep")]).await;
        let password = [("password", "a badger hums in the attic")];
        let changed = post(&mut browser, &acme, "/account/password", &password).await;
        assert_eq!(changed.status, 303, "{changed:?}");
    }
    assert_eq!(app.mail_to(email).await.len(), 1);
}

async fn a_deletion_that_is_planned_is_planned_and_told_once(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let delete = [("choice", "delete")];
    let at = app.context.now() + Duration::from_secs(14 * 24 * 3_600);
    for _ in 0..3 {
        post(&mut browser, &acme, "/account/delete", &delete).await;
        app.clock.advance(Duration::from_secs(60));
    }
    let told = app.mail_to(&acme.email).await;
    assert_eq!(told.len(), 1, "{told:?}");
    let day = at.to_string()[..10].to_owned();
    assert!(told[0].text.contains(&format!("That happens on {day}")), "{told:?}");
    let planned =
        app.audit(&acme.tenant).await.into_iter().filter(|e| e == "user.deletion_planned");
    assert_eq!(planned.count(), 1);
}

async fn notices_are_counted_too(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for _ in 0..30 {
        order(app, &acme, Letter::IdentityLinked, &acme.email).await;
        app.clock.advance(Duration::from_millis(1));
    }
    assert_eq!(app.mail_to(&acme.email).await.len(), 20);
    // What else happens to the account is told all the same.
    order(app, &acme, Letter::PasswordChanged, &acme.email).await;
    assert_eq!(app.mail_to(&acme.email).await.len(), 21);
}

/// Anybody can sign up with the address of somebody else, wherever that is open.
async fn register(app: &TestApp, tenant: &TestTenant, email: &str) {
    app.clock.advance(Duration::from_millis(5));
    let body = json!({ "email": email, "password": "otters juggle quietly at noon" });
    let answer = app.direct(tenant, "register", &body).await;
    assert!([201, 202, 400].contains(&answer.status), "{answer:?}");
}

async fn resets(app: &TestApp, tenant: &TestTenant, email: &str) -> usize {
    let link = tenant.url("/reset-password?token=");
    app.mail_to(email).await.iter().filter(|mail| mail.text.contains(&link)).count()
}

async fn all_tenants_together_write_to_one_mailbox_only_so_often(app: &TestApp) {
    let email = "ada@x.example";
    let mut tenants = Vec::new();
    for slug in ["acme", "bolt", "cleo", "dune"] {
        let tenant = app.tenant(slug).await;
        register(app, &tenant, email).await;
        for _ in 0..10 {
            forgot(app, &tenant, email).await;
        }
        tenants.push(tenant);
    }
    let count = async || app.mail_to(email).await.len();
    let at_once = count().await;
    assert!(at_once <= 10 + 4, "{at_once}");
    for _ in 0..60 {
        app.clock.advance(Duration::from_secs(60));
        count().await;
    }
    let in_an_hour = count().await;
    assert!((15..=20 + 4).contains(&in_an_hour), "{in_an_hour}");
    // Another address is nobody else's matter.
    forgot(app, &tenants[3], &tenants[3].email).await;
    assert_eq!(app.mail_to(&tenants[3].email).await.len(), 1);
}

/// Strangers make accounts with the address in other tenants, and ask for all that can be asked for there.
async fn strangers_in_other_tenants_keep_no_recovery_from_coming(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for slug in ["bolt", "cleo", "dune"] {
        let tenant = app.tenant(slug).await;
        register(app, &tenant, &acme.email).await;
        for _ in 0..10 {
            forgot(app, &tenant, &acme.email).await;
            register(app, &tenant, &acme.email).await;
        }
    }
    app.mail_to(&acme.email).await;
    forgot(app, &acme, &acme.email).await;
    assert_eq!(resets(app, &acme, &acme.email).await, 1);
    // Nor those who make accounts for the same mailbox in this one.
    for tag in 0..10 {
        let tagged = acme.email.replace('@', &format!("+{tag}@"));
        register(app, &acme, &tagged).await;
        forgot(app, &acme, &tagged).await;
    }
    forgot(app, &acme, &acme.email).await;
    assert_eq!(resets(app, &acme, &acme.email).await, 2);
}

/// Nor where the owner has accounts elsewhere.
async fn recoveries_from_other_tenants_keep_none_from_coming(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for slug in ["bolt", "cleo", "dune"] {
        let tenant = app.tenant(slug).await;
        app.user(&tenant.tenant, &acme.email, &[]).await;
        for _ in 0..10 {
            forgot(app, &tenant, &acme.email).await;
        }
    }
    assert!(app.mail_to(&acme.email).await.len() <= 10 + 2 * 3);
    for asked in 1..=2 {
        forgot(app, &acme, &acme.email).await;
        assert_eq!(resets(app, &acme, &acme.email).await, asked);
    }
    forgot(app, &acme, &acme.email).await;
    assert_eq!(resets(app, &acme, &acme.email).await, 2);
    app.clock.advance(Duration::from_secs(30 * 60));
    assert_eq!(resets(app, &acme, &acme.email).await, 3, "later, and not never");
}

async fn all_kinds_together_flood_no_mailbox(app: &TestApp) {
    use doorward::domain::tenant::{EmailCode, EmailVerification};
    use doorward::flows::administration::tenants::TenantChange;
    let acme = app.tenant("acme").await;
    let change = TenantChange {
        email_code: Some(EmailCode::On),
        email_verification: Some(EmailVerification::Required),
        ..TenantChange::default()
    };
    app.change(&acme, change).await;
    let mut browser = Browser::new(app);
    let csrf = field(&browser.get(&acme.url("/forgot-password")).await, "csrf");
    let mut bomb = async |email: &str| {
        for _ in 0..10 {
            register(app, &acme, email).await;
            forgot(app, &acme, email).await;
            let fields = [("csrf", &*csrf), ("again", "yes"), ("email", email)];
            browser.submit(&acme.url("/verify-email"), &fields).await;
            browser.submit(&acme.url("/login/code"), &fields).await;
        }
        app.mail_to(email).await.len()
    };
    for email in ["new@x.example", &acme.email] {
        assert_eq!(bomb(email).await, 8 + 5, "{email}");
    }
    // What happens to the account is told all the same.
    order(app, &acme, Letter::PasswordChanged, &acme.email).await;
    assert_eq!(app.mail_to(&acme.email).await.len(), 14);
    let mut last = 0;
    for _ in 0..59 {
        app.clock.advance(Duration::from_secs(60));
        last = app.mail_to("new@x.example").await.len();
    }
    assert!(last <= 20, "{last}");
}

async fn tags_make_no_other_mailbox(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut letters = 0;
    for tag in 0..20 {
        let email = format!("ada+{tag}@x.example");
        register(app, &acme, &email).await;
        letters += app.mail_to(&email).await.len();
    }
    assert_eq!(letters, 8);
    register(app, &acme, "grace+1@x.example").await;
    assert_eq!(app.mail_to("grace+1@x.example").await.len(), 1);
}

async fn tags_make_no_other_mailbox_of_proved_accounts_either(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let emails: Vec<_> = (0..8).map(|tag| format!("tagz+{tag}@x.example")).collect();
    for email in &emails {
        app.user(&acme.tenant, email, &[]).await;
        let mut browser = Browser::new(app);
        browser.sign_in_as(&acme, email).await;
        for turn in 0..4 {
            let password = format!("a badger hums in the attic {turn}");
            let fields = [("password", &*password)];
            let changed = post(&mut browser, &acme, "/account/password", &fields).await;
            assert_eq!(changed.status, 303, "{changed:?}");
            app.clock.advance(Duration::from_millis(5));
        }
        for _ in 0..10 {
            forgot(app, &acme, email).await;
        }
    }
    let count = async || {
        let (mut notices, mut links) = (0, 0);
        for email in &emails {
            let all = app.mail_to(email).await.len();
            let of_them = resets(app, &acme, email).await;
            (notices, links) = (notices + all - of_them, links + of_them);
        }
        (notices, links)
    };
    let (notices, links) = count().await;
    assert_eq!(notices, 20);
    assert!((5..=12).contains(&links), "{links}");
    for _ in 0..59 {
        app.clock.advance(Duration::from_secs(60));
        count().await;
    }
    let (notices, links) = count().await;
    assert_eq!(notices, 20);
    assert!((8..=24).contains(&links), "{links}");
}

/// A link to another account helps its owner nothing.
async fn asking_for_one_account_of_a_mailbox_keeps_no_recovery_of_another_from_coming(
    app: &TestApp,
) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let (asked, own) = ("ada+shop@x.example", "ada+work@x.example");
    for tenant in [&acme, &bolt] {
        app.user(&tenant.tenant, asked, &[]).await;
        for _ in 0..30 {
            forgot(app, tenant, asked).await;
        }
    }
    app.user(&acme.tenant, own, &[]).await;
    app.mail_to(asked).await;
    for letters in 1..=2 {
        forgot(app, &acme, own).await;
        assert_eq!(resets(app, &acme, own).await, letters);
    }
    for _ in 0..10 {
        forgot(app, &acme, asked).await;
        app.clock.advance(Duration::from_secs(6 * 60));
        app.mail_to(asked).await;
    }
    let before = resets(app, &acme, own).await;
    forgot(app, &acme, own).await;
    assert_eq!(resets(app, &acme, own).await, before + 1);
}

async fn past_its_tenants_limit_a_notice_waits_too(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let whole_at = (app.context.now() + Duration::from_secs(2_000)).as_millis();
    app.execute(&format!(
        "INSERT INTO allowances (tenant_id, id, whole_at) \
         VALUES ('{}', 'mail:notices', {whole_at})",
        acme.tenant.id
    ));
    order(app, &acme, Letter::PasswordChanged, &acme.email).await;
    assert!(app.mail_to(&acme.email).await.is_empty());
    forgot(app, &acme, &acme.email).await;
    assert_eq!(app.mail_to(&acme.email).await.len(), 1, "a letter on request does not");
    app.clock.advance(Duration::from_secs(2));
    assert_eq!(app.mail_to(&acme.email).await.len(), 2);
}

async fn asking_for_one_letter_keeps_no_other_from_coming(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let body = json!({ "email": "new@x.example", "password": "otters juggle quietly at noon" });
    app.direct(&acme, "register", &body).await.expect(201);
    let mut browser = Browser::new(app);
    let csrf = field(&browser.get(&acme.url("/forgot-password")).await, "csrf");
    // Of the first there is nothing to verify, of the second there is.
    for (email, letters) in [(&*acme.email, 0), ("new@x.example", 8)] {
        for _ in 0..14 {
            let fields = [("csrf", &*csrf), ("again", "yes"), ("email", email)];
            assert_eq!(browser.submit(&acme.url("/verify-email"), &fields).await.status, 200);
        }
        assert_eq!(app.mail_to(email).await.len(), letters, "{email}");
        forgot(app, &acme, email).await;
        let newest = app.mail_to(email).await.remove(0);
        assert!(newest.text.contains("/reset-password?token="), "{newest:?}");
    }
}

async fn past_its_tenants_limit_a_letter_waits_its_turn(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let whole_at = (app.context.now() + Duration::from_secs(2_000)).as_millis();
    app.execute(&format!(
        "INSERT INTO allowances (tenant_id, id, whole_at) VALUES ('{}', 'mail', {whole_at})",
        acme.tenant.id
    ));
    app.user(&acme.tenant, "other@acme.example", &[]).await;
    for email in [&acme.email, "other@acme.example"] {
        forgot(app, &acme, email).await;
        assert!(app.mail_to(email).await.is_empty());
    }
    forgot(app, &bolt, &bolt.email).await;
    assert_eq!(app.mail_to(&bolt.email).await.len(), 1, "another tenant's letters go out");
    let sent = async || {
        app.clock.advance(Duration::from_secs(2));
        app.mail_to(&acme.email).await.len() + app.mail_to("other@acme.example").await.len()
    };
    assert_eq!((sent().await, sent().await), (1, 2), "one each two seconds");
    assert!(!app.audit(&acme.tenant).await.contains(&"mail.withheld".to_owned()));
}

/// What is one address to us may be two mailboxes to a mail server, and the other is a thief's.
async fn a_letter_goes_to_the_address_that_the_account_has(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let typed = "ADA@Acme.Example";
    forgot(app, &acme, typed).await;
    let token = app.mailed_token(&acme.email).await;
    assert!(app.mail_to(typed).await.is_empty());
    let body = json!({ "token": token, "password": "otters juggle quietly at noon" });
    assert_eq!(app.direct(&acme, "reset-password", &body).await.status, 204);
    // Also where somebody wants to move their account there.
    app.user(&acme.tenant, "eve@acme.example", &[]).await;
    let mut eve = Browser::new(app);
    eve.sign_in_as(&acme, "eve@acme.example").await;
    post(&mut eve, &acme, "/account/email", &[("email", typed)]).await;
    let told = app.mail_to(&acme.email).await.remove(0);
    assert!(told.subject.contains("You have an account"), "{told:?}");
    assert!(app.mail_to(typed).await.is_empty());
}
