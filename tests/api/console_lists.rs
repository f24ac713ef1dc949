//! Lists of the console that are longer than a page, and what is found in them.

use doorward::domain::email_address::EmailAddress;
use doorward::domain::ids::{RoleId, UserId};
use doorward::domain::member::MemberRole;
use doorward::domain::role::{Role, RoleKey};
use doorward::domain::user::{User, UserStatus};
use doorward::storage::StorageError;

use crate::console::{member, operator, post, roles_version, sign_in, url};
use crate::harness::{TestApp, TestTenant, on_both_databases};

on_both_databases! {
    roles_come_a_page_at_a_time_and_are_found_by_their_key,
    a_user_keeps_the_roles_that_a_search_does_not_show,
    those_who_have_a_role_are_listed_a_page_at_a_time,
    a_user_is_found_by_every_word_of_the_name,
    apps_come_a_page_at_a_time_and_are_found_by_name_and_id,
    members_come_a_page_at_a_time_and_are_found_by_address,
    operators_find_tenants_by_name_and_see_which_are_closed,
}

const MANY: u8 = 60;

async fn many_roles(app: &TestApp, tenant: &TestTenant) {
    let made = app.context.db.write::<_, StorageError>(tenant.tenant.id, |tx| {
        for number in 0..MANY {
            tx.roles().insert(&Role {
                id: RoleId::from_bytes([number; 16]),
                key: RoleKey::parse(&format!("BULK_{number:02}")).unwrap(),
                description: "one of many".to_owned(),
                rank: 100 + i32::from(number),
            })?;
        }
        Ok(())
    });
    made.await.unwrap();
}

fn more(body: &str) -> String {
    let link = body.split("<p class=\"aside\"><a href=\"").nth(1).expect("a further page");
    let link = link.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
    link.strip_prefix("/console").unwrap().to_owned()
}

async fn roles_come_a_page_at_a_time_and_are_found_by_their_key(app: &TestApp) {
    let acme = app.tenant("acme").await;
    many_roles(app, &acme).await;
    let mut browser = sign_in(app, &member(app, &acme, MemberRole::Admin).await).await;
    let first = browser.get(&url(app, "/t/acme/roles")).await;
    assert!(first.body.contains("BULK_00") && !first.body.contains("BULK_59"), "{first:?}");
    let second = browser.get(&url(app, &more(&first.body))).await;
    assert!(second.body.contains("BULK_59") && !second.body.contains("BULK_00"), "{second:?}");
    let found = browser.get(&url(app, "/t/acme/roles?search=BULK_5")).await;
    assert!(found.body.contains("BULK_59") && !found.body.contains("BULK_49"), "{found:?}");
    let cut = browser.get(&url(app, "/t/acme/roles?search=BULK")).await;
    assert!(cut.body.contains("These are the first 50"), "{cut:?}");

    // A role is moved over the edge of a page.
    let id = RoleId::from_bytes([59; 16]);
    let moved = post(app, &mut browser, &format!("/t/acme/roles/{id}"), &[("act", "up")]).await;
    assert_eq!(moved.status, 303, "{moved:?}");
    let page = browser.get(&url(app, &more(&first.body))).await;
    let at = |key: &str| page.body.find(key).expect(key);
    assert!(at("<strong>BULK_59") < at("<strong>BULK_58"), "{page:?}");
}

