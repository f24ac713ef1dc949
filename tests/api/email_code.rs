//! Signing in with a code that is mailed, where the tenant offers it.

use std::time::Duration;

use doorward::domain::tenant::{EmailCode, EmailVerification};
use doorward::flows::administration::tenants::TenantChange;
use serde_json::json;

use crate::harness::{
    Answer, Browser, PASSWORD, TestApp, TestTenant, absolute, claims, field, on_both_databases,
    query,
};

on_both_databases! {
    a_user_signs_in_to_an_app_with_a_mailed_code,
    it_is_offered_only_where_the_tenant_wants_it,
    every_address_sees_the_same_pages,
    a_code_is_good_once_in_the_browser_that_asked,
    guesses_at_once_all_count,
    a_code_lasts_ten_minutes,
    a_code_proves_the_address_and_drops_what_was_planted,
}

async fn offering(app: &TestApp) -> TestTenant {
    let acme = app.tenant("acme").await;
    let change = TenantChange { email_code: Some(EmailCode::On), ..TenantChange::default() };
    app.change(&acme, change).await;
    acme
}

/// Asks for a code and answers the page that wants it.
async fn ask(browser: &mut Browser<'_>, acme: &TestTenant, email: &str) -> Answer {
    let url = acme.url("/login/code");
    let csrf = field(&browser.get(&url).await, "csrf");
    let answer = browser.submit(&url, &[("csrf", &csrf), ("email", email)]).await;
    browser.get(&absolute(acme, answer.location())).await
}

async fn enter(browser: &mut Browser<'_>, acme: &TestTenant, page: &Answer, code: &str) -> Answer {
    let (csrf, sign_in) = (field(page, "csrf"), field(page, "sign_in"));
    let fields = [("csrf", &*csrf), ("sign_in", &sign_in), ("code", code)];
    browser.submit(&acme.url("/login/code"), &fields).await
}

async fn a_user_signs_in_to_an_app_with_a_mailed_code(app: &TestApp) {
    let acme = offering(app).await;
    let mut browser = Browser::new(app);
    let asked = browser.authorize(&acme, &acme.authorization(&acme.web)).await;
    let login = browser.get(&absolute(&acme, asked.location())).await;
    let request = field(&login, "request");
    let page = browser.get(&acme.url(&format!("/login/code?request={request}"))).await;
    let fields = [("csrf", &*field(&page, "csrf")), ("request", &request), ("email", &acme.email)];
    let answer = browser.submit(&acme.url("/login/code"), &fields).await;
    let page = browser.get(&absolute(&acme, answer.location())).await;
    let code = app.mailed_code(&acme.email).await;
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let fields = [
        ("csrf", &*field(&page, "csrf")),
        ("request", &request),
        ("sign_in", &*field(&page, "sign_in")),
        ("code", &*spaced),
    ];
    let answer = browser.submit(&acme.url("/login/code"), &fields).await;
    let back = browser.get(&absolute(&acme, answer.location())).await;
    let tokens = app.redeem(&acme, &acme.web, &query(back.location())["code"]).await.expect(200);
    let id_token = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(id_token["amr"], json!(["otp"]));
    assert_eq!(id_token["sub"], acme.user.to_string());
}

async fn it_is_offered_only_where_the_tenant_wants_it(app: &TestApp) {
    let bolt = app.tenant("bolt").await;
    let page = Browser::new(app).get(&bolt.url("/login")).await;
    assert!(!page.body.contains("/login/code"), "{}", page.body);
    assert_eq!(Browser::new(app).get(&bolt.url("/login/code")).await.status, 404);
    let acme = offering(app).await;
    let page = Browser::new(app).get(&acme.url("/login")).await;
    assert!(page.body.contains("href=\"/t/acme/login/code\""), "{}", page.body);
}

async fn every_address_sees_the_same_pages(app: &TestApp) {
    let acme = offering(app).await;
    let mask = |answer: &Answer, email: &str, sign_in: &str| {
        (answer.status, answer.body.replace(email, "<email>").replace(sign_in, "<id>"))
    };
    let mut browser = Browser::new(app);
    let page = ask(&mut browser, &acme, &acme.email).await;
    let id = field(&page, "sign_in");
    let known = mask(&page, &acme.email, &id);
    let right = app.mailed_code(&acme.email).await;
    let wrong = if right == "123456" { "654321" } else { "123456" };
    let known_wrong = mask(&enter(&mut browser, &acme, &page, wrong).await, &acme.email, &id);
    let email = "nobody@acme.example";
    let page = ask(&mut browser, &acme, email).await;
    let id = field(&page, "sign_in");
    assert_eq!(mask(&page, email, &id), known);
    let answer = enter(&mut browser, &acme, &page, wrong).await;
    assert_eq!(mask(&answer, email, &id), known_wrong);
    assert!(app.mail_to(email).await.is_empty());
}

