//! Signing in by an upstream provider, and which account that opens. The upstream is Doorward itself: the users of
//! the tenant `acme` come from the tenant `upstream`, which is an OpenID provider like any other.

use std::time::Duration;

use doorward::domain::email_address::EmailAddress;
use doorward::domain::provider::{ProfileRefresh, TokenRetention, UnverifiedEmail};
use doorward::domain::secret::Secret;
use doorward::domain::tenant::{Domain, EmailCode, SignUp};
use doorward::flows::administration::Administrator;
use doorward::flows::administration::providers::NewProvider;
use doorward::flows::administration::tenants::TenantChange;
use serde_json::json;

use crate::harness::federation::{Email, Pair, client_of, federate, log_in, through, user};
use crate::harness::{
    Answer, Browser, PASSWORD, TestApp, absolute, claims, field, on_both_databases, query,
};

on_both_databases! {
    somebody_new_gets_an_account_and_comes_back_to_it,
    the_app_learns_how_the_user_signed_in,
    an_app_sends_its_users_straight_to_a_provider,
    the_login_page_shows_the_providers_and_marks_the_last_one,
    a_verified_address_meets_a_verified_account_which_is_proved_once,
    a_wrong_password_links_nothing,
    whoever_is_signed_in_to_the_account_need_not_prove_it,
    a_planted_account_falls_to_the_owner_of_the_address,
    an_account_planted_by_an_unverified_address_falls_to_its_owner,
    the_owner_of_an_account_is_told_of_a_new_way_in,
    an_unverified_address_never_reaches_an_account,
    an_unverified_address_makes_an_account_only_where_the_tenant_lets_it,
    a_disabled_user_stays_out_by_every_way,
    closed_sign_up_is_closed_for_strangers_alone,
    an_address_of_another_domain_does_not_get_in,
    a_state_is_good_once_in_its_browser_at_its_provider,
    a_state_grows_too_old,
    two_tabs_do_not_mix,
    a_user_who_cancels_finds_a_way_on,
    identities_are_linked_and_unlinked_with_a_fresh_sign_in,
    the_last_way_in_stays,
    an_identity_of_somebody_else_is_not_linked,
    a_link_is_not_begun_without_a_form_of_ours,
    a_provider_that_refuses_its_client_is_told_of_in_the_audit_log,
    a_link_that_is_cancelled_leads_back_to_the_account,
    an_account_without_a_password_is_proved_by_what_opens_it,
    the_profile_follows_the_provider_but_not_over_the_user,
    a_profile_that_was_not_followed_can_be_followed_later,
    two_tabs_prove_one_account_at_once,
    a_flood_of_visits_to_a_provider_is_told_to_wait,
    whoever_signs_in_by_code_may_unlink_all,
    no_secret_of_a_provider_is_stored_in_the_clear,
    a_provider_keeps_its_issuer,
    a_sign_in_by_a_provider_leads_to_the_page_that_asked_for_it,
}

/// Whom the browser is signed in as at `acme`, if anybody.
pub async fn account(browser: &mut Browser<'_>, pair: &Pair) -> Option<String> {
    let page = browser.get(&pair.acme.url("/account")).await;
    (page.status == 200).then_some(page.body)
}

#[track_caller]
pub fn says(answer: &Answer, words: &str) {
    assert!((400..=502).contains(&answer.status), "{answer:?}");
    let text = answer.body.replace("&#39;", "'");
    assert!(text.contains(words), "{words:?} in {answer:?}");
    assert!(text.contains("class=\"button"), "no way on: {answer:?}");
}

pub fn fields<'a>(all: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
    all.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

async fn somebody_new_gets_an_account_and_comes_back_to_it(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, "grace@new.example", Email::Verified).await;
    for _ in 0..2 {
        let mut browser = Browser::new(app);
        let answer = federate(&mut browser, &pair, "grace@new.example").await;
        assert!(answer.location().ends_with("/account"), "{answer:?}");
        let page = account(&mut browser, &pair).await.unwrap();
        assert!(page.contains("grace@new.example") && page.contains("Grace Example"), "{page}");
        assert!(page.contains("class=\"chip\">verified<"), "{page}");
    }
    let audit = app.audit(&pair.acme.tenant).await;
    let count = |action: &str| audit.iter().filter(|found| *found == action).count();
    assert_eq!((count("user.signed_up"), count("identity.linked")), (1, 1), "{audit:?}");
    assert_eq!(count("user.signed_in"), 2, "{audit:?}");
}

async fn the_app_learns_how_the_user_signed_in(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, "grace@new.example", Email::Verified).await;
    let mut browser = Browser::new(app);
    let ask = pair.acme.authorization(&pair.acme.web);
    let login = browser.authorize(&pair.acme, &ask).await;
    let page = browser.get(&absolute(&pair.acme, login.location())).await;
    let start = page.body.split("href=\"").find(|rest| rest.contains("/federation/")).unwrap();
    let href = start.split('"').next().unwrap().replace("&amp;", "&");
    let away = browser.get(&absolute(&pair.acme, &href)).await;
    let back = through(&mut browser, &pair.upstream, &away, "grace@new.example").await;
    let next = browser.get(&back).await;
    let answer = browser.get(&absolute(&pair.acme, next.location())).await;
    let answer = query(answer.location());
    assert_eq!(answer["state"], "st-1");
    let tokens = app.redeem(&pair.acme, &pair.acme.web, &answer["code"]).await.expect(200);
    let id_token = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(id_token["amr"], json!(["fed"]));
    assert_eq!(id_token["idp"], "upstream");
    assert_eq!(id_token["email"], "grace@new.example");
    assert_eq!(id_token["nonce"], "no-1");
    // And a refresh says the same.
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let tokens = app.refresh(&pair.acme, &pair.acme.web, refresh).await.expect(200);
    assert_eq!(claims(tokens["id_token"].as_str().unwrap())["idp"], "upstream");
}

