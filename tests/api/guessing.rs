//! Guessing passwords: every try counts, and nobody honest is locked out.

use std::time::Duration;

use doorward::domain::tenant::EmailCode;
use doorward::flows::administration::tenants::TenantChange;
use serde_json::json;

use crate::harness::{Answer, Browser, PASSWORD, TestApp, TestTenant, field, on_both_databases};

on_both_databases! {
    guesses_at_once_all_count,
    whoever_waits_may_try_again,
    right_passwords_count_nothing,
    the_owner_goes_on_where_they_were,
    recovery_lets_the_owner_in_while_somebody_guesses,
    an_account_that_is_unknown_is_throttled_alike,
    one_tenant_s_guesses_are_nothing_to_another,
    forwarding_headers_change_nothing,
    a_range_of_addresses_has_a_limit_of_its_own,
    a_tenant_has_a_limit_of_its_own,
    codes_are_counted_for_their_account_and_a_known_browser_goes_on,
    a_code_that_is_over_costs_its_account_nothing,
    the_audit_log_is_told_once_that_tries_are_refused,
    letters_and_accounts_are_asked_for_only_so_often_from_one_range,
}

const TRIES: usize = 60;

async fn guess(app: &TestApp, acme: &TestTenant, email: &str, password: &str) -> Answer {
    app.direct(acme, "login", &json!({ "email": email, "password": password })).await
}

/// Uses up what an account's strangers may try.
async fn exhaust(app: &TestApp, acme: &TestTenant, email: &str) -> Vec<Answer> {
    let guesses: Vec<String> = (0..TRIES + 20).map(|n| format!("wrong {n}")).collect();
    let tries = guesses.iter().map(|password| guess(app, acme, email, password));
    futures_util::future::join_all(tries).await
}

async fn guesses_at_once_all_count(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let answers = exhaust(app, &acme, &acme.email).await;
    let wrong = answers.iter().filter(|answer| answer.status == 401).count();
    assert_eq!(wrong, TRIES);
    for answer in answers.iter().filter(|answer| answer.status != 401) {
        answer.refused(429, "rate_limited");
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=91).contains(&seconds), "{answer:?}");
    }
    // Not even the right one is looked at.
    guess(app, &acme, &acme.email, PASSWORD).await.refused(429, "rate_limited");
    assert!(app.audit(&acme.tenant).await.contains(&"user.sign_in_throttled".to_owned()));
}

async fn whoever_waits_may_try_again(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let answers = exhaust(app, &acme, &acme.email).await;
    let refused = answers.iter().find(|answer| answer.status == 429).unwrap();
    let seconds = refused.header("retry-after").unwrap().parse().unwrap();
    app.clock.advance(Duration::from_secs(seconds));
    guess(app, &acme, &acme.email, "wrong again").await.refused(401, "invalid_credentials");
    guess(app, &acme, &acme.email, PASSWORD).await.refused(429, "rate_limited");
    app.clock.advance(Duration::from_secs(90));
    guess(app, &acme, &acme.email, PASSWORD).await.expect(200);
}

async fn right_passwords_count_nothing(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for _ in 0..TRIES + 10 {
        guess(app, &acme, &acme.email, PASSWORD).await.expect(200);
    }
    guess(app, &acme, &acme.email, "wrong").await.refused(401, "invalid_credentials");
}

async fn the_owner_goes_on_where_they_were(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut known = Browser::new(app);
    known.sign_in(&acme).await;
    let tokens = app.direct(&acme, "login", &acme.credentials()).await.expect(200);
    exhaust(app, &acme, &acme.email).await;

    // A stranger's browser is told how long to wait.
    let mut stranger = Browser::new(app);
    let csrf = field(&stranger.get(&acme.url("/login")).await, "csrf");
    let fields = [("csrf", &*csrf), ("email", &acme.email), ("password", PASSWORD)];
    let page = stranger.submit(&acme.url("/login"), &fields).await;
    assert_eq!(page.status, 429);
    assert!(page.header("retry-after").is_some(), "{page:?}");
    assert!(page.body.contains("Too many tries. Wait"), "{}", page.body);
    assert!(page.body.contains("href=\"/t/acme/forgot-password\""), "a way on: {}", page.body);
    assert!(!page.body.contains("href=\"/t/acme/login/code\""), "not offered: {}", page.body);

    // Sessions and tokens go on.
    assert_eq!(known.get(&acme.url("/account")).await.status, 200);
    let token = json!({ "refresh_token": tokens["refresh_token"] });
    app.direct(&acme, "refresh", &token).await.expect(200);
    // So does the browser in which the account was used, signed out as it may be.
    let page = known.get(&acme.url("/account")).await;
    let fields = [("csrf", &*field(&page, "csrf")), ("choice", "logout")];
    known.submit(&acme.url("/oauth2/logout"), &fields).await;
    assert_eq!(known.get(&acme.url("/account")).await.status, 303);
    known.sign_in(&acme).await;
    // And recovery, in any browser, after which that one is known.
    let asked = app.direct(&acme, "forgot-password", &json!({ "email": acme.email })).await;
    assert_eq!(asked.status, 202);
    let link = app.mailed_link(&acme.email).await;
    let page = stranger.get(&link).await;
    let new = "otters juggle quietly at noon";
    let fields =
        [("csrf", &*field(&page, "csrf")), ("token", &*field(&page, "token")), ("password", new)];
    assert_eq!(stranger.submit(&acme.url("/reset-password"), &fields).await.status, 303);
    let csrf = field(&stranger.get(&acme.url("/login")).await, "csrf");
    let fields = [("csrf", &*csrf), ("email", &acme.email), ("password", new)];
    assert_eq!(stranger.submit(&acme.url("/login"), &fields).await.status, 303);
}

