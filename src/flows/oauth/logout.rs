//! RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0).

use std::sync::Arc;

use serde::Deserialize;

use crate::crypto::jwt::{self, TokenType};
use crate::domain::application::Application;
use crate::domain::audit::Action;
use crate::domain::ids::SessionId;
use crate::domain::parameters::Parameters;
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::StorageError;

/// What an ID token of ours says, whenever it expired: the signature is what counts in a hint (§2).
#[derive(Clone, Debug, Deserialize)]
pub struct Hint {
    iss: String,
    pub sub: String,
    pub aud: String,
    pub sid: String,
}

pub fn read_hint(tenant: &TenantSnapshot, token: &str) -> Option<Hint> {
    let hint: Hint = jwt::verify(token, TokenType::IdToken, |kid| tenant.verifying_key(kid))?;
    (hint.iss == tenant.issuer).then_some(hint)
}

/// A logout request whose every part has been checked.
#[derive(Debug)]
pub struct LogoutRequest {
    /// The session that the client asks to end, known by its ID token.
    pub session: Option<SessionId>,
    /// Where to go afterwards, with `state` attached.
    pub return_to: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLogout {
    #[error("a parameter comes twice")]
    Repeated,
    #[error("id_token_hint is not of this issuer, or of another client")]
    BadHint,
    #[error("unknown client_id")]
    UnknownClient,
    #[error("neither id_token_hint nor client_id")]
    NoClient,
    #[error("post_logout_redirect_uri is not registered")]
    UnregisteredUri,
}

pub fn check(
    tenant: &TenantSnapshot,
    parameters: &Parameters,
) -> Result<LogoutRequest, InvalidLogout> {
    if parameters.repeated().is_some() {
        return Err(InvalidLogout::Repeated);
    }
    let hint = parameters
        .get("id_token_hint")
        .map(|token| read_hint(tenant, token).ok_or(InvalidLogout::BadHint))
        .transpose()?;
    let client_id = match (parameters.get("client_id"), &hint) {
        (Some(id), Some(hint)) if id != hint.aud => return Err(InvalidLogout::BadHint),
        (Some(id), _) => Some(id),
        (None, hint) => hint.as_ref().map(|hint| hint.aud.as_str()),
    };
    let application = client_id
        .map(|id| tenant.application_by_client_id(id).ok_or(InvalidLogout::UnknownClient))
        .transpose()?;
    let return_to = parameters
        .get("post_logout_redirect_uri")
        .map(|uri| return_address(application, uri, parameters.get("state")))
        .transpose()?;
    let session = hint.and_then(|hint| SessionId::parse(&hint.sid).ok());
    Ok(LogoutRequest { session, return_to })
}

/// §3: only to a URI that the client registered.
fn return_address(
    application: Option<&Arc<Application>>,
    uri: &str,
    state: Option<&str>,
) -> Result<String, InvalidLogout> {
    let application = application.ok_or(InvalidLogout::NoClient)?;
    if !application.accepts_post_logout_redirect_uri(uri) {
        return Err(InvalidLogout::UnregisteredUri);
    }
    Ok(match state {
        None => uri.to_owned(),
        Some(state) => append_query(uri, &[("state", state)]),
    })
}

/// The URI as it was registered, with parameters added to its query.
pub fn append_query(uri: &str, parameters: &[(&str, &str)]) -> String {
    let added =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let separator = match uri.find('?') {
        None => "?",
        Some(_) if uri.ends_with(['?', '&']) => "",
        Some(_) => "&",
    };
    format!("{uri}{separator}{added}")
}

/// Ends a session: its browser is signed out and its refresh families are dead. Ending twice is ending.
pub async fn end_session(
    context: &Context,
    tenant: &TenantSnapshot,
    session: SessionId,
    address: Option<&str>,
) -> Result<(), Failure> {
    let now = context.now();
    let event = context.event(Action::SignedOut, session, session, address);
    let ended = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        let found = tx.sessions().find(session)?;
        if let Some(found) = found
            && tx.sessions().end(session, now)?
        {
            let mut event = event;
            event.actor = found.user_id.to_string();
            tx.audit_events().append(&event)?;
        }
        Ok(())
    });
    Ok(ended.await?)
}