async fn an_app_sends_its_users_straight_to_a_provider(app: &TestApp) {
    let pair = Pair::new(app).await;
    for name in ["idp", "provider"] {
        let mut browser = Browser::new(app);
        let ask = pair.acme.authorization(&pair.acme.web).with(name, "upstream");
        let answer = browser.authorize(&pair.acme, &ask.with("login_hint", "g@x.example")).await;
        assert!(answer.location().contains("/federation/upstream?request="), "{answer:?}");
        let away = browser.get(&absolute(&pair.acme, answer.location())).await;
        let sent = query(away.location());
        assert_eq!(sent["login_hint"], "g@x.example");
        assert_eq!(sent["code_challenge_method"], "S256");
        assert_eq!(sent["redirect_uri"], pair.acme.url("/federation/upstream/callback"));
        let page = browser.get(&pair.acme.url(&format!("/login?{name}=upstream"))).await;
        assert!(page.location().contains("/federation/upstream"), "{page:?}");
    }
    let mut browser = Browser::new(app);
    let ask = pair.acme.authorization(&pair.acme.web).with("idp", "nobody");
    let answer = browser.authorize(&pair.acme, &ask).await;
    assert!(answer.location().contains("/login?request="), "{answer:?}");
    // What the app asks of the user, the provider is asked for.
    let ask = pair.acme.authorization(&pair.acme.web).with("idp", "upstream");
    let answer = browser.authorize(&pair.acme, &ask.with("prompt", "login")).await;
    let away = browser.get(&absolute(&pair.acme, answer.location())).await;
    assert_eq!(query(away.location())["prompt"], "login");
    // Both want the user, not a session that somebody left open there.
    for (name, value) in [("prompt", "select_account"), ("max_age", "60"), ("max_age", "0")] {
        let mut browser = Browser::new(app);
        let ask = pair.acme.authorization(&pair.acme.web).with("idp", "upstream");
        let answer = browser.authorize(&pair.acme, &ask.with(name, value)).await;
        let away = browser.get(&absolute(&pair.acme, answer.location())).await;
        assert_eq!(query(away.location())["prompt"], "login", "{name}={value}");
    }
    // And so does whoever signs in again.
    let mut browser = Browser::new(app);
    let away = browser.get(&pair.acme.url("/federation/upstream")).await;
    assert!(!query(away.location()).contains_key("prompt"), "{away:?}");
    browser.sign_in(&pair.acme).await;
    let away = browser.get(&pair.acme.url("/federation/upstream")).await;
    assert_eq!(query(away.location())["prompt"], "login");
}

async fn the_login_page_shows_the_providers_and_marks_the_last_one(app: &TestApp) {
    let pair = Pair::new(app).await;
    app.github(&pair.acme.tenant).await;
    user(app, &pair.upstream, "grace@new.example", Email::Verified).await;
    let mut browser = Browser::new(app);
    let page = browser.get(&pair.acme.url("/login")).await.body;
    assert!(page.contains("Continue with Upstream") && page.contains("Continue with GitHub"));
    assert!(!page.contains("Last used"), "{page}");
    let is_known = |browser: &Browser<'_>| {
        browser.cookies.iter().any(|cookie| cookie.name().ends_with("doorward-device"))
    };
    assert!(!is_known(&browser));
    federate(&mut browser, &pair, "grace@new.example").await;
    assert!(is_known(&browser), "it has tries of its own at the account from now on");
    browser.cookies.retain(|cookie| cookie.name() == "doorward-provider");
    let page = browser.get(&pair.acme.url("/login")).await.body;
    for button in page.split("<li>").filter(|item| item.contains("Continue with")) {
        assert_eq!(button.contains("Last used"), button.contains("with Upstream"), "{page}");
    }
    let other = app.tenant("other").await;
    let page = browser.get(&other.url("/login")).await.body;
    assert!(!page.contains("Continue with"), "{page}");
}

async fn a_verified_address_meets_a_verified_account_which_is_proved_once(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, &pair.acme.email.to_uppercase(), Email::Verified).await;
    let mut browser = Browser::new(app);
    let ask = pair.acme.authorization(&pair.acme.web).with("idp", "upstream");
    let answer = browser.authorize(&pair.acme, &ask).await;
    let away = browser.get(&absolute(&pair.acme, answer.location())).await;
    let back = through(&mut browser, &pair.upstream, &away, &pair.acme.email).await;
    let answer = browser.get(&back).await;
    assert!(answer.location().contains("/federation/link?offer="), "{answer:?}");
    assert_eq!(account(&mut browser, &pair).await, None, "nobody is signed in yet");
    let page = browser.get(&absolute(&pair.acme, answer.location())).await;
    assert!(page.body.contains(&pair.acme.email), "{page:?}");
    let form = [
        ("csrf", field(&page, "csrf")),
        ("offer", field(&page, "offer")),
        ("password", PASSWORD.to_owned()),
    ];
    let url = pair.acme.url("/federation/link");
    let answer = browser.submit(&url, &fields(&form)).await;
    let answer = browser.get(&absolute(&pair.acme, answer.location())).await;
    let code = query(answer.location())["code"].clone();
    let tokens = app.redeem(&pair.acme, &pair.acme.web, &code).await.expect(200);
    let id_token = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(id_token["sub"], pair.acme.user.to_string());
    assert_eq!(id_token["amr"], json!(["pwd", "fed"]));
    // The offer is spent, and from now on the identity is enough.
    let answer = browser.submit(&url, &fields(&form)).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    let mut later = Browser::new(app);
    federate(&mut later, &pair, &pair.acme.email).await;
    assert!(account(&mut later, &pair).await.unwrap().contains("Ada Example"));
}