async fn recovery_lets_the_owner_in_while_somebody_guesses(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for (round, new) in ["otters juggle at noon", "a badger hums in the attic"].iter().enumerate() {
        guess_until_refused(app, &acme).await;
        // A link that resets nothing restores nothing.
        let reset = json!({ "token": "none", "password": new });
        app.direct(&acme, "reset-password", &reset).await.refused(400, "invalid_request");
        guess(app, &acme, &acme.email, PASSWORD).await.refused(429, "rate_limited");
        app.direct(&acme, "forgot-password", &json!({ "email": acme.email })).await.expect(202);
        let token = app.mailed_token(&acme.email).await;
        if round == 0 {
            let reset = json!({ "token": token, "password": new });
            assert_eq!(app.direct(&acme, "reset-password", &reset).await.status, 204);
        } else {
            let mut phone = Browser::new(app);
            let page = phone.get(&acme.url(&format!("/reset-password?token={token}"))).await;
            let form = [("csrf", &*field(&page, "csrf")), ("token", &token), ("password", new)];
            assert_eq!(phone.submit(&acme.url("/reset-password"), &form).await.status, 303);
        }
        // From an app, and in a browser that knows nothing of it.
        guess(app, &acme, &acme.email, new).await.expect(200);
        let mut desk = Browser::new(app);
        let csrf = field(&desk.get(&acme.url("/login")).await, "csrf");
        let form = [("csrf", &*csrf), ("email", &acme.email), ("password", new)];
        assert_eq!(desk.submit(&acme.url("/login"), &form).await.location(), "/t/acme/account");
    }
}

/// One after the other, so that a busy machine answers each.
async fn guess_until_refused(app: &TestApp, acme: &TestTenant) {
    for n in 0..=TRIES {
        let answer = guess(app, acme, &acme.email, &format!("wrong {n}")).await;
        if answer.status == 429 {
            return;
        }
        answer.refused(401, "invalid_credentials");
    }
    panic!("nobody was refused");
}

async fn an_account_that_is_unknown_is_throttled_alike(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let counts = |answers: Vec<Answer>| {
        let of = |status| answers.iter().filter(|answer| answer.status == status).count();
        (of(401), of(429))
    };
    let known = counts(exhaust(app, &acme, &acme.email).await);
    let unknown = counts(exhaust(app, &acme, "nobody@acme.example").await);
    assert_eq!(known, (TRIES, 20));
    assert_eq!(unknown, known);
}

async fn one_tenant_s_guesses_are_nothing_to_another(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    app.user(&bolt.tenant, &acme.email, &[]).await;
    exhaust(app, &acme, &acme.email).await;
    guess(app, &bolt, &acme.email, PASSWORD).await.expect(200);
}

/// Nobody becomes many by saying so.
async fn forwarding_headers_change_nothing(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let public = &acme.spa;
    let mut refused = 0;
    for n in 0..TRIES + 5 {
        let answer = app
            .post(&acme.url("/v1/auth/login"))
            .header("x-forwarded-for", format!("203.0.113.{n}"))
            .header("forwarded", format!("for=203.0.113.{n}"))
            .json(&json!({ "email": acme.email, "password": "wrong", "client_id": public.id }))
            .send()
            .await;
        refused += usize::from(answer.status == 429);
    }
    assert_eq!(refused, 5);
}

/// As if an allowance had been used, so that it is whole again only after that time.
fn use_up(app: &TestApp, acme: &TestTenant, key: &str, whole_after: Duration) {
    let whole_at = (app.context.now() + whole_after).as_millis();
    app.execute(&format!("DELETE FROM allowances WHERE id = '{key}'"));
    app.execute(&format!(
        "INSERT INTO allowances (tenant_id, id, whole_at) VALUES ('{}', '{key}', {whole_at})",
        acme.tenant.id
    ));
}

