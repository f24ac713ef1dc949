//! The tokens that a provider gives with a sign-in, for an app that calls the provider in its user's name.

use std::time::Duration;

use doorward::domain::application::{
    ApplicationKind, DirectLogin, Party, TokenSettings, UpstreamTokenAccess,
};
use doorward::domain::provider::{TokenRetention, UpstreamScope};
use doorward::domain::tenant::DisplayName;
use doorward::flows::administration::Administrator;
use doorward::flows::administration::applications::{self, NewApplication};
use futures_util::future::join_all;

use crate::harness::federation::{Email, Pair, federate, through, user};
use crate::harness::{
    Answer, Browser, PASSWORD, TestApp, TestClient, absolute, field, on_both_databases, query,
};

on_both_databases! {
    an_app_that_may_calls_the_provider_in_its_users_name,
    an_ended_token_is_renewed_once_however_many_ask,
    a_provider_that_renews_no_more_ends_the_matter,
    tokens_are_kept_only_while_the_tenant_wants_them,
    an_app_without_leave_gets_no_token,
    tokens_wait_until_the_account_is_proved,
    an_unlinked_identity_takes_its_tokens_along,
    no_token_of_a_provider_is_stored_in_the_clear,
}

const GRACE: &str = "grace@new.example";

/// The tenant keeps the provider's tokens, and has an app that may have them.
struct Reader {
    pair: Pair,
    app: TestClient,
}

impl Reader {
    async fn new(app: &TestApp) -> Self {
        let pair = Pair::varied(app, |new| {
            new.tokens = TokenRetention::Kept;
            let scopes = ["openid", "email", "offline_access"];
            new.scopes = scopes.map(|scope| UpstreamScope::parse(scope).unwrap()).to_vec();
        })
        .await;
        user(app, &pair.upstream, GRACE, Email::Verified).await;
        let client = reading_app(app, &pair, UpstreamTokenAccess::Allowed).await;
        Self { pair, app: client }
    }

    /// Signs in by the provider, for the app. The tokens that the app gets.
    async fn sign_in(&self, app: &TestApp, browser: &mut Browser<'_>) -> serde_json::Value {
        let ask = self.pair.acme.authorization(&self.app).with("idp", "upstream");
        let ask = ask.without("scope").with("scope", "openid offline_access upstream_tokens");
        let answer = browser.authorize(&self.pair.acme, &ask).await;
        let away = browser.get(&absolute(&self.pair.acme, answer.location())).await;
        let back = through(browser, &self.pair.upstream, &away, GRACE).await;
        let next = browser.get(&back).await;
        let answer = browser.get(&absolute(&self.pair.acme, next.location())).await;
        let code = query(answer.location())["code"].clone();
        app.redeem(&self.pair.acme, &self.app, &code).await.expect(200)
    }

    async fn ask(&self, app: &TestApp, access_token: &str) -> Answer {
        let url = self.pair.acme.url("/federation/upstream/token");
        app.get(&url).bearer(access_token).send().await
    }
}

async fn reading_app(app: &TestApp, pair: &Pair, access: UpstreamTokenAccess) -> TestClient {
    let redirect_uri = "https://reader.acme.example/callback".to_owned();
    let new = NewApplication {
        name: DisplayName::parse("Reader").unwrap(),
        kind: ApplicationKind::Web,
        redirect_uris: vec![redirect_uri.clone()],
        post_logout_redirect_uris: vec![],
        allowed_origins: vec![],
        audience: None,
        direct_login: DirectLogin::Allowed,
        is_default: false,
        party: Party::First,
        upstream_tokens: access,
        tokens: TokenSettings::default(),
        secret: None,
    };
    let admin = Administrator::command_line(&app.context);
    let made = applications::create(&admin, &pair.acme.tenant, new).await.unwrap();
    TestClient {
        id: made.application.id.to_string(),
        secret: made.secret.map(|secret| secret.expose().to_owned()),
        redirect_uri,
    }
}

fn text<'a>(json: &'a serde_json::Value, name: &str) -> &'a str {
    json[name].as_str().unwrap()
}

