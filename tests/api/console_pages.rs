//! What each page of the console does to a tenant, seen from without.

use doorward::domain::audit::Action;
use doorward::domain::member::MemberRole;
use doorward::domain::tenant::SignUp;
use doorward::flows::administration::operators;
use doorward::storage::StorageError;

use futures_util::future::join_all;

use crate::console::{member, operator, post, sign_in, url};
use crate::harness::{Answer, Browser, TestApp, TestTenant, claims, field, on_both_databases};

on_both_databases! {
    a_provider_is_added_changed_and_removed_and_its_secret_never_shown,
    of_edits_at_once_of_what_all_have_seen_one_is_saved,
    a_provider_that_may_not_be_called_is_refused_and_nothing_typed_is_lost,
    a_tenant_decides_who_signs_up_and_by_what,
    a_preview_shows_the_look_that_is_not_saved_yet,
    a_logo_is_drawn_anew_and_shown_wherever_the_tenant_speaks,
    what_is_no_logo_is_refused_and_changes_nothing,
    a_test_letter_arrives_and_a_dead_letter_is_tried_again,
    a_tenant_is_deleted_by_its_slug_and_can_be_had_back,
    an_owner_cannot_end_the_suspension_of_an_operator,
    an_owner_cannot_take_back_the_deletion_that_an_operator_planned,
    a_tenant_sees_what_an_operator_did_in_it,
    an_operator_sees_the_deployment_and_everybody_else_a_404,
    the_deployment_page_looks_at_every_tenant,
    an_operator_sees_what_each_account_is_a_member_of,
    a_deployment_opens_the_console_to_sign_ups,
    one_session_of_a_user_is_ended_and_the_others_go_on,
    an_export_as_csv_holds_no_formula,
    all_that_is_wrong_with_an_app_is_told_at_once_and_where_it_is,
    the_page_of_an_app_names_what_its_library_asks_for,
    the_navigation_tells_where_one_is,
    a_form_of_an_app_that_is_refused_loses_nothing,
    a_redirect_uri_is_checked_while_it_is_typed,
    what_is_gone_and_what_is_somebody_else_s_is_one_page_with_a_way_on,
}

pub async fn seat<'a>(app: &'a TestApp, tenant: &TestTenant, role: MemberRole) -> Browser<'a> {
    let email = member(app, tenant, role).await;
    sign_in(app, &email).await
}

pub async fn page(app: &TestApp, browser: &mut Browser<'_>, path: &str) -> Answer {
    let page = browser.get(&url(app, path)).await;
    assert_eq!(page.status, 200, "{page:?}");
    page
}

async fn takes_sign_ups(app: &TestApp, page: &str) -> bool {
    Browser::new(app).get(page).await.body.contains("name=\"password\"")
}

/// The buttons of the tenant's login page, as anybody sees it.
async fn login_page(app: &TestApp, tenant: &TestTenant) -> Answer {
    Browser::new(app).get(&tenant.url("/login")).await
}