/// 500 at once, and one more each two seconds.
async fn a_range_of_addresses_has_a_limit_of_its_own(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut known = Browser::new(app);
    known.sign_in(&acme).await;
    use_up(app, &acme, "range:127.0.0.0", Duration::from_secs(2 * 499));
    guess(app, &acme, "one@acme.example", "wrong").await.refused(401, "invalid_credentials");
    let refused = guess(app, &acme, "another@acme.example", "wrong").await;
    refused.refused(429, "rate_limited");
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3).contains(&seconds), "{refused:?}");
    guess(app, &acme, &acme.email, PASSWORD).await.refused(429, "rate_limited");
    // A client that authenticates speaks for many, and a known browser for itself.
    app.login(&acme).await;
    let page = known.get(&acme.url("/account")).await;
    let fields = [("csrf", &*field(&page, "csrf")), ("choice", "logout")];
    known.submit(&acme.url("/oauth2/logout"), &fields).await;
    known.sign_in(&acme).await;
    app.clock.advance(Duration::from_secs(2));
    guess(app, &acme, &acme.email, PASSWORD).await.expect(200);
}

/// 10,000 at once, and ten more each second.
async fn a_tenant_has_a_limit_of_its_own(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    use_up(app, &acme, "sign-in", Duration::from_millis(100 * 9_999));
    guess(app, &acme, "one@acme.example", "wrong").await.refused(401, "invalid_credentials");
    guess(app, &acme, "another@acme.example", "wrong").await.refused(429, "rate_limited");
    guess(app, &bolt, &bolt.email, PASSWORD).await.expect(200);
    app.clock.advance(Duration::from_secs(1));
    guess(app, &acme, &acme.email, PASSWORD).await.expect(200);
}

async fn codes_are_counted_for_their_account_and_a_known_browser_goes_on(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email_code = Some(EmailCode::On);
    app.change(&acme, TenantChange { email_code, ..TenantChange::default() }).await;
    let mut known = Browser::new(app);
    known.sign_in(&acme).await;
    let url = acme.url("/login/code");
    let ask = async |browser: &mut Browser<'_>, email: &str| {
        let csrf = field(&browser.get(&url).await, "csrf");
        let asked = browser.submit(&url, &[("csrf", &csrf), ("email", email)]).await;
        (csrf, asked.location().split("sign_in=").nth(1).unwrap().to_owned())
    };
    for email in [&*acme.email, "nobody@acme.example"] {
        let mut stranger = Browser::new(app);
        let mut looked_at = 0;
        let refused = 'tries: loop {
            // Five tries for a code, and then another code.
            let (csrf, sign_in) = ask(&mut stranger, email).await;
            for _ in 0..5 {
                let fields = [("csrf", &*csrf), ("sign_in", &*sign_in), ("code", "000000")];
                let answer = stranger.submit(&url, &fields).await;
                if answer.status == 429 {
                    break 'tries answer;
                }
                looked_at += 1;
            }
        };
        assert_eq!(looked_at, TRIES, "{email}");
        assert!(refused.header("retry-after").is_some(), "{refused:?}");
        for way in ["login", "forgot-password"] {
            let way = format!("href=\"/t/acme/{way}\"");
            assert!(refused.body.contains(&way), "a way on: {}", refused.body);
        }
    }
    // The password is another matter, and so is the browser in which the account was used.
    guess(app, &acme, &acme.email, PASSWORD).await.expect(200);
    // The letters of before are too old to be sent.
    app.clock.advance(Duration::from_secs(600));
    let (csrf, sign_in) = ask(&mut known, &acme.email).await;
    let code = app.mailed_code(&acme.email).await;
    use_up(app, &acme, "sign-in", Duration::from_secs(100_000));
    let fields = [("csrf", &*csrf), ("sign_in", &*sign_in), ("code", &*code)];
    assert_eq!(known.submit(&url, &fields).await.status, 303);
}

