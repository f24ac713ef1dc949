//! Users in the console: how they are made, what is shown of them, and what an admin ends.

use std::time::Duration;

use doorward::domain::email_address::EmailAddress;
use doorward::domain::ids::UserId;
use doorward::domain::member::MemberRole;
use doorward::domain::role::RoleKey;
use doorward::flows::administration::{Administrator, roles, users};
use serde_json::{Value, json};

use crate::console::post;
use crate::console_pages::{page, seat};
use crate::harness::federation::{Email, Pair, federate, user};
use crate::harness::{Browser, PASSWORD, TestApp, TestTenant, claims, field, on_both_databases};

on_both_databases! {
    a_user_is_created_without_a_letter_and_gets_in_by_recovery,
    an_invited_user_has_the_roles_that_were_chosen_from_the_first_token_on,
    what_is_wrong_with_a_new_user_stands_beside_its_field_and_nothing_is_lost,
    a_new_user_with_a_role_that_there_is_not_is_not_made,
    roles_beyond_those_that_are_listed_are_given_by_their_keys,
    a_user_has_no_more_roles_than_a_token_can_carry,
    a_sign_in_to_an_application_is_ended_alone,
    nobody_s_sign_in_is_ended_on_the_page_of_somebody_else,
    a_reused_refresh_token_shows_in_the_trail_of_its_user,
    linked_accounts_go_by_their_provider_and_address,
    a_preview_says_so_where_no_token_would_be_issued,
    a_viewer_sees_the_roles_of_a_user,
    a_name_that_was_changed_meanwhile_is_shown_beside_what_was_sent,
}

async fn found(app: &TestApp, tenant: &TestTenant, email: &str) -> Option<UserId> {
    let email = EmailAddress::parse(email).unwrap();
    users::find(&app.context, &tenant.tenant, &email).await.ok().map(|user| user.id)
}

async fn last_event(app: &TestApp, browser: &mut Browser<'_>, action: &str) -> Value {
    let log = page(app, browser, &format!("/t/acme/audit?format=jsonl&action={action}")).await;
    serde_json::from_str(log.body.lines().next().expect("an event")).unwrap()
}

