//! GitHub: OAuth 2 without ID tokens. Who the user is says its API, `/user` and `/user/emails`, and only the
//! address that is primary and verified counts.

use oauth2::basic::{BasicClient, BasicErrorResponse, BasicTokenResponse};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpResponse,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope,
    TokenResponse, TokenUrl, http,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::guard::{CallError, Caller};
use super::{Answer, Ask, Identified, Lie, Presence, UpstreamError, bearer_tokens, picture};
use crate::domain::clock::Timestamp;
use crate::domain::email_address::EmailAddress;
use crate::domain::identity::{AssertedEmail, Assertion, Organisation, Subject};
use crate::domain::provider::{Provider, UpstreamScope};
use crate::domain::secret::Secret;
use crate::domain::tenant::DisplayName;
use crate::domain::upstream_token::UpstreamTokens;

/// Addresses come a hundred a page; nobody has more than these.
const MAX_PAGES: usize = 5;

pub struct GitHub<'a> {
    pub http: Caller<'a>,
    pub url: &'a Url,
    pub api_url: &'a Url,
}

#[derive(Deserialize)]
struct User {
    /// Stays, whatever the user calls themselves.
    id: u64,
    login: String,
    name: Option<String>,
    avatar_url: Option<String>,
}

#[derive(Deserialize)]
struct Email {
    email: String,
    primary: bool,
    verified: bool,
}

/// What GitHub sends with the status 200 where RFC 6749 §5.2 wants 400.
#[derive(Deserialize)]
struct TokenRefusal {
    error: String,
}

/// The provider's page for signing in.
pub fn page(url: &Url, provider: &Provider, ask: &Ask<'_>) -> Result<Url, UpstreamError> {
    let verifier = PkceCodeVerifier::new(ask.code_verifier.expose().to_owned());
    let state = ask.state.to_owned();
    let scopes = provider.scopes.iter().map(UpstreamScope::as_str);
    let client = BasicClient::new(ClientId::new(provider.client_id.clone()))
        .set_auth_uri(AuthUrl::from_url(below(url, "login/oauth/authorize")?))
        .set_redirect_uri(redirect_url(ask.redirect_uri)?);
    let mut request = client
        .authorize_url(move || CsrfToken::new(state))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .add_scopes(scopes.map(|scope| Scope::new(scope.to_owned())));
    if let Some(hint) = ask.login_hint {
        request = request.add_extra_param("login", hint.to_owned());
    }
    match ask.presence {
        Presence::AnySession => {}
        Presence::Renewed => request = request.add_extra_param("prompt", "select_account"),
    }
    Ok(request.url().0)
}

