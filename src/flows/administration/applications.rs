//! Making, changing and deleting applications.

use serde_json::json;

use super::{Administrator, Problem, Undone, description};
use crate::crypto::digest;
use crate::domain::application::{
    Application, ApplicationKind, ApplicationStatus, ClientSecret, DirectLogin, MAX_REUSE_WINDOW,
    MAX_SECRETS, Party, TokenSettings, UpstreamTokenAccess,
};
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::entropy::random_secret;
use crate::domain::ids::{ApplicationId, ClientSecretId};
use crate::domain::redirect_uri::{Audience, Origin, RedirectUri};
use crate::domain::secret::Secret;
use crate::domain::tenant::{DisplayName, Tenant};
use crate::flows::Context;
use crate::storage::{ApplicationFilter, ListedApplication, StorageError, TenantTx};

const REDIRECT_URI: &str = "redirect URI";
const POST_LOGOUT_REDIRECT_URI: &str = "post-logout redirect URI";

pub struct NewApplication {
    pub name: DisplayName,
    pub kind: ApplicationKind,
    pub redirect_uris: Vec<String>,
    pub post_logout_redirect_uris: Vec<String>,
    pub allowed_origins: Vec<String>,
    pub audience: Option<String>,
    pub direct_login: DirectLogin,
    pub is_default: bool,
    pub party: Party,
    pub upstream_tokens: UpstreamTokenAccess,
    pub tokens: TokenSettings,
    /// A secret to have instead of a fresh one: `dev` gives its demo app the same one at every start.
    pub secret: Option<Secret>,
}

/// An application and its secret, which is shown this once.
pub struct MadeApplication {
    pub application: Application,
    pub secret: Option<Secret>,
}

pub async fn create(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    new: NewApplication,
) -> Result<MadeApplication, Problem> {
    let id = ApplicationId::generate(admin.now(), &*admin.entropy);
    create_as(admin, tenant, id, new).await
}

/// The application that a form makes, however often it is sent. `form` is a random id that the form was given; it
/// does not choose the application's.
pub fn id_of_form(tenant: &Tenant, form: ApplicationId) -> ApplicationId {
    let mut bytes = form.to_bytes();
    let hash = digest::sha256(format!("{} {form}", tenant.id).as_bytes());
    // The time stays: ids sort by it.
    bytes[6..].copy_from_slice(&hash[..10]);
    ApplicationId::from_bytes(bytes)
}

/// [`Problem::Input`] if there is one of that id.
pub async fn create_as(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    id: ApplicationId,
    new: NewApplication,
) -> Result<MadeApplication, Problem> {
    let now = admin.now();
    let secret = new
        .kind
        .is_confidential()
        .then(|| new.secret.clone().unwrap_or_else(|| random_secret(&*admin.entropy)));
    let application = Application {
        id,
        redirect_uris: redirect_uris(REDIRECT_URI, &new.redirect_uris, new.kind)?,
        post_logout_redirect_uris: redirect_uris(
            POST_LOGOUT_REDIRECT_URI,
            &new.post_logout_redirect_uris,
            new.kind,
        )?,
        allowed_origins: origins(&new.allowed_origins)?,
        audience: audience(new.audience.as_deref())?,
        resources: Vec::new(),
        name: new.name,
        kind: new.kind,
        status: ApplicationStatus::Active,
        direct_login: new.direct_login,
        party: new.party,
        upstream_tokens: new.upstream_tokens,
        is_default: new.is_default,
        secrets: secret.iter().map(|secret| client_secret(admin, secret)).collect(),
        tokens: new.tokens,
        created_at: now,
    };
    consistent(&application)?;
    let after = description::application(&application);
    let event =
        admin.record_change(Action::ApplicationCreated, application.id, &json!(null), &after);
    let row = application.clone();
    let made = admin.db.write::<_, StorageError>(tenant.id, move |tx| {
        // The default is one: the new one takes the place of the old.
        let becomes_default = row.is_default;
        tx.applications().insert(&Application { is_default: false, ..row.clone() })?;
        if becomes_default {
            tx.applications().set_default(row.id)?;
        }
        tx.audit_events().append(&event)
    });
    match made.await {
        Err(StorageError::Conflict) => {
            return Err(Problem::input("the application is there already".to_owned()));
        }
        made => made?,
    }
    admin.tenants.forget();
    Ok(MadeApplication { application, secret })
}