async fn a_wrong_password_links_nothing(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, &pair.acme.email, Email::Verified).await;
    let mut browser = Browser::new(app);
    let answer = federate(&mut browser, &pair, &pair.acme.email).await;
    let offer = absolute(&pair.acme, answer.location());
    let page = browser.get(&offer).await;
    let url = pair.acme.url("/federation/link");
    for password in ["", "not the password"] {
        let form = [
            ("csrf", field(&page, "csrf")),
            ("offer", field(&page, "offer")),
            ("password", password.to_owned()),
        ];
        let answer = browser.submit(&url, &fields(&form)).await;
        assert!(answer.status == 200 && answer.body.contains("password-error"), "{answer:?}");
    }
    assert_eq!(account(&mut browser, &pair).await, None);
    // In another browser the offer is nothing, and without the token of the form neither.
    let mut thief = Browser::new(app);
    assert_eq!(thief.get(&offer).await.status, 400);
    let form = [("offer", field(&page, "offer")), ("password", PASSWORD.to_owned())];
    assert_eq!(browser.submit(&url, &fields(&form)).await.status, 403);
    let answer = federate(&mut Browser::new(app), &pair, &pair.acme.email).await;
    assert!(answer.location().contains("/federation/link?offer="), "{answer:?}");
}

async fn whoever_is_signed_in_to_the_account_need_not_prove_it(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, &pair.acme.email, Email::Verified).await;
    let mut browser = Browser::new(app);
    browser.sign_in(&pair.acme).await;
    let answer = federate(&mut browser, &pair, &pair.acme.email).await;
    assert!(answer.location().ends_with("/account"), "{answer:?}");
    let mut later = Browser::new(app);
    federate(&mut later, &pair, &pair.acme.email).await;
    assert!(account(&mut later, &pair).await.is_some());
}

/// Pre-hijacking: the attacker makes an account with the address of the victim and waits.
async fn a_planted_account_falls_to_the_owner_of_the_address(app: &TestApp) {
    let pair = Pair::new(app).await;
    let victim = "victim@new.example";
    user(app, &pair.upstream, victim, Email::Verified).await;
    let registered = app
        .post(&pair.acme.url("/v1/auth/register"))
        .basic(&pair.acme.web.id, pair.acme.web.secret())
        .json(&json!({ "email": victim, "password": PASSWORD, "name": "Mallory" }))
        .send()
        .await;
    let planted = registered.expect(201);
    let mut attacker = Browser::new(app);
    let page = attacker.get(&pair.acme.url("/login")).await;
    log_in(&mut attacker, &pair.acme, &page, victim).await;
    assert!(account(&mut attacker, &pair).await.is_some());
    let code = attacker.code(&pair.acme, &pair.acme.web).await;

    let mut browser = Browser::new(app);
    federate(&mut browser, &pair, victim).await;
    let page = account(&mut browser, &pair).await.unwrap();
    assert!(page.contains("Grace Example") && !page.contains("Mallory"), "{page}");
    assert!(page.contains("class=\"chip\">verified<"), "{page}");

    assert_eq!(account(&mut attacker, &pair).await, None, "the attacker's session goes on");
    let page = attacker.get(&pair.acme.url("/login")).await;
    let again = log_in(&mut attacker, &pair.acme, &page, victim).await;
    assert!(again.status == 200 && again.body.contains("do not match"), "{again:?}");
    let refresh = json!({ "refresh_token": planted["refresh_token"] });
    let refreshed = app
        .post(&pair.acme.url("/v1/auth/refresh"))
        .basic(&pair.acme.web.id, pair.acme.web.secret())
        .json(&refresh)
        .send()
        .await;
    refreshed.refused(401, "invalid_grant");
    app.redeem(&pair.acme, &pair.acme.web, &code).await.refused(400, "invalid_grant");
    let login = json!({ "email": victim, "password": PASSWORD });
    let login = app
        .post(&pair.acme.url("/v1/auth/login"))
        .basic(&pair.acme.web.id, pair.acme.web.secret())
        .json(&login)
        .send()
        .await;
    login.refused(401, "invalid_credentials");
    assert!(app.audit(&pair.acme.tenant).await.contains(&"user.account_claimed".to_owned()));
}

/// The same by a provider that lets anybody claim any address: the owner recovers the account by mail.
async fn an_account_planted_by_an_unverified_address_falls_to_its_owner(app: &TestApp) {
    let pair = Pair::varied(app, |new| new.unverified_email = UnverifiedEmail::Accepted).await;
    let victim = "victim@new.example";
    user(app, &pair.upstream, victim, Email::Unverified).await;
    let mut attacker = Browser::new(app);
    federate(&mut attacker, &pair, victim).await;
    assert!(account(&mut attacker, &pair).await.is_some());
    app.mail_to(victim).await;
    app.clock.advance(Duration::from_secs(60));
    app.direct(&pair.acme, "forgot-password", &json!({ "email": victim })).await.expect(202);
    let token = app.mailed_token(victim).await;
    let reset = json!({ "token": token, "password": "another-Kestrel-47-pie" });
    assert_eq!(app.direct(&pair.acme, "reset-password", &reset).await.status, 204);
    assert_eq!(account(&mut attacker, &pair).await, None, "the attacker's session goes on");
    says(&federate(&mut attacker, &pair, victim).await, "has an account already");
    assert_eq!(account(&mut attacker, &pair).await, None, "the attacker's identity is linked");
}

