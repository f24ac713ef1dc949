//! Who may open and do what in the console, route by route, and that ids of another tenant are to everybody as if
//! they did not exist. Both golden files are made from the route table.

use doorward::domain::ids::{
    ApplicationId, ClientSecretId, FamilyId, MailId, RoleId, SessionId, UserId,
};
use doorward::domain::logo::Logo;
use doorward::domain::member::MemberRole;
use doorward::domain::role::RoleKey;
use doorward::flows::administration::tenants::TenantChange;
use doorward::flows::administration::{
    Administrator, applications, description, keys, mail, members, roles,
};
use doorward::storage::StorageError;
use doorward::web::routes::{CONSOLE, Route};
use reqwest::Method;
use serde_json::json;

use crate::console::{csrf, filled, member, operator, sign_in, submit, url};
use crate::harness::{Answer, Browser, TestApp, TestTenant, on_both_databases};

on_both_databases! {
    each_page_is_open_to_the_roles_of_the_golden_file_alone,
    an_id_of_another_tenant_is_as_one_that_does_not_exist,
}

type Person = (&'static str, Option<String>);

async fn people(app: &TestApp, acme: &TestTenant, bolt: &TestTenant) -> Vec<Person> {
    let mut people = vec![("anonymous", None)];
    for role in MemberRole::ALL {
        people.push((role.as_str(), Some(member(app, acme, role).await)));
    }
    people.push(("owner of another", Some(member(app, bolt, MemberRole::Owner).await)));
    people.push(("operator", Some(operator(app).await)));
    people
}

async fn at<'a>(app: &'a TestApp, email: Option<&String>) -> Browser<'a> {
    match email {
        Some(email) => sign_in(app, email).await,
        None => Browser::new(app),
    }
}

async fn token(app: &TestApp, browser: &mut Browser<'_>, email: Option<&String>) -> String {
    match email {
        Some(_) => csrf(app, browser).await,
        None => "none".to_owned(),
    }
}

#[track_caller]
fn is_golden(mut lines: Vec<String>, golden: &str) {
    lines.sort();
    let found = lines.join("\n") + "\n";
    assert!(found == golden, "the golden file is to be:\n{found}");
}

async fn each_page_is_open_to_the_roles_of_the_golden_file_alone(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    app.github(&acme.tenant).await;
    let logo = Some(Some(Logo { png: b"a picture".to_vec(), width: 1, height: 1 }));
    app.change(&acme, TenantChange { logo, ..TenantChange::default() }).await;
    // What ends the session, or begins another, comes last.
    let mut routes: Vec<&Route> = CONSOLE.iter().collect();
    routes.sort_by_key(|route| match route.path {
        "/sign-in" => 1,
        "/callback" => 2,
        "/sign-out" => 3,
        _ => 0,
    });
    let mut lines = Vec::new();
    for (who, email) in &people(app, &acme, &bolt).await {
        let mut browser = at(app, email.as_ref()).await;
        let token = token(app, &mut browser, email.as_ref()).await;
        for route in &routes {
            let target = url(app, &filled(app, &acme, route.path).await);
            let answer = if route.method == Method::GET.as_str() {
                browser.get(&target).await
            } else {
                submit(&mut browser, route, &target, &[("csrf", &token)]).await
            };
            let path = if route.path.is_empty() { "/" } else { route.path };
            lines.push(format!("{} {path} · {who}: {}", route.method, answer.status));
        }
        let after = browser.get(&url(app, "")).await;
        assert_eq!(after.status, 303, "{who} is signed out at the end: {after:?}");
    }
    assert_eq!(lines.len(), CONSOLE.len() * 6, "every route, for everybody");
    is_golden(lines, include_str!("console_access.txt"));
}

