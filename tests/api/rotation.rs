//! Refresh tokens: a refresh never logs out an honest user and always catches a thief (RFC 9700 §4.14).

use std::time::Duration;

use doorward::domain::application::{ApplicationKind, TokenSettings};
use futures_util::future::join_all;

use crate::harness::{Answer, TestApp, on_both_databases};

on_both_databases! {
    twenty_refreshes_at_once_make_one_new_generation,
    a_token_two_generations_old_kills_its_family,
    a_lost_answer_is_given_again_within_the_window,
    the_window_counts_from_the_first_use,
    a_client_with_a_secret_may_come_back_for_a_day,
    an_app_may_set_its_own_window_but_a_public_client_a_minute_at_most,
    a_family_ends_when_it_is_idle_and_when_it_is_old,
    what_is_not_a_good_token_harms_nothing,
    a_disabled_user_and_an_ended_session_refresh_no_more,
    a_family_of_a_client_with_a_secret_is_not_refreshed_without_it,
    asking_for_more_than_was_granted_spends_nothing,
}

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn twenty_refreshes_at_once_make_one_new_generation(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for client in [&acme.web, &acme.spa] {
        let mut tokens = vec![app.begin(&acme, client).await];
        for round in 0..10 {
            let newest = &tokens[round];
            let answers = join_all((0..20).map(|_| app.refresh(&acme, client, newest))).await;
            let successors: Vec<String> = answers.iter().map(Answer::refresh_token).collect();
            assert!(successors.iter().all(|token| *token == successors[0]), "one successor");
            assert!(!tokens.contains(&successors[0]), "a new one");
            tokens.push(successors[0].clone());
        }
        // One generation a round, no more: the last token is the newest, the one before it still answers with
        // it, and the one before that is a thief's.
        let newest = tokens.len() - 1;
        let again = app.refresh(&acme, client, &tokens[newest - 1]).await;
        assert_eq!(again.refresh_token(), tokens[newest]);
        app.refresh(&acme, client, &tokens[newest - 2]).await.refused(400, "invalid_grant");
        app.refresh(&acme, client, &tokens[newest]).await.refused(400, "invalid_grant");
    }
}

async fn a_token_two_generations_old_kills_its_family(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let stolen = app.begin(&acme, &acme.web).await;
    let second = app.refresh(&acme, &acme.web, &stolen).await.refresh_token();
    let third = app.refresh(&acme, &acme.web, &second).await.refresh_token();
    let other_sign_in = app.begin(&acme, &acme.web).await;
    app.refresh(&acme, &acme.web, &stolen).await.refused(400, "invalid_grant");
    for token in [&second, &third] {
        app.refresh(&acme, &acme.web, token).await.refused(400, "invalid_grant");
    }
    let events = app.audit(&acme.tenant).await;
    assert_eq!(events.iter().filter(|event| *event == "refresh.reuse_detected").count(), 1);
    app.refresh(&acme, &acme.web, &other_sign_in).await.expect(200);
}

async fn a_lost_answer_is_given_again_within_the_window(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let first = app.begin(&acme, &acme.spa).await;
    let second = app.refresh(&acme, &acme.spa, &first).await.refresh_token();
    app.clock.advance(29 * SECOND);
    let again = app.refresh(&acme, &acme.spa, &first).await;
    assert_eq!(again.refresh_token(), second);
    app.clock.advance(SECOND);
    app.refresh(&acme, &acme.spa, &first).await.refused(400, "invalid_grant");
    app.refresh(&acme, &acme.spa, &second).await.refused(400, "invalid_grant");
}

async fn the_window_counts_from_the_first_use(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let first = app.begin(&acme, &acme.spa).await;
    app.refresh(&acme, &acme.spa, &first).await.expect(200);
    for _ in 0..2 {
        app.clock.advance(14 * SECOND);
        app.refresh(&acme, &acme.spa, &first).await.expect(200);
    }
    app.clock.advance(2 * SECOND);
    app.refresh(&acme, &acme.spa, &first).await.refused(400, "invalid_grant");
}

async fn a_client_with_a_secret_may_come_back_for_a_day(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let first = app.begin(&acme, &acme.web).await;
    let second = app.refresh(&acme, &acme.web, &first).await.refresh_token();
    app.clock.advance(DAY - SECOND);
    assert_eq!(app.refresh(&acme, &acme.web, &first).await.refresh_token(), second);
    app.clock.advance(SECOND);
    app.refresh(&acme, &acme.web, &first).await.refused(400, "invalid_grant");

    // Only while the successor is unused.
    let first = app.begin(&acme, &acme.web).await;
    let second = app.refresh(&acme, &acme.web, &first).await.refresh_token();
    app.refresh(&acme, &acme.web, &second).await.expect(200);
    app.refresh(&acme, &acme.web, &first).await.refused(400, "invalid_grant");
}

