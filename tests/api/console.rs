//! The console: who may see and change what, and what comes of it.

use doorward::domain::email_address::EmailAddress;
use doorward::domain::ids::UserId;
use doorward::domain::member::MemberRole;
use doorward::domain::password::NewPassword;
use doorward::domain::tenant::Slug;
use doorward::flows::administration::users::NewUser;
use doorward::flows::administration::{Administrator, due, members, operators, tenants, users};
use doorward::flows::console::first_account;
use doorward::web::routes::{CONSOLE, Route};
use reqwest::Method;

use crate::harness::{
    Answer, Browser, PASSWORD, TestApp, TestTenant, claims, field, on_both_databases,
};

on_both_databases! {
    a_form_takes_no_forged_post_and_no_field_that_it_does_not_show,
    an_account_makes_a_tenant_of_its_own_and_an_app_that_works,
    a_trial_of_an_app_shows_the_tokens_of_a_real_sign_in,
    what_was_changed_meanwhile_is_not_overwritten,
    the_audit_log_tells_what_was_before_and_after_but_no_secret,
    a_role_that_is_given_shows_in_the_next_refresh,
    a_disabled_app_gets_no_tokens_from_the_next_request_on,
    an_invited_user_chooses_a_password_by_mail,
    the_last_owner_stays,
    an_account_that_is_gone_is_no_owner,
    a_trial_and_a_preview_work_for_a_tenant_with_a_host_of_its_own,
    of_several_first_accounts_at_once_there_is_one,
    the_first_account_is_made_once_by_the_link,
    a_browser_keeps_few_sign_ins_that_were_never_ended,
    a_sign_out_ends_the_console_session_on_the_server,
}

const EMAIL: &str = "console@doorward.example";

pub async fn account(app: &TestApp, email: &str) -> UserId {
    let console = operators::console_tenant(&app.context).await.unwrap();
    let admin = Administrator::command_line(&app.context);
    users::create(&admin, &console, new_user(email)).await.unwrap().id
}

fn new_user(email: &str) -> NewUser {
    NewUser {
        email: EmailAddress::parse(email).unwrap(),
        email_verified: true,
        name: None,
        roles: Vec::new(),
        password: NewPassword::parse(PASSWORD).unwrap(),
    }
}

/// An account with that role in the tenant.
pub async fn member(app: &TestApp, tenant: &TestTenant, role: MemberRole) -> String {
    let email = format!("{}@{}.example", role.as_str(), tenant.tenant.slug);
    account(app, &email).await;
    let admin = Administrator::command_line(&app.context);
    let address = EmailAddress::parse(&email).unwrap();
    members::add(&admin, &tenant.tenant, address, role).await.unwrap();
    email
}

pub async fn operator(app: &TestApp) -> String {
    let email = "operator@doorward.example";
    operators::create(&Administrator::command_line(&app.context), new_user(email)).await.unwrap();
    email.to_owned()
}

pub fn url(app: &TestApp, path: &str) -> String {
    format!("{}/console{path}", app.context.public_url.as_str())
}

fn full(app: &TestApp, location: &str) -> String {
    if location.starts_with('/') {
        format!("{}{location}", app.context.public_url.as_str())
    } else {
        location.to_owned()
    }
}

pub async fn follow(app: &TestApp, browser: &mut Browser<'_>, mut answer: Answer) -> Answer {
    for _ in 0..10 {
        if answer.status != 303 && answer.status != 302 {
            return answer;
        }
        let next = full(app, answer.location());
        answer = browser.get(&next).await;
    }
    panic!("redirects without end: {answer:?}")
}

/// Of the roles that the page of the tenant's user shows.
pub async fn roles_version(
    app: &TestApp,
    browser: &mut Browser<'_>,
    tenant: &TestTenant,
) -> String {
    let path = format!("/t/{}/users/{}", tenant.tenant.slug, tenant.user);
    let mut page = browser.get(&url(app, &path)).await;
    page.body = page.body.split(&format!("{path}/roles\"")).nth(1).expect("a form").to_owned();
    field(&page, "version")
}

