//! Making users and changing what they may do.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Administrator, Problem, Undone, description};
use crate::crypto::password_strength;
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::clock::Timestamp;
use crate::domain::email_address::EmailAddress;
use crate::domain::identity::Identity;
use crate::domain::ids::{ApplicationId, FamilyId, ProviderId, SessionId, UserId};
use crate::domain::mail_order::{Letter, MailOrder};
use crate::domain::password::{NewPassword, PasswordHash};
use crate::domain::provider::Provider;
use crate::domain::refresh_family::{RefreshFamily, RevocationReason};
use crate::domain::role::{self, Role, RoleKey, TooManyRoles};
use crate::domain::session::BROWSER_IDLE_LIFE;
use crate::domain::tenant::{CONSOLE_SLUG, DisplayName, Tenant};
use crate::domain::user::{Profile, User, UserStatus};
use crate::flows::account::recovery;
use crate::flows::{Context, Failure, ties};
use crate::storage::{ListedSession, StorageError, TenantTx};

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

/// All that an admin sees of a user.
pub struct Detail {
    pub profile: Profile,
    pub has_password: bool,
    pub identities: Vec<Identity>,
    pub sessions: Vec<ListedSession>,
    pub families: Vec<RefreshFamily>,
}

pub async fn detail(context: &Context, tenant: &Tenant, id: UserId) -> Result<Detail, Problem> {
    let now = context.now();
    let found = context.db.read::<_, StorageError>(tenant.id, move |tx| detail_in(tx, id, now));
    found.await?.ok_or(Problem::Unknown)
}

fn detail_in(
    tx: &mut TenantTx<'_>,
    id: UserId,
    now: Timestamp,
) -> Result<Option<Detail>, StorageError> {
    let Some(profile) = tx.users().profile(id)? else { return Ok(None) };
    let families = tx.refresh_families().live_of_user(id, now)?;
    Ok(Some(Detail {
        profile,
        has_password: tx.users().password(id)?.is_some(),
        identities: tx.identities().list(id)?,
        sessions: tx.sessions().list(id, now - BROWSER_IDLE_LIFE, &families)?.sessions,
        families,
    }))
}

/// What the providers and applications are called that somebody's identities and refresh families are of.
#[derive(Default)]
pub struct Names {
    pub providers: HashMap<ProviderId, Provider>,
    pub applications: HashMap<ApplicationId, DisplayName>,
}

pub async fn names(
    context: &Context,
    tenant: &Tenant,
    identities: &[Identity],
    families: &[RefreshFamily],
) -> Result<Names, Problem> {
    let providers: HashSet<ProviderId> = identities.iter().map(|it| it.provider_id).collect();
    let applications: HashSet<ApplicationId> =
        families.iter().map(|it| it.grant.application_id).collect();
    let found = context.db.read::<_, StorageError>(tenant.id, move |tx| {
        let mut names = Names::default();
        if !providers.is_empty() {
            let of_tenant = tx.providers().list()?.into_iter().map(|stored| stored.provider);
            let named = of_tenant.filter(|provider| providers.contains(&provider.id));
            names.providers.extend(named.map(|provider| (provider.id, provider)));
        }
        for id in applications {
            if let Some(application) = tx.applications().find(id)? {
                names.applications.insert(id, application.name);
            }
        }
        Ok(names)
    });
    Ok(found.await?)
}

/// What the audit log says of the user; null if there is none.
pub(super) fn describe(
    tx: &mut TenantTx<'_>,
    id: UserId,
    now: Timestamp,
) -> Result<Value, StorageError> {
    let detail = detail_in(tx, id, now)?;
    Ok(detail.as_ref().map_or(Value::Null, description::user))
}

/// The newest `limit` users before `before`, the newest first.
pub async fn page(
    context: &Context,
    tenant: &Tenant,
    before: Option<UserId>,
    limit: i64,
) -> Result<Vec<User>, Problem> {
    let page =
        context.db.read::<_, StorageError>(tenant.id, move |tx| tx.users().page(before, limit));
    Ok(page.await?)
}

