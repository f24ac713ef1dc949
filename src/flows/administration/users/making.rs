//! Making users: with a password, by invitation, or without either.

use serde_json::json;

use super::describe;
use crate::crypto::password_strength;
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::UserId;
use crate::domain::mail_order::{Letter, MailOrder};
use crate::domain::password::{NewPassword, PasswordHash};
use crate::domain::role::{self, RoleKey, TooManyRoles};
use crate::domain::tenant::{DisplayName, Tenant};
use crate::domain::user::{User, UserStatus};
use crate::flows::Failure;
use crate::flows::administration::{Administrator, Problem};
use crate::storage::StorageError;

pub struct NewUser {
    pub email: EmailAddress,
    pub email_verified: bool,
    pub name: Option<DisplayName>,
    pub roles: Vec<RoleKey>,
    pub password: NewPassword,
}

pub async fn create(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    new: NewUser,
) -> Result<User, Problem> {
    let mut personal = vec![new.email.as_str(), new.email.local_part(), tenant.name.as_str()];
    personal.extend(new.name.as_ref().map(DisplayName::as_str));
    password_strength::check(&new.password, tenant.accounts.password_min_length, &personal)
        .map_err(|why| Problem::input(why.to_string()))?;
    let hash = admin.hasher.hash(tenant.id, new.password).await.map_err(Failure::from)?;
    let user = user(admin, new.email, new.name, new.email_verified);
    let event = admin.record(Action::UserCreated, user.id);
    match make(admin, tenant, user, new.roles, Making { hash: Some(hash), letter: None, event })
        .await?
    {
        Ok(user) => Ok(user),
        Err(Unfit::NoRole(key)) => Err(Problem::input(format!(
            "there is no role `{key}`; make it first: doorward role create --tenant {} --key {key}",
            tenant.slug
        ))),
        Err(unfit) => Err(unfit.into()),
    }
}

/// An account that an admin makes for somebody else, who alone chooses its password.
pub struct NewAccount {
    pub email: EmailAddress,
    pub name: Option<DisplayName>,
    pub roles: Vec<RoleKey>,
    pub way: Way,
}

/// How its owner gets into a new account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// They are mailed a link to choose a password by.
    Invited,
    /// They are told nothing, and get in by what needs no password: recovery, an e-mailed code, a provider.
    Created { email_verified: bool },
}

/// Why there is no such account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("there is a user {0} already")]
    Taken(EmailAddress),
    #[error("there is no role `{0}`")]
    NoRole(RoleKey),
    #[error(transparent)]
    TooManyRoles(#[from] TooManyRoles),
}

impl From<Unfit> for Problem {
    fn from(unfit: Unfit) -> Self {
        Self::Input(unfit.to_string())
    }
}

/// Makes an account without a password, with its roles.
pub async fn add(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    new: NewAccount,
) -> Result<Result<User, Unfit>, Problem> {
    let (action, email_verified) = match new.way {
        Way::Invited => (Action::UserInvited, false),
        Way::Created { email_verified } => (Action::UserCreated, email_verified),
    };
    let user = user(admin, new.email, new.name, email_verified);
    let letter = (new.way == Way::Invited)
        .then(|| admin.letter(tenant.id, Letter::Invitation, &user.email, None));
    let event = admin.record(action, user.id);
    make(admin, tenant, user, new.roles, Making { hash: None, letter, event }).await
}

fn user(
    admin: &Administrator<'_>,
    email: EmailAddress,
    name: Option<DisplayName>,
    email_verified: bool,
) -> User {
    let now = admin.now();
    User {
        id: UserId::generate(now, &*admin.entropy),
        email,
        email_verified,
        name,
        picture: None,
        status: UserStatus::Active,
        created_at: now,
        deletes_at: None,
    }
}

/// What comes with a new account.
struct Making {
    hash: Option<PasswordHash>,
    letter: Option<MailOrder>,
    event: AuditEvent,
}

enum Unmade {
    Unfit(Unfit),
    Storage(StorageError),
}

impl From<StorageError> for Unmade {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

async fn make(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    user: User,
    roles: Vec<RoleKey>,
    making: Making,
) -> Result<Result<User, Unfit>, Problem> {
    let roles = match role::of_a_user(roles) {
        Ok(roles) => roles,
        Err(too_many) => return Ok(Err(too_many.into())),
    };
    let row = user.clone();
    let made = admin.db.write::<_, Unmade>(tenant.id, move |tx| {
        let Making { hash, letter, event } = making;
        tx.users().insert(&row, hash.as_ref())?;
        for key in roles {
            let Some(role) = tx.roles().find_by_key(&key)? else {
                return Err(Unmade::Unfit(Unfit::NoRole(key)));
            };
            tx.users().grant_role(row.id, role.id)?;
        }
        if let Some(letter) = letter {
            tx.mail_orders().insert(&letter)?;
        }
        let after = describe(tx, row.id, row.created_at)?;
        Ok(tx.audit_events().append(&event.with_change(&json!(null), &after))?)
    });
    match made.await {
        Ok(()) => {
            admin.mail_bell.notify_one();
            Ok(Ok(user))
        }
        Err(Unmade::Storage(StorageError::Conflict)) => Ok(Err(Unfit::Taken(user.email))),
        Err(Unmade::Unfit(unfit)) => Ok(Err(unfit)),
        Err(Unmade::Storage(error)) => Err(error.into()),
    }
}
