//! An account that somebody makes under another's address, before its owner comes: whatever they plant in it, a
//! password, an identity, a session, the account's end, none of it is of use once the owner has shown up.

use std::time::Duration;

use doorward::domain::email_address::EmailAddress;
use doorward::domain::member::MemberRole;
use doorward::domain::provider::UnverifiedEmail;
use doorward::domain::tenant::{EmailVerification, SignUp};
use doorward::flows::administration::tenants::TenantChange;
use doorward::flows::administration::{Administrator, members, operators};
use serde_json::json;

use crate::federation::{account, choose, says};
use crate::harness::federation::{Email, Pair, federate, log_in, through, user};
use crate::harness::{Browser, PASSWORD, TestApp, field, on_both_databases};

on_both_databases! {
    no_identity_is_linked_before_the_address_is_proved,
    a_proved_address_drops_the_identities_of_whoever_made_the_account,
    a_planted_change_of_address_comes_to_nothing,
    a_planted_deletion_is_called_off,
    an_invited_member_does_not_get_a_stranger_s_account,
    the_console_s_accounts_always_prove_their_address,
    a_provider_that_vouches_later_makes_the_address_verified,
    an_address_that_looks_alike_is_none,
    nobody_is_led_to_prove_their_address_for_an_account_of_somebody_else,
    a_new_password_ends_the_links_that_were_asked_for,
    nobody_is_written_to_for_each_click_in_an_account_under_their_address,
}

const VICTIM: &str = "victim@new.example";
const ATTACKER: &str = "mallory@evil.example";
const NEW: &str = "another-Kestrel-47-pie";

/// Signed up with the victim's address and a password, and signed in.
async fn planted<'a>(app: &'a TestApp, pair: &Pair) -> Browser<'a> {
    let sign_up = json!({ "email": VICTIM, "password": PASSWORD });
    app.direct(&pair.acme, "register", &sign_up).await.expect(201);
    let mut browser = Browser::new(app);
    let page = browser.get(&pair.acme.url("/login")).await;
    log_in(&mut browser, &pair.acme, &page, VICTIM).await;
    assert!(account(&mut browser, pair).await.is_some());
    browser
}

async fn no_identity_is_linked_before_the_address_is_proved(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, ATTACKER, Email::Verified).await;
    let mut attacker = planted(app, &pair).await;
    let away = choose(&mut attacker, &pair, "link", "upstream").await;
    let back = through(&mut attacker, &pair.upstream, &away, ATTACKER).await;
    says(&attacker.get(&back).await, "Verify your address first");
    let audit = app.audit(&pair.acme.tenant).await;
    assert!(!audit.contains(&"identity.linked".to_owned()), "{audit:?}");
    // Once it is proved, by whoever reads mail there, it goes.
    let token = app.mailed_token(VICTIM).await;
    app.direct(&pair.acme, "verify-email", &json!({ "token": token })).await;
    let away = choose(&mut attacker, &pair, "link", "upstream").await;
    let back = through(&mut attacker, &pair.upstream, &away, ATTACKER).await;
    assert!(attacker.get(&back).await.location().ends_with("/account/identities"));
}

/// The account came by a provider that does not vouch for the address.
async fn a_proved_address_drops_the_identities_of_whoever_made_the_account(app: &TestApp) {
    let pair = Pair::varied(app, |new| new.unverified_email = UnverifiedEmail::Accepted).await;
    for (address, is_own_browser) in [(VICTIM, false), ("honest@new.example", true)] {
        user(app, &pair.upstream, address, Email::Unverified).await;
        let mut maker = Browser::new(app);
        federate(&mut maker, &pair, address).await;
        assert!(account(&mut maker, &pair).await.is_some());
        // They are asked to prove it.
        let link = app.mailed_link(address).await;
        let mut other = Browser::new(app);
        let reader = if is_own_browser { &mut maker } else { &mut other };
        let page = reader.get(&link).await;
        let (csrf, token) =
            (crate::harness::field(&page, "csrf"), crate::harness::field(&page, "token"));
        let form = [("csrf", csrf.as_str()), ("token", &token)];
        assert_eq!(reader.submit(&pair.acme.url("/verify-email"), &form).await.status, 303);
        let mut again = Browser::new(app);
        federate(&mut again, &pair, address).await;
        let got_in = account(&mut again, &pair).await.is_some();
        assert_eq!(got_in, is_own_browser, "{address}");
    }
}