async fn the_owner_of_an_account_is_told_of_a_new_way_in(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, "quite-another@new.example", Email::Verified).await;
    let mut browser = Browser::new(app);
    browser.sign_in(&pair.acme).await;
    let away = choose(&mut browser, &pair, "link", "upstream").await;
    let back = through(&mut browser, &pair.upstream, &away, "quite-another@new.example").await;
    browser.get(&back).await;
    let mail = app.mail_to(&pair.acme.email).await;
    assert!(mail[0].subject.contains("new way to sign in"), "{mail:?}");
    // And of an account that was taken over.
    let planted = "planted@new.example";
    user(app, &pair.acme, planted, Email::Unverified).await;
    user(app, &pair.upstream, planted, Email::Verified).await;
    federate(&mut Browser::new(app), &pair, planted).await;
    assert_eq!(app.mail_to(planted).await.len(), 1);
}

async fn an_unverified_address_never_reaches_an_account(app: &TestApp) {
    let pair = Pair::varied(app, |new| new.unverified_email = UnverifiedEmail::Accepted).await;
    let unproved = "planted@acme.example";
    user(app, &pair.acme, unproved, Email::Unverified).await;
    for address in [pair.acme.email.as_str(), unproved] {
        user(app, &pair.upstream, address, Email::Unverified).await;
        let mut browser = Browser::new(app);
        let answer = federate(&mut browser, &pair, address).await;
        says(&answer, "This address has an account already");
        assert_eq!(account(&mut browser, &pair).await, None);
    }
    let audit = app.audit(&pair.acme.tenant).await;
    assert!(audit.contains(&"federation.failed".to_owned()), "{audit:?}");
    // Not even where its owner is signed in.
    let mut owner = Browser::new(app);
    owner.sign_in(&pair.acme).await;
    says(&federate(&mut owner, &pair, &pair.acme.email).await, "has an account already");
}

async fn an_unverified_address_makes_an_account_only_where_the_tenant_lets_it(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, "grace@new.example", Email::Unverified).await;
    user(app, &pair.upstream, &pair.acme.email, Email::Unverified).await;
    let mut browser = Browser::new(app);
    // The same words for an address with an account and one without.
    says(&federate(&mut browser, &pair, "grace@new.example").await, "is not verified");
    says(&federate(&mut Browser::new(app), &pair, &pair.acme.email).await, "is not verified");
    assert_eq!(account(&mut browser, &pair).await, None);
    pair.set_provider(app, |new| new.unverified_email = UnverifiedEmail::Accepted).await;
    federate(&mut browser, &pair, "grace@new.example").await;
    let page = account(&mut browser, &pair).await.unwrap();
    assert!(page.contains("class=\"chip still\">not verified yet<"), "{page}");
}

async fn a_disabled_user_stays_out_by_every_way(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, "grace@new.example", Email::Verified).await;
    federate(&mut Browser::new(app), &pair, "grace@new.example").await;
    app.disable(&pair.acme.tenant, "grace@new.example").await;
    let mut browser = Browser::new(app);
    says(&federate(&mut browser, &pair, "grace@new.example").await, "switched off");
    assert_eq!(account(&mut browser, &pair).await, None);
    // And one who has never come by the provider.
    user(app, &pair.upstream, &pair.acme.email, Email::Verified).await;
    app.disable(&pair.acme.tenant, &pair.acme.email).await;
    says(&federate(&mut Browser::new(app), &pair, &pair.acme.email).await, "switched off");
}

async fn closed_sign_up_is_closed_for_strangers_alone(app: &TestApp) {
    let pair = Pair::new(app).await;
    for address in ["old@new.example", "grace@new.example"] {
        user(app, &pair.upstream, address, Email::Verified).await;
    }
    federate(&mut Browser::new(app), &pair, "old@new.example").await;
    pair.set_provider(app, |new| new.sign_up = SignUp::Closed).await;
    let mut stranger = Browser::new(app);
    says(&federate(&mut stranger, &pair, "grace@new.example").await, "no account here yet");
    assert_eq!(account(&mut stranger, &pair).await, None);
    let mut known = Browser::new(app);
    federate(&mut known, &pair, "old@new.example").await;
    assert!(account(&mut known, &pair).await.is_some());
}

async fn an_address_of_another_domain_does_not_get_in(app: &TestApp) {
    let vary = |new: &mut NewProvider| {
        new.allowed_domains = vec![Domain::parse("good.example").unwrap()];
        new.unverified_email = UnverifiedEmail::Accepted;
    };
    let pair = Pair::varied(app, vary).await;
    let strangers = ["a@bad.example", "b@sub.good.example", "c@good.example.evil.example"];
    for address in strangers {
        user(app, &pair.upstream, address, Email::Verified).await;
        let mut browser = Browser::new(app);
        says(&federate(&mut browser, &pair, address).await, "good.example");
        assert_eq!(account(&mut browser, &pair).await, None, "{address}");
    }
    user(app, &pair.upstream, "d@good.example", Email::Unverified).await;
    says(&federate(&mut Browser::new(app), &pair, "d@good.example").await, "does not get in");
    user(app, &pair.upstream, "e@GOOD.example", Email::Verified).await;
    let mut browser = Browser::new(app);
    federate(&mut browser, &pair, "e@good.example").await;
    assert!(account(&mut browser, &pair).await.is_some());
}

