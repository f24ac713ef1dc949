//! Doorward as a relying party: asks upstream providers who a user is, and believes only what it has checked.
//! Every call goes through one guarded client (`guard`), since a tenant says where it leads.

mod address;
mod github;
mod guard;
mod metadata;
mod oidc;

use std::time::Duration;

use oauth2::basic::BasicTokenType;
use oauth2::{Scope, TokenResponse};
use url::Url;

pub use guard::Target;

use crate::domain::clock::Timestamp;
use crate::domain::identity::Assertion;
use crate::domain::ids::TenantId;
use crate::domain::provider::{Provider, ProviderKind, UpstreamIssuer};
use crate::domain::secret::Secret;
use crate::domain::upstream_token::UpstreamTokens;
use guard::{CallError, Caller, GuardedClient, Payer};
use metadata::MetadataCache;

/// All the calls of one step together; each of them has a shorter limit of its own.
const STEP_PATIENCE: Duration = Duration::from_secs(20);

/// What the deployment decides.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What may be called although it is not public, or without TLS.
    pub allowed: Vec<Target>,
    pub google_issuer: UpstreamIssuer,
    /// github.com, or a GitHub Enterprise.
    pub github_url: Url,
    pub github_api_url: Url,
}

pub struct Upstreams {
    settings: Settings,
    http: GuardedClient,
    metadata: MetadataCache,
}

/// What a browser takes to the provider.
pub struct Ask<'a> {
    pub redirect_uri: &'a str,
    pub state: &'a str,
    pub nonce: &'a str,
    pub code_verifier: &'a Secret,
    pub login_hint: Option<&'a str>,
    pub presence: Presence,
}

/// Whether the provider may go by a session that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    AnySession,
    /// The user shows up again.
    Renewed,
}

/// What a browser brought back, and what it is held against.
pub struct Answer<'a> {
    pub code: &'a str,
    /// RFC 9207.
    pub issuer: Option<&'a str>,
    pub redirect_uri: &'a str,
    pub nonce: &'a str,
    pub code_verifier: Secret,
    /// Not by a session that the provider had before.
    pub signed_in_since: Option<Timestamp>,
}

/// Who somebody is, and what the provider gave for asking more.
pub struct Identified {
    pub assertion: Assertion,
    /// `None` if they are no bearer tokens.
    pub tokens: Option<UpstreamTokens>,
}

/// Why there is no assertion. Texts are for the log, not for the browser.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    #[error("too many calls to providers are under way")]
    Busy,
    #[error("this deployment does not call {0}")]
    Forbidden(String),
    #[error("the provider cannot be reached: {0}")]
    Unreachable(String),
    #[error("the provider has had too many calls of this client")]
    RateLimited,
    #[error("the provider did not take the code or the client: {0}")]
    Refused(String),
    #[error("the provider answered what its protocol does not know: {0}")]
    Nonsense(String),
    #[error("the provider's answer is not to be believed, its {0} is wrong")]
    Untrue(Lie),
}

/// What was wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    Issuer,
    Audience,
    Nonce,
    Expiry,
    Signature,
    Subject,
    AuthTime,
}

impl std::fmt::Display for Lie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Nonce => "nonce",
            Self::Expiry => "expiry",
            Self::Signature => "signature",
            Self::Subject => "subject",
            Self::AuthTime => "auth_time",
        })
    }
}

impl UpstreamError {
    /// A word for the audit log.
    pub fn word(&self) -> String {
        match self {
            Self::Busy => "busy".to_owned(),
            Self::Forbidden(_) => "forbidden_target".to_owned(),
            Self::Unreachable(_) => "unreachable".to_owned(),
            Self::RateLimited => "rate_limited".to_owned(),
            Self::Refused(_) => "code_refused".to_owned(),
            Self::Nonsense(_) => "nonsense".to_owned(),
            Self::Untrue(lie) => format!("wrong_{lie}"),
        }
    }
}

impl From<CallError> for UpstreamError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Busy => Self::Busy,
            CallError::Forbidden(target) => Self::Forbidden(target),
            CallError::TooLarge => Self::Nonsense("more than fits".to_owned()),
            CallError::Failed(why) => Self::Unreachable(why),
        }
    }
}

impl Upstreams {
    pub fn new(settings: Settings) -> Self {
        let http = GuardedClient::new(settings.allowed.clone());
        Self { settings, http, metadata: MetadataCache::default() }
    }

    /// Whether `url` could be called at all, as far as that shows before its name is resolved.
    pub fn may_call(&self, url: &Url) -> bool {
        self.http.check(url).is_ok()
    }

    /// Whether the provider answers now, whatever it said an hour ago.
    pub async fn answers(
        &self,
        tenant: TenantId,
        provider: &Provider,
        now: Timestamp,
    ) -> Result<(), UpstreamError> {
        match self.issuer(&provider.kind) {
            None => in_time(self.github(tenant, provider).answers()).await,
            Some(issuer) => {
                self.metadata.forget(issuer);
                let metadata = self.metadata.find(self.caller(tenant, provider), issuer, now);
                in_time(metadata).await.map(drop)
            }
        }
    }

