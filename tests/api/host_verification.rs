//! A tenant's owner gives it a host of its own, once DNS has proved that the host is theirs.

use std::time::Duration;

use doorward::domain::member::MemberRole;
use doorward::domain::tenant::{Domain, Slug};
use doorward::flows::administration::Administrator;
use doorward::flows::administration::hosts::{self, Verification};
use doorward::flows::administration::tenants::{self, TenantChange};
use doorward::jobs;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::console::{member, operator, post, sign_in, url};
use crate::harness::{Answer, Browser, Manner, TestApp, TestTenant, field, on_both_databases};
use crate::hosts::PUBLIC;

on_both_databases! {
    at crate::hosts::PUBLIC;
    an_owner_is_shown_the_records_to_set,
    without_its_record_a_host_is_not_verified_and_nothing_changes,
    a_record_that_says_something_else_is_shown_and_proves_nothing,
    a_proved_host_is_the_tenants_and_its_path_is_no_more,
    the_record_of_another_tenant_proves_nothing,
    an_alias_proves_nothing_and_does_not_show_what_it_leads_to,
    of_two_tenants_that_prove_one_host_the_first_has_it,
    a_claim_that_is_too_old_is_not_verified_and_is_swept_out,
    a_dns_that_fails_or_is_silent_changes_nothing_and_loses_nothing,
    the_deployments_own_host_is_nobodys,
    a_host_that_is_none_is_refused_and_what_was_typed_stays,
    only_owners_change_it_and_members_see_it,
    of_verifications_at_once_one_counts,
    a_host_that_is_given_up_leads_back_to_the_path,
    a_claim_is_withdrawn,
    the_same_host_claimed_again_keeps_its_record,
    a_tenant_moves_from_one_host_to_another,
    what_was_claimed_meanwhile_is_not_verified_unseen,
    dns_is_not_asked_without_end,
    an_operator_gives_a_host_without_a_proof,
}

const HOST: &str = "login.acme.example";
const RECORD: &str = "_doorward-challenge.login.acme.example";
const SETTINGS: &str = "/t/acme/settings";
const ACT: &str = "/t/acme/settings/host";

/// A tenant and its owner at the console.
async fn owned<'a>(app: &'a TestApp, slug: &str) -> (TestTenant, Browser<'a>) {
    let tenant = app.tenant(slug).await;
    let email = member(app, &tenant, MemberRole::Owner).await;
    let browser = sign_in(app, &email).await;
    (tenant, browser)
}

async fn settings(app: &TestApp, browser: &mut Browser<'_>, slug: &str) -> Answer {
    let page = browser.get(&url(app, &format!("/t/{slug}/settings"))).await;
    assert_eq!(page.status, 200, "{page:?}");
    page
}

/// Presses a button of the settings as they are now.
async fn press(app: &TestApp, browser: &mut Browser<'_>, slug: &str, act: &str) -> Answer {
    let version = field(&settings(app, browser, slug).await, "version");
    let path = format!("/t/{slug}/settings/host");
    post(app, browser, &path, &[("act", act), ("version", &version)]).await
}

async fn claim(app: &TestApp, browser: &mut Browser<'_>, slug: &str, host: &str) -> Answer {
    let version = field(&settings(app, browser, slug).await, "version");
    let path = format!("/t/{slug}/settings/host");
    let fields = [("act", "claim"), ("version", &*version), ("host", host)];
    post(app, browser, &path, &fields).await
}

/// What the record must say, as the page shows it.
fn value(page: &Answer) -> String {
    let value = page.body.split("doorward-verification=").nth(1).expect("a value to set");
    format!("doorward-verification={}", value.split('<').next().unwrap())
}

/// A claim of the host, and what its record must say.
async fn claimed(app: &TestApp, browser: &mut Browser<'_>, slug: &str) -> String {
    assert_eq!(claim(app, browser, slug, HOST).await.status, 303);
    value(&settings(app, browser, slug).await)
}

