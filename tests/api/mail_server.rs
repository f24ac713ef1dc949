//! What a mail server says of a letter, and what pages say when it says nothing good.

use std::sync::Arc;
use std::time::Duration;

use diesel::{Connection, PgConnection, RunQueryDsl};
use doorward::domain::member::MemberRole;
use doorward::domain::tenant::EmailCode;
use doorward::flows::administration::tenants::TenantChange;
use doorward::flows::mail::delivery;
use serde_json::json;

use crate::console::post;
use crate::console_pages::{page, seat};
use crate::harness::{
    Browser, Database, MailServer, Replies, Setup, TestApp, TestTenant, absolute, field, run_with,
};

fn with_server(database: Database, test: impl AsyncFnOnce(&TestApp, &MailServer)) {
    let server = MailServer::start();
    let setup = Setup { smtp_url: Some(server.url()), ..Setup::default() };
    run_with("http://localhost", database, setup, async |app| test(app, &server).await);
}

macro_rules! on_both_databases {
    ($($test:ident,)*) => { $(
        mod $test {
            use crate::harness::Database;

            #[test]
            fn on_sqlite() {
                super::with_server(Database::sqlite(), super::$test);
            }

            #[test]
            fn on_postgres() {
                super::with_server(Database::postgres(), super::$test);
            }
        }
    )* };
}

on_both_databases! {
    a_letter_is_given_up_only_for_what_is_said_of_it,
    while_mail_is_down_the_pages_say_so_for_every_address,
    while_mail_is_down_the_console_says_so_and_claims_nothing_of_a_test,
    what_is_said_of_one_letter_is_no_news_of_others,
    that_mail_is_down_is_found_out_whoever_asks,
}

async fn forgot(app: &TestApp, acme: &TestTenant, email: &str) {
    let asked = app.direct(acme, "forgot-password", &json!({ "email": email })).await;
    assert_eq!(asked.status, 202, "{asked:?}");
}

/// How many letters wait, and how many are dead.
async fn mail(app: &TestApp) -> (usize, usize) {
    delivery::send_due(&app.context).await.unwrap();
    app.context.db.system_read(|tx| tx.count_mail(1_000)).await.unwrap()
}

async fn a_letter_is_given_up_only_for_what_is_said_of_it(app: &TestApp, server: &MailServer) {
    let acme = app.tenant("acme").await;
    let usual = Replies::default;
    for replies in [
        Replies { greeting: "554 not today", ..usual() },
        Replies { auth: "535 wrong password", ..usual() },
        Replies { mail_from: "451 not now", ..usual() },
        Replies { rcpt_to: "450 come again", ..usual() },
        Replies { taken: "451 come again", ..usual() },
    ] {
        server.answer(replies);
        forgot(app, &acme, &acme.email).await;
        assert_eq!(mail(app).await, (1, 0));
        server.answer(usual());
        app.clock.advance(Duration::from_secs(10));
        let before = server.letters().len();
        assert_eq!(mail(app).await, (0, 0));
        assert_eq!(server.letters().len(), before + 1, "it goes out once the server is well");
    }
    // As many at once as come from one tenant.
    app.clock.advance(Duration::from_secs(60 * 60));
    server.answer(Replies { rcpt_to: "550 no such mailbox", ..usual() });
    forgot(app, &acme, &acme.email).await;
    assert_eq!(mail(app).await, (0, 1));
}

const SAYS: &str = "Mail is delayed at the moment";

/// What a stranger is told who asks for the recovery of an address.
async fn is_said_to_be_delayed(app: &TestApp, acme: &TestTenant, email: &str) -> bool {
    let mut browser = Browser::new(app);
    let csrf = field(&browser.get(&acme.url("/forgot-password")).await, "csrf");
    let fields = [("csrf", &*csrf), ("email", email)];
    let page = browser.submit(&acme.url("/forgot-password"), &fields).await;
    assert_eq!(page.status, 200, "{page:?}");
    page.body.contains(SAYS)
}