async fn a_state_is_good_once_in_its_browser_at_its_provider(app: &TestApp) {
    let pair = Pair::new(app).await;
    app.github(&pair.acme.tenant).await;
    user(app, &pair.upstream, "grace@new.example", Email::Verified).await;
    let mut browser = Browser::new(app);
    let away = browser.get(&pair.acme.url("/federation/upstream")).await;
    let back = through(&mut browser, &pair.upstream, &away, "grace@new.example").await;

    let mut other = Browser::new(app);
    says(&other.get(&back).await, "has expired");
    let at_github = back.replace("/federation/upstream/", "/federation/github/");
    says(&browser.get(&at_github).await, "has expired");
    let twice = format!("{back}&state={}", query(&back)["state"]);
    says(&browser.get(&twice).await, "has expired");
    let stateless = pair.acme.url("/federation/upstream/callback?code=x");
    says(&browser.get(&stateless).await, "has expired");

    assert!(browser.get(&back).await.location().ends_with("/account"));
    says(&browser.get(&back).await, "has expired");
    let unknown = browser.get(&pair.acme.url("/federation/nobody")).await;
    assert_eq!(unknown.status, 404);
}

async fn a_state_grows_too_old(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, "grace@new.example", Email::Verified).await;
    let mut browser = Browser::new(app);
    let away = browser.get(&pair.acme.url("/federation/upstream")).await;
    app.clock.advance(Duration::from_secs(30 * 60));
    let back = through(&mut browser, &pair.upstream, &away, "grace@new.example").await;
    says(&browser.get(&back).await, "has expired");
    assert_eq!(account(&mut browser, &pair).await, None);
}

async fn two_tabs_do_not_mix(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, "grace@new.example", Email::Verified).await;
    let mut browser = Browser::new(app);
    let mut begun = Vec::new();
    for state in ["first", "second"] {
        let ask = pair.acme.authorization(&pair.acme.web).with("idp", "upstream");
        let answer = browser.authorize(&pair.acme, &ask.with("state", state)).await;
        begun.push(browser.get(&absolute(&pair.acme, answer.location())).await);
    }
    for (away, state) in begun.iter().zip(["first", "second"]).rev() {
        let back = through(&mut browser, &pair.upstream, away, "grace@new.example").await;
        let next = browser.get(&back).await;
        let answer = browser.get(&absolute(&pair.acme, next.location())).await;
        assert_eq!(query(answer.location())["state"], state);
    }
}

async fn a_user_who_cancels_finds_a_way_on(app: &TestApp) {
    let pair = Pair::new(app).await;
    let mut browser = Browser::new(app);
    let ask = pair.acme.authorization(&pair.acme.web).with("idp", "upstream");
    for (error, words) in
        [("access_denied", "You cancelled"), ("server_error", "did not sign you in")]
    {
        let answer = browser.authorize(&pair.acme, &ask).await;
        let away = browser.get(&absolute(&pair.acme, answer.location())).await;
        let state = &query(away.location())["state"];
        let url = format!("/federation/upstream/callback?error={error}&state={state}");
        let answer = browser.get(&pair.acme.url(&url)).await;
        says(&answer, words);
        // The app's request has not been lost.
        let hrefs = answer.body.split("href=\"").filter_map(|rest| rest.split('"').next());
        let login = hrefs.into_iter().find(|href| href.contains("/login?request=")).unwrap();
        let page = browser.get(&absolute(&pair.acme, login)).await;
        assert!(page.status == 200 && page.body.contains("to continue to"), "{page:?}");
    }
    let audit = app.audit(&pair.acme.tenant).await;
    assert_eq!(audit.iter().filter(|action| *action == "federation.failed").count(), 2);
}

/// The page of linked accounts, and one of its forms sent.
pub async fn choose(
    browser: &mut Browser<'_>,
    pair: &Pair,
    choice: &str,
    provider: &str,
) -> Answer {
    let url = pair.acme.url("/account/identities");
    let page = browser.get(&url).await;
    let mut form = vec![
        ("csrf", field(&page, "csrf")),
        ("provider", provider.to_owned()),
        ("choice", choice.to_owned()),
    ];
    if choice == "unlink" {
        form.push(("subject", field(&page, "subject")));
    }
    browser.submit(&url, &fields(&form)).await
}

async fn identities_are_linked_and_unlinked_with_a_fresh_sign_in(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, "quite-another@new.example", Email::Unverified).await;
    let mut browser = Browser::new(app);
    browser.sign_in(&pair.acme).await;
    let away = choose(&mut browser, &pair, "link", "upstream").await;
    let back = through(&mut browser, &pair.upstream, &away, "quite-another@new.example").await;
    let answer = browser.get(&back).await;
    assert!(answer.location().ends_with("/account/identities"), "{answer:?}");
    let page = browser.get(&pair.acme.url("/account/identities")).await;
    assert!(page.body.contains("quite-another@new.example"), "{page:?}");
    let mut by_provider = Browser::new(app);
    federate(&mut by_provider, &pair, "quite-another@new.example").await;
    assert!(account(&mut by_provider, &pair).await.unwrap().contains("Ada Example"));

    app.clock.advance(Duration::from_secs(10 * 60));
    let stale = choose(&mut browser, &pair, "unlink", "upstream").await;
    says(&stale, "Please sign in again first");
    let page = browser.get(&pair.acme.url("/login?next=account/identities")).await;
    log_in(&mut browser, &pair.acme, &page, &pair.acme.email).await;
    choose(&mut browser, &pair, "unlink", "upstream").await;
    let page = browser.get(&pair.acme.url("/account/identities")).await;
    assert!(page.body.contains("Not linked"), "{page:?}");
    assert_eq!(account(&mut by_provider, &pair).await, None, "whoever came in by it is still in");
    assert!(account(&mut browser, &pair).await.is_some(), "whoever took it off is out");
    app.clock.advance(Duration::from_secs(60));
    let mail = app.mail_to(&pair.acme.email).await;
    assert!(mail.iter().any(|letter| letter.subject.contains("was removed")), "{mail:?}");
    app.clock.advance(Duration::from_secs(10 * 60));
    let stale = choose(&mut browser, &pair, "link", "upstream").await;
    says(&stale, "Please sign in again first");
    let audit = app.audit(&pair.acme.tenant).await;
    assert!(audit.contains(&"identity.unlinked".to_owned()), "{audit:?}");
}