/// Through the hosted login of the built-in tenant, as anybody does it.
pub async fn sign_in<'a>(app: &'a TestApp, email: &str) -> Browser<'a> {
    let mut browser = Browser::new(app);
    let first = browser.get(&url(app, "")).await;
    let page = follow(app, &mut browser, first).await;
    assert_eq!(page.status, 200, "{page:?}");
    let (csrf, request) = (field(&page, "csrf"), field(&page, "request"));
    let login = format!("{}/t/console/login", app.context.public_url.as_str());
    let fields =
        [("csrf", &*csrf), ("request", &*request), ("email", email), ("password", PASSWORD)];
    let answer = browser.submit(&login, &fields).await;
    let home = follow(app, &mut browser, answer).await;
    assert_eq!(home.status, 200, "{home:?}");
    assert!(home.body.contains(email), "{home:?}");
    browser
}

pub async fn csrf(app: &TestApp, browser: &mut Browser<'_>) -> String {
    field(&browser.get(&url(app, "/tenants/new")).await, "csrf")
}

pub async fn post(
    app: &TestApp,
    browser: &mut Browser<'_>,
    path: &str,
    fields: &[(&str, &str)],
) -> Answer {
    let csrf = csrf(app, browser).await;
    let mut all = vec![("csrf", &*csrf)];
    all.extend(fields);
    browser.submit(&url(app, path), &all).await
}

/// The path of a route, with a thing of the tenant in it.
pub async fn filled(app: &TestApp, tenant: &TestTenant, path: &str) -> String {
    let path = path.replace("{slug}", tenant.tenant.slug.as_str());
    let id = if path.contains("/apps/") {
        tenant.web.id.clone()
    } else if path.contains("/users/") {
        tenant.user.to_string()
    } else if path.contains("/providers/") {
        "github".to_owned()
    } else if path.contains("/roles/") {
        let roles = app
            .context
            .db
            .read::<_, doorward::storage::StorageError>(tenant.tenant.id, |tx| tx.roles().list());
        roles.await.unwrap()[0].id.to_string()
    } else {
        UserId::from_bytes([1; 16]).to_string()
    };
    path.replace("{id}", &id)
}

fn takes_a_file(route: &Route) -> bool {
    route.path.contains("/branding/logo")
}

pub async fn submit(
    browser: &mut Browser<'_>,
    route: &Route,
    target: &str,
    fields: &[(&str, &str)],
) -> Answer {
    match takes_a_file(route) {
        true => browser.upload(target, fields, b"").await,
        false => browser.submit(target, fields).await,
    }
}

async fn a_form_takes_no_forged_post_and_no_field_that_it_does_not_show(app: &TestApp) {
    let acme = app.tenant("acme").await;
    app.github(&acme.tenant).await;
    let email = operator(app).await;
    let mut browser = sign_in(app, &email).await;
    let token = csrf(app, &mut browser).await;
    let posts = CONSOLE.iter().filter(|route| route.method == Method::POST.as_str());
    for route in posts {
        let target = url(app, &filled(app, &acme, route.path).await);
        for forged in [vec![], vec![("csrf", "guessed")]] {
            let answer = submit(&mut browser, route, &target, &forged).await;
            assert_eq!(answer.status, 403, "{target} {answer:?}");
        }
        let (call, fields) = (app.post(&target), [("csrf", &*token)]);
        let call = call.header("origin", "https://evil.example");
        let call = if takes_a_file(route) { call.upload(&fields, b"") } else { call.form(&fields) };
        let answer = browser.send(&target, call).await;
        assert_eq!(answer.status, 403, "{target} {answer:?}");
        let fields = [("csrf", &*token), ("status", "x")];
        let answer = submit(&mut browser, route, &target, &fields).await;
        assert_eq!(answer.status, 400, "{target} {answer:?}");
    }
}

