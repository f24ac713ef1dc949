//! A session that ends between the moment a form arrives and the moment it is acted on. The flows are called with
//! what the page had found, so that the order is certain.

use std::time::Duration;

use doorward::domain::email_address::EmailAddress;
use doorward::domain::identity::Subject;
use doorward::domain::parameters::Parameters;
use doorward::domain::provider::Provider;
use doorward::domain::tenant::DisplayName;
use doorward::domain::upstream_sign_in::Purpose;
use doorward::flows::account::authority::Acted;
use doorward::flows::account::email_change;
use doorward::flows::account::profile::{self, Ended};
use doorward::flows::account::session::SignedInBrowser;
use doorward::flows::account::throttle::{Asked, Asker};
use doorward::flows::federation::complete::{Outcome, Returned, complete};
use doorward::flows::federation::link::{Unlinked, unlink};
use doorward::flows::federation::{Refusal, Visitor};
use doorward::flows::oauth::authorize::{ReplyTo, check};
use doorward::flows::oauth::consent::{Choice, choose};
use doorward::storage::{Device, StorageError};
use serde_json::json;

use crate::harness::federation::{Email, Pair, through, user};
use crate::harness::{
    Browser, PASSWORD, TestApp, TestTenant, absolute, field, on_both_databases, query,
};

on_both_databases! {
    what_a_recovery_has_ended_does_nothing_more,
    what_a_recovery_has_ended_links_nothing,
    a_form_that_was_open_during_a_recovery_leads_to_the_sign_in,
    what_asks_for_a_fresh_sign_in_asks_at_the_very_end,
    a_session_that_stands_does_all_of_it,
}

const NEW: &str = "otters juggle quietly at noon";
const THIEFS: &str = "a lantern in the meadow at dusk";

/// Who the one browser of the tenant's user is, as a page finds it.
async fn found(app: &TestApp, acme: &TestTenant) -> SignedInBrowser {
    let user = acme.user;
    let since = app.context.now() - Duration::from_secs(3_600);
    let found = app.context.db.read::<_, StorageError>(acme.tenant.id, move |tx| {
        let listed = tx.sessions().list(user, since, &[])?;
        Ok((listed.sessions, tx.users().profile(user)?))
    });
    let (mut listed, profile) = found.await.unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
    SignedInBrowser { session: listed.remove(0).session, profile: profile.unwrap() }
}

async fn recover(app: &TestApp, acme: &TestTenant) {
    app.direct(acme, "forgot-password", &json!({ "email": acme.email })).await.expect(202);
    let token = app.mailed_token(&acme.email).await;
    let reset = json!({ "token": token, "password": NEW });
    assert_eq!(app.direct(acme, "reset-password", &reset).await.status, 204);
}

/// All that a session does, by name, and whether it was done.
async fn do_all(
    app: &TestApp,
    acme: &TestTenant,
    provider: &Provider,
    browser: &SignedInBrowser,
) -> Vec<(&'static str, bool)> {
    let (context, tenant) = (&*app.context, &*app.snapshot(acme).await);
    let is_done = |acted: Acted| acted == Acted::Done(());
    let mut done = Vec::new();

    let name = DisplayName::parse("Mallory").ok();
    let acted = profile::rename(context, tenant, browser, name, None).await.unwrap();
    done.push(("rename", is_done(acted)));

    let email = EmailAddress::parse("thief@x.example").unwrap();
    let acted = email_change::ask(context, tenant, browser, &email, Asker::default()).await;
    done.push(("change of address", acted.unwrap() == Acted::Done(Asked::Done(()))));

    let (app_id, query) = (&acme.web, acme.authorization(&acme.web).encode());
    let parameters = Parameters::parse(query.as_bytes()).unwrap();
    let reply_to = ReplyTo::find(tenant, &parameters).unwrap();
    let asked = check(tenant, &reply_to, &parameters).unwrap();
    let acted = choose(context, tenant, &asked, browser, Choice::Allow, None).await.unwrap();
    done.push(("consent", is_done(acted)));

    let id = doorward::domain::ids::ApplicationId::parse(&app_id.id).unwrap();
    let acted = profile::disconnect(context, tenant, browser, id, None).await.unwrap();
    done.push(("disconnect", is_done(acted)));

    let acted = profile::end_sessions(context, tenant, browser, Ended::AllOthers, None).await;
    done.push(("end of other sessions", is_done(acted.unwrap())));

    let subject = Subject::parse("nobody").unwrap();
    let visitor = Visitor {
        browser: "a browser",
        session: Some(&browser.session),
        device: Device::default(),
    };
    let unlinked = unlink(context, tenant, provider, subject, &visitor).await.unwrap();
    done.push(("unlinking", unlinked != Unlinked::NotFresh));

    let planned = profile::plan_deletion(context, tenant, browser, None).await.unwrap();
    done.push(("deletion", matches!(planned, Acted::Done(Ok(())))));

    let kept = profile::keep_account(context, tenant, browser, None).await.unwrap();
    done.push(("keeping", is_done(kept)));

    let changed = profile::change_password(context, tenant, browser, THIEFS, None).await.unwrap();
    done.push(("password", is_done(changed.unwrap())));
    done
}