async fn a_provider_is_added_changed_and_removed_and_its_secret_never_shown(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let fields = [
        ("kind", "github"),
        ("key", "github"),
        ("client_id", "client-one"),
        ("client_secret", "upstream-secret-one"),
        ("sign_up", "on"),
    ];
    let added = post(app, &mut browser, "/t/acme/providers", &fields).await;
    assert_eq!(
        added.location(),
        "/console/t/acme/providers/github?done=provider-added",
        "{added:?}"
    );
    let again = post(app, &mut browser, "/t/acme/providers", &fields).await;
    assert!(again.body.contains("choose another key"), "{again:?}");
    assert!(login_page(app, &acme).await.body.contains("GitHub"));

    let shown = page(app, &mut browser, "/t/acme/providers/github").await;
    assert!(shown.body.contains(&acme.url("/federation/github/callback")), "{shown:?}");
    let version = field(&shown, "version");
    let fields = [
        ("version", &*version),
        ("name", "Hub of Acme"),
        ("client_id", "client-two"),
        ("client_secret", "upstream-secret-two"),
    ];
    let changed = post(app, &mut browser, "/t/acme/providers/github", &fields).await;
    assert_eq!(changed.status, 303, "{changed:?}");
    let stale = post(app, &mut browser, "/t/acme/providers/github", &fields).await;
    assert_eq!(stale.status, 409, "{stale:?}");
    assert!(stale.body.contains("Hub of Acme"), "{stale:?}");
    assert!(!stale.body.contains("<dd>upstream-secret-two"), "{stale:?}");
    let begun = Browser::new(app).get(&acme.url("/federation/github")).await;
    assert!(begun.location().contains("client_id=client-two"), "{begun:?}");

    let answer = post(app, &mut browser, "/t/acme/providers/github/act", &[("act", "test")]).await;
    assert!(answer.body.contains("answers, and signs people in"), "{answer:?}");
    // Whoever is silent now is silent, whatever they said an hour ago.
    let upstream = app.tenant("upstream").await;
    app.provider(&acme.tenant, "upstream", |_| {}).await;
    let test = [("act", "test")];
    let answer = post(app, &mut browser, "/t/acme/providers/upstream/act", &test).await;
    assert!(answer.body.contains("answers, and signs people in"), "{answer:?}");
    app.execute(&format!(
        "UPDATE tenants SET status = 'disabled' WHERE id = '{}'",
        upstream.tenant.id
    ));
    app.clock.advance(std::time::Duration::from_secs(2));
    let answer = post(app, &mut browser, "/t/acme/providers/upstream/act", &test).await;
    assert!(answer.body.contains("cannot be used"), "{answer:?}");
    for path in ["/t/acme/providers/github", "/t/acme/sign-in", "/t/acme/audit?format=jsonl"] {
        let shown = page(app, &mut browser, path).await;
        assert!(!shown.body.contains("upstream-secret-one"), "{shown:?}");
    }
    let removed =
        post(app, &mut browser, "/t/acme/providers/github/act", &[("act", "remove")]).await;
    assert_eq!(removed.status, 303, "{removed:?}");
    assert!(!login_page(app, &acme).await.body.contains("Hub of Acme"));
}

async fn a_provider_that_may_not_be_called_is_refused_and_nothing_typed_is_lost(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let fields = [
        ("kind", "oidc"),
        ("issuer", "http://169.254.169.254"),
        ("key", "inside"),
        ("client_id", "typed-by-hand"),
        ("client_secret", "secret"),
    ];
    let refused = post(app, &mut browser, "/t/acme/providers", &fields).await;
    assert!(refused.body.contains("must be https"), "{refused:?}");
    assert!(refused.body.contains("value=\"typed-by-hand\""), "{refused:?}");
    assert!(refused.body.contains("value=\"http://169.254.169.254\""), "{refused:?}");
}

async fn of_edits_at_once_of_what_all_have_seen_one_is_saved(app: &TestApp) {
    let acme = app.tenant("acme").await;
    app.github(&acme.tenant).await;
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let shown = page(app, &mut browser, "/t/acme/roles").await;
    let role = shown.body.split("/console/t/acme/roles/").nth(1).unwrap();
    let role = format!("/t/acme/roles/{}", role.split('"').next().unwrap());
    let forms = [
        (role, "/t/acme/roles", ("act", "describe"), "description"),
        (
            "/t/acme/providers/github".to_owned(),
            "/t/acme/providers/github",
            ("client_id", "c"),
            "name",
        ),
        ("/t/acme/branding".to_owned(), "/t/acme/branding", ("colour", "#000000"), "name"),
    ];
    for (path, shown_at, fixed, varied) in forms {
        let shown = page(app, &mut browser, shown_at).await;
        let (csrf, version) = (field(&shown, "csrf"), field(&shown, "version"));
        let (target, cookies) = (url(app, &path), browser.cookie_header());
        let edits = (0..8).map(|number| {
            let text = format!("Edit {number}");
            let fields = [("csrf", &*csrf), ("version", &*version), fixed, (varied, &*text)];
            let origin = app.context.public_url.as_str();
            let post = app.post(&target).header("cookie", &cookies).header("origin", origin);
            post.form(&fields).send()
        });
        let answers: Vec<u16> =
            join_all(edits).await.into_iter().map(|answer| answer.status).collect();
        let saved = answers.iter().filter(|status| **status == 303).count();
        let stale = answers.iter().filter(|status| **status == 409).count();
        assert_eq!((saved, stale), (1, 7), "{path}: {answers:?}");
    }
}

