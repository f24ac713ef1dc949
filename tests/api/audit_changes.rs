//! Every change leaves an event in the audit log, with what was there before and after; the table of them is held
//! against the list of all actions.

use doorward::domain::audit::Action;
use doorward::domain::member::MemberRole;
use doorward::domain::provider::ProfileRefresh;
use doorward::flows::administration::keys::Takeover;
use serde_json::{Value, json};

use crate::console::{member, post, sign_in, url};
use crate::harness::federation::{Email, Pair, federate, user};
use crate::harness::{Browser, TestApp, TestTenant, VERIFIER, field, on_both_databases};

on_both_databases! {
    a_provider_that_is_set_changed_and_removed_leaves_events,
    secrets_and_apps_that_come_and_go_leave_events,
    a_role_that_is_changed_and_deleted_leaves_events,
    an_address_that_moves_leaves_an_event,
    what_a_tenant_decides_leaves_events,
    a_profile_that_a_provider_refreshes_leaves_an_event,
    a_host_that_is_claimed_and_withdrawn_leaves_events,
    keys_that_are_rotated_and_withdrawn_leave_events,
    a_letter_that_is_tried_again_leaves_an_event,
    a_deletion_that_is_planned_and_taken_back_leaves_events,
    an_operator_that_is_made_leaves_an_event,
    every_action_is_a_change_or_something_that_happened,
}

async fn owner<'a>(app: &'a TestApp, tenant: &TestTenant) -> Browser<'a> {
    let email = member(app, tenant, MemberRole::Owner).await;
    sign_in(app, &email).await
}

async fn done(app: &TestApp, browser: &mut Browser<'_>, path: &str, fields: &[(&str, &str)]) {
    let answer = post(app, browser, path, fields).await;
    assert!([200, 303].contains(&answer.status), "{path} {fields:?}: {answer:?}");
}

/// What the newest event of that action says was before and after.
async fn newest(app: &TestApp, browser: &mut Browser<'_>, action: &str) -> (Value, Value) {
    let at = format!("/t/acme/audit?format=jsonl&action={action}");
    let log = browser.get(&url(app, &at)).await;
    let line = log.body.lines().next().unwrap_or_else(|| panic!("no {action}: {log:?}"));
    let event: Value = serde_json::from_str(line).unwrap();
    assert_eq!(event["action"], action);
    let details = event["details"].clone();
    (details["before"].clone(), details["after"].clone())
}

async fn says(
    app: &TestApp,
    browser: &mut Browser<'_>,
    action: &str,
    field: &str,
    change: [Value; 2],
) {
    let (before, after) = newest(app, browser, action).await;
    assert_eq!(
        [&before[field], &after[field]],
        [&change[0], &change[1]],
        "{action}: {before} {after}"
    );
}

async fn version(app: &TestApp, browser: &mut Browser<'_>, page: &str, form: &str) -> String {
    let page = browser.get(&url(app, page)).await;
    let at = format!("action=\"/console{form}\"");
    let (_, section) = page.body.split_once(&at).unwrap_or_else(|| panic!("no {at}: {page:?}"));
    let (_, version) = section.split_once("name=\"version\" value=\"").unwrap();
    version.split('"').next().unwrap().to_owned()
}

async fn a_provider_that_is_set_changed_and_removed_leaves_events(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = owner(app, &acme).await;
    let fields = |client| {
        [
            ("kind", "github"),
            ("key", "github"),
            ("client_id", client),
            ("client_secret", "hush-hush"),
        ]
    };
    done(app, &mut browser, "/t/acme/providers", &fields("one")).await;
    says(app, &mut browser, "provider.set", "client_id", [json!(null), json!("one")]).await;
    let at = "/t/acme/providers/github";
    let seen = version(app, &mut browser, at, at).await;
    let changed = [("version", &*seen), ("client_id", "two"), ("client_secret", "hush-hush-2")];
    done(app, &mut browser, at, &changed).await;
    says(app, &mut browser, "provider.set", "client_id", [json!("one"), json!("two")]).await;
    done(app, &mut browser, "/t/acme/providers/github/act", &[("act", "remove")]).await;
    says(app, &mut browser, "provider.removed", "client_id", [json!("two"), json!(null)]).await;
    let log = browser.get(&url(app, "/t/acme/audit?format=jsonl")).await;
    assert!(!log.body.contains("hush-hush"), "{}", log.body);
}