async fn a_user_is_created_without_a_letter_and_gets_in_by_recovery(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    for (email, verified) in [("quiet@acme.example", false), ("known@acme.example", true)] {
        let mut fields = vec![("email", email), ("name", "Some Body"), ("way", "create")];
        if verified {
            fields.push(("verified", "on"));
        }
        let made = post(app, &mut browser, "/t/acme/users", &fields).await;
        assert_eq!(made.status, 303, "{made:?}");
        assert!(made.location().ends_with("?done=user-created"), "{made:?}");
        let id = found(app, &acme, email).await.unwrap();
        let shown = page(app, &mut browser, &format!("/t/acme/users/{id}")).await;
        let state = if verified { ">verified<" } else { ">not verified<" };
        assert!(shown.body.contains(state), "{shown:?}");
        assert!(app.mail_to(email).await.is_empty(), "no mail goes out");
        let event = last_event(app, &mut browser, "user.created").await;
        assert_eq!(event["details"]["before"], json!(null));
        assert_eq!(event["details"]["after"]["email"], email);
        assert_eq!(event["details"]["after"]["password"], false);
    }
    let mut owner = Browser::new(app);
    let forgot = acme.url("/forgot-password");
    let csrf = field(&owner.get(&forgot).await, "csrf");
    owner.submit(&forgot, &[("csrf", &csrf), ("email", "quiet@acme.example")]).await;
    let link = app.mailed_link("quiet@acme.example").await;
    let form = owner.get(&link).await;
    let fields = [
        ("csrf", &*field(&form, "csrf")),
        ("token", &*field(&form, "token")),
        ("password", PASSWORD),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    owner.submit(&acme.url("/reset-password"), &fields).await;
    let mut fresh = Browser::new(app);
    let answer = fresh.sign_in_as(&acme, "quiet@acme.example").await;
    assert_eq!(answer.status, 303, "{answer:?}");
}

async fn an_invited_user_has_the_roles_that_were_chosen_from_the_first_token_on(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let form = page(app, &mut browser, "/t/acme/users/new").await;
    assert!(form.body.contains("value=\"ADMIN\"") && form.body.contains("value=\"MEMBER\""));
    let fields = [
        ("email", "new@acme.example"),
        ("way", "invite"),
        ("role-1", "ADMIN"),
        ("role-2", "MEMBER"),
        ("other_roles", " MEMBER "),
    ];
    let made = post(app, &mut browser, "/t/acme/users", &fields).await;
    assert!(made.location().ends_with("?done=user-invited"), "{made:?}");
    app.mailed_link("new@acme.example").await;
    let id = found(app, &acme, "new@acme.example").await.unwrap();
    let preview = format!("/t/acme/users/{id}?app={}", acme.web.id);
    let shown = page(app, &mut browser, &preview).await;
    assert!(shown.body.contains("&#34;role&#34;: &#34;ADMIN&#34;"), "{shown:?}");
    let event = last_event(app, &mut browser, "user.invited").await;
    assert_eq!(event["details"]["after"]["roles"], json!(["ADMIN", "MEMBER"]));
}

async fn what_is_wrong_with_a_new_user_stands_beside_its_field_and_nothing_is_lost(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let name = "x".repeat(300);
    let fields = [
        ("email", "nobody at acme"),
        ("name", &*name),
        ("way", "create"),
        ("verified", "on"),
        ("role-2", "MEMBER"),
        ("other_roles", "NO/ROLE"),
    ];
    let refused = post(app, &mut browser, "/t/acme/users", &fields).await;
    for problem in ["email-problem", "name-problem", "roles-problem"] {
        assert!(refused.body.contains(&format!("id=\"{problem}\"")), "{problem}: {refused:?}");
        assert!(refused.body.contains(problem), "the field points to it: {refused:?}");
    }
    for kept in [
        "value=\"nobody at acme\"",
        &format!("value=\"{name}\""),
        "value=\"create\" checked",
        "name=\"verified\" value=\"on\" checked",
        "value=\"MEMBER\" checked",
        "value=\"NO/ROLE\"",
    ] {
        assert!(refused.body.contains(kept), "{kept}: {refused:?}");
    }
    assert!(!refused.body.contains("value=\"ADMIN\" checked"), "{refused:?}");
    let taken = post(app, &mut browser, "/t/acme/users", &[("email", &*acme.email)]).await;
    let beside = taken.body.split("id=\"email-problem\"").nth(1).expect("beside the address");
    assert!(beside.contains("there is a user"), "{taken:?}");
    let odd = [("email", "odd@acme.example"), ("way", "conscript")];
    let refused = post(app, &mut browser, "/t/acme/users", &odd).await;
    assert!(refused.body.contains("choose whether to invite or to create"), "{refused:?}");
    let more = [("email", "odd@acme.example"), ("password", PASSWORD)];
    let refused = post(app, &mut browser, "/t/acme/users", &more).await;
    assert_eq!(refused.status, 400, "nobody sets somebody else's password: {refused:?}");
    assert!(found(app, &acme, "odd@acme.example").await.is_none());
}

async fn a_new_user_with_a_role_that_there_is_not_is_not_made(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let admin = Administrator::command_line(&app.context);
    let key = RoleKey::parse("BOLTS").unwrap();
    roles::create(&admin, &bolt.tenant, key, String::new()).await.unwrap();
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    for way in ["invite", "create"] {
        let fields = [
            ("email", "half@acme.example"),
            ("way", way),
            ("role-1", "ADMIN"),
            ("other_roles", "BOLTS"),
        ];
        let refused = post(app, &mut browser, "/t/acme/users", &fields).await;
        let beside = refused.body.split("id=\"roles-problem\"").nth(1).expect("beside the roles");
        assert!(beside.contains("there is no role `BOLTS`"), "{refused:?}");
        assert!(found(app, &acme, "half@acme.example").await.is_none(), "nothing is half done");
        assert!(app.mail_to("half@acme.example").await.is_empty());
    }
}

async fn roles_beyond_those_that_are_listed_are_given_by_their_keys(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let admin = Administrator::command_line(&app.context);
    for number in 0..60 {
        let key = RoleKey::parse(&format!("R{number:02}")).unwrap();
        roles::create(&admin, &acme.tenant, key, String::new()).await.unwrap();
    }
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let form = page(app, &mut browser, "/t/acme/users/new").await;
    assert!(form.body.contains("R47") && !form.body.contains("R59"), "{form:?}");
    assert!(form.body.contains("name=\"other_roles\""), "{form:?}");
    let fields = [("email", "new@acme.example"), ("role-9", "R03"), ("other_roles", "R58 R59")];
    post(app, &mut browser, "/t/acme/users", &fields).await;
    let event = last_event(app, &mut browser, "user.invited").await;
    assert_eq!(event["details"]["after"]["roles"], json!(["R03", "R58", "R59"]));
}

async fn a_user_has_no_more_roles_than_a_token_can_carry(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let admin = Administrator::command_line(&app.context);
    for number in 0..50 {
        let key = RoleKey::parse(&format!("R{number:02}")).unwrap();
        roles::create(&admin, &acme.tenant, key, String::new()).await.unwrap();
    }
    let all: Vec<String> = (0..50).map(|number| format!("R{number:02}")).collect();
    let mut browser = seat(app, &acme, MemberRole::Admin).await;

    let too_many = format!("ADMIN {}", all.join(" "));
    let fields = [("email", "new@acme.example"), ("other_roles", &*too_many)];
    let refused = post(app, &mut browser, "/t/acme/users", &fields).await;
    assert!(refused.body.contains("at most 50 roles"), "{refused:?}");
    assert!(found(app, &acme, "new@acme.example").await.is_none());
    let fields = [("email", "new@acme.example"), ("other_roles", &*all.join(" "))];
    post(app, &mut browser, "/t/acme/users", &fields).await;
    let event = last_event(app, &mut browser, "user.invited").await;
    assert_eq!(event["details"]["after"]["roles"].as_array().unwrap().len(), 50);

    // The other way to roles: the user's page.
    let path = format!("/t/acme/users/{}", acme.user);
    let version = field(&page(app, &mut browser, &path).await, "version");
    let names: Vec<String> = (0..51).map(|number| format!("role-{number}")).collect();
    let mut fields: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(all.iter().map(String::as_str)).collect();
    fields.push(("role-50", "ADMIN"));
    fields.push(("version", &version));
    let refused = post(app, &mut browser, &format!("{path}/roles"), &fields).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.body.contains("at most 50 roles"), "{refused:?}");
    fields.retain(|field| *field != ("role-50", "ADMIN"));
    let saved = post(app, &mut browser, &format!("{path}/roles"), &fields).await;
    assert!(saved.location().ends_with("?done=roles-saved"), "{saved:?}");
}

