//! Who users are at upstream providers.

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::identities;
use super::tenant_tx::Scope;
use crate::domain::clock::Timestamp;
use crate::domain::identity::{Identity, Subject};
use crate::domain::ids::{ProviderId, UserId};
use crate::domain::tenant::DisplayName;

pub struct Identities<'t>(pub(super) Scope<'t>);

#[derive(Queryable, Insertable)]
#[diesel(table_name = identities)]
struct Row {
    tenant_id: String,
    provider_id: String,
    subject: String,
    user_id: String,
    email: Option<String>,
    name: Option<String>,
    picture: Option<String>,
    linked_at: i64,
    last_used_at: i64,
}

impl Identities<'_> {
    /// `Conflict` if the identity opens an account already.
    pub fn insert(&mut self, identity: &Identity) -> Result<(), StorageError> {
        let row = Row {
            tenant_id: self.0.tenant.to_owned(),
            provider_id: identity.provider_id.to_string(),
            subject: identity.subject.as_str().to_owned(),
            user_id: identity.user_id.to_string(),
            email: identity.email.clone(),
            name: identity.name.as_ref().map(ToString::to_string),
            picture: identity.picture.clone(),
            linked_at: identity.linked_at.as_millis(),
            last_used_at: identity.last_used_at.as_millis(),
        };
        diesel::insert_into(identities::table).values(&row).execute(self.0.connection)?;
        Ok(())
    }

    pub fn find(
        &mut self,
        provider: ProviderId,
        subject: &Subject,
    ) -> Result<Option<Identity>, StorageError> {
        let row = identities::table
            .filter(identities::tenant_id.eq(self.0.tenant))
            .filter(identities::provider_id.eq(provider.to_string()))
            .filter(identities::subject.eq(subject.as_str()))
            .first::<Row>(self.0.connection)
            .optional()?;
        row.map(Identity::try_from).transpose()
    }

    /// Those of a user, the oldest first.
    pub fn list(&mut self, user: UserId) -> Result<Vec<Identity>, StorageError> {
        let rows = identities::table
            .filter(identities::tenant_id.eq(self.0.tenant))
            .filter(identities::user_id.eq(user.to_string()))
            .order((identities::linked_at.asc(), identities::subject.asc()))
            .load::<Row>(self.0.connection)?;
        rows.into_iter().map(Identity::try_from).collect()
    }

    /// Keeps what the provider said this time.
    pub fn record_use(&mut self, identity: &Identity) -> Result<bool, StorageError> {
        let moved = diesel::update(
            identities::table
                .filter(identities::tenant_id.eq(self.0.tenant))
                .filter(identities::provider_id.eq(identity.provider_id.to_string()))
                .filter(identities::subject.eq(identity.subject.as_str()))
                .filter(identities::user_id.eq(identity.user_id.to_string())),
        )
        .set((
            identities::email.eq(&identity.email),
            identities::name.eq(identity.name.as_ref().map(ToString::to_string)),
            identities::picture.eq(&identity.picture),
            identities::last_used_at.eq(identity.last_used_at.as_millis()),
        ))
        .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    /// `false` if it is not that user's.
    pub fn delete(
        &mut self,
        user: UserId,
        provider: ProviderId,
        subject: &Subject,
    ) -> Result<bool, StorageError> {
        let identity = identities::table
            .filter(identities::tenant_id.eq(self.0.tenant))
            .filter(identities::provider_id.eq(provider.to_string()))
            .filter(identities::subject.eq(subject.as_str()))
            .filter(identities::user_id.eq(user.to_string()));
        Ok(diesel::delete(identity).execute(self.0.connection)? == 1)
    }

    /// Deletes those of a user, and says how many.
    pub fn delete_all(&mut self, user: UserId) -> Result<usize, StorageError> {
        let of_user = identities::table
            .filter(identities::tenant_id.eq(self.0.tenant))
            .filter(identities::user_id.eq(user.to_string()));
        Ok(diesel::delete(of_user).execute(self.0.connection)?)
    }
}

impl TryFrom<Row> for Identity {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let unreadable = || StorageError::Corrupt("identity");
        Ok(Self {
            provider_id: ProviderId::parse(&row.provider_id).map_err(|_| unreadable())?,
            subject: Subject::parse(&row.subject).map_err(|_| unreadable())?,
            user_id: UserId::parse(&row.user_id).map_err(|_| unreadable())?,
            email: row.email,
            name: row
                .name
                .map(|name| DisplayName::parse(&name))
                .transpose()
                .map_err(|_| unreadable())?,
            picture: row.picture,
            linked_at: Timestamp::from_millis(row.linked_at),
            last_used_at: Timestamp::from_millis(row.last_used_at),
        })
    }
}
