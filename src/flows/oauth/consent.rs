//! What users allow third parties' applications. The tenant's own need no consent.

use crate::domain::application::{Application, Party};
use crate::domain::audit::Action;
use crate::domain::authorization_request::{AuthorizationRequest, ConsentState};
use crate::domain::consent::Consent;
use crate::domain::ids::UserId;
use crate::flows::account::authority::{Acted, Freshness};
use crate::flows::account::session::SignedInBrowser;
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::StorageError;

/// What `user` has said of all that the request asks for.
pub async fn state(
    context: &Context,
    tenant: &TenantSnapshot,
    application: &Application,
    asked: &AuthorizationRequest,
    user: Option<UserId>,
) -> Result<ConsentState, Failure> {
    let user = match (application.party, user) {
        (Party::First, _) => return Ok(ConsentState::Needless),
        (Party::Third, None) => return Ok(ConsentState::Missing),
        (Party::Third, Some(user)) => user,
    };
    let id = application.id;
    let given = context
        .db
        .read::<_, StorageError>(tenant.tenant.id, move |tx| tx.consents().find(user, id))
        .await?;
    let covers = given.is_some_and(|consent| consent.scopes.contains_all(&asked.scopes));
    Ok(if covers { ConsentState::Given } else { ConsentState::Missing })
}

/// What the user says now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Allow,
    Deny,
}

/// Remembers what was allowed, beside what was allowed before.
pub async fn choose(
    context: &Context,
    tenant: &TenantSnapshot,
    asked: &AuthorizationRequest,
    browser: &SignedInBrowser,
    choice: Choice,
    address: Option<&str>,
) -> Result<Acted, Failure> {
    let user = browser.profile.user.id;
    let (id, now) = (asked.application_id, context.now());
    let authority = browser.authority(Freshness::Any, now);
    let action = match choice {
        Choice::Allow => Action::ConsentGranted,
        Choice::Deny => Action::ConsentDenied,
    };
    let event = context.event(action, user, id, address);
    let scopes = asked.scopes.clone();
    let chosen = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        if !authority.stands(tx)? {
            return Ok(Acted::SignedOut);
        }
        if choice == Choice::Allow {
            let before = tx.consents().find(user, id)?.map(|consent| consent.scopes);
            let scopes = scopes.with(&before.unwrap_or_default());
            tx.consents().put(user, &Consent { application_id: id, scopes, granted_at: now })?;
        }
        tx.audit_events().append(&event)?;
        Ok(Acted::Done(()))
    });
    Ok(chosen.await?)
}