async fn the_last_way_in_stays(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, "grace@new.example", Email::Verified).await;
    let mut browser = Browser::new(app);
    federate(&mut browser, &pair, "grace@new.example").await;
    let url = pair.acme.url("/account/identities");
    let page = browser.get(&url).await;
    assert!(page.body.contains("Your only way in"), "{page:?}");
    // Sent all the same: the page of the account has a token as well.
    let csrf = field(&browser.get(&pair.acme.url("/account")).await, "csrf");
    let sub = subject(app, &pair).await;
    let form = [
        ("csrf", csrf),
        ("provider", "upstream".to_owned()),
        ("choice", "unlink".to_owned()),
        ("subject", sub),
    ];
    let answer = browser.submit(&url, &fields(&form)).await;
    assert!(answer.body.contains("the only way to sign in"), "{answer:?}");
    federate(&mut Browser::new(app), &pair, "grace@new.example").await;
    assert!(account(&mut browser, &pair).await.is_some());
}

/// The subject of the only identity.
pub async fn subject(app: &TestApp, pair: &Pair) -> String {
    let email = EmailAddress::parse("grace@new.example").unwrap();
    let found =
        app.context.db.read::<_, doorward::storage::StorageError>(pair.acme.tenant.id, move |tx| {
            let (user, _) = tx.users().find_by_email(&email)?.unwrap();
            Ok(tx.identities().list(user.id)?[0].subject.as_str().to_owned())
        });
    found.await.unwrap()
}

async fn an_identity_of_somebody_else_is_not_linked(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, "grace@new.example", Email::Verified).await;
    federate(&mut Browser::new(app), &pair, "grace@new.example").await;
    let mut browser = Browser::new(app);
    browser.sign_in(&pair.acme).await;
    let away = choose(&mut browser, &pair, "link", "upstream").await;
    let back = through(&mut browser, &pair.upstream, &away, "grace@new.example").await;
    says(&browser.get(&back).await, "linked elsewhere");
    let page = browser.get(&pair.acme.url("/account/identities")).await;
    assert!(page.body.contains("Not linked"), "{page:?}");
}

/// Else a site could link its own identity to the account of whoever visits it.
async fn a_link_is_not_begun_without_a_form_of_ours(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, "mallory@new.example", Email::Verified).await;
    let mut browser = Browser::new(app);
    browser.sign_in(&pair.acme).await;
    let url = pair.acme.url("/account/identities");
    let form = [("choice", "link"), ("provider", "upstream"), ("csrf", "guessed")];
    assert_eq!(browser.submit(&url, &form).await.status, 403);
    let csrf = field(&browser.get(&url).await, "csrf");
    let form = [("choice", "link"), ("provider", "upstream"), ("csrf", csrf.as_str())];
    let cross_site = app
        .post(&url)
        .header("origin", "https://evil.example")
        .header("sec-fetch-site", "cross-site")
        .form(&form);
    assert_eq!(browser.send(&url, cross_site).await.status, 403);
    // A plain visit to the provider signs in as Mallory, and links nothing to Ada.
    federate(&mut browser, &pair, "mallory@new.example").await;
    let mut mallory = Browser::new(app);
    federate(&mut mallory, &pair, "mallory@new.example").await;
    assert!(account(&mut mallory, &pair).await.unwrap().contains("Grace Example"));
}

async fn a_provider_that_refuses_its_client_is_told_of_in_the_audit_log(app: &TestApp) {
    let vary = |new: &mut NewProvider| new.client_secret = Some(Secret::new("wrong".to_owned()));
    let pair = Pair::varied(app, vary).await;
    user(app, &pair.upstream, "grace@new.example", Email::Verified).await;
    let mut browser = Browser::new(app);
    says(&federate(&mut browser, &pair, "grace@new.example").await, "did not confirm");
    assert_eq!(account(&mut browser, &pair).await, None);
    let page =
        app.context.db.read::<_, doorward::storage::StorageError>(pair.acme.tenant.id, |tx| {
            tx.audit_events().page(&doorward::storage::AuditFilter::default(), None, 1)
        });
    assert_eq!(page.await.unwrap()[0].target, "upstream: code_refused");
}

async fn a_link_that_is_cancelled_leads_back_to_the_account(app: &TestApp) {
    let pair = Pair::new(app).await;
    let mut browser = Browser::new(app);
    browser.sign_in(&pair.acme).await;
    let away = choose(&mut browser, &pair, "link", "upstream").await;
    let state = &query(away.location())["state"];
    let url = format!("/federation/upstream/callback?error=access_denied&state={state}");
    let answer = browser.get(&pair.acme.url(&url)).await;
    says(&answer, "You cancelled");
    assert!(answer.body.contains("/account/identities\""), "{answer:?}");
    assert!(!answer.body.contains("/federation/upstream\""), "{answer:?}");
}

