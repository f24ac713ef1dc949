//! Console accounts that see every tenant: users of the built-in tenant `console`.

use serde_json::json;

use super::tenants::{self, NewTenant, TenantChange};
use super::users::{self, NewUser};
use super::{Administrator, Problem};
use crate::domain::audit::Action;
use crate::domain::ids::UserId;
use crate::domain::tenant::{
    AccountPolicy, CONSOLE_SLUG, DisplayName, EmailVerification, SignUp, Slug, Tenant,
};
use crate::domain::user::User;
use crate::flows::{Context, Failure};
use crate::storage::{AuditFilter, StorageError, TenantTx};

/// The built-in tenant, made at its first use.
pub async fn console_tenant(context: &Context) -> Result<Tenant, Problem> {
    let slug = Slug::parse(CONSOLE_SLUG).map_err(|error| Failure::Internal(error.to_string()))?;
    if let Ok(tenant) = tenants::find(context, &slug).await {
        return Ok(tenant);
    }
    let name = DisplayName::parse("Doorward Console")
        .map_err(|error| Failure::Internal(error.to_string()))?;
    let accounts = AccountPolicy {
        sign_up: SignUp::Closed,
        // Members are invited by their address: nobody may have an account under somebody else's.
        email_verification: EmailVerification::Required,
        ..AccountPolicy::default()
    };
    let new = NewTenant { slug: slug.clone(), name, domain: None, accounts };
    match tenants::create(&Administrator::command_line(context), new).await {
        // Another process was faster.
        Err(Problem::Input(_)) => tenants::find(context, &slug).await,
        made => made,
    }
}

/// Who may make a console account by themselves; with [`SignUp::Closed`] operators and owners invite.
pub async fn set_sign_up(context: &Context, sign_up: SignUp) -> Result<(), Problem> {
    let console = console_tenant(context).await?;
    if console.accounts.sign_up == sign_up {
        return Ok(());
    }
    let change = TenantChange { sign_up: Some(sign_up), ..TenantChange::default() };
    tenants::change(&Administrator::command_line(context), &console.slug, change).await.map(drop)
}

/// Whether the account, a user of the built-in tenant, sees every tenant.
pub async fn is_operator(context: &Context, account: UserId) -> Result<bool, Problem> {
    let console = console_tenant(context).await?.id;
    let found =
        context.db.read::<_, StorageError>(console, move |tx| tx.operators().contains(account));
    Ok(found.await?)
}

/// Whether there is any operator yet, or ever was one: the link to the first account works before that alone.
pub async fn existed(context: &Context) -> Result<bool, Problem> {
    let console = console_tenant(context).await?.id;
    Ok(context.db.read::<_, StorageError>(console, ever).await?)
}

/// The audit log forgets nothing.
fn ever(tx: &mut TenantTx<'_>) -> Result<bool, StorageError> {
    let created = AuditFilter { action: Some(Action::OperatorCreated), ..AuditFilter::default() };
    Ok(tx.operators().exist()? || !tx.audit_events().page(&created, None, 1)?.is_empty())
}

/// Tells the tenant that an operator who is no member of it looks at its pages.
pub async fn enter(operator: &Administrator<'_>, tenant: &Tenant) -> Result<(), Problem> {
    let event = operator.record(Action::OperatorEntered, tenant.id);
    let told =
        operator.db.write::<_, StorageError>(tenant.id, move |tx| tx.audit_events().append(&event));
    Ok(told.await?)
}

/// The same while there was no operator yet; of several at once one becomes it. `None` for the others, of whom
/// nothing stays.
pub async fn create_first(
    admin: &Administrator<'_>,
    new: NewUser,
) -> Result<Option<User>, Problem> {
    let tenant = console_tenant(admin).await?;
    let user = users::create(admin, &tenant, new).await?;
    let after = json!({ "email": user.email.as_str() });
    let event = admin.record_change(Action::OperatorCreated, user.id, &json!(null), &after);
    let (id, now) = (user.id, admin.now());
    let made = admin.db.system_write::<_, StorageError>(move |tx| {
        tx.tenants().lock(tenant.id)?;
        let mut scope = tx.tenant(tenant.id);
        if ever(&mut scope)? {
            scope.users().delete(id)?;
            return Ok(false);
        }
        scope.operators().insert(id, now)?;
        scope.audit_events().append(&event)?;
        Ok(true)
    });
    Ok(made.await?.then_some(user))
}

pub async fn create(admin: &Administrator<'_>, new: NewUser) -> Result<User, Problem> {
    let tenant = console_tenant(admin).await?;
    let user = users::create(admin, &tenant, new).await?;
    let after = json!({ "email": user.email.as_str() });
    let event = admin.record_change(Action::OperatorCreated, user.id, &json!(null), &after);
    let (id, now) = (user.id, admin.now());
    let made = admin.db.write::<_, StorageError>(tenant.id, move |tx| {
        tx.operators().insert(id, now)?;
        tx.audit_events().append(&event)
    });
    made.await?;
    Ok(user)
}
