//! Signing in to the console, which is an app of the built-in tenant: an authorization request with PKCE, and
//! its code. Nobody but this flow knows the app's secret; not even it, since it needs none.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::answer;
use crate::crypto::digest::sha256_base64url;
use crate::domain::application::{
    Application, ApplicationKind, ClientAuthentication, DirectLogin, Party, TokenSettings,
    UpstreamTokenAccess,
};
use crate::domain::audit::AuditEvent;
use crate::domain::clock::Timestamp;
use crate::domain::entropy::random_secret;
use crate::domain::ids::SessionId;
use crate::domain::tenant::{CONSOLE_SLUG, DisplayName, Slug, Tenant};
use crate::flows::administration::applications::{self, NewApplication};
use crate::flows::administration::{Administrator, Problem, operators};
use crate::flows::oauth::client::Client;
use crate::flows::tenant_snapshot::TenantName;
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::StorageError;

/// A sign-in that is under way; kept with the browser.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pending {
    pub state: String,
    verifier: String,
    /// The page that was asked for.
    pub next: String,
}

/// The built-in tenant, as requests see it; made at its first use.
pub async fn console(context: &Context) -> Result<Arc<TenantSnapshot>, Problem> {
    let slug = Slug::parse(CONSOLE_SLUG).map_err(|why| Failure::Internal(why.to_string()))?;
    if let Some(snapshot) = snapshot(context, slug.clone()).await? {
        return Ok(snapshot);
    }
    operators::console_tenant(context).await?;
    context.tenants.forget();
    let made = snapshot(context, slug).await?;
    made.ok_or_else(|| Failure::Internal("the console's tenant is suspended".to_owned()).into())
}

/// The tenant as requests see it, by the one name that it answers to.
pub(super) async fn snapshot_of(
    context: &Context,
    tenant: &Tenant,
) -> Result<Option<Arc<TenantSnapshot>>, Failure> {
    let name = match &tenant.domain {
        Some(domain) => TenantName::Domain(domain.clone()),
        None => TenantName::Slug(tenant.slug.clone()),
    };
    named(context, name).await
}

async fn snapshot(context: &Context, slug: Slug) -> Result<Option<Arc<TenantSnapshot>>, Failure> {
    named(context, TenantName::Slug(slug)).await
}

async fn named(
    context: &Context,
    name: TenantName,
) -> Result<Option<Arc<TenantSnapshot>>, Failure> {
    let Context { db, sealer, public_url, .. } = context;
    context.tenants.find(db, sealer, public_url, name, context.now()).await
}

/// Begins a sign-in, and says where the browser goes for it.
pub async fn begin(context: &Context, next: String) -> Result<(Pending, String), Problem> {
    let (tenant, application) = application(context).await?;
    let pending = Pending {
        state: random_secret(&*context.entropy).expose().to_owned(),
        verifier: random_secret(&*context.entropy).expose().to_owned(),
        next,
    };
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", &application.id.to_string())
        .append_pair("redirect_uri", &callback(context))
        .append_pair("scope", "openid")
        .append_pair("state", &pending.state)
        .append_pair("code_challenge", &sha256_base64url(pending.verifier.as_bytes()))
        .append_pair("code_challenge_method", "S256")
        .finish();
    let location = format!("{}/oauth2/authorize?{query}", tenant.issuer);
    Ok((pending, location))
}

/// The session that the code stands for; `None` if it is none of ours, spent or too old.
pub async fn complete(
    context: &Context,
    pending: &Pending,
    code: &str,
    address: Option<&str>,
) -> Result<Option<SessionId>, Problem> {
    let (tenant, application) = application(context).await?;
    let client = Client { application, authentication: ClientAuthentication::Authenticated };
    let callback = callback(context);
    let answer =
        answer::redeem(context, &tenant, &client, code, &callback, &pending.verifier, address);
    let Some(answer) = answer.await? else { return Ok(None) };
    let claims = answer::payload(&answer.access_token);
    Ok(claims["sid"].as_str().and_then(|sid| SessionId::parse(sid).ok()))
}

/// Signs out of the console and of all that was signed in to with it.
pub async fn end(
    context: &Context,
    console: &TenantSnapshot,
    id: SessionId,
    now: Timestamp,
    event: AuditEvent,
) -> Result<(), Failure> {
    let ended = context.db.write::<_, StorageError>(console.tenant.id, move |tx| {
        tx.sessions().end(id, now)?;
        tx.audit_events().append(&event)
    });
    Ok(ended.await?)
}

fn callback(context: &Context) -> String {
    format!("{}/console/callback", context.public_url.as_str())
}

/// The console's app, made at its first use, and again where the deployment has moved to another URL.
async fn application(
    context: &Context,
) -> Result<(Arc<TenantSnapshot>, Arc<Application>), Problem> {
    for _ in 0..2 {
        let tenant = console(context).await?;
        let callback = callback(context);
        let found = tenant
            .applications()
            .find(|application| application.accepts_redirect_uri(&callback))
            .cloned();
        if let Some(application) = found {
            return Ok((tenant, application));
        }
        let name = DisplayName::parse("Console").map_err(|why| Problem::input(why.to_string()))?;
        let new = NewApplication {
            name,
            kind: ApplicationKind::Web,
            redirect_uris: vec![callback],
            post_logout_redirect_uris: Vec::new(),
            allowed_origins: Vec::new(),
            audience: None,
            direct_login: DirectLogin::Refused,
            is_default: false,
            party: Party::First,
            upstream_tokens: UpstreamTokenAccess::Refused,
            tokens: TokenSettings::default(),
            secret: None,
        };
        applications::create(&Administrator::command_line(context), &tenant.tenant, new).await?;
    }
    Err(Failure::Internal("the console has no app".to_owned()).into())
}