fn refresh_token(tokens: &Value) -> &str {
    tokens["refresh_token"].as_str().unwrap()
}

/// The ids of the refresh families that the page offers to end.
fn families(body: &str) -> Vec<String> {
    let ids = body.split("name=\"family\" value=\"").skip(1);
    ids.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

async fn a_sign_in_to_an_application_is_ended_alone(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let first = app.sign_in(&acme, &acme.web).await;
    app.clock.advance(Duration::from_secs(60));
    let second = app.sign_in(&acme, &acme.spa).await;
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let path = format!("/t/acme/users/{}", acme.user);
    let shown = page(app, &mut browser, &path).await;
    for text in ["<strong>web</strong>", "<strong>spa</strong>", "begun ", "last used ", "expires "]
    {
        assert!(shown.body.contains(text), "{text}: {shown:?}");
    }
    let ids = families(&shown.body);
    assert_eq!(ids.len(), 2, "{shown:?}");
    // The last used comes first.
    let fields = [("act", "end-family"), ("family", &*ids[1])];
    let ended = post(app, &mut browser, &path, &fields).await;
    assert!(ended.location().ends_with("?done=family-ended"), "{ended:?}");
    app.refresh(&acme, &acme.web, refresh_token(&first)).await.refused(400, "invalid_grant");
    app.refresh(&acme, &acme.spa, refresh_token(&second)).await.expect(200);
    assert_eq!(post(app, &mut browser, &path, &fields).await.status, 404, "it has ended");
    let event = last_event(app, &mut browser, "refresh.ended").await;
    assert_eq!(event["target"], acme.user.to_string());
    assert_eq!(event["details"]["after"]["refresh_family"], ids[1].as_str());
    assert_eq!(event["details"]["after"]["application"], acme.web.id.as_str());
    let shown = page(app, &mut browser, &path).await;
    assert_eq!(families(&shown.body).len(), 1, "{shown:?}");
}

async fn nobody_s_sign_in_is_ended_on_the_page_of_somebody_else(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let tokens = app.sign_in(&acme, &acme.web).await;
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let shown = page(app, &mut browser, &format!("/t/acme/users/{}", acme.user)).await;
    let family = families(&shown.body).remove(0);
    let other = app.user(&acme.tenant, "other@acme.example", &[]).await;
    let fields = [("act", "end-family"), ("family", &*family)];
    let wrong = post(app, &mut browser, &format!("/t/acme/users/{other}"), &fields).await;
    assert_eq!(wrong.status, 404, "{wrong:?}");
    let mut stranger = seat(app, &bolt, MemberRole::Owner).await;
    let path = format!("/t/bolt/users/{}", bolt.user);
    let wrong = post(app, &mut stranger, &path, &fields).await;
    assert_eq!(wrong.status, 404, "{wrong:?}");
    app.refresh(&acme, &acme.web, refresh_token(&tokens)).await.expect(200);
}

async fn a_reused_refresh_token_shows_in_the_trail_of_its_user(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let first = app.sign_in(&acme, &acme.web).await;
    let second = app.refresh(&acme, &acme.web, refresh_token(&first)).await.refresh_token();
    app.refresh(&acme, &acme.web, &second).await.expect(200);
    app.refresh(&acme, &acme.web, refresh_token(&first)).await.refused(400, "invalid_grant");
    let mut browser = seat(app, &acme, MemberRole::Viewer).await;
    let shown = page(app, &mut browser, &format!("/t/acme/users/{}", acme.user)).await;
    assert!(shown.body.contains("refresh.reuse_detected"), "{shown:?}");
    let about = format!("/t/acme/audit?format=jsonl&about={}", acme.email);
    let log = page(app, &mut browser, &about).await;
    let told = log.body.lines().find(|line| line.contains("refresh.reuse_detected"));
    let told: Value = serde_json::from_str(told.expect("by the address, too")).unwrap();
    assert_eq!(told["actor"], acme.web.id.as_str());
    assert!(told["details"]["after"]["refresh_family"].as_str().unwrap().starts_with("fam"));
}

async fn linked_accounts_go_by_their_provider_and_address(app: &TestApp) {
    let pair = Pair::new(app).await;
    user(app, &pair.upstream, "grace@new.example", Email::Verified).await;
    federate(&mut Browser::new(app), &pair, "grace@new.example").await;
    let mut browser = seat(app, &pair.acme, MemberRole::Viewer).await;
    let id = found(app, &pair.acme, "grace@new.example").await.unwrap();
    let shown = page(app, &mut browser, &format!("/t/acme/users/{id}")).await;
    assert!(shown.body.contains("<code>upstream</code>): grace@new.example"), "{shown:?}");
    let subject = found(app, &pair.upstream, "grace@new.example").await.unwrap().to_string();
    assert!(!shown.body.contains(&subject), "a bare subject says nothing: {shown:?}");
}

async fn a_preview_says_so_where_no_token_would_be_issued(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let preview = format!("/t/acme/users/{}?app={}", acme.user, acme.web.id);
    let shown = page(app, &mut browser, &preview).await;
    assert!(shown.body.contains("Access token</h3>"), "{shown:?}");
    let act = format!("/t/acme/apps/{}/act", acme.web.id);
    post(app, &mut browser, &act, &[("act", "disable")]).await;
    let shown = page(app, &mut browser, &preview).await;
    assert!(shown.body.contains("No token would be issued: the application"), "{shown:?}");
    assert!(!shown.body.contains("Access token</h3>"), "{shown:?}");
    post(app, &mut browser, &act, &[("act", "enable")]).await;
    let user = format!("/t/acme/users/{}", acme.user);
    post(app, &mut browser, &user, &[("act", "disable")]).await;
    let shown = page(app, &mut browser, &preview).await;
    assert!(shown.body.contains("No token would be issued: the user is disabled"), "{shown:?}");
}

async fn a_viewer_sees_the_roles_of_a_user(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let tokens = app.sign_in(&acme, &acme.web).await;
    assert!(claims(tokens["access_token"].as_str().unwrap())["sid"].is_string());
    let mut browser = seat(app, &acme, MemberRole::Viewer).await;
    let shown = page(app, &mut browser, &format!("/t/acme/users/{}", acme.user)).await;
    assert!(shown.body.contains("<span class=\"chip\">ADMIN</span>"), "{shown:?}");
    assert!(shown.body.contains("<strong>web</strong>"), "{shown:?}");
    let forms = shown.body.matches("method=\"post\"").count();
    assert_eq!(forms, 1, "to sign out, and none to change anything: {shown:?}");
}

async fn a_name_that_was_changed_meanwhile_is_shown_beside_what_was_sent(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let path = format!("/t/acme/users/{}", acme.user);
    let mut shown = page(app, &mut browser, &path).await;
    shown.body = shown.body.split("<h2>Actions</h2>").nth(1).unwrap().to_owned();
    let version = field(&shown, "version");
    let fields = |name| [("act", "rename"), ("version", version.as_str()), ("name", name)];
    assert_eq!(post(app, &mut browser, &path, &fields("First")).await.status, 303);
    // Whatever else became of the user is no reason to refuse a name.
    let stale = post(app, &mut browser, &path, &fields("Second")).await;
    assert_eq!(stale.status, 409, "{stale:?}");
    assert!(stale.body.contains("<dd>First</dd>"), "what is there: {stale:?}");
    assert!(stale.body.contains("<dd>Second</dd>"), "what was sent: {stale:?}");
    let seen = field(&stale, "version");
    let insisting = [("act", "rename"), ("version", &*seen), ("name", "Second")];
    assert_eq!(post(app, &mut browser, &path, &insisting).await.status, 303);
    let bad = "x".repeat(300);
    let refused = post(app, &mut browser, &path, &fields(&bad)).await;
    assert!(refused.body.contains("id=\"name-problem\""), "{refused:?}");
    assert!(refused.body.contains(&format!("value=\"{bad}\"")), "what was typed stays");
}
