//! Applications with their URIs and secrets.

use std::collections::HashMap;
use std::time::Duration;

use diesel::prelude::*;

use super::error::StorageError;
use super::prefix::past;
use super::schema::{application_uris, applications, client_secrets};
use super::tenant_tx::Scope;
use crate::domain::application::{
    Application, ApplicationKind, ApplicationStatus, ClientSecret, DirectLogin, Party,
    TokenSettings, UpstreamTokenAccess,
};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ApplicationId, ClientSecretId};
use crate::domain::redirect_uri::{Audience, Origin, RedirectUri};
use crate::domain::secret::SecretDigest;
use crate::domain::signing_key::Algorithm;
use crate::domain::tenant::DisplayName;

pub struct Applications<'t>(pub(super) Scope<'t>);

#[derive(Queryable, Insertable)]
#[diesel(table_name = applications)]
struct Row {
    tenant_id: String,
    id: String,
    name: String,
    kind: String,
    status: String,
    direct_login: bool,
    is_default: bool,
    audience: Option<String>,
    access_token_algorithm: String,
    id_token_algorithm: String,
    access_token_seconds: i32,
    refresh_idle_seconds: i32,
    refresh_absolute_seconds: i32,
    reuse_window_seconds: Option<i32>,
    created_at: i64,
    party: String,
    upstream_tokens: bool,
    name_key: String,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = application_uris)]
struct UriRow {
    tenant_id: String,
    application_id: String,
    purpose: String,
    uri: String,
    position: i32,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = client_secrets)]
struct SecretRow {
    tenant_id: String,
    id: String,
    application_id: String,
    digest: String,
    created_at: i64,
}

/// What a list shows of an application.
#[derive(Clone, Debug)]
pub struct ListedApplication {
    pub id: ApplicationId,
    pub name: DisplayName,
    pub kind: ApplicationKind,
    pub status: ApplicationStatus,
    pub is_default: bool,
}

/// Which applications a list has.
#[derive(Clone, Debug, Default)]
pub struct ApplicationFilter {
    /// The beginning of the name, in lower case; empty for all.
    pub text: String,
    /// Those alone that users sign in to.
    pub acts_for_users: bool,
}

const REDIRECT: &str = "redirect";
const POST_LOGOUT: &str = "post_logout";
const ORIGIN: &str = "origin";
const RESOURCE: &str = "resource";

