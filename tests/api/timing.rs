//! Whether an address has an account cannot be told by the time that a refused sign-in takes.
//!
//! Samples are taken by turns and compared as ratios, so a slow machine changes nothing. Skipping the hash for
//! any of the accounts makes its ratio about 0.1; a hash of other parameters shows as well.

use std::time::{Duration, Instant};

use doorward::domain::email_address::EmailAddress;
use doorward::domain::ids::UserId;
use doorward::domain::user::{User, UserStatus};
use doorward::storage::StorageError;
use serde_json::json;

use crate::harness::{Browser, PASSWORD, TestApp, TestTenant, field, on_both_databases};

on_both_databases! {
    the_json_api_takes_the_same_time_whatever_was_wrong,
    the_login_page_takes_the_same_time_whatever_was_wrong,
}

const ROUNDS: usize = 40;
const ATTEMPTS: usize = 4;
/// Held while samples are taken: these tests shall not disturb each other.
static MEASURING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
/// Whom the sign-ins are for. The first is what the others are compared with.
const ACCOUNTS: [(&str, &str); 4] = [
    ("ada@acme.example", "not-her-password"),
    ("nobody@acme.example", "not-her-password"),
    ("off@acme.example", PASSWORD),
    ("bare@acme.example", "not-her-password"),
];

async fn tenant(app: &TestApp) -> TestTenant {
    let acme = app.tenant("acme").await;
    app.user(&acme.tenant, "off@acme.example", &[]).await;
    app.disable(&acme.tenant, "off@acme.example").await;
    let now = app.context.now();
    // Someone who signs in by an upstream provider.
    let bare = User {
        id: UserId::generate(now, &*app.context.entropy),
        email: EmailAddress::parse("bare@acme.example").unwrap(),
        email_verified: true,
        name: None,
        picture: None,
        status: UserStatus::Active,
        created_at: now,
        deletes_at: None,
    };
    let inserted = app
        .context
        .db
        .write::<_, StorageError>(acme.tenant.id, move |tx| tx.users().insert(&bare, None));
    inserted.await.unwrap();
    acme
}

/// Takes samples of all accounts until their medians agree. Other work on the machine can part them once; a
/// difference that an attacker could see parts them each time.
async fn compare(mut sign_in: impl AsyncFnMut(&'static str, &'static str)) {
    let _alone = MEASURING.lock().await;
    let mut seen = Vec::new();
    for _ in 0..ATTEMPTS {
        let medians = medians(&mut sign_in).await;
        let ratios = medians.map(|median| median.as_secs_f64() / medians[0].as_secs_f64());
        if ratios.iter().all(|ratio| (0.8..1.25).contains(ratio)) {
            return;
        }
        seen.push(ratios);
    }
    panic!("the accounts differ, whenever one looks: {seen:.2?} for {ACCOUNTS:?}");
}

/// By turns, in another order each round.
async fn medians(
    sign_in: &mut impl AsyncFnMut(&'static str, &'static str),
) -> [Duration; ACCOUNTS.len()] {
    let mut samples = [const { Vec::new() }; ACCOUNTS.len()];
    for round in 0..ROUNDS {
        for turn in 0..ACCOUNTS.len() {
            let account = match round % 2 {
                0 => (round / 2 + turn) % ACCOUNTS.len(),
                _ => (round / 2 + ACCOUNTS.len() - turn) % ACCOUNTS.len(),
            };
            let (email, password) = ACCOUNTS[account];
            let started = Instant::now();
            sign_in(email, password).await;
            samples[account].push(started.elapsed());
        }
    }
    samples.map(|mut samples| {
        samples.sort();
        samples[samples.len() / 2]
    })
}

async fn the_json_api_takes_the_same_time_whatever_was_wrong(app: &TestApp) {
    let acme = tenant(app).await;
    compare(async |email, password| {
        let body = json!({ "email": email, "password": password });
        app.direct(&acme, "login", &body).await.refused(401, "invalid_credentials");
    })
    .await;
}

async fn the_login_page_takes_the_same_time_whatever_was_wrong(app: &TestApp) {
    let acme = tenant(app).await;
    let mut browser = Browser::new(app);
    let url = acme.url("/login");
    let csrf = field(&browser.get(&url).await, "csrf");
    compare(async |email, password| {
        let fields = [("csrf", &*csrf), ("email", email), ("password", password)];
        let page = browser.submit(&url, &fields).await;
        assert!(page.body.contains("That e-mail and password do not match."), "{page:?}");
    })
    .await;
}
