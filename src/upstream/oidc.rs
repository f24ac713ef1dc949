//! OpenID Connect Core §3.1 from the relying party's side: the code flow, with PKCE and nonce.

use std::sync::Arc;
use std::time::Duration;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreResponseType,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessToken, AdditionalClaims, AuthType, AuthenticationFlow, AuthorizationCode,
    ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenClaims, IdTokenFields, LoginHint, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, Scope, SignatureVerificationError, StandardErrorResponse,
    StandardTokenResponse, TokenResponse, UserInfoClaims, UserInfoError,
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::guard::{CallError, Caller};
use super::metadata::{Metadata, MetadataCache};
use super::{Answer, Ask, Identified, Lie, Presence, UpstreamError, bearer_tokens, picture};
use crate::domain::clock::Timestamp;
use crate::domain::email_address::EmailAddress;
use crate::domain::identity::{AssertedEmail, Assertion, Organisation, Subject};
use crate::domain::provider::{
    Provider, ProviderKind, TokenRetention, UpstreamIssuer, UpstreamScope,
};
use crate::domain::secret::Secret;
use crate::domain::tenant::DisplayName;
use crate::domain::upstream_token::UpstreamTokens;

/// Asymmetric ones: a MAC would make the client's secret a signing key, and `none` signs nothing.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// By how much a provider's clock may be behind ours.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);

/// What Google says beyond the standard's claims.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct GoogleClaims {
    /// The organisation that the account belongs to, by its domain; whatever others mean by it harms nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hd: Option<serde_json::Value>,
}

impl AdditionalClaims for GoogleClaims {}

/// The library's own types, with those claims.
type IdFields = IdTokenFields<
    GoogleClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type IdToken = openidconnect::IdToken<
    GoogleClaims,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type IdClaims = IdTokenClaims<GoogleClaims, CoreGenderClaim>;
type UserInfo = UserInfoClaims<GoogleClaims, CoreGenderClaim>;
type Tokens = StandardTokenResponse<IdFields, CoreTokenType>;
type Client = openidconnect::Client<
    GoogleClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// ID token and userinfo have the same claims under the same names, and no type in common.
macro_rules! assertion {
    ($claims:ident) => {
        Claims {
            subject: $claims.subject().as_str(),
            email: $claims.email().map(|email| email.as_str()),
            email_verified: $claims.email_verified(),
            hosted_domain: $claims.additional_claims().hd.as_ref(),
            name: $claims.name().and_then(|name| name.get(None)).map(|name| name.as_str()),
            picture: $claims.picture().and_then(|url| url.get(None)).map(|url| url.as_str()),
        }
        .to_assertion()
    };
}

type TokenError = RequestTokenError<CallError, StandardErrorResponse<CoreErrorResponseType>>;

/// The provider's page for signing in.
pub fn page(metadata: &Metadata, provider: &Provider, ask: &Ask<'_>) -> Result<Url, UpstreamError> {
    let client = Client::from_provider_metadata(
        metadata.clone(),
        ClientId::new(provider.client_id.clone()),
        None,
    )
    .set_redirect_uri(redirect_url(ask.redirect_uri)?);
    let verifier = PkceCodeVerifier::new(ask.code_verifier.expose().to_owned());
    let (state, nonce) = (ask.state.to_owned(), ask.nonce.to_owned());
    let mut request = client
        .authorize_url(
            AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
            move || CsrfToken::new(state),
            move || Nonce::new(nonce),
        )
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .add_scopes(
            provider
                .scopes
                .iter()
                .map(UpstreamScope::as_str)
                // The client adds it by itself.
                .filter(|scope| *scope != "openid")
                .map(|scope| Scope::new(scope.to_owned())),
        );
    if let Some(hint) = ask.login_hint {
        request = request.set_login_hint(LoginHint::new(hint.to_owned()));
    }
    // Google gives a refresh token to those alone who say so.
    if provider.kind == ProviderKind::Google && provider.tokens == TokenRetention::Kept {
        request = request.add_extra_param("access_type", "offline");
    }
    match (ask.presence, &provider.kind) {
        (Presence::AnySession, _) => {}
        // Google knows no `login`.
        (Presence::Renewed, ProviderKind::Google | ProviderKind::GitHub) => {
            request = request.add_prompt(CoreAuthPrompt::SelectAccount);
        }
        (Presence::Renewed, ProviderKind::Oidc(_)) => {
            // By `max_age` the provider must say when that was (§3.1.2.1).
            request = request.add_prompt(CoreAuthPrompt::Login).set_max_age(Duration::ZERO);
        }
    }
    Ok(request.url().0)
}

fn redirect_url(uri: &str) -> Result<RedirectUrl, UpstreamError> {
    RedirectUrl::new(uri.to_owned()).map_err(|error| UpstreamError::Nonsense(error.to_string()))
}

pub struct RelyingParty<'a> {
    pub http: Caller<'a>,
    pub cache: &'a MetadataCache,
    pub issuer: &'a UpstreamIssuer,
    pub now: Timestamp,
}

