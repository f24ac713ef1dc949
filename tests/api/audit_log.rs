//! The audit log: nothing of it is changed or lost, it says what was before and after, and it leaves whole.

use std::time::Duration;

use doorward::domain::audit::Action;
use doorward::domain::email_address::EmailAddress;
use doorward::domain::member::MemberRole;
use doorward::domain::password::NewPassword;
use doorward::flows::administration::{Administrator, due, members, operators};
use doorward::flows::console::first_account;
use doorward::jobs;
use doorward::storage::StorageError;
use serde_json::{Value, json};

use crate::console::{account, member, operator, post, roles_version, sign_in, url};
use crate::harness::{Answer, Browser, PASSWORD, TestApp, TestTenant, field, on_both_databases};

on_both_databases! {
    the_database_refuses_to_change_or_delete_an_event,
    a_tenant_that_is_deleted_leaves_a_trace_for_operators,
    each_change_says_what_was_before_and_after,
    an_account_whose_time_has_come_leaves_an_event,
    an_export_is_whole_however_long_it_is,
    events_are_found_by_address_and_by_day,
    the_only_owner_cannot_delete_their_account,
    of_two_owners_who_leave_at_once_one_stays,
    a_planned_deletion_of_the_only_owner_is_taken_back,
    the_link_to_the_first_account_is_dead_once_there_was_an_operator,
    a_role_of_a_member_that_was_changed_meanwhile_is_shown,
    a_role_that_is_unknown_is_an_error,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn owner<'a>(app: &'a TestApp, tenant: &TestTenant) -> Browser<'a> {
    let email = member(app, tenant, MemberRole::Owner).await;
    sign_in(app, &email).await
}

async fn export(app: &TestApp, browser: &mut Browser<'_>, query: &str) -> Vec<Value> {
    let answer = browser.get(&url(app, &format!("/t/acme/audit?format=jsonl{query}"))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of<'l>(lines: &'l [Value], action: &str) -> &'l Value {
    let found = lines.iter().find(|line| line["action"] == action);
    found.unwrap_or_else(|| panic!("no {action} in {lines:#?}"))
}

async fn the_database_refuses_to_change_or_delete_an_event(app: &TestApp) {
    app.tenant("acme").await;
    let events = app.count("audit_events");
    assert!(events > 0);
    for statement in [
        "UPDATE audit_events SET actor = 'somebody else'",
        "UPDATE audit_events SET details = NULL WHERE action = 'user.created'",
        "DELETE FROM audit_events",
        "DELETE FROM audit_events WHERE action = 'user.created'",
    ] {
        let why = app.refused_by_the_database(statement);
        assert!(why.contains("the audit log is append-only"), "{statement}: {why}");
    }
    assert_eq!(app.count("audit_events"), events);
}

async fn a_tenant_that_is_deleted_leaves_a_trace_for_operators(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = owner(app, &acme).await;
    let right = [("act", "delete"), ("slug", "acme")];
    assert_eq!(post(app, &mut browser, "/t/acme/settings/act", &right).await.status, 303);
    app.clock.advance(15 * DAY);
    jobs::round(&app.context).await.unwrap();
    assert_eq!(app.count("tenants"), 1, "the console's own is left");
    let email = operator(app).await;
    let mut browser = sign_in(app, &email).await;
    let answer = browser.get(&url(app, "/t/console/audit?format=jsonl")).await;
    let lines: Vec<Value> =
        answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let deleted = of(&lines, "tenant.deleted");
    assert_eq!(deleted["actor"], "housekeeping");
    assert_eq!(deleted["target"], acme.tenant.id.to_string());
    let before = &deleted["details"]["before"];
    assert_eq!(before["slug"], "acme");
    assert_eq!(before["name"], acme.tenant.name.as_str());
    assert_eq!(before["asked_by_email"], "owner@acme.example");
    assert!(before["asked_at"].is_string() && before["asked_by"].is_string(), "{before}");
    let page = browser.get(&url(app, "/t/console/audit?action=tenant.deleted")).await;
    assert!(page.body.contains("owner@acme.example"), "{page:?}");
}

