//! Signing in with e-mail and password. Whatever is wrong, the answer and the work are the same: one
//! look-up, one hash, one audit event (OWASP ASVS 5 §6.3.8).

use crate::crypto::hashing_threads::Verification;
use crate::domain::audit::Action;
use crate::domain::email_address::EmailAddress;
use crate::domain::password::{PasswordHash, PresentedPassword};
use crate::domain::user::{User, UserStatus};
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::StorageError;

/// What someone typed. What cannot be an address or a password is like one that is unknown or wrong.
pub struct Credentials {
    email: Option<EmailAddress>,
    password: Option<PresentedPassword>,
}

impl Credentials {
    pub fn parse(email: &str, password: &str) -> Self {
        Self {
            email: EmailAddress::parse(email).ok(),
            password: PresentedPassword::parse(password),
        }
    }
}

/// The user, if these are their e-mail and password and they may sign in.
pub async fn with_password(
    context: &Context,
    tenant: &TenantSnapshot,
    credentials: Credentials,
    address: Option<&str>,
) -> Result<Option<User>, Failure> {
    let tenant_id = tenant.tenant.id;
    let Credentials { email, password } = credentials;
    let account = context
        .db
        .read::<_, StorageError>(tenant_id, move |tx| match &email {
            Some(email) => tx.users().find_by_email(email),
            None => Ok(None),
        })
        .await?;
    // An unknown, disabled or password-less account costs a hash like any other.
    let expected = match &account {
        Some((user, Some(hash))) if user.status == UserStatus::Active && password.is_some() => {
            Some(hash.clone())
        }
        _ => None,
    };
    let password = password.unwrap_or_else(PresentedPassword::none);
    let verification = context.hasher.verify(tenant_id, password, expected.clone()).await?;
    match (account, expected, verification) {
        (Some((user, _)), Some(old), Verification::Match { rehash }) => {
            if let Some(new) = rehash {
                strengthen(context, tenant, &user, old, new).await?;
            }
            Ok(Some(user))
        }
        (account, _, _) => {
            let target =
                account.map_or_else(|| "unknown".to_owned(), |(user, _)| user.id.to_string());
            let event = context.event(Action::SignInFailed, "anonymous", target, address);
            let recorded = context
                .db
                .write::<_, StorageError>(tenant_id, move |tx| tx.audit_events().append(&event));
            recorded.await?;
            Ok(None)
        }
    }
}

/// The stored hash was made with weaker parameters than today's.
async fn strengthen(
    context: &Context,
    tenant: &TenantSnapshot,
    user: &User,
    old: PasswordHash,
    new: PasswordHash,
) -> Result<(), Failure> {
    let id = user.id;
    let replaced = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        tx.users().replace_password(id, &old, &new).map(drop)
    });
    Ok(replaced.await?)
}