pub async fn list(context: &Context, tenant: &Tenant) -> Result<Vec<Application>, Problem> {
    let applications = context.db.read::<_, StorageError>(tenant.id, |tx| tx.applications().list());
    Ok(applications.await?)
}

/// A page of the applications, after `after`; where a text is looked for, those whose name begins with it, or the
/// one whose id it is.
pub async fn page(
    context: &Context,
    tenant: &Tenant,
    filter: ApplicationFilter,
    after: Option<ApplicationId>,
    limit: i64,
) -> Result<Vec<ListedApplication>, Problem> {
    if let Ok(id) = ApplicationId::parse(&filter.text) {
        return match find(context, tenant, id).await {
            Ok(it) if filter.acts_for_users && !it.kind.acts_for_users() => Ok(Vec::new()),
            Ok(Application { id, name, kind, status, is_default, .. }) => {
                Ok(vec![ListedApplication { id, name, kind, status, is_default }])
            }
            Err(Problem::Unknown) => Ok(Vec::new()),
            Err(problem) => Err(problem),
        };
    }
    let filter = ApplicationFilter { text: filter.text.to_lowercase(), ..filter };
    let page = context.db.read::<_, StorageError>(tenant.id, move |tx| {
        tx.applications().page(&filter, after, limit)
    });
    Ok(page.await?)
}

pub async fn find(
    context: &Context,
    tenant: &Tenant,
    id: ApplicationId,
) -> Result<Application, Problem> {
    let found = context.db.read::<_, StorageError>(tenant.id, move |tx| tx.applications().find(id));
    found.await?.ok_or(Problem::Unknown)
}

/// What admins may change of an application: all of it, since the form shows all of it.
pub struct ApplicationChange {
    pub name: DisplayName,
    pub redirect_uris: Vec<String>,
    pub post_logout_redirect_uris: Vec<String>,
    pub allowed_origins: Vec<String>,
    pub audience: Option<String>,
    pub direct_login: DirectLogin,
    pub party: Party,
    pub upstream_tokens: UpstreamTokenAccess,
    pub tokens: TokenSettings,
}

/// Changes what `seen`, a version, was shown of.
pub async fn change(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    id: ApplicationId,
    seen: &str,
    change: ApplicationChange,
) -> Result<(), Problem> {
    check_tokens(&change.tokens)?;
    let (event, seen) = (admin.record(Action::ApplicationChanged, id), seen.to_owned());
    let changed = admin.db.write::<_, Undone>(tenant.id, move |tx| {
        tx.applications().lock(id)?;
        let old = tx.applications().find(id)?.ok_or(Undone::Problem(Problem::Unknown))?;
        let before = description::application(&old);
        Problem::unless_current(&before, Some(&seen)).map_err(Undone::Problem)?;
        let new = changed_to(old, change).map_err(Undone::Problem)?;
        tx.applications().update(&new)?;
        let event = event.with_change(&before, &description::application(&new));
        Ok(tx.audit_events().append(&event)?)
    });
    changed.await?;
    admin.tenants.forget();
    Ok(())
}

fn changed_to(old: Application, change: ApplicationChange) -> Result<Application, Problem> {
    let kind = old.kind;
    let new = Application {
        name: change.name,
        redirect_uris: redirect_uris(REDIRECT_URI, &change.redirect_uris, kind)?,
        post_logout_redirect_uris: redirect_uris(
            POST_LOGOUT_REDIRECT_URI,
            &change.post_logout_redirect_uris,
            kind,
        )?,
        allowed_origins: origins(&change.allowed_origins)?,
        audience: audience(change.audience.as_deref())?,
        direct_login: change.direct_login,
        party: change.party,
        upstream_tokens: change.upstream_tokens,
        tokens: change.tokens,
        ..old
    };
    consistent(&new)?;
    Ok(new)
}