async fn an_account_makes_a_tenant_of_its_own_and_an_app_that_works(app: &TestApp) {
    account(app, EMAIL).await;
    let mut browser = sign_in(app, EMAIL).await;
    let taken =
        post(app, &mut browser, "/tenants", &[("name", "Gizmo"), ("slug", "console")]).await;
    assert!(taken.body.contains("there is a tenant"), "{taken:?}");
    assert!(taken.body.contains("value=\"Gizmo\""), "what was typed stays: {taken:?}");
    let made = post(app, &mut browser, "/tenants", &[("name", "Gizmo"), ("slug", "gizmo")]).await;
    assert_eq!(made.location(), "/console/t/gizmo/apps/new");
    let fields = [("name", "Site"), ("builds", "service")];
    let page = post(app, &mut browser, "/t/gizmo/apps", &fields).await;
    assert_eq!(page.status, 200, "{page:?}");
    let secret = page.body.split("<code class=\"whole\">").nth(1).unwrap();
    let secret = secret.split('<').next().unwrap();
    let list = browser.get(&url(app, "/t/gizmo/apps")).await;
    let id = list.body.split("/console/t/gizmo/apps/app").nth(1).unwrap();
    let id = format!("app{}", id.split('"').next().unwrap());
    let again = browser.get(&url(app, &format!("/t/gizmo/apps/{id}"))).await;
    assert!(!again.body.contains(secret), "a secret is shown once");
    let token = format!("{}/t/gizmo/oauth2/token", app.context.public_url.as_str());
    let grant = [("grant_type", "client_credentials")];
    app.post(&token).basic(&id, secret).form(&grant).send().await.expect(200);
    let home = browser.get(&url(app, "")).await;
    assert!(home.body.contains("/console/t/gizmo") && home.body.contains("owner"), "{home:?}");
}

async fn a_trial_of_an_app_shows_the_tokens_of_a_real_sign_in(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email = member(app, &acme, MemberRole::Admin).await;
    let mut browser = sign_in(app, &email).await;
    let path = format!("/t/acme/apps/{}/try", acme.service.id);
    let page = post(app, &mut browser, &path, &[]).await;
    assert!(page.body.contains("It works") && page.body.contains(&acme.service.id), "{page:?}");
    for client in [&acme.web, &acme.spa] {
        let path = format!("/t/acme/apps/{}/try", client.id);
        let began = post(app, &mut browser, &path, &[]).await;
        let mut page = follow(app, &mut browser, began).await;
        if page.body.contains("name=\"request\"") {
            let (csrf, request) = (field(&page, "csrf"), field(&page, "request"));
            let fields = [
                ("csrf", &*csrf),
                ("request", &*request),
                ("email", &*acme.email),
                ("password", PASSWORD),
            ];
            let answer = browser.submit(&acme.url("/login"), &fields).await;
            page = follow(app, &mut browser, answer).await;
        }
        assert_eq!(page.status, 200, "{page:?}");
        assert!(page.body.contains(&acme.user.to_string()), "the sub: {page:?}");
        assert!(page.body.contains("at+jwt") && page.body.contains("ADMIN"), "{page:?}");
    }
    let again = browser.get(&url(app, "/try?code=x&state=y")).await;
    assert_eq!(again.status, 400, "a trial that this browser did not begin: {again:?}");
}