async fn a_tenant_decides_who_signs_up_and_by_what(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    assert!(takes_sign_ups(app, &acme.url("/signup")).await);
    let version = field(&page(app, &mut browser, "/t/acme/sign-in").await, "version");
    let fields = [
        ("version", &*version),
        ("email_code", "on"),
        ("password_min_length", "8"),
        ("deletion_grace_days", "3"),
    ];
    let saved = post(app, &mut browser, "/t/acme/sign-in", &fields).await;
    assert_eq!(saved.status, 303, "{saved:?}");
    let login = login_page(app, &acme).await;
    assert!(login.body.contains("/login/code"), "{login:?}");
    assert!(!login.body.contains("/signup"), "{login:?}");
    assert!(!takes_sign_ups(app, &acme.url("/signup")).await);
    let long = [("version", ""), ("password_min_length", "8"), ("deletion_grace_days", "91")];
    let refused = post(app, &mut browser, "/t/acme/sign-in", &long).await;
    assert_eq!(refused.status, 400, "{refused:?}");
}

async fn a_preview_shows_the_look_that_is_not_saved_yet(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let look = [("name", "Acme of Tomorrow"), ("own_colour", "on"), ("colour", "#7722aa")];
    let preview = post(app, &mut browser, "/t/acme/branding/preview", &look).await;
    assert!(preview.body.contains("Acme of Tomorrow"), "{preview:?}");
    assert!(preview.body.contains("accent-7722aa"), "{preview:?}");
    let policy = preview.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'self'"), "{policy}");
    assert!(policy.contains("form-action 'none'"), "a preview signs nobody in: {policy}");
    assert!(!login_page(app, &acme).await.body.contains("Acme of Tomorrow"));

    let version = field(&page(app, &mut browser, "/t/acme/branding").await, "version");
    let mut fields = vec![("version", &*version)];
    fields.extend(look);
    assert_eq!(post(app, &mut browser, "/t/acme/branding", &fields).await.status, 303);
    let login = login_page(app, &acme).await;
    assert!(login.body.contains("Acme of Tomorrow"), "{login:?}");
    assert!(login.body.contains("accent-7722aa"), "{login:?}");

    let bad = [("name", "x"), ("own_colour", "on"), ("colour", "red;}body{display:none")];
    let refused = post(app, &mut browser, "/t/acme/branding", &bad).await;
    assert!(refused.body.contains("six hexadecimal digits"), "{refused:?}");
}

/// A form of the page of the branding, with a file in it.
async fn upload(
    app: &TestApp,
    browser: &mut Browser<'_>,
    path: &str,
    fields: &[(&str, &str)],
    file: &[u8],
) -> Answer {
    let shown = page(app, browser, "/t/acme/branding").await;
    let (csrf, version) = (field(&shown, "csrf"), field(&shown, "version"));
    let own = [("csrf", &*csrf), ("version", &*version)];
    browser.upload(&url(app, path), &[&own, fields].concat(), file).await
}

/// A PNG of 300 by 100 pixels, and a word that nobody asked for behind it.
fn picture() -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(300, 100).write_to(&mut file, image::ImageFormat::Png).unwrap();
    [&file.into_inner(), &b"smuggled"[..]].concat()
}

