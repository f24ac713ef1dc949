//! A tenant with something of everything: an app of each kind, roles, a user.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward::domain::application::{
    ApplicationKind, DirectLogin, Party, TokenSettings, UpstreamTokenAccess,
};
use doorward::domain::email_address::EmailAddress;
use doorward::domain::ids::UserId;
use doorward::domain::password::NewPassword;
use doorward::domain::provider::{
    ProfileRefresh, Provider, ProviderKey, ProviderKind, TokenRetention, UnverifiedEmail,
    UpstreamIssuer,
};
use doorward::domain::role::RoleKey;
use doorward::domain::secret::Secret;
use doorward::domain::tenant::{AccountPolicy, DisplayName, Domain, SignUp, Slug, Tenant};
use doorward::flows::administration::Administrator;
use doorward::flows::administration::applications::{self, NewApplication};
use doorward::flows::administration::providers::{self, NewProvider, Seen};
use doorward::flows::administration::tenants::{self, NewTenant, TenantChange};
use doorward::flows::administration::users::{self, NewUser};
use doorward::flows::administration::{keys, roles};
use serde_json::{Value, json};

use super::{Answer, Browser, TestApp};

pub const PASSWORD: &str = "marzipan-Kestrel-47";
/// The pair of RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub struct TestTenant {
    pub tenant: Tenant,
    pub issuer: String,
    /// Confidential, the default, with direct login.
    pub web: TestClient,
    /// Public, with direct login and an allowed origin, `https://spa.{slug}.example`.
    pub spa: TestClient,
    pub native: TestClient,
    pub service: TestClient,
    /// Has the role `ADMIN`.
    pub email: String,
    pub user: UserId,
}

#[derive(Clone, Debug)]
pub struct TestClient {
    pub id: String,
    pub secret: Option<String>,
    pub redirect_uri: String,
}

impl TestClient {
    pub fn secret(&self) -> &str {
        self.secret.as_deref().unwrap()
    }
}

impl TestApp {
    pub async fn tenant(&self, slug: &str) -> TestTenant {
        self.tenant_at(slug, None).await
    }

    /// With a host of its own.
    pub async fn tenant_at(&self, slug: &str, domain: Option<&str>) -> TestTenant {
        let context = &*self.context;
        let new = NewTenant {
            slug: Slug::parse(slug).unwrap(),
            name: DisplayName::parse(&format!("Tenant {slug}")).unwrap(),
            domain: domain.map(|domain| Domain::parse(domain).unwrap()),
            accounts: AccountPolicy::default(),
        };
        let tenant = tenants::create(&Administrator::command_line(context), new).await.unwrap();
        for key in ["ADMIN", "MEMBER"] {
            let key = RoleKey::parse(key).unwrap();
            roles::create(&Administrator::command_line(context), &tenant, key, "A role".to_owned())
                .await
                .unwrap();
        }
        let web = self.client(&tenant, "web", ApplicationKind::Web, TokenSettings::default()).await;
        let spa = self.client(&tenant, "spa", ApplicationKind::Spa, TokenSettings::default()).await;
        let native =
            self.client(&tenant, "native", ApplicationKind::Native, TokenSettings::default()).await;
        let service = self
            .client(&tenant, "service", ApplicationKind::Service, TokenSettings::default())
            .await;
        let email = format!("ada@{slug}.example");
        let user = self.user(&tenant, &email, &["ADMIN"]).await;
        let issuer = context.public_url.issuer(&tenant);
        TestTenant { tenant, issuer, web, spa, native, service, email, user }
    }