/// The issuer that is announced at the place; `None` if nobody is there.
async fn issuer_at(app: &TestApp, place: &str) -> Option<String> {
    let answer = app.get(&format!("{place}/.well-known/openid-configuration")).send().await;
    match answer.status {
        404 => None,
        _ => Some(answer.expect(200)["issuer"].as_str().unwrap().to_owned()),
    }
}

async fn at_host(app: &TestApp) -> Option<String> {
    issuer_at(app, &format!("https://{HOST}")).await
}

/// The tenant is where it was.
async fn is_unchanged(app: &TestApp, tenant: &TestTenant) {
    assert_eq!(issuer_at(app, &tenant.issuer).await.as_ref(), Some(&tenant.issuer));
    assert_eq!(at_host(app).await, None);
    assert!(!app.audit(&tenant.tenant).await.contains(&"tenant.host_verified".to_owned()));
}

async fn an_owner_is_shown_the_records_to_set(app: &TestApp) {
    let (acme, mut owner) = owned(app, "acme").await;
    let before = settings(app, &mut owner, "acme").await;
    assert!(!before.body.contains("doorward-verification="), "{before:?}");
    assert_eq!(
        claim(app, &mut owner, "acme", " Login.ACME.example ").await.location(),
        "/console/t/acme/settings?done=host-claimed"
    );
    let page = settings(app, &mut owner, "acme").await;
    for shown in [
        format!("<code class=\"whole\">{RECORD}</code>"),
        format!("<code class=\"whole\">{HOST}</code>"),
        "<code class=\"whole\">auth.example.com</code>".to_owned(),
        format!("https://{HOST}"),
        "Tokens of the old issuer are refused".to_owned(),
        "value=\"verify\"".to_owned(),
        "value=\"withdraw\"".to_owned(),
    ] {
        assert!(page.body.contains(&shown), "{shown}: {page:?}");
    }
    let challenge = value(&page).split_once('=').unwrap().1.to_owned();
    assert!(challenge.len() >= 22 && challenge.bytes().all(|b| b.is_ascii_alphanumeric()));
    assert_eq!(app.dns.questions(), 0, "nobody is asked before the owner says so");
    is_unchanged(app, &acme).await;
    assert!(app.audit(&acme.tenant).await.contains(&"tenant.host_claimed".to_owned()));
}

async fn without_its_record_a_host_is_not_verified_and_nothing_changes(app: &TestApp) {
    let (acme, mut owner) = owned(app, "acme").await;
    let wanted = claimed(app, &mut owner, "acme").await;
    let page = press(app, &mut owner, "acme", "verify").await;
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.body.contains("DNS has no TXT record of that name"), "{page:?}");
    assert_eq!(value(&page), wanted, "the claim is still there");
    // A name that has other records, and no TXT.
    app.dns.set(RECORD, &[]);
    let page = press(app, &mut owner, "acme", "verify").await;
    assert!(page.body.contains("DNS has no TXT record of that name"), "{page:?}");
    is_unchanged(app, &acme).await;
    assert!(app.audit(&acme.tenant).await.contains(&"tenant.host_verification_failed".to_owned()));
}

