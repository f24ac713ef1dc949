//! "Try it": a real sign-in against a tenant's own app, for an admin to see the tokens that come of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{answer, sign_in};
use crate::crypto::digest::sha256_base64url;
use crate::domain::application::{Application, ClientAuthentication};
use crate::domain::entropy::random_secret;
use crate::domain::ids::ApplicationId;
use crate::domain::tenant::{Slug, Tenant};
use crate::flows::administration::applications;
use crate::flows::administration::{Administrator, Problem};
use crate::flows::oauth::client::Client;
use crate::flows::oauth::issue;
use crate::flows::{Context, Failure};
use crate::storage::StorageError;

/// A trial that is under way; kept with the browser.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pending {
    pub state: String,
    verifier: String,
    /// The slug of the tenant, and the app.
    pub tenant: String,
    pub application: String,
}

/// What came of it, decoded.
pub struct Tokens {
    pub access_token: Token,
    pub id_token: Option<Token>,
    pub refresh_token: Option<String>,
    /// Seconds.
    pub expires_in: u64,
}

pub struct Token {
    pub header: Value,
    pub claims: Value,
}

impl Token {
    fn of(encoded: &str) -> Self {
        Self { header: answer::header(encoded), claims: answer::payload(encoded) }
    }
}

pub fn callback(context: &Context) -> String {
    format!("{}/console/try", context.public_url.as_str())
}

/// Where the browser goes. The console becomes one of the app's redirect URIs, for everybody to see.
pub async fn begin(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    application: &Application,
) -> Result<(Pending, String), Problem> {
    let callback = callback(admin);
    if !application.accepts_redirect_uri(&callback) {
        applications::add_redirect_uri(admin, tenant, application.id, callback.clone()).await?;
    }
    let pending = Pending {
        state: random_secret(&*admin.entropy).expose().to_owned(),
        verifier: random_secret(&*admin.entropy).expose().to_owned(),
        tenant: tenant.slug.to_string(),
        application: application.id.to_string(),
    };
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", &pending.application)
        .append_pair("redirect_uri", &callback)
        .append_pair("scope", "openid profile email offline_access")
        .append_pair("state", &pending.state)
        .append_pair("code_challenge", &sha256_base64url(pending.verifier.as_bytes()))
        .append_pair("code_challenge_method", "S256")
        .finish();
    let issuer = admin.public_url.issuer(tenant);
    Ok((pending, format!("{issuer}/oauth2/authorize?{query}")))
}

/// `None` if the code is none, or the app is gone.
pub async fn complete(
    context: &Context,
    pending: &Pending,
    code: &str,
    address: Option<&str>,
) -> Result<Option<Tokens>, Failure> {
    let (Ok(slug), Ok(id)) =
        (Slug::parse(&pending.tenant), ApplicationId::parse(&pending.application))
    else {
        return Ok(None);
    };
    let tenant =
        context.db.system_read::<_, StorageError>(move |tx| tx.tenants().find_by_slug(&slug));
    let Some(tenant) = tenant.await? else { return Ok(None) };
    let Some(tenant) = sign_in::snapshot_of(context, &tenant).await? else { return Ok(None) };
    let Some(application) = tenant.application(id).cloned() else { return Ok(None) };
    let authentication = if application.kind.is_confidential() {
        ClientAuthentication::Authenticated
    } else {
        ClientAuthentication::Unauthenticated
    };
    let client = Client { application, authentication };
    let callback = callback(context);
    let answer =
        answer::redeem(context, &tenant, &client, code, &callback, &pending.verifier, address);
    Ok(answer.await?.map(|answer| Tokens {
        access_token: Token::of(&answer.access_token),
        id_token: answer.id_token.as_deref().map(Token::of),
        refresh_token: answer.refresh_token,
        expires_in: answer.expires_in,
    }))
}

/// The token that a service gets for itself.
pub async fn of_service(
    context: &Context,
    tenant: &Tenant,
    application: &Application,
) -> Result<Option<Tokens>, Failure> {
    let snapshot = sign_in::snapshot_of(context, tenant).await?;
    let Some(snapshot) = snapshot else { return Ok(None) };
    let token = issue::service_access_token(context, &snapshot, application, None, context.now())?;
    Ok(Some(Tokens {
        access_token: Token::of(&token),
        id_token: None,
        refresh_token: None,
        expires_in: application.tokens.access_token_life.as_secs(),
    }))
}
