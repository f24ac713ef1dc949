//! Refresh families: one row each, whatever the number of rotations.

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::{refresh_families, sessions, users};
use super::sessions::parse_methods;
use super::tenant_tx::Scope;
use super::users::UserRow;
use crate::domain::application::ClientAuthentication;
use crate::domain::authorization_code::Grant;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ApplicationId, FamilyId, SessionId, UserId};
use crate::domain::refresh_family::{FamilyState, Generation, RefreshFamily, RevocationReason};
use crate::domain::scope::Scopes;
use crate::domain::session::Method;
use crate::domain::user::{User, UserStatus};

pub struct RefreshFamilies<'t>(pub(super) Scope<'t>);

#[derive(Queryable, Insertable)]
#[diesel(table_name = refresh_families)]
struct Row {
    tenant_id: String,
    id: String,
    application_id: String,
    user_id: String,
    session_id: String,
    scope: String,
    audience: Option<String>,
    authenticated_at: i64,
    generation: i32,
    rotated_at: i64,
    client_authenticated: bool,
    idle_expires_at: i64,
    expires_at: i64,
    revoked_at: Option<i64>,
    revoke_reason: Option<String>,
}

/// A family of a session that goes on and of a user who may sign in.
#[derive(Debug)]
pub struct UsableFamily {
    pub family: RefreshFamily,
    pub user: User,
    /// How the user proved who they are, in the session.
    pub methods: Vec<Method>,
}

/// A step from one generation to a later one.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    pub from: Generation,
    pub to: Generation,
    pub now: Timestamp,
    pub idle_expires_at: Timestamp,
}

/// More than anybody looks through; the newest come first.
const LISTED: i64 = 100;

