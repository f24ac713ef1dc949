//! A tenant's first page says what wants attention, to everybody who may see it, and of no other tenant.

use doorward::domain::audit::Action;
use doorward::domain::member::MemberRole;
use doorward::storage::StorageError;

use crate::console::{member, post, sign_in, url};
use crate::harness::{Browser, TestApp, TestTenant, field, on_both_databases};

on_both_databases! {
    a_tenant_in_order_needs_no_attention,
    a_refresh_token_that_came_twice_is_told_of_for_a_week,
    letters_that_could_not_be_sent_are_counted,
    a_provider_that_fails_is_named_and_a_visitor_who_cancels_is_not,
    more_failed_sign_ins_than_good_ones_are_told_of,
    a_host_that_is_claimed_wants_its_proof,
}

const HEADING: &str = "Needs attention";

async fn viewer<'a>(app: &'a TestApp, tenant: &TestTenant) -> Browser<'a> {
    let email = member(app, tenant, MemberRole::Viewer).await;
    sign_in(app, &email).await
}

async fn overview(app: &TestApp, browser: &mut Browser<'_>, tenant: &TestTenant) -> String {
    let page = browser.get(&url(app, &format!("/t/{}", tenant.tenant.slug))).await;
    assert_eq!(page.status, 200, "{page:?}");
    page.body
}

async fn a_tenant_in_order_needs_no_attention(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = viewer(app, &acme).await;
    let first = app.begin(&acme, &acme.web).await;
    app.refresh(&acme, &acme.web, &first).await.expect(200);
    assert!(!overview(app, &mut browser, &acme).await.contains(HEADING));
}

async fn a_refresh_token_that_came_twice_is_told_of_for_a_week(app: &TestApp) {
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    let stolen = app.begin(&acme, &acme.web).await;
    let second = app.refresh(&acme, &acme.web, &stolen).await.refresh_token();
    app.refresh(&acme, &acme.web, &second).await.expect(200);
    app.refresh(&acme, &acme.web, &stolen).await.refused(400, "invalid_grant");

    let mut browser = viewer(app, &acme).await;
    let page = overview(app, &mut browser, &acme).await;
    assert!(page.contains("A refresh token was used twice"), "{page}");
    let log = "/t/acme/audit?action=refresh.reuse_detected";
    assert!(page.contains(log), "{page}");
    let log = browser.get(&url(app, log)).await;
    assert!(log.body.contains("<strong>refresh.reuse_detected</strong>"), "{log:?}");
    let mut browser = viewer(app, &other).await;
    assert!(!overview(app, &mut browser, &other).await.contains(HEADING));

    app.clock.advance(std::time::Duration::from_secs(9 * 24 * 60 * 60));
    let mut browser = sign_in(app, "viewer@acme.example").await;
    assert!(!overview(app, &mut browser, &acme).await.contains(HEADING));
}

async fn letters_that_could_not_be_sent_are_counted(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email = member(app, &acme, MemberRole::Admin).await;
    let mut browser = sign_in(app, &email).await;
    for (number, said) in [(1, "One letter could not be sent"), (2, "2 letters could not be sent")]
    {
        let to = format!("late-{number}@acme.example");
        post(app, &mut browser, "/t/acme/mail/test", &[("to", &to)]).await;
        let dead =
            app.execute(&format!("UPDATE mail_orders SET status = 'dead' WHERE email = '{to}'"));
        assert_eq!(dead, 1);
        let page = overview(app, &mut browser, &acme).await.replace("</strong>", "");
        assert!(page.contains(said), "{page}");
    }
}

async fn a_provider_that_fails_is_named_and_a_visitor_who_cancels_is_not(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = viewer(app, &acme).await;
    let happens = async |what: &str| {
        let event = app.context.event(Action::FederationFailed, "anonymous", what, None);
        let appended = app
            .context
            .db
            .write::<_, StorageError>(acme.tenant.id, move |tx| tx.audit_events().append(&event));
        appended.await.unwrap();
    };
    happens("google: cancelled").await;
    happens("google: sign_up_closed").await;
    assert!(!overview(app, &mut browser, &acme).await.contains(HEADING));
    happens("google: unreachable").await;
    happens("google: cancelled").await;
    let page = overview(app, &mut browser, &acme).await;
    assert!(page.contains("Sign-in by google failed"), "{page}");
    assert!(page.contains("<code>unreachable</code>"), "{page}");
}

async fn more_failed_sign_ins_than_good_ones_are_told_of(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = viewer(app, &acme).await;
    let today = app.context.now().as_secs() / (24 * 60 * 60);
    let counts = |kind: &str, count: i64| {
        app.execute(&format!(
            "INSERT INTO activity (tenant_id, kind, day, count)
             VALUES ('{}', '{kind}', {today}, {count})",
            acme.tenant.id
        ));
    };
    counts("sign_in", 60);
    counts("sign_in_failure", 60);
    assert!(!overview(app, &mut browser, &acme).await.contains(HEADING));
    app.execute("UPDATE activity SET count = 61 WHERE kind = 'sign_in_failure'");
    let page = overview(app, &mut browser, &acme).await;
    assert!(page.contains("61 sign-ins failed today, and 60 succeeded"), "{page}");
}

async fn a_host_that_is_claimed_wants_its_proof(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email = member(app, &acme, MemberRole::Owner).await;
    let mut browser = sign_in(app, &email).await;
    let settings = browser.get(&url(app, "/t/acme/settings")).await;
    let version = field(&settings, "version");
    let fields = [("version", &*version), ("act", "claim"), ("host", "login.acme.example")];
    let claimed = post(app, &mut browser, "/t/acme/settings/host", &fields).await;
    assert_eq!(claimed.status, 303, "{claimed:?}");
    let page = overview(app, &mut browser, &acme).await;
    assert!(page.contains("login.acme.example is not proved yet"), "{page}");
}