/// Otherwise one mailbox that does not exist would say it to everybody, and that there is an account.
async fn what_is_said_of_one_letter_is_no_news_of_others(app: &TestApp, server: &MailServer) {
    let acme = app.tenant("acme").await;
    app.user(&acme.tenant, "ünï@acme.example", &[]).await;
    let usual = Replies::default;
    for rcpt_to in ["450 greylisted", "451 later", "452 full", "550 nobody", "554 no"] {
        server.answer(Replies { rcpt_to, ..usual() });
        forgot(app, &acme, &acme.email).await;
        delivery::send_due(&app.context).await.unwrap();
        assert!(!is_said_to_be_delayed(app, &acme, "nobody@x.example").await, "{rcpt_to}");
        app.clock.advance(Duration::from_secs(30 * 60));
    }
    for taken in ["451 later", "552 too large", "554 spam"] {
        server.answer(Replies { taken, ..usual() });
        forgot(app, &acme, &acme.email).await;
        delivery::send_due(&app.context).await.unwrap();
        assert!(!is_said_to_be_delayed(app, &acme, "nobody@x.example").await, "{taken}");
        app.clock.advance(Duration::from_secs(30 * 60));
    }
    // This server takes no letters to such addresses.
    server.answer(usual());
    forgot(app, &acme, "ünï@acme.example").await;
    delivery::send_due(&app.context).await.unwrap();
    assert!(!is_said_to_be_delayed(app, &acme, "nobody@x.example").await);
}

/// Neither that the server is away nor that it is back needs a letter to somebody.
async fn that_mail_is_down_is_found_out_whoever_asks(app: &TestApp, server: &MailServer) {
    let acme = app.tenant("acme").await;
    let usual = Replies::default;
    for away in [
        Replies { greeting: "421 down", ..usual() },
        Replies { auth: "535 wrong password", ..usual() },
    ] {
        server.answer(away);
        forgot(app, &acme, "nobody@x.example").await;
        delivery::send_due(&app.context).await.unwrap();
        assert!(is_said_to_be_delayed(app, &acme, &acme.email).await);
        server.answer(usual());
        app.clock.advance(Duration::from_secs(60 * 60));
        delivery::send_due(&app.context).await.unwrap();
        assert!(!is_said_to_be_delayed(app, &acme, &acme.email).await);
        app.clock.advance(Duration::from_secs(60 * 60));
    }
    // Nor does a letter to somebody tell of it sooner than one to nobody.
    for email in [&*acme.email, "nobody@x.example"] {
        forgot(app, &acme, "nobody@x.example").await;
        delivery::send_due(&app.context).await.unwrap();
        server.answer(Replies { greeting: "421 down", ..usual() });
        forgot(app, &acme, email).await;
        delivery::send_due(&app.context).await.unwrap();
        assert!(!is_said_to_be_delayed(app, &acme, email).await, "{email}");
        app.clock.advance(Duration::from_secs(30));
        forgot(app, &acme, email).await;
        delivery::send_due(&app.context).await.unwrap();
        assert!(is_said_to_be_delayed(app, &acme, email).await, "{email}");
        server.answer(usual());
        app.clock.advance(Duration::from_secs(60 * 60));
        delivery::send_due(&app.context).await.unwrap();
        app.clock.advance(Duration::from_secs(60 * 60));
    }
}

