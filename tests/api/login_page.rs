//! The login page: who may post it, which cookie it sets, what its headers keep out.

use crate::harness::{
    Answer, Browser, Database, PASSWORD, TestApp, TestTenant, absolute, field, on_both_databases,
    query, run_as,
};

on_both_databases! {
    a_form_from_elsewhere_signs_nobody_in,
    a_wrong_password_signs_nobody_in,
    a_login_hint_fills_in_the_address,
    the_cookie_is_for_this_tenant_and_for_no_script,
    a_sign_in_gets_a_new_cookie,
    pages_say_what_browsers_must_keep_out,
}

async fn is_signed_in(browser: &mut Browser<'_>, tenant: &TestTenant) -> bool {
    let silent = tenant.authorization(&tenant.web).with("prompt", "none");
    let answer = browser.authorize(tenant, &silent).await;
    let reply = query(answer.location());
    assert_ne!(reply.contains_key("code"), reply.contains_key("error"));
    reply.contains_key("code")
}

#[track_caller]
fn asks_again(answer: &Answer) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("location"), None);
    assert!(answer.body.contains("name=\"password\""), "{}", answer.body);
}

async fn a_form_from_elsewhere_signs_nobody_in(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let url = acme.url("/login");
    let mut other = Browser::new(app);
    let foreign = field(&other.get(&url).await, "csrf");
    let mut browser = Browser::new(app);
    let own = field(&browser.get(&url).await, "csrf");
    assert_ne!(own, foreign);
    for (csrf, origin, site) in [
        (None, "null", "same-origin"),
        (Some(""), "null", "same-origin"),
        (Some("wrong"), "null", "same-origin"),
        (Some(&*foreign), "null", "same-origin"),
        (Some(&*own), "https://evil.example", "cross-site"),
        (Some(&*own), "https://evil.example", "same-origin"),
        (Some(&*own), "null", "cross-site"),
        (Some(&*own), "null", "same-site"),
    ] {
        let mut fields = vec![("email", &*acme.email), ("password", PASSWORD)];
        fields.extend(csrf.map(|csrf| ("csrf", csrf)));
        let call = app.post(&url).header("origin", origin).header("sec-fetch-site", site);
        let answer = browser.send(&url, call.form(&fields)).await;
        asks_again(&answer);
        assert!(!is_signed_in(&mut browser, &acme).await, "{csrf:?} {origin} {site}");
    }
    // Without any cookie the token is nobody's.
    let fields = [("csrf", &*own), ("email", &*acme.email), ("password", PASSWORD)];
    let mut stranger = Browser::new(app);
    asks_again(&stranger.submit(&url, &fields).await);
    assert!(!is_signed_in(&mut stranger, &acme).await);
    let answer = browser.submit(&url, &fields).await;
    assert_eq!(answer.location(), "/t/acme/account");
    assert!(is_signed_in(&mut browser, &acme).await);
}

async fn a_wrong_password_signs_nobody_in(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let url = acme.url("/login");
    let mut browser = Browser::new(app);
    let csrf = field(&browser.get(&url).await, "csrf");
    let mut pages = Vec::new();
    for (email, password) in [
        (&*acme.email, "marzipan-Kestrel-48"),
        ("nobody@acme.example", PASSWORD),
        ("no address", PASSWORD),
    ] {
        let fields = [("csrf", &*csrf), ("email", email), ("password", password)];
        let answer = browser.submit(&url, &fields).await;
        asks_again(&answer);
        assert!(!answer.body.contains(password), "a page never repeats a password");
        pages.push(answer.body.replace(email, ""));
        assert!(!is_signed_in(&mut browser, &acme).await);
    }
    assert_eq!(pages[0], pages[1], "one answer, whatever was wrong");
    assert_eq!(pages[0], pages[2], "one answer, whatever was wrong");
}

async fn a_login_hint_fills_in_the_address(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    let request = acme.authorization(&acme.web).with("login_hint", "ada+1@acme.example");
    let asked = browser.authorize(&acme, &request).await;
    let page = browser.get(&absolute(&acme, asked.location())).await;
    assert!(page.body.contains("value=\"ada+1@acme.example\""), "{}", page.body);
    let request = request.with("login_hint", "\"><b onclick=x>'&");
    let asked = browser.authorize(&acme, &request).await;
    let page = browser.get(&absolute(&acme, asked.location())).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("&#34;&#62;&#60;b onclick=x&#62;&#39;&#38;"), "{}", page.body);
    assert!(!page.body.contains("<b onclick"), "{}", page.body);
}