/// The letter of the sign-up proves the address; whoever signed up may have asked to move the account before.
async fn a_planted_change_of_address_comes_to_nothing(app: &TestApp) {
    let pair = Pair::new(app).await;
    let url = |path: &str| pair.acme.url(path);
    let rounds =
        [(false, false, true), (false, false, false), (true, false, true), (false, true, true)];
    for (round, (by_json, is_own_browser, is_sent)) in rounds.into_iter().enumerate() {
        let new = format!("mallory-{round}@evil.example");
        let mut maker = planted(app, &pair).await;
        let verify = app.mailed_token(VICTIM).await;
        let csrf = crate::harness::field(&maker.get(&url("/account/email")).await, "csrf");
        let form = [("csrf", csrf.as_str()), ("email", &new)];
        assert_eq!(maker.submit(&url("/account/email"), &form).await.status, 200);
        let link = if is_sent { Some(app.mailed_link(&new).await) } else { None };
        if by_json {
            let answer = app.direct(&pair.acme, "verify-email", &json!({ "token": verify })).await;
            assert_eq!(answer.status, 204);
        } else {
            let mut phone = Browser::new(app);
            let reader = if is_own_browser { &mut maker } else { &mut phone };
            let page = reader.get(&url(&format!("/verify-email?token={verify}"))).await;
            // Whoever did not sign up is told what to do.
            assert!(page.body.contains("Choose a password of your own"), "{}", page.body);
            assert!(page.body.contains("href=\"/t/acme/forgot-password\""), "{}", page.body);
            let csrf = crate::harness::field(&page, "csrf");
            let form = [("csrf", csrf.as_str()), ("token", &verify)];
            assert_eq!(reader.submit(&url("/verify-email"), &form).await.status, 303);
        }
        match link {
            Some(link) => {
                let page = Browser::new(app).get(&link).await;
                let is_void = page.body.contains("This link does not work any more");
                assert_eq!(is_void, !is_own_browser, "{}", page.body);
            }
            None => assert!(app.mail_to(&new).await.is_empty()),
        }
        // An honest maker goes on at the desk; the owner who did not sign up puts everybody out.
        assert_eq!(maker.get(&url("/account")).await.status, 200);
        app.clock.advance(Duration::from_secs(60));
        app.direct(&pair.acme, "forgot-password", &json!({ "email": VICTIM })).await.expect(202);
        let reset = json!({ "token": app.mailed_token(VICTIM).await, "password": NEW });
        assert_eq!(app.direct(&pair.acme, "reset-password", &reset).await.status, 204);
        assert_eq!(maker.get(&url("/account")).await.status, 303);
        app.execute(&format!("DELETE FROM users WHERE email = '{VICTIM}'"));
        app.clock.advance(Duration::from_secs(2 * 3_600));
    }
}

async fn a_planted_deletion_is_called_off(app: &TestApp) {
    let pair = Pair::new(app).await;
    for by_provider in [true, false] {
        let mut attacker = planted(app, &pair).await;
        let url = pair.acme.url("/account/delete");
        let csrf = crate::harness::field(&attacker.get(&url).await, "csrf");
        attacker.submit(&url, &[("csrf", &csrf), ("choice", "delete")]).await;
        assert_eq!(app.execute("UPDATE users SET name = name WHERE deletes_at IS NOT NULL"), 1);
        if by_provider {
            user(app, &pair.upstream, VICTIM, Email::Verified).await;
            let mut owner = Browser::new(app);
            federate(&mut owner, &pair, VICTIM).await;
            let page = account(&mut owner, &pair).await.unwrap();
            assert!(!page.contains("will be deleted"), "{page}");
        } else {
            app.clock.advance(Duration::from_secs(60));
            app.direct(&pair.acme, "forgot-password", &json!({ "email": VICTIM }))
                .await
                .expect(202);
            let token = app.mailed_token(VICTIM).await;
            let reset = json!({ "token": token, "password": NEW });
            assert_eq!(app.direct(&pair.acme, "reset-password", &reset).await.status, 204);
        }
        assert_eq!(app.execute("UPDATE users SET name = name WHERE deletes_at IS NOT NULL"), 0);
        app.execute(&format!("DELETE FROM users WHERE email = '{VICTIM}'"));
        app.clock.advance(Duration::from_secs(3_600));
    }
}

