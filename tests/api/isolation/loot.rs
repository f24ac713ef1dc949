//! What somebody has who got hold of everything that a tenant hands out.

use std::time::Duration;

use doorward::domain::identity::{Assertion, Identity, LinkOffer, Organisation, Subject};
use doorward::domain::ids::LinkOfferId;
use doorward::storage::StorageError;
use serde_json::{Value, json};

use doorward::domain::clock::Clock;

use crate::harness::{Browser, PASSWORD, TestApp, TestTenant, VERIFIER, field, query};

pub struct Loot {
    /// Of an identity at the provider `github` that opens the user's account.
    pub subject: String,
    /// An identity that waits for that browser's user to prove the account.
    pub offer: String,
    /// The state of a sign-in under way at `github`, in that browser.
    pub upstream_state: String,
    pub issuer: String,
    pub email: String,
    pub user_id: String,
    pub tenant_id: String,
    pub client_id: String,
    pub client_secret: String,
    pub redirect_uri: String,
    pub service_id: String,
    pub service_secret: String,
    pub spa_id: String,
    pub spa_origin: String,
    /// Unredeemed, of the client.
    pub code: String,
    pub access_token: String,
    pub refresh_token: String,
    pub id_token: String,
    /// Of the JSON API, with the client's secret.
    pub direct_refresh_token: String,
    /// Of the JSON API, of the single-page app; also what its cookie holds.
    pub spa_refresh_token: String,
    /// The `Cookie` header of a browser that is signed in.
    pub cookie: String,
    /// The token of that browser's forms.
    pub csrf: String,
    /// An authorization request that waits for that browser's word.
    pub request: String,
    /// The id of the session that the JSON API began.
    pub direct_session: String,
    /// Of a user who has just signed up.
    pub fresh_email: String,
    /// Tokens of that user's mailed links.
    pub verify_token: String,
    pub reset_token: String,
    /// The token that moves that user to another address.
    pub change_token: String,
    /// A sign-in of the fresh user that waits in the browser for its code.
    pub code_sign_in: String,
    pub mailed_code: String,
}

async fn identity_and_offer(app: &TestApp, tenant: &TestTenant, browser: &str) -> (String, String) {
    let provider = app.github(&tenant.tenant).await;
    let now = app.context.now();
    let (user, browser) = (tenant.user, browser.to_owned());
    let ids = [(); 2].map(|()| LinkOfferId::generate(now, &*app.context.entropy));
    let [linked, offered] = ids.map(|id| {
        let subject = Subject::parse(&id.to_string()).unwrap();
        let assertion = Assertion {
            subject,
            email: None,
            organisation: Organisation::Unknown,
            name: None,
            picture: None,
        };
        Identity::new(provider.id, user, assertion, now)
    });
    let subject = linked.subject.as_str().to_owned();
    let offer = LinkOffer {
        id: ids[1],
        identity: offered,
        tokens: None,
        request: None,
        expires_at: now + Duration::from_secs(600),
    };
    let id = offer.id.to_string();
    let written = app.context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        tx.identities().insert(&linked)?;
        tx.link_offers().insert(&offer, &browser)
    });
    written.await.unwrap();
    (subject, id)
}

