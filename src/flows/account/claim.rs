//! An address proved by its owner, whose account somebody made without proving it: whatever that somebody
//! planted, a password or a session, is dropped, and the owner is told (no account can be hijacked before
//! its owner comes).

use crate::domain::audit::AuditEvent;
use crate::domain::clock::Timestamp;
use crate::domain::mail_order::MailOrder;
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
    tx.users().drop_password(user.id)?;
    tx.users().verify_email(user.id, &user.email)?;
    tx.identities().delete_all(user.id)?;
    tx.link_offers().delete_all(user.id)?;
    tx.sessions().end_all(user.id, None, now)?;
    tx.refresh_families().revoke_of_user(user.id, None, RevocationReason::PasswordReset, now)?;
    for purpose in [Purpose::VerifyEmail, Purpose::ResetPassword, Purpose::ChangeEmail] {
        tx.one_time_tokens().delete_all(user.id, purpose)?;
    }
    tx.mail_orders().insert(&told)?;
    let mut event = event;
    event.actor = user.id.to_string();
    event.target = user.id.to_string();
    tx.audit_events().append(&event)
}