async fn a_logo_is_drawn_anew_and_shown_wherever_the_tenant_speaks(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let at = "/t/acme/branding/logo";
    assert_eq!(app.get(&acme.url("/logo.png")).send().await.status, 404);

    let preview = upload(app, &mut browser, &format!("{at}/preview"), &[], &picture()).await;
    assert!(preview.body.contains("src=\"data:image/png;base64,"), "{preview:?}");
    assert!(preview.header("content-security-policy").unwrap().contains("data:"), "{preview:?}");
    assert!(!login_page(app, &acme).await.body.contains("logo.png"), "it is not saved yet");

    let saved = upload(app, &mut browser, at, &[("act", "save")], &picture()).await;
    assert_eq!(saved.location(), "/console/t/acme/branding?done=logo-saved", "{saved:?}");
    let login = login_page(app, &acme).await;
    let src = login.body.split("<img class=\"logo\" src=\"").nth(1).expect("a logo");
    let src = src.split('"').next().unwrap();
    assert!(login.body.contains("width=\"120\" height=\"40\""), "{login:?}");
    let logo = app.get(&format!("{}{src}", app.context.public_url.as_str())).send().await;
    assert_eq!(logo.header("content-type"), Some("image/png"), "{src}");
    assert!(logo.header("cache-control").unwrap().contains("immutable"), "{src}");
    assert!(logo.body.contains("PNG") && !logo.body.contains("smuggled"), "it came along");
    let tag = logo.header("etag").unwrap();
    let known = app.get(&acme.url("/logo.png")).header("if-none-match", tag).send().await;
    assert_eq!(known.status, 304);
    let console = page(app, &mut browser, "/t/acme/branding").await;
    assert!(console.body.contains("/console/t/acme/branding/logo?v="), "{console:?}");

    post(app, &mut browser, "/t/acme/mail/test", &[("to", "me@acme.example")]).await;
    let letter = app.mail_to("me@acme.example").await.remove(0);
    assert!(letter.html.contains(&acme.url("/logo.png")), "{letter:?}");
    assert_eq!(app.get(&bolt.url("/logo.png")).send().await.status, 404);
    assert!(!login_page(app, &bolt).await.body.contains("logo.png"));

    let removed = upload(app, &mut browser, at, &[("act", "remove")], b"").await;
    assert_eq!(removed.status, 303, "{removed:?}");
    assert_eq!(app.get(&acme.url("/logo.png")).send().await.status, 404);
    let log = page(app, &mut browser, "/t/acme/audit?action=tenant.changed").await;
    assert!(log.body.contains("300x100-"), "{log:?}");
}

async fn what_is_no_logo_is_refused_and_changes_nothing(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let at = "/t/acme/branding/logo";
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    for (file, why) in [(&svg[..], "PNG, JPEG or WebP"), (b"", "choose a picture")] {
        let refused = upload(app, &mut browser, at, &[("act", "save")], file).await;
        assert!(refused.body.contains(why), "{refused:?}");
    }
    let large = vec![0; 2 * 1024 * 1024];
    let refused = upload(app, &mut browser, at, &[("act", "save")], &large).await;
    assert_eq!(refused.status, 413, "{refused:?}");
    assert!(refused.body.contains("larger than 1 MB"), "{refused:?}");
    let unknown = upload(app, &mut browser, at, &[("slug", "x")], &picture()).await;
    assert!(unknown.body.contains("no field `slug`"), "{unknown:?}");
    let form = post(app, &mut browser, at, &[("act", "save")]).await;
    assert_eq!(form.status, 400, "a form without a file: {form:?}");
    let csrf = field(&page(app, &mut browser, "/t/acme/branding").await, "csrf");
    let old = [("csrf", &*csrf), ("version", "of-yesterday"), ("act", "save")];
    let stale = browser.upload(&url(app, at), &old, &picture()).await;
    assert!(stale.body.contains("somebody else changed the branding"), "{stale:?}");
    assert_eq!(app.get(&acme.url("/logo.png")).send().await.status, 404);

    let mut viewer = seat(app, &acme, MemberRole::Viewer).await;
    let csrf = field(&page(app, &mut viewer, "/t/acme/branding").await, "csrf");
    let fields = [("csrf", &*csrf), ("act", "remove")];
    let refused = viewer.upload(&url(app, at), &fields, b"").await;
    assert_eq!(refused.status, 403, "{refused:?}");
}