async fn done(app: &TestApp, browser: &mut Browser<'_>, path: &str, fields: &[(&str, &str)]) {
    let answer: Answer = post(app, browser, path, fields).await;
    assert!([200, 303].contains(&answer.status), "{path} {fields:?}: {answer:?}");
}

async fn each_change_says_what_was_before_and_after(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = owner(app, &acme).await;
    let user = format!("/t/acme/users/{}", acme.user);
    let app_act = format!("/t/acme/apps/{}/act", acme.web.id);
    done(app, &mut browser, "/t/acme/users", &[("email", "new@acme.example")]).await;
    done(app, &mut browser, &user, &[("act", "rename"), ("name", "Another")]).await;
    done(app, &mut browser, &user, &[("act", "disable")]).await;
    done(app, &mut browser, &user, &[("act", "enable")]).await;
    done(app, &mut browser, &user, &[("act", "require-reset")]).await;
    done(app, &mut browser, &user, &[("act", "delete")]).await;
    done(app, &mut browser, &app_act, &[("act", "add-secret")]).await;
    done(app, &mut browser, &app_act, &[("act", "disable")]).await;
    done(app, &mut browser, "/t/acme/roles", &[("key", "NEW"), ("description", "")]).await;
    let added = [("email", "second@doorward.example"), ("role", "viewer")];
    done(app, &mut browser, "/t/acme/members", &added).await;
    let console = operators::console_tenant(&app.context).await.unwrap();
    let address = EmailAddress::parse("second@doorward.example").unwrap();
    let second =
        doorward::flows::administration::users::find(&app.context, &console, &address).await;
    let path = format!("/t/acme/members/{}", second.unwrap().id);
    done(app, &mut browser, &path, &[("role", "admin")]).await;
    done(app, &mut browser, &path, &[("role", "none")]).await;
    let lines = export(app, &mut browser, "").await;
    for (action, field, before, after) in [
        ("tenant.created", "name", json!(null), json!(acme.tenant.name.as_str())),
        ("user.invited", "email", json!(null), json!("new@acme.example")),
        ("user.profile_changed", "name", json!(null), json!("Another")),
        ("user.disabled", "status", json!("active"), json!("disabled")),
        ("user.enabled", "status", json!("disabled"), json!("active")),
        ("user.reset_required", "password", json!(true), json!(false)),
        ("user.deleted", "email", json!(acme.email), json!(null)),
        ("application.disabled", "status", json!("active"), json!("disabled")),
        ("role.created", "key", json!(null), json!("NEW")),
        ("member.added", "role", json!(null), json!("viewer")),
        ("member.changed", "role", json!("viewer"), json!("admin")),
        ("member.removed", "role", json!("admin"), json!(null)),
    ] {
        let details = &of(&lines, action)["details"];
        let told = (&details["before"][field], &details["after"][field]);
        if action == "user.profile_changed" {
            assert_eq!(told.1, &after, "{action}: {details}");
        } else {
            assert_eq!(told, (&before, &after), "{action}: {details}");
        }
    }
    let secrets = &of(&lines, "application.secret_added")["details"];
    assert_eq!(secrets["before"]["secrets"].as_array().unwrap().len(), 1);
    assert_eq!(secrets["after"]["secrets"].as_array().unwrap().len(), 2);
    let page = browser.get(&url(app, "/t/acme/audit?action=user.disabled")).await;
    assert!(page.body.contains("<del>active</del> → <ins>disabled</ins>"), "{page:?}");
}

async fn an_account_whose_time_has_come_leaves_an_event(app: &TestApp) {
    let acme = app.tenant("acme").await;
    app.execute(&format!("UPDATE users SET deletes_at = 1 WHERE id = '{}'", acme.user));
    jobs::round(&app.context).await.unwrap();
    let mut browser = owner(app, &acme).await;
    let lines = export(app, &mut browser, "").await;
    let deleted = of(&lines, "user.deleted");
    assert_eq!(deleted["actor"], "housekeeping");
    assert_eq!(deleted["details"]["before"]["email"], acme.email.as_str());
    assert_eq!(deleted["details"]["after"], json!(null));
}