async fn an_account_without_a_password_is_proved_by_what_opens_it(app: &TestApp) {
    let pair = Pair::new(app).await;
    let second = app.tenant("second").await;
    let (id, secret) = client_of(app, &second, &pair.acme, "second").await;
    app.provider(&pair.acme.tenant, "second", |new| {
        new.client_id = id;
        new.client_secret = Some(Secret::new(secret));
    })
    .await;
    for tenant in [&pair.upstream, &second] {
        user(app, tenant, "grace@new.example", Email::Verified).await;
    }
    federate(&mut Browser::new(app), &pair, "grace@new.example").await;

    let mut browser = Browser::new(app);
    let away = browser.get(&pair.acme.url("/federation/second")).await;
    let back = through(&mut browser, &second, &away, "grace@new.example").await;
    let answer = browser.get(&back).await;
    let page = browser.get(&absolute(&pair.acme, answer.location())).await;
    assert!(!page.body.contains("type=\"password\""), "{page:?}");
    let hrefs = page.body.split("href=\"").filter_map(|rest| rest.split('"').next());
    let prove = hrefs.into_iter().find(|href| href.contains("/federation/upstream?offer="));
    let away = browser.get(&absolute(&pair.acme, prove.unwrap())).await;
    let back = through(&mut browser, &pair.upstream, &away, "grace@new.example").await;
    assert!(browser.get(&back).await.location().ends_with("/account"));
    let page = browser.get(&pair.acme.url("/account/identities")).await;
    assert!(page.body.contains("Upstream") && page.body.contains("Second"), "{page:?}");
    assert!(!page.body.contains("Not linked"), "{page:?}");

    // Whoever proves another account links nothing.
    user(app, &pair.upstream, "mallory@new.example", Email::Verified).await;
    federate(&mut Browser::new(app), &pair, "mallory@new.example").await;
    user(app, &second, &pair.acme.email, Email::Verified).await;
    let mut browser = Browser::new(app);
    let away = browser.get(&pair.acme.url("/federation/second")).await;
    let back = through(&mut browser, &second, &away, &pair.acme.email).await;
    let offer = browser.get(&back).await;
    let offer = &query(&absolute(&pair.acme, offer.location()))["offer"];
    let url = pair.acme.url(&format!("/federation/upstream?offer={offer}"));
    let away = browser.get(&url).await;
    let back = through(&mut browser, &pair.upstream, &away, "mallory@new.example").await;
    says(&browser.get(&back).await, "That was another account");
}

async fn the_profile_follows_the_provider_but_not_over_the_user(app: &TestApp) {
    let pair = Pair::varied(app, |new| new.profile = ProfileRefresh::EverySignIn).await;
    user(app, &pair.upstream, "grace@new.example", Email::Verified).await;
    let rename = |slug: &str, name: &str| {
        let tenant = format!("(SELECT id FROM tenants WHERE slug = '{slug}')");
        let email = "email = 'grace@new.example'";
        let set =
            format!("UPDATE users SET name = '{name}' WHERE {email} AND tenant_id = {tenant}");
        assert_eq!(app.execute(&set), 1);
    };
    let name = async || {
        let mut browser = Browser::new(app);
        federate(&mut browser, &pair, "grace@new.example").await;
        let page = account(&mut browser, &pair).await.unwrap();
        let (_, rest) = page.split_once("type=\"text\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    assert_eq!(name().await, "Grace Example");
    rename("upstream", "Grace Hopper");
    assert_eq!(name().await, "Grace Hopper");
    rename("acme", "Amazing Grace");
    assert_eq!(name().await, "Amazing Grace");
    rename("upstream", "Grace B. Hopper");
    assert_eq!(name().await, "Amazing Grace");
}

async fn a_profile_that_was_not_followed_can_be_followed_later(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, "grace@new.example", Email::Verified).await;
    let seen = async || {
        let mut browser = Browser::new(app);
        federate(&mut browser, &pair, "grace@new.example").await;
        account(&mut browser, &pair).await.unwrap()
    };
    assert!(seen().await.contains("Grace Example"));
    for name in ["Second", "Third"] {
        let of_upstream = "tenant_id = (SELECT id FROM tenants WHERE slug = 'upstream')";
        let email = "email = 'grace@new.example'";
        app.execute(&format!("UPDATE users SET name = '{name}' WHERE {email} AND {of_upstream}"));
        if name == "Third" {
            pair.set_provider(app, |new| new.profile = ProfileRefresh::EverySignIn).await;
        }
        let page = seen().await;
        assert_eq!(page.contains("Third"), name == "Third", "{page}");
        assert!(!page.contains("Second"), "the first sign-in alone was to be followed: {page}");
    }
}

async fn no_secret_of_a_provider_is_stored_in_the_clear(app: &TestApp) {
    let pair = Pair::new(app).await;
    let mut browser = Browser::new(app);
    let away = browser.get(&pair.acme.url("/federation/upstream")).await;
    let state = query(away.location())["state"].clone();
    let stored = app.everything_stored();
    let holds = |secret: &str| stored.windows(secret.len()).any(|part| part == secret.as_bytes());
    assert!(holds("upstream"), "the search finds what is there");
    assert!(!holds(&pair.client.1), "the client secret");
    assert!(!holds(&state), "the state");
}

/// Another issuer could name the same subjects and mean others by them.
async fn a_provider_keeps_its_issuer(app: &TestApp) {
    let pair = Pair::new(app).await;
    let other = app.tenant("other").await;
    let new = |issuer: &str| NewProvider {
        kind: doorward::domain::provider::ProviderKind::parse("oidc", Some(issuer)).unwrap(),
        key: Some(doorward::domain::provider::ProviderKey::parse("upstream").unwrap()),
        name: None,
        client_id: "x".to_owned(),
        client_secret: Some(Secret::new("y".to_owned())),
        scopes: vec![],
        allowed_domains: vec![],
        sign_up: SignUp::Open,
        unverified_email: UnverifiedEmail::Refused,
        profile: ProfileRefresh::FirstSignIn,
        tokens: TokenRetention::Discarded,
    };
    let set = async |issuer: &str| {
        doorward::flows::administration::providers::set(
            &Administrator::command_line(&app.context),
            &pair.acme.tenant,
            doorward::flows::administration::providers::Seen::Anything,
            new(issuer),
        )
        .await
        .map(|_| ())
        .map_err(|problem| problem.to_string())
    };
    assert!(set(&other.issuer).await.unwrap_err().contains("another kind or issuer"));
    // And none that only this machine can reach.
    for issuer in ["https://127.0.0.1/x", "http://example.com", "https://169.254.169.254"] {
        assert!(set(issuer).await.unwrap_err().contains("must be https"), "{issuer}");
    }
    assert_eq!(set(&pair.upstream.issuer).await, Ok(()));
}

async fn a_sign_in_by_a_provider_leads_to_the_page_that_asked_for_it(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, "grace@new.example", Email::Verified).await;
    let mut browser = Browser::new(app);
    federate(&mut browser, &pair, "grace@new.example").await;
    app.clock.advance(Duration::from_secs(3_600));
    let asked = browser.get(&pair.acme.url("/account/delete")).await;
    let login = browser.get(&absolute(&pair.acme, asked.location())).await;
    let start = login.body.split("href=\"").find(|rest| rest.contains("/federation/")).unwrap();
    let href = start.split('"').next().unwrap().replace("&amp;", "&");
    let away = browser.get(&absolute(&pair.acme, &href)).await;
    let back = through(&mut browser, &pair.upstream, &away, "grace@new.example").await;
    let answer = browser.get(&back).await;
    assert!(answer.location().ends_with("/account/delete"), "{answer:?}");
    assert_eq!(browser.get(&absolute(&pair.acme, answer.location())).await.status, 200);
    // Nowhere else.
    let away = browser.get(&pair.acme.url("/federation/upstream?next=https://evil.example")).await;
    let back = through(&mut browser, &pair.upstream, &away, "grace@new.example").await;
    let answer = browser.get(&back).await;
    assert!(answer.location().ends_with("/account"), "{answer:?}");
}