async fn a_test_letter_arrives_and_a_dead_letter_is_tried_again(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let version = field(&page(app, &mut browser, "/t/acme/mail").await, "version");
    let fields = [("version", &*version), ("reply_to", "help@acme.example")];
    assert_eq!(post(app, &mut browser, "/t/acme/mail", &fields).await.status, 303);
    let sent = post(app, &mut browser, "/t/acme/mail/test", &[("to", "me@acme.example")]).await;
    assert_eq!(sent.status, 303, "{sent:?}");
    assert_eq!(app.mail_to("me@acme.example").await.len(), 1);
    let wrong = post(app, &mut browser, "/t/acme/mail/test", &[("to", "me at acme")]).await;
    assert!(wrong.body.contains("value=\"me at acme\""), "{wrong:?}");

    let mail = page(app, &mut browser, "/t/acme/mail").await.body;
    assert!(mail.contains("Nothing.") && mail.contains("href=\"/mailbox\""), "{mail}");
    let mailbox = format!("{}/mailbox", app.context.public_url.as_str());
    assert_eq!(app.get(&mailbox).send().await.status, 200);
    post(app, &mut browser, "/t/acme/mail/test", &[("to", "late@acme.example")]).await;
    let dead = app.execute(
        "UPDATE mail_orders SET status = 'dead', last_error = 'mailbox full' WHERE email = 'late@acme.example'",
    );
    assert_eq!(dead, 1);
    let listed = page(app, &mut browser, "/t/acme/mail").await;
    assert!(listed.body.contains("mailbox full"), "{listed:?}");
    let id = listed.body.split("/console/t/acme/mail/").nth(1 + 1).unwrap();
    let path = format!("/t/acme/mail/{}", id.split('"').next().unwrap());
    let retried = post(app, &mut browser, &path, &[]).await;
    assert_eq!(retried.status, 303, "{retried:?}");
    assert_eq!(app.mail_to("late@acme.example").await.len(), 1);
    assert_eq!(post(app, &mut browser, &path, &[]).await.status, 404, "it is dead no more");
}

async fn a_tenant_is_deleted_by_its_slug_and_can_be_had_back(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Owner).await;
    let keys = acme.url("/.well-known/jwks.json");
    let wrong = [("act", "delete"), ("slug", "acm")];
    let asked = post(app, &mut browser, "/t/acme/settings/act", &wrong).await;
    assert!(asked.body.contains("type its slug: acme"), "{asked:?}");
    assert_eq!(app.get(&keys).send().await.status, 200);
    let right = [("act", "delete"), ("slug", "acme")];
    assert_eq!(post(app, &mut browser, "/t/acme/settings/act", &right).await.status, 303);
    assert_eq!(app.get(&keys).send().await.status, 404);
    let settings = page(app, &mut browser, "/t/acme/settings").await;
    assert!(settings.body.contains("will be deleted on"), "{settings:?}");
    let kept = post(app, &mut browser, "/t/acme/settings/act", &[("act", "keep")]).await;
    assert_eq!(kept.status, 303, "{kept:?}");
    assert_eq!(app.get(&keys).send().await.status, 200);
}

async fn an_owner_cannot_end_the_suspension_of_an_operator(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut owner = seat(app, &acme, MemberRole::Owner).await;
    let email = operator(app).await;
    let mut operator = sign_in(app, &email).await;
    let keys = acme.url("/.well-known/jwks.json");
    let act = "/t/acme/settings/act";
    assert_eq!(post(app, &mut owner, act, &[("act", "suspend")]).await.status, 403);
    assert_eq!(post(app, &mut operator, act, &[("act", "suspend")]).await.status, 303);
    assert_eq!(app.get(&keys).send().await.status, 404);
    assert_eq!(post(app, &mut owner, act, &[("act", "resume")]).await.status, 403);
    for way_round in [vec![("act", "delete"), ("slug", "acme")], vec![("act", "keep")]] {
        assert_eq!(post(app, &mut owner, act, &way_round).await.status, 303);
        assert_eq!(app.get(&keys).send().await.status, 404, "{way_round:?}");
    }
    assert_eq!(post(app, &mut operator, act, &[("act", "resume")]).await.status, 303);
    assert_eq!(app.get(&keys).send().await.status, 200);
    let console = post(app, &mut operator, "/t/console/settings/act", &[("act", "suspend")]).await;
    assert!(console.body.contains("it stays"), "the way in is not closed: {console:?}");
}

async fn an_owner_cannot_take_back_the_deletion_that_an_operator_planned(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut owner = seat(app, &acme, MemberRole::Owner).await;
    let email = operator(app).await;
    let mut operator = sign_in(app, &email).await;
    let (keys, act) = (acme.url("/.well-known/jwks.json"), "/t/acme/settings/act");
    let delete = [("act", "delete"), ("slug", "acme")];
    assert_eq!(post(app, &mut operator, act, &delete).await.status, 303);
    let settings = page(app, &mut owner, "/t/acme/settings").await;
    assert!(settings.body.contains("Only an operator takes it back"), "{settings:?}");
    assert!(!settings.body.contains("value=\"keep\""), "{settings:?}");
    // Neither at once, nor by planning it again oneself.
    for fields in [&[("act", "keep")][..], &delete, &[("act", "keep")]] {
        let refused = post(app, &mut owner, act, fields).await;
        assert_eq!(refused.status, 200, "{refused:?}");
        assert!(refused.body.contains("role=\"alert\""), "{refused:?}");
        assert_eq!(app.get(&keys).send().await.status, 404);
    }
    assert_eq!(post(app, &mut operator, act, &[("act", "keep")]).await.status, 303);
    assert_eq!(app.get(&keys).send().await.status, 200);
    assert_eq!(post(app, &mut owner, act, &delete).await.status, 303);
    assert_eq!(post(app, &mut owner, act, &[("act", "keep")]).await.status, 303, "their own");
}

