//! The least length that a tenant wants of new passwords, on each way that one is chosen.

use doorward::domain::email_address::EmailAddress;
use doorward::domain::member::MemberRole;
use doorward::domain::password::{MinLength, NewPassword};
use doorward::domain::tenant::CONSOLE_SLUG;
use doorward::flows::administration::tenants::TenantChange;
use doorward::flows::administration::users::{self, NewUser};
use doorward::flows::administration::{Administrator, Problem, operators, tenants};
use serde_json::json;

use crate::console::{member, post, sign_in, url};
use crate::harness::{Answer, Browser, PASSWORD, TestApp, TestTenant, field, on_both_databases};

on_both_databases! {
    a_tenant_that_says_nothing_takes_eight_characters,
    the_hosted_sign_up_takes_what_is_long_enough,
    the_hosted_reset_takes_what_is_long_enough,
    the_account_page_takes_what_is_long_enough,
    the_json_api_takes_what_is_long_enough,
    an_invited_user_s_first_password_is_long_enough,
    the_command_line_takes_what_is_long_enough,
    a_password_that_is_set_goes_on_working,
    an_admin_sets_it_on_the_page_of_the_sign_in_methods,
    the_first_account_has_a_password_that_is_long_enough,
}

const LEAST: u8 = 16;
const SHORT: &str = "purple-otter-72";
const LONG: &str = "purple-otter-72q";
const SAYS: &str = "Use at least 16 characters.";
const EMAIL: &str = "grace@x.example";

async fn strict(app: &TestApp) -> TestTenant {
    assert_eq!(SHORT.len() + 1, usize::from(LEAST));
    assert_eq!(LONG.len(), usize::from(LEAST));
    let acme = app.tenant("acme").await;
    require(app, &acme, LEAST).await;
    acme
}

async fn require(app: &TestApp, tenant: &TestTenant, least: u8) {
    let password_min_length = Some(MinLength::new(least).unwrap());
    app.change(tenant, TenantChange { password_min_length, ..TenantChange::default() }).await;
}

async fn logs_in(app: &TestApp, acme: &TestTenant, email: &str, password: &str) -> bool {
    let body = json!({ "email": email, "password": password });
    app.direct(acme, "login", &body).await.status == 200
}

/// What a page with a field for a new password says of it.
#[track_caller]
fn asks_for(page: &Answer, least: u8) {
    let hint = format!("At least {least} characters.");
    assert!(page.body.contains(&hint), "{}", page.body);
    assert!(page.body.contains(&format!("minlength=\"{least}\"")), "{}", page.body);
}

#[track_caller]
fn is_too_short(page: &Answer) {
    assert!(page.body.contains(SAYS), "{page:?}");
    assert!(page.body.contains("id=\"password-error\""), "{page:?}");
    asks_for(page, LEAST);
}

async fn a_tenant_that_says_nothing_takes_eight_characters(app: &TestApp) {
    let acme = app.tenant("acme").await;
    asks_for(&Browser::new(app).get(&acme.url("/signup")).await, 8);
    let register = |password| json!({ "email": EMAIL, "password": password });
    let refused = app.direct(&acme, "register", &register("kw8Zq2x")).await;
    assert!(refused.body.contains("Use at least 8 characters."), "{refused:?}");
    app.direct(&acme, "register", &register("kw8Zq2xv")).await.expect(201);
}

async fn the_hosted_sign_up_takes_what_is_long_enough(app: &TestApp) {
    let acme = strict(app).await;
    let mut browser = Browser::new(app);
    let page = browser.get(&acme.url("/signup")).await;
    asks_for(&page, LEAST);
    let csrf = field(&page, "csrf");
    let mut made = Vec::new();
    for password in ["kw8Zq2x", SHORT, LONG] {
        let fields = [("csrf", &*csrf), ("name", ""), ("email", EMAIL), ("password", password)];
        made.push(browser.submit(&acme.url("/signup"), &fields).await);
    }
    is_too_short(&made[0]);
    is_too_short(&made[1]);
    assert_eq!(made[2].status, 303, "{:?}", made[2]);
    assert!(logs_in(app, &acme, EMAIL, LONG).await);
}