/// Users whose address, name or a word of it begins with `text`, or whose id it is.
pub async fn search(
    context: &Context,
    tenant: &Tenant,
    text: &str,
    limit: i64,
) -> Result<Vec<User>, Problem> {
    let (id, text) = (UserId::parse(text.trim()).ok(), text.trim().to_lowercase());
    let found = context.db.read::<_, StorageError>(tenant.id, move |tx| match id {
        Some(id) => Ok(tx.users().find(id)?.into_iter().collect()),
        None => tx.users().search(&text, limit),
    });
    Ok(found.await?)
}

/// The roles with these keys, in their order.
pub async fn roles_of(
    context: &Context,
    tenant: &Tenant,
    keys: Vec<RoleKey>,
) -> Result<Vec<Role>, Problem> {
    let found = context.db.read::<_, StorageError>(tenant.id, move |tx| {
        let mut found = Vec::new();
        for key in &keys {
            found.extend(tx.roles().find_by_key(key)?);
        }
        Ok(found)
    });
    Ok(found.await?)
}

/// Gives the user these roles and no others. `seen` is the version of those that the admin saw.
pub async fn assign_roles(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    id: UserId,
    seen: String,
    wanted: Vec<RoleKey>,
) -> Result<(), Problem> {
    let wanted = role::of_a_user(wanted).map_err(|why| Problem::input(why.to_string()))?;
    let event = admin.record(Action::RolesAssigned, id);
    let assigned = admin.db.write::<_, Undone>(tenant.id, move |tx| {
        if !tx.users().lock(id)? {
            return Err(Undone::Problem(Problem::Unknown));
        }
        let old = tx.users().roles(id)?;
        let before = description::roles(&old);
        Problem::unless_current(&before, Some(&seen)).map_err(Undone::Problem)?;
        for key in old.iter().filter(|key| !wanted.contains(key)) {
            if let Some(role) = tx.roles().find_by_key(key)? {
                tx.users().revoke_role(id, role.id)?;
            }
        }
        for key in wanted.iter().filter(|key| !old.contains(key)) {
            let Some(role) = tx.roles().find_by_key(key)? else {
                let why = format!("the role `{key}` is there no more; look at the user again");
                return Err(Undone::Problem(Problem::input(why)));
            };
            tx.users().grant_role(id, role.id)?;
        }
        let after = description::roles(&tx.users().roles(id)?);
        Ok(tx.audit_events().append(&event.with_change(&before, &after))?)
    });
    Ok(assigned.await?)
}

/// What an admin may do to an account, besides giving it roles. Nobody sets a password behind its owner's back.
#[derive(Clone, Debug)]
pub enum Act {
    /// `seen` is the version of the name that the admin saw.
    Rename {
        seen: Option<String>,
        name: Option<DisplayName>,
    },
    /// The admin vouches for the address.
    Verify,
    Disable,
    Enable,
    /// One, and the refresh families that came of it.
    EndSession(SessionId),
    /// The application gets no more tokens by it; the session goes on.
    EndFamily(FamilyId),
    EndSessions,
    /// The password works no more, and its owner is mailed a link to choose another.
    RequireReset,
    Delete,
}