    /// An app of that name and kind, with all that the kind can have.
    pub async fn client(
        &self,
        tenant: &Tenant,
        name: &str,
        kind: ApplicationKind,
        tokens: TokenSettings,
    ) -> TestClient {
        let slug = &tenant.slug;
        let uri = match kind {
            ApplicationKind::Web | ApplicationKind::Spa => format!("https://{name}.{slug}.example"),
            ApplicationKind::Native => "http://127.0.0.1".to_owned(),
            ApplicationKind::Service => String::new(),
        };
        let for_users = |uri: String| if uri.starts_with('/') { vec![] } else { vec![uri] };
        let new = NewApplication {
            name: DisplayName::parse(name).unwrap(),
            kind,
            redirect_uris: for_users(format!("{uri}/callback")),
            post_logout_redirect_uris: for_users(format!("{uri}/")),
            allowed_origins: if kind == ApplicationKind::Spa { vec![uri.clone()] } else { vec![] },
            audience: (kind == ApplicationKind::Service).then(|| "https://api.example".to_owned()),
            direct_login: match kind {
                ApplicationKind::Web | ApplicationKind::Spa => DirectLogin::Allowed,
                ApplicationKind::Native | ApplicationKind::Service => DirectLogin::Refused,
            },
            is_default: name == "web",
            party: Party::First,
            upstream_tokens: UpstreamTokenAccess::Refused,
            tokens,
            secret: None,
        };
        let made = applications::create(&Administrator::command_line(&self.context), tenant, new)
            .await
            .unwrap();
        TestClient {
            id: made.application.id.to_string(),
            secret: made.secret.map(|secret| secret.expose().to_owned()),
            redirect_uri: format!("{uri}/callback"),
        }
    }

    /// Changes what the tenant decides; the server knows it at once.
    pub async fn change(&self, tenant: &TestTenant, change: TenantChange) {
        tenants::change(&Administrator::command_line(&self.context), &tenant.tenant.slug, change)
            .await
            .unwrap();
        self.clock.advance(std::time::Duration::from_secs(2));
    }

    pub async fn user(&self, tenant: &Tenant, email: &str, roles: &[&str]) -> UserId {
        let new = NewUser {
            email: EmailAddress::parse(email).unwrap(),
            email_verified: true,
            name: Some(DisplayName::parse("Ada Example").unwrap()),
            roles: roles.iter().map(|role| RoleKey::parse(role).unwrap()).collect(),
            password: NewPassword::parse(PASSWORD).unwrap(),
        };
        users::create(&Administrator::command_line(&self.context), tenant, new).await.unwrap().id
    }

    /// The provider `github` of a tenant.
    pub async fn github(&self, tenant: &Tenant) -> Provider {
        self.provider(tenant, "github", |_| {}).await
    }

    /// A provider whose key is its kind, or an OpenID provider of that key: the tenant that has it as its slug.
    pub async fn provider(
        &self,
        tenant: &Tenant,
        key: &str,
        vary: impl FnOnce(&mut NewProvider),
    ) -> Provider {
        let kind = match key {
            "google" => ProviderKind::Google,
            "github" => ProviderKind::GitHub,
            slug => {
                let issuer = format!("{}/t/{slug}", self.context.public_url.as_str());
                ProviderKind::Oidc(UpstreamIssuer::parse(&issuer).unwrap())
            }
        };
        let mut new = NewProvider {
            kind,
            key: Some(ProviderKey::parse(key).unwrap()),
            name: None,
            client_id: "upstream-client".to_owned(),
            client_secret: Some(Secret::new("upstream-secret".to_owned())),
            scopes: Vec::new(),
            allowed_domains: Vec::new(),
            sign_up: SignUp::Open,
            unverified_email: UnverifiedEmail::Refused,
            profile: ProfileRefresh::FirstSignIn,
            tokens: TokenRetention::Discarded,
        };
        vary(&mut new);
        providers::set(&Administrator::command_line(&self.context), tenant, Seen::Anything, new)
            .await
            .unwrap()
    }

    pub async fn rotate_keys(&self, tenant: &Tenant, takeover: keys::Takeover) {
        keys::rotate(&Administrator::command_line(&self.context), tenant, takeover).await.unwrap();
    }

    pub async fn disable(&self, tenant: &Tenant, email: &str) {
        let email = EmailAddress::parse(email).unwrap();
        let user = users::find(&self.context, tenant, &email).await.unwrap();
        users::disable(&Administrator::command_line(&self.context), tenant, &user).await.unwrap();
    }

    /// What the audit log of a tenant says, newest last.
    pub async fn audit(&self, tenant: &Tenant) -> Vec<String> {
        let page = self.context.db.read::<_, doorward::storage::StorageError>(tenant.id, |tx| {
            tx.audit_events().page(&doorward::storage::AuditFilter::default(), None, 1_000)
        });
        let mut actions: Vec<String> =
            page.await.unwrap().iter().map(|event| event.action.as_str().to_owned()).collect();
        actions.reverse();
        actions
    }

