//! Making users and changing what they may do.

use super::{OPERATOR, Problem};
use crate::crypto::password_strength;
use crate::domain::audit::Action;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::UserId;
use crate::domain::password::NewPassword;
use crate::domain::role::RoleKey;
use crate::domain::tenant::{DisplayName, Tenant};
use crate::domain::user::{User, UserStatus};
use crate::flows::{Context, Failure};
use crate::storage::StorageError;

pub struct NewUser {
    pub email: EmailAddress,
    pub email_verified: bool,
    pub name: Option<DisplayName>,
    pub roles: Vec<RoleKey>,
    pub password: NewPassword,
}

/// Why the transaction was undone.
enum Undone {
    NoSuchRole(RoleKey),
    Storage(StorageError),
}

impl From<StorageError> for Undone {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

pub async fn create(context: &Context, tenant: &Tenant, new: NewUser) -> Result<User, Problem> {
    let mut personal = vec![new.email.as_str(), new.email.local_part(), tenant.name.as_str()];
    personal.extend(new.name.as_ref().map(DisplayName::as_str));
    password_strength::check(&new.password, &personal)
        .map_err(|why| Problem::input(why.to_string()))?;
    let hash = context.hasher.hash(tenant.id, new.password).await.map_err(Failure::from)?;
    let now = context.now();
    let user = User {
        id: UserId::generate(now, &*context.entropy),
        email: new.email,
        email_verified: new.email_verified,
        name: new.name,
        picture: None,
        status: UserStatus::Active,
        created_at: now,
        deletes_at: None,
    };
    let event = context.event(Action::UserCreated, OPERATOR, user.id, None);
    let (row, mut roles) = (user.clone(), new.roles);
    roles.sort();
    roles.dedup();
    let made = context
        .db
        .write::<_, Undone>(tenant.id, move |tx| {
            tx.users().insert(&row, Some(&hash))?;
            for key in roles {
                let Some(role) = tx.roles().find_by_key(&key)? else {
                    return Err(Undone::NoSuchRole(key));
                };
                tx.users().grant_role(row.id, role.id)?;
            }
            Ok(tx.audit_events().append(&event)?)
        })
        .await;
    match made {
        Ok(()) => Ok(user),
        Err(Undone::NoSuchRole(key)) => Err(Problem::input(format!(
            "there is no role `{key}`; make it first: doorward role create --tenant {} --key {key}",
            tenant.slug
        ))),
        Err(Undone::Storage(StorageError::Conflict)) => {
            Err(Problem::input(format!("there is a user {} already", user.email)))
        }
        Err(Undone::Storage(error)) => Err(error.into()),
    }
}

pub async fn find(
    context: &Context,
    tenant: &Tenant,
    email: &EmailAddress,
) -> Result<User, Problem> {
    let wanted = email.clone();
    let found = context
        .db
        .read::<_, StorageError>(tenant.id, move |tx| tx.users().find_by_email(&wanted))
        .await?;
    let (user, _) = found
        .ok_or_else(|| Problem::input(format!("tenant `{}` has no user {email}", tenant.slug)))?;
    Ok(user)
}

/// Sets the password and ends the user's sessions: whoever knew the old one is out.
pub async fn set_password(
    context: &Context,
    tenant: &Tenant,
    user: &User,
    password: NewPassword,
) -> Result<(), Problem> {
    let personal = [user.email.as_str(), user.email.local_part(), tenant.name.as_str()];
    password_strength::check(&password, &personal)
        .map_err(|why| Problem::input(why.to_string()))?;
    let hash = context.hasher.hash(tenant.id, password).await.map_err(Failure::from)?;
    let now = context.now();
    let event = context.event(Action::PasswordSet, OPERATOR, user.id, None);
    let id = user.id;
    let set = context.db.write::<_, StorageError>(tenant.id, move |tx| {
        tx.users().set_password(id, &hash)?;
        tx.sessions().end_all(id, None, now)?;
        tx.audit_events().append(&event)
    });
    Ok(set.await?)
}

/// A disabled user cannot sign in, and their sessions end.
pub async fn disable(context: &Context, tenant: &Tenant, user: &User) -> Result<(), Problem> {
    let now = context.now();
    let event = context.event(Action::UserDisabled, OPERATOR, user.id, None);
    let id = user.id;
    let disabled = context.db.write::<_, StorageError>(tenant.id, move |tx| {
        tx.users().set_status(id, UserStatus::Disabled)?;
        tx.sessions().end_all(id, None, now)?;
        tx.audit_events().append(&event)
    });
    Ok(disabled.await?)
}
