//! What holds a console account: nobody leaves a tenant without an owner, or the deployment without an operator.

use std::fmt;

use serde_json::{Value, json};

use crate::domain::audit::AuditEvent;
use crate::domain::email_address::EmailAddress;
use crate::domain::entropy::Entropy;
use crate::domain::ids::{AuditEventId, TenantId, UserId};
use crate::domain::member::MemberRole;
use crate::storage::{StorageError, SystemTx};

/// What nobody else would look after if the account went.
#[derive(Debug)]
pub struct Ties {
    /// Name and slug.
    tenants: Vec<(String, String)>,
    is_last_operator: bool,
}

impl Ties {
    /// Whether the account has to stay.
    pub fn bind(&self) -> bool {
        self.is_last_operator || !self.tenants.is_empty()
    }
}

impl fmt::Display for Ties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenants: Vec<_> =
            self.tenants.iter().map(|(name, slug)| format!("{name} ({slug})")).collect();
        if !tenants.is_empty() {
            write!(
                f,
                "This account is the only owner of {}. Make somebody else an owner on the Members page of each in \
                 the console, or delete the tenant on its Settings page; then this account can be deleted. ",
                tenants.join(", ")
            )?;
        }
        if self.is_last_operator {
            f.write_str(
                "This account is the last operator of this deployment. Make another with `doorward operator create`; \
                 then this account can be deleted.",
            )?;
        }
        Ok(())
    }
}

/// What holds the account, a user of the built-in tenant `console`. Until this transaction ends, nobody else leaves
/// any of it: of two owners who go at the same moment, one stays. A tenant that is about to be deleted holds nobody.
pub fn hold(
    tx: &mut SystemTx<'_>,
    console: TenantId,
    account: UserId,
) -> Result<Ties, StorageError> {
    let owned = tx.memberships(account)?.into_iter();
    let owned = owned.filter(|(_, role)| *role == MemberRole::Owner).map(|(tenant, _)| tenant);
    let mut locked: Vec<TenantId> = owned.clone().collect();
    let is_operator = tx.tenant(console).operators().contains(account)?;
    if is_operator {
        locked.push(console);
    }
    // Everybody locks in the same order.
    locked.sort();
    locked.dedup();
    for tenant in locked {
        tx.tenants().lock(tenant)?;
    }
    let mut tenants = Vec::new();
    for id in owned {
        let Some(tenant) = tx.tenants().find(id)? else { continue };
        if tenant.deletes_at.is_none() && !tx.has_other_owner(console, id, account)? {
            tenants.push((tenant.name.to_string(), tenant.slug.to_string()));
        }
    }
    let is_last_operator = is_operator && !tx.has_other_operator(console, account)?;
    Ok(Ties { tenants, is_last_operator })
}

/// An account that is gone is a member nowhere any more: else it would count as an owner. Each tenant is told, by
/// an event like `removed`.
pub fn leave(
    tx: &mut SystemTx<'_>,
    account: UserId,
    email: &EmailAddress,
    removed: &AuditEvent,
    entropy: &dyn Entropy,
) -> Result<(), StorageError> {
    for (tenant, role) in tx.memberships(account)? {
        let scope = &mut tx.tenant(tenant);
        scope.members().delete(account)?;
        let id = AuditEventId::generate(removed.at, entropy);
        let before = json!({ "email": email.as_str(), "role": role.as_str() });
        let event = AuditEvent { id, ..removed.clone() }.with_change(&before, &Value::Null);
        scope.audit_events().append(&event)?;
    }
    Ok(())
}