async fn an_invited_member_does_not_get_a_stranger_s_account(app: &TestApp) {
    let acme = app.tenant("acme").await;
    operators::set_sign_up(&app.context, SignUp::Open).await.unwrap();
    let at = |path: &str| format!("{}/t/console{path}", app.context.public_url.as_str());
    let mut stranger = Browser::new(app);
    let csrf = crate::harness::field(&stranger.get(&at("/signup")).await, "csrf");
    let form = [("csrf", csrf.as_str()), ("email", VICTIM), ("password", PASSWORD)];
    let answer = stranger.submit(&at("/signup"), &form).await;
    assert!(answer.body.contains("Look at your mail"), "{answer:?}");
    let confirmation = app.mailed_link(VICTIM).await;

    app.clock.advance(Duration::from_secs(60));
    let admin = Administrator::command_line(&app.context);
    let address = EmailAddress::parse(VICTIM).unwrap();
    members::add(&admin, &acme.tenant, address, MemberRole::Owner).await.unwrap();
    // Even if the victim had pressed the button of the stranger's letter.
    let page = stranger.get(&confirmation).await;
    assert!(page.body.contains("This link does not work any more"), "{page:?}");
    let csrf = crate::harness::field(&stranger.get(&at("/login")).await, "csrf");
    let form = [("csrf", csrf.as_str()), ("email", VICTIM), ("password", PASSWORD)];
    let answer = stranger.submit(&at("/login"), &form).await;
    assert!(answer.body.contains("do not match"), "{answer:?}");
    // The invitation is a link to choose a password of one's own.
    let invitation = app.mailed_link(VICTIM).await;
    assert!(invitation.contains("/t/console/reset-password?token="), "{invitation}");
    // Whoever is a member already is not written to again.
    let before = app.mail_to(VICTIM).await.len();
    let address = EmailAddress::parse(VICTIM).unwrap();
    assert!(members::add(&admin, &acme.tenant, address, MemberRole::Viewer).await.is_err());
    assert_eq!(app.mail_to(VICTIM).await.len(), before);
}

async fn the_console_s_accounts_always_prove_their_address(app: &TestApp) {
    let console = operators::console_tenant(&app.context).await.unwrap();
    assert_eq!(console.accounts.email_verification, EmailVerification::Required);
    let change = TenantChange {
        email_verification: Some(EmailVerification::Optional),
        ..TenantChange::default()
    };
    let admin = Administrator::command_line(&app.context);
    let changed =
        doorward::flows::administration::tenants::change(&admin, &console.slug, change).await;
    assert!(changed.unwrap_err().to_string().contains("verified"));
}

async fn a_provider_that_vouches_later_makes_the_address_verified(app: &TestApp) {
    let pair = Pair::varied(app, |new| new.unverified_email = UnverifiedEmail::Accepted).await;
    user(app, &pair.upstream, "grace@new.example", Email::Unverified).await;
    let mut browser = Browser::new(app);
    federate(&mut browser, &pair, "grace@new.example").await;
    assert!(account(&mut browser, &pair).await.unwrap().contains("not verified"));
    // From now on it must be; the provider has looked meanwhile.
    let change = TenantChange {
        email_verification: Some(EmailVerification::Required),
        ..TenantChange::default()
    };
    app.change(&pair.acme, change).await;
    says(&federate(&mut Browser::new(app), &pair, "grace@new.example").await, "has not checked");
    app.execute("UPDATE users SET email_verified = TRUE WHERE tenant_id = (SELECT id FROM tenants WHERE slug = 'upstream')");
    let mut browser = Browser::new(app);
    federate(&mut browser, &pair, "grace@new.example").await;
    let page = account(&mut browser, &pair).await.unwrap();
    assert!(page.contains("class=\"chip\">verified<"), "{page}");
}

/// `ﬁ` and `fi` find the same account, but are not surely the same mailbox: who came first with the one would keep
/// the owner of the other out.
async fn an_address_that_looks_alike_is_none(app: &TestApp) {
    let pair = Pair::new(app).await;
    let sign_up = json!({ "email": "\u{fb01}ona@new.example", "password": PASSWORD });
    let refused = app.direct(&pair.acme, "register", &sign_up).await;
    refused.refused(400, "invalid_request");
    let sign_up = json!({ "email": "fiona@new.example", "password": PASSWORD });
    app.direct(&pair.acme, "register", &sign_up).await.expect(201);
    let login = json!({ "email": "fiona@new.example", "password": PASSWORD });
    app.direct(&pair.acme, "login", &login).await.expect(200);
}

