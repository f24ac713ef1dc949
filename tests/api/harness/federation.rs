//! Two tenants of which one is the other's upstream provider: Doorward is an OpenID provider like any other.

use doorward::domain::application::{
    ApplicationKind, DirectLogin, Party, TokenSettings, UpstreamTokenAccess,
};
use doorward::domain::email_address::EmailAddress;
use doorward::domain::password::NewPassword;
use doorward::domain::secret::Secret;
use doorward::domain::tenant::DisplayName;
use doorward::flows::administration::Administrator;
use doorward::flows::administration::applications::{self, NewApplication};
use doorward::flows::administration::providers::NewProvider;
use doorward::flows::administration::users::{self, NewUser};

use super::{Answer, Browser, PASSWORD, TestApp, TestTenant, absolute, field};

/// Two tenants, the one the other's provider.
pub struct Pair {
    pub acme: TestTenant,
    pub upstream: TestTenant,
    pub client: (String, String),
}

impl Pair {
    pub async fn new(app: &TestApp) -> Self {
        Self::varied(app, |_| {}).await
    }

    pub async fn varied(app: &TestApp, vary: impl FnOnce(&mut NewProvider)) -> Self {
        let acme = app.tenant("acme").await;
        let upstream = app.tenant("upstream").await;
        let client = client_of(app, &upstream, &acme, "upstream").await;
        let pair = Self { acme, upstream, client };
        pair.set_provider(app, vary).await;
        pair
    }

    pub async fn set_provider(&self, app: &TestApp, vary: impl FnOnce(&mut NewProvider)) {
        let (id, secret) = self.client.clone();
        app.provider(&self.acme.tenant, "upstream", |new| {
            new.client_id = id;
            new.client_secret = Some(Secret::new(secret));
            vary(new);
        })
        .await;
    }
}

/// `acme` registered at a tenant that is its provider.
pub async fn client_of(
    app: &TestApp,
    upstream: &TestTenant,
    acme: &TestTenant,
    key: &str,
) -> (String, String) {
    let new = NewApplication {
        name: DisplayName::parse("acme").unwrap(),
        kind: ApplicationKind::Web,
        redirect_uris: vec![acme.url(&format!("/federation/{key}/callback"))],
        post_logout_redirect_uris: vec![],
        allowed_origins: vec![],
        audience: None,
        direct_login: DirectLogin::Refused,
        is_default: false,
        party: Party::First,
        upstream_tokens: UpstreamTokenAccess::Refused,
        tokens: TokenSettings::default(),
        secret: None,
    };
    let made =
        applications::create(&Administrator::command_line(&app.context), &upstream.tenant, new)
            .await
            .unwrap();
    (made.application.id.to_string(), made.secret.unwrap().expose().to_owned())
}

#[derive(Clone, Copy, PartialEq)]
pub enum Email {
    Verified,
    Unverified,
}

pub async fn user(app: &TestApp, tenant: &TestTenant, address: &str, email: Email) {
    let new = NewUser {
        email: EmailAddress::parse(address).unwrap(),
        email_verified: email == Email::Verified,
        name: Some(DisplayName::parse("Grace Example").unwrap()),
        roles: vec![],
        password: NewPassword::parse(PASSWORD).unwrap(),
    };
    users::create(&Administrator::command_line(&app.context), &tenant.tenant, new).await.unwrap();
}

/// Signs in at a login page of some tenant.
pub async fn log_in(
    browser: &mut Browser<'_>,
    at: &TestTenant,
    page: &Answer,
    email: &str,
) -> Answer {
    let csrf = field(page, "csrf");
    let mut fields = vec![("csrf", csrf), ("email", email.to_owned())];
    fields.push(("password", PASSWORD.to_owned()));
    if page.body.contains("name=\"request\"") {
        fields.push(("request", field(page, "request")));
    }
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    browser.submit(&at.url("/login"), &fields).await
}

/// From a redirect to the upstream through the sign-in there, to the URL of our callback.
pub async fn through(
    browser: &mut Browser<'_>,
    upstream: &TestTenant,
    away: &Answer,
    email: &str,
) -> String {
    assert_eq!(away.status, 303, "{away:?}");
    let mut answer = browser.get(away.location()).await;
    if answer.status == 303 && answer.location().contains("/login") {
        let page = browser.get(&absolute(upstream, answer.location())).await;
        let next = log_in(browser, upstream, &page, email).await;
        answer = browser.get(&absolute(upstream, next.location())).await;
    }
    answer.location().to_owned()
}

/// Goes to the provider and back, and answers what the callback does.
pub async fn federate(browser: &mut Browser<'_>, pair: &Pair, email: &str) -> Answer {
    let away = browser.get(&pair.acme.url("/federation/upstream")).await;
    let back = through(browser, &pair.upstream, &away, email).await;
    browser.get(&back).await
}
