//! The authorization endpoint (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2). First whom we may answer
//! at all, then what is asked, then whether the user has said enough for a code.

use std::sync::Arc;
use std::time::Duration;

use super::error::{ErrorCode, OAuthError};
use super::logout;
use crate::crypto::digest;
use crate::domain::application::Application;
use crate::domain::authorization_code::{AuthorizationCode, CODE_LIFE, CodeState, Grant};
use crate::domain::authorization_request::{
    AuthorizationRequest, PendingRequest, Prompt, ResponseMode,
};
use crate::domain::entropy::random_secret;
use crate::domain::ids::RequestId;
use crate::domain::parameters::Parameters;
use crate::domain::pkce::CodeChallenge;
use crate::domain::provider::ProviderKey;
use crate::domain::scope::Scopes;
use crate::domain::session::Session;
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::StorageError;

/// Longer ones are not what honest clients send.
const MAX_STATE_LENGTH: usize = 4_096;
const MAX_NONCE_LENGTH: usize = 1_024;

/// Those that are read here (RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 8707 §2, OpenID Connect Core §3.1.2.1).
pub const PARAMETERS: [&str; 17] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "resource",
    "prompt",
    "max_age",
    "login_hint",
    "id_token_hint",
    "ui_locales",
    // Ours: the upstream provider to go straight to, by either name.
    "idp",
    "provider",
];

/// Where, and how, an answer may go: a registered redirect URI of a known client.
#[derive(Clone, Debug)]
pub struct ReplyTo {
    pub application: Arc<Application>,
    pub redirect_uri: String,
    pub response_mode: ResponseMode,
    pub state: Option<String>,
}

/// Why a request is answered with a page and never with a redirect (RFC 6749 §4.1.2.1, RFC 9700 §4.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoReply {
    #[error("no client_id")]
    NoClient,
    #[error("unknown client_id")]
    UnknownClient,
    #[error("no redirect_uri")]
    NoRedirectUri,
    #[error("redirect_uri is not registered")]
    UnregisteredRedirectUri,
}

impl ReplyTo {
    pub fn find(tenant: &TenantSnapshot, parameters: &Parameters) -> Result<Self, NoReply> {
        if parameters.is_repeated("client_id") {
            return Err(NoReply::UnknownClient);
        }
        if parameters.is_repeated("redirect_uri") {
            return Err(NoReply::UnregisteredRedirectUri);
        }
        let client_id = parameters.get("client_id").ok_or(NoReply::NoClient)?;
        let application =
            tenant.application_by_client_id(client_id).ok_or(NoReply::UnknownClient)?;
        let redirect_uri = parameters.get("redirect_uri").ok_or(NoReply::NoRedirectUri)?;
        if !application.accepts_redirect_uri(redirect_uri) {
            return Err(NoReply::UnregisteredRedirectUri);
        }
        let response_mode = match parameters.get("response_mode") {
            Some("form_post") if !parameters.is_repeated("response_mode") => ResponseMode::FormPost,
            _ => ResponseMode::Query,
        };
        let state = parameters
            .get("state")
            .filter(|state| state.len() <= MAX_STATE_LENGTH && !parameters.is_repeated("state"));
        Ok(Self {
            application: Arc::clone(application),
            redirect_uri: redirect_uri.to_owned(),
            response_mode,
            state: state.map(str::to_owned),
        })
    }
}

/// The checks, in the order in which they are made.
pub fn check(
    tenant: &TenantSnapshot,
    reply_to: &ReplyTo,
    parameters: &Parameters,
) -> Result<AuthorizationRequest, OAuthError> {
    no_repetition(parameters)?;
    no_request_object(parameters)?;
    response_type_is_code(reply_to, parameters)?;
    Ok(AuthorizationRequest {
        application_id: reply_to.application.id,
        redirect_uri: reply_to.redirect_uri.clone(),
        response_mode: response_mode(parameters)?,
        state: state(parameters)?,
        scopes: scopes(reply_to, parameters)?,
        nonce: nonce(parameters)?,
        code_challenge: code_challenge(reply_to, parameters)?,
        resource: resource(tenant, reply_to, parameters)?,
        prompt: prompt(parameters)?,
        max_age: max_age(parameters)?,
        login_hint: parameters.get("login_hint").map(|hint| hint.chars().take(254).collect()),
        provider: provider(tenant, parameters),
        expected_user: expected_user(tenant, reply_to, parameters)?,
    })
}

