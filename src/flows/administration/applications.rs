//! Making applications.

use super::{OPERATOR, Problem};
use crate::crypto::digest;
use crate::domain::application::{
    Application, ApplicationKind, ApplicationStatus, ClientSecret, DirectLogin, Party,
    TokenSettings,
};
use crate::domain::audit::Action;
use crate::domain::entropy::random_secret;
use crate::domain::ids::{ApplicationId, ClientSecretId};
use crate::domain::redirect_uri::{Audience, Origin, RedirectUri};
use crate::domain::secret::Secret;
use crate::domain::tenant::{DisplayName, Tenant};
use crate::flows::Context;
use crate::storage::StorageError;

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
    context: &Context,
    tenant: &Tenant,
    new: NewApplication,
) -> Result<MadeApplication, Problem> {
    let now = context.now();
    let secret = new
        .kind
        .is_confidential()
        .then(|| new.secret.clone().unwrap_or_else(|| random_secret(&*context.entropy)));
    let application = Application {
        id: ApplicationId::generate(now, &*context.entropy),
        redirect_uris: redirect_uris("redirect URI", &new.redirect_uris, new.kind)?,
        post_logout_redirect_uris: redirect_uris(
            "post-logout redirect URI",
            &new.post_logout_redirect_uris,
            new.kind,
        )?,
        allowed_origins: origins(&new.allowed_origins)?,
        audience: new
            .audience
            .map(|text| {
                Audience::parse(&text)
                    .map_err(|why| Problem::input(format!("audience `{text}`: {why}")))
            })
            .transpose()?,
        resources: Vec::new(),
        name: new.name,
        kind: new.kind,
        status: ApplicationStatus::Active,
        direct_login: new.direct_login,
        party: new.party,
        is_default: new.is_default,
        secrets: secret
            .iter()
            .map(|secret| ClientSecret {
                id: ClientSecretId::generate(now, &*context.entropy),
                digest: digest::digest(secret),
            })
            .collect(),
        tokens: new.tokens,
        created_at: now,
    };
    consistent(&application)?;
    let event = context.event(Action::ApplicationCreated, OPERATOR, application.id, None);
    let row = application.clone();
    let made = context.db.write::<_, StorageError>(tenant.id, move |tx| {
        // The default is one: the new one takes the place of the old.
        let becomes_default = row.is_default;
        tx.applications().insert(&Application { is_default: false, ..row.clone() })?;
        if becomes_default {
            tx.applications().set_default(row.id)?;
        }
        tx.audit_events().append(&event)
    });
    made.await?;
    context.tenants.forget();
    Ok(MadeApplication { application, secret })
}

pub async fn list(context: &Context, tenant: &Tenant) -> Result<Vec<Application>, Problem> {
    let applications = context.db.read::<_, StorageError>(tenant.id, |tx| tx.applications().list());
    Ok(applications.await?)
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