impl RefreshFamilies<'_> {
    pub fn insert(&mut self, family: &RefreshFamily) -> Result<(), StorageError> {
        let grant = &family.grant;
        let row = Row {
            tenant_id: self.0.tenant.to_owned(),
            id: family.id.to_string(),
            application_id: grant.application_id.to_string(),
            user_id: grant.user_id.to_string(),
            session_id: grant.session_id.to_string(),
            scope: grant.scopes.to_string(),
            audience: grant.resource.clone(),
            authenticated_at: grant.authenticated_at.as_millis(),
            generation: to_column(family.generation),
            rotated_at: family.rotated_at.as_millis(),
            client_authenticated: family.client == ClientAuthentication::Authenticated,
            idle_expires_at: family.idle_expires_at.as_millis(),
            expires_at: family.expires_at.as_millis(),
            revoked_at: None,
            revoke_reason: None,
        };
        diesel::insert_into(refresh_families::table).values(&row).execute(self.0.connection)?;
        Ok(())
    }

    pub fn find(&mut self, id: FamilyId) -> Result<Option<RefreshFamily>, StorageError> {
        let row = refresh_families::table
            .filter(refresh_families::tenant_id.eq(self.0.tenant))
            .filter(refresh_families::id.eq(id.to_string()))
            .first::<Row>(self.0.connection)
            .optional()?;
        row.map(RefreshFamily::try_from).transpose()
    }

    /// The family, if its session goes on and its user may sign in: all that a refresh needs to know but the
    /// roles, in one statement.
    pub fn find_usable(&mut self, id: FamilyId) -> Result<Option<UsableFamily>, StorageError> {
        let row = refresh_families::table
            .inner_join(
                sessions::table.on(sessions::tenant_id
                    .eq(refresh_families::tenant_id)
                    .and(sessions::id.eq(refresh_families::session_id))),
            )
            .inner_join(
                users::table.on(users::tenant_id
                    .eq(refresh_families::tenant_id)
                    .and(users::id.eq(refresh_families::user_id))),
            )
            .filter(refresh_families::tenant_id.eq(self.0.tenant))
            .filter(refresh_families::id.eq(id.to_string()))
            .filter(sessions::ended_at.is_null())
            .filter(users::status.eq(UserStatus::Active.as_str()))
            .select((refresh_families::all_columns, users::all_columns, sessions::methods))
            .first::<(Row, UserRow, String)>(self.0.connection)
            .optional()?;
        let Some((family, user, methods)) = row else { return Ok(None) };
        Ok(Some(UsableFamily {
            family: family.try_into()?,
            user: user.try_into()?,
            methods: parse_methods(&methods)?,
        }))
    }

    /// Moves the family on, if it still is where the caller saw it: of any number of
    /// rotations at once from one generation, one wins. `false` for the others.
    pub fn rotate(&mut self, id: FamilyId, rotation: Rotation) -> Result<bool, StorageError> {
        let now = rotation.now.as_millis();
        let moved = diesel::update(
            refresh_families::table
                .filter(refresh_families::tenant_id.eq(self.0.tenant))
                .filter(refresh_families::id.eq(id.to_string()))
                .filter(refresh_families::generation.eq(to_column(rotation.from)))
                .filter(refresh_families::revoked_at.is_null())
                .filter(refresh_families::idle_expires_at.gt(now))
                .filter(refresh_families::expires_at.gt(now)),
        )
        .set((
            refresh_families::generation.eq(to_column(rotation.to)),
            refresh_families::rotated_at.eq(now),
            refresh_families::idle_expires_at.eq(rotation.idle_expires_at.as_millis()),
        ))
        .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    /// The user's families that can still be refreshed, if their sessions go on: the last used first.
    pub fn live_of_user(
        &mut self,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<RefreshFamily>, StorageError> {
        let rows = refresh_families::table
            .inner_join(
                sessions::table.on(sessions::tenant_id
                    .eq(refresh_families::tenant_id)
                    .and(sessions::id.eq(refresh_families::session_id))),
            )
            .filter(refresh_families::tenant_id.eq(self.0.tenant))
            .filter(refresh_families::user_id.eq(user.to_string()))
            .filter(refresh_families::revoked_at.is_null())
            .filter(refresh_families::idle_expires_at.gt(now.as_millis()))
            .filter(refresh_families::expires_at.gt(now.as_millis()))
            .filter(sessions::ended_at.is_null())
            .order(refresh_families::rotated_at.desc())
            .limit(LISTED)
            .select(refresh_families::all_columns)
            .load::<Row>(self.0.connection)?;
        rows.into_iter().map(RefreshFamily::try_from).collect()
    }

    /// Revokes the families of a user in one application, or in all of them, and says how many.
    pub fn revoke_of_user(
        &mut self,
        user: UserId,
        application: Option<ApplicationId>,
        reason: RevocationReason,
        now: Timestamp,
    ) -> Result<usize, StorageError> {
        let families = refresh_families::table
            .filter(refresh_families::tenant_id.eq(self.0.tenant))
            .filter(refresh_families::user_id.eq(user.to_string()))
            .filter(refresh_families::revoked_at.is_null());
        let revoked = (
            refresh_families::revoked_at.eq(now.as_millis()),
            refresh_families::revoke_reason.eq(reason.as_str()),
        );
        let moved = match application {
            Some(id) => {
                let families = families.filter(refresh_families::application_id.eq(id.to_string()));
                diesel::update(families).set(revoked).execute(self.0.connection)?
            }
            None => diesel::update(families).set(revoked).execute(self.0.connection)?,
        };
        Ok(moved)
    }

    /// `false` if there is none, or it was revoked before.
    pub fn revoke(
        &mut self,
        id: FamilyId,
        reason: RevocationReason,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let moved = diesel::update(
            refresh_families::table
                .filter(refresh_families::tenant_id.eq(self.0.tenant))
                .filter(refresh_families::id.eq(id.to_string()))
                .filter(refresh_families::revoked_at.is_null()),
        )
        .set((
            refresh_families::revoked_at.eq(now.as_millis()),
            refresh_families::revoke_reason.eq(reason.as_str()),
        ))
        .execute(self.0.connection)?;
        Ok(moved == 1)
    }
}

/// Generations stay far below 2^31: at one a second, for 68 years.
fn to_column(generation: Generation) -> i32 {
    i32::try_from(generation).unwrap_or(i32::MAX)
}

impl TryFrom<Row> for RefreshFamily {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let unreadable = || StorageError::Corrupt("refresh family");
        Ok(Self {
            id: FamilyId::parse(&row.id).map_err(|_| unreadable())?,
            grant: Grant {
                application_id: ApplicationId::parse(&row.application_id)
                    .map_err(|_| unreadable())?,
                user_id: UserId::parse(&row.user_id).map_err(|_| unreadable())?,
                session_id: SessionId::parse(&row.session_id).map_err(|_| unreadable())?,
                scopes: Scopes::parse(&row.scope),
                resource: row.audience,
                authenticated_at: Timestamp::from_millis(row.authenticated_at),
            },
            generation: Generation::try_from(row.generation).map_err(|_| unreadable())?,
            rotated_at: Timestamp::from_millis(row.rotated_at),
            client: if row.client_authenticated {
                ClientAuthentication::Authenticated
            } else {
                ClientAuthentication::Unauthenticated
            },
            idle_expires_at: Timestamp::from_millis(row.idle_expires_at),
            expires_at: Timestamp::from_millis(row.expires_at),
            state: match row.revoked_at {
                None => FamilyState::Live,
                Some(at) => FamilyState::Revoked {
                    at: Timestamp::from_millis(at),
                    reason: row
                        .revoke_reason
                        .as_deref()
                        .and_then(RevocationReason::parse)
                        .ok_or_else(unreadable)?,
                },
            },
        })
    }
}