    /// A sign-in by the JSON API at the default app, with its secret.
    pub async fn login(&self, tenant: &TestTenant) -> Value {
        self.post(&format!("{}/v1/auth/login", tenant.issuer))
            .basic(&tenant.web.id, tenant.web.secret())
            .json(&json!({ "email": tenant.email, "password": PASSWORD }))
            .send()
            .await
            .expect(200)
    }

    /// `POST /v1/auth/{call}` by a client that proves nothing.
    pub async fn direct(&self, tenant: &TestTenant, call: &str, body: &Value) -> Answer {
        self.post(&tenant.url(&format!("/v1/auth/{call}"))).json(body).send().await
    }

    /// A refresh at the token endpoint, with the client's secret if it has one.
    pub async fn refresh(&self, tenant: &TestTenant, client: &TestClient, token: &str) -> Answer {
        self.token(tenant, client, &[("grant_type", "refresh_token"), ("refresh_token", token)])
            .await
    }

    /// A request at the token endpoint by a client as it should: Basic, or naming itself.
    pub async fn token(
        &self,
        tenant: &TestTenant,
        client: &TestClient,
        fields: &[(&str, &str)],
    ) -> Answer {
        let call = self.post(&format!("{}/oauth2/token", tenant.issuer));
        match &client.secret {
            Some(secret) => call.basic(&client.id, secret).form(fields).send().await,
            None => {
                let mut fields = fields.to_vec();
                fields.push(("client_id", &client.id));
                call.form(&fields).send().await
            }
        }
    }

    /// Redeems a code that [`TestTenant::authorization`] asked for.
    pub async fn redeem(&self, tenant: &TestTenant, client: &TestClient, code: &str) -> Answer {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &client.redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        self.token(tenant, client, &fields).await
    }

    /// A code for the user, who signs in on the hosted page with a browser of its own.
    pub async fn code(&self, tenant: &TestTenant, client: &TestClient) -> String {
        let mut browser = Browser::new(self);
        browser.sign_in(tenant).await;
        browser.code(tenant, client).await
    }

    /// The refresh token of a sign-in through the hosted page.
    pub async fn begin(&self, tenant: &TestTenant, client: &TestClient) -> String {
        let tokens = self.sign_in(tenant, client).await;
        tokens["refresh_token"].as_str().unwrap().to_owned()
    }

    /// The tokens of a sign-in through the hosted page.
    pub async fn sign_in(&self, tenant: &TestTenant, client: &TestClient) -> Value {
        let code = self.code(tenant, client).await;
        self.redeem(tenant, client, &code).await.expect(200)
    }
}

impl TestTenant {
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// What the user sends to the JSON API to sign in.
    pub fn credentials(&self) -> Value {
        json!({ "email": self.email, "password": PASSWORD })
    }

    /// The origin that the app `spa` allows.
    pub fn spa_origin(&self) -> String {
        format!("https://spa.{}.example", self.tenant.slug)
    }

    /// A good authorization request, to be varied.
    pub fn authorization(&self, client: &TestClient) -> Query {
        Query(Vec::new())
            .with("client_id", &client.id)
            .with("redirect_uri", &client.redirect_uri)
            .with("response_type", "code")
            .with("scope", "openid profile email roles offline_access")
            .with("state", "st-1")
            .with("nonce", "no-1")
            .with("code_challenge", CHALLENGE)
            .with("code_challenge_method", "S256")
    }
}

/// The parameters of a request.
#[derive(Clone, Debug)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// With that value instead of what it had.
    pub fn with(self, name: &str, value: &str) -> Self {
        let mut query = self.without(name);
        query.0.push((name.to_owned(), value.to_owned()));
        query
    }

    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(key, _)| key != name);
        self
    }

    /// Once more, with a value of its own.
    pub fn repeated(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn encode(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

/// The parameters of a URL.
pub fn query(url: &str) -> std::collections::BTreeMap<String, String> {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs().into_owned().collect()
}

/// The claims of a JWT, unchecked.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