async fn what_was_changed_meanwhile_is_not_overwritten(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email = member(app, &acme, MemberRole::Admin).await;
    let mut browser = sign_in(app, &email).await;
    let path = format!("/t/acme/apps/{}", acme.web.id);
    let version = field(&browser.get(&url(app, &path)).await, "version");
    let change = |name: &'static str| {
        vec![
            ("version", version.clone()),
            ("name", name.to_owned()),
            ("redirect-1", acme.web.redirect_uri.clone()),
            ("direct_login", "on".to_owned()),
            ("access_minutes", "15".to_owned()),
            ("idle_hours", "168".to_owned()),
            ("absolute_hours", "720".to_owned()),
        ]
    };
    let mut insisting = browser.get(&url(app, &path)).await;
    for (name, status) in [("First", 303), ("Second", 409)] {
        let fields = change(name);
        let fields: Vec<_> = fields.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let answer = post(app, &mut browser, &path, &fields).await;
        assert_eq!(answer.status, status, "{answer:?}");
        if status == 409 {
            assert!(
                answer.body.contains("<dd>First</dd>"),
                "it says what is there now: {answer:?}"
            );
            assert!(answer.body.contains("<dd>Second</dd>"), "and what was sent: {answer:?}");
            insisting = answer;
        }
    }
    let page = browser.get(&url(app, &path)).await;
    assert!(page.body.contains("value=\"First\""), "{page:?}");
    let seen = field(&insisting, "version");
    let mut fields = change("Second");
    fields[0].1 = seen;
    let fields: Vec<_> = fields.iter().map(|(key, value)| (*key, value.as_str())).collect();
    assert_eq!(post(app, &mut browser, &path, &fields).await.status, 303);
    let page = browser.get(&url(app, &path)).await;
    assert!(page.body.contains("value=\"Second\""), "whoever has seen both may insist: {page:?}");
}

async fn the_audit_log_tells_what_was_before_and_after_but_no_secret(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email = member(app, &acme, MemberRole::Admin).await;
    let mut browser = sign_in(app, &email).await;
    let path = format!("/t/acme/apps/{}/act", acme.web.id);
    let page = post(app, &mut browser, &path, &[("act", "add-secret")]).await;
    let secret = page.body.split("<code class=\"whole\">").nth(1).unwrap();
    let secret = secret.split('<').next().unwrap().to_owned();
    let roles = format!("/t/acme/users/{}/roles", acme.user);
    let version = roles_version(app, &mut browser, &acme).await;
    let answer = post(app, &mut browser, &roles, &[("version", &version)]).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let export = browser.get(&url(app, "/t/acme/audit?format=jsonl")).await;
    assert!(!export.body.contains(&secret));
    let lines: Vec<serde_json::Value> =
        export.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let assigned = lines.iter().find(|line| line["action"] == "user.roles_assigned").unwrap();
    assert_eq!(assigned["details"]["before"], serde_json::json!({ "roles": ["ADMIN"] }));
    assert_eq!(assigned["details"]["after"], serde_json::json!({ "roles": [] }));
    assert!(lines.iter().any(|line| line["action"] == "application.secret_added"));
    let page = browser.get(&url(app, "/t/acme/audit?action=user.roles_assigned")).await;
    assert!(page.body.contains("user.roles_assigned</strong>"), "{page:?}");
    assert!(!page.body.contains("secret_added</strong>"), "{page:?}");
}

async fn a_role_that_is_given_shows_in_the_next_refresh(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let tokens = app.sign_in(&acme, &acme.web).await;
    assert_eq!(claims(tokens["access_token"].as_str().unwrap())["role"], "ADMIN");
    let email = member(app, &acme, MemberRole::Admin).await;
    let mut browser = sign_in(app, &email).await;
    let page = browser.get(&url(app, &format!("/t/acme/users/{}", acme.user))).await;
    let member_role = field(&page, "role-2");
    let path = format!("/t/acme/users/{}/roles", acme.user);
    let version = roles_version(app, &mut browser, &acme).await;
    let fields = [("version", &*version), ("role-2", &*member_role)];
    assert_eq!(post(app, &mut browser, &path, &fields).await.status, 303);
    let stale = post(app, &mut browser, &path, &fields).await;
    assert_eq!(stale.status, 409, "{stale:?}");
    assert!(stale.body.contains("<dd>MEMBER</dd>"), "what is there, and what was sent: {stale:?}");
    let refreshed =
        app.refresh(&acme, &acme.web, tokens["refresh_token"].as_str().unwrap()).await.expect(200);
    assert_eq!(claims(refreshed["access_token"].as_str().unwrap())["role"], "MEMBER");
}