pub async fn act(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    id: UserId,
    act: Act,
) -> Result<(), Problem> {
    let now = admin.now();
    let action = match &act {
        Act::Rename { .. } => Action::ProfileChanged,
        Act::Verify => Action::EmailVerified,
        Act::Disable => Action::UserDisabled,
        Act::Enable => Action::UserEnabled,
        Act::EndSession(_) => Action::SessionEnded,
        Act::EndFamily(_) => Action::FamilyEnded,
        Act::EndSessions => Action::SessionsEnded,
        Act::RequireReset => Action::ResetRequired,
        Act::Delete => Action::UserDeleted,
    };
    let user = detail(admin, tenant, id).await?.profile.user;
    let reset = admin.letter(tenant.id, Letter::ResetPassword, &user.email, None);
    let event = admin.record(action, id);
    let (tenant_id, is_console) = (tenant.id, tenant.slug.as_str() == CONSOLE_SLUG);
    let removed = admin.record(Action::MemberRemoved, id);
    let entropy = Arc::clone(&admin.entropy);
    let done = admin.db.system_write::<_, Undone>(move |system| {
        if is_console && matches!(act, Act::Delete) {
            let ties = ties::hold(system, tenant_id, id)?;
            if ties.bind() {
                return Err(Undone::Problem(Problem::input(ties.to_string())));
            }
            ties::leave(system, id, &user.email, &removed, &*entropy)?;
        }
        let tx = &mut system.tenant(tenant_id);
        if !tx.users().lock(id)? {
            return Err(Undone::Problem(Problem::Unknown));
        }
        let before = describe(tx, id, now)?;
        match act {
            Act::Rename { seen, name } => {
                let named = tx.users().find(id)?.and_then(|user| user.name);
                Problem::unless_current(&description::name(named.as_ref()), seen.as_deref())
                    .map_err(Undone::Problem)?;
                tx.users().rename(id, name.as_ref())?;
            }
            Act::Verify => drop(tx.users().verify_email(id, &user.email)?),
            Act::Disable => {
                tx.users().set_status(id, UserStatus::Disabled)?;
                tx.sessions().end_all(id, None, now)?;
            }
            Act::Enable => drop(tx.users().set_status(id, UserStatus::Active)?),
            Act::EndSession(session) => {
                if !tx.sessions().end_of(id, session, now)? {
                    return Err(Undone::Problem(Problem::Unknown));
                }
            }
            Act::EndFamily(family) => {
                let family = end_family(tx, id, family, now)?;
                return Ok(tx.audit_events().append(&event.about_family(&family, "ended"))?);
            }
            Act::EndSessions => end_sessions(tx, id, now)?,
            Act::RequireReset => {
                tx.users().drop_password(id)?;
                end_sessions(tx, id, now)?;
                recovery::void_links(tx, id)?;
                tx.mail_orders().insert(&reset)?;
            }
            Act::Delete => drop(tx.users().delete(id)?),
        }
        let event = event.with_change(&before, &describe(tx, id, now)?);
        Ok(tx.audit_events().append(&event)?)
    });
    done.await?;
    admin.mail_bell.notify_one();
    Ok(())
}

fn end_family(
    tx: &mut TenantTx<'_>,
    user: UserId,
    id: FamilyId,
    now: Timestamp,
) -> Result<RefreshFamily, Undone> {
    let unknown = || Undone::Problem(Problem::Unknown);
    let family = tx.refresh_families().find(id)?.ok_or_else(unknown)?;
    let is_theirs = family.grant.user_id == user;
    if !is_theirs || !tx.refresh_families().revoke(id, RevocationReason::SignedOut, now)? {
        return Err(unknown());
    }
    Ok(family)
}

fn end_sessions(tx: &mut TenantTx<'_>, id: UserId, now: Timestamp) -> Result<(), StorageError> {
    tx.sessions().end_all(id, None, now)?;
    tx.refresh_families().revoke_of_user(id, None, RevocationReason::SignedOut, now)?;
    Ok(())
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
    admin: &Administrator<'_>,
    tenant: &Tenant,
    user: &User,
    password: NewPassword,
) -> Result<(), Problem> {
    let personal = [user.email.as_str(), user.email.local_part(), tenant.name.as_str()];
    password_strength::check(&password, tenant.accounts.password_min_length, &personal)
        .map_err(|why| Problem::input(why.to_string()))?;
    let hash = admin.hasher.hash(tenant.id, password).await.map_err(Failure::from)?;
    let now = admin.now();
    let event = admin.record(Action::PasswordSet, user.id);
    let id = user.id;
    let set = admin.db.write::<_, StorageError>(tenant.id, move |tx| {
        tx.users().set_password(id, &hash)?;
        tx.sessions().end_all(id, None, now)?;
        recovery::void_links(tx, id)?;
        tx.audit_events().append(&event)
    });
    Ok(set.await?)
}

/// A disabled user cannot sign in, and their sessions end.
pub async fn disable(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    user: &User,
) -> Result<(), Problem> {
    act(admin, tenant, user.id, Act::Disable).await
}