async fn an_app_that_may_calls_the_provider_in_its_users_name(app: &TestApp) {
    let reader = Reader::new(app).await;
    let tokens = reader.sign_in(app, &mut Browser::new(app)).await;
    assert!(text(&tokens, "scope").contains("upstream_tokens"), "{tokens}");
    let answer = reader.ask(app, text(&tokens, "access_token")).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let found = answer.expect(200);
    assert_eq!((text(&found, "provider"), text(&found, "token_type")), ("upstream", "Bearer"));
    assert!(text(&found, "scope").contains("email"), "{found}");
    assert_eq!(found["expires_at"], app.context.now().as_secs() + 900);
    assert!(found.get("refresh_token").is_none(), "it stays here: {found}");
    let userinfo = reader.pair.upstream.url("/oauth2/userinfo");
    let profile = app.get(&userinfo).bearer(text(&found, "access_token")).send().await.expect(200);
    assert_eq!((&profile["email"], &profile["sub"]), (&GRACE.into(), &found["subject"]));
}

async fn an_ended_token_is_renewed_once_however_many_ask(app: &TestApp) {
    let reader = Reader::new(app).await;
    let tokens = reader.sign_in(app, &mut Browser::new(app)).await;
    let first = reader.ask(app, text(&tokens, "access_token")).await.expect(200);
    app.clock.advance(Duration::from_secs(890));
    // Ours is refreshed in time; the provider's is about to end.
    let refresh = text(&tokens, "refresh_token");
    let tokens = app.refresh(&reader.pair.acme, &reader.app, refresh).await.expect(200);
    let access = text(&tokens, "access_token");
    let answers = join_all((0..8).map(|_| reader.ask(app, access))).await;
    let renewed = answers[0].expect(200);
    assert_ne!(renewed["access_token"], first["access_token"]);
    for answer in &answers {
        assert_eq!(answer.expect(200), renewed, "one renewal for all");
    }
    let userinfo = reader.pair.upstream.url("/oauth2/userinfo");
    app.get(&userinfo).bearer(text(&renewed, "access_token")).send().await.expect(200);
    // And again: the provider's refresh token has been rotated, and its successor was kept.
    app.clock.advance(Duration::from_secs(890));
    let refresh = text(&tokens, "refresh_token");
    let tokens = app.refresh(&reader.pair.acme, &reader.app, refresh).await.expect(200);
    let again = reader.ask(app, text(&tokens, "access_token")).await.expect(200);
    assert_ne!(again["access_token"], renewed["access_token"]);
}

async fn a_provider_that_renews_no_more_ends_the_matter(app: &TestApp) {
    let reader = Reader::new(app).await;
    let tokens = reader.sign_in(app, &mut Browser::new(app)).await;
    app.disable(&reader.pair.upstream.tenant, GRACE).await;
    app.clock.advance(Duration::from_secs(890));
    let refresh = text(&tokens, "refresh_token");
    let tokens = app.refresh(&reader.pair.acme, &reader.app, refresh).await.expect(200);
    for why in ["renews it no more", "no token of this provider is kept"] {
        let answer = reader.ask(app, text(&tokens, "access_token")).await;
        answer.refused(404, "no_upstream_token");
        assert!(answer.body.contains(why), "{answer:?}");
    }
}

async fn tokens_are_kept_only_while_the_tenant_wants_them(app: &TestApp) {
    let reader = Reader::new(app).await;
    let tokens = reader.sign_in(app, &mut Browser::new(app)).await;
    let access = text(&tokens, "access_token");
    reader.ask(app, access).await.expect(200);
    for kept in [TokenRetention::Discarded, TokenRetention::Kept] {
        reader.pair.set_provider(app, |new| new.tokens = kept).await;
        reader.ask(app, access).await.refused(404, "no_upstream_token");
    }
    // From the next sign-in on there is one again.
    reader.sign_in(app, &mut Browser::new(app)).await;
    reader.ask(app, access).await.expect(200);
    let other = reader.pair.acme.url("/federation/nobody/token");
    app.get(&other).bearer(access).send().await.refused(404, "no_upstream_token");
}

