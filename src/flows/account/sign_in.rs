//! Signing in with e-mail and password. Whatever is wrong, the answer and the work are the same: one
//! look-up, one counted try, one hash, one audit event (OWASP ASVS 5 §6.3.8).

use super::throttle::{self, Charge, Charged, Credential, Guesser};
use crate::crypto::hashing_threads::Verification;
use crate::domain::activity::Kind;
use crate::domain::audit::Action;
use crate::domain::email_address::EmailAddress;
use crate::domain::password::{PasswordHash, PresentedPassword};
use crate::domain::session::Method;
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

/// Somebody has just proved that they are this user: a session may begin. A second factor, once there is
/// one, stands between this and the session.
#[derive(Clone, Debug)]
pub struct Proof {
    pub user: User,
    pub methods: Vec<Method>,
    /// Given back when the session begins.
    pub charged: Charged,
}

impl Proof {
    pub fn of(user: User, method: Method) -> Self {
        Self { user, methods: vec![method], charged: Charged::default() }
    }
}

pub enum Outcome {
    Proved(Proof),
    /// Unknown, wrong, disabled or without a password: one answer for all of them.
    Wrong,
    /// The password is right, but the tenant wants the address verified first.
    Unverified(User),
    /// Too many tries: wait so many seconds.
    TooMany {
        retry_after: u64,
    },
}

pub async fn with_password(
    context: &Context,
    tenant: &TenantSnapshot,
    credentials: Credentials,
    guesser: &Guesser,
) -> Result<Outcome, Failure> {
    let tenant_id = tenant.tenant.id;
    let Credentials { email, password } = credentials;
    // A flood is told so at once, and costs its accounts no tries.
    context.hasher.has_room_for(tenant_id)?;
    let key = email.as_ref().map(|email| email.key().to_owned()).unwrap_or_default();
    let account = context
        .db
        .read::<_, StorageError>(tenant_id, move |tx| match &email {
            Some(email) => tx.users().find_by_email(email),
            None => Ok(None),
        })
        .await?;
    let user_id = account.as_ref().map(|(user, _)| user.id);
    let charged =
        match throttle::charge(context, tenant, Credential::Password, &key, user_id, guesser)
            .await?
        {
            Charge::Granted(charged) => charged,
            Charge::Refused { retry_after } => return Ok(Outcome::TooMany { retry_after }),
        };
    // An unknown, disabled or password-less account costs a hash like any other.
    let expected = match &account {
        Some((user, Some(hash))) if user.status == UserStatus::Active && password.is_some() => {
            Some(hash.clone())
        }
        _ => None,
    };
    let password = password.unwrap_or_else(PresentedPassword::none);
    let verification = match context.hasher.verify(tenant_id, password, expected.clone()).await {
        Ok(verification) => verification,
        Err(overloaded) => {
            let now = context.now();
            let given_back = context
                .db
                .write::<_, StorageError>(tenant_id, move |tx| charged.give_back(tx, now));
            given_back.await?;
            return Err(overloaded.into());
        }
    };
    match (account, expected, verification) {
        (Some((user, _)), Some(old), Verification::Match { rehash }) => {
            if let Some(new) = rehash {
                strengthen(context, tenant, &user, old, new).await?;
            }
            if tenant.tenant.accounts.awaits_verification(&user) {
                return Ok(Outcome::Unverified(user));
            }
            Ok(Outcome::Proved(Proof { charged, ..Proof::of(user, Method::Password) }))
        }
        (account, _, _) => {
            let target =
                account.map_or_else(|| "unknown".to_owned(), |(user, _)| user.id.to_string());
            context.activity.count(tenant_id, Kind::SignInFailure, context.now());
            let address = guesser.address.as_deref();
            let event = context.event(Action::SignInFailed, "anonymous", target, address);
            let recorded = context
                .db
                .write::<_, StorageError>(tenant_id, move |tx| tx.audit_events().append(&event));
            recorded.await?;
            Ok(Outcome::Wrong)
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
