//! Looking after one's account: name, password, sessions, apps, one's data, and its end.

use std::time::Duration;

use serde_json::{Value, json};

use super::authority::{Acted, Freshness};
use super::session::SignedInBrowser;
use super::{password_choice, recovery};
use crate::domain::application::Party;
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::clock::Timestamp;
use crate::domain::consent::Consent;
use crate::domain::identity::Identity;
use crate::domain::ids::{ApplicationId, SessionId};
use crate::domain::mail_order::Letter;
use crate::domain::password::PasswordProblem;
use crate::domain::refresh_family::{RefreshFamily, RevocationReason};
use crate::domain::session::BROWSER_IDLE_LIFE;
use crate::domain::tenant::{CONSOLE_SLUG, DisplayName};
use crate::flows::ties::{self, Ties};
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::{AuditFilter, Device, ListedSession, SessionList, StorageError};

/// What the account page shows.
pub struct Overview {
    pub sessions: SessionList,
    pub applications: Vec<ConnectedApplication>,
    pub has_password: bool,
}

/// An application that holds tokens of the user, or that the user allowed to ask for them.
pub struct ConnectedApplication {
    pub id: ApplicationId,
    pub name: String,
    pub party: Party,
    pub last_used_at: Option<Timestamp>,
}

pub async fn overview(
    context: &Context,
    tenant: &TenantSnapshot,
    browser: &SignedInBrowser,
) -> Result<Overview, Failure> {
    let (user, now) = (browser.profile.user.id, context.now());
    let (sessions, families, consents, password) = context
        .db
        .read::<_, StorageError>(tenant.tenant.id, move |tx| {
            let families = tx.refresh_families().live_of_user(user, now)?;
            let sessions = tx.sessions().list(user, now - BROWSER_IDLE_LIFE, &families)?;
            let consents = tx.consents().of_user(user)?;
            Ok((sessions, families, consents, tx.users().password(user)?))
        })
        .await?;
    let applications = connected(tenant, &families, &consents);
    Ok(Overview { sessions, applications, has_password: password.is_some() })
}

fn connected(
    tenant: &TenantSnapshot,
    families: &[RefreshFamily],
    consents: &[Consent],
) -> Vec<ConnectedApplication> {
    tenant
        .applications()
        .filter_map(|application| {
            let of_application =
                |family: &&RefreshFamily| family.grant.application_id == application.id;
            let used = families.iter().filter(of_application);
            let last_used_at = used.map(|family| family.rotated_at).max();
            let allowed = consents.iter().any(|consent| consent.application_id == application.id);
            (last_used_at.is_some() || allowed).then(|| ConnectedApplication {
                id: application.id,
                name: application.name.to_string(),
                party: application.party,
                last_used_at,
            })
        })
        .collect()
}

pub async fn rename(
    context: &Context,
    tenant: &TenantSnapshot,
    browser: &SignedInBrowser,
    name: Option<DisplayName>,
    address: Option<&str>,
) -> Result<Acted, Failure> {
    let user = browser.profile.user.id;
    let name_of = |name: Option<&DisplayName>| json!({ "name": name.map(DisplayName::as_str) });
    let before = name_of(browser.profile.user.name.as_ref());
    let event = context
        .event(Action::ProfileChanged, user, user, address)
        .with_change(&before, &name_of(name.as_ref()));
    let renamed = browser.act(context, tenant, Freshness::Any, move |tx| {
        tx.users().rename(user, name.as_ref())?;
        tx.audit_events().append(&event)
    });
    renamed.await
}

/// Sets the password of a user who has just proved who they are. All other sessions end; the one that the
/// browser has goes on.
pub async fn change_password(
    context: &Context,
    tenant: &TenantSnapshot,
    browser: &SignedInBrowser,
    password: &str,
    address: Option<&str>,
) -> Result<Result<Acted, PasswordProblem>, Failure> {
    let user = &browser.profile.user;
    let password = match password_choice::check(tenant, user, password) {
        Ok(password) => password,
        Err(problem) => return Ok(Err(problem)),
    };
    let hash = context.hasher.hash(tenant.tenant.id, password).await?;
    let (id, current, now) = (user.id, browser.session.id, context.now());
    let event = context.event(Action::PasswordChanged, id, id, address);
    let told = context.letter(tenant.tenant.id, Letter::PasswordChanged, &user.email, None);
    let changed = browser.act(context, tenant, Freshness::Fresh, move |tx| {
        tx.users().set_password(id, &hash)?;
        tx.sessions().end_all(id, Some(current), now)?;
        recovery::void_links(tx, id)?;
        tx.mail_orders().insert(&told)?;
        tx.audit_events().append(&event)
    });
    let changed = changed.await?;
    context.mail_bell.notify_one();
    Ok(Ok(changed))
}

