//! Who of the console's accounts may see or change a tenant.

use serde_json::json;

use super::users::{self, NewAccount, Way};
use super::{Administrator, Problem, Undone, description, operators};
use crate::domain::audit::Action;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::{TenantId, UserId};
use crate::domain::mail_order::Letter;
use crate::domain::member::{Member, MemberRole};
use crate::domain::tenant::{Slug, Tenant};
use crate::domain::user::User;
use crate::flows::Context;
use crate::flows::account::claim;
use crate::storage::StorageError;

/// A member with their account, which is a user of the built-in tenant.
pub struct ListedMember {
    pub member: Member,
    pub account: User,
}

/// The role of that account in the tenant.
pub async fn role(
    context: &Context,
    tenant: TenantId,
    account: UserId,
) -> Result<Option<MemberRole>, Problem> {
    let member =
        context.db.read::<_, StorageError>(tenant, move |tx| tx.members().find(account)).await?;
    Ok(member.map(|member| member.role))
}

/// A page of the tenants that the account is a member of, in the order of their slugs.
pub async fn tenants_of(
    context: &Context,
    account: UserId,
    after: Option<Slug>,
    limit: i64,
) -> Result<Vec<(Tenant, MemberRole)>, Problem> {
    let page = context.db.system_read::<_, StorageError>(move |tx| {
        tx.tenants().of_member(account, after.as_ref(), limit)
    });
    Ok(page.await?)
}

/// A page of the members, the oldest account first, after `after`. A member without an account is none any more.
pub async fn page(
    context: &Context,
    tenant: &Tenant,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<ListedMember>, Problem> {
    let members =
        context.db.read::<_, StorageError>(tenant.id, move |tx| tx.members().page(after, limit));
    let members = members.await?;
    with_accounts(context, members).await
}

/// The member with that address or id.
pub async fn search(
    context: &Context,
    tenant: &Tenant,
    text: &str,
) -> Result<Vec<ListedMember>, Problem> {
    let id = match (UserId::parse(text), EmailAddress::parse(text)) {
        (Ok(id), _) => Some(id),
        (Err(_), Ok(email)) => {
            let console = operators::console_tenant(context).await?;
            match users::find(context, &console, &email).await {
                Ok(account) => Some(account.id),
                Err(Problem::Input(_)) => None,
                Err(problem) => return Err(problem),
            }
        }
        (Err(_), Err(_)) => None,
    };
    let Some(id) = id else { return Ok(Vec::new()) };
    let member = context.db.read::<_, StorageError>(tenant.id, move |tx| tx.members().find(id));
    let members = member.await?.into_iter().collect();
    with_accounts(context, members).await
}

async fn with_accounts(
    context: &Context,
    members: Vec<Member>,
) -> Result<Vec<ListedMember>, Problem> {
    let console = operators::console_tenant(context).await?.id;
    let listed = context.db.read::<_, StorageError>(console, move |tx| {
        let mut listed = Vec::new();
        for member in members {
            if let Some(account) = tx.users().find(member.user_id)? {
                listed.push(ListedMember { member, account });
            }
        }
        Ok(listed)
    });
    Ok(listed.await?)
}

/// Adds the account of that address. Where there is none, one is made, for its owner to choose a password by a
/// mailed link. Where there is one whose address nobody has proved, it may be a stranger's: what they planted is
/// dropped, and its owner gets such a link, too.
pub async fn add(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    email: EmailAddress,
    role: MemberRole,
) -> Result<User, Problem> {
    let console = operators::console_tenant(admin).await?;
    let account = match users::find(admin, &console, &email).await {
        Ok(account) => account,
        Err(Problem::Input(_)) => {
            let new = NewAccount { email, name: None, roles: Vec::new(), way: Way::Invited };
            let account = users::add(admin, &console, new).await??;
            insert(admin, tenant, account.id, role).await?;
            return Ok(account);
        }
        Err(problem) => return Err(problem),
    };
    // First, so that whoever is a member already is not written to again.
    insert(admin, tenant, account.id, role).await?;
    let letter = match account.email_verified {
        true => Letter::Membership,
        false => Letter::Invitation,
    };
    let letter = admin.letter(console.id, letter, &account.email, Some(tenant.id.to_string()));
    let (id, is_proved, now) = (account.id, account.email_verified, admin.now());
    let ordered = admin.db.write::<_, StorageError>(console.id, move |tx| {
        if !is_proved {
            claim::evict(tx, id, now)?;
        }
        tx.mail_orders().insert(&letter)
    });
    ordered.await?;
    admin.mail_bell.notify_one();
    Ok(account)
}

pub(super) async fn insert(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    account: UserId,
    role: MemberRole,
) -> Result<(), Problem> {
    let member = Member { user_id: account, role, created_at: admin.now() };
    let (event, id) = (admin.record(Action::MemberAdded, account), tenant.id);
    let console = operators::console_tenant(admin).await?.id;
    let added = admin.db.system_write::<_, StorageError>(move |system| {
        let email = system.tenant(console).users().find(account)?.map(|account| account.email);
        let after = description::member(email.as_ref(), Some(role));
        let tx = &mut system.tenant(id);
        tx.members().insert(&member)?;
        tx.audit_events().append(&event.with_change(&json!(null), &after))
    });
    match added.await {
        Err(StorageError::Conflict) => Err(Problem::input("this account is a member already")),
        other => Ok(other?),
    }
}

/// Gives the member another role, or with `None` takes them out. The last owner stays one. `seen` is the version
/// that the change was made on; with `None` it is whatever there is.
pub async fn change(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    account: UserId,
    seen: Option<String>,
    role: Option<MemberRole>,
) -> Result<(), Problem> {
    let action = match role {
        Some(_) => Action::MemberChanged,
        None => Action::MemberRemoved,
    };
    let (event, id) = (admin.record(action, account), tenant.id);
    let console = operators::console_tenant(admin).await?.id;
    let changed = admin.db.system_write::<_, Undone>(move |system| {
        // Of two owners who leave at the same moment, one stays.
        system.tenants().lock(id)?;
        let member = system.tenant(id).members().find(account)?;
        let member = member.ok_or(Undone::Problem(Problem::Unknown))?;
        let email = system.tenant(console).users().find(account)?.map(|account| account.email);
        let before = description::member(email.as_ref(), Some(member.role));
        Problem::unless_current(&before, seen.as_deref()).map_err(Undone::Problem)?;
        let leaves = member.role == MemberRole::Owner && role != Some(MemberRole::Owner);
        if leaves && !system.has_other_owner(console, id, account)? {
            let why = "this is the last owner: make somebody else an owner first, so that the tenant has one";
            return Err(Undone::Problem(Problem::input(why)));
        }
        let tx = &mut system.tenant(id);
        match role {
            Some(role) => tx.members().set_role(account, role)?,
            None => tx.members().delete(account)?,
        };
        let event = event.with_change(&before, &description::member(email.as_ref(), role));
        Ok(tx.audit_events().append(&event)?)
    });
    Ok(changed.await?)
}