fn check_tokens(tokens: &TokenSettings) -> Result<(), Problem> {
    tokens.lifetimes().check().map_err(|why| Problem::input(why.to_string()))?;
    if tokens.reuse_window.is_some_and(|window| window > MAX_REUSE_WINDOW) {
        return Err(Problem::input("the reuse window is a day at most"));
    }
    Ok(())
}

/// A further redirect URI.
pub async fn add_redirect_uri(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    id: ApplicationId,
    uri: String,
) -> Result<(), Problem> {
    let event = admin.record(Action::ApplicationChanged, id);
    let added = admin.db.write::<_, Undone>(tenant.id, move |tx| {
        tx.applications().lock(id)?;
        let old = tx.applications().find(id)?.ok_or(Undone::Problem(Problem::Unknown))?;
        let before = description::application(&old);
        let uri = redirect_uris(REDIRECT_URI, &[uri], old.kind).map_err(Undone::Problem)?;
        let mut new = old;
        new.redirect_uris.extend(uri);
        tx.applications().update(&new)?;
        let event = event.with_change(&before, &description::application(&new));
        Ok(tx.audit_events().append(&event)?)
    });
    added.await?;
    admin.tenants.forget();
    Ok(())
}

/// A further secret, shown this once: the old one works until it is removed.
pub async fn add_secret(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    id: ApplicationId,
) -> Result<Secret, Problem> {
    let secret = random_secret(&*admin.entropy);
    let row = client_secret(admin, &secret);
    let event = admin.record(Action::SecretAdded, id);
    let added = admin.db.write::<_, Undone>(tenant.id, move |tx| {
        tx.applications().lock(id)?;
        let application = tx.applications().find(id)?.ok_or(Undone::Problem(Problem::Unknown))?;
        if !application.kind.is_confidential() {
            let why = "this kind of app is public: it has no secret";
            return Err(Undone::Problem(Problem::input(why)));
        }
        if application.secrets.len() >= MAX_SECRETS {
            let why = "there are two secrets already: remove the one that is no longer used";
            return Err(Undone::Problem(Problem::input(why)));
        }
        tx.applications().insert_secret(id, &row)?;
        let event = secrets_changed(tx, event, &application)?;
        Ok(tx.audit_events().append(&event)?)
    });
    added.await?;
    admin.tenants.forget();
    Ok(secret)
}

/// The last secret stays: without one the application could not work.
pub async fn remove_secret(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    id: ApplicationId,
    secret: ClientSecretId,
) -> Result<(), Problem> {
    let event = admin.record(Action::SecretRemoved, id);
    let removed = admin.db.write::<_, Undone>(tenant.id, move |tx| {
        tx.applications().lock(id)?;
        let application = tx.applications().find(id)?.ok_or(Undone::Problem(Problem::Unknown))?;
        if application.secrets.len() == 1 {
            let why = "this is the only secret: add another first, and give it to the app";
            return Err(Undone::Problem(Problem::input(why)));
        }
        if !tx.applications().delete_secret(id, secret)? {
            return Err(Undone::Problem(Problem::Unknown));
        }
        let event = secrets_changed(tx, event, &application)?;
        Ok(tx.audit_events().append(&event)?)
    });
    removed.await?;
    admin.tenants.forget();
    Ok(())
}

/// With the secrets that the application had, and those that it has now.
fn secrets_changed(
    tx: &mut TenantTx<'_>,
    event: AuditEvent,
    before: &Application,
) -> Result<AuditEvent, StorageError> {
    let after = tx.applications().find(before.id)?;
    let after = after.map_or_else(Vec::new, |application| application.secrets);
    let (before, after) = (description::secrets(&before.secrets), description::secrets(&after));
    Ok(event.with_change(&before, &after))
}

