//! Token introspection (RFC 7662).

use serde_json::{Value, json};

use super::client::Client;
use super::verify;
use crate::crypto::refresh_token::{RefreshTokens, TokenOwner};
use crate::domain::refresh_family::Verdict;
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::{StorageError, UsableFamily};

/// The whole answer for anything that is not good now, whatever the reason (§2.2).
fn inactive() -> Value {
    json!({ "active": false })
}

/// Any confidential client of the tenant may ask about its access tokens, being a resource server
/// perhaps; about a refresh token only its own client may.
pub async fn introspect(
    context: &Context,
    tenant: &TenantSnapshot,
    client: &Client,
    token: &str,
) -> Result<Value, Failure> {
    if RefreshTokens::claimed_family(token).is_some() {
        return refresh_token(context, tenant, client, token).await;
    }
    let Some(good) = verify::access_token(context, tenant, token).await? else {
        return Ok(inactive());
    };
    let mut answer =
        serde_json::to_value(&good.claims).map_err(|error| Failure::Internal(error.to_string()))?;
    answer["active"] = json!(true);
    answer["token_type"] = json!("Bearer");
    if let Some(profile) = good.profile {
        answer["username"] = json!(profile.user.email.as_str());
    }
    Ok(answer)
}

async fn refresh_token(
    context: &Context,
    tenant: &TenantSnapshot,
    client: &Client,
    token: &str,
) -> Result<Value, Failure> {
    let owner = TokenOwner { tenant: tenant.tenant.id, application: client.application.id };
    let Some((family, generation)) = context.refresh_tokens.check(owner, token) else {
        return Ok(inactive());
    };
    let family = context
        .db
        .read::<_, StorageError>(tenant.tenant.id, move |tx| {
            tx.refresh_families().find_usable(family)
        })
        .await?;
    let Some(UsableFamily { family, .. }) = family else { return Ok(inactive()) };
    let now = context.now();
    let window = client.application.tokens.reuse_window(client.authentication);
    match family.judge(generation, window, now) {
        Verdict::Rotate | Verdict::AnswerSuccessor | Verdict::CatchUp => Ok(json!({
            "active": true,
            "client_id": client.application.id,
            "iss": tenant.issuer,
            "sub": family.grant.user_id,
            "sid": family.grant.session_id,
            "scope": family.grant.scopes.to_string(),
            "exp": now.as_secs() + i64::try_from(family.remaining_life(now).as_secs()).unwrap_or(0),
        })),
        Verdict::Reuse | Verdict::Dead => Ok(inactive()),
    }
}