/// One thing that a request names: where, what of the tenant's own is named beside it, and two ids that mean
/// nothing to it, of which the first is another tenant's.
struct Case {
    route: &'static Route,
    /// The field, where it is not the path that names it.
    field: Option<&'static str>,
    target: String,
    ids: [String; 2],
    fields: Vec<(&'static str, String)>,
}

/// What makes the request one that would do something.
fn fields(path: &str) -> Vec<(&'static str, String)> {
    let some: &[(&str, &str)] = match path {
        "/t/{slug}/apps/{id}" => &[
            ("version", ""),
            ("name", "Taken over"),
            ("access_minutes", "15"),
            ("idle_hours", "24"),
            ("absolute_hours", "24"),
        ],
        "/t/{slug}/apps/{id}/act" | "/t/{slug}/roles/{id}" => &[("act", "delete")],
        "/t/{slug}/users/{id}" => &[("act", "disable")],
        "/t/{slug}/users/{id}/roles" => &[("version", "")],
        "/t/{slug}/providers/{id}" => &[("version", ""), ("client_id", "taken-over")],
        "/t/{slug}/providers/{id}/act" => &[("act", "remove")],
        "/t/{slug}/members/{id}" => &[("role", "none")],
        "/t/{slug}/apps/{id}/try" | "/t/{slug}/mail/{id}/retry" => &[],
        other => panic!("what does a form of {other} hold?"),
    };
    some.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

fn route(method: &str, path: &str) -> &'static Route {
    let found = CONSOLE.iter().find(|route| route.method == method && route.path == path);
    found.unwrap_or_else(|| panic!("no route {method} {path}"))
}

async fn role_of(app: &TestApp, tenant: &TestTenant) -> RoleId {
    let roles = app.context.db.read::<_, StorageError>(tenant.tenant.id, |tx| tx.roles().list());
    roles.await.unwrap()[0].id
}

/// Another tenant's thing of the kind that the path names, and one that nobody has.
async fn strangers(app: &TestApp, bolt: &TestTenant, path: &str) -> [String; 2] {
    let nobodys = [7; 16];
    if path.contains("/apps/") {
        [bolt.web.id.clone(), ApplicationId::from_bytes(nobodys).to_string()]
    } else if path.contains("/users/") {
        [bolt.user.to_string(), UserId::from_bytes(nobodys).to_string()]
    } else if path.contains("/roles/") {
        [role_of(app, bolt).await.to_string(), RoleId::from_bytes(nobodys).to_string()]
    } else if path.contains("/providers/") {
        ["google".to_owned(), "nobody".to_owned()]
    } else if path.contains("/mail/") {
        let dead = mail::dead_letters(&app.context, &bolt.tenant, None, 1).await.unwrap();
        [dead[0].id.to_string(), MailId::from_bytes(nobodys).to_string()]
    } else if path.contains("/members/") {
        let listed = members::page(&app.context, &bolt.tenant, None, 10).await.unwrap();
        [listed[0].account.id.to_string(), UserId::from_bytes(nobodys).to_string()]
    } else {
        panic!("of what kind is the id in {path}?")
    }
}

async fn cases(app: &TestApp, acme: &TestTenant, bolt: &TestTenant) -> Vec<Case> {
    let mut cases = Vec::new();
    for route in CONSOLE.iter().filter(|route| route.path.contains("{id}")) {
        let is_get = route.method == Method::GET.as_str();
        cases.push(Case {
            route,
            field: None,
            target: route.path.replace("{slug}", "acme"),
            ids: strangers(app, bolt, route.path).await,
            fields: if is_get { Vec::new() } else { fields(route.path) },
        });
    }
    let nobodys = [7; 16];
    let secrets = applications::list(&app.context, &bolt.tenant).await.unwrap();
    let secret = secrets.iter().find_map(|app| app.secrets.first()).unwrap().id;
    let session = app.login(bolt).await["session_id"].as_str().unwrap().to_owned();
    let kid = keys::list(&app.context, &bolt.tenant).await.unwrap()[0].kid.clone();
    let (app_path, user_path) = (format!("/t/acme/apps/{}/act", acme.web.id), "/t/acme/users");
    let user_path = format!("{user_path}/{}", acme.user);
    let text = |fields: &[(&'static str, &str)]| {
        fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect::<Vec<_>>()
    };
    let mut named = |method, path, field, target: &str, ids: [String; 2], fields| {
        let (route, target) = (route(method, path), target.to_owned());
        cases.push(Case { route, field: Some(field), target, ids, fields });
    };
    let (post, get) = ("POST", "GET");
    named(
        post,
        "/t/{slug}/apps/{id}/act",
        "secret",
        &app_path,
        [secret.to_string(), ClientSecretId::from_bytes(nobodys).to_string()],
        text(&[("act", "remove-secret")]),
    );
    named(
        post,
        "/t/{slug}/users/{id}",
        "session",
        &user_path,
        [session, SessionId::from_bytes(nobodys).to_string()],
        text(&[("act", "end-session")]),
    );
    let families = app.context.db.read::<_, StorageError>(bolt.tenant.id, {
        let (user, now) = (bolt.user, app.context.now());
        move |tx| tx.refresh_families().live_of_user(user, now)
    });
    let family = families.await.unwrap()[0].id;
    named(
        post,
        "/t/{slug}/users/{id}",
        "family",
        &user_path,
        [family.to_string(), FamilyId::from_bytes(nobodys).to_string()],
        text(&[("act", "end-family")]),
    );
    let key = RoleKey::parse("BOLTS_OWN").unwrap();
    let admin = Administrator::command_line(&app.context);
    roles::create(&admin, &bolt.tenant, key.clone(), String::new()).await.unwrap();
    let roles = [key.to_string(), "NOBODYS_OWN".to_owned()];
    let roles_path = format!("{user_path}/roles");
    let has = description::roles(&[RoleKey::parse("ADMIN").unwrap()]);
    let seen = text(&[("version", &description::version(&has))]);
    named(post, "/t/{slug}/users/{id}/roles", "role-1", &roles_path, roles, seen);
    let keys = [kid, "A".repeat(43)];
    named(post, "/t/{slug}/keys/withdraw", "kid", "/t/acme/keys/withdraw", keys, Vec::new());
    let apps = || [bolt.web.id.clone(), ApplicationId::from_bytes(nobodys).to_string()];
    let users = || [bolt.user.to_string(), UserId::from_bytes(nobodys).to_string()];
    named(get, "/t/{slug}/users/{id}", "app", &user_path, apps(), Vec::new());
    named(get, "/t/{slug}/apps", "search", "/t/acme/apps", apps(), Vec::new());
    named(get, "/t/{slug}/users", "search", "/t/acme/users", users(), Vec::new());
    named(get, "/t/{slug}/audit", "about", "/t/acme/audit", users(), Vec::new());
    cases
}

async fn asked(
    app: &TestApp,
    browser: &mut Browser<'_>,
    token: &str,
    case: &Case,
    id: &str,
) -> Answer {
    let mut target = url(app, &case.target.replace("{id}", id));
    if case.route.method == Method::GET.as_str() {
        if let Some(field) = case.field {
            target = format!("{target}?{field}={id}");
        }
        return browser.get(&target).await;
    }
    let mut fields = vec![("csrf", token)];
    fields.extend(case.fields.iter().map(|(name, value)| (*name, value.as_str())));
    fields.extend(case.field.map(|field| (field, id)));
    submit(browser, case.route, &target, &fields).await
}

/// Status, place and body, without what is the request's own: what it asked for, and by which number it is found in
/// the log.
fn told(answer: &Answer, id: &str) -> (u16, String, String) {
    let reference = answer.header("x-request-id").unwrap();
    let place = answer.header("location").unwrap_or_default().replace(id, "ID");
    (answer.status, place, answer.body.replace(reference, "REFERENCE").replace(id, "ID"))
}

async fn an_id_of_another_tenant_is_as_one_that_does_not_exist(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    app.github(&acme.tenant).await;
    app.provider(&bolt.tenant, "google", |_| {}).await;
    let people = people(app, &acme, &bolt).await;
    // Two, so that it is not the last one that is to be removed.
    let admin = Administrator::command_line(&app.context);
    let web = ApplicationId::parse(&acme.web.id).unwrap();
    applications::add_secret(&admin, &acme.tenant, web).await.unwrap();
    app.direct(&bolt, "forgot-password", &json!({ "email": bolt.email })).await;
    let died = "UPDATE mail_orders SET status = 'dead', last_error = 'mailbox full'";
    assert!(app.execute(&format!("{died} WHERE tenant_id = '{}'", bolt.tenant.id)) > 0);
    let cases = cases(app, &acme, &bolt).await;
    let (own, foreign) = (app.audit(&acme.tenant).await, app.audit(&bolt.tenant).await);
    let mut lines = Vec::new();
    for (who, email) in &people {
        let mut browser = at(app, email.as_ref()).await;
        let token = token(app, &mut browser, email.as_ref()).await;
        for case in &cases {
            let Route { method, path, .. } = case.route;
            let field = case.field.map(|field| format!(" {field}")).unwrap_or_default();
            let what = format!("{method} {path}{field} · {who}");
            let mut answers = Vec::new();
            for id in &case.ids {
                let answer = asked(app, &mut browser, &token, case, id).await;
                answers.push(told(&answer, id));
            }
            assert_eq!(answers[0], answers[1], "{what}");
            lines.push(format!("{what}: {}", answers[0].0));
        }
    }
    // An operator who looks at a tenant shows in its log; nothing else has happened in either.
    let changes = |events: Vec<String>| {
        events.into_iter().filter(|event| event != "operator.entered").collect::<Vec<_>>()
    };
    assert_eq!(changes(app.audit(&acme.tenant).await), changes(own));
    assert_eq!(changes(app.audit(&bolt.tenant).await), changes(foreign));
    is_golden(lines, include_str!("console_foreign_ids.txt"));
}