async fn a_tenant_sees_what_an_operator_did_in_it(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email = operator(app).await;
    let mut operator = sign_in(app, &email).await;
    page(app, &mut operator, "/t/acme/users").await;
    page(app, &mut operator, "/t/acme/apps").await;
    let path = format!("/t/acme/apps/{}/act", acme.web.id);
    assert_eq!(post(app, &mut operator, &path, &[("act", "disable")]).await.status, 303);
    let mut owner = seat(app, &acme, MemberRole::Owner).await;
    let export = page(app, &mut owner, "/t/acme/audit?format=jsonl").await;
    let lines: Vec<serde_json::Value> =
        export.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let by_operator = |action: &str| {
        let all = lines.iter().filter(|line| line["action"] == action);
        all.filter(|line| line["actor"].as_str().unwrap().starts_with("operator:")).count()
    };
    assert_eq!(by_operator("operator.entered"), 1, "once, not for every page: {export:?}");
    assert_eq!(by_operator("application.disabled"), 1, "{export:?}");
    let log = page(app, &mut owner, "/t/acme/audit").await;
    assert!(log.body.contains("an operator of the deployment"), "{log:?}");
    assert!(!log.body.contains(&email), "whose address is the deployment's own: {log:?}");
    assert!(log.body.contains(&acme.email), "users go by their addresses: {log:?}");
}

async fn an_operator_sees_the_deployment_and_everybody_else_a_404(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email = operator(app).await;
    let mut operator = sign_in(app, &email).await;
    let shown = page(app, &mut operator, "/deployment").await;
    for text in
        ["migrations current", "tenants has its own, and none is overdue", "letters to be sent"]
    {
        assert!(shown.body.contains(text), "{text}: {shown:?}");
    }
    let mut owner = seat(app, &acme, MemberRole::Owner).await;
    for path in ["/deployment", "/accounts"] {
        assert_eq!(owner.get(&url(app, path)).await.status, 404);
    }
}

async fn the_deployment_page_looks_at_every_tenant(app: &TestApp) {
    let zebra = app.tenant("zebra").await;
    let mut operator = sign_in(app, &operator(app).await).await;
    let shown = page(app, &mut operator, "/deployment").await;
    for what in ["configuration", "the master key opens them", "DNS", "mail", "none is overdue"] {
        assert!(shown.body.contains(what), "{what}: {shown:?}");
    }
    let keys = format!("FROM signing_keys WHERE tenant_id = '{}'", zebra.tenant.id);
    app.execute(&format!("DELETE {keys}"));
    app.clock.advance(std::time::Duration::from_secs(61));
    let shown = page(app, &mut operator, "/deployment").await;
    assert!(shown.body.contains("tenants sign nothing: zebra"), "{shown:?}");
    app.execute("UPDATE signing_keys SET activates_at = 0");
    app.execute(&format!(
        "INSERT INTO signing_keys (tenant_id, id, algorithm, public_jwk, sealed_private_key, created_at, activates_at)
         VALUES ('{}', 'forged', 'ES256', '{{}}', 'of another key', 0, 0)",
        zebra.tenant.id
    ));
    app.clock.advance(std::time::Duration::from_secs(61));
    let shown = page(app, &mut operator, "/deployment").await;
    assert!(shown.body.contains("should have a successor"), "{shown:?}");
    assert!(shown.body.contains("key forged of tenant"), "{shown:?}");
}

