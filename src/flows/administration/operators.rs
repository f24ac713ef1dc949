//! Console accounts that see every tenant: users of the built-in tenant `console`.

use super::tenants::{self, NewTenant};
use super::users::{self, NewUser};
use super::{OPERATOR, Problem};
use crate::domain::audit::Action;
use crate::domain::tenant::{CONSOLE_SLUG, DisplayName, SignUp, Slug, Tenant};
use crate::domain::user::User;
use crate::flows::{Context, Failure};
use crate::storage::StorageError;

/// The built-in tenant, made at its first use.
pub async fn console_tenant(context: &Context) -> Result<Tenant, Problem> {
    let slug = Slug::parse(CONSOLE_SLUG).map_err(|error| Failure::Internal(error.to_string()))?;
    if let Ok(tenant) = tenants::find(context, &slug).await {
        return Ok(tenant);
    }
    let name = DisplayName::parse("Doorward Console")
        .map_err(|error| Failure::Internal(error.to_string()))?;
    let new = NewTenant { slug: slug.clone(), name, domain: None, sign_up: SignUp::Closed };
    match tenants::create(context, new).await {
        // Another process was faster.
        Err(Problem::Input(_)) => tenants::find(context, &slug).await,
        made => made,
    }
}

pub async fn create(context: &Context, new: NewUser) -> Result<User, Problem> {
    let tenant = console_tenant(context).await?;
    let user = users::create(context, &tenant, new).await?;
    let event = context.event(Action::OperatorCreated, OPERATOR, user.id, None);
    let (id, now) = (user.id, context.now());
    let made = context.db.write::<_, StorageError>(tenant.id, move |tx| {
        tx.operators().insert(id, now)?;
        tx.audit_events().append(&event)
    });
    made.await?;
    Ok(user)
}
