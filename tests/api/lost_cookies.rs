//! A form of the hosted pages that comes without its browser's cookie: nothing is done, and its page opens afresh.

use doorward::domain::tenant::EmailCode;
use doorward::flows::administration::tenants::TenantChange;

use crate::harness::{
    Answer, Browser, TestApp, TestTenant, absolute, field, on_both_databases, query,
};

on_both_databases! {
    every_form_without_its_cookie_leads_to_its_page,
    the_request_of_an_app_is_kept_where_this_browser_brought_it,
    nothing_that_a_page_elsewhere_sent_is_carried_on,
    a_line_break_in_an_address_is_told_beside_its_field,
}

async fn with_codes(app: &TestApp) -> TestTenant {
    let acme = app.tenant("acme").await;
    let change = TenantChange { email_code: Some(EmailCode::On), ..TenantChange::default() };
    app.change(&acme, change).await;
    acme
}

/// The one way on that the page offers.
#[track_caller]
fn way_on(answer: &Answer) -> String {
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(answer.body.contains("This form has expired"), "{}", answer.body);
    let parts: Vec<_> = answer.body.split("<a class=\"button").collect();
    assert_eq!(parts.len(), 2, "{}", answer.body);
    let href = parts[1].split_once("href=\"").unwrap().1.split_once('"').unwrap().0;
    href.replace("&#38;", "&").replace("&amp;", "&")
}

async fn every_form_without_its_cookie_leads_to_its_page(app: &TestApp) {
    let acme = with_codes(app).await;
    for (path, fields, way) in [
        ("/signup", vec![], "/signup"),
        ("/forgot-password", vec![], "/forgot-password"),
        (
            "/forgot-password",
            vec![("next", "account/email")],
            "/forgot-password?next=account/email",
        ),
        ("/forgot-password", vec![("next", "//evil.example")], "/forgot-password"),
        ("/login/code", vec![], "/login/code"),
        ("/login/code", vec![("sign_in", "gone"), ("code", "123456")], "/login/code"),
        ("/verify-email", vec![("token", "a&b")], "/verify-email?token=a%26b"),
        ("/verify-email", vec![("again", "1"), ("email", "a@x.example")], "/login"),
        ("/reset-password", vec![("token", "t"), ("password", "p")], "/reset-password?token=t"),
        ("/account/email/confirm", vec![("token", "t")], "/account/email/confirm?token=t"),
        ("/account", vec![("name", "Ada")], "/account"),
        ("/account/sessions", vec![("end", "others")], "/account"),
        ("/account/apps", vec![("remove", "x")], "/account"),
        ("/account/password", vec![("password", "p")], "/account/password"),
        ("/account/email", vec![("email", "a@x.example")], "/account/email"),
        ("/account/delete", vec![("choice", "delete")], "/account/delete"),
        ("/federation/link", vec![("offer", "x")], "/login"),
        ("/consent", vec![("request", "x"), ("choice", "allow")], "/login"),
        ("/oauth2/authorize/continue", vec![("choice", "continue")], "/login"),
    ] {
        let mut browser = Browser::new(app);
        let fields = [vec![("csrf", "of a cookie that is lost")], fields].concat();
        let answer = browser.submit(&acme.url(path), &fields).await;
        let found = way_on(&answer);
        assert_eq!(found, format!("/t/acme{way}"), "{path}");
        let page = browser.get(&absolute(&acme, &found)).await;
        // The account's pages ask for a sign-in first.
        let expected =
            if way.starts_with("/account") && !way.contains("confirm") { 303 } else { 200 };
        assert_eq!(page.status, expected, "{path}: {page:?}");
    }
    // The login shows itself.
    let mut browser = Browser::new(app);
    let fields = [("csrf", "lost"), ("email", "a@x.example"), ("password", "p")];
    let page = browser.submit(&acme.url("/login"), &fields).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("name=\"password\""), "{}", page.body);
}

async fn the_request_of_an_app_is_kept_where_this_browser_brought_it(app: &TestApp) {
    let acme = with_codes(app).await;
    let mut browser = Browser::new(app);
    let away = browser.authorize(&acme, &acme.authorization(&acme.web)).await;
    let id = query(&absolute(&acme, away.location()))["request"].clone();
    for path in ["/signup", "/forgot-password", "/login/code", "/consent"] {
        let fields = [("csrf", "of another tab"), ("request", &*id)];
        let answer = browser.submit(&acme.url(path), &fields).await;
        assert_eq!(way_on(&answer), format!("/t/acme{path}?request={id}"));
        let answer = Browser::new(app).submit(&acme.url(path), &fields).await;
        assert!(!way_on(&answer).contains(&id), "{path}");
    }
}

async fn nothing_that_a_page_elsewhere_sent_is_carried_on(app: &TestApp) {
    let acme = with_codes(app).await;
    for (path, way) in [
        ("/reset-password", "/login"),
        ("/verify-email", "/login"),
        ("/account/email/confirm", "/login"),
        ("/forgot-password", "/forgot-password"),
    ] {
        let url = acme.url(path);
        let fields = [("csrf", "guessed"), ("token", "theirs"), ("next", "account/delete")];
        let call = app
            .post(&url)
            .header("origin", "https://evil.example")
            .header("sec-fetch-site", "cross-site")
            .form(&fields);
        let answer = Browser::new(app).send(&url, call).await;
        assert!(!answer.body.contains("theirs"), "{}", answer.body);
        assert_eq!(way_on(&answer), format!("/t/acme{way}"), "{path}");
    }
}

async fn a_line_break_in_an_address_is_told_beside_its_field(app: &TestApp) {
    let acme = with_codes(app).await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let mut stranger = Browser::new(app);
    for path in ["/signup", "/login", "/forgot-password", "/login/code", "/account/email"] {
        let url = acme.url(path);
        let reader = if path.starts_with("/account") { &mut browser } else { &mut stranger };
        let csrf = field(&reader.get(&url).await, "csrf");
        for email in ["a@x.example\r\nBcc: b@y.example", "a@x.example\nb", "a\tb@x.example"] {
            let fields =
                [("csrf", csrf.as_str()), ("email", email), ("password", "otters at noon")];
            let page = reader.submit(&url, &fields).await;
            assert_eq!(page.status, 200, "{path}: {page:?}");
            assert!(page.body.contains("id=\"email-error\""), "{path}: {}", page.body);
            assert!(page.body.contains("Enter a single e-mail address"), "{path}: {}", page.body);
        }
    }
    // White space around an address is nobody's mistake.
    let csrf = field(&stranger.get(&acme.url("/forgot-password")).await, "csrf");
    let padded = format!("{}\r\n", acme.email);
    let fields = [("csrf", csrf.as_str()), ("email", &padded)];
    let page = stranger.submit(&acme.url("/forgot-password"), &fields).await;
    assert!(page.body.contains("Look at your mail"), "{}", page.body);
    assert_eq!(app.mail_to(&acme.email).await.len(), 1);
    assert!(app.mail_to("b@y.example").await.is_empty());
}