async fn secrets_and_apps_that_come_and_go_leave_events(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = owner(app, &acme).await;
    let act = format!("/t/acme/apps/{}/act", acme.web.id);
    done(app, &mut browser, &act, &[("act", "add-secret")]).await;
    let (before, after) = newest(app, &mut browser, "application.secret_added").await;
    let count = |secrets: &Value| secrets["secrets"].as_array().unwrap().len();
    assert_eq!([count(&before), count(&after)], [1, 2]);
    let page = browser.get(&url(app, &format!("/t/acme/apps/{}", acme.web.id))).await;
    let secret = field(&page, "secret");
    done(app, &mut browser, &act, &[("act", "remove-secret"), ("secret", &secret)]).await;
    let (before, after) = newest(app, &mut browser, "application.secret_removed").await;
    assert_eq!([count(&before), count(&after)], [2, 1]);

    let (disabled, active) = (json!("disabled"), json!("active"));
    done(app, &mut browser, &act, &[("act", "disable")]).await;
    let change = [active.clone(), disabled.clone()];
    says(app, &mut browser, "application.disabled", "status", change).await;
    done(app, &mut browser, &act, &[("act", "enable")]).await;
    says(app, &mut browser, "application.enabled", "status", [disabled, active]).await;
    let spa = format!("/t/acme/apps/{}/act", acme.spa.id);
    done(app, &mut browser, &spa, &[("act", "make-default")]).await;
    let change = [json!(acme.web.id), json!(acme.spa.id)];
    says(app, &mut browser, "application.made_default", "default", change).await;
    done(app, &mut browser, "/t/acme/apps", &[("name", "Site"), ("builds", "service")]).await;
    says(app, &mut browser, "application.created", "name", [json!(null), json!("Site")]).await;
    let at = format!("/t/acme/apps/{}", acme.service.id);
    let seen = version(app, &mut browser, &at, &at).await;
    let fields = [
        ("version", &*seen),
        ("name", "Robot"),
        ("access_minutes", "15"),
        ("idle_hours", "168"),
        ("absolute_hours", "720"),
    ];
    done(app, &mut browser, &at, &fields).await;
    let change = [json!("service"), json!("Robot")];
    says(app, &mut browser, "application.changed", "name", change).await;
    done(app, &mut browser, &act, &[("act", "delete")]).await;
    says(app, &mut browser, "application.deleted", "name", [json!("web"), json!(null)]).await;
}

async fn a_role_that_is_changed_and_deleted_leaves_events(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = owner(app, &acme).await;
    done(app, &mut browser, "/t/acme/roles", &[("key", "NEW"), ("description", "Old")]).await;
    says(app, &mut browser, "role.created", "key", [json!(null), json!("NEW")]).await;
    let page = browser.get(&url(app, "/t/acme/roles")).await;
    let (before, _) = page.body.split_once("value=\"Old\"").expect("the form of NEW");
    let at = before.rsplit("/console/t/acme/roles/").next().unwrap();
    let at = format!("/t/acme/roles/{}", at.split('"').next().unwrap());
    let seen = version(app, &mut browser, "/t/acme/roles", &at).await;
    let fields = [("version", &*seen), ("act", "describe"), ("description", "New")];
    done(app, &mut browser, &at, &fields).await;
    says(app, &mut browser, "role.changed", "description", [json!("Old"), json!("New")]).await;
    done(app, &mut browser, &at, &[("act", "up")]).await;
    let (before, after) = newest(app, &mut browser, "role.changed").await;
    assert!(before["rank"].as_i64() > after["rank"].as_i64(), "{before} {after}");
    let user = format!("/t/acme/users/{}", acme.user);
    let roles = format!("{user}/roles");
    let seen = version(app, &mut browser, &user, &roles).await;
    done(app, &mut browser, &roles, &[("version", &*seen), ("role-1", "NEW")]).await;
    let change = [json!(["ADMIN"]), json!(["NEW"])];
    says(app, &mut browser, "user.roles_assigned", "roles", change).await;
    done(app, &mut browser, &at, &[("act", "delete")]).await;
    says(app, &mut browser, "role.deleted", "key", [json!("NEW"), json!(null)]).await;
}