/// RFC 6749 §3.1: "Request and response parameters MUST NOT be included more than once."
fn no_repetition(parameters: &Parameters) -> Result<(), OAuthError> {
    match parameters.repeated() {
        None => Ok(()),
        Some(name) => {
            let name: String = name.chars().filter(char::is_ascii_graphic).take(40).collect();
            Err(OAuthError::invalid_request(format!("{name} is given more than once")))
        }
    }
}

/// OpenID Connect Core §6.1 and §6.2.
fn no_request_object(parameters: &Parameters) -> Result<(), OAuthError> {
    for (name, code) in [
        ("request", ErrorCode::RequestNotSupported),
        ("request_uri", ErrorCode::RequestUriNotSupported),
        ("registration", ErrorCode::RegistrationNotSupported),
    ] {
        if parameters.get(name).is_some() {
            return Err(OAuthError::new(code, format!("the parameter {name} is not supported")));
        }
    }
    Ok(())
}

fn response_type_is_code(reply_to: &ReplyTo, parameters: &Parameters) -> Result<(), OAuthError> {
    if !reply_to.application.kind.acts_for_users() {
        return Err(OAuthError::new(
            ErrorCode::UnauthorizedClient,
            "a service app signs no user in: it uses the client_credentials grant",
        ));
    }
    match parameters.get("response_type") {
        Some("code") => Ok(()),
        None => {
            Err(OAuthError::invalid_request("response_type is missing: send response_type=code"))
        }
        Some(_) => {
            Err(OAuthError::new(ErrorCode::UnsupportedResponseType, "send response_type=code"))
        }
    }
}

fn response_mode(parameters: &Parameters) -> Result<ResponseMode, OAuthError> {
    match parameters.get("response_mode") {
        None | Some("query") => Ok(ResponseMode::Query),
        Some("form_post") => Ok(ResponseMode::FormPost),
        Some(_) => Err(OAuthError::invalid_request("response_mode is query or form_post")),
    }
}

fn state(parameters: &Parameters) -> Result<Option<String>, OAuthError> {
    bounded(parameters, "state", MAX_STATE_LENGTH)
}

fn nonce(parameters: &Parameters) -> Result<Option<String>, OAuthError> {
    bounded(parameters, "nonce", MAX_NONCE_LENGTH)
}

fn bounded(
    parameters: &Parameters,
    name: &str,
    limit: usize,
) -> Result<Option<String>, OAuthError> {
    match parameters.get(name) {
        Some(value) if value.len() > limit => {
            Err(OAuthError::invalid_request(format!("{name} is longer than {limit} bytes")))
        }
        value => Ok(value.map(str::to_owned)),
    }
}

/// RFC 6749 §3.3: `scope-token` is printable ASCII without `"` and `\`.
fn scopes(reply_to: &ReplyTo, parameters: &Parameters) -> Result<Scopes, OAuthError> {
    let text = parameters.get("scope").unwrap_or_default();
    let allowed = |c: char| c == ' ' || (c.is_ascii_graphic() && c != '"' && c != '\\');
    if text.len() > 1_000 || !text.chars().all(allowed) {
        return Err(OAuthError::new(
            ErrorCode::InvalidScope,
            "scope is a list of words, parted by spaces",
        ));
    }
    let scopes = Scopes::parse(text);
    let refused = scopes.iter().find(|scope| !reply_to.application.may_ask_for(*scope));
    match refused {
        None => Ok(scopes),
        Some(scope) => Err(OAuthError::new(
            ErrorCode::InvalidScope,
            format!("this client may not ask for {}; its tenant can allow it", scope.as_str()),
        )),
    }
}

/// RFC 7636 §4.3; RFC 9700 §2.1.1 requires it of public clients.
fn code_challenge(
    reply_to: &ReplyTo,
    parameters: &Parameters,
) -> Result<Option<CodeChallenge>, OAuthError> {
    let method = parameters.get("code_challenge_method");
    match parameters.get("code_challenge") {
        None if method.is_some() => Err(OAuthError::invalid_request(
            "code_challenge_method is given without code_challenge",
        )),
        None if !reply_to.application.kind.is_confidential() => {
            Err(OAuthError::invalid_request("this client must use PKCE: send code_challenge"))
        }
        None => Ok(None),
        // RFC 7636 §4.3: without a method it would be `plain`, which protects nothing.
        Some(_) if method != Some("S256") => {
            Err(OAuthError::invalid_request("send code_challenge_method=S256"))
        }
        Some(challenge) => CodeChallenge::parse(challenge).map(Some).ok_or_else(|| {
            OAuthError::invalid_request(
                "code_challenge is 43 characters of base64url (RFC 7636 §4.2)",
            )
        }),
    }
}

