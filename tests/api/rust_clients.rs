//! Real clients in Rust: the `openidconnect` crate as relying party, and an actix-web backend that verifies
//! with `jsonwebtoken` and the JWKS. Those in Node are in `tests/clients/node`.

use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use doorward::flows::administration::keys::Takeover;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest as Request,
    HttpResponse as Response, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    RedirectUrl, Scope, TokenResponse,
};
use serde_json::Value;

use crate::console::{member, post, sign_in};
use crate::harness::{Browser, PASSWORD, TestApp, TestTenant, claims, on_both_databases, query};

#[path = "../../templates/console/snippets/sign_in.rs"]
mod shown_sign_in;
#[path = "../../templates/console/snippets/verify.rs"]
mod shown_verify;

on_both_databases! {
    what_the_console_shows_in_rust_is_compiled_here_and_signs_in,
    the_openidconnect_crate_signs_a_user_in_and_refreshes,
    a_backend_with_jsonwebtoken_and_the_jwks_lets_the_right_users_in,
}

async fn the_openidconnect_crate_signs_a_user_in_and_refreshes(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let issuer = IssuerUrl::new(acme.issuer.clone()).unwrap();
    let metadata = CoreProviderMetadata::discover_async(issuer, &send).await.unwrap();
    for client in [&acme.web, &acme.spa] {
        let relying_party = CoreClient::from_provider_metadata(
            metadata.clone(),
            ClientId::new(client.id.clone()),
            client.secret.clone().map(ClientSecret::new),
        )
        .set_redirect_uri(RedirectUrl::new(client.redirect_uri.clone()).unwrap());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = relying_party
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(challenge)
            .url();

        let mut browser = Browser::new(app);
        browser.sign_in(&acme).await;
        let answer = browser.get(url.as_str()).await;
        let reply = query(answer.location());
        assert_eq!(reply["state"], *state.secret());
        assert_eq!(reply["iss"], acme.issuer);

        let tokens = relying_party
            .exchange_code(AuthorizationCode::new(reply["code"].clone()))
            .unwrap()
            .set_pkce_verifier(verifier)
            .request_async(&send)
            .await
            .unwrap();
        let id_token = tokens.id_token().unwrap();
        let id_token_verifier = relying_party.id_token_verifier();
        let claims = id_token.claims(&id_token_verifier, &nonce).unwrap();
        assert_eq!(claims.subject().as_str(), acme.user.to_string());
        assert_eq!(claims.email().unwrap().as_str(), acme.email);
        let hash = AccessTokenHash::from_token(
            tokens.access_token(),
            id_token.signing_alg().unwrap(),
            id_token.signing_key(&id_token_verifier).unwrap(),
        );
        assert_eq!(claims.access_token_hash(), Some(&hash.unwrap()));

        let userinfo: openidconnect::core::CoreUserInfoClaims = relying_party
            .user_info(tokens.access_token().clone(), Some(claims.subject().clone()))
            .unwrap()
            .request_async(&send)
            .await
            .unwrap();
        assert_eq!(userinfo.email().unwrap().as_str(), acme.email);

        let refreshed = relying_party
            .exchange_refresh_token(tokens.refresh_token().unwrap())
            .unwrap()
            .request_async(&send)
            .await
            .unwrap();
        assert_ne!(
            refreshed.refresh_token().unwrap().secret(),
            tokens.refresh_token().unwrap().secret()
        );
        // OpenID Connect Core §12.2: there is no nonce to expect on a refresh.
        let no_nonce = |_: Option<&Nonce>| Ok(());
        let again = refreshed.id_token().unwrap().claims(&id_token_verifier, no_nonce).unwrap();
        assert_eq!(again.subject(), claims.subject());
        assert_eq!(again.auth_time(), claims.auth_time());
    }
}

/// The HTTP of the `openidconnect` crate, over reqwest.
async fn send(request: Request) -> Result<Response, reqwest::Error> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let answer = client.execute(request.try_into()?).await?;
    let mut response = Response::new(Vec::new());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    *response.body_mut() = answer.bytes().await?.to_vec();
    Ok(response)
}