async fn an_address_that_moves_leaves_an_event(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut user = Browser::new(app);
    user.sign_in(&acme).await;
    let at = acme.url("/account/email");
    let csrf = field(&user.get(&at).await, "csrf");
    user.submit(&at, &[("csrf", &csrf), ("email", "new@x.example")]).await;
    let page = user.get(&app.mailed_link("new@x.example").await).await;
    let fields = [("csrf", &*field(&page, "csrf")), ("token", &*field(&page, "token"))];
    user.submit(&acme.url("/account/email/confirm"), &fields).await;
    let mut browser = owner(app, &acme).await;
    let change = [json!(acme.email), json!("new@x.example")];
    says(app, &mut browser, "user.email_changed", "email", change).await;
}

async fn what_a_tenant_decides_leaves_events(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = owner(app, &acme).await;
    let tells = "tenant.changed";
    let seen = version(app, &mut browser, "/t/acme/sign-in", "/t/acme/sign-in").await;
    let fields = [
        ("version", &*seen),
        ("sign_up", "on"),
        ("password_min_length", "12"),
        ("deletion_grace_days", "3"),
    ];
    done(app, &mut browser, "/t/acme/sign-in", &fields).await;
    says(app, &mut browser, tells, "password_min_length", [json!(8), json!(12)]).await;
    says(app, &mut browser, tells, "deletion_grace_days", [json!(14), json!(3)]).await;

    let seen = version(app, &mut browser, "/t/acme/branding", "/t/acme/branding").await;
    let fields =
        [("version", &*seen), ("name", "Acme"), ("own_colour", "on"), ("colour", "#7722aa")];
    done(app, &mut browser, "/t/acme/branding", &fields).await;
    says(app, &mut browser, tells, "name", [json!("Tenant acme"), json!("Acme")]).await;
    says(app, &mut browser, tells, "colour", [json!(null), json!("#7722aa")]).await;

    let page = browser.get(&url(app, "/t/acme/branding")).await;
    let (csrf, seen) = (field(&page, "csrf"), field(&page, "version"));
    let form = |act| [("csrf", &*csrf), ("version", &*seen), ("act", act)];
    let at = url(app, "/t/acme/branding/logo");
    let uploaded = browser.upload(&at, &form("save"), &picture()).await;
    assert_eq!(uploaded.status, 303, "{uploaded:?}");
    let (before, after) = newest(app, &mut browser, tells).await;
    assert!(before["logo"].is_null() && after["logo"].is_string(), "{before} {after}");

    let seen = version(app, &mut browser, "/t/acme/mail", "/t/acme/mail").await;
    let fields = [("version", &*seen), ("reply_to", "help@acme.example")];
    done(app, &mut browser, "/t/acme/mail", &fields).await;
    let change = [json!(null), json!("help@acme.example")];
    says(app, &mut browser, tells, "reply_to", change).await;
}

fn picture() -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    image::RgbaImage::new(64, 64).write_to(&mut file, image::ImageFormat::Png).unwrap();
    file.into_inner()
}

async fn a_profile_that_a_provider_refreshes_leaves_an_event(app: &TestApp) {
    let pair = Pair::varied(app, |new| new.profile = ProfileRefresh::EverySignIn).await;
    user(app, &pair.upstream, "grace@new.example", Email::Verified).await;
    federate(&mut Browser::new(app), &pair, "grace@new.example").await;
    app.execute(&format!(
        "UPDATE users SET name = 'Grace Hopper' WHERE email = 'grace@new.example' AND tenant_id = '{}'",
        pair.upstream.tenant.id
    ));
    federate(&mut Browser::new(app), &pair, "grace@new.example").await;
    let mut browser = owner(app, &pair.acme).await;
    let change = [json!("Grace Example"), json!("Grace Hopper")];
    says(app, &mut browser, "user.profile_changed", "name", change).await;
}