async fn a_user_keeps_the_roles_that_a_search_does_not_show(app: &TestApp) {
    let acme = app.tenant("acme").await;
    many_roles(app, &acme).await;
    let mut browser = sign_in(app, &member(app, &acme, MemberRole::Admin).await).await;
    let path = format!("/t/acme/users/{}", acme.user);
    let page = browser.get(&url(app, &path)).await;
    assert!(!page.body.contains("BULK_59"), "not all roles are offered: {page:?}");
    let version = roles_version(app, &mut browser, &acme).await;
    let found = browser.get(&url(app, &format!("{path}?role_search=BULK_59"))).await;
    assert!(found.body.contains("BULK_59") && !found.body.contains("BULK_58"), "{found:?}");
    let mut fields = vec![("version".to_owned(), version)];
    for (number, chosen) in found.body.split("name=\"role-").skip(1).enumerate() {
        let value = chosen.split("value=\"").nth(1).unwrap().split('"').next().unwrap();
        fields.push((format!("role-{number}"), value.to_owned()));
    }
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let saved = post(app, &mut browser, &format!("{path}/roles"), &fields).await;
    assert_eq!(saved.status, 303, "{saved:?}");
    let page = browser.get(&url(app, &path)).await;
    for role in ["ADMIN", "BULK_59"] {
        let chip = format!("<span class=\"chip\">{role}</span>");
        assert!(page.body.contains(&chip), "{role}: {page:?}");
    }
}

/// Users who have the role.
async fn many_users(app: &TestApp, tenant: &TestTenant, role: RoleId) {
    let now = app.context.now();
    let made = app.context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        for number in 0..MANY {
            let id = UserId::from_bytes([number; 16]);
            let user = User {
                id,
                email: EmailAddress::parse(&format!("bulk{number:02}@acme.example")).unwrap(),
                email_verified: true,
                name: None,
                picture: None,
                status: UserStatus::Active,
                created_at: now,
                deletes_at: None,
            };
            tx.users().insert(&user, None)?;
            tx.users().grant_role(id, role)?;
        }
        Ok(())
    });
    made.await.unwrap();
}

async fn those_who_have_a_role_are_listed_a_page_at_a_time(app: &TestApp) {
    let acme = app.tenant("acme").await;
    many_roles(app, &acme).await;
    let role = RoleId::from_bytes([7; 16]);
    many_users(app, &acme, role).await;
    let mut browser = sign_in(app, &member(app, &acme, MemberRole::Viewer).await).await;
    let roles = browser.get(&url(app, "/t/acme/roles")).await;
    let path = format!("/t/acme/users?role={role}");
    assert!(roles.body.contains(&path), "{roles:?}");
    let first = browser.get(&url(app, &path)).await;
    assert!(first.body.contains("bulk59@") && !first.body.contains("bulk00@"), "{first:?}");
    assert!(first.body.contains("BULK_07"), "{first:?}");
    let second = browser.get(&url(app, &more(&first.body))).await;
    assert!(second.body.contains("bulk00@") && !second.body.contains("bulk59@"), "{second:?}");
    let nowhere = RoleId::from_bytes([200; 16]);
    let nothing = browser.get(&url(app, &format!("/t/acme/users?role={nowhere}"))).await;
    assert_eq!(nothing.status, 404, "{nothing:?}");
}

async fn a_user_is_found_by_every_word_of_the_name(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = sign_in(app, &member(app, &acme, MemberRole::Admin).await).await;
    let fields = [("email", "countess@acme.example"), ("name", "Augusta Ada King Lovelace")];
    let made = post(app, &mut browser, "/t/acme/users", &fields).await;
    assert_eq!(made.status, 303, "{made:?}");
    for text in ["augusta", "Ada", "king", "LOVEL", "augusta+ada", "countess%40acme"] {
        let found = browser.get(&url(app, &format!("/t/acme/users?search={text}"))).await;
        assert!(found.body.contains("countess@acme.example"), "{text}: {found:?}");
    }
    let path = made.location().strip_prefix("/console").unwrap().to_owned();
    let renamed = [("act", "rename"), ("name", "Ada Byron")];
    assert_eq!(post(app, &mut browser, &path, &renamed).await.status, 303);
    for (text, is_found) in [("byron", true), ("lovelace", false)] {
        let found = browser.get(&url(app, &format!("/t/acme/users?search={text}"))).await;
        assert_eq!(found.body.contains("countess@acme.example"), is_found, "{text}: {found:?}");
    }
}