async fn a_record_that_says_something_else_is_shown_and_proves_nothing(app: &TestApp) {
    let (acme, mut owner) = owned(app, "acme").await;
    let wanted = claimed(app, &mut owner, "acme").await;
    let nearly = format!("\"{wanted}\"");
    let long = "x".repeat(2_000);
    for (texts, shown) in [
        (vec!["v=spf1 -all"], "v=spf1 -all"),
        (vec![&*nearly], "doorward-verification="),
        (vec!["<script>alert(1)</script>"], "alert(1)"),
        (vec!["\u{202e}\0"], "\\u{202e}"),
        (vec![&*long], "xxx"),
        (vec!["a", "b", "c", "d", "e"], "and 2 more"),
        (vec![""], "says something else"),
    ] {
        app.dns.set(RECORD, &texts);
        let page = press(app, &mut owner, "acme", "verify").await;
        assert!(page.body.contains("the TXT record of that name says something else"), "{page:?}");
        assert!(page.body.contains(shown), "{shown}: {page:?}");
        assert!(!page.body.contains("<script>alert"), "{page:?}");
        assert!(!page.body.contains(&long), "it is shortened");
    }
    is_unchanged(app, &acme).await;
    // One record among others is enough.
    app.clock.advance(Duration::from_secs(600));
    app.dns.set(RECORD, &["v=spf1 -all", &wanted]);
    assert_eq!(press(app, &mut owner, "acme", "verify").await.status, 303);
    assert!(at_host(app).await.is_some());
}

async fn a_proved_host_is_the_tenants_and_its_path_is_no_more(app: &TestApp) {
    let (acme, mut owner) = owned(app, "acme").await;
    let wanted = claimed(app, &mut owner, "acme").await;
    assert!(issuer_at(app, &acme.issuer).await.is_some());
    app.dns.set(RECORD, &[&wanted]);
    assert_eq!(
        press(app, &mut owner, "acme", "verify").await.location(),
        "/console/t/acme/settings?done=host-verified"
    );
    assert_eq!(at_host(app).await.as_deref(), Some("https://login.acme.example"));
    assert_eq!(issuer_at(app, &acme.issuer).await, None);
    let page = settings(app, &mut owner, "acme").await;
    assert!(page.body.contains("href=\"https://login.acme.example/login\""), "{page:?}");
    assert!(page.body.contains("Give the host up"), "{page:?}");
    assert!(!page.body.contains("doorward-verification="), "the claim is done: {page:?}");
    let login = app.get("https://login.acme.example/login").send().await;
    assert!(login.body.contains("name=\"password\""), "{login:?}");
    let log = owner.get(&url(app, "/t/acme/audit?action=tenant.host_verified&format=jsonl")).await;
    let event: serde_json::Value = serde_json::from_str(log.body.trim()).unwrap();
    assert_eq!(event["target"], HOST);
    assert_eq!(event["details"]["before"]["domain"], serde_json::Value::Null);
    assert_eq!(event["details"]["after"]["domain"], HOST);
}

async fn the_record_of_another_tenant_proves_nothing(app: &TestApp) {
    let (acme, mut owner) = owned(app, "acme").await;
    let (bolt, mut other) = owned(app, "bolt").await;
    let wanted = claimed(app, &mut owner, "acme").await;
    let theirs = claimed(app, &mut other, "bolt").await;
    assert_ne!(wanted, theirs);
    app.dns.set(RECORD, &[&theirs]);
    let page = press(app, &mut owner, "acme", "verify").await;
    assert!(page.body.contains("says something else"), "{page:?}");
    is_unchanged(app, &acme).await;
    // Nor does a tenant verify by the console's page of another.
    app.dns.set(RECORD, &[&wanted]);
    let version = field(&settings(app, &mut owner, "acme").await, "version");
    let fields = [("act", "verify"), ("version", &*version)];
    assert_eq!(post(app, &mut other, ACT, &fields).await.status, 404);
    assert_eq!(post(app, &mut other, "/t/bolt/settings/host", &fields).await.status, 409);
    assert!(press(app, &mut other, "bolt", "verify").await.body.contains("says something else"));
    is_unchanged(app, &bolt).await;
}

async fn an_alias_proves_nothing_and_does_not_show_what_it_leads_to(app: &TestApp) {
    let (acme, mut owner) = owned(app, "acme").await;
    let wanted = claimed(app, &mut owner, "acme").await;
    app.dns.alias(RECORD, "inside.corp.example");
    for text in [&*wanted, "what is inside"] {
        app.dns.set("inside.corp.example", &[text]);
        let page = press(app, &mut owner, "acme", "verify").await;
        assert!(page.body.contains("An alias (CNAME) of that name does not count"), "{page:?}");
        assert!(!page.body.contains("what is inside"), "{page:?}");
    }
    is_unchanged(app, &acme).await;
}

