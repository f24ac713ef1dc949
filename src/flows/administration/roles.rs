//! Making roles.

use super::{OPERATOR, Problem};
use crate::domain::audit::Action;
use crate::domain::ids::RoleId;
use crate::domain::role::{Role, RoleKey};
use crate::domain::tenant::Tenant;
use crate::flows::Context;
use crate::storage::StorageError;

/// Makes a role that ranks after those that are there.
pub async fn create(
    context: &Context,
    tenant: &Tenant,
    key: RoleKey,
    description: String,
) -> Result<Role, Problem> {
    if description.chars().count() > 500 || description.chars().any(char::is_control) {
        return Err(Problem::input("a description is at most 500 characters, without line breaks"));
    }
    let id = RoleId::generate(context.now(), &*context.entropy);
    let event = context.event(Action::RoleCreated, OPERATOR, id, None);
    let wanted = key.clone();
    let made = context
        .db
        .write::<_, StorageError>(tenant.id, move |tx| {
            let rank = tx.roles().list()?.last().map_or(1, |last| last.rank.saturating_add(1));
            let role = Role { id, key: wanted, description, rank };
            tx.roles().insert(&role)?;
            tx.audit_events().append(&event)?;
            Ok(role)
        })
        .await;
    match made {
        Ok(role) => Ok(role),
        Err(StorageError::Conflict) => {
            Err(Problem::input(format!("there is a role `{key}` already")))
        }
        Err(error) => Err(error.into()),
    }
}

pub async fn list(context: &Context, tenant: &Tenant) -> Result<Vec<Role>, Problem> {
    let roles = context.db.read::<_, StorageError>(tenant.id, |tx| tx.roles().list());
    Ok(roles.await?)
}