impl Applications<'_> {
    pub fn insert(&mut self, application: &Application) -> Result<(), StorageError> {
        let row = self.row(application);
        diesel::insert_into(applications::table).values(&row).execute(self.0.connection)?;
        let id = application.id;
        self.insert_uris(id, REDIRECT, application.redirect_uris.iter().map(RedirectUri::as_str))?;
        self.insert_uris(
            id,
            POST_LOGOUT,
            application.post_logout_redirect_uris.iter().map(RedirectUri::as_str),
        )?;
        self.insert_uris(id, ORIGIN, application.allowed_origins.iter().map(Origin::as_str))?;
        self.insert_uris(id, RESOURCE, application.resources.iter().map(Audience::as_str))?;
        for secret in &application.secrets {
            self.insert_secret(id, secret)?;
        }
        Ok(())
    }

    pub fn find(&mut self, id: ApplicationId) -> Result<Option<Application>, StorageError> {
        let row = applications::table
            .filter(applications::tenant_id.eq(self.0.tenant))
            .filter(applications::id.eq(id.to_string()))
            .first::<Row>(self.0.connection)
            .optional()?;
        let Some(row) = row else { return Ok(None) };
        let uris = application_uris::table
            .filter(application_uris::tenant_id.eq(self.0.tenant))
            .filter(application_uris::application_id.eq(&row.id))
            .order(application_uris::position.asc())
            .load::<UriRow>(self.0.connection)?;
        let secrets = client_secrets::table
            .filter(client_secrets::tenant_id.eq(self.0.tenant))
            .filter(client_secrets::application_id.eq(&row.id))
            .order(client_secrets::id.asc())
            .load::<SecretRow>(self.0.connection)?;
        application(row, &uris, secrets).map(Some)
    }

    /// Keeps others from changing the application until this transaction ends.
    pub fn lock(&mut self, id: ApplicationId) -> Result<bool, StorageError> {
        let application = applications::table
            .filter(applications::tenant_id.eq(self.0.tenant))
            .filter(applications::id.eq(id.to_string()));
        let moved = diesel::update(application)
            .set(applications::status.eq(applications::status))
            .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    /// Replaces all that admins decide of an application; its kind, secrets and status stay.
    pub fn update(&mut self, application: &Application) -> Result<bool, StorageError> {
        let row = self.row(application);
        let moved = diesel::update(
            applications::table
                .filter(applications::tenant_id.eq(self.0.tenant))
                .filter(applications::id.eq(&row.id)),
        )
        .set((
            applications::name.eq(&row.name),
            applications::name_key.eq(&row.name_key),
            applications::direct_login.eq(row.direct_login),
            applications::party.eq(&row.party),
            applications::upstream_tokens.eq(row.upstream_tokens),
            applications::audience.eq(&row.audience),
            applications::access_token_algorithm.eq(&row.access_token_algorithm),
            applications::id_token_algorithm.eq(&row.id_token_algorithm),
            applications::access_token_seconds.eq(row.access_token_seconds),
            applications::refresh_idle_seconds.eq(row.refresh_idle_seconds),
            applications::refresh_absolute_seconds.eq(row.refresh_absolute_seconds),
            applications::reuse_window_seconds.eq(row.reuse_window_seconds),
        ))
        .execute(self.0.connection)?;
        if moved == 0 {
            return Ok(false);
        }
        let uris = application_uris::table
            .filter(application_uris::tenant_id.eq(self.0.tenant))
            .filter(application_uris::application_id.eq(&row.id));
        diesel::delete(uris).execute(self.0.connection)?;
        let id = application.id;
        self.insert_uris(id, REDIRECT, application.redirect_uris.iter().map(RedirectUri::as_str))?;
        self.insert_uris(
            id,
            POST_LOGOUT,
            application.post_logout_redirect_uris.iter().map(RedirectUri::as_str),
        )?;
        self.insert_uris(id, ORIGIN, application.allowed_origins.iter().map(Origin::as_str))?;
        self.insert_uris(id, RESOURCE, application.resources.iter().map(Audience::as_str))?;
        Ok(true)
    }

    pub fn insert_secret(
        &mut self,
        id: ApplicationId,
        secret: &ClientSecret,
    ) -> Result<(), StorageError> {
        let row = SecretRow {
            tenant_id: self.0.tenant.to_owned(),
            id: secret.id.to_string(),
            application_id: id.to_string(),
            digest: secret.digest.as_str().to_owned(),
            created_at: secret.created_at.as_millis(),
        };
        diesel::insert_into(client_secrets::table).values(&row).execute(self.0.connection)?;
        Ok(())
    }

    pub fn delete_secret(
        &mut self,
        id: ApplicationId,
        secret: ClientSecretId,
    ) -> Result<bool, StorageError> {
        let secret = client_secrets::table
            .filter(client_secrets::tenant_id.eq(self.0.tenant))
            .filter(client_secrets::application_id.eq(id.to_string()))
            .filter(client_secrets::id.eq(secret.to_string()));
        Ok(diesel::delete(secret).execute(self.0.connection)? == 1)
    }

    /// With its secrets, and all tokens that it was given.
    pub fn delete(&mut self, id: ApplicationId) -> Result<bool, StorageError> {
        let application = applications::table
            .filter(applications::tenant_id.eq(self.0.tenant))
            .filter(applications::id.eq(id.to_string()));
        Ok(diesel::delete(application).execute(self.0.connection)? == 1)
    }

    /// A page of them: the oldest first after `after` or, where a text is looked for, by name.
    pub fn page(
        &mut self,
        filter: &ApplicationFilter,
        after: Option<ApplicationId>,
        limit: i64,
    ) -> Result<Vec<ListedApplication>, StorageError> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let kinds = ApplicationKind::ALL
            .into_iter()
            .filter(|kind| kind.acts_for_users() || !filter.acts_for_users)
            .map(ApplicationKind::as_str);
        let some = applications::table
            .filter(applications::tenant_id.eq(self.0.tenant))
            .filter(applications::kind.eq_any(kinds))
            .limit(limit);
        let columns = (
            applications::id,
            applications::name,
            applications::kind,
            applications::status,
            applications::is_default,
        );
        let rows = match filter.text.as_str() {
            "" => some
                .filter(applications::id.gt(after))
                .order(applications::id.asc())
                .select(columns)
                .load::<ListedRow>(self.0.connection)?,
            text => some
                .filter(applications::name_key.ge(text))
                .filter(applications::name_key.lt(past(text)))
                .order(applications::name_key.asc())
                .select(columns)
                .load::<ListedRow>(self.0.connection)?,
        };
        rows.into_iter().map(listed).collect()
    }

    /// All of them, the oldest first.
    pub fn list(&mut self) -> Result<Vec<Application>, StorageError> {
        let tenant = self.0.tenant;
        let rows = applications::table
            .filter(applications::tenant_id.eq(tenant))
            .order(applications::id.asc())
            .load::<Row>(self.0.connection)?;
        let mut uris: HashMap<String, Vec<UriRow>> = HashMap::new();
        for row in application_uris::table
            .filter(application_uris::tenant_id.eq(tenant))
            .order(application_uris::position.asc())
            .load::<UriRow>(self.0.connection)?
        {
            uris.entry(row.application_id.clone()).or_default().push(row);
        }
        let mut secrets: HashMap<String, Vec<SecretRow>> = HashMap::new();
        for row in client_secrets::table
            .filter(client_secrets::tenant_id.eq(tenant))
            .order(client_secrets::id.asc())
            .load::<SecretRow>(self.0.connection)?
        {
            secrets.entry(row.application_id.clone()).or_default().push(row);
        }
        rows.into_iter()
            .map(|row| {
                let uris = uris.remove(&row.id).unwrap_or_default();
                let secrets = secrets.remove(&row.id).unwrap_or_default();
                application(row, &uris, secrets)
            })
            .collect()
    }

    /// Makes `id` the application of clients that do not name themselves, and no other.
    pub fn set_default(&mut self, id: ApplicationId) -> Result<bool, StorageError> {
        let of_tenant = applications::table.filter(applications::tenant_id.eq(self.0.tenant));
        diesel::update(of_tenant.filter(applications::is_default.eq(true)))
            .set(applications::is_default.eq(false))
            .execute(self.0.connection)?;
        let moved = diesel::update(of_tenant.filter(applications::id.eq(id.to_string())))
            .set(applications::is_default.eq(true))
            .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    pub fn set_status(
        &mut self,
        id: ApplicationId,
        status: ApplicationStatus,
    ) -> Result<bool, StorageError> {
        let application = applications::table
            .filter(applications::tenant_id.eq(self.0.tenant))
            .filter(applications::id.eq(id.to_string()));
        let moved = diesel::update(application)
            .set(applications::status.eq(status.as_str()))
            .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    fn insert_uris<'u>(
        &mut self,
        id: ApplicationId,
        purpose: &str,
        uris: impl Iterator<Item = &'u str>,
    ) -> Result<(), StorageError> {
        for (position, uri) in (0..).zip(uris) {
            let row = UriRow {
                tenant_id: self.0.tenant.to_owned(),
                application_id: id.to_string(),
                purpose: purpose.to_owned(),
                uri: uri.to_owned(),
                position,
            };
            diesel::insert_into(application_uris::table).values(&row).execute(self.0.connection)?;
        }
        Ok(())
    }

    fn row(&self, application: &Application) -> Row {
        let tokens = &application.tokens;
        Row {
            tenant_id: self.0.tenant.to_owned(),
            id: application.id.to_string(),
            name: application.name.to_string(),
            kind: application.kind.as_str().to_owned(),
            status: application.status.as_str().to_owned(),
            direct_login: application.direct_login == DirectLogin::Allowed,
            is_default: application.is_default,
            audience: application.audience.as_ref().map(|audience| audience.as_str().to_owned()),
            access_token_algorithm: tokens.access_token_algorithm.as_str().to_owned(),
            id_token_algorithm: tokens.id_token_algorithm.as_str().to_owned(),
            access_token_seconds: seconds(tokens.access_token_life),
            refresh_idle_seconds: seconds(tokens.refresh_idle_life),
            refresh_absolute_seconds: seconds(tokens.refresh_absolute_life),
            reuse_window_seconds: tokens.reuse_window.map(seconds),
            created_at: application.created_at.as_millis(),
            party: application.party.as_str().to_owned(),
            upstream_tokens: application.upstream_tokens == UpstreamTokenAccess::Allowed,
            name_key: application.name.as_str().to_lowercase(),
        }
    }
}