async fn choose_by_link(app: &TestApp, acme: &TestTenant, link: &str) {
    let mut browser = Browser::new(app);
    let page = browser.get(link).await;
    asks_for(&page, LEAST);
    let (csrf, token) = (field(&page, "csrf"), field(&page, "token"));
    let fields = |password| [("csrf", &*csrf), ("token", &*token), ("password", password)];
    is_too_short(&browser.submit(&acme.url("/reset-password"), &fields(SHORT)).await);
    let done = browser.submit(&acme.url("/reset-password"), &fields(LONG)).await;
    assert_eq!(done.location(), "/t/acme/login?done=password");
}

async fn the_hosted_reset_takes_what_is_long_enough(app: &TestApp) {
    let acme = strict(app).await;
    app.direct(&acme, "forgot-password", &json!({ "email": acme.email })).await;
    let link = app.mailed_link(&acme.email).await;
    choose_by_link(app, &acme, &link).await;
    assert!(logs_in(app, &acme, &acme.email, LONG).await);
}

async fn the_account_page_takes_what_is_long_enough(app: &TestApp) {
    let acme = strict(app).await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let at = acme.url("/account/password");
    let page = browser.get(&at).await;
    asks_for(&page, LEAST);
    let csrf = field(&page, "csrf");
    is_too_short(&browser.submit(&at, &[("csrf", &csrf), ("password", SHORT)]).await);
    let done = browser.submit(&at, &[("csrf", &csrf), ("password", LONG)]).await;
    assert_eq!(done.location(), "/t/acme/account?done=password");
    assert!(logs_in(app, &acme, &acme.email, LONG).await);
}

async fn the_json_api_takes_what_is_long_enough(app: &TestApp) {
    let acme = strict(app).await;
    let register = |password| json!({ "email": EMAIL, "password": password });
    let refused = app.direct(&acme, "register", &register(SHORT)).await.expect(400);
    assert!(refused["fields"]["password"].as_str().unwrap().starts_with(SAYS), "{refused}");
    app.direct(&acme, "register", &register(LONG)).await.expect(201);
    app.direct(&acme, "forgot-password", &json!({ "email": acme.email })).await;
    let token = app.mailed_token(&acme.email).await;
    let reset = |password| json!({ "token": token, "password": password });
    let refused = app.direct(&acme, "reset-password", &reset(SHORT)).await.expect(400);
    assert!(refused["fields"]["password"].as_str().unwrap().starts_with(SAYS), "{refused}");
    assert_eq!(app.direct(&acme, "reset-password", &reset(LONG)).await.status, 204);
}

async fn an_invited_user_s_first_password_is_long_enough(app: &TestApp) {
    let acme = strict(app).await;
    let admin = member(app, &acme, MemberRole::Admin).await;
    let mut browser = sign_in(app, &admin).await;
    let invited = post(app, &mut browser, "/t/acme/users", &[("email", EMAIL)]).await;
    assert_eq!(invited.status, 303, "{invited:?}");
    let link = app.mailed_link(EMAIL).await;
    choose_by_link(app, &acme, &link).await;
    assert!(logs_in(app, &acme, EMAIL, LONG).await);
}

async fn the_command_line_takes_what_is_long_enough(app: &TestApp) {
    let acme = strict(app).await;
    let admin = Administrator::command_line(&app.context);
    let tenant = tenants::find(&app.context, &acme.tenant.slug).await.unwrap();
    let new = |password| NewUser {
        email: EmailAddress::parse(EMAIL).unwrap(),
        email_verified: true,
        name: None,
        roles: Vec::new(),
        password: NewPassword::parse(password).unwrap(),
    };
    let Err(Problem::Input(why)) = users::create(&admin, &tenant, new(SHORT)).await else {
        panic!("a user with a short password")
    };
    assert!(why.starts_with(SAYS), "{why}");
    let user = users::create(&admin, &tenant, new(LONG)).await.unwrap();
    let set =
        async |password| users::set_password(&admin, &tenant, &user, new(password).password).await;
    assert!(matches!(set(SHORT).await, Err(Problem::Input(why)) if why.starts_with(SAYS)));
    set("violet-otter-72q").await.unwrap();
    assert!(logs_in(app, &acme, EMAIL, "violet-otter-72q").await);
}