/// Which sessions to end.
#[derive(Clone, Copy, Debug)]
pub enum Ended {
    One(SessionId),
    AllOthers,
}

pub async fn end_sessions(
    context: &Context,
    tenant: &TenantSnapshot,
    browser: &SignedInBrowser,
    which: Ended,
    address: Option<&str>,
) -> Result<Acted, Failure> {
    let (user, current, now) = (browser.profile.user.id, browser.session.id, context.now());
    let target = match which {
        Ended::One(id) => id.to_string(),
        Ended::AllOthers => user.to_string(),
    };
    let event = context.event(Action::SessionEnded, user, target, address);
    let ended = browser.act(context, tenant, Freshness::Any, move |tx| {
        let ended = match which {
            Ended::One(id) => usize::from(tx.sessions().end_of(user, id, now)?),
            Ended::AllOthers => tx.sessions().end_all(user, Some(current), now)?,
        };
        if ended > 0 { tx.audit_events().append(&event) } else { Ok(()) }
    });
    ended.await
}

/// Takes back what an application was allowed, and the tokens that it holds.
pub async fn disconnect(
    context: &Context,
    tenant: &TenantSnapshot,
    browser: &SignedInBrowser,
    application: ApplicationId,
    address: Option<&str>,
) -> Result<Acted, Failure> {
    let (user, now) = (browser.profile.user.id, context.now());
    let event = context.event(Action::ConsentRevoked, user, application, address);
    let disconnected = browser.act(context, tenant, Freshness::Any, move |tx| {
        tx.consents().delete(user, application)?;
        let reason = RevocationReason::UserRevoked;
        tx.refresh_families().revoke_of_user(user, Some(application), reason, now)?;
        tx.audit_events().append(&event)
    });
    disconnected.await
}

/// Plans the account's deletion after the tenant's grace period: all sessions end but this one, which may
/// still take it back. What is planned already stays as it is, and nobody is told twice. Whoever is the only owner
/// of a tenant, or the last operator, is told so instead.
pub async fn plan_deletion(
    context: &Context,
    tenant: &TenantSnapshot,
    browser: &SignedInBrowser,
    address: Option<&str>,
) -> Result<Acted<Result<(), Ties>>, Failure> {
    let user = &browser.profile.user;
    let (id, current, now) = (user.id, browser.session.id, context.now());
    let (tenant_id, is_console) = (tenant.tenant.id, tenant.tenant.slug.as_str() == CONSOLE_SLUG);
    let days = u64::from(tenant.tenant.accounts.deletion_grace_days);
    let at = now + Duration::from_secs(days * 24 * 60 * 60);
    let event = context
        .event(Action::DeletionPlanned, id, id, address)
        .with_change(&json!({ "deletes_at": null }), &json!({ "deletes_at": at.to_string() }));
    let told = context.letter(tenant.tenant.id, Letter::DeletionPlanned, &user.email, None);
    let authority = browser.authority(Freshness::Fresh, now);
    let planned = context.db.system_write::<_, StorageError>(move |system| {
        let ties = if is_console { Some(ties::hold(system, tenant_id, id)?) } else { None };
        let tx = &mut system.tenant(tenant_id);
        if !authority.stands(tx)? {
            return Ok(Acted::SignedOut);
        }
        if let Some(ties) = ties.filter(Ties::bind) {
            return Ok(Acted::Done(Err(ties)));
        }
        if !tx.users().plan_deletion(id, at)? {
            return Ok(Acted::Done(Ok(())));
        }
        tx.sessions().end_all(id, Some(current), now)?;
        tx.refresh_families().revoke_of_user(id, None, RevocationReason::UserRevoked, now)?;
        tx.mail_orders().insert(&told)?;
        tx.audit_events().append(&event)?;
        Ok(Acted::Done(Ok(())))
    });
    let planned = planned.await?;
    context.mail_bell.notify_one();
    Ok(planned)
}