async fn provider(app: &TestApp, pair: &Pair) -> Provider {
    app.snapshot(&pair.acme).await.provider("upstream").unwrap().provider.clone()
}

async fn signed_in<'a>(app: &'a TestApp, pair: &Pair) -> (Browser<'a>, SignedInBrowser) {
    let mut browser = Browser::new(app);
    browser.sign_in(&pair.acme).await;
    let found = found(app, &pair.acme).await;
    (browser, found)
}

async fn what_a_recovery_has_ended_does_nothing_more(app: &TestApp) {
    let pair = Pair::new(app).await;
    let provider = provider(app, &pair).await;
    let (_, thief) = signed_in(app, &pair).await;
    recover(app, &pair.acme).await;
    let before = app.audit(&pair.acme.tenant).await;
    for (what, is_done) in do_all(app, &pair.acme, &provider, &thief).await {
        assert!(!is_done, "{what}");
    }
    assert_eq!(app.audit(&pair.acme.tenant).await, before);
    assert!(app.mail_to("thief@x.example").await.is_empty());
    let login = |password: &str| json!({ "email": pair.acme.email, "password": password });
    app.direct(&pair.acme, "login", &login(THIEFS)).await.refused(401, "invalid_credentials");
    app.direct(&pair.acme, "login", &login(NEW)).await.expect(200);
}

async fn a_session_that_stands_does_all_of_it(app: &TestApp) {
    let pair = Pair::new(app).await;
    let provider = provider(app, &pair).await;
    let (_, owner) = signed_in(app, &pair).await;
    for (what, is_done) in do_all(app, &pair.acme, &provider, &owner).await {
        assert!(is_done, "{what}");
    }
}

async fn what_asks_for_a_fresh_sign_in_asks_at_the_very_end(app: &TestApp) {
    let pair = Pair::new(app).await;
    let provider = provider(app, &pair).await;
    let (_, owner) = signed_in(app, &pair).await;
    app.clock.advance(Duration::from_secs(600));
    let strict = ["change of address", "unlinking", "deletion", "password"];
    for (what, is_done) in do_all(app, &pair.acme, &provider, &owner).await {
        assert_eq!(is_done, !strict.contains(&what), "{what}");
    }
}

/// While the browser was away at the provider.
async fn what_a_recovery_has_ended_links_nothing(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, "thief@evil.example", Email::Verified).await;
    let (mut browser, thief) = signed_in(app, &pair).await;
    let url = pair.acme.url("/account/identities");
    let csrf = field(&browser.get(&url).await, "csrf");
    let form = [("csrf", csrf.as_str()), ("provider", "upstream"), ("choice", "link")];
    let away = browser.submit(&url, &form).await;
    let back = query(&through(&mut browser, &pair.upstream, &away, "thief@evil.example").await);
    recover(app, &pair.acme).await;
    let tenant = app.snapshot(&pair.acme).await;
    let returned = Returned {
        state: Some(&back["state"]),
        code: Some(&back["code"]),
        error: None,
        issuer: back.get("iss").map(String::as_str),
    };
    // Its forms' token is what the browser is known by.
    let visitor =
        Visitor { browser: &csrf, session: Some(&thief.session), device: Device::default() };
    let stored = tenant.provider("upstream").unwrap();
    let outcome = complete(&app.context, &tenant, stored, returned, visitor).await.unwrap();
    let Outcome::Refused { why: Refusal::NotFresh, purpose: Some(Purpose::Link { .. }) } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert!(!app.audit(&pair.acme.tenant).await.contains(&"identity.linked".to_owned()));
}

async fn a_form_that_was_open_during_a_recovery_leads_to_the_sign_in(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut thief = Browser::new(app);
    thief.sign_in(&acme).await;
    let csrf = field(&thief.get(&acme.url("/account")).await, "csrf");
    recover(app, &acme).await;
    for (path, name, value) in [
        ("/account", "name", "Mallory"),
        ("/account/password", "password", THIEFS),
        ("/account/email", "email", "thief@x.example"),
        ("/account/delete", "choice", "delete"),
        ("/account/sessions", "end", "others"),
        ("/account/apps", "remove", &acme.web.id),
    ] {
        let form = [("csrf", csrf.as_str()), (name, value)];
        let answer = thief.submit(&acme.url(path), &form).await;
        assert_eq!(answer.location(), "/t/acme/login", "{path}");
        let page = thief.get(&absolute(&acme, answer.location())).await;
        assert_eq!(page.status, 200, "{path}");
    }
    let old = json!({ "email": acme.email, "password": PASSWORD });
    app.direct(&acme, "login", &old).await.refused(401, "invalid_credentials");
}
