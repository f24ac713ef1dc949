//! Proving that an address is its owner's, by a mailed link.

use super::claim::drop_planted;
use super::throttle::{Asked, Asker};
use crate::crypto::digest::digest;
use crate::domain::audit::Action;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::UserId;
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
            Purpose::VerifyEmail | Purpose::ResetPassword | Purpose::AcceptInvitation => {
                user.is_some_and(|user| user.email.key() == token.email.key())
            }
            Purpose::ChangeEmail => user.is_some(),
        };
        Ok(stands.then_some(token))
    });
    Ok(found.await?)
}

/// Spends the link. `false` if it is none, was used, is too old, or its account has another address now.
///
/// `signed_in` is the user whom the browser is signed in as. Somebody else may have made the account with this
/// address, and linked an identity of their own to it or asked to move it: what they did besides the password stays
/// only for its owner at work. Password and sessions stay: whoever signed up at a desk and opens the letter on a
/// phone goes on at the desk.
pub async fn confirm(
    context: &Context,
    tenant: &TenantSnapshot,
    token: &str,
    signed_in: Option<UserId>,
    address: Option<&str>,
) -> Result<bool, Failure> {
    let (key, now) = (digest(&Secret::new(token.to_owned())), context.now());
    let event = context.event(Action::EmailVerified, "anonymous", "", address);
    let confirmed = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        let purpose = Purpose::VerifyEmail;
        let Some(token) = tx.one_time_tokens().find(&key, purpose, now)? else { return Ok(false) };
        let user = tx.users().find(token.user_id)?;
        let was_verified = user.is_some_and(|user| user.email_verified);
        if !tx.users().verify_email(token.user_id, &token.email)?
            || !tx.one_time_tokens().spend(&key, purpose, now)?
        {
            return Ok(false);
        }
        if !was_verified && signed_in != Some(token.user_id) {
            drop_planted(tx, token.user_id)?;
        }
        let mut event = event;
        event.actor = token.user_id.to_string();
        event.target = token.user_id.to_string();
        tx.audit_events().append(&event)?;
        Ok(true)
    });
    Ok(confirmed.await?)
}