impl Loot {
    pub async fn of(app: &TestApp, tenant: &TestTenant) -> Self {
        let mut browser = Browser::new(app);
        browser.sign_in(tenant).await;
        let spent = browser.code(tenant, &tenant.web).await;
        let tokens = app.redeem(tenant, &tenant.web, &spent).await.expect(200);
        let direct = app.login(tenant).await;
        let spa = app
            .post(&tenant.url("/v1/auth/login"))
            .json(
                &json!({ "email": tenant.email, "password": PASSWORD, "client_id": tenant.spa.id }),
            )
            .send()
            .await
            .expect(200);
        app.clock.advance(Duration::from_secs(1));
        let ask = tenant.authorization(&tenant.web).with("prompt", "consent");
        let page = browser.authorize(tenant, &ask).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let csrf = field(&page, "csrf");
        let (subject, offer) = identity_and_offer(app, tenant, &csrf).await;
        let away = browser.get(&tenant.url("/federation/github")).await;
        let upstream_state = query(away.location())["state"].clone();
        let fresh_email =
            format!("fresh{}@{}.example", app.clock.now().as_millis(), tenant.tenant.slug);
        app.clock.advance(Duration::from_secs(1));
        let mail = Mail { app, tenant, email: &fresh_email, csrf: &csrf };
        let (verify_token, reset_token) = mail.tokens().await;
        let change_token = mail.change_token().await;
        let (code_sign_in, mailed_code) = mail.code(&mut browser).await;
        Self {
            issuer: tenant.issuer.clone(),
            email: tenant.email.clone(),
            user_id: tenant.user.to_string(),
            tenant_id: tenant.tenant.id.to_string(),
            client_id: tenant.web.id.clone(),
            client_secret: tenant.web.secret().to_owned(),
            redirect_uri: tenant.web.redirect_uri.clone(),
            service_id: tenant.service.id.clone(),
            service_secret: tenant.service.secret().to_owned(),
            spa_id: tenant.spa.id.clone(),
            spa_origin: tenant.spa.redirect_uri.replace("/callback", ""),
            code: browser.code(tenant, &tenant.web).await,
            access_token: text(&tokens["access_token"]),
            refresh_token: text(&tokens["refresh_token"]),
            id_token: text(&tokens["id_token"]),
            direct_refresh_token: text(&direct["refresh_token"]),
            spa_refresh_token: text(&spa["refresh_token"]),
            cookie: browser.cookie_header(),
            csrf,
            subject,
            offer,
            upstream_state,
            request: field(&page, "request"),
            direct_session: text(&direct["session_id"]),
            fresh_email,
            verify_token,
            reset_token,
            change_token,
            code_sign_in,
            mailed_code,
        }
    }

    /// What of it is good no more where it belongs. To be asked once: that spends the code.
    pub async fn dead(&self, app: &TestApp) -> Vec<&'static str> {
        let url = |path: &str| format!("{}{path}", self.issuer);
        let mut dead = Vec::new();
        for (name, token) in [
            ("access token", &self.access_token),
            ("refresh token", &self.refresh_token),
            ("refresh token of the JSON API", &self.direct_refresh_token),
        ] {
            let answer = app
                .post(&url("/oauth2/introspect"))
                .basic(&self.client_id, &self.client_secret)
                .form(&[("token", token)])
                .send()
                .await;
            if answer.expect(200)["active"] != true {
                dead.push(name);
            }
        }
        let account = app.get(&url("/account")).header("cookie", &self.cookie).send().await;
        if account.status != 200 {
            dead.push("browser session");
        }
        let linked = app.get(&url("/account/identities")).header("cookie", &self.cookie).send();
        if !linked.await.body.contains(&self.subject) {
            dead.push("identity");
        }
        let offer = url(&format!("/federation/link?offer={}", self.offer));
        if app.get(&offer).header("cookie", &self.cookie).send().await.status != 200 {
            dead.push("link offer");
        }
        let state = format!("error=access_denied&state={}", self.upstream_state);
        let back = url(&format!("/federation/github/callback?{state}"));
        let back = app.get(&back).header("cookie", &self.cookie).send().await;
        if !back.body.contains("You cancelled") {
            dead.push("upstream state");
        }
        let ask = format!("/oauth2/authorize/continue?request={}", self.request);
        let pending = app.get(&url(&ask)).header("cookie", &self.cookie).send().await;
        if pending.status != 200 {
            dead.push("pending request");
        }
        let change = format!("/account/email/confirm?token={}", self.change_token);
        if app.get(&url(&change)).send().await.body.contains("does not work any more") {
            dead.push("link to another address");
        }
        for (name, path, body) in [
            (
                "link to verify an address",
                "/v1/auth/verify-email",
                json!({ "token": self.verify_token }),
            ),
            (
                "link to a new password",
                "/v1/auth/reset-password",
                json!({ "token": self.reset_token, "password": "a third one, of many words" }),
            ),
        ] {
            let call = app.post(&url(path)).basic(&self.client_id, &self.client_secret);
            if call.json(&body).send().await.status != 204 {
                dead.push(name);
            }
        }
        let waiting = format!("/login/code?sign_in={}", self.code_sign_in);
        let waiting = app.get(&url(&waiting)).header("cookie", &self.cookie).send().await;
        if !waiting.body.contains("name=\"code\"") {
            dead.push("sign-in that waits for its code");
        }
        let spa = app
            .post(&url("/v1/auth/refresh"))
            .json(&json!({ "client_id": self.spa_id, "refresh_token": self.spa_refresh_token }))
            .send()
            .await;
        if spa.status != 200 {
            dead.push("refresh token of the single-page app");
        }
        let code = app
            .post(&url("/oauth2/token"))
            .basic(&self.client_id, &self.client_secret)
            .form(&[
                ("grant_type", "authorization_code"),
                ("code", &self.code),
                ("redirect_uri", &self.redirect_uri),
                ("code_verifier", VERIFIER),
            ])
            .send()
            .await;
        if code.status != 200 {
            dead.push("code");
        }
        dead
    }

    /// Every value of it, with a name for each.
    pub fn values(&self) -> Vec<(&'static str, &str)> {
        vec![
            ("subject", &self.subject),
            ("offer", &self.offer),
            ("upstream_state", &self.upstream_state),
            ("issuer", &self.issuer),
            ("email", &self.email),
            ("user_id", &self.user_id),
            ("tenant_id", &self.tenant_id),
            ("client_id", &self.client_id),
            ("client_secret", &self.client_secret),
            ("redirect_uri", &self.redirect_uri),
            ("service_id", &self.service_id),
            ("service_secret", &self.service_secret),
            ("spa_id", &self.spa_id),
            ("spa_origin", &self.spa_origin),
            ("code", &self.code),
            ("access_token", &self.access_token),
            ("refresh_token", &self.refresh_token),
            ("id_token", &self.id_token),
            ("direct_refresh_token", &self.direct_refresh_token),
            ("spa_refresh_token", &self.spa_refresh_token),
            ("csrf", &self.csrf),
            ("request", &self.request),
            ("direct_session", &self.direct_session),
            ("fresh_email", &self.fresh_email),
            ("verify_token", &self.verify_token),
            ("reset_token", &self.reset_token),
            ("change_token", &self.change_token),
            ("code_sign_in", &self.code_sign_in),
            ("mailed_code", &self.mailed_code),
        ]
    }

    /// A good authorization request with these values, without PKCE.
    pub fn authorization(&self) -> Vec<(&'static str, String)> {
        vec![
            ("client_id", self.client_id.clone()),
            ("redirect_uri", self.redirect_uri.clone()),
            ("response_type", "code".to_owned()),
            ("scope", "openid".to_owned()),
            ("state", "st".to_owned()),
        ]
    }
}