/// RFC 8707 §2.
pub fn resource(
    tenant: &TenantSnapshot,
    reply_to: &ReplyTo,
    parameters: &Parameters,
) -> Result<Option<String>, OAuthError> {
    match parameters.get("resource") {
        Some(resource) if !reply_to.application.allows_resource(resource, &tenant.issuer) => {
            Err(OAuthError::new(
                ErrorCode::InvalidTarget,
                "this client may not ask for tokens for that resource",
            ))
        }
        resource => Ok(resource.map(str::to_owned)),
    }
}

fn prompt(parameters: &Parameters) -> Result<Prompt, OAuthError> {
    Prompt::parse(parameters.get("prompt").unwrap_or_default()).ok_or_else(|| {
        OAuthError::invalid_request(
            "prompt is none alone, or any of login, consent, select_account",
        )
    })
}

fn max_age(parameters: &Parameters) -> Result<Option<Duration>, OAuthError> {
    let parse = |text: &str| {
        text.parse::<u32>()
            .map(|seconds| Duration::from_secs(u64::from(seconds)))
            .map_err(|_| OAuthError::invalid_request("max_age is a number of seconds"))
    };
    parameters.get("max_age").map(parse).transpose()
}

/// One that the tenant does not have is no reason to keep the user out: the login page shows those it has.
fn provider(tenant: &TenantSnapshot, parameters: &Parameters) -> Option<ProviderKey> {
    let named = parameters.get("idp").or(parameters.get("provider"))?;
    tenant.provider(named).map(|stored| stored.provider.key.clone())
}

/// `id_token_hint` (OpenID Connect Core §3.1.2.1): the user of an ID token of ours to this client, expired or not.
fn expected_user(
    tenant: &TenantSnapshot,
    reply_to: &ReplyTo,
    parameters: &Parameters,
) -> Result<Option<String>, OAuthError> {
    let Some(hint) = parameters.get("id_token_hint") else { return Ok(None) };
    logout::read_hint(tenant, hint)
        .filter(|hint| hint.aud == reply_to.application.id.to_string())
        .map(|hint| Some(hint.sub))
        .ok_or_else(|| {
            OAuthError::invalid_request(
                "id_token_hint is no ID token of this issuer to this client",
            )
        })
}

/// Keeps the request until its user has signed in, for this browser alone.
pub async fn keep(
    context: &Context,
    tenant: &TenantSnapshot,
    parameters: &Parameters,
    browser: String,
) -> Result<RequestId, Failure> {
    let now = context.now();
    let id = RequestId::generate(now, &*context.entropy);
    let pending =
        PendingRequest { id, query: parameters.only(&PARAMETERS).to_query(), created_at: now };
    let kept = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        tx.authorization_requests().insert(&pending, &browser)
    });
    kept.await?;
    Ok(id)
}

/// The request that this browser brought, if it has not been answered or grown too old.
pub async fn pending(
    context: &Context,
    tenant: &TenantSnapshot,
    id: RequestId,
    browser: String,
) -> Result<Option<PendingRequest>, Failure> {
    let now = context.now();
    let found = context.db.read::<_, StorageError>(tenant.tenant.id, move |tx| {
        tx.authorization_requests().find(id, &browser, now)
    });
    Ok(found.await?)
}

/// Ends the wait: a request is answered once.
pub async fn finish(
    context: &Context,
    tenant: &TenantSnapshot,
    id: RequestId,
    browser: String,
) -> Result<(), Failure> {
    let finished = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        tx.authorization_requests().delete(id, &browser).map(drop)
    });
    Ok(finished.await?)
}

/// A code for the user of `session`, good for a minute and one exchange.
pub async fn issue_code(
    context: &Context,
    tenant: &TenantSnapshot,
    request: AuthorizationRequest,
    session: &Session,
) -> Result<String, Failure> {
    let secret = random_secret(&*context.entropy);
    let digest = digest::digest(&secret);
    let code = AuthorizationCode {
        grant: Grant {
            application_id: request.application_id,
            user_id: session.user_id,
            session_id: session.id,
            scopes: request.scopes,
            resource: request.resource,
            authenticated_at: session.authenticated_at,
        },
        redirect_uri: request.redirect_uri,
        code_challenge: request.code_challenge,
        nonce: request.nonce,
        state: CodeState::Fresh,
        expires_at: context.now() + CODE_LIFE,
    };
    let stored = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        tx.authorization_codes().insert(&digest, &code)
    });
    stored.await?;
    Ok(secret.expose().to_owned())
}