async fn an_operator_sees_what_each_account_is_a_member_of(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let viewer = member(app, &acme, MemberRole::Viewer).await;
    member(app, &bolt, MemberRole::Owner).await;
    let email = operator(app).await;
    let mut operator = sign_in(app, &email).await;
    let all = page(app, &mut operator, "/accounts").await;
    assert!(all.body.contains(&viewer) && all.body.contains("(owner)"), "{all:?}");
    let one = page(app, &mut operator, "/accounts?search=viewer").await;
    assert!(one.body.contains(&viewer) && one.body.contains("(viewer)"), "{one:?}");
    assert!(one.body.contains("/console/t/acme/members"), "{one:?}");
    assert!(!one.body.contains("/console/t/bolt/members"), "{one:?}");
}

async fn a_deployment_opens_the_console_to_sign_ups(app: &TestApp) {
    operator(app).await;
    let signup = format!("{}/t/console/signup", app.context.public_url.as_str());
    assert!(!takes_sign_ups(app, &signup).await, "closed at first");
    operators::set_sign_up(&app.context, SignUp::Open).await.unwrap();
    assert!(takes_sign_ups(app, &signup).await);
}

async fn an_export_as_csv_holds_no_formula(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Owner).await;
    let formula = app.context.event(Action::SignedIn, "=HYPERLINK(\"x\")", "x", None);
    let told = app
        .context
        .db
        .write::<_, StorageError>(acme.tenant.id, move |tx| tx.audit_events().append(&formula));
    told.await.unwrap();
    let export = page(app, &mut browser, "/t/acme/audit?format=csv").await;
    assert!(export.header("content-type").unwrap().starts_with("text/csv"));
    assert!(export.body.starts_with("id,at,action,actor,target,address,details\r\n"));
    assert!(export.body.contains("\"'=HYPERLINK(\"\"x\"\")\""), "{export:?}");
}

async fn a_redirect_uri_is_checked_while_it_is_typed(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Viewer).await;
    let check = "/check/redirect-uri?kind=web&uri=";
    let plain = page(app, &mut browser, &format!("{check}http%3A%2F%2Fapp.example%2Fcb")).await;
    assert!(plain.body.contains("use https"), "{plain:?}");
    let good = page(app, &mut browser, &format!("{check}https%3A%2F%2Fapp.example%2Fcb")).await;
    assert_eq!(good.body, "");
}

async fn all_that_is_wrong_with_an_app_is_told_at_once_and_where_it_is(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let path = format!("/t/acme/apps/{}", acme.web.id);
    let version = field(&page(app, &mut browser, &path).await, "version");
    let fields = [
        ("version", &*version),
        ("name", ""),
        ("redirect-1", "https://app.example/callback"),
        ("redirect-2", "https://app.example/callback"),
        ("origin-1", "https://app.example/path"),
        ("audience", "of two words"),
        ("access_minutes", "many"),
        ("idle_hours", "24"),
        ("absolute_hours", "48"),
        ("reuse_window", "a few"),
    ];
    let refused = post(app, &mut browser, &path, &fields).await;
    for wrong in ["name", "redirect-2", "origin-1", "audience", "access_minutes", "reuse_window"] {
        let told = format!("id=\"{wrong}-problem\" role=\"alert\"");
        assert!(refused.body.contains(&told), "{wrong}: {refused:?}");
    }
    assert_eq!(refused.body.matches("role=\"alert\"").count(), 6, "{refused:?}");
    assert_eq!(refused.body.matches(" autofocus").count(), 1, "{refused:?}");
    // What no single field is to blame for stands at the top.
    let mut fields = fields;
    for (name, good) in [("name", "Web"), ("redirect-2", ""), ("origin-1", ""), ("audience", "api")]
    {
        if let Some(sent) = fields.iter_mut().find(|(field, _)| *field == name) {
            sent.1 = good;
        }
    }
    fields[6].1 = "5";
    fields[9].1 = "900000";
    let refused = post(app, &mut browser, &path, &fields).await;
    let (alert, heading) = (refused.body.find("role=\"alert\""), refused.body.find("<h1>"));
    assert!(alert.is_some() && alert < heading, "{refused:?}");
}

async fn the_page_of_an_app_names_what_its_library_asks_for(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Viewer).await;
    let shown = page(app, &mut browser, &format!("/t/acme/apps/{}", acme.web.id)).await;
    for (label, value) in [("Client id", acme.web.id.to_string()), ("Issuer", acme.url(""))] {
        let at = shown.body.find(&format!("<dt>{label}</dt>")).expect(label);
        let line = shown.body[at..].lines().next().unwrap_or_default();
        assert!(line.contains(&format!(">{value}</code>")), "{label}: {line}");
    }
}