async fn a_backend_with_jsonwebtoken_and_the_jwks_lets_the_right_users_in(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let backend = Backend::start(&acme).await;
    let admin = access_token(app, &acme, &acme.email).await;
    assert_eq!(backend.admin_page(&admin).await, StatusCode::OK);
    assert_eq!(backend.admin_page("").await, StatusCode::UNAUTHORIZED);

    app.user(&acme.tenant, "member@acme.example", &["MEMBER"]).await;
    let member = access_token(app, &acme, "member@acme.example").await;
    assert_eq!(backend.admin_page(&member).await, StatusCode::FORBIDDEN);

    let foreign = access_token(app, &bolt, &bolt.email).await;
    assert_eq!(backend.admin_page(&foreign).await, StatusCode::UNAUTHORIZED);
    let (signed, signature) = admin.rsplit_once('.').unwrap();
    let mended: String = signature.chars().rev().collect();
    assert_eq!(backend.admin_page(&format!("{signed}.{mended}")).await, StatusCode::UNAUTHORIZED);
    let id_token = app.sign_in(&acme, &acme.web).await["id_token"].as_str().unwrap().to_owned();
    assert_eq!(backend.admin_page(&id_token).await, StatusCode::UNAUTHORIZED);

    // A new key: the backend meets an unknown `kid` and fetches the set again; old tokens stay good.
    app.rotate_keys(&acme.tenant, Takeover::Now).await;
    let renewed = access_token(app, &acme, &acme.email).await;
    assert_ne!(decode_header(&renewed).unwrap().kid, decode_header(&admin).unwrap().kid);
    assert_eq!(backend.admin_page(&renewed).await, StatusCode::OK);
    assert_eq!(backend.admin_page(&admin).await, StatusCode::OK);
    assert_eq!(decode_header(&admin).unwrap().alg, Algorithm::ES256);
}

async fn access_token(app: &TestApp, tenant: &TestTenant, email: &str) -> String {
    let body = serde_json::json!({ "email": email, "password": PASSWORD });
    let answer = app.post(&tenant.url("/v1/auth/login")).json(&body).send().await;
    answer.expect(200)["token"].as_str().unwrap().to_owned()
}

/// A backend of one tenant, as its makers would write it.
struct Backend {
    url: String,
}

/// What the backend knows of its tenant.
struct Verifier {
    issuer: String,
    keys: tokio::sync::RwLock<JwkSet>,
}

impl Backend {
    async fn start(tenant: &TestTenant) -> Self {
        let verifier = web::Data::new(Verifier {
            issuer: tenant.issuer.clone(),
            keys: tokio::sync::RwLock::new(fetch_keys(&tenant.issuer).await),
        });
        let server = HttpServer::new(move || {
            App::new().app_data(verifier.clone()).route("/admin", web::get().to(admin_page))
        })
        .workers(1)
        .bind("127.0.0.1:0")
        .unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        Self { url }
    }

    async fn admin_page(&self, token: &str) -> StatusCode {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("{}/admin", self.url)).bearer_auth(token).send().await;
        StatusCode::from_u16(answer.unwrap().status().as_u16()).unwrap()
    }
}

async fn admin_page(request: HttpRequest, verifier: web::Data<Verifier>) -> HttpResponse {
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    match verifier.verify(token).await {
        None => HttpResponse::Unauthorized().finish(),
        Some(claims) if claims["role"] == "ADMIN" => HttpResponse::Ok().finish(),
        Some(_) => HttpResponse::Forbidden().finish(),
    }
}

impl Verifier {
    async fn verify(&self, token: &str) -> Option<Value> {
        let header = decode_header(token).ok()?;
        let kid = header.kid?;
        if self.keys.read().await.find(&kid).is_none() {
            *self.keys.write().await = fetch_keys(&self.issuer).await;
        }
        let keys = self.keys.read().await;
        let key = DecodingKey::from_jwk(keys.find(&kid)?).ok()?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.issuer]);
        decode::<Value>(token, &key, &validation).ok().map(|token| token.claims)
    }
}

