//! Token revocation (RFC 7009). An unknown token is as good as revoked: no answer tells them apart.

use super::client::Client;
use super::verify;
use crate::crypto::refresh_token::{RefreshTokens, TokenOwner};
use crate::domain::audit::Action;
use crate::domain::clock::Timestamp;
use crate::domain::refresh_family::RevocationReason;
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::StorageError;

/// A refresh token takes its whole family along; an access token goes alone (§2.1).
pub async fn revoke(
    context: &Context,
    tenant: &TenantSnapshot,
    client: &Client,
    token: &str,
    address: Option<&str>,
) -> Result<(), Failure> {
    let now = context.now();
    if RefreshTokens::claimed_family(token).is_some() {
        let owner = TokenOwner { tenant: tenant.tenant.id, application: client.application.id };
        let Some((family, _)) = context.refresh_tokens.check(owner, token) else { return Ok(()) };
        let event = context.event(Action::TokenRevoked, client.application.id, family, address);
        let revoked = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
            if !tx.refresh_families().revoke(family, RevocationReason::Client, now)? {
                return Ok(());
            }
            let event = match tx.refresh_families().find(family)? {
                Some(family) => event.about_family(&family, "revoked"),
                None => event,
            };
            tx.audit_events().append(&event)
        });
        return Ok(revoked.await?);
    }
    let own = verify::check_signature(context, tenant, token)
        .filter(|claims| claims.client_id == client.application.id.to_string());
    let Some(claims) = own else { return Ok(()) };
    let event = context.event(Action::TokenRevoked, client.application.id, &claims.jti, address);
    let revoked = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        tx.revoked_access_tokens().insert(&claims.jti, Timestamp::from_secs(claims.exp))?;
        tx.audit_events().append(&event)
    });
    Ok(revoked.await?)
}