async fn of_two_tenants_that_prove_one_host_the_first_has_it(app: &TestApp) {
    let (_, mut first) = owned(app, "acme").await;
    let (bolt, mut second) = owned(app, "bolt").await;
    let values = [claimed(app, &mut first, "acme").await, claimed(app, &mut second, "bolt").await];
    app.dns.set(RECORD, &[&values[0], &values[1]]);
    assert_eq!(press(app, &mut first, "acme", "verify").await.status, 303);
    let late = press(app, &mut second, "bolt", "verify").await;
    assert!(
        late.body.contains("another tenant of this deployment has proved this host"),
        "{late:?}"
    );
    assert_eq!(issuer_at(app, &bolt.issuer).await, Some(bolt.issuer.clone()));
    let log = app.audit(&bolt.tenant).await;
    assert!(log.contains(&"tenant.host_verification_failed".to_owned()), "{log:?}");
    // And whoever claims it now is told at once.
    let (_, mut third) = owned(app, "gizmo").await;
    let told = claim(app, &mut third, "gizmo", HOST).await;
    assert!(
        told.body.contains("another tenant of this deployment has login.acme.example"),
        "{told:?}"
    );
    // Once it is given up, it is there for the next.
    assert_eq!(press(app, &mut first, "acme", "give-up").await.status, 303);
    assert_eq!(press(app, &mut second, "bolt", "verify").await.status, 303);
    assert_eq!(at_host(app).await.as_deref(), Some("https://login.acme.example"));
    assert_eq!(issuer_at(app, &bolt.issuer).await, None);
}

async fn a_claim_that_is_too_old_is_not_verified_and_is_swept_out(app: &TestApp) {
    let (acme, mut owner) = owned(app, "acme").await;
    let wanted = claimed(app, &mut owner, "acme").await;
    app.dns.set(RECORD, &[&wanted]);
    let version = field(&settings(app, &mut owner, "acme").await, "version");
    app.clock.advance(Duration::from_secs(7 * 24 * 60 * 60 + 1));
    // The session at the console has ended meanwhile.
    let mut owner = sign_in(app, "owner@acme.example").await;
    let late = post(app, &mut owner, ACT, &[("act", "verify"), ("version", &version)]).await;
    assert!(late.body.contains("no host is claimed any more"), "{late:?}");
    assert!(!late.body.contains("doorward-verification="), "{late:?}");
    assert_eq!(app.dns.questions(), 0);
    is_unchanged(app, &acme).await;
    jobs::round(&app.context).await.unwrap();
    assert_eq!(app.execute("DELETE FROM domain_claims"), 0, "it is swept out");
    assert_ne!(claimed(app, &mut owner, "acme").await, wanted, "a new claim is proved anew");
    jobs::round(&app.context).await.unwrap();
    assert_eq!(app.execute("DELETE FROM domain_claims"), 1, "what is good stays");
}

async fn a_dns_that_fails_or_is_silent_changes_nothing_and_loses_nothing(app: &TestApp) {
    let (acme, mut owner) = owned(app, "acme").await;
    let wanted = claimed(app, &mut owner, "acme").await;
    app.dns.set(RECORD, &[&wanted]);
    for manner in [Manner::Failing, Manner::Silent] {
        app.dns.behave(manner);
        let page = press(app, &mut owner, "acme", "verify").await;
        assert!(page.body.contains("DNS does not answer for this host"), "{manner:?}: {page:?}");
        assert_eq!(value(&page), wanted);
        is_unchanged(app, &acme).await;
    }
    app.dns.behave(Manner::Answering);
    assert_eq!(press(app, &mut owner, "acme", "verify").await.status, 303);
    assert!(at_host(app).await.is_some());
}