async fn an_export_is_whole_however_long_it_is(app: &TestApp) {
    const MANY: usize = 10_500;
    let acme = app.tenant("acme").await;
    let mut browser = owner(app, &acme).await;
    let events: Vec<_> = (0..MANY)
        .map(|number| app.context.event(Action::SignedIn, format!("n{number}"), "x", None))
        .collect();
    let told = app.context.db.write::<_, StorageError>(acme.tenant.id, move |tx| {
        events.iter().try_for_each(|event| tx.audit_events().append(event))
    });
    told.await.unwrap();
    let lines = export(app, &mut browser, "&action=user.signed_in").await;
    assert_eq!(lines.len(), MANY);
    let mut ids: Vec<&str> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted_by(|a, b| a > b), "the newest first");
    ids.dedup();
    assert_eq!(ids.len(), MANY, "and each once");
    let csv = browser.get(&url(app, "/t/acme/audit?format=csv&action=user.signed_in")).await;
    assert_eq!(csv.body.lines().count(), MANY + 1);
}

async fn events_are_found_by_address_and_by_day(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let today = app.context.now().to_string()[..10].to_owned();
    let mut browser = owner(app, &acme).await;
    let about = format!("&about={}", acme.email);
    let found = export(app, &mut browser, &about).await;
    assert!(found.iter().any(|line| line["action"] == "user.created"), "{found:?}");
    assert!(found.iter().all(|line| line["target"] == acme.user.to_string()), "{found:?}");
    let path = format!("/t/acme/users/{}", acme.user);
    done(app, &mut browser, &path, &[("act", "delete")]).await;
    let found = export(app, &mut browser, &about).await;
    assert!(found.iter().any(|line| line["action"] == "user.created"), "gone, and still found");
    app.clock.advance(3 * DAY);
    let mut browser = sign_in(app, "owner@acme.example").await;
    done(app, &mut browser, "/t/acme/roles", &[("key", "LATE"), ("description", "")]).await;
    let later = app.context.now().to_string()[..10].to_owned();
    let late = export(app, &mut browser, &format!("&from={later}&to={later}")).await;
    assert!(!late.is_empty());
    assert!(late.iter().all(|line| line["at"].as_str().unwrap().starts_with(&later)), "{late:?}");
    let early = export(app, &mut browser, &format!("&to={today}")).await;
    assert!(early.iter().all(|line| line["at"].as_str().unwrap().starts_with(&today)), "{early:?}");
    let page = browser.get(&url(app, &format!("/t/acme/audit?from={later}&to={later}"))).await;
    assert!(
        page.body.contains(&format!("from={later}&#38;to={later}"))
            || page.body.contains(&format!("from={later}&amp;to={later}")),
        "the filter stays in the export: {page:?}"
    );
    let wrong = browser.get(&url(app, "/t/acme/audit?from=yesterday")).await;
    assert_eq!(wrong.status, 400, "{wrong:?}");
}

async fn leave(app: &TestApp, browser: &mut Browser<'_>) -> Answer {
    let page = format!("{}/t/console/account/delete", app.context.public_url.as_str());
    let csrf = field(&browser.get(&page).await, "csrf");
    browser.submit(&page, &[("csrf", &csrf), ("choice", "delete")]).await
}

async fn the_only_owner_cannot_delete_their_account(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = owner(app, &acme).await;
    let refused = leave(app, &mut browser).await;
    assert_eq!(refused.status, 409, "{refused:?}");
    for text in ["only owner of", "(acme)", "Members page", "Settings page"] {
        assert!(refused.body.contains(text), "{text}: {refused:?}");
    }
    let email = operator(app).await;
    let mut by_operator = sign_in(app, &email).await;
    let listed = members::page(&app.context, &acme.tenant, None, 10).await.unwrap();
    let path = format!("/t/console/users/{}", listed[0].account.id);
    let refused = post(app, &mut by_operator, &path, &[("act", "delete")]).await;
    assert!(refused.status == 400 && refused.body.contains("(acme)"), "{refused:?}");
    let last = leave(app, &mut by_operator).await;
    assert!(last.status == 409 && last.body.contains("last operator"), "{last:?}");
    let right = [("act", "delete"), ("slug", "acme")];
    done(app, &mut browser, "/t/acme/settings/act", &right).await;
    assert_eq!(leave(app, &mut browser).await.status, 303, "the tenant goes as well");
}

