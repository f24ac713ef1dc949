//! Whether an address has an account cannot be told from any answer: status, headers and body are the same for
//! all. That the time is, too, `timing` shows.

use doorward::domain::tenant::{EmailCode, EmailVerification};
use doorward::flows::administration::tenants::TenantChange;
use serde_json::json;

use crate::harness::addresses::{ADDRESSES, tenant};
use crate::harness::{
    Answer, Browser, TestApp, TestTenant, absolute, field, on_both_databases, query,
};

on_both_databases! {
    the_json_api_answers_all_addresses_alike,
    the_pages_answer_all_addresses_alike,
}

const NEW: &str = "otters juggle quietly at noon";

async fn strict(app: &TestApp) -> TestTenant {
    let acme = tenant(app).await;
    let change = TenantChange {
        email_verification: Some(EmailVerification::Required),
        email_code: Some(EmailCode::On),
        ..TenantChange::default()
    };
    app.change(&acme, change).await;
    acme
}

/// The answer without what differs from one request to the next, whoever asks.
fn outside(answer: &Answer, email: &str) -> String {
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .map(|(name, value)| {
            let value = value.to_str().unwrap();
            let shown = match name.as_str() {
                // The length is that of the body, in which the address stands.
                "date" | "x-request-id" | "content-length" => "",
                // A cookie is a secret of each browser's: its name and attributes remain.
                "set-cookie" => {
                    let (name, rest) = value.split_once('=').unwrap();
                    let attributes = rest.split_once(';').map_or("", |(_, attributes)| attributes);
                    return format!("set-cookie: {name};{attributes}");
                }
                "location" => value.split('?').next().unwrap(),
                _ => value,
            };
            format!("{name}: {shown}")
        })
        .collect();
    headers.sort();
    let mut body = answer.body.replace(email, "<email>");
    for secret in ["csrf", "sign_in"] {
        if body.contains(&format!("name=\"{secret}\"")) {
            body = body.replace(&field(answer, secret), "<secret>");
        }
    }
    // The reference of an error page.
    if let Some(id) = answer.header("x-request-id") {
        body = body.replace(id, "<reference>");
    }
    format!("{} {headers:#?} {body}", answer.status)
}

#[track_caller]
fn assert_alike(what: &str, answers: &[(&str, Answer)]) {
    let (first, rest) = answers.split_first().unwrap();
    let expected = outside(&first.1, first.0);
    for (email, answer) in rest {
        assert_eq!(outside(answer, email), expected, "{what} for {email}");
    }
}

async fn the_json_api_answers_all_addresses_alike(app: &TestApp) {
    let acme = strict(app).await;
    for call in ["login", "register", "forgot-password"] {
        let mut answers = Vec::new();
        for email in ADDRESSES {
            let body = match call {
                "forgot-password" => json!({ "email": email }),
                "login" => json!({ "email": email, "password": "not-her-password" }),
                _ => json!({ "email": email, "password": NEW }),
            };
            answers.push((email, app.direct(&acme, call, &body).await));
        }
        assert_alike(call, &answers);
    }
}

async fn the_pages_answer_all_addresses_alike(app: &TestApp) {
    let acme = strict(app).await;
    for path in ["/login", "/login/code", "/forgot-password", "/signup"] {
        let (mut answers, mut followed) = (Vec::new(), Vec::new());
        for email in ADDRESSES {
            let mut browser = Browser::new(app);
            let url = acme.url(path);
            let csrf = field(&browser.get(&url).await, "csrf");
            let mut fields = vec![("csrf", &*csrf), ("email", email)];
            match path {
                "/login" => fields.push(("password", "not-her-password")),
                "/signup" => fields.extend([("name", "Grace"), ("password", NEW)]),
                _ => {}
            }
            let answer = browser.submit(&url, &fields).await;
            if answer.status == 303 {
                let next = absolute(&acme, answer.location());
                let names: Vec<_> = query(&next).into_keys().collect();
                assert_eq!(names, ["sign_in"], "{answer:?}");
                followed.push((email, browser.get(&next).await));
            }
            answers.push((email, answer));
        }
        assert_alike(path, &answers);
        if !followed.is_empty() {
            assert_eq!(followed.len(), ADDRESSES.len());
            assert_alike(path, &followed);
        }
    }
}