async fn a_code_is_good_once_in_the_browser_that_asked(app: &TestApp) {
    let acme = offering(app).await;
    let mut browser = Browser::new(app);
    let page = ask(&mut browser, &acme, &acme.email).await;
    let code = app.mailed_code(&acme.email).await;
    // A thief of mail, in a browser of their own.
    let mut thief = Browser::new(app);
    let their_page = ask(&mut thief, &acme, "nobody@acme.example").await;
    let fields = [
        ("csrf", &*field(&their_page, "csrf")),
        ("sign_in", &*field(&page, "sign_in")),
        ("code", &*code),
    ];
    let refused = thief.submit(&acme.url("/login/code"), &fields).await;
    assert!(refused.body.contains("Ask for a new code"), "{}", refused.body);
    let refused = enter(&mut thief, &acme, &their_page, &code).await;
    assert!(refused.body.contains("That is not the code"), "{}", refused.body);
    assert_eq!(enter(&mut browser, &acme, &page, &code).await.status, 303);
    let again = enter(&mut browser, &acme, &page, &code).await;
    assert!(again.body.contains("Ask for a new code"), "{}", again.body);
}

async fn guesses_at_once_all_count(app: &TestApp) {
    let acme = offering(app).await;
    let mut browser = Browser::new(app);
    let page = ask(&mut browser, &acme, &acme.email).await;
    let code = app.mailed_code(&acme.email).await;
    let (csrf, sign_in) = (field(&page, "csrf"), field(&page, "sign_in"));
    let cookie = browser.cookie_header();
    let guesses: Vec<String> = (0..40)
        .map(|n| format!("{:06}", (code.parse::<u32>().unwrap() + 1 + n) % 1_000_000))
        .collect();
    let tries = guesses.iter().map(|guess| {
        app.post(&acme.url("/login/code"))
            .header("cookie", &cookie)
            .header("origin", "null")
            .header("sec-fetch-site", "same-origin")
            .form(&[("csrf", &csrf), ("sign_in", &sign_in), ("code", guess)])
            .send()
    });
    let answers = futures_util::future::join_all(tries).await;
    let looked_at = answers.iter().filter(|answer| answer.body.contains("That is not the code"));
    assert_eq!(looked_at.count(), 5);
    let late = enter(&mut browser, &acme, &page, &code).await;
    assert!(late.body.contains("Ask for a new code"), "{}", late.body);
}

async fn a_code_lasts_ten_minutes(app: &TestApp) {
    let acme = offering(app).await;
    let mut browser = Browser::new(app);
    let page = ask(&mut browser, &acme, &acme.email).await;
    let code = app.mailed_code(&acme.email).await;
    app.clock.advance(Duration::from_secs(600));
    let late = enter(&mut browser, &acme, &page, &code).await;
    assert!(late.body.contains("Ask for a new code"), "{}", late.body);
}

async fn a_code_proves_the_address_and_drops_what_was_planted(app: &TestApp) {
    let acme = offering(app).await;
    let body = json!({ "email": "victim@x.example", "password": PASSWORD });
    let planted = app.direct(&acme, "register", &body).await.expect(201);
    let email_verification = Some(EmailVerification::Required);
    app.change(&acme, TenantChange { email_verification, ..TenantChange::default() }).await;
    let mut browser = Browser::new(app);
    let page = ask(&mut browser, &acme, "victim@x.example").await;
    let code = app.mailed_code("victim@x.example").await;
    assert_eq!(enter(&mut browser, &acme, &page, &code).await.status, 303);
    let account = browser.get(&acme.url("/account")).await;
    assert!(account.body.contains("You have none: you sign in another way."), "{}", account.body);
    app.direct(&acme, "login", &body).await.refused(401, "invalid_credentials");
    let token = json!({ "refresh_token": planted["refresh_token"] });
    app.direct(&acme, "refresh", &token).await.refused(401, "invalid_grant");
    let told = app.mail_to("victim@x.example").await.remove(0);
    assert!(told.subject.contains("is yours now"), "{told:?}");
}
