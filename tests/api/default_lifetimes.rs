//! What a tenant decides that its new apps begin with.

use doorward::domain::member::MemberRole;
use serde_json::Value;

use crate::console::{member, post, sign_in, url};
use crate::harness::{Browser, TestApp, field, on_both_databases};

on_both_databases! {
    a_new_app_begins_with_the_lifetimes_of_its_tenant,
    a_lifetime_that_cannot_be_is_refused_beside_its_field,
    lifetimes_are_saved_once_and_leave_a_trace,
    a_viewer_sees_the_lifetimes_and_changes_none,
}

type Form<'f> = [(&'static str, &'f str); 4];

fn form<'f>(version: &'f str, [access, idle, absolute]: [&'f str; 3]) -> Form<'f> {
    [
        ("version", version),
        ("access_minutes", access),
        ("idle_hours", idle),
        ("absolute_hours", absolute),
    ]
}

async fn version(app: &TestApp, browser: &mut Browser<'_>) -> String {
    let page = browser.get(&url(app, "/t/acme/settings")).await;
    let (_, section) = page.body.split_once("/t/acme/settings/lifetimes\"").unwrap();
    let (_, version) = section.split_once("name=\"version\" value=\"").unwrap();
    version.split('"').next().unwrap().to_owned()
}

const AT: &str = "/t/acme/settings/lifetimes";

async fn a_new_app_begins_with_the_lifetimes_of_its_tenant(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email = member(app, &acme, MemberRole::Admin).await;
    let mut browser = sign_in(app, &email).await;
    let shown = browser.get(&url(app, "/t/acme/settings")).await;
    for (name, value) in [("access_minutes", 15), ("idle_hours", 168), ("absolute_hours", 720)] {
        let begins = format!("name=\"{name}\" type=\"number\"");
        let (_, rest) = shown.body.split_once(&begins).unwrap();
        let tag = rest.split('>').next().unwrap();
        assert!(tag.contains(&format!("value=\"{value}\"")), "the default of {name}: {tag}");
    }
    let seen = version(app, &mut browser).await;
    let saved = post(app, &mut browser, AT, &form(&seen, ["5", "24", "48"])).await;
    assert_eq!(saved.location(), "/console/t/acme/settings?done=saved", "{saved:?}");

    let fields = [("name", "Site"), ("builds", "service")];
    let made = post(app, &mut browser, "/t/acme/apps", &fields).await;
    let secret = made.body.split("<code class=\"whole\">").nth(1).unwrap();
    let secret = secret.split('<').next().unwrap().to_owned();
    for (id, value) in [("access", "5"), ("idle", "24"), ("absolute", "48")] {
        let (_, field) = made.body.split_once(&format!("<input id=\"{id}\"")).unwrap();
        let field = field.split('>').next().unwrap();
        assert!(field.contains(&format!("value=\"{value}\"")), "{field}");
    }
    let id = made.body.split("/console/t/acme/apps/app").nth(1).unwrap();
    let id = format!("app{}", &id[..id.find(['"', '/']).unwrap()]);
    let grant = [("grant_type", "client_credentials")];
    let call = app.post(&acme.url("/oauth2/token")).basic(&id, &secret);
    assert_eq!(call.form(&grant).send().await.expect(200)["expires_in"], 300);

    let old: Value = app.login(&acme).await;
    assert_eq!(old["expires_in"], 900, "an app that is there keeps what it has");
}

async fn a_lifetime_that_cannot_be_is_refused_beside_its_field(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email = member(app, &acme, MemberRole::Admin).await;
    let mut browser = sign_in(app, &email).await;
    let seen = version(app, &mut browser).await;
    for (values, wrong) in [
        (["0", "24", "48"], "access"),
        (["61", "24", "48"], "access"),
        (["", "24", "48"], "access"),
        (["5", "2161", "2161"], "idle"),
        (["5", "x", "48"], "idle"),
        (["5", "24", "2161"], "absolute"),
        (["5", "24", "23"], "absolute"),
        (["5", "24", "-1"], "absolute"),
    ] {
        let refused = post(app, &mut browser, AT, &form(&seen, values)).await;
        assert!(
            refused.body.contains(&format!("id=\"{wrong}-problem\"")),
            "{values:?} {refused:?}"
        );
        for (other, value) in ["access", "idle", "absolute"].iter().zip(values) {
            let is_wrong = refused.body.contains(&format!("id=\"{other}-problem\""));
            let both = values[1] == "2161" && *other == "absolute";
            assert_eq!(is_wrong, *other == wrong || both, "{values:?} {other}");
            assert!(refused.body.contains(&format!("value=\"{value}\"")), "what was typed stays");
        }
    }
    assert_eq!(version(app, &mut browser).await, seen, "nothing was saved");
}

async fn lifetimes_are_saved_once_and_leave_a_trace(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email = member(app, &acme, MemberRole::Admin).await;
    let mut browser = sign_in(app, &email).await;
    let seen = version(app, &mut browser).await;
    assert_eq!(post(app, &mut browser, AT, &form(&seen, ["5", "24", "48"])).await.status, 303);
    let stale = post(app, &mut browser, AT, &form(&seen, ["6", "24", "48"])).await;
    assert_eq!(stale.status, 409, "{stale:?}");
    assert!(stale.body.contains("<dd>5</dd>") && stale.body.contains("<dd>6</dd>"), "{stale:?}");
    let log = browser.get(&url(app, "/t/acme/audit?format=jsonl&action=tenant.changed")).await;
    let event: Value = serde_json::from_str(log.body.lines().next().unwrap()).unwrap();
    let details = &event["details"];
    for (field, before, after) in
        [("access_minutes", 15, 5), ("idle_hours", 168, 24), ("absolute_hours", 720, 48)]
    {
        assert_eq!(details["before"][field], before, "{details}");
        assert_eq!(details["after"][field], after, "{details}");
    }
}

async fn a_viewer_sees_the_lifetimes_and_changes_none(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email = member(app, &acme, MemberRole::Viewer).await;
    let mut browser = sign_in(app, &email).await;
    let page = browser.get(&url(app, "/t/acme/settings")).await;
    let (_, section) = page.body.split_once("/t/acme/settings/lifetimes\"").unwrap();
    let (section, _) = section.split_once("</form>").unwrap();
    assert!(section.contains("<fieldset disabled>") && !section.contains("<button"), "{section}");
    let csrf = field(&page, "csrf");
    let mut fields = vec![("csrf", &*csrf)];
    fields.extend(form("", ["5", "24", "48"]));
    assert_eq!(browser.submit(&url(app, AT), &fields).await.status, 403);
}
