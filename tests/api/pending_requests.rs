//! A request that waits for its user to sign in: of one browser, for an hour, answered once.

use std::time::Duration;

use crate::harness::{
    Answer, Browser, PASSWORD, TestApp, TestTenant, absolute, field, on_both_databases, query,
};

on_both_databases! {
    two_tabs_with_two_requests_do_not_mix,
    a_request_of_one_browser_is_worth_nothing_in_another,
    a_request_is_answered_once,
    a_request_is_forgotten_after_an_hour,
    a_request_of_one_tenant_is_worth_nothing_in_another,
}

#[track_caller]
fn is_over(answer: &Answer) {
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.header("location"), None, "{answer:?}");
    assert!(answer.body.contains("This sign‑in has expired"), "{}", answer.body);
}

/// The URL where a request goes on after its sign-in.
fn going_on(tenant: &TestTenant, asked: &Answer) -> String {
    let path = asked.location().replace("/login?", "/oauth2/authorize/continue?");
    absolute(tenant, &path)
}

async fn sign_in_with(browser: &mut Browser<'_>, tenant: &TestTenant, page: &Answer) -> Answer {
    let (csrf, request) = (field(page, "csrf"), field(page, "request"));
    let fields = [
        ("csrf", &*csrf),
        ("request", &*request),
        ("email", &tenant.email),
        ("password", PASSWORD),
    ];
    let answer = browser.submit(&tenant.url("/login"), &fields).await;
    browser.get(&absolute(tenant, answer.location())).await
}

async fn two_tabs_with_two_requests_do_not_mix(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    let mut pages = Vec::new();
    for (client, state) in [(&acme.web, "first"), (&acme.spa, "second")] {
        let request = acme.authorization(client).with("state", state);
        let asked = browser.authorize(&acme, &request).await;
        pages.push(browser.get(&absolute(&acme, asked.location())).await);
    }
    assert!(pages[0].body.contains("<strong>web</strong>"), "{}", pages[0].body);
    assert!(pages[1].body.contains("<strong>spa</strong>"), "{}", pages[1].body);
    // The later tab first; the form of the other one was drawn before that sign-in.
    for (page, client, state) in [(&pages[1], &acme.spa, "second"), (&pages[0], &acme.web, "first")]
    {
        let answer = sign_in_with(&mut browser, &acme, page).await;
        assert!(answer.location().starts_with(&client.redirect_uri), "{answer:?}");
        let reply = query(answer.location());
        assert_eq!(reply["state"], state);
        app.redeem(&acme, client, &reply["code"]).await.expect(200);
    }
}

async fn a_request_of_one_browser_is_worth_nothing_in_another(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut attacker = Browser::new(app);
    let asked = attacker.authorize(&acme, &acme.authorization(&acme.web)).await;
    let mut victim = Browser::new(app);
    is_over(&victim.get(&absolute(&acme, asked.location())).await);
    is_over(&victim.get(&going_on(&acme, &asked)).await);
    victim.sign_in(&acme).await;
    is_over(&victim.get(&absolute(&acme, asked.location())).await);
    is_over(&victim.get(&going_on(&acme, &asked)).await);
    let answer = attacker.sign_in_at(&acme, &asked).await;
    assert!(query(answer.location()).contains_key("code"), "it is still the first browser's");
}

async fn a_request_is_answered_once(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    let asked = browser.authorize(&acme, &acme.authorization(&acme.web)).await;
    let page = browser.get(&absolute(&acme, asked.location())).await;
    let answer = sign_in_with(&mut browser, &acme, &page).await;
    assert!(query(answer.location()).contains_key("code"));
    is_over(&browser.get(&going_on(&acme, &asked)).await);
    is_over(&browser.get(&absolute(&acme, asked.location())).await);
    is_over(&browser.get(&acme.url("/oauth2/authorize/continue")).await);
    is_over(&browser.get(&acme.url("/oauth2/authorize/continue?request=x")).await);
    is_over(&sign_in_with(&mut browser, &acme, &page).await);
}

async fn a_request_is_forgotten_after_an_hour(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let hour = Duration::from_secs(60 * 60);
    let mut browser = Browser::new(app);
    let asked = browser.authorize(&acme, &acme.authorization(&acme.web)).await;
    app.clock.advance(hour - Duration::from_secs(1));
    let answer = browser.sign_in_at(&acme, &asked).await;
    assert!(query(answer.location()).contains_key("code"));

    let mut browser = Browser::new(app);
    let asked = browser.authorize(&acme, &acme.authorization(&acme.web)).await;
    app.clock.advance(hour);
    is_over(&browser.get(&absolute(&acme, asked.location())).await);
    is_over(&browser.get(&going_on(&acme, &asked)).await);
}

async fn a_request_of_one_tenant_is_worth_nothing_in_another(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let mut browser = Browser::new(app);
    let asked = browser.authorize(&acme, &acme.authorization(&acme.web)).await;
    browser.sign_in(&bolt).await;
    let elsewhere = |url: String| url.replace("/t/acme/", "/t/bolt/");
    is_over(&browser.get(&elsewhere(absolute(&acme, asked.location()))).await);
    is_over(&browser.get(&elsewhere(going_on(&acme, &asked))).await);
}