async fn a_host_that_is_claimed_and_withdrawn_leaves_events(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = owner(app, &acme).await;
    let at = "/t/acme/settings/host";
    let host = "login.acme.example";
    let seen = version(app, &mut browser, "/t/acme/settings", at).await;
    done(app, &mut browser, at, &[("version", &*seen), ("act", "claim"), ("host", host)]).await;
    let claimed = "tenant.host_claimed";
    says(app, &mut browser, claimed, "claimed_host", [json!(null), json!(host)]).await;
    let seen = version(app, &mut browser, "/t/acme/settings", at).await;
    done(app, &mut browser, at, &[("version", &*seen), ("act", "withdraw")]).await;
    let withdrawn = "tenant.host_claim_withdrawn";
    says(app, &mut browser, withdrawn, "claimed_host", [json!(host), json!(null)]).await;
}

async fn keys_that_are_rotated_and_withdrawn_leave_events(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = owner(app, &acme).await;
    done(app, &mut browser, "/t/acme/keys", &[("takeover", "announced")]).await;
    let (before, after) = newest(app, &mut browser, "key.scheduled").await;
    assert_eq!(before["algorithm"], after["algorithm"]);
    assert!(before["kid"].is_string() && before["kid"] != after["kid"], "{before} {after}");
    assert!(before["signs_from"].as_str() < after["signs_from"].as_str(), "{before} {after}");
    done(app, &mut browser, "/t/acme/keys", &[("takeover", "now")]).await;
    let (old, new) = newest(app, &mut browser, "key.replaced").await;
    assert_eq!(old["algorithm"], new["algorithm"]);
    app.rotate_keys(&acme.tenant, Takeover::Now).await;
    let kid = old["kid"].as_str().unwrap();
    done(app, &mut browser, "/t/acme/keys/withdraw", &[("kid", kid)]).await;
    says(app, &mut browser, "key.withdrawn", "kid", [json!(kid), json!(null)]).await;
    let log = browser.get(&url(app, "/t/acme/audit?format=jsonl")).await;
    assert!(!log.body.contains("sealed") && !log.body.contains("private"), "{}", log.body);
}

async fn a_letter_that_is_tried_again_leaves_an_event(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = owner(app, &acme).await;
    done(app, &mut browser, "/t/acme/mail/test", &[("to", "late@acme.example")]).await;
    app.execute("UPDATE mail_orders SET status = 'dead', last_error = 'mailbox full'");
    let page = browser.get(&url(app, "/t/acme/mail")).await;
    let (before, _) = page.body.split_once("/retry\"").expect("a dead letter");
    let id = before.rsplit('/').next().unwrap().to_owned();
    done(app, &mut browser, &format!("/t/acme/mail/{id}/retry"), &[]).await;
    says(app, &mut browser, "mail.retried", "status", [json!("dead"), json!("waiting")]).await;
}

async fn a_deletion_that_is_planned_and_taken_back_leaves_events(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut user = Browser::new(app);
    user.sign_in(&acme).await;
    let at = acme.url("/account/delete");
    let csrf = field(&user.get(&at).await, "csrf");
    for choice in ["delete", "keep"] {
        let answer = user.submit(&at, &[("csrf", &csrf), ("choice", choice)]).await;
        assert_eq!(answer.status, 303, "{answer:?}");
    }
    let mut browser = owner(app, &acme).await;
    let (before, planned) = newest(app, &mut browser, "user.deletion_planned").await;
    assert!(before["deletes_at"].is_null() && planned["deletes_at"].is_string(), "{planned}");
    let (was, after) = newest(app, &mut browser, "user.deletion_cancelled").await;
    assert_eq!(was, planned);
    assert!(after["deletes_at"].is_null(), "{after}");
}

async fn an_operator_that_is_made_leaves_an_event(app: &TestApp) {
    let email = crate::console::operator(app).await;
    let mut browser = sign_in(app, &email).await;
    let at = "/t/console/audit?format=jsonl&action=operator.created";
    let log = browser.get(&url(app, at)).await;
    let event: Value = serde_json::from_str(log.body.trim()).unwrap();
    assert_eq!(event["details"], json!({ "before": null, "after": { "email": email } }));
}