async fn an_app_may_set_its_own_window_but_a_public_client_a_minute_at_most(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let with_window = |seconds| TokenSettings {
        reuse_window: Some(Duration::from_secs(seconds)),
        ..TokenSettings::default()
    };
    let strict = app.client(&acme.tenant, "strict", ApplicationKind::Web, with_window(0)).await;
    let first = app.begin(&acme, &strict).await;
    app.refresh(&acme, &strict, &first).await.expect(200);
    app.refresh(&acme, &strict, &first).await.refused(400, "invalid_grant");

    let lenient = app.client(&acme.tenant, "lenient", ApplicationKind::Spa, with_window(600)).await;
    let first = app.begin(&acme, &lenient).await;
    app.refresh(&acme, &lenient, &first).await.expect(200);
    app.clock.advance(59 * SECOND);
    app.refresh(&acme, &lenient, &first).await.expect(200);
    app.clock.advance(SECOND);
    app.refresh(&acme, &lenient, &first).await.refused(400, "invalid_grant");
}

async fn a_family_ends_when_it_is_idle_and_when_it_is_old(app: &TestApp) {
    let acme = app.tenant("acme").await;
    // Not used for seven days.
    let idle = app.begin(&acme, &acme.web).await;
    app.clock.advance(7 * DAY - SECOND);
    let idle = app.refresh(&acme, &acme.web, &idle).await.refresh_token();
    app.clock.advance(7 * DAY);
    app.refresh(&acme, &acme.web, &idle).await.refused(400, "invalid_grant");
    // Thirty days after the sign-in, however often it was used.
    let mut token = app.begin(&acme, &acme.web).await;
    for _ in 0..5 {
        app.clock.advance(6 * DAY - SECOND);
        token = app.refresh(&acme, &acme.web, &token).await.refresh_token();
    }
    app.clock.advance(5 * SECOND);
    app.refresh(&acme, &acme.web, &token).await.refused(400, "invalid_grant");
}

async fn what_is_not_a_good_token_harms_nothing(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let good = app.begin(&acme, &acme.web).await;
    let mut bad = vec![String::from("x"), good[1..].to_owned(), format!("{good}A"), good.repeat(2)];
    for index in 0..good.len() {
        let mut letters: Vec<char> = good.chars().collect();
        letters[index] = if letters[index] == 'A' { 'B' } else { 'A' };
        bad.push(letters.into_iter().collect());
    }
    for token in &bad {
        let answer = app.refresh(&acme, &acme.web, token).await;
        answer.refused(400, "invalid_grant");
    }
    app.refresh(&acme, &acme.spa, &good).await.refused(400, "invalid_grant");
    app.refresh(&acme, &acme.native, &good).await.refused(400, "invalid_grant");
    app.refresh(&bolt, &bolt.web, &good).await.refused(400, "invalid_grant");
    let missing = app.token(&acme, &acme.web, &[("grant_type", "refresh_token")]).await;
    missing.refused(400, "invalid_request");
    app.refresh(&acme, &acme.web, &good).await.expect(200);
}

async fn a_disabled_user_and_an_ended_session_refresh_no_more(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let tokens = app.sign_in(&acme, &acme.web).await;
    let hint = tokens["id_token"].as_str().unwrap();
    app.get(&acme.url(&format!("/oauth2/logout?id_token_hint={hint}"))).send().await;
    let token = tokens["refresh_token"].as_str().unwrap();
    app.refresh(&acme, &acme.web, token).await.refused(400, "invalid_grant");

    let token = app.begin(&acme, &acme.web).await;
    app.disable(&acme.tenant, &acme.email).await;
    app.refresh(&acme, &acme.web, &token).await.refused(400, "invalid_grant");
}

async fn a_family_of_a_client_with_a_secret_is_not_refreshed_without_it(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let login = app.login(&acme).await;
    let token = login["refresh_token"].as_str().unwrap();
    let body = serde_json::json!({ "refresh_token": token });
    let url = acme.url("/v1/auth/refresh");
    let without = app.post(&url).json(&body).send().await;
    without.refused(401, "invalid_grant");
    let with = app.post(&url).basic(&acme.web.id, acme.web.secret()).json(&body).send().await;
    with.expect(200);
}

async fn asking_for_more_than_was_granted_spends_nothing(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = crate::harness::Browser::new(app);
    browser.sign_in(&acme).await;
    let request = acme.authorization(&acme.spa).with("scope", "openid email");
    let answer = browser.authorize(&acme, &request).await;
    let code = crate::harness::query(answer.location())["code"].clone();
    let tokens = app.redeem(&acme, &acme.spa, &code).await.expect(200);
    let token = tokens["refresh_token"].as_str().unwrap();
    let ask = async |scope: &str| {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
        app.token(&acme, &acme.spa, &fields).await
    };
    ask("openid profile").await.refused(400, "invalid_scope");
    app.clock.advance(DAY);
    let narrow = ask("openid").await.expect(200);
    assert_eq!(narrow["scope"], "openid");
    let next = narrow["refresh_token"].as_str().unwrap();
    let whole = app.refresh(&acme, &acme.spa, next).await.expect(200);
    assert_eq!(whole["scope"], "openid email");
}