async fn a_disabled_app_gets_no_tokens_from_the_next_request_on(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let tokens = app.sign_in(&acme, &acme.web).await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let email = member(app, &acme, MemberRole::Admin).await;
    let mut browser = sign_in(app, &email).await;
    let path = format!("/t/acme/apps/{}/act", acme.web.id);
    assert_eq!(post(app, &mut browser, &path, &[("act", "disable")]).await.status, 303);
    app.refresh(&acme, &acme.web, refresh).await.refused(401, "invalid_client");
    assert_eq!(post(app, &mut browser, &path, &[("act", "enable")]).await.status, 303);
    app.refresh(&acme, &acme.web, refresh).await.expect(200);
}

async fn an_invited_user_chooses_a_password_by_mail(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email = member(app, &acme, MemberRole::Admin).await;
    let mut browser = sign_in(app, &email).await;
    let fields = [("email", "new@acme.example"), ("name", "Newcomer")];
    let answer = post(app, &mut browser, "/t/acme/users", &fields).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let link = app.mailed_link("new@acme.example").await;
    assert!(link.starts_with(&acme.url("/reset-password?token=")), "{link}");
    let found = browser.get(&url(app, "/t/acme/users?search=newc")).await;
    assert!(found.body.contains("new@acme.example"), "{found:?}");
    let twice = post(app, &mut browser, "/t/acme/users", &fields).await;
    assert!(twice.body.contains("there is a user"), "{twice:?}");
}

async fn the_last_owner_stays(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email = member(app, &acme, MemberRole::Owner).await;
    let mut browser = sign_in(app, &email).await;
    let tenant = tenants::find(&app.context, &Slug::parse("acme").unwrap()).await.unwrap();
    let listed = members::page(&app.context, &tenant, None, 100).await.unwrap();
    let path = format!("/t/acme/members/{}", listed[0].account.id);
    for role in ["viewer", "none"] {
        let answer = post(app, &mut browser, &path, &[("role", role)]).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.body.contains("last owner"), "{answer:?}");
    }
    let fields = [("email", "second@doorward.example"), ("role", "owner")];
    assert_eq!(post(app, &mut browser, "/t/acme/members", &fields).await.status, 303);
    assert_eq!(post(app, &mut browser, &path, &[("role", "none")]).await.status, 303);
    let gone = browser.get(&url(app, "/t/acme")).await;
    assert_eq!(gone.status, 404, "to whom is no member, the tenant does not exist");
}

/// Else the last one who is there could leave.
async fn an_account_that_is_gone_is_no_owner(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email = member(app, &acme, MemberRole::Owner).await;
    let admin = Administrator::command_line(&app.context);
    let console = operators::console_tenant(&app.context).await.unwrap();
    for (address, by_grace) in [("ghost@doorward.example", false), ("spook@doorward.example", true)]
    {
        let ghost = account(app, address).await;
        let parsed = EmailAddress::parse(address).unwrap();
        members::add(&admin, &acme.tenant, parsed, MemberRole::Owner).await.unwrap();
        if by_grace {
            app.execute(&format!("UPDATE users SET deletes_at = 1 WHERE email = '{address}'"));
            assert_eq!(due::delete_users(&app.context, 10).await.unwrap(), 1);
        } else {
            users::act(&admin, &console, ghost, users::Act::Delete).await.unwrap();
        }
    }
    let listed = members::page(&app.context, &acme.tenant, None, 100).await.unwrap();
    assert_eq!(listed.len(), 1);
    let mut browser = sign_in(app, &email).await;
    let path = format!("/t/acme/members/{}", listed[0].account.id);
    let answer = post(app, &mut browser, &path, &[("role", "none")]).await;
    assert!(answer.status == 400 && answer.body.contains("last owner"), "{answer:?}");
}