/// What comes by mail to somebody who has just signed up.
struct Mail<'a> {
    app: &'a TestApp,
    tenant: &'a TestTenant,
    email: &'a str,
    csrf: &'a str,
}

impl Mail<'_> {
    async fn tokens(&self) -> (String, String) {
        let (app, web) = (self.app, &self.tenant.web);
        let post = |path: &str| app.post(&self.tenant.url(path)).basic(&web.id, web.secret());
        let body = json!({ "email": self.email, "password": PASSWORD });
        post("/v1/auth/register").json(&body).send().await.expect(201);
        let verify = app.mailed_token(self.email).await;
        app.clock.advance(Duration::from_millis(1));
        let asked = post("/v1/auth/forgot-password").json(&json!({ "email": self.email }));
        assert_eq!(asked.send().await.status, 202);
        (verify, app.mailed_token(self.email).await)
    }

    async fn change_token(&self) -> String {
        let mut browser = Browser::new(self.app);
        browser.sign_in_as(self.tenant, self.email).await;
        let email = format!("other-{}", self.email);
        let form = browser.get(&self.tenant.url("/account/email")).await;
        let fields = [("csrf", &*field(&form, "csrf")), ("email", &*email)];
        let answer = browser.submit(&self.tenant.url("/account/email"), &fields).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        self.app.mailed_token(&email).await
    }

    async fn code(&self, browser: &mut Browser<'_>) -> (String, String) {
        // It is asked for once for each route, all from one address.
        self.app.execute("DELETE FROM allowances WHERE id LIKE 'orders:%'");
        let fields = [("csrf", self.csrf), ("email", self.email)];
        let answer = browser.submit(&self.tenant.url("/login/code"), &fields).await;
        let sign_in = answer.location().split("sign_in=").nth(1).unwrap().to_owned();
        (sign_in, self.app.mailed_code(self.email).await)
    }
}
