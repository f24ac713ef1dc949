//! Whether an address has an account cannot be told by the time that a refused sign-in takes.
//!
//! Samples are taken by turns and compared as ratios, so a slow machine changes nothing. Skipping the hash for
//! any of the accounts makes its ratio about 0.1; a hash of other parameters shows as well.

use std::time::{Duration, Instant};

use doorward::domain::tenant::{EmailCode, EmailVerification};
use doorward::flows::administration::tenants::TenantChange;
use serde_json::json;

use crate::harness::addresses::{ADDRESSES, tenant};
use crate::harness::{Browser, PASSWORD, TestApp, field, on_both_databases};

on_both_databases! {
    the_json_api_takes_the_same_time_whatever_was_wrong,
    the_login_page_takes_the_same_time_whatever_was_wrong,
    a_recovery_takes_the_same_time_whoever_has_the_address,
    an_e_mailed_code_takes_the_same_time_whoever_has_the_address,
    a_sign_up_takes_the_same_time_whoever_has_the_address,
}

const ROUNDS: usize = 40;
const ATTEMPTS: usize = 8;
/// Held while samples are taken: these tests shall not disturb each other.
static MEASURING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
const WRONG: &str = "not-her-password";
/// Takes samples of all addresses until their medians agree. Other work on the machine can part them once; a
/// difference that an attacker could see parts them each time.
async fn compare(app: &TestApp, mut call: impl AsyncFnMut(&'static str)) {
    let _alone = MEASURING.lock().await;
    let mut seen = Vec::new();
    for _ in 0..ATTEMPTS {
        let medians = medians(app, &mut call).await;
        let ratios = medians.map(|median| median.as_secs_f64() / medians[0].as_secs_f64());
        if ratios.iter().all(|ratio| (0.9..1.11).contains(ratio)) {
            return;
        }
        seen.push(ratios);
    }
    panic!("the addresses differ, whenever one looks: {seen:.2?} for {ADDRESSES:?}");
}

/// By turns, in another order each round.
async fn medians(
    app: &TestApp,
    call: &mut impl AsyncFnMut(&'static str),
) -> [Duration; ADDRESSES.len()] {
    let mut samples = [const { Vec::new() }; ADDRESSES.len()];
    for round in 0..ROUNDS {
        for turn in 0..ADDRESSES.len() {
            let address = match round % 2 {
                0 => (round / 2 + turn) % ADDRESSES.len(),
                _ => (round / 2 + ADDRESSES.len() - turn) % ADDRESSES.len(),
            };
            // No limit on guessing is reached.
            app.clock.advance(Duration::from_secs(120));
            let started = Instant::now();
            call(ADDRESSES[address]).await;
            samples[address].push(started.elapsed());
        }
    }
    samples.map(|mut samples| {
        samples.sort();
        samples[samples.len() / 2]
    })
}

async fn the_json_api_takes_the_same_time_whatever_was_wrong(app: &TestApp) {
    let acme = tenant(app).await;
    compare(app, async |email| {
        let body = json!({ "email": email, "password": WRONG });
        app.direct(&acme, "login", &body).await.refused(401, "invalid_credentials");
    })
    .await;
    // A disabled account's right password is as good as a wrong one.
    let body = json!({ "email": "off@acme.example", "password": PASSWORD });
    app.direct(&acme, "login", &body).await.refused(401, "invalid_credentials");
}

async fn the_login_page_takes_the_same_time_whatever_was_wrong(app: &TestApp) {
    let acme = tenant(app).await;
    let mut browser = Browser::new(app);
    let url = acme.url("/login");
    let csrf = field(&browser.get(&url).await, "csrf");
    compare(app, async |email| {
        let fields = [("csrf", &*csrf), ("email", email), ("password", WRONG)];
        let page = browser.submit(&url, &fields).await;
        assert!(page.body.contains("That e-mail and password do not match."), "{page:?}");
    })
    .await;
}

async fn a_recovery_takes_the_same_time_whoever_has_the_address(app: &TestApp) {
    let acme = tenant(app).await;
    compare(app, async |email| {
        let answer = app.direct(&acme, "forgot-password", &json!({ "email": email })).await;
        assert_eq!(answer.status, 202, "{answer:?}");
    })
    .await;
}

async fn an_e_mailed_code_takes_the_same_time_whoever_has_the_address(app: &TestApp) {
    let acme = tenant(app).await;
    let email_code = Some(EmailCode::On);
    app.change(&acme, TenantChange { email_code, ..TenantChange::default() }).await;
    let mut browser = Browser::new(app);
    let url = acme.url("/login/code");
    let csrf = field(&browser.get(&url).await, "csrf");
    compare(app, async |email| {
        let answer = browser.submit(&url, &[("csrf", &*csrf), ("email", email)]).await;
        assert_eq!(answer.status, 303, "{answer:?}");
    })
    .await;
}

async fn a_sign_up_takes_the_same_time_whoever_has_the_address(app: &TestApp) {
    let acme = tenant(app).await;
    let email_verification = Some(EmailVerification::Required);
    app.change(&acme, TenantChange { email_verification, ..TenantChange::default() }).await;
    compare(app, async |email| {
        app.execute("DELETE FROM users WHERE email = 'nobody@acme.example'");
        let body = json!({ "email": email, "password": "otters juggle quietly at noon" });
        let answer = app.direct(&acme, "register", &body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
    })
    .await;
}