type ListedRow = (String, String, String, String, bool);

fn listed(
    (id, name, kind, status, is_default): ListedRow,
) -> Result<ListedApplication, StorageError> {
    let unreadable = || StorageError::Corrupt("application");
    Ok(ListedApplication {
        id: ApplicationId::parse(&id).map_err(|_| unreadable())?,
        name: DisplayName::parse(&name).map_err(|_| unreadable())?,
        kind: ApplicationKind::parse(&kind).ok_or_else(unreadable)?,
        status: ApplicationStatus::parse(&status).ok_or_else(unreadable)?,
        is_default,
    })
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

fn duration(seconds: i32) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

fn application(
    row: Row,
    uris: &[UriRow],
    secrets: Vec<SecretRow>,
) -> Result<Application, StorageError> {
    let unreadable = || StorageError::Corrupt("application");
    let kind = ApplicationKind::parse(&row.kind).ok_or_else(unreadable)?;
    let of = |purpose: &'static str| {
        uris.iter().filter(move |row| row.purpose == purpose).map(|row| row.uri.as_str())
    };
    let algorithm = |text: &str| Algorithm::parse(text).ok_or_else(unreadable);
    let redirect_uris = |purpose| -> Result<Vec<RedirectUri>, StorageError> {
        of(purpose).map(|uri| RedirectUri::parse(uri, kind).map_err(|_| unreadable())).collect()
    };
    Ok(Application {
        id: ApplicationId::parse(&row.id).map_err(|_| unreadable())?,
        name: DisplayName::parse(&row.name).map_err(|_| unreadable())?,
        kind,
        status: ApplicationStatus::parse(&row.status).ok_or_else(unreadable)?,
        direct_login: if row.direct_login { DirectLogin::Allowed } else { DirectLogin::Refused },
        party: Party::parse(&row.party).ok_or_else(unreadable)?,
        upstream_tokens: match row.upstream_tokens {
            true => UpstreamTokenAccess::Allowed,
            false => UpstreamTokenAccess::Refused,
        },
        is_default: row.is_default,
        audience: row
            .audience
            .map(|audience| Audience::parse(&audience))
            .transpose()
            .map_err(|_| unreadable())?,
        redirect_uris: redirect_uris(REDIRECT)?,
        post_logout_redirect_uris: redirect_uris(POST_LOGOUT)?,
        allowed_origins: of(ORIGIN)
            .map(|origin| Origin::parse(origin).map_err(|_| unreadable()))
            .collect::<Result<_, _>>()?,
        resources: of(RESOURCE)
            .map(|resource| Audience::parse(resource).map_err(|_| unreadable()))
            .collect::<Result<_, _>>()?,
        secrets: secrets
            .into_iter()
            .map(|row| {
                Ok(ClientSecret {
                    id: ClientSecretId::parse(&row.id).map_err(|_| unreadable())?,
                    digest: SecretDigest::from_base64url(row.digest),
                    created_at: Timestamp::from_millis(row.created_at),
                })
            })
            .collect::<Result<_, StorageError>>()?,
        tokens: TokenSettings {
            access_token_algorithm: algorithm(&row.access_token_algorithm)?,
            id_token_algorithm: algorithm(&row.id_token_algorithm)?,
            access_token_life: duration(row.access_token_seconds),
            refresh_idle_life: duration(row.refresh_idle_seconds),
            refresh_absolute_life: duration(row.refresh_absolute_seconds),
            reuse_window: row.reuse_window_seconds.map(duration),
        },
        created_at: Timestamp::from_millis(row.created_at),
    })
}
