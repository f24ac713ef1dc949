use std::error::Error;

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreTokenResponse,
};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl,
    Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
};

pub struct App<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub client_secret: &'a str,
    pub redirect_uri: &'a str,
}

/// Where to send the browser, and what its session keeps until it comes back.
pub struct Begun {
    pub url: String,
    pub state: String,
    pub nonce: Nonce,
    pub verifier: PkceCodeVerifier,
}

pub async fn begin(app: &App<'_>) -> Result<Begun, Box<dyn Error>> {
    let issuer = IssuerUrl::new(app.issuer.to_owned())?;
    let metadata = CoreProviderMetadata::discover_async(issuer, &send).await?;
    let client =
        CoreClient::from_provider_metadata(metadata, ClientId::new(app.client_id.to_owned()), None)
            .set_redirect_uri(RedirectUrl::new(app.redirect_uri.to_owned())?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let scopes = ["profile", "email", "roles", "offline_access"];
    let (url, state, nonce) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scopes(scopes.map(|scope| Scope::new(scope.to_owned())))
        .set_pkce_challenge(challenge)
        .url();
    Ok(Begun { url: url.into(), state: state.into_secret(), nonce, verifier })
}

/// At the redirect URI, with the `code` and the `state` that the browser came with. The tokens' ID token is checked.
pub async fn complete(
    app: &App<'_>,
    begun: Begun,
    code: String,
    state: &str,
) -> Result<CoreTokenResponse, Box<dyn Error>> {
    if state != begun.state {
        return Err("another browser began this sign-in".into());
    }
    let issuer = IssuerUrl::new(app.issuer.to_owned())?;
    let metadata = CoreProviderMetadata::discover_async(issuer, &send).await?;
    let secret = ClientSecret::new(app.client_secret.to_owned());
    let client = CoreClient::from_provider_metadata(
        metadata,
        ClientId::new(app.client_id.to_owned()),
        Some(secret),
    )
    .set_redirect_uri(RedirectUrl::new(app.redirect_uri.to_owned())?);
    let tokens = client
        .exchange_code(AuthorizationCode::new(code))?
        .set_pkce_verifier(begun.verifier)
        .request_async(&send)
        .await?;
    let id_token = tokens.id_token().ok_or("no ID token")?;
    id_token.claims(&client.id_token_verifier(), &begun.nonce)?;
    Ok(tokens)
}

/// Over reqwest. Whoever followed redirects here could be sent elsewhere with the secret.
async fn send(request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let answer = http.execute(request.try_into()?).await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut response = HttpResponse::new(answer.bytes().await?.to_vec());
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    Ok(response)
}
