//! More sign-ins at once than there is time to hash: some are told to come back, all else goes on.

use std::cell::Cell;
use std::time::Duration;

use doorward::crypto::hashing_threads::HashingSettings;
use futures_util::future::{join, join_all};
use serde_json::json;

use crate::harness::{
    Answer, Browser, Call, Database, PASSWORD, Setup, TestApp, TestTenant, field, run_with,
};

const LITTLE: HashingSettings = HashingSettings {
    threads: 1,
    queue_limit: 8,
    tenant_queue_limit: 4,
    time_limit: Duration::from_secs(60),
};

fn little() -> Setup {
    Setup { hashing: LITTLE, ..Setup::default() }
}

macro_rules! on_both_databases {
    ($($test:ident,)*) => { $(
        mod $test {
            use super::{Database, little, run_with};

            #[test]
            fn on_sqlite() {
                run_with("http://localhost", Database::sqlite(), little(), super::$test);
            }

            #[test]
            fn on_postgres() {
                run_with("http://localhost", Database::postgres(), little(), super::$test);
            }
        }
    )* };
}

on_both_databases! {
    a_flood_of_sign_ins_is_told_to_come_back,
    a_flood_of_new_accounts_is_told_to_come_back,
    the_login_page_says_so_to_people,
    what_needs_no_hash_goes_on,
    another_tenant_is_served_all_the_while,
    whoever_is_told_to_come_back_has_not_used_up_a_try,
}

fn login<'a>(app: &'a TestApp, tenant: &TestTenant) -> Call<'a> {
    app.post(&tenant.url("/v1/auth/login")).json(&tenant.credentials())
}

/// What a program that is told to come back reads.
#[track_caller]
fn told_to_come_back(answer: &Answer) {
    answer.refused(503, "overloaded");
    let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{answer:?}");
}

async fn a_flood_of_sign_ins_is_told_to_come_back(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let answers = join_all((0..60).map(|_| login(app, &acme).send())).await;
    let served = answers.iter().filter(|answer| answer.status == 200).count();
    // Those in the queue, at least.
    assert!((4..60).contains(&served), "{served} of 60 were served");
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        told_to_come_back(answer);
    }
    // And then it is over.
    login(app, &acme).send().await.expect(200);
}

async fn a_flood_of_new_accounts_is_told_to_come_back(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let url = acme.url("/v1/auth/register");
    let body = |number| json!({ "email": format!("u{number}@acme.example"), "password": PASSWORD });
    let tries = (0..60).map(|number| app.post(&url).json(&body(number)).send());
    let answers = join_all(tries).await;
    let mut refused = 0;
    for (number, answer) in answers.iter().enumerate() {
        let made = answer.status == 201;
        if !made {
            told_to_come_back(answer);
            refused += 1;
            // Nothing is left of a refused one: the address is free.
            app.post(&url).json(&body(number)).send().await.expect(201);
        }
    }
    assert!(refused > 0, "the queue was never full");
}

async fn the_login_page_says_so_to_people(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    let url = acme.url("/login");
    let csrf = field(&browser.get(&url).await, "csrf");
    let posts = (0..40).map(|_| {
        app.post(&url)
            .header("cookie", browser.cookie_header())
            .header("origin", "null")
            .header("sec-fetch-site", "same-origin")
            // A right password would give the browser another cookie, and end the form for all the others.
            .form(&[("csrf", csrf.as_str()), ("email", &acme.email), ("password", "wrong")])
            .send()
    });
    let answers = join_all(posts).await;
    let (served, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.body.contains("do not match"));
    assert!(!served.is_empty() && !refused.is_empty(), "{} served", served.len());
    for answer in refused {
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() > 0, "{answer:?}");
        assert!(answer.header("content-type").unwrap().starts_with("text/html"), "{answer:?}");
        assert!(answer.body.contains("try again"), "{answer:?}");
    }
}

/// Goes through `calm` while a tenant's sign-ins keep the queue full.
async fn during_a_flood(app: &TestApp, flooded: &TestTenant, calm: impl Future<Output = ()>) {
    let is_over = Cell::new(false);
    let flood = async {
        let mut refused = 0;
        while !is_over.get() {
            let answers = join_all((0..20).map(|_| login(app, flooded).send())).await;
            for answer in answers.iter().filter(|answer| answer.status != 200) {
                told_to_come_back(answer);
                refused += 1;
            }
        }
        refused
    };
    let calm = async {
        calm.await;
        is_over.set(true);
    };
    let (refused, ()) = join(flood, calm).await;
    assert!(refused > 0, "there was no flood");
}

async fn what_needs_no_hash_goes_on(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let signed_in = app.login(&acme).await;
    during_a_flood(app, &acme, async {
        let mut token = signed_in["refresh_token"].as_str().unwrap().to_owned();
        for _ in 0..10 {
            let tokens = app.refresh(&acme, &acme.web, &token).await.expect(200);
            token = tokens["refresh_token"].as_str().unwrap().to_owned();
            let me = app.get(&acme.url("/v1/auth/me"));
            me.bearer(tokens["access_token"].as_str().unwrap()).send().await.expect(200);
            app.get(&acme.url("/.well-known/jwks.json")).send().await.expect(200);
            assert_eq!(app.get(&acme.url("/login")).send().await.status, 200);
        }
    })
    .await;
}

async fn another_tenant_is_served_all_the_while(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    during_a_flood(app, &acme, async {
        for _ in 0..10 {
            login(app, &bolt).send().await.expect(200);
        }
    })
    .await;
}

async fn whoever_is_told_to_come_back_has_not_used_up_a_try(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut refused = 0;
    for _ in 0..12 {
        let answers = join_all((0..30).map(|_| login(app, &acme).send())).await;
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            told_to_come_back(answer);
            refused += 1;
        }
    }
    assert!(refused > 60, "only {refused} were refused");
}