async fn the_deployments_own_host_is_nobodys(app: &TestApp) {
    let (acme, mut owner) = owned(app, "acme").await;
    let refused = claim(app, &mut owner, "acme", "auth.example.com").await;
    assert!(
        refused.body.contains("auth.example.com is the deployment&#39;s own host"),
        "{refused:?}"
    );
    let email = operator(app).await;
    let mut operator = sign_in(app, &email).await;
    let console = claim(app, &mut operator, "console", HOST).await;
    assert!(
        console.body.contains("the console stays at the deployment&#39;s own host"),
        "{console:?}"
    );
    // Not even an operator gives it away.
    let admin = Administrator::command_line(&app.context);
    for (slug, host) in [("acme", "auth.example.com"), ("console", HOST)] {
        let domain = Some(Some(Domain::parse(host).unwrap()));
        let change = TenantChange { domain, ..TenantChange::default() };
        assert!(tenants::change(&admin, &Slug::parse(slug).unwrap(), change).await.is_err());
    }
    is_unchanged(app, &acme).await;
    assert_eq!(operator.get(&format!("{PUBLIC}/console")).await.status, 200);
}

async fn a_host_that_is_none_is_refused_and_what_was_typed_stays(app: &TestApp) {
    let (acme, mut owner) = owned(app, "acme").await;
    let label = "a".repeat(60);
    let long = format!("{label}.{label}.{label}.{label}.example");
    for (host, why) in [
        ("https://login.acme.example/", "a domain is a host name"),
        ("localhost", "a domain is a host name"),
        ("\"><script>", "a domain is a host name"),
        (&*long, "the host is too long"),
        ("", "a domain is a host name"),
    ] {
        let page = claim(app, &mut owner, "acme", host).await;
        assert!(page.body.contains(why), "{host}: {page:?}");
        assert!(host.contains('"') || page.body.contains(&format!("value=\"{host}\"")), "{page:?}");
        assert!(!page.body.contains("\"><script>"), "{page:?}");
    }
    is_unchanged(app, &acme).await;
}

async fn only_owners_change_it_and_members_see_it(app: &TestApp) {
    let (acme, mut owner) = owned(app, "acme").await;
    let (_, mut stranger) = owned(app, "bolt").await;
    let wanted = claimed(app, &mut owner, "acme").await;
    app.dns.set(RECORD, &[&wanted]);
    let version = field(&settings(app, &mut owner, "acme").await, "version");
    for role in [MemberRole::Admin, MemberRole::Viewer] {
        let email = member(app, &acme, role).await;
        let mut browser = sign_in(app, &email).await;
        let page = settings(app, &mut browser, "acme").await;
        assert_eq!(value(&page), wanted, "it is no secret: {page:?}");
        assert!(!page.body.contains("/settings/host"), "{page:?}");
        for act in ["claim", "verify", "withdraw", "give-up"] {
            let fields = [("act", act), ("version", &*version), ("host", HOST)];
            assert_eq!(post(app, &mut browser, ACT, &fields).await.status, 403, "{act}");
            assert_eq!(post(app, &mut stranger, ACT, &fields).await.status, 404, "{act}");
        }
    }
    assert_eq!(stranger.get(&url(app, SETTINGS)).await.status, 404);
    is_unchanged(app, &acme).await;
    assert_eq!(press(app, &mut owner, "acme", "verify").await.status, 303);
}

async fn of_verifications_at_once_one_counts(app: &TestApp) {
    let (acme, mut owner) = owned(app, "acme").await;
    let wanted = claimed(app, &mut owner, "acme").await;
    app.dns.set(RECORD, &[&wanted]);
    let admin = Administrator::command_line(&app.context);
    let outcomes = join_all((0..8).map(|_| hosts::verify(&admin, acme.tenant.id, None))).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    assert!(outcomes.contains(&Verification::Verified), "{outcomes:?}");
    let is_kind = |outcome| [Verification::Verified, Verification::NoClaim].contains(outcome);
    assert!(outcomes.iter().all(is_kind), "nobody is told of a fault: {outcomes:?}");
    assert!(at_host(app).await.is_some());
    let log = app.audit(&acme.tenant).await;
    assert_eq!(log.iter().filter(|action| *action == "tenant.host_verified").count(), 1, "{log:?}");
}