/// Whoever has a code of their own for somebody's account posts at it until long after it is over.
async fn a_code_that_is_over_costs_its_account_nothing(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email_code = Some(EmailCode::On);
    app.change(&acme, TenantChange { email_code, ..TenantChange::default() }).await;
    let url = acme.url("/login/code");
    let ask = async |browser: &mut Browser<'_>| {
        let csrf = field(&browser.get(&url).await, "csrf");
        let asked = browser.submit(&url, &[("csrf", &csrf), ("email", &acme.email)]).await;
        (csrf, asked.location().split("sign_in=").nth(1).unwrap().to_owned())
    };
    let mut owner = Browser::new(app);
    let (own_csrf, own_sign_in) = ask(&mut owner).await;
    let code = app.mailed_code(&acme.email).await;
    let wrong = if code == "000000" { "111111" } else { "000000" };

    let mut stranger = Browser::new(app);
    let (csrf, sign_in) = ask(&mut stranger).await;
    let cookie = stranger.cookie_header();
    let fields = [("csrf", &*csrf), ("sign_in", &*sign_in), ("code", wrong)];
    let tries = (0..TRIES + 20).map(|_| {
        app.post(&url)
            .header("cookie", &cookie)
            .header("origin", "null")
            .header("sec-fetch-site", "same-origin")
            .form(&fields)
            .send()
    });
    let answers = futures_util::future::join_all(tries).await;
    let with = |text: &str| answers.iter().filter(|answer| answer.body.contains(text)).count();
    assert_eq!(with("That is not the code"), 5);
    assert_eq!(with("Ask for a new code"), TRIES + 15);
    for _ in 0..TRIES {
        assert_eq!(stranger.submit(&url, &fields).await.status, 200);
    }

    let fields = [("csrf", &*own_csrf), ("sign_in", &*own_sign_in), ("code", &*code)];
    assert_eq!(owner.submit(&url, &fields).await.status, 303);
}

/// Nobody fills a log that only grows with what costs them nothing.
async fn the_audit_log_is_told_once_that_tries_are_refused(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let told = async || {
        let log = app.audit(&acme.tenant).await;
        log.iter().filter(|action| *action == "user.sign_in_throttled").count()
    };
    let key = doorward::crypto::digest::sha256_base64url(acme.email.as_bytes());
    let window = Duration::from_secs(60 * 90);
    use_up(app, &acme, &format!("account:{key}"), window);
    go_on_trying(app, &acme).await;
    assert_eq!(told().await, 1);
    // A try that is free meanwhile makes nothing new of it.
    app.clock.advance(Duration::from_secs(90));
    guess(app, &acme, &acme.email, "wrong").await.refused(401, "invalid_credentials");
    go_on_trying(app, &acme).await;
    assert_eq!(told().await, 1);
    // Another account is another matter.
    let other = doorward::crypto::digest::sha256_base64url(b"nobody@acme.example");
    use_up(app, &acme, &format!("account:{other}"), window);
    guess(app, &acme, "nobody@acme.example", "wrong").await.refused(429, "rate_limited");
    guess(app, &acme, "nobody@acme.example", "wrong").await.refused(429, "rate_limited");
    assert_eq!(told().await, 2);
    // They never stopped, and the log is told of it once more.
    app.clock.advance(window);
    let whole_at = (app.context.now() + window).as_millis();
    app.execute(&format!("UPDATE allowances SET whole_at = {whole_at}"));
    go_on_trying(app, &acme).await;
    assert_eq!(told().await, 3);
}

/// A hundred tries at once that are all refused.
async fn go_on_trying(app: &TestApp, acme: &TestTenant) {
    let tries = (0..100).map(|_| guess(app, acme, &acme.email, "wrong"));
    for answer in futures_util::future::join_all(tries).await {
        answer.refused(429, "rate_limited");
    }
}

async fn letters_and_accounts_are_asked_for_only_so_often_from_one_range(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email_code = Some(EmailCode::On);
    app.change(&acme, TenantChange { email_code, ..TenantChange::default() }).await;
    let forgot =
        async |email: &str| app.direct(&acme, "forgot-password", &json!({ "email": email })).await;
    for n in 0..100 {
        assert_eq!(forgot(&format!("user{n}@acme.example")).await.status, 202, "{n}");
    }
    for email in [&*acme.email, "nobody@acme.example"] {
        let refused = forgot(email).await;
        refused.refused(429, "rate_limited");
        assert!(refused.header("retry-after").is_some(), "{refused:?}");
        let body = json!({ "email": email, "password": "otters juggle quietly at noon" });
        app.direct(&acme, "register", &body).await.refused(429, "rate_limited");
        let mut browser = Browser::new(app);
        let csrf = field(&browser.get(&acme.url("/login")).await, "csrf");
        for path in ["/signup", "/forgot-password", "/verify-email", "/login/code"] {
            let fields = [
                ("csrf", &*csrf),
                ("email", email),
                ("again", "yes"),
                ("password", "otters juggle quietly at noon"),
            ];
            let page = browser.submit(&acme.url(path), &fields).await;
            assert_eq!(page.status, 429, "{path}");
            assert!(page.header("retry-after").is_some(), "{page:?}");
            assert!(page.body.contains("Wait"), "{}", page.body);
        }
    }
    // A frontend that authenticates speaks for many.
    let call = app.post(&acme.url("/v1/auth/forgot-password"));
    let call = call.basic(&acme.web.id, acme.web.secret());
    assert_eq!(call.json(&json!({ "email": acme.email })).send().await.status, 202);
    app.clock.advance(Duration::from_secs(10));
    assert_eq!(forgot(&acme.email).await.status, 202);
    forgot(&acme.email).await.refused(429, "rate_limited");
}