async fn fetch_keys(issuer: &str) -> JwkSet {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(format!("{issuer}/.well-known/jwks.json")).send().await.unwrap();
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

/// The files that a page shows, as the reader copies them.
fn files(page: &str) -> std::collections::BTreeMap<String, String> {
    let shown = page.split(" data-file=\"").skip(1).map(|rest| {
        let (name, rest) = rest.split_once("\">").unwrap();
        let (code, _) = rest.split_once("</pre>").unwrap();
        let code = code.replace("&#60;", "<").replace("&lt;", "<").replace("&#62;", ">");
        let code = code.replace("&gt;", ">").replace("&#34;", "\"").replace("&quot;", "\"");
        let code = code.replace("&#39;", "'").replace("&#38;", "&").replace("&amp;", "&");
        (name.to_owned(), code)
    });
    shown.collect()
}

async fn what_the_console_shows_in_rust_is_compiled_here_and_signs_in(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let email = member(app, &acme, doorward::domain::member::MemberRole::Admin).await;
    let mut admin = sign_in(app, &email).await;
    let fields = [("name", "Rust"), ("builds", "rust")];
    let page = post(app, &mut admin, "/t/acme/apps", &fields).await;
    let files = files(&page.body);
    let (_, secret) = page.body.split_once("<code class=\"whole\">").unwrap();
    let secret = secret.split('<').next().unwrap();
    let (_, id) = page.body.split_once("/console/t/acme/apps/app").unwrap();
    let id = format!("app{}", &id[..id.find(['"', '/']).unwrap()]);
    let issuer = &acme.issuer;

    // Character by character: the files that are compiled here, and what is filled in.
    let filled = format!(
        "\n/// This app; its secret comes from where your program reads its settings.\n\
         pub fn app(client_secret: &str) -> App<'_> {{\n    App {{\n        issuer: \"{issuer}\",\n        \
         client_id: \"{id}\",\n        client_secret,\n        \
         redirect_uri: \"http://localhost:3000/callback\",\n    }}\n}}"
    );
    let sign_in = include_str!("../../templates/console/snippets/sign_in.rs");
    assert_eq!(files["src/sign_in.rs"], format!("{sign_in}{filled}"));
    let filled = format!(
        "\n/// Of this app.\npub const EXPECTED: Expected<'static> = Expected {{\n    issuer: \"{issuer}\",\n    \
         audience: \"{issuer}\",\n    algorithm: Algorithm::ES256,\n}};"
    );
    let verify = include_str!("../../templates/console/snippets/verify.rs");
    assert_eq!(files["src/verify.rs"], format!("{verify}{filled}"));

    let shown = shown_sign_in::App {
        issuer,
        client_id: &id,
        client_secret: secret,
        redirect_uri: "http://localhost:3000/callback",
    };
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    app.clock.advance(std::time::Duration::from_secs(2));
    let begun = shown_sign_in::begin(&shown).await.unwrap();
    let reply = query(browser.get(&begun.url).await.location());
    let tokens = shown_sign_in::complete(&shown, begun, reply["code"].clone(), &reply["state"]);
    let tokens = tokens.await.unwrap();
    let access_token = tokens.access_token().secret();
    assert!(tokens.refresh_token().is_some());
    let begun = shown_sign_in::begin(&shown).await.unwrap();
    let foreign = shown_sign_in::complete(&shown, begun, reply["code"].clone(), &reply["state"]);
    assert!(foreign.await.is_err(), "the state of another sign-in");

    let keys = fetch_keys(issuer).await;
    let expected = shown_verify::Expected { issuer, audience: issuer, algorithm: Algorithm::ES256 };
    let verified = |token: &str| shown_verify::verify(token, &keys, &expected);
    let found = verified(access_token).unwrap();
    assert_eq!((found.sub, found.role.as_deref()), (acme.user.to_string(), Some("ADMIN")));
    assert_eq!(found.roles, ["ADMIN"]);
    assert_eq!(claims(access_token)["client_id"], id.as_str());
    let id_token = tokens.id_token().unwrap().to_string();
    assert!(verified(&id_token).is_none(), "an ID token is for the frontend");
    let (bolt, mended) = (app.tenant("bolt").await, &access_token[..access_token.len() - 4]);
    let foreign = access_token_of(app, &bolt).await;
    assert!(verified(&foreign).is_none() && verified(&format!("{mended}AAAA")).is_none());
}

async fn access_token_of(app: &TestApp, tenant: &TestTenant) -> String {
    access_token(app, tenant, &tenant.email).await
}