async fn a_host_that_is_given_up_leads_back_to_the_path(app: &TestApp) {
    let (acme, mut owner) = owned(app, "acme").await;
    let wanted = claimed(app, &mut owner, "acme").await;
    app.dns.set(RECORD, &[&wanted]);
    press(app, &mut owner, "acme", "verify").await;
    let page = settings(app, &mut owner, "acme").await;
    assert!(
        page.body.contains("<code class=\"whole\">https://auth.example.com/t/acme</code>"),
        "{page:?}"
    );
    assert_eq!(press(app, &mut owner, "acme", "give-up").await.status, 303);
    assert_eq!(issuer_at(app, &acme.issuer).await.as_ref(), Some(&acme.issuer));
    assert_eq!(at_host(app).await, None);
    for (action, before, after) in [
        ("tenant.host_verified", json!(null), json!(HOST)),
        ("tenant.host_given_up", json!(HOST), json!(null)),
    ] {
        let at = format!("/t/acme/audit?format=jsonl&action={action}");
        let log = owner.get(&url(app, &at)).await;
        let event: Value = serde_json::from_str(log.body.trim()).unwrap();
        let details = &event["details"];
        assert_eq!((&details["before"]["domain"], &details["after"]["domain"]), (&before, &after));
    }
    let nothing = press(app, &mut owner, "acme", "give-up").await;
    assert!(nothing.body.contains("the tenant has no host of its own"), "{nothing:?}");
    assert_ne!(
        claimed(app, &mut owner, "acme").await,
        wanted,
        "the old record proves nothing more"
    );
}

async fn a_claim_is_withdrawn(app: &TestApp) {
    let (acme, mut owner) = owned(app, "acme").await;
    let wanted = claimed(app, &mut owner, "acme").await;
    app.dns.set(RECORD, &[&wanted]);
    assert_eq!(press(app, &mut owner, "acme", "withdraw").await.status, 303);
    let page = settings(app, &mut owner, "acme").await;
    assert!(!page.body.contains("doorward-verification="), "{page:?}");
    let none = press(app, &mut owner, "acme", "verify").await;
    assert!(none.body.contains("no host is claimed any more"), "{none:?}");
    let twice = press(app, &mut owner, "acme", "withdraw").await;
    assert!(twice.body.contains("no host is claimed"), "{twice:?}");
    is_unchanged(app, &acme).await;
    assert!(app.audit(&acme.tenant).await.contains(&"tenant.host_claim_withdrawn".to_owned()));
}

async fn the_same_host_claimed_again_keeps_its_record(app: &TestApp) {
    let (_, mut owner) = owned(app, "acme").await;
    let wanted = claimed(app, &mut owner, "acme").await;
    assert_eq!(claimed(app, &mut owner, "acme").await, wanted);
    assert_eq!(claim(app, &mut owner, "acme", "sso.acme.example").await.status, 303);
    let page = settings(app, &mut owner, "acme").await;
    assert_ne!(value(&page), wanted);
    assert!(page.body.contains("_doorward-challenge.sso.acme.example"), "{page:?}");
    assert!(!page.body.contains(RECORD), "a tenant claims one host at a time: {page:?}");
}