impl RelyingParty<'_> {
    pub async fn identify(
        &self,
        provider: &Provider,
        secret: &Secret,
        answer: Answer<'_>,
    ) -> Result<Identified, UpstreamError> {
        let metadata = self.cache.find(self.http, self.issuer, self.now).await?;
        right_issuer(&metadata, answer.issuer)?;
        let nonce = Nonce::new(answer.nonce.to_owned());
        let signed_in_since = answer.signed_in_since;
        let tokens = self.redeem(&metadata, provider, secret, answer).await?;
        let id_token = tokens
            .id_token()
            .ok_or_else(|| UpstreamError::Nonsense("there is no ID token".to_owned()))?;
        let claims = self.verified(metadata.clone(), provider, id_token, &nonce).await?;
        was_present(&claims, signed_in_since)?;
        let mut assertion = assertion!(claims)?;
        // Many providers keep all but the subject for userinfo, or all but the address (§5.4).
        let is_complete =
            assertion.name.is_some() && matches!(assertion.email, Some(AssertedEmail::Verified(_)));
        if !is_complete && metadata.userinfo_endpoint().is_some() {
            let token = tokens.access_token();
            let more = self.userinfo(&metadata, provider, token, &claims).await?;
            let more = assertion!(more)?;
            assertion.email = better(assertion.email, more.email);
            assertion.name = assertion.name.or(more.name);
            assertion.picture = assertion.picture.or(more.picture);
            if assertion.organisation == Organisation::Unknown {
                assertion.organisation = more.organisation;
            }
        }
        Ok(Identified { assertion, tokens: bearer_tokens(&tokens, self.now) })
    }

    /// OpenID Connect Core §12. What the new ID token says, if there is one, is not asked for.
    pub async fn renew(
        &self,
        provider: &Provider,
        secret: &Secret,
        refresh_token: &Secret,
    ) -> Result<Option<UpstreamTokens>, UpstreamError> {
        let metadata = self.cache.find(self.http, self.issuer, self.now).await?;
        let tokens = Client::from_provider_metadata(
            (*metadata).clone(),
            ClientId::new(provider.client_id.clone()),
            Some(ClientSecret::new(secret.expose().to_owned())),
        )
        .set_auth_type(authentication(&metadata))
        .exchange_refresh_token(&RefreshToken::new(refresh_token.expose().to_owned()))
        .map_err(|error| UpstreamError::Nonsense(error.to_string()))?
        .request_async(&self.http)
        .await
        .map_err(unredeemed)?;
        Ok(bearer_tokens(&tokens, self.now))
    }

    async fn redeem(
        &self,
        metadata: &Metadata,
        provider: &Provider,
        secret: &Secret,
        answer: Answer<'_>,
    ) -> Result<Tokens, UpstreamError> {
        let client = Client::from_provider_metadata(
            metadata.clone(),
            ClientId::new(provider.client_id.clone()),
            Some(ClientSecret::new(secret.expose().to_owned())),
        )
        .set_redirect_uri(redirect_url(answer.redirect_uri)?)
        .set_auth_type(authentication(metadata));
        client
            .exchange_code(AuthorizationCode::new(answer.code.to_owned()))
            .map_err(|error| UpstreamError::Nonsense(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(answer.code_verifier.expose().to_owned()))
            .request_async(&self.http)
            .await
            .map_err(unredeemed)
    }

    /// The claims, if all that OpenID Connect Core §3.1.3.7 asks of the ID token holds.
    async fn verified(
        &self,
        metadata: Arc<Metadata>,
        provider: &Provider,
        token: &IdToken,
        nonce: &Nonce,
    ) -> Result<IdClaims, UpstreamError> {
        match self.check(&metadata, provider, token, nonce) {
            Err(ClaimsVerificationError::SignatureVerification(error))
                if may_be_new_key(&error) =>
            {
                let fresh = self.cache.with_fresh_keys(self.http, self.issuer, &metadata);
                self.check(&*fresh.await?, provider, token, nonce).map_err(untrue)
            }
            claims => claims.map_err(untrue),
        }
    }

    fn check(
        &self,
        metadata: &Metadata,
        provider: &Provider,
        token: &IdToken,
        nonce: &Nonce,
    ) -> Result<IdClaims, ClaimsVerificationError> {
        let now = chrono::DateTime::from_timestamp_millis(self.now.as_millis()).unwrap_or_default();
        let client_id = ClientId::new(provider.client_id.clone());
        let client = Client::from_provider_metadata(metadata.clone(), client_id, None);
        let verifier =
            client.id_token_verifier().set_allowed_algs(ALGORITHMS).set_time_fn(move || now);
        token.claims(&verifier, nonce).cloned()
    }

    /// OpenID Connect Core §5.3.2: the subject must be that of the ID token.
    async fn userinfo(
        &self,
        metadata: &Metadata,
        provider: &Provider,
        token: &AccessToken,
        claims: &IdClaims,
    ) -> Result<UserInfo, UpstreamError> {
        let client_id = ClientId::new(provider.client_id.clone());
        Client::from_provider_metadata(metadata.clone(), client_id, None)
            .user_info(token.clone(), Some(claims.subject().clone()))
            .map_err(|error| UpstreamError::Nonsense(error.to_string()))?
            .request_async(&self.http)
            .await
            .map_err(uninformed)
    }
}