/// Changes, of which a test of this file, of `audit_log` or of `host_verification` sees what was before and after.
const CHANGES: &[&str] = &[
    "tenant.created",
    "tenant.disabled",
    "tenant.enabled",
    "tenant.deletion_planned",
    "tenant.deletion_cancelled",
    "tenant.deleted",
    "tenant.changed",
    "tenant.host_claimed",
    "tenant.host_claim_withdrawn",
    "tenant.host_verified",
    "tenant.host_given_up",
    "application.created",
    "application.changed",
    "application.disabled",
    "application.enabled",
    "application.deleted",
    "application.made_default",
    "application.secret_added",
    "application.secret_removed",
    "role.created",
    "role.changed",
    "role.deleted",
    "user.created",
    "user.invited",
    "user.disabled",
    "user.enabled",
    "user.deleted",
    "user.roles_assigned",
    "user.reset_required",
    "user.sessions_ended",
    "refresh.ended",
    "user.email_changed",
    "user.profile_changed",
    "user.deletion_planned",
    "user.deletion_cancelled",
    "operator.created",
    "member.added",
    "member.changed",
    "member.removed",
    "mail.retried",
    "key.scheduled",
    "key.replaced",
    "key.withdrawn",
    "provider.set",
    "provider.removed",
];

/// What happened: there is nothing to see before and after, or it is secret.
const HAPPENED: &[&str] = &[
    "operator.entered",
    "tenant.host_verification_failed",
    "user.signed_up",
    "user.sign_up_repeated",
    "user.account_claimed",
    "user.email_verified",
    "user.recovery_asked",
    "user.password_set",
    "user.password_reset",
    "user.password_changed",
    "session.ended",
    "user.code_asked",
    "user.code_failed",
    "user.sign_in_throttled",
    "consent.granted",
    "consent.denied",
    "consent.revoked",
    "mail.tested",
    "mail.withheld",
    "user.signed_in",
    "user.sign_in_failed",
    "user.signed_out",
    "code.replayed",
    "refresh.reuse_detected",
    "refresh.caught_up",
    "token.revoked",
    "federation.failed",
    "identity.linked",
    "identity.unlinked",
];

async fn every_action_is_a_change_or_something_that_happened(app: &TestApp) {
    let mut told: Vec<&str> = CHANGES.iter().chain(HAPPENED).copied().collect();
    let mut all: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
    told.sort_unstable();
    all.sort_unstable();
    assert_eq!(told, all, "an action stands in one of the two lists");

    // And whatever this deployment has logged as a change says what it was.
    let acme = app.tenant("acme").await;
    let mut browser = owner(app, &acme).await;
    let user = format!("/t/acme/users/{}", acme.user);
    app.direct(&acme, "login", &acme.credentials()).await.expect(200);
    for act in ["end-sessions", "disable", "enable", "require-reset", "delete"] {
        done(app, &mut browser, &user, &[("act", act)]).await;
    }
    for act in ["suspend", "resume"] {
        let email = "operator@doorward.example";
        let mut operator = match act {
            "suspend" => {
                crate::console::operator(app).await;
                sign_in(app, email).await
            }
            _ => sign_in(app, email).await,
        };
        done(app, &mut operator, "/t/acme/settings/act", &[("act", act)]).await;
    }
    let right = [("act", "delete"), ("slug", "acme")];
    done(app, &mut browser, "/t/acme/settings/act", &right).await;
    done(app, &mut browser, "/t/acme/settings/act", &[("act", "keep")]).await;
    let log = browser.get(&url(app, "/t/acme/audit?format=jsonl")).await;
    let lines = log.body.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let changes: Vec<Value> =
        lines.filter(|line| CHANGES.contains(&line["action"].as_str().unwrap())).collect();
    assert!(changes.len() > 15, "{changes:#?}");
    for event in changes {
        let details = &event["details"];
        let told = details["before"] != details["after"];
        assert!(details.is_object() && told, "{event:#}");
    }
    assert!(!log.body.contains(VERIFIER));
}