impl GitHub<'_> {
    pub async fn identify(
        &self,
        provider: &Provider,
        secret: &Secret,
        answer: Answer<'_>,
        now: Timestamp,
    ) -> Result<Identified, UpstreamError> {
        // RFC 9207: sent by those versions that have a metadata document.
        let own_issuer = below(self.url, "login/oauth")?;
        if answer.issuer.is_some_and(|issuer| issuer != own_issuer.as_str()) {
            return Err(UpstreamError::Untrue(Lie::Issuer));
        }
        let tokens = self.redeem(provider, secret, answer).await?;
        let token = tokens.access_token().secret();
        let (user, _) = self.get::<User>(below(self.api_url, "user")?, token).await?;
        let email = self.primary_email(token).await?;
        let name = user.name.as_deref().and_then(|name| DisplayName::parse(name).ok());
        let assertion = Assertion {
            subject: Subject::parse(&user.id.to_string())
                .map_err(|error| UpstreamError::Nonsense(error.to_string()))?,
            email: email.map(AssertedEmail::Verified),
            organisation: Organisation::Unknown,
            name: name.or_else(|| DisplayName::parse(&user.login).ok()),
            picture: user.avatar_url.as_deref().and_then(picture),
        };
        Ok(Identified { assertion, tokens: bearer_tokens(&tokens, now) })
    }

    /// GitHub's tokens end where its app is set so, and then come with a refresh token.
    pub async fn renew(
        &self,
        provider: &Provider,
        secret: &Secret,
        refresh_token: &Secret,
        now: Timestamp,
    ) -> Result<Option<UpstreamTokens>, UpstreamError> {
        let tokens = BasicClient::new(ClientId::new(provider.client_id.clone()))
            .set_client_secret(ClientSecret::new(secret.expose().to_owned()))
            .set_token_uri(TokenUrl::from_url(below(self.url, "login/oauth/access_token")?))
            .set_auth_type(AuthType::RequestBody)
            .exchange_refresh_token(&RefreshToken::new(refresh_token.expose().to_owned()))
            .request_async(&self.http)
            .await
            .map_err(unredeemed)?;
        Ok(bearer_tokens(&tokens, now))
    }

    /// Whether its API answers at all; a refusal is an answer, too.
    pub async fn answers(&self) -> Result<(), UpstreamError> {
        let request = http::Request::get(self.api_url.as_str()).body(Vec::new());
        let request = request.map_err(|error| UpstreamError::Nonsense(error.to_string()))?;
        self.http.send(request).await?;
        Ok(())
    }

    async fn redeem(
        &self,
        provider: &Provider,
        secret: &Secret,
        answer: Answer<'_>,
    ) -> Result<BasicTokenResponse, UpstreamError> {
        let client = BasicClient::new(ClientId::new(provider.client_id.clone()))
            .set_client_secret(ClientSecret::new(secret.expose().to_owned()))
            .set_token_uri(TokenUrl::from_url(below(self.url, "login/oauth/access_token")?))
            .set_redirect_uri(redirect_url(answer.redirect_uri)?)
            // What GitHub documents.
            .set_auth_type(AuthType::RequestBody);
        let tokens = client
            .exchange_code(AuthorizationCode::new(answer.code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(answer.code_verifier.expose().to_owned()))
            .request_async(&self.http)
            .await;
        tokens.map_err(unredeemed)
    }

    /// The address that is primary and verified. `/user` has one too, but it is the one shown to the public,
    /// or null.
    async fn primary_email(&self, token: &str) -> Result<Option<EmailAddress>, UpstreamError> {
        let mut url = below(self.api_url, "user/emails")?;
        url.set_query(Some("per_page=100"));
        for _ in 0..MAX_PAGES {
            let (emails, next) = match self.get::<Vec<Email>>(url, token).await {
                // Without the scope `user:email`, GitHub has no such page.
                Err(UpstreamError::Refused(_)) => return Ok(None),
                page => page?,
            };
            if let Some(found) = emails.into_iter().find(|email| email.primary) {
                let address = EmailAddress::parse(&found.email).ok();
                return Ok(address.filter(|_| found.verified));
            }
            match next {
                Some(next) => url = next,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// An answer of the API, and its next page (RFC 8288, `rel="next"`).
    async fn get<T: DeserializeOwned>(
        &self,
        url: Url,
        token: &str,
    ) -> Result<(T, Option<Url>), UpstreamError> {
        let request = http::Request::get(url.as_str())
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28")
            .header("authorization", format!("Bearer {token}"))
            .body(Vec::new())
            .map_err(|error| UpstreamError::Nonsense(error.to_string()))?;
        let answer = self.http.send(request).await?;
        refused(&answer)?;
        let page = serde_json::from_slice(answer.body())
            .map_err(|error| UpstreamError::Nonsense(format!("{}: {error}", url.path())))?;
        // The token goes to the API alone, whatever a link says.
        let next = next_page(&answer).filter(|next| next.origin() == url.origin());
        Ok((page, next))
    }
}

fn refused(answer: &HttpResponse) -> Result<(), UpstreamError> {
    let status = answer.status();
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
    let is_limit = header("x-ratelimit-remaining") == Some("0") || header("retry-after").is_some();
    match status.as_u16() {
        200 => Ok(()),
        429 => Err(UpstreamError::RateLimited),
        403 if is_limit => Err(UpstreamError::RateLimited),
        _ => Err(UpstreamError::Refused(format!("its API answers {status}"))),
    }
}

fn next_page(answer: &HttpResponse) -> Option<Url> {
    let links = answer.headers().get("link")?.to_str().ok()?;
    let next = links.split(',').find(|link| link.contains("rel=\"next\""))?;
    let (_, rest) = next.split_once('<')?;
    Url::parse(rest.split('>').next()?).ok()
}

fn unredeemed(error: RequestTokenError<CallError, BasicErrorResponse>) -> UpstreamError {
    match error {
        RequestTokenError::Request(error) => error.into(),
        RequestTokenError::ServerResponse(answer) => {
            UpstreamError::Refused(answer.error().as_ref().to_owned())
        }
        RequestTokenError::Parse(error, body) => {
            match serde_json::from_slice::<TokenRefusal>(&body) {
                Ok(refusal) => UpstreamError::Refused(refusal.error),
                Err(_) => UpstreamError::Nonsense(error.to_string()),
            }
        }
        RequestTokenError::Other(why) => UpstreamError::Nonsense(why),
    }
}

fn redirect_url(uri: &str) -> Result<RedirectUrl, UpstreamError> {
    RedirectUrl::new(uri.to_owned()).map_err(|error| UpstreamError::Nonsense(error.to_string()))
}

/// `path` below the URL, which may have a path of its own (`https://ghe.example/api/v3`).
fn below(url: &Url, path: &str) -> Result<Url, UpstreamError> {
    let text = format!("{}/{path}", url.as_str().trim_end_matches('/'));
    Url::parse(&text).map_err(|error| UpstreamError::Nonsense(error.to_string()))
}