/// Whether other keys could make the signature good: providers also replace one under its old name, or name none.
fn may_be_new_key(error: &SignatureVerificationError) -> bool {
    match error {
        SignatureVerificationError::NoMatchingKey
        | SignatureVerificationError::AmbiguousKeyId(_)
        | SignatureVerificationError::InvalidKey(_)
        | SignatureVerificationError::CryptoError(_) => true,
        // Among them `none`, and algorithms that are not allowed.
        _ => false,
    }
}

/// RFC 9207 §2.4: an `iss` must be the provider's, and must be there if the provider says that it sends it.
fn right_issuer(metadata: &Metadata, presented: Option<&str>) -> Result<(), UpstreamError> {
    let promised = metadata.additional_metadata().authorization_response_iss_parameter_supported;
    match presented {
        Some(issuer) if issuer == metadata.issuer().as_str() => Ok(()),
        None if !promised => Ok(()),
        Some(_) | None => Err(UpstreamError::Untrue(Lie::Issuer)),
    }
}

/// Of what the ID token and userinfo say of the address, which is the same user's, that which says more.
fn better(first: Option<AssertedEmail>, second: Option<AssertedEmail>) -> Option<AssertedEmail> {
    match (first, second) {
        (Some(AssertedEmail::Unverified(_)), Some(verified @ AssertedEmail::Verified(_))) => {
            Some(verified)
        }
        (first, second) => first.or(second),
    }
}

/// That the user signed in when they were asked to, if the provider says when they did (OpenID Connect Core §2).
fn was_present(claims: &IdClaims, since: Option<Timestamp>) -> Result<(), UpstreamError> {
    let (Some(since), Some(at)) = (since, claims.auth_time()) else { return Ok(()) };
    let earliest = since.as_millis() - MAX_CLOCK_SKEW.as_millis() as i64;
    if at.timestamp_millis() < earliest {
        return Err(UpstreamError::Untrue(Lie::AuthTime));
    }
    Ok(())
}

/// OpenID Connect Discovery §3: Basic is the default.
fn authentication(metadata: &Metadata) -> AuthType {
    let methods = metadata.token_endpoint_auth_methods_supported();
    let basic =
        methods.is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
    if basic { AuthType::BasicAuth } else { AuthType::RequestBody }
}

/// OpenID Connect Core §5.1, as the ID token or userinfo has them.
struct Claims<'a> {
    subject: &'a str,
    email: Option<&'a str>,
    email_verified: Option<bool>,
    hosted_domain: Option<&'a serde_json::Value>,
    name: Option<&'a str>,
    picture: Option<&'a str>,
}

impl Claims<'_> {
    fn to_assertion(&self) -> Result<Assertion, UpstreamError> {
        let subject = Subject::parse(self.subject)
            .map_err(|error| UpstreamError::Nonsense(error.to_string()))?;
        let email = self.email.and_then(|email| EmailAddress::parse(email).ok());
        Ok(Assertion {
            subject,
            email: email.map(|email| match self.email_verified {
                Some(true) => AssertedEmail::Verified(email),
                Some(false) | None => AssertedEmail::Unverified(email),
            }),
            organisation: match self.hosted_domain {
                Some(serde_json::Value::String(domain)) if !domain.is_empty() => {
                    Organisation::Member
                }
                Some(_) | None => Organisation::Unknown,
            },
            name: self.name.and_then(|name| DisplayName::parse(name).ok()),
            picture: self.picture.and_then(picture),
        })
    }
}

fn unredeemed(error: TokenError) -> UpstreamError {
    match error {
        RequestTokenError::Request(error) => error.into(),
        RequestTokenError::ServerResponse(answer) => {
            UpstreamError::Refused(answer.error().as_ref().to_owned())
        }
        RequestTokenError::Parse(error, _) => UpstreamError::Nonsense(error.to_string()),
        RequestTokenError::Other(why) => UpstreamError::Nonsense(why),
    }
}

fn uninformed(error: UserInfoError<CallError>) -> UpstreamError {
    match error {
        UserInfoError::Request(error) => error.into(),
        UserInfoError::ClaimsVerification(error) => untrue(error),
        other => UpstreamError::Nonsense(format!("userinfo: {other}")),
    }
}

fn untrue(error: ClaimsVerificationError) -> UpstreamError {
    use ClaimsVerificationError as Error;
    match error {
        Error::Expired(_) => UpstreamError::Untrue(Lie::Expiry),
        Error::InvalidAudience(_) => UpstreamError::Untrue(Lie::Audience),
        Error::InvalidIssuer(_) => UpstreamError::Untrue(Lie::Issuer),
        Error::InvalidNonce(_) => UpstreamError::Untrue(Lie::Nonce),
        Error::InvalidSubject(_) => UpstreamError::Untrue(Lie::Subject),
        Error::SignatureVerification(_) => UpstreamError::Untrue(Lie::Signature),
        other => UpstreamError::Nonsense(other.to_string()),
    }
}