async fn the_navigation_tells_where_one_is(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let of_app = format!("/t/acme/apps/{}", acme.web.id);
    for (path, section) in [
        ("/t/acme", "Overview"),
        (&*of_app, "Applications"),
        ("/t/acme/users/new", "Users"),
        ("/t/acme/providers/new?kind=google", "Sign-in methods"),
        ("/t/acme/settings", "Settings"),
    ] {
        let shown = page(app, &mut browser, path).await;
        let current: Vec<&str> = shown.body.split(" aria-current=\"page\">").skip(1).collect();
        assert_eq!(current.len(), 1, "{path}: {shown:?}");
        assert!(current[0].starts_with(&format!("{section}</a>")), "{path}: {shown:?}");
    }
}

async fn a_form_of_an_app_that_is_refused_loses_nothing(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let path = format!("/t/acme/apps/{}", acme.web.id);
    let version = field(&page(app, &mut browser, &path).await, "version");
    let mut fields = vec![
        ("version", &*version),
        ("name", "A new name"),
        ("redirect-1", "http://app.example/callback"),
        ("third_party", "on"),
        ("access_algorithm", "EdDSA"),
        ("reuse_window", "45"),
        ("access_minutes", "7"),
        ("idle_hours", "24"),
        ("absolute_hours", "48"),
    ];
    let refused = post(app, &mut browser, &path, &fields).await;
    assert!(refused.body.contains("use https"), "{refused:?}");
    let marked = "aria-invalid=\"true\" aria-describedby=\"redirect-1-problem\" autofocus";
    assert!(refused.body.contains(marked), "the browser lands on it: {refused:?}");
    let chosen = "<option selected>EdDSA</option>";
    assert!(refused.body.contains(chosen), "{refused:?}");
    for typed in ["A new name", "http://app.example/callback", "7", "45"] {
        assert!(refused.body.contains(&format!("value=\"{typed}\"")), "{typed}: {refused:?}");
    }
    fields[2].1 = "https://app.example/callback";
    let saved = post(app, &mut browser, &path, &fields).await;
    assert_eq!(saved.status, 303, "{saved:?}");
    let log = page(app, &mut browser, "/t/acme/audit?action=application.changed").await;
    for after in ["EdDSA", "<ins>third</ins>", "<ins>420</ins>", "<ins>45</ins>"] {
        assert!(log.body.contains(after), "{after}: {log:?}");
    }
}

async fn one_session_of_a_user_is_ended_and_the_others_go_on(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let (first, second) =
        (app.sign_in(&acme, &acme.web).await, app.sign_in(&acme, &acme.web).await);
    let session = claims(first["access_token"].as_str().unwrap())["sid"].clone();
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let path = format!("/t/acme/users/{}", acme.user);
    let shown = page(app, &mut browser, &path).await;
    let session = session.as_str().unwrap();
    assert!(shown.body.contains(session), "{shown:?}");
    let fields = [("act", "end-session"), ("session", session)];
    assert_eq!(post(app, &mut browser, &path, &fields).await.status, 303);
    assert_eq!(post(app, &mut browser, &path, &fields).await.status, 404, "it has ended");
    let refresh = |tokens: &serde_json::Value| tokens["refresh_token"].as_str().unwrap().to_owned();
    app.refresh(&acme, &acme.web, &refresh(&first)).await.refused(400, "invalid_grant");
    app.refresh(&acme, &acme.web, &refresh(&second)).await.expect(200);
}

async fn what_is_gone_and_what_is_somebody_else_s_is_one_page_with_a_way_on(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let mut browser = seat(app, &acme, MemberRole::Admin).await;
    let paths =
        ["/t/nowhere", "/t/bolt", "/t/acme/users/usr0", &format!("/t/acme/users/{}", bolt.user)];
    for path in paths {
        let answer = browser.get(&url(app, path)).await;
        assert_eq!(answer.status, 404, "{answer:?}");
        assert!(answer.body.contains("There is nothing here"), "{path}: {answer:?}");
        assert!(answer.body.contains("href=\"/console\""), "{path}: {answer:?}");
    }
}
