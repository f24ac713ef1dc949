//! Making the tokens of an answer, outside of any transaction.

use std::time::Duration;

use serde::Serialize;

use super::claims::{self, AccessTokenClaims, IdTokenClaims, jti};
use crate::crypto::digest::half_hash;
use crate::crypto::jwt::TokenType;
use crate::crypto::refresh_token::TokenOwner;
use crate::domain::application::Application;
use crate::domain::clock::Timestamp;
use crate::domain::entropy::random_letters;
use crate::domain::refresh_family::RefreshFamily;
use crate::domain::scope::{Scope, Scopes};
use crate::domain::session::Method;
use crate::domain::user::Profile;
use crate::flows::{Context, Failure, TenantSnapshot};

/// Relying parties check an ID token when they get it; it is a receipt, not a key.
const ID_TOKEN_LIFE: Duration = Duration::from_secs(60 * 60);
const JTI_RANDOM_LETTERS: usize = 16;

/// A sign-in, as far as it has come: what tokens are made of.
#[derive(Debug)]
pub struct SignedIn {
    pub family: RefreshFamily,
    pub profile: Profile,
    pub methods: Vec<Method>,
}

/// RFC 6749 §5.1, OpenID Connect Core §3.1.3.3.
#[derive(Debug, Serialize)]
pub struct TokenAnswer {
    pub access_token: String,
    pub token_type: &'static str,
    /// Seconds.
    pub expires_in: u64,
    pub scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
}

/// The access token of a user.
pub fn user_access_token(
    context: &Context,
    tenant: &TenantSnapshot,
    application: &Application,
    signed_in: &SignedIn,
    asked: Asked<'_>,
    now: Timestamp,
) -> Result<String, Failure> {
    let claims = access_token_claims(context, tenant, application, signed_in, asked, now);
    sign_access_token(tenant, application, &claims, now)
}

fn access_token_claims(
    context: &Context,
    tenant: &TenantSnapshot,
    application: &Application,
    signed_in: &SignedIn,
    asked: Asked<'_>,
    now: Timestamp,
) -> AccessTokenClaims {
    let grant = &signed_in.family.grant;
    AccessTokenClaims {
        iss: tenant.issuer.clone(),
        sub: grant.user_id.to_string(),
        aud: audience(tenant, application, asked.resource.or(grant.resource.as_deref())),
        client_id: application.id.to_string(),
        iat: now.as_secs(),
        exp: now.as_secs() + seconds(application.tokens.access_token_life),
        jti: jti(signed_in.family.id, &random_letters(&*context.entropy, JTI_RANDOM_LETTERS)),
        scope: asked.scopes.unwrap_or(&grant.scopes).to_string(),
        sid: Some(grant.session_id.to_string()),
        auth_time: Some(grant.authenticated_at.as_secs()),
        tenant_id: tenant.tenant.id.to_string(),
        role: claims::role(&signed_in.profile),
        roles: claims::roles(&signed_in.profile),
    }
}

/// The access token of a client that acts for itself (RFC 9068 §2.2: `sub` is the client).
pub fn service_access_token(
    context: &Context,
    tenant: &TenantSnapshot,
    application: &Application,
    resource: Option<&str>,
    now: Timestamp,
) -> Result<String, Failure> {
    let claims = AccessTokenClaims {
        iss: tenant.issuer.clone(),
        sub: application.id.to_string(),
        aud: audience(tenant, application, resource),
        client_id: application.id.to_string(),
        iat: now.as_secs(),
        exp: now.as_secs() + seconds(application.tokens.access_token_life),
        jti: format!("svc{}", random_letters(&*context.entropy, 2 * JTI_RANDOM_LETTERS)),
        scope: String::new(),
        sid: None,
        auth_time: None,
        tenant_id: tenant.tenant.id.to_string(),
        role: None,
        roles: Vec::new(),
    };
    sign_access_token(tenant, application, &claims, now)
}

fn sign_access_token(
    tenant: &TenantSnapshot,
    application: &Application,
    claims: &AccessTokenClaims,
    now: Timestamp,
) -> Result<String, Failure> {
    let key = tenant.signing_key(application.tokens.access_token_algorithm, now)?;
    Ok(key.sign(TokenType::AccessToken, claims)?)
}