async fn an_app_without_leave_gets_no_token(app: &TestApp) {
    let reader = Reader::new(app).await;
    let tokens = reader.sign_in(app, &mut Browser::new(app)).await;
    // The scope is not for everybody.
    let ask = reader.pair.acme.authorization(&reader.pair.acme.web);
    let ask = ask.without("scope").with("scope", "openid upstream_tokens");
    let answer = Browser::new(app).authorize(&reader.pair.acme, &ask).await;
    assert_eq!(query(answer.location())["error"], "invalid_scope");
    // Nor is it given unasked.
    let direct = app.login(&reader.pair.acme).await;
    let answer = reader.ask(app, text(&direct, "access_token")).await;
    answer.refused(403, "insufficient_scope");
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.contains("scope=\"upstream_tokens\""), "{challenge}");
    let without = app.get(&reader.pair.acme.url("/federation/upstream/token")).send().await;
    assert_eq!(without.status, 401, "{without:?}");
    // What was given ends with the leave.
    let id = doorward::domain::ids::ApplicationId::parse(&reader.app.id).unwrap();
    app.execute(&format!("UPDATE applications SET upstream_tokens = FALSE WHERE id = '{id}'"));
    app.clock.advance(Duration::from_secs(2));
    reader.ask(app, text(&tokens, "access_token")).await.refused(403, "insufficient_scope");
    // A public client could not keep it safe, and a service has no users.
    for kind in [ApplicationKind::Spa, ApplicationKind::Native, ApplicationKind::Service] {
        let new = NewApplication {
            name: DisplayName::parse("x").unwrap(),
            kind,
            redirect_uris: vec![],
            post_logout_redirect_uris: vec![],
            allowed_origins: vec![],
            audience: None,
            direct_login: DirectLogin::Refused,
            is_default: false,
            party: Party::First,
            upstream_tokens: UpstreamTokenAccess::Allowed,
            tokens: TokenSettings::default(),
            secret: None,
        };
        let admin = Administrator::command_line(&app.context);
        let made = applications::create(&admin, &reader.pair.acme.tenant, new).await;
        assert!(made.is_err(), "{kind:?}");
    }
}

async fn tokens_wait_until_the_account_is_proved(app: &TestApp) {
    let reader = Reader::new(app).await;
    app.user(&reader.pair.acme.tenant, GRACE, &[]).await;
    let mut browser = Browser::new(app);
    let answer = federate(&mut browser, &reader.pair, GRACE).await;
    let page = browser.get(&absolute(&reader.pair.acme, answer.location())).await;
    assert_eq!(app.count("upstream_tokens"), 0, "the account is not proved yet");
    let (csrf, offer) = (field(&page, "csrf"), field(&page, "offer"));
    let form = [("csrf", csrf.as_str()), ("offer", &offer), ("password", PASSWORD)];
    let answer = browser.submit(&reader.pair.acme.url("/federation/link"), &form).await;
    assert!(answer.location().ends_with("/account"), "{answer:?}");
    let ask = reader.pair.acme.authorization(&reader.app);
    let ask = ask.without("scope").with("scope", "openid upstream_tokens");
    let answer = browser.authorize(&reader.pair.acme, &ask).await;
    let code = query(answer.location())["code"].clone();
    let tokens = app.redeem(&reader.pair.acme, &reader.app, &code).await.expect(200);
    reader.ask(app, text(&tokens, "access_token")).await.expect(200);
}

async fn an_unlinked_identity_takes_its_tokens_along(app: &TestApp) {
    let reader = Reader::new(app).await;
    let tokens = reader.sign_in(app, &mut Browser::new(app)).await;
    assert_eq!(app.count("upstream_tokens"), 1);
    assert_eq!(app.execute("DELETE FROM identities"), 1);
    assert_eq!(app.count("upstream_tokens"), 0);
    let answer = reader.ask(app, text(&tokens, "access_token")).await;
    answer.refused(404, "no_upstream_token");
}

async fn no_token_of_a_provider_is_stored_in_the_clear(app: &TestApp) {
    let reader = Reader::new(app).await;
    let tokens = reader.sign_in(app, &mut Browser::new(app)).await;
    let found = reader.ask(app, text(&tokens, "access_token")).await.expect(200);
    let token = text(&found, "access_token");
    let (_, signature) = token.rsplit_once('.').unwrap();
    let stored = app.everything_stored();
    let holds = |text: &str| stored.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds(text(&found, "subject")), "the search finds what is there");
    assert!(!holds(signature) && !holds(token), "an access token");
}