async fn a_password_that_is_set_goes_on_working(app: &TestApp) {
    let acme = app.tenant("acme").await;
    require(app, &acme, 64).await;
    assert!(PASSWORD.len() < 64);
    app.direct(&acme, "login", &acme.credentials()).await.expect(200);
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let login = Browser::new(app).get(&acme.url("/login")).await;
    assert!(!login.body.contains("minlength"), "whoever signs in chooses nothing: {login:?}");
}

async fn an_admin_sets_it_on_the_page_of_the_sign_in_methods(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email = member(app, &acme, MemberRole::Admin).await;
    let mut browser = sign_in(app, &email).await;
    let page = browser.get(&url(app, "/t/acme/sign-in")).await;
    assert!(page.body.contains("name=\"password_min_length\""), "{page:?}");
    let version = field(&page, "version");
    let form = |least, days| {
        [
            ("version", &*version),
            ("sign_up", "on"),
            ("password_min_length", least),
            ("deletion_grace_days", days),
        ]
    };
    for (least, days, beside, not_beside) in [
        ("7", "14", "least-problem", "days-problem"),
        ("65", "14", "least-problem", "days-problem"),
        ("many", "14", "least-problem", "days-problem"),
        ("", "14", "least-problem", "days-problem"),
        ("16", "91", "days-problem", "least-problem"),
        ("16", "soon", "days-problem", "least-problem"),
    ] {
        let refused = post(app, &mut browser, "/t/acme/sign-in", &form(least, days)).await;
        assert_eq!(refused.status, 400, "{least}: {refused:?}");
        assert!(refused.body.contains(&format!("id=\"{beside}\"")), "{least}: {refused:?}");
        assert!(!refused.body.contains(not_beside), "{least}: {refused:?}");
        assert!(refused.body.contains(&format!("value=\"{least}\"")), "what was typed stays");
        assert!(refused.body.contains(&format!("value=\"{days}\"")), "what was typed stays");
    }
    let saved = post(app, &mut browser, "/t/acme/sign-in", &form("16", "14")).await;
    assert_eq!(saved.location(), "/console/t/acme/sign-in?done=saved", "{saved:?}");
    asks_for(&Browser::new(app).get(&acme.url("/signup")).await, LEAST);
    let stale = post(app, &mut browser, "/t/acme/sign-in", &form("20", "14")).await;
    assert_eq!(stale.status, 409, "{stale:?}");
    assert!(stale.body.contains("<dd>16</dd>") && stale.body.contains("<dd>20</dd>"), "{stale:?}");
    let log = browser.get(&url(app, "/t/acme/audit?action=tenant.changed")).await;
    assert!(log.body.contains("password min length"), "{}", log.body);
}

async fn the_first_account_has_a_password_that_is_long_enough(app: &TestApp) {
    let console = operators::console_tenant(&app.context).await.unwrap();
    assert_eq!(console.slug.as_str(), CONSOLE_SLUG);
    let password_min_length = Some(MinLength::new(LEAST).unwrap());
    let change = TenantChange { password_min_length, ..TenantChange::default() };
    let admin = Administrator::command_line(&app.context);
    tenants::change(&admin, &console.slug, change).await.unwrap();
    let token = doorward::flows::console::first_account::token(&app.context.console_keys);
    let mut browser = Browser::new(app);
    let at = url(app, "/setup");
    let page = browser.get(&format!("{at}?token={token}")).await;
    asks_for(&page, LEAST);
    let csrf = field(&page, "csrf");
    let form =
        |password| [("csrf", &*csrf), ("token", &*token), ("email", EMAIL), ("password", password)];
    let refused = browser.submit(&at, &form(SHORT)).await;
    assert!(refused.body.contains(SAYS), "{refused:?}");
    assert_eq!(browser.submit(&at, &form(LONG)).await.location(), "/console");
    sign_in_with(app, LONG).await;
}

async fn sign_in_with(app: &TestApp, password: &str) {
    let mut browser = Browser::new(app);
    let login = format!("{}/t/console/login", app.context.public_url.as_str());
    let csrf = field(&browser.get(&login).await, "csrf");
    let fields = [("csrf", &*csrf), ("email", EMAIL), ("password", password)];
    assert_eq!(browser.submit(&login, &fields).await.status, 303);
}
