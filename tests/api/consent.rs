//! Third parties' applications ask for consent; the tenant's own do not.

use doorward::domain::application::{ApplicationKind, Party, TokenSettings};
use serde_json::Value;

use crate::harness::{
    Answer, Browser, TestApp, TestClient, TestTenant, absolute, field, on_both_databases, query,
};

on_both_databases! {
    a_third_party_gets_a_code_once_its_user_allows_it,
    what_was_allowed_is_remembered_and_more_is_asked_for_anew,
    a_denial_goes_back_as_access_denied,
    without_a_user_to_ask_the_answer_is_consent_required,
    prompt_consent_asks_again,
    the_tenants_own_apps_ask_nothing,
    taking_it_back_ends_the_tokens,
    nobody_consents_by_a_forged_post,
}

async fn third_party(app: &TestApp, acme: &TestTenant) -> TestClient {
    let client =
        app.client(&acme.tenant, "partner", ApplicationKind::Web, TokenSettings::default()).await;
    let party = Party::Third.as_str();
    app.execute(&format!("UPDATE applications SET party = '{party}' WHERE id = '{}'", client.id));
    app.clock.advance(std::time::Duration::from_secs(2));
    client
}

/// The page that asks for consent.
async fn asked(browser: &mut Browser<'_>, acme: &TestTenant, client: &TestClient) -> Answer {
    let answer = browser.authorize(acme, &acme.authorization(client)).await;
    assert!(answer.location().starts_with("/t/acme/consent?request="), "{answer:?}");
    browser.get(&absolute(acme, answer.location())).await
}

async fn choose(browser: &mut Browser<'_>, acme: &TestTenant, page: &Answer, what: &str) -> Answer {
    let (csrf, request) = (field(page, "csrf"), field(page, "request"));
    let fields = [("csrf", &*csrf), ("request", &request), ("choice", what)];
    browser.submit(&acme.url("/consent"), &fields).await
}

async fn a_third_party_gets_a_code_once_its_user_allows_it(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let partner = third_party(app, &acme).await;
    let mut browser = Browser::new(app);
    // From signed out: the sign-in alone is no consent.
    let login = browser.authorize(&acme, &acme.authorization(&partner)).await;
    let goes_on = browser.sign_in_at(&acme, &login).await;
    assert!(goes_on.location().starts_with("/t/acme/consent?request="), "{goes_on:?}");
    let page = browser.get(&absolute(&acme, goes_on.location())).await;
    assert!(page.body.contains("partner asks for access"), "{}", page.body);
    assert!(page.body.contains("see your e-mail address"), "{}", page.body);
    let answer = choose(&mut browser, &acme, &page, "allow").await;
    let code = &query(answer.location())["code"];
    app.redeem(&acme, &partner, code).await.expect(200);
    assert!(app.audit(&acme.tenant).await.contains(&"consent.granted".to_owned()));
}

async fn what_was_allowed_is_remembered_and_more_is_asked_for_anew(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let partner = third_party(app, &acme).await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let narrow = acme.authorization(&partner).with("scope", "openid");
    let answer = browser.authorize(&acme, &narrow).await;
    let page = browser.get(&absolute(&acme, answer.location())).await;
    assert!(!page.body.contains("see your e-mail address"), "{}", page.body);
    choose(&mut browser, &acme, &page, "allow").await;
    let again = browser.authorize(&acme, &narrow).await;
    assert!(query(again.location()).contains_key("code"), "{again:?}");
    let page = asked(&mut browser, &acme, &partner).await;
    choose(&mut browser, &acme, &page, "allow").await;
    let wide = browser.authorize(&acme, &acme.authorization(&partner)).await;
    assert!(query(wide.location()).contains_key("code"), "{wide:?}");
    let narrow = browser.authorize(&acme, &narrow).await;
    assert!(query(narrow.location()).contains_key("code"), "{narrow:?}");
}

async fn a_denial_goes_back_as_access_denied(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let partner = third_party(app, &acme).await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let page = asked(&mut browser, &acme, &partner).await;
    let answer = choose(&mut browser, &acme, &page, "deny").await;
    let back = query(answer.location());
    assert_eq!((&*back["error"], &*back["iss"]), ("access_denied", &*acme.issuer));
    asked(&mut browser, &acme, &partner).await;
}

async fn without_a_user_to_ask_the_answer_is_consent_required(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let partner = third_party(app, &acme).await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let silent = acme.authorization(&partner).with("prompt", "none");
    let answer = browser.authorize(&acme, &silent).await;
    assert_eq!(query(answer.location())["error"], "consent_required");
    let page = asked(&mut browser, &acme, &partner).await;
    choose(&mut browser, &acme, &page, "allow").await;
    let answer = browser.authorize(&acme, &silent).await;
    assert!(query(answer.location()).contains_key("code"), "{answer:?}");
}

async fn prompt_consent_asks_again(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let partner = third_party(app, &acme).await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let page = asked(&mut browser, &acme, &partner).await;
    choose(&mut browser, &acme, &page, "allow").await;
    let again = acme.authorization(&partner).with("prompt", "consent");
    let answer = browser.authorize(&acme, &again).await;
    let page = browser.get(&absolute(&acme, answer.location())).await;
    let answer = choose(&mut browser, &acme, &page, "allow").await;
    assert!(query(answer.location()).contains_key("code"), "{answer:?}");
}

async fn the_tenants_own_apps_ask_nothing(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    browser.code(&acme, &acme.web).await;
}

async fn taking_it_back_ends_the_tokens(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let partner = third_party(app, &acme).await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let page = asked(&mut browser, &acme, &partner).await;
    let answer = choose(&mut browser, &acme, &page, "allow").await;
    let code = query(answer.location())["code"].clone();
    let tokens: Value = app.redeem(&acme, &partner, &code).await.expect(200);
    let own = browser.code(&acme, &acme.web).await;
    let own: Value = app.redeem(&acme, &acme.web, &own).await.expect(200);

    let account = browser.get(&acme.url("/account")).await;
    assert!(account.body.contains("<strong>partner</strong>"), "{}", account.body);
    let fields = [("csrf", &*field(&account, "csrf")), ("remove", &partner.id)];
    browser.submit(&acme.url("/account/apps"), &fields).await;
    let account = browser.get(&acme.url("/account")).await;
    assert!(!account.body.contains("<strong>partner</strong>"), "{}", account.body);
    let refreshed = app.refresh(&acme, &partner, tokens["refresh_token"].as_str().unwrap()).await;
    refreshed.refused(400, "invalid_grant");
    asked(&mut browser, &acme, &partner).await;
    app.refresh(&acme, &acme.web, own["refresh_token"].as_str().unwrap()).await.expect(200);
}

async fn nobody_consents_by_a_forged_post(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let partner = third_party(app, &acme).await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let page = asked(&mut browser, &acme, &partner).await;
    let request = field(&page, "request");
    let fields = [("csrf", "forged"), ("request", &*request), ("choice", "allow")];
    assert_eq!(browser.submit(&acme.url("/consent"), &fields).await.status, 403);
    asked(&mut browser, &acme, &partner).await;
}