pub async fn keep_account(
    context: &Context,
    tenant: &TenantSnapshot,
    browser: &SignedInBrowser,
    address: Option<&str>,
) -> Result<Acted, Failure> {
    let user = browser.profile.user.id;
    let planned = browser.profile.user.deletes_at.map(|at| at.to_string());
    let event = context
        .event(Action::DeletionCancelled, user, user, address)
        .with_change(&json!({ "deletes_at": planned }), &json!({ "deletes_at": null }));
    let kept = browser.act(context, tenant, Freshness::Any, move |tx| {
        if tx.users().keep(user)? { tx.audit_events().append(&event) } else { Ok(()) }
    });
    kept.await
}

/// Whoever has not shown who they are, as the audit log calls them.
const ANONYMOUS: &str = "anonymous";
/// Events of the audit log that a user takes along; the newest.
const EVENTS_TAKEN_ALONG: i64 = 1_000;

/// All that is known of the user, for them to take along. Of the audit log, the newest events.
pub async fn download(
    context: &Context,
    tenant: &TenantSnapshot,
    browser: &SignedInBrowser,
) -> Result<Value, Failure> {
    let Overview { sessions, applications, has_password } =
        overview(context, tenant, browser).await?;
    let user = &browser.profile.user;
    let id = user.id;
    let about = AuditFilter { about: Some(vec![id.to_string()]), ..AuditFilter::default() };
    let (identities, consents, events) = context
        .db
        .read::<_, StorageError>(tenant.tenant.id, move |tx| {
            let events = tx.audit_events().page(&about, None, EVENTS_TAKEN_ALONG)?;
            Ok((tx.identities().list(id)?, tx.consents().of_user(id)?, events))
        })
        .await?;
    let linked = |identity: &Identity| {
        let provider = tenant.provider_by_id(identity.provider_id);
        json!({
            "provider": provider.map(|stored| stored.provider.name.as_str()),
            "subject": identity.subject.as_str(),
            "email": identity.email,
            "name": identity.name.as_ref().map(DisplayName::as_str),
            "picture": identity.picture,
            "linked_at": identity.linked_at.rfc3339(),
            "last_used_at": identity.last_used_at.rfc3339(),
        })
    };
    let allowed = |consent: &Consent| {
        let application = tenant.application(consent.application_id);
        json!({
            "client_id": consent.application_id,
            "name": application.map(|application| application.name.as_str()),
            "scope": consent.scopes.to_string(),
            "granted_at": consent.granted_at.rfc3339(),
        })
    };
    let own = id.to_string();
    let happened = |event: &AuditEvent| {
        // Who runs the tenant, and from where, is not the user's own.
        let is_an_admins = event.actor != own && event.actor != ANONYMOUS;
        json!({
            "at": event.at.rfc3339(),
            "action": event.action.as_str(),
            "actor": if is_an_admins { "admin" } else { &event.actor },
            "target": event.target,
            "address": event.address.as_ref().filter(|_| !is_an_admins),
        })
    };
    let listed = |ListedSession { session, device: Device { user_agent, address } }: &_| {
        json!({
            "id": session.id,
            "signed_in_at": session.created_at.rfc3339(),
            "last_used_at": session.last_seen_at.rfc3339(),
            "device": user_agent,
            "address": address,
        })
    };
    Ok(json!({
        "id": user.id,
        "email": user.email.as_str(),
        "email_verified": user.email_verified,
        "name": user.name.as_ref().map(DisplayName::as_str),
        "picture": user.picture,
        "has_password": has_password,
        "created_at": user.created_at.rfc3339(),
        "deletion_planned_at": user.deletes_at.map(|at| at.to_string()),
        "roles": browser.profile.roles.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "sessions": sessions.sessions.iter().map(listed).collect::<Vec<_>>(),
        "has_older_sessions": sessions.has_older,
        "applications": applications.iter().map(|application| json!({
            "client_id": application.id,
            "name": application.name,
            "last_used_at": application.last_used_at.map(|at| at.to_string()),
        })).collect::<Vec<_>>(),
        "linked_accounts": identities.iter().map(linked).collect::<Vec<_>>(),
        "consents": consents.iter().map(allowed).collect::<Vec<_>>(),
        "events": events.iter().map(happened).collect::<Vec<_>>(),
    }))
}
