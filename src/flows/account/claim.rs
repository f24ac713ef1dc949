//! An address proved by its owner, whose account somebody made without proving it: whatever that somebody
//! planted, a password, a session, another way in, a move to another address or the account's deletion, is dropped,
//! and the owner is told (no account can be hijacked before its owner comes).

use crate::domain::audit::AuditEvent;
use crate::domain::clock::Timestamp;
use crate::domain::ids::UserId;
use crate::domain::mail_order::{Letter, MailOrder};
use crate::domain::one_time_token::Purpose;
use crate::domain::refresh_family::RevocationReason;
use crate::domain::user::User;
use crate::storage::{StorageError, TenantTx};

/// `told` is the letter to the owner, `event` what the audit log says.
pub fn take_over(
    tx: &mut TenantTx<'_>,
    user: &User,
    told: MailOrder,
    event: AuditEvent,
    now: Timestamp,
) -> Result<(), StorageError> {
    evict(tx, user.id, now)?;
    tx.users().verify_email(user.id, &user.email)?;
    tx.mail_orders().insert(&told)?;
    let mut event = event;
    event.actor = user.id.to_string();
    event.target = user.id.to_string();
    tx.audit_events().append(&event)
}

/// Whoever made the account is out, with all that they know or hold of it.
pub fn evict(tx: &mut TenantTx<'_>, user: UserId, now: Timestamp) -> Result<(), StorageError> {
    tx.users().drop_password(user)?;
    drop_planted(tx, user)?;
    tx.sessions().end_all(user, None, now)?;
    tx.refresh_families().revoke_of_user(user, None, RevocationReason::PasswordReset, now)?;
    for purpose in [Purpose::VerifyEmail, Purpose::ResetPassword] {
        tx.one_time_tokens().delete_all(user, purpose)?;
    }
    Ok(())
}

/// All that whoever made an account may have left in it, but for password and sessions: their own ways in, what
/// they allowed apps, the account's move to an address of theirs, and its end.
pub(super) fn drop_planted(tx: &mut TenantTx<'_>, user: UserId) -> Result<(), StorageError> {
    tx.identities().delete_all(user)?;
    tx.link_offers().delete_all(user)?;
    tx.consents().delete_all(user)?;
    void_moves(tx, user)?;
    tx.users().keep(user)?;
    Ok(())
}

/// The links that move the account to another address. Orders first, so that none is made of them meanwhile.
pub(super) fn void_moves(tx: &mut TenantTx<'_>, user: UserId) -> Result<(), StorageError> {
    tx.mail_orders().withdraw(Letter::ChangeEmail, &user.to_string())?;
    tx.one_time_tokens().delete_all(user, Purpose::ChangeEmail)?;
    Ok(())
}