/// A disabled application gets no tokens, from the next request on.
pub async fn set_status(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    id: ApplicationId,
    status: ApplicationStatus,
) -> Result<(), Problem> {
    let action = match status {
        ApplicationStatus::Active => Action::ApplicationEnabled,
        ApplicationStatus::Disabled => Action::ApplicationDisabled,
    };
    let event = admin.record(action, id);
    let set = admin.db.write::<_, Undone>(tenant.id, move |tx| {
        let before = tx.applications().find(id)?.ok_or(Undone::Problem(Problem::Unknown))?;
        let status_of = |status: ApplicationStatus| json!({ "status": status.as_str() });
        let event = event.with_change(&status_of(before.status), &status_of(status));
        if !tx.applications().set_status(id, status)? {
            return Err(Undone::Problem(Problem::Unknown));
        }
        Ok(tx.audit_events().append(&event)?)
    });
    set.await?;
    admin.tenants.forget();
    Ok(())
}

/// Makes it the application of JSON calls that name no client.
pub async fn make_default(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    id: ApplicationId,
) -> Result<(), Problem> {
    let event = admin.record(Action::ApplicationMadeDefault, id);
    let made = admin.db.write::<_, Undone>(tenant.id, move |tx| {
        let default =
            tx.applications().list()?.into_iter().find(|application| application.is_default);
        let before = json!({ "default": default.map(|application| application.id.to_string()) });
        let event = event.with_change(&before, &json!({ "default": id }));
        if !tx.applications().set_default(id)? {
            return Err(Undone::Problem(Problem::Unknown));
        }
        Ok(tx.audit_events().append(&event)?)
    });
    made.await?;
    admin.tenants.forget();
    Ok(())
}

/// Its users stay; whatever it was given is worth nothing.
pub async fn delete(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    id: ApplicationId,
) -> Result<(), Problem> {
    let before = description::application(&find(admin, tenant, id).await?);
    let event = admin.record_change(Action::ApplicationDeleted, id, &before, &json!(null));
    let deleted = admin.db.write::<_, StorageError>(tenant.id, move |tx| {
        tx.applications().delete(id)?;
        tx.audit_events().append(&event)
    });
    deleted.await?;
    admin.tenants.forget();
    Ok(())
}

fn client_secret(admin: &Administrator<'_>, secret: &Secret) -> ClientSecret {
    let now = admin.now();
    ClientSecret {
        id: ClientSecretId::generate(now, &*admin.entropy),
        digest: digest::digest(secret),
        created_at: now,
    }
}

fn audience(text: Option<&str>) -> Result<Option<Audience>, Problem> {
    let parse = |text| {
        Audience::parse(text).map_err(|why| Problem::input(format!("audience `{text}`: {why}")))
    };
    text.map(parse).transpose()
}

fn consistent(application: &Application) -> Result<(), Problem> {
    let acts_for_users = application.kind.acts_for_users();
    if !acts_for_users && !application.redirect_uris.is_empty() {
        return Err(Problem::input(
            "a service app signs no user in, so it has no redirect URIs; leave them out",
        ));
    }
    if !acts_for_users && application.direct_login == DirectLogin::Allowed {
        return Err(Problem::input(
            "a service app signs no user in, so it has no direct login; leave it out",
        ));
    }
    let has_users_and_secret = acts_for_users && application.kind.is_confidential();
    if !has_users_and_secret && application.upstream_tokens == UpstreamTokenAccess::Allowed {
        return Err(Problem::input(
            "tokens of providers are for web apps alone: another kind has no users, or could not keep them safe",
        ));
    }
    Ok(())
}

fn redirect_uris(
    what: &str,
    texts: &[String],
    kind: ApplicationKind,
) -> Result<Vec<RedirectUri>, Problem> {
    unique(what, texts)?;
    texts
        .iter()
        .map(|text| {
            RedirectUri::parse(text, kind)
                .map_err(|why| Problem::input(format!("{what} `{text}`: {why}")))
        })
        .collect()
}

fn origins(texts: &[String]) -> Result<Vec<Origin>, Problem> {
    unique("origin", texts)?;
    texts
        .iter()
        .map(|text| {
            Origin::parse(text).map_err(|why| Problem::input(format!("origin `{text}`: {why}")))
        })
        .collect()
}

fn unique(what: &str, texts: &[String]) -> Result<(), Problem> {
    match texts.iter().enumerate().find(|(index, text)| texts[..*index].contains(text)) {
        None => Ok(()),
        Some((_, text)) => Err(Problem::input(format!("the {what} `{text}` is given twice"))),
    }
}