async fn apps_come_a_page_at_a_time_and_are_found_by_name_and_id(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = sign_in(app, &member(app, &acme, MemberRole::Admin).await).await;
    for number in 0..MANY {
        let name = format!("Bulk {number:02}");
        let fields = [("name", &*name), ("builds", "nextjs")];
        let made = post(app, &mut browser, "/t/acme/apps", &fields).await;
        assert!(made.status == 200 || made.status == 303, "{made:?}");
    }
    let first = browser.get(&url(app, "/t/acme/apps")).await;
    assert!(first.body.contains("Bulk 00") && !first.body.contains("Bulk 59"), "{first:?}");
    let second = browser.get(&url(app, &more(&first.body))).await;
    assert!(second.body.contains("Bulk 59") && !second.body.contains("Bulk 00"), "{second:?}");
    let found = browser.get(&url(app, "/t/acme/apps?search=bulk+5")).await;
    assert!(found.body.contains("Bulk 59") && !found.body.contains("Bulk 49"), "{found:?}");
    let found = browser.get(&url(app, &format!("/t/acme/apps?search={}", acme.web.id))).await;
    assert!(found.body.contains(&acme.web.id) && !found.body.contains("Bulk"), "{found:?}");
    let path = format!("/t/acme/users/{}", acme.user);
    let page = browser.get(&url(app, &path)).await;
    assert!(!page.body.contains("Bulk 59"), "not all apps are offered: {page:?}");
    let found = browser.get(&url(app, &format!("{path}?app_search=bulk+59"))).await;
    assert!(found.body.contains("Bulk 59"), "{found:?}");
}

async fn members_come_a_page_at_a_time_and_are_found_by_address(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let console = member(app, &acme, MemberRole::Owner).await;
    let mut browser = sign_in(app, &console).await;
    for number in 0..MANY {
        let email = format!("bulk{number:02}@acme.example");
        let fields = [("email", &*email), ("role", "viewer")];
        let added = post(app, &mut browser, "/t/acme/members", &fields).await;
        assert_eq!(added.status, 303, "{added:?}");
    }
    let first = browser.get(&url(app, "/t/acme/members")).await;
    let second = browser.get(&url(app, &more(&first.body))).await;
    let listed = |number: u8| {
        let email = format!("bulk{number:02}@acme.example");
        usize::from(first.body.contains(&email)) + usize::from(second.body.contains(&email))
    };
    assert!((0..MANY).all(|number| listed(number) == 1), "{first:?} {second:?}");
    let found = browser.get(&url(app, "/t/acme/members?search=bulk42%40acme.example")).await;
    assert!(found.body.contains("bulk42@") && !found.body.contains("bulk41@"), "{found:?}");
    let none = browser.get(&url(app, "/t/acme/members?search=nobody%40acme.example")).await;
    assert!(none.body.contains("No member has this address"), "{none:?}");
}

async fn operators_find_tenants_by_name_and_see_which_are_closed(app: &TestApp) {
    let acme = app.tenant("acme").await;
    app.tenant("bolt").await;
    let mut browser = sign_in(app, &operator(app).await).await;
    app.execute(&format!(
        "UPDATE tenants SET name = 'Quite Another', name_key = 'quite another' WHERE id = '{}'",
        acme.tenant.id
    ));
    let found = browser.get(&url(app, "?search=Quite")).await;
    assert!(found.body.contains("/console/t/acme") && !found.body.contains("/t/bolt"), "{found:?}");
    app.execute(&format!(
        "UPDATE tenants SET deletes_at = 4000000000000 WHERE id = '{}'",
        acme.tenant.id
    ));
    app.execute("UPDATE tenants SET status = 'disabled' WHERE slug = 'bolt'");
    let all = browser.get(&url(app, "")).await;
    assert!(all.body.contains("suspended") && all.body.contains("deleted on 2096"), "{all:?}");
}