    /// Where a form that leads to the provider ends up, for the policy of its page.
    pub fn origin(&self, provider: &Provider) -> String {
        match self.issuer(&provider.kind) {
            Some(issuer) => issuer.as_str().to_owned(),
            None => self.settings.github_url.to_string(),
        }
    }

    /// The provider's page for signing in.
    pub async fn page(
        &self,
        tenant: TenantId,
        provider: &Provider,
        ask: &Ask<'_>,
        now: Timestamp,
    ) -> Result<Url, UpstreamError> {
        let page = match self.issuer(&provider.kind) {
            None => github::page(&self.settings.github_url, provider, ask),
            Some(issuer) => {
                let metadata = self.metadata.find(self.caller(tenant, provider), issuer, now);
                let metadata = in_time(metadata).await?;
                oidc::page(&metadata, provider, ask)
            }
        }?;
        // A browser may go where we may not call, but not to `javascript:` or in the clear.
        if page.scheme() == "https" || self.http.is_allowed(&page) {
            Ok(page)
        } else {
            Err(UpstreamError::Forbidden(page.scheme().to_owned()))
        }
    }

    /// Who the user is, for the answer that their browser brought.
    pub async fn identify(
        &self,
        tenant: TenantId,
        provider: &Provider,
        secret: &Secret,
        answer: Answer<'_>,
        now: Timestamp,
    ) -> Result<Identified, UpstreamError> {
        match self.issuer(&provider.kind) {
            None => {
                in_time(self.github(tenant, provider).identify(provider, secret, answer, now)).await
            }
            Some(issuer) => {
                let client = self.relying_party(tenant, provider, now, issuer);
                in_time(client.identify(provider, secret, answer)).await
            }
        }
    }

    /// Tokens for those that have ended (RFC 6749 §6).
    pub async fn renew(
        &self,
        tenant: TenantId,
        provider: &Provider,
        secret: &Secret,
        refresh_token: &Secret,
        now: Timestamp,
    ) -> Result<UpstreamTokens, UpstreamError> {
        let renewed = match self.issuer(&provider.kind) {
            None => {
                in_time(self.github(tenant, provider).renew(provider, secret, refresh_token, now))
                    .await
            }
            Some(issuer) => {
                let client = self.relying_party(tenant, provider, now, issuer);
                in_time(client.renew(provider, secret, refresh_token)).await
            }
        };
        renewed?.ok_or_else(|| UpstreamError::Nonsense("no bearer token".to_owned()))
    }

    fn caller(&self, tenant: TenantId, provider: &Provider) -> Caller<'_> {
        let payer = match provider.kind {
            ProviderKind::Google | ProviderKind::GitHub => Payer::Deployment,
            ProviderKind::Oidc(_) => Payer::Tenant(tenant),
        };
        Caller { client: &self.http, payer }
    }

    fn github(&self, tenant: TenantId, provider: &Provider) -> github::GitHub<'_> {
        github::GitHub {
            http: self.caller(tenant, provider),
            url: &self.settings.github_url,
            api_url: &self.settings.github_api_url,
        }
    }

    fn relying_party<'a>(
        &'a self,
        tenant: TenantId,
        provider: &Provider,
        now: Timestamp,
        issuer: &'a UpstreamIssuer,
    ) -> oidc::RelyingParty<'a> {
        let http = self.caller(tenant, provider);
        oidc::RelyingParty { http, cache: &self.metadata, issuer, now }
    }

    /// Whether an answer with that `iss` (RFC 9207) may be the provider's, as far as that shows without asking it.
    pub fn may_be_of(&self, provider: &Provider, presented: Option<&str>) -> bool {
        match (self.issuer(&provider.kind), presented) {
            (Some(issuer), Some(presented)) => issuer.as_str() == presented,
            (None, _) | (_, None) => true,
        }
    }

    /// `None`: it is no OpenID provider.
    fn issuer<'a>(&'a self, kind: &'a ProviderKind) -> Option<&'a UpstreamIssuer> {
        match kind {
            ProviderKind::Google => Some(&self.settings.google_issuer),
            ProviderKind::GitHub => None,
            ProviderKind::Oidc(issuer) => Some(issuer),
        }
    }
}

async fn in_time<T>(
    step: impl Future<Output = Result<T, UpstreamError>>,
) -> Result<T, UpstreamError> {
    tokio::time::timeout(STEP_PATIENCE, step)
        .await
        .unwrap_or_else(|_| Err(UpstreamError::Unreachable("it takes too long".to_owned())))
}

/// What is kept of a token answer; `None` if it has no bearer token.
fn bearer_tokens(
    answer: &impl TokenResponse<TokenType = BasicTokenType>,
    now: Timestamp,
) -> Option<UpstreamTokens> {
    let secret = |text: &String| Secret::new(text.clone());
    let words = |scopes: &Vec<Scope>| {
        scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
    };
    (*answer.token_type() == BasicTokenType::Bearer).then(|| UpstreamTokens {
        access_token: secret(answer.access_token().secret()),
        refresh_token: answer.refresh_token().map(|token| secret(token.secret())),
        scope: answer.scopes().map(words),
        expires_at: answer.expires_in().map(|life| now + life),
    })
}

/// An https URL of bearable length.
fn picture(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| url.scheme() == "https")?;
    (text.len() <= 2_000).then(|| url.to_string())
}