async fn of_two_owners_who_leave_at_once_one_stays(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut first = owner(app, &acme).await;
    let address = "second@doorward.example";
    account(app, address).await;
    let admin = Administrator::command_line(&app.context);
    let parsed = EmailAddress::parse(address).unwrap();
    members::add(&admin, &acme.tenant, parsed, MemberRole::Owner).await.unwrap();
    let mut second = sign_in(app, address).await;
    let (one, other) =
        futures_util::future::join(leave(app, &mut first), leave(app, &mut second)).await;
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409], "{one:?} {other:?}");
}

async fn a_planned_deletion_of_the_only_owner_is_taken_back(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email = member(app, &acme, MemberRole::Owner).await;
    app.execute(&format!("UPDATE users SET deletes_at = 1 WHERE email = '{email}'"));
    assert_eq!(due::delete_users(&app.context, 10).await.unwrap(), 0);
    assert_eq!(due::delete_users(&app.context, 10).await.unwrap(), 0);
    sign_in(app, &email).await;
    assert_eq!(members::page(&app.context, &acme.tenant, None, 10).await.unwrap().len(), 1);
}

async fn the_link_to_the_first_account_is_dead_once_there_was_an_operator(app: &TestApp) {
    let token = first_account::token(&app.context.console_keys);
    assert!(first_account::is_good(&app.context, &token).await.unwrap());
    operator(app).await;
    app.execute("DELETE FROM operators");
    assert!(!first_account::is_good(&app.context, &token).await.unwrap());
    let email = EmailAddress::parse("thief@doorward.example").unwrap();
    let password = NewPassword::parse(PASSWORD).unwrap();
    let made = first_account::make(&app.context, &token, email, password).await.unwrap();
    assert!(made.is_none());
}

async fn a_role_of_a_member_that_was_changed_meanwhile_is_shown(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = owner(app, &acme).await;
    let viewer = member(app, &acme, MemberRole::Viewer).await;
    let listed = members::page(&app.context, &acme.tenant, None, 10).await.unwrap();
    let id = listed.iter().find(|it| it.account.email.as_str() == viewer).unwrap().account.id;
    let page = browser.get(&url(app, "/t/acme/members")).await;
    let form = page.body.split(&format!("/members/{id}\"")).nth(1).unwrap();
    let version = form.split("name=\"version\" value=\"").nth(1).unwrap();
    let version = version.split('"').next().unwrap().to_owned();
    let path = format!("/t/acme/members/{id}");
    let fields = |role| [("version", version.as_str()), ("role", role)];
    assert_eq!(post(app, &mut browser, &path, &fields("admin")).await.status, 303);
    let stale = post(app, &mut browser, &path, &fields("owner")).await;
    assert_eq!(stale.status, 409, "{stale:?}");
    assert!(stale.body.contains("<dd>admin</dd>") && stale.body.contains("<dd>owner</dd>"));
}

async fn a_role_that_is_unknown_is_an_error(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = owner(app, &acme).await;
    let fields = [("email", "x@doorward.example"), ("role", "emperor")];
    let refused = post(app, &mut browser, "/t/acme/members", &fields).await;
    assert!(refused.body.contains("a role is owner, admin or viewer"), "{refused:?}");
    assert_eq!(members::page(&app.context, &acme.tenant, None, 10).await.unwrap().len(), 1);
    let path = format!("/t/acme/users/{}/roles", acme.user);
    let version = roles_version(app, &mut browser, &acme).await;
    let fields = [("version", &*version), ("role-1", "GONE")];
    let refused = post(app, &mut browser, &path, &fields).await;
    assert!(refused.status == 400 && refused.body.contains("there no more"), "{refused:?}");
}
