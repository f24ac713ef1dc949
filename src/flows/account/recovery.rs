//! A new password for somebody who lost theirs, by a mailed link.

use super::claim::{drop_planted, void_moves};
use super::password_choice;
use super::throttle::{self, Asked, Asker};
use crate::crypto::digest::digest;
use crate::domain::audit::Action;
use crate::domain::clock::Timestamp;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::UserId;
use crate::domain::mail_order::Letter;
use crate::domain::one_time_token::Purpose;
use crate::domain::password::{PasswordHash, PasswordProblem};
use crate::domain::refresh_family::RevocationReason;
use crate::domain::secret::Secret;
use crate::domain::user::{User, UserStatus};
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::{StorageError, TenantTx};

/// Orders a link; `request` is the sign-in that it is asked for in. The answer and the work are the same for every address; whether there is somebody to
/// write to is found out when the letter is written.
pub async fn ask(
    context: &Context,
    tenant: &TenantSnapshot,
    email: &EmailAddress,
    request: Option<String>,
    asker: Asker<'_>,
) -> Result<Asked, Failure> {
    let order = context.letter(tenant.tenant.id, Letter::ResetPassword, email, request);
    let event = context.event(Action::RecoveryAsked, "anonymous", order.id, asker.address);
    let (limit, now) = (asker.limit(), context.now());
    let ordered = context.db.write_again(tenant.tenant.id, move |tx| {
        let asked = limit.spend(tx, now)?;
        if let Asked::Done(()) = asked {
            tx.mail_orders().insert(&order)?;
            tx.audit_events().append(&event)?;
        }
        Ok(asked)
    });
    let asked = ordered.await?;
    context.mail_bell.notify_one();
    Ok(asked)
}

pub enum Outcome {
    Done(User),
    Problem(PasswordProblem),
    /// The link is none, was used, is too old, or its account has another address now.
    Spent,
}

/// Spends the link for a new password. Every session and token of the account ends, and its owner is told.
/// The link has proved the address as well.
pub async fn reset(
    context: &Context,
    tenant: &TenantSnapshot,
    token: &str,
    password: &str,
    address: Option<&str>,
) -> Result<Outcome, Failure> {
    let key = digest(&Secret::new(token.to_owned()));
    let now = context.now();
    let looked_up = key.clone();
    let user = context
        .db
        .read::<_, StorageError>(tenant.tenant.id, move |tx| {
            let token = tx.one_time_tokens().find(&looked_up, Purpose::ResetPassword, now)?;
            let Some(token) = token else { return Ok(None) };
            let user = tx.users().find(token.user_id)?;
            Ok(user.filter(|user| {
                user.email.key() == token.email.key() && user.status == UserStatus::Active
            }))
        })
        .await?;
    let Some(user) = user else { return Ok(Outcome::Spent) };
    let password = match password_choice::check(tenant, &user, password) {
        Ok(password) => password,
        Err(problem) => return Ok(Outcome::Problem(problem)),
    };
    let hash = context.hasher.hash(tenant.tenant.id, password).await?;
    let event = context.event(Action::PasswordReset, user.id, user.id, address);
    let told = context.letter(tenant.tenant.id, Letter::PasswordChanged, &user.email, None);
    let owner = user.clone();
    let done = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        if !tx.users().verify_email(owner.id, &owner.email)?
            || !tx.one_time_tokens().spend(&key, Purpose::ResetPassword, now)?
        {
            return Ok(false);
        }
        replace_password(tx, owner.id, &hash, now)?;
        throttle::forgive(tx, &owner.email)?;
        if !owner.email_verified {
            // Whoever made the account may have done so by a provider, without ever proving the address.
            drop_planted(tx, owner.id)?;
        }
        tx.mail_orders().insert(&told)?;
        tx.audit_events().append(&event)?;
        Ok(true)
    });
    if !done.await? {
        return Ok(Outcome::Spent);
    }
    context.mail_bell.notify_one();
    Ok(Outcome::Done(User { email_verified: true, ..user }))
}

/// Whoever knew the old password, or holds what was given for it, is out.
pub(super) fn replace_password(
    tx: &mut TenantTx<'_>,
    user: UserId,
    hash: &PasswordHash,
    now: Timestamp,
) -> Result<(), StorageError> {
    tx.users().set_password(user, hash)?;
    tx.sessions().end_all(user, None, now)?;
    tx.refresh_families().revoke_of_user(user, None, RevocationReason::PasswordReset, now)?;
    tx.one_time_tokens().delete_all(user, Purpose::VerifyEmail)?;
    void_links(tx, user)
}

/// The links that could undo a new password: those to choose another, and those that move the account to an
/// address which whoever is out has named.
pub(in crate::flows) fn void_links(
    tx: &mut TenantTx<'_>,
    user: UserId,
) -> Result<(), StorageError> {
    void_moves(tx, user)?;
    tx.one_time_tokens().delete_all(user, Purpose::ResetPassword)?;
    Ok(())
}
