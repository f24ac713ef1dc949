//! A browser, as far as sign-in needs one: it keeps cookies by name and path, follows no redirect by itself,
//! and fills in forms.

use std::time::Duration;

use actix_web::cookie::Cookie;
use url::Url;

use super::{Answer, Call, PASSWORD, Query, TestApp, TestClient, TestTenant, query};

pub struct Browser<'a> {
    app: &'a TestApp,
    pub cookies: Vec<Cookie<'static>>,
}

impl<'a> Browser<'a> {
    pub fn new(app: &'a TestApp) -> Self {
        Self { app, cookies: Vec::new() }
    }

    pub async fn get(&mut self, url: &str) -> Answer {
        let call = self.app.get(url);
        self.send(url, call).await
    }

    /// Sends a form of our own pages. Filling it in takes a moment.
    pub async fn submit(&mut self, url: &str, fields: &[(&str, &str)]) -> Answer {
        let call = self.own_post(url).form(fields);
        self.send(url, call).await
    }

    /// The same with a file in it.
    pub async fn upload(&mut self, url: &str, fields: &[(&str, &str)], file: &[u8]) -> Answer {
        let call = self.own_post(url).upload(fields, file);
        self.send(url, call).await
    }

    fn own_post(&self, url: &str) -> Call<'a> {
        self.app.clock.advance(Duration::from_millis(1));
        self.app.post(url).header("origin", "null").header("sec-fetch-site", "same-origin")
    }

    pub async fn send(&mut self, url: &str, call: Call<'_>) -> Answer {
        let path = Url::parse(url).unwrap().path().to_owned();
        let cookies = self.cookie_header_for(&path);
        let call = if cookies.is_empty() { call } else { call.header("cookie", cookies) };
        let answer = call.send().await;
        for value in answer.headers.get_all("set-cookie") {
            let cookie = Cookie::parse(value.to_str().unwrap().to_owned()).unwrap();
            self.cookies.retain(|old| old.name() != cookie.name() || old.path() != cookie.path());
            if cookie.max_age().is_none_or(|age| age.is_positive()) {
                self.cookies.push(cookie);
            }
        }
        answer
    }

    fn cookie_header_for(&self, path: &str) -> String {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .filter(|cookie| path.starts_with(cookie.path().unwrap_or("/")))
            .map(|cookie| format!("{}={}", cookie.name(), cookie.value()))
            .collect();
        cookies.join("; ")
    }

    /// All its cookies, wherever they belong.
    pub fn cookie_header(&self) -> String {
        let cookies = self.cookies.iter();
        let pairs: Vec<_> =
            cookies.map(|cookie| format!("{}={}", cookie.name(), cookie.value())).collect();
        pairs.join("; ")
    }

    pub async fn authorize(&mut self, tenant: &TestTenant, query: &Query) -> Answer {
        self.get(&tenant.url(&format!("/oauth2/authorize?{}", query.encode()))).await
    }

    /// Opens the login page and sends it with the user's password.
    pub async fn sign_in(&mut self, tenant: &TestTenant) -> Answer {
        self.sign_in_as(tenant, &tenant.email).await
    }

    /// The same as another user of the tenant.
    pub async fn sign_in_as(&mut self, tenant: &TestTenant, email: &str) -> Answer {
        let url = tenant.url("/login");
        let page = self.get(&url).await;
        assert_eq!(page.status, 200, "{page:?}");
        let csrf = field(&page, "csrf");
        let fields = [("csrf", &*csrf), ("email", email), ("password", PASSWORD)];
        let answer = self.submit(&url, &fields).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        answer
    }

    /// A code for a browser that is signed in.
    pub async fn code(&mut self, tenant: &TestTenant, client: &TestClient) -> String {
        let answer = self.authorize(tenant, &tenant.authorization(client)).await;
        query(answer.location())["code"].clone()
    }

    /// Goes from a redirect to a login page of ours through the sign-in, and answers what then follows:
    /// the redirect to the page where the request goes on, followed.
    pub async fn sign_in_at(&mut self, tenant: &TestTenant, redirect: &Answer) -> Answer {
        let url = absolute(tenant, redirect.location());
        let page = self.get(&url).await;
        let (csrf, request) = (field(&page, "csrf"), field(&page, "request"));
        let fields = [
            ("csrf", &*csrf),
            ("request", &*request),
            ("email", &tenant.email),
            ("password", PASSWORD),
        ];
        let answer = self.submit(&tenant.url("/login"), &fields).await;
        let next = absolute(tenant, answer.location());
        self.get(&next).await
    }
}

/// The URL that a path of the tenant's host is.
pub fn absolute(tenant: &TestTenant, location: &str) -> String {
    Url::parse(&tenant.issuer).unwrap().join(location).unwrap().to_string()
}

/// The value of a hidden field.
#[track_caller]
pub fn field(page: &Answer, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let (_, rest) = page
        .body
        .split_once(&start)
        .unwrap_or_else(|| panic!("the page has no field {name}: {page:?}"));
    rest.split('"').next().unwrap().to_owned()
}
