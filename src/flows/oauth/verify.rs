//! Checking an access token of our own: for userinfo, introspection, revocation and `/v1/auth/me`.
//! Backends check by themselves and see the signature and the times only; we also see what died since.

use super::claims::AccessTokenClaims;
use crate::crypto::jwt::{self, TokenType};
use crate::domain::refresh_family::FamilyState;
use crate::domain::user::Profile;
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::{StorageError, TenantTx};

/// A token that is good now. `profile` is `None` for a token that a client got for itself.
pub struct GoodToken {
    pub claims: AccessTokenClaims,
    pub profile: Option<Profile>,
}

/// Signature, issuer, type and times alone.
pub fn check_signature(
    context: &Context,
    tenant: &TenantSnapshot,
    token: &str,
) -> Option<AccessTokenClaims> {
    let claims: AccessTokenClaims =
        jwt::verify(token, TokenType::AccessToken, |kid| tenant.verifying_key(kid))?;
    let good = claims.iss == tenant.issuer
        && claims.tenant_id == tenant.tenant.id.to_string()
        && context.now().as_secs() < claims.exp;
    good.then_some(claims)
}

/// `None` for anything but a token that is good now.
pub async fn access_token(
    context: &Context,
    tenant: &TenantSnapshot,
    token: &str,
) -> Result<Option<GoodToken>, Failure> {
    let Some(claims) = check_signature(context, tenant, token) else { return Ok(None) };
    if tenant.application_by_client_id(&claims.client_id).is_none() {
        return Ok(None);
    }
    let good = context.db.read(tenant.tenant.id, move |tx| still_good(tx, claims)).await?;
    Ok(good)
}

fn still_good(
    tx: &mut TenantTx<'_>,
    claims: AccessTokenClaims,
) -> Result<Option<GoodToken>, StorageError> {
    if tx.revoked_access_tokens().contains(&claims.jti)? {
        return Ok(None);
    }
    let Some(family) = claims.family() else {
        return Ok(Some(GoodToken { claims, profile: None }));
    };
    // Its session goes on, its user may sign in, nobody took it back.
    let usable = tx.refresh_families().find_usable(family)?;
    let Some(usable) = usable.filter(|usable| usable.family.state == FamilyState::Live) else {
        return Ok(None);
    };
    let roles = tx.users().roles(usable.user.id)?;
    Ok(Some(GoodToken { claims, profile: Some(Profile { user: usable.user, roles }) }))
}