/// The one session cookie that an answer sets: its name, its value, its attributes.
#[track_caller]
fn set_cookie(answer: &Answer) -> (String, String, Vec<String>) {
    // It stands before what goes beside it.
    let first = answer.headers.get("set-cookie").unwrap().to_str().unwrap();
    assert!(first.split('=').next().unwrap().ends_with("doorward"), "{first}");
    let values = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let values: Vec<_> = values.filter(|value| !value.starts_with("doorward-device=")).collect();
    assert_eq!(values.len(), 1, "{answer:?}");
    let mut parts = values[0].split("; ");
    let (name, value) = parts.next().unwrap().split_once('=').unwrap();
    (name.to_owned(), value.to_owned(), parts.map(str::to_owned).collect())
}

async fn the_cookie_is_for_this_tenant_and_for_no_script(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let answer = Browser::new(app).get(&acme.url("/login")).await;
    let (name, _, attributes) = set_cookie(&answer);
    assert_eq!(name, "doorward");
    for wanted in ["HttpOnly", "SameSite=Lax", "Path=/t/acme"] {
        assert!(attributes.iter().any(|attribute| attribute == wanted), "{attributes:?}");
    }
    // A browser would not keep it over the plain http of loopback.
    assert!(!attributes.iter().any(|attribute| attribute == "Secure"), "{attributes:?}");
    assert!(!attributes.iter().any(|attribute| attribute.starts_with("Domain")), "{attributes:?}");
    assert_eq!(answer.header("strict-transport-security"), None);
}

#[test]
fn over_https_the_cookie_is_secure() {
    run_as("https://auth.example.com", Database::sqlite(), async |app| {
        let acme = app.tenant("acme").await;
        assert_eq!(acme.issuer, "https://auth.example.com/t/acme");
        let mut browser = Browser::new(app);
        let answer = browser.get(&acme.url("/login")).await;
        let (name, _, attributes) = set_cookie(&answer);
        assert_eq!(name, "__Secure-doorward");
        for wanted in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/t/acme"] {
            assert!(attributes.iter().any(|attribute| attribute == wanted), "{attributes:?}");
        }
        let transport = answer.header("strict-transport-security").unwrap();
        assert!(transport.starts_with("max-age=31536000"), "{transport}");
        browser.sign_in(&acme).await;
        assert!(is_signed_in(&mut browser, &acme).await);
    });
}

async fn a_sign_in_gets_a_new_cookie(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    let (name, before, _) = set_cookie(&browser.get(&acme.url("/login")).await);
    let mut planted = Browser::new(app);
    planted.cookies = browser.cookies.clone();
    let (same, after, attributes) = set_cookie(&browser.sign_in(&acme).await);
    assert_eq!(name, same);
    assert_ne!(before, after);
    for wanted in ["HttpOnly", "SameSite=Lax", "Path=/t/acme"] {
        assert!(attributes.iter().any(|attribute| attribute == wanted), "{attributes:?}");
    }
    assert!(is_signed_in(&mut browser, &acme).await);
    // Whoever planted the old value holds nothing.
    assert!(!is_signed_in(&mut planted, &acme).await);
}

async fn pages_say_what_browsers_must_keep_out(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    let mut pages = vec![browser.get(&acme.url("/login")).await];
    let request = acme.authorization(&acme.web);
    let asked = browser.authorize(&acme, &request).await;
    pages.push(browser.get(&absolute(&acme, asked.location())).await);
    browser.sign_in(&acme).await;
    let form_post = request.clone().with("response_mode", "form_post");
    pages.push(browser.authorize(&acme, &form_post).await);
    let consent = request.clone().with("prompt", "consent");
    pages.push(browser.authorize(&acme, &consent).await);
    pages.push(browser.authorize(&acme, &request.with("client_id", "x")).await);
    pages.push(browser.get(&acme.url("/oauth2/logout")).await);
    pages.push(browser.get(&acme.url("/account")).await);
    for page in &pages {
        assert!(page.body.contains("</html>"), "{page:?}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(policy.contains("base-uri 'none'"), "{policy}");
        assert!(policy.contains("form-action 'self'"), "{policy}");
        assert!(!policy.contains("unsafe-"), "{policy}");
        assert!(!policy.contains('*'), "{policy}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(page.header("x-frame-options"), Some("DENY"));
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
        for inline in [" style=\"", "<style", " onclick=", " onload=", "javascript:"] {
            assert!(!page.body.contains(inline), "{inline} in {}", page.body);
        }
    }
}