/// Each tab has an offer of its own, for the same identity, and proves the account by another.
async fn two_tabs_prove_one_account_at_once(app: &TestApp) {
    let pair = Pair::new(app).await;
    let second = app.tenant("second").await;
    let (id, secret) = client_of(app, &second, &pair.acme, "second").await;
    app.provider(&pair.acme.tenant, "second", |new| {
        new.client_id = id;
        new.client_secret = Some(Secret::new(secret));
    })
    .await;
    for tenant in [&pair.upstream, &second] {
        user(app, tenant, "grace@new.example", Email::Verified).await;
    }
    federate(&mut Browser::new(app), &pair, "grace@new.example").await;

    let mut browser = Browser::new(app);
    let mut offers = Vec::new();
    for _ in 0..2 {
        let away = browser.get(&pair.acme.url("/federation/second")).await;
        let back = through(&mut browser, &second, &away, "grace@new.example").await;
        let answer = browser.get(&back).await;
        offers.push(query(&absolute(&pair.acme, answer.location()))["offer"].clone());
    }
    let mut answers = Vec::new();
    for offer in &offers {
        let url = pair.acme.url(&format!("/federation/upstream?offer={offer}"));
        let away = browser.get(&url).await;
        answers.push(through(&mut browser, &pair.upstream, &away, "grace@new.example").await);
    }
    for back in &answers {
        let answer = browser.get(back).await;
        assert!(answer.location().ends_with("/account"), "{answer:?}");
    }
    let audit = app.audit(&pair.acme.tenant).await;
    let linked = audit.iter().filter(|action| *action == "identity.linked").count();
    assert_eq!(linked, 2, "{audit:?}");
}

async fn whoever_signs_in_by_code_may_unlink_all(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, "grace@new.example", Email::Verified).await;
    let change = TenantChange { email_code: Some(EmailCode::On), ..TenantChange::default() };
    app.change(&pair.acme, change).await;
    let mut browser = Browser::new(app);
    federate(&mut browser, &pair, "grace@new.example").await;
    let page = browser.get(&pair.acme.url("/account/identities")).await;
    assert!(!page.body.contains("Your only way in"), "{page:?}");
    choose(&mut browser, &pair, "unlink", "upstream").await;
    let page = browser.get(&pair.acme.url("/account/identities")).await;
    assert!(page.body.contains("Not linked"), "{page:?}");
}

async fn a_flood_of_visits_to_a_provider_is_told_to_wait(app: &TestApp) {
    let acme = app.tenant("acme").await;
    app.github(&acme.tenant).await;
    let mut browser = Browser::new(app);
    let answers = async |browser: &mut Browser<'_>, path: &str| browser.get(&acme.url(path)).await;
    for _ in 0..200 {
        assert_eq!(answers(&mut browser, "/federation/github").await.status, 303);
    }
    for path in ["/federation/github", "/federation/github/callback?state=x&code=y"] {
        let flooded = answers(&mut browser, path).await;
        assert_eq!(flooded.status, 429, "{flooded:?}");
        assert!(flooded.header("retry-after").is_some());
    }
    app.clock.advance(Duration::from_secs(5));
    assert_eq!(answers(&mut browser, "/federation/github").await.status, 303);
}