/// What a single request asks for, where it is less than what was granted.
#[derive(Clone, Copy, Default)]
pub struct Asked<'a> {
    pub scopes: Option<&'a Scopes>,
    pub resource: Option<&'a str>,
}

/// Access, refresh and, with `openid`, ID token for a sign-in.
pub fn token_answer(
    context: &Context,
    tenant: &TenantSnapshot,
    application: &Application,
    signed_in: &SignedIn,
    asked: Asked<'_>,
    nonce: Option<String>,
) -> Result<TokenAnswer, Failure> {
    let now = context.now();
    let scopes = asked.scopes.unwrap_or(&signed_in.family.grant.scopes);
    let access_token = user_access_token(context, tenant, application, signed_in, asked, now)?;
    let id_token = scopes
        .contains(Scope::OpenId)
        .then(|| id_token(tenant, application, signed_in, scopes, &access_token, nonce, now))
        .transpose()?;
    Ok(TokenAnswer {
        access_token,
        token_type: "Bearer",
        expires_in: application.tokens.access_token_life.as_secs(),
        scope: scopes.to_string(),
        refresh_token: Some(refresh_token(context, tenant, &signed_in.family)),
        id_token,
    })
}

/// The newest token of the family: derived, not looked up.
pub fn refresh_token(context: &Context, tenant: &TenantSnapshot, family: &RefreshFamily) -> String {
    let owner = TokenOwner { tenant: tenant.tenant.id, application: family.grant.application_id };
    context.refresh_tokens.derive(owner, family.id, family.generation).expose().to_owned()
}

fn id_token(
    tenant: &TenantSnapshot,
    application: &Application,
    signed_in: &SignedIn,
    scopes: &Scopes,
    access_token: &str,
    nonce: Option<String>,
    now: Timestamp,
) -> Result<String, Failure> {
    let algorithm = application.tokens.id_token_algorithm;
    let claims = id_token_claims(tenant, application, signed_in, scopes, access_token, nonce, now);
    Ok(tenant.signing_key(algorithm, now)?.sign(TokenType::IdToken, &claims)?)
}

/// What the tokens of a sign-in would say, unsigned: for an admin to look at.
pub fn preview(
    context: &Context,
    tenant: &TenantSnapshot,
    application: &Application,
    signed_in: &SignedIn,
) -> (AccessTokenClaims, IdTokenClaims) {
    let (now, scopes) = (context.now(), &signed_in.family.grant.scopes);
    let access =
        access_token_claims(context, tenant, application, signed_in, Asked::default(), now);
    let id = id_token_claims(tenant, application, signed_in, scopes, "", None, now);
    (access, id)
}

fn id_token_claims(
    tenant: &TenantSnapshot,
    application: &Application,
    signed_in: &SignedIn,
    scopes: &Scopes,
    access_token: &str,
    nonce: Option<String>,
    now: Timestamp,
) -> IdTokenClaims {
    let grant = &signed_in.family.grant;
    let algorithm = application.tokens.id_token_algorithm;
    IdTokenClaims {
        iss: tenant.issuer.clone(),
        sub: grant.user_id.to_string(),
        aud: application.id.to_string(),
        iat: now.as_secs(),
        exp: now.as_secs() + seconds(ID_TOKEN_LIFE),
        auth_time: grant.authenticated_at.as_secs(),
        sid: grant.session_id.to_string(),
        amr: signed_in.methods.iter().map(Method::as_str).collect(),
        idp: signed_in.methods.iter().find_map(Method::provider).map(ToString::to_string),
        at_hash: half_hash(algorithm, access_token),
        nonce,
        user: claims::user_claims(&signed_in.profile, scopes),
    }
}

fn audience(tenant: &TenantSnapshot, application: &Application, resource: Option<&str>) -> String {
    resource
        .or(application.audience.as_ref().map(|audience| audience.as_str()))
        .unwrap_or(&tenant.issuer)
        .to_owned()
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