async fn while_mail_is_down_the_pages_say_so_for_every_address(app: &TestApp, server: &MailServer) {
    let acme = app.tenant("acme").await;
    let email_code = Some(EmailCode::On);
    app.change(&acme, TenantChange { email_code, ..TenantChange::default() }).await;
    let mut browser = Browser::new(app);
    let csrf = field(&browser.get(&acme.url("/forgot-password")).await, "csrf");
    let mut pages = async |email: &str| {
        let fields = [("csrf", &*csrf), ("again", "yes"), ("email", email)];
        let recovery = browser.submit(&acme.url("/forgot-password"), &fields).await;
        let verify = browser.submit(&acme.url("/verify-email"), &fields).await;
        let fields = [("csrf", &*csrf), ("email", email)];
        for again in [&recovery, &verify] {
            let is_claimed = again.body.contains("Sent once more");
            assert_ne!(is_claimed, again.body.contains(SAYS), "{again:?}");
        }
        let asked = browser.submit(&acme.url("/login/code"), &fields).await;
        let code = browser.get(&absolute(&acme, asked.location())).await;
        [recovery, verify, code].map(|page| page.body.contains(SAYS))
    };
    assert_eq!(pages(&acme.email).await, [false; 3]);
    server.answer(Replies { greeting: "421 down", ..Replies::default() });
    delivery::send_due(&app.context).await.unwrap();
    for email in [&*acme.email, "nobody@acme.example"] {
        assert_eq!(pages(email).await, [true; 3], "{email}");
    }
    server.answer(Replies::default());
    app.clock.advance(Duration::from_secs(60));
    delivery::send_due(&app.context).await.unwrap();
    assert_eq!(pages(&acme.email).await, [false; 3]);
}

async fn while_mail_is_down_the_console_says_so_and_claims_nothing_of_a_test(
    app: &TestApp,
    server: &MailServer,
) {
    let acme = app.tenant("acme").await;
    let mut admin = seat(app, &acme, MemberRole::Admin).await;
    let mut test = async || {
        let to = [("to", "me@acme.example")];
        let ordered = post(app, &mut admin, "/t/acme/mail/test", &to).await;
        assert_eq!(ordered.status, 303, "{ordered:?}");
        delivery::send_due(&app.context).await.unwrap();
        let told = page(app, &mut admin, "/t/acme/mail?done=test").await;
        ["is on its way", "Mail is delayed", "The letter waits"].map(|it| told.body.contains(it))
    };
    server.answer(Replies { greeting: "421 down", ..Replies::default() });
    assert_eq!(test().await, [false, true, true]);
    server.answer(Replies::default());
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(test().await, [true, false, false]);
}

#[test]
fn without_a_mail_server_the_pages_say_so() {
    let setup = Setup { smtp_url: Some(String::new()), ..Setup::default() };
    run_with("http://localhost", Database::sqlite(), setup, async |app| {
        let acme = app.tenant("acme").await;
        let mut browser = Browser::new(app);
        let csrf = field(&browser.get(&acme.url("/forgot-password")).await, "csrf");
        let fields = [("csrf", &*csrf), ("email", "nobody@acme.example")];
        let page = browser.submit(&acme.url("/forgot-password"), &fields).await;
        assert!(page.body.contains("Mail is delayed at the moment"), "{}", page.body);
    });
}

/// The database goes away while the mail server takes a letter, and comes back.
#[test]
fn a_letter_that_was_taken_while_the_database_was_away_is_sent_once() {
    let database = Database::postgres();
    let Database::Postgres { server: admin, name } = &database else { unreachable!() };
    let (admin, name) = (admin.clone(), name.clone());
    let execute = move |statement: &str| {
        let mut connection = PgConnection::establish(&admin).unwrap();
        diesel::sql_query(statement).execute(&mut connection).unwrap();
    };
    let execute = Arc::new(execute);
    with_server(database, async |app, server| {
        let acme = app.tenant("acme").await;
        app.user(&acme.tenant, "other@acme.example", &[]).await;
        forgot(app, &acme, &acme.email).await;
        forgot(app, &acme, "other@acme.example").await;
        let (execute, name) = (execute.clone(), name.clone());
        server.answer(Replies {
            before_taken: Some(Arc::new(move || {
                execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
                execute(&format!(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
                ));
                let (execute, name) = (execute.clone(), name.clone());
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_secs(3));
                    execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
                });
            })),
            ..Replies::default()
        });
        delivery::send_due(&app.context).await.unwrap();
        server.answer(Replies::default());
        // When another replica would take it up.
        for _ in 0..3 {
            app.clock.advance(Duration::from_secs(3 * 60));
            delivery::send_due(&app.context).await.unwrap();
        }
        let to = |email: &str| server.letters().iter().filter(|l| l.contains(email)).count();
        assert_eq!((to(&acme.email), to("other@acme.example")), (1, 1), "{:?}", server.letters());
    });
}
