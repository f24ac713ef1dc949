//! Moving an account to another address: the new one proves itself, the old one is told.

use serde_json::json;

use super::authority::{Acted, Freshness};
use super::session::SignedInBrowser;
use super::throttle::{Asked, Asker};
use super::verification;
use crate::crypto::digest::digest;
use crate::domain::audit::Action;
use crate::domain::email_address::EmailAddress;
use crate::domain::mail_order::Letter;
use crate::domain::one_time_token::Purpose;
use crate::domain::secret::Secret;
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

/// What became of a link to another address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmed {
    Changed(EmailAddress),
    /// The browser is not signed in as the account: somebody may have typed the address of a stranger, who must not
    /// be led to prove it for them. The link stays good.
    Elsewhere,
    /// It is none, was used, is too old, or the address was taken meanwhile.
    Spent,
}

/// Spends the link, in the browser of the account that asked for it.
pub async fn confirm(
    context: &Context,
    tenant: &TenantSnapshot,
    browser: Option<&SignedInBrowser>,
    token: &str,
    address: Option<&str>,
) -> Result<Confirmed, Failure> {
    let (key, now) = (digest(&Secret::new(token.to_owned())), context.now());
    let found = verification::look(context, tenant, token, Purpose::ChangeEmail).await?;
    let Some(found) = found else { return Ok(Confirmed::Spent) };
    let Some(browser) = browser.filter(|browser| browser.profile.user.id == found.user_id) else {
        return Ok(Confirmed::Elsewhere);
    };
    let (user, email) = (browser.profile.user.clone(), found.email);
    let event = context
        .event(Action::EmailChanged, user.id, user.id, address)
        .with_change(&json!({ "email": user.email.as_str() }), &json!({ "email": email.as_str() }));
    let told = context.letter(tenant.tenant.id, Letter::EmailChanged, &user.email, None);
    let authority = browser.authority(Freshness::Any, now);
    let new = email.clone();
    let changed = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        if !authority.stands(tx)? {
            return Ok(Acted::SignedOut);
        }
        // A recovery that was faster has voided the link; one that comes later finds another address.
        let stands =
            tx.users().find(user.id)?.is_some_and(|found| found.email.key() == user.email.key());
        if !stands || !tx.one_time_tokens().spend(&key, Purpose::ChangeEmail, now)? {
            return Ok(Acted::Done(false));
        }
        tx.users().change_email(user.id, &new)?;
        // Links to the old address prove nothing any more.
        tx.one_time_tokens().delete_all(user.id, Purpose::VerifyEmail)?;
        tx.one_time_tokens().delete_all(user.id, Purpose::ResetPassword)?;
        if user.email_verified {
            tx.mail_orders().insert(&told)?;
        }
        tx.audit_events().append(&event)?;
        Ok(Acted::Done(true))
    });
    match changed.await {
        Ok(Acted::Done(true)) => {
            context.mail_bell.notify_one();
            Ok(Confirmed::Changed(email))
        }
        Ok(Acted::SignedOut) => Ok(Confirmed::Elsewhere),
        Ok(Acted::Done(false)) | Err(StorageError::Conflict) => Ok(Confirmed::Spent),
        Err(error) => Err(error.into()),
    }
}
