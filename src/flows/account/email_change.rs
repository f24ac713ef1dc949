//! Moving an account to another address: the new one proves itself, the old one is told.

use super::authority::{Acted, Freshness};
use super::session::SignedInBrowser;
use super::throttle::{Asked, Asker};
use crate::crypto::digest::digest;
use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::email_address::EmailAddress;
use crate::domain::mail_order::Letter;
use crate::domain::one_time_token::Purpose;
use crate::domain::secret::Secret;
use crate::domain::user::UserStatus;
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::StorageError;

/// Orders a link to the new address. Whether it is free is not told here: its owner learns it by mail.
pub async fn ask(
    context: &Context,
    tenant: &TenantSnapshot,
    browser: &SignedInBrowser,
    email: &EmailAddress,
    asker: Asker<'_>,
) -> Result<Acted<Asked>, Failure> {
    let subject = Some(browser.profile.user.id.to_string());
    let order = context.letter(tenant.tenant.id, Letter::ChangeEmail, email, subject);
    let (limit, now) = (asker.limit(), context.now());
    let authority = browser.authority(Freshness::Fresh, now);
    let ordered = context.db.write_again(tenant.tenant.id, move |tx| {
        if !authority.stands(tx)? {
            return Ok(Acted::SignedOut);
        }
        let asked = limit.spend(tx, now)?;
        if let Asked::Done(()) = asked {
            tx.mail_orders().insert(&order)?;
        }
        Ok(Acted::Done(asked))
    });
    let asked = ordered.await?;
    context.mail_bell.notify_one();
    Ok(asked)
}

/// Spends the link. `None` if it is none, was used, is too old, or the address was taken meanwhile.
pub async fn confirm(
    context: &Context,
    tenant: &TenantSnapshot,
    token: &str,
    address: Option<&str>,
) -> Result<Option<EmailAddress>, Failure> {
    let (key, now) = (digest(&Secret::new(token.to_owned())), context.now());
    let looked_up = key.clone();
    let found = context
        .db
        .read::<_, StorageError>(tenant.tenant.id, move |tx| {
            let token = tx.one_time_tokens().find(&looked_up, Purpose::ChangeEmail, now)?;
            let Some(token) = token else { return Ok(None) };
            let user = tx.users().find(token.user_id)?;
            let user = user.filter(|user| user.status == UserStatus::Active);
            Ok(user.map(|user| (user, token.email)))
        })
        .await?;
    let Some((user, email)) = found else { return Ok(None) };
    let event = context
        .event(Action::EmailChanged, user.id, user.id, address)
        .with_change(&json!({ "email": user.email.as_str() }), &json!({ "email": email.as_str() }));
    let told = context.letter(tenant.tenant.id, Letter::EmailChanged, &user.email, None);
    let new = email.clone();
    let changed = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        // A recovery that was faster has voided the link; one that comes later finds another address.
        tx.users().lock(user.id)?;
        let stands = tx.users().find(user.id)?.is_some_and(|found| {
            found.status == UserStatus::Active && found.email.key() == user.email.key()
        });
        if !stands || !tx.one_time_tokens().spend(&key, Purpose::ChangeEmail, now)? {
            return Ok(false);
        }
        tx.users().change_email(user.id, &new)?;
        // Links to the old address prove nothing any more.
        tx.one_time_tokens().delete_all(user.id, Purpose::VerifyEmail)?;
        tx.one_time_tokens().delete_all(user.id, Purpose::ResetPassword)?;
        if user.email_verified {
            tx.mail_orders().insert(&told)?;
        }
        tx.audit_events().append(&event)?;
        Ok(true)
    });
    match changed.await {
        Ok(true) => {
            context.mail_bell.notify_one();
            Ok(Some(email))
        }
        Ok(false) | Err(StorageError::Conflict) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
