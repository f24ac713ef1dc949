//! Signing in with e-mail and password. Whatever is wrong, the answer and the work are the same: one
//! look-up, one counted try, one hash, one audit event (OWASP ASVS 5 §6.3.8).

use super::throttle::{self, Charge, Charged, Credential, Guesser};
use crate::crypto::hashing_threads::Verification;
use crate::domain::activity::Kind;
use crate::domain::audit::Action;
use crate::domain::email_address::EmailAddress;
use crate::domain::identity::Subject;
use crate::domain::ids::ProviderId;
use crate::domain::password::{PasswordHash, PresentedPassword};
use crate::domain::session::Method;
use crate::domain::user::{User, UserStatus};
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::{StorageError, TenantTx};

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
    pub user: Box<User>,
    pub methods: Vec<Method>,
    pub witness: Witness,
    /// Given back when the session begins.
    pub charged: Charged,
}

/// What a proof rests on. If it is gone when the session is to begin, a recovery was faster, and whoever it has
/// put out stays out.
#[derive(Clone, Debug)]
pub enum Witness {
    Password(PasswordHash),
    Identity(ProviderId, Subject),
    /// A code: good for once, and spent.
    Spent,
}

impl Proof {
    pub fn of(user: User, method: Method, witness: Witness) -> Self {
        Self { user: Box::new(user), methods: vec![method], witness, charged: Charged::default() }
    }

    /// Whether a session may still begin by it.
    pub fn holds(&self, tx: &mut TenantTx<'_>) -> Result<bool, StorageError> {
        let id = self.user.id;
        // A recovery waits until the session is there to be ended, or was before and shows here.
        tx.users().lock(id)?;
        if tx.users().find(id)?.is_none_or(|user| user.status != UserStatus::Active) {
            return Ok(false);
        }
        match &self.witness {
            Witness::Password(hash) => Ok(tx.users().password(id)?.as_ref() == Some(hash)),
            Witness::Identity(provider, subject) => {
                let identity = tx.identities().find(*provider, subject)?;
                Ok(identity.is_some_and(|identity| identity.user_id == id))
            }
            Witness::Spent => Ok(true),
        }
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
            let hash = match rehash {
                Some(new) => strengthen(context, tenant, &user, old, new).await?,
                None => old,
            };
            if tenant.tenant.accounts.awaits_verification(&user) {
                return Ok(Outcome::Unverified(user));
            }
            let witness = Witness::Password(hash);
            Ok(Outcome::Proved(Proof { charged, ..Proof::of(user, Method::Password, witness) }))
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

/// The stored hash was made with weaker parameters than today's. Answers what is stored now: of two sign-ins at
/// once, one replaces it.
async fn strengthen(
    context: &Context,
    tenant: &TenantSnapshot,
    user: &User,
    old: PasswordHash,
    new: PasswordHash,
) -> Result<PasswordHash, Failure> {
    let id = user.id;
    let replaced = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        Ok(if tx.users().replace_password(id, &old, &new)? { new.clone() } else { old.clone() })
    });
    Ok(replaced.await?)
}