async fn a_trial_and_a_preview_work_for_a_tenant_with_a_host_of_its_own(app: &TestApp) {
    let acme = app.tenant_at("acme", Some("login.acme.example")).await;
    let email = member(app, &acme, MemberRole::Admin).await;
    let mut browser = sign_in(app, &email).await;
    let path = format!("/t/acme/apps/{}/try", acme.service.id);
    let page = post(app, &mut browser, &path, &[]).await;
    assert!(page.body.contains("It works") && page.body.contains(&acme.issuer), "{page:?}");
    let path = format!("/t/acme/apps/{}/try", acme.web.id);
    let began = post(app, &mut browser, &path, &[]).await;
    assert!(began.location().starts_with(&acme.issuer), "{began:?}");
    let user = format!("/t/acme/users/{}?app={}", acme.user, acme.web.id);
    let preview = browser.get(&url(app, &user)).await;
    assert!(preview.body.contains(&format!("&#34;{}&#34;", acme.issuer)), "{preview:?}");
}

async fn of_several_first_accounts_at_once_there_is_one(app: &TestApp) {
    let token = first_account::token(&app.context.console_keys);
    let makers = (0..6).map(|number| {
        let token = token.clone();
        async move {
            let email = EmailAddress::parse(&format!("first-{number}@doorward.example")).unwrap();
            let password = NewPassword::parse(PASSWORD).unwrap();
            first_account::make(&app.context, &token, email, password).await.unwrap()
        }
    });
    let made = futures_util::future::join_all(makers).await;
    assert_eq!(made.iter().flatten().count(), 1, "{made:?}");
    assert_eq!(app.count("operators"), 1);
    assert_eq!(app.count("users"), 1, "nothing stays of the others");
}

async fn the_first_account_is_made_once_by_the_link(app: &TestApp) {
    let token = first_account::token(&app.context.console_keys);
    let mut browser = Browser::new(app);
    let wrong = browser.get(&url(app, "/setup?token=guessed")).await;
    assert_eq!(wrong.location(), "/console");
    let link = url(app, &format!("/setup?token={token}"));
    let csrf = field(&browser.get(&link).await, "csrf");
    let fields = [("csrf", &*csrf), ("token", &*token), ("email", EMAIL), ("password", PASSWORD)];
    let made = browser.submit(&url(app, "/setup"), &fields).await;
    assert_eq!(made.location(), "/console");
    assert!(operators::existed(&app.context).await.unwrap());
    assert_eq!(browser.get(&link).await.location(), "/console", "the link is used up");
    sign_in(app, EMAIL).await;
}

async fn a_browser_keeps_few_sign_ins_that_were_never_ended(app: &TestApp) {
    account(app, EMAIL).await;
    let mut browser = Browser::new(app);
    let mut states = Vec::new();
    for _ in 0..30 {
        let answer = browser.get(&url(app, "/sign-in")).await;
        let query = crate::harness::query(answer.location());
        states.push(query["state"].clone());
    }
    let console = operators::console_tenant(&app.context).await.unwrap();
    let cookie = browser.cookies.iter().find(|cookie| cookie.name() == "doorward-console").unwrap();
    let key = cookie.value().rsplit_once('.').unwrap().1.to_owned();
    let digest = doorward::crypto::digest::digest(&doorward::domain::secret::Secret::new(key));
    let now = app.context.now();
    let kept = app.context.db.read::<_, doorward::storage::StorageError>(console.id, move |tx| {
        tx.browser_states().find(&digest, now)
    });
    let kept = kept.await.unwrap().expect("the browser has a state");
    assert!(kept.matches("pending-").count() <= 8, "{kept}");
    assert!(kept.contains(states.last().unwrap()), "the newest goes on");
}

async fn a_sign_out_ends_the_console_session_on_the_server(app: &TestApp) {
    account(app, EMAIL).await;
    let mut browser = sign_in(app, EMAIL).await;
    let mut thief = Browser::new(app);
    thief.cookies = browser.cookies.clone();
    assert_eq!(thief.get(&url(app, "")).await.status, 200);
    assert_eq!(post(app, &mut browser, "/sign-out", &[]).await.status, 303);
    for browser in [&mut browser, &mut thief] {
        let answer = browser.get(&url(app, "")).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        assert!(answer.location().starts_with("/console/sign-in"), "{answer:?}");
    }
}