/// An attacker moves an account of their own, with an identity linked to it, to the address of a victim; who presses
/// the button in the letter, believing that it is about an account of theirs.
async fn nobody_is_led_to_prove_their_address_for_an_account_of_somebody_else(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, ATTACKER, Email::Verified).await;
    let mut attacker = Browser::new(app);
    federate(&mut attacker, &pair, ATTACKER).await;
    let at = pair.acme.url("/account/email");
    let csrf = field(&attacker.get(&at).await, "csrf");
    attacker.submit(&at, &[("csrf", &csrf), ("email", VICTIM)]).await;
    let link = app.mailed_link(VICTIM).await;

    let mut victim = Browser::new(app);
    let confirm = pair.acme.url("/account/email/confirm");
    let page = victim.get(&link).await;
    assert!(page.body.contains("Sign in to your account first"), "{page:?}");
    assert!(!page.body.contains("name=\"token\""), "{page:?}");
    let (_, token) = link.split_once("token=").unwrap();
    let csrf = field(&victim.get(&pair.acme.url("/login")).await, "csrf");
    let fields = [("csrf", &*csrf), ("token", token)];
    let refused = victim.submit(&confirm, &fields).await;
    assert!(refused.body.contains("Sign in to your account first"), "{refused:?}");
    // Nor in an account of the victim's own.
    victim.sign_in(&pair.acme).await;
    let refused = victim.submit(&confirm, &fields).await;
    assert!(refused.body.contains("Sign in to your account first"), "{refused:?}");
    let page = account(&mut attacker, &pair).await.unwrap();
    assert!(page.contains(ATTACKER) && !page.contains(VICTIM), "{page}");
    // The address is free for its owner.
    let sign_up = json!({ "email": VICTIM, "password": NEW });
    app.direct(&pair.acme, "register", &sign_up).await.expect(201);
}

/// A thief in a session asks for a link to an address of their own; then the owner changes the password.
async fn a_new_password_ends_the_links_that_were_asked_for(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut thief = Browser::new(app);
    thief.sign_in(&acme).await;
    let at = acme.url("/account/email");
    let csrf = crate::harness::field(&thief.get(&at).await, "csrf");
    thief.submit(&at, &[("csrf", &csrf), ("email", ATTACKER)]).await;
    let link = app.mailed_link(ATTACKER).await;
    let mut owner = Browser::new(app);
    owner.sign_in(&acme).await;
    let at = acme.url("/account/password");
    let csrf = crate::harness::field(&owner.get(&at).await, "csrf");
    assert_eq!(owner.submit(&at, &[("csrf", &csrf), ("password", NEW)]).await.status, 303);
    let page = Browser::new(app).get(&link).await;
    assert!(page.body.contains("does not work any more"), "{page:?}");
}

/// Somebody signs up with a stranger's address, and plans and takes back its deletion again and again.
async fn nobody_is_written_to_for_each_click_in_an_account_under_their_address(app: &TestApp) {
    let pair = Pair::new(app).await;
    let mut attacker = planted(app, &pair).await;
    let url = pair.acme.url("/account/delete");
    for choice in ["delete", "delete", "keep", "delete"] {
        let csrf = crate::harness::field(&attacker.get(&pair.acme.url("/account")).await, "csrf");
        attacker.submit(&url, &[("csrf", &csrf), ("choice", choice)]).await;
    }
    let letters = app.mail_to(VICTIM).await;
    assert_eq!(letters.len(), 1, "the one that asks whether the address is theirs: {letters:?}");
    // An owner is told, once.
    let mut owner = Browser::new(app);
    owner.sign_in(&pair.acme).await;
    for _ in 0..3 {
        let csrf = crate::harness::field(&owner.get(&pair.acme.url("/account")).await, "csrf");
        owner.submit(&url, &[("csrf", &csrf), ("choice", "delete")]).await;
    }
    let letters = app.mail_to(&pair.acme.email).await;
    assert_eq!(letters.len(), 1, "{letters:?}");
}
