//! Proving that an address is its owner's, by a mailed link.

use super::throttle::{Asked, Asker};
use crate::crypto::digest::digest;
use crate::domain::audit::Action;
use crate::domain::email_address::EmailAddress;
use crate::domain::mail_order::Letter;
use crate::domain::one_time_token::{OneTimeToken, Purpose};
use crate::domain::secret::Secret;
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::StorageError;

/// Orders another link. The answer and the work are the same for every address.
pub async fn ask(
    context: &Context,
    tenant: &TenantSnapshot,
    email: &EmailAddress,
    request: Option<String>,
    asker: Asker<'_>,
) -> Result<Asked, Failure> {
    let order = context.letter(tenant.tenant.id, Letter::VerifyEmail, email, request);
    let (limit, now) = (asker.limit(), context.now());
    let ordered = context.db.write_again(tenant.tenant.id, move |tx| {
        let asked = limit.spend(tx, now)?;
        if let Asked::Done(()) = asked {
            tx.mail_orders().insert(&order)?;
        }
        Ok(asked)
    });
    let asked = ordered.await?;
    context.mail_bell.notify_one();
    Ok(asked)
}

/// What a link is good for, without spending it: mail scanners open links, too.
pub async fn look(
    context: &Context,
    tenant: &TenantSnapshot,
    token: &str,
    purpose: Purpose,
) -> Result<Option<OneTimeToken>, Failure> {
    let (key, now) = (digest(&Secret::new(token.to_owned())), context.now());
    let found = context.db.read::<_, StorageError>(tenant.tenant.id, move |tx| {
        let Some(token) = tx.one_time_tokens().find(&key, purpose, now)? else { return Ok(None) };
        let user = tx.users().find(token.user_id)?;
        let stands = match purpose {
            Purpose::VerifyEmail | Purpose::ResetPassword => {
                user.is_some_and(|user| user.email.key() == token.email.key())
            }
            Purpose::ChangeEmail => user.is_some(),
        };
        Ok(stands.then_some(token))
    });
    Ok(found.await?)
}

/// Spends the link. `false` if it is none, was used, is too old, or its account has another address now.
pub async fn confirm(
    context: &Context,
    tenant: &TenantSnapshot,
    token: &str,
    address: Option<&str>,
) -> Result<bool, Failure> {
    let (key, now) = (digest(&Secret::new(token.to_owned())), context.now());
    let event = context.event(Action::EmailVerified, "anonymous", "", address);
    let confirmed = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        let purpose = Purpose::VerifyEmail;
        let Some(token) = tx.one_time_tokens().find(&key, purpose, now)? else { return Ok(false) };
        if !tx.users().verify_email(token.user_id, &token.email)?
            || !tx.one_time_tokens().spend(&key, purpose, now)?
        {
            return Ok(false);
        }
        let mut event = event;
        event.actor = token.user_id.to_string();
        event.target = token.user_id.to_string();
        tx.audit_events().append(&event)?;
        Ok(true)
    });
    Ok(confirmed.await?)
}