async fn a_tenant_moves_from_one_host_to_another(app: &TestApp) {
    let (acme, mut owner) = owned(app, "acme").await;
    let wanted = claimed(app, &mut owner, "acme").await;
    app.dns.set(RECORD, &[&wanted]);
    press(app, &mut owner, "acme", "verify").await;
    let own = claim(app, &mut owner, "acme", HOST).await;
    assert!(own.body.contains("login.acme.example is this tenant&#39;s host already"), "{own:?}");
    assert_eq!(claim(app, &mut owner, "acme", "sso.acme.example").await.status, 303);
    let page = settings(app, &mut owner, "acme").await;
    assert!(page.body.contains("https://login.acme.example/login"), "it is there until then");
    assert!(at_host(app).await.is_some());
    app.dns.set("_doorward-challenge.sso.acme.example", &[&value(&page)]);
    assert_eq!(press(app, &mut owner, "acme", "verify").await.status, 303);
    let new = issuer_at(app, "https://sso.acme.example").await;
    assert_eq!(new.as_deref(), Some("https://sso.acme.example"));
    assert_eq!(at_host(app).await, None);
    assert_eq!(issuer_at(app, &acme.issuer).await, None);
}

async fn what_was_claimed_meanwhile_is_not_verified_unseen(app: &TestApp) {
    let (acme, mut owner) = owned(app, "acme").await;
    let wanted = claimed(app, &mut owner, "acme").await;
    app.dns.set(RECORD, &[&wanted]);
    let version = field(&settings(app, &mut owner, "acme").await, "version");
    claim(app, &mut owner, "acme", "sso.acme.example").await;
    for act in ["verify", "withdraw", "claim", "give-up"] {
        let fields = [("act", act), ("version", &*version), ("host", HOST)];
        let stale = post(app, &mut owner, ACT, &fields).await;
        assert_eq!(stale.status, 409, "{act}: {stale:?}");
        assert!(stale.body.contains("sso.acme.example"), "it says what is there: {stale:?}");
    }
    assert_eq!(app.dns.questions(), 0);
    is_unchanged(app, &acme).await;
}

async fn dns_is_not_asked_without_end(app: &TestApp) {
    let (_, mut owner) = owned(app, "acme").await;
    let wanted = claimed(app, &mut owner, "acme").await;
    for _ in 0..10 {
        let page = press(app, &mut owner, "acme", "verify").await;
        assert!(page.body.contains("DNS has no TXT record of that name"), "{page:?}");
    }
    let asked = app.dns.questions();
    app.dns.set(RECORD, &[&wanted]);
    let page = press(app, &mut owner, "acme", "verify").await;
    assert!(
        page.body.contains("DNS was asked too often for this tenant; try again in"),
        "{page:?}"
    );
    assert_eq!(app.dns.questions(), asked);
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(press(app, &mut owner, "acme", "verify").await.status, 303);
}

async fn an_operator_gives_a_host_without_a_proof(app: &TestApp) {
    let (_, mut owner) = owned(app, "acme").await;
    claimed(app, &mut owner, "acme").await;
    let email = operator(app).await;
    let mut operator = sign_in(app, &email).await;
    let page = settings(app, &mut operator, "acme").await;
    let form = page.body.split("action=\"/console/t/acme/settings\"").nth(1).expect("a form");
    let version = form.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next();
    let fields = [("version", version.unwrap()), ("domain", HOST)];
    assert_eq!(post(app, &mut owner, SETTINGS, &fields).await.status, 403);
    let bad = [fields[0], ("domain", "https://login.acme.example/")];
    let refused = post(app, &mut operator, SETTINGS, &bad).await;
    assert!(refused.body.contains("a domain is a host name"), "{refused:?}");
    assert_eq!(post(app, &mut operator, SETTINGS, &fields).await.status, 303);
    assert_eq!(at_host(app).await.as_deref(), Some("https://login.acme.example"));
    let page = settings(app, &mut owner, "acme").await;
    assert!(!page.body.contains("doorward-verification="), "the claim is settled: {page:?}");
    assert_eq!(app.dns.questions(), 0);
    assert_eq!(press(app, &mut owner, "acme", "give-up").await.status, 303);
    assert_eq!(at_host(app).await, None);
}
