//! What users allowed third parties' applications.

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::consents;
use super::tenant_tx::Scope;
use crate::domain::clock::Timestamp;
use crate::domain::consent::Consent;
use crate::domain::ids::{ApplicationId, UserId};
use crate::domain::scope::Scopes;

pub struct Consents<'t>(pub(super) Scope<'t>);

impl Consents<'_> {
    pub fn find(
        &mut self,
        user: UserId,
        application: ApplicationId,
    ) -> Result<Option<Consent>, StorageError> {
        let row = consents::table
            .filter(consents::tenant_id.eq(self.0.tenant))
            .filter(consents::user_id.eq(user.to_string()))
            .filter(consents::application_id.eq(application.to_string()))
            .select((consents::scope, consents::granted_at))
            .first::<(String, i64)>(self.0.connection)
            .optional()?;
        Ok(row.map(|(scope, granted_at)| Consent {
            application_id: application,
            scopes: Scopes::parse(&scope),
            granted_at: Timestamp::from_millis(granted_at),
        }))
    }

    /// All that a user allowed, the newest first.
    pub fn of_user(&mut self, user: UserId) -> Result<Vec<Consent>, StorageError> {
        let rows = consents::table
            .filter(consents::tenant_id.eq(self.0.tenant))
            .filter(consents::user_id.eq(user.to_string()))
            .order(consents::granted_at.desc())
            .select((consents::application_id, consents::scope, consents::granted_at))
            .load::<(String, String, i64)>(self.0.connection)?;
        rows.into_iter()
            .map(|(application, scope, granted_at)| {
                Ok(Consent {
                    application_id: ApplicationId::parse(&application)
                        .map_err(|_| StorageError::Corrupt("consent"))?,
                    scopes: Scopes::parse(&scope),
                    granted_at: Timestamp::from_millis(granted_at),
                })
            })
            .collect()
    }

    /// Remembers a consent in the place of an earlier one.
    pub fn put(&mut self, user: UserId, consent: &Consent) -> Result<(), StorageError> {
        self.delete(user, consent.application_id)?;
        diesel::insert_into(consents::table)
            .values((
                consents::tenant_id.eq(self.0.tenant),
                consents::user_id.eq(user.to_string()),
                consents::application_id.eq(consent.application_id.to_string()),
                consents::scope.eq(consent.scopes.to_string()),
                consents::granted_at.eq(consent.granted_at.as_millis()),
            ))
            .execute(self.0.connection)?;
        Ok(())
    }

    /// `false` if there was none.
    pub fn delete(
        &mut self,
        user: UserId,
        application: ApplicationId,
    ) -> Result<bool, StorageError> {
        let consent = consents::table
            .filter(consents::tenant_id.eq(self.0.tenant))
            .filter(consents::user_id.eq(user.to_string()))
            .filter(consents::application_id.eq(application.to_string()));
        Ok(diesel::delete(consent).execute(self.0.connection)? == 1)
    }

    /// Deletes those of a user, and says how many.
    pub fn delete_all(&mut self, user: UserId) -> Result<usize, StorageError> {
        let of_user = consents::table
            .filter(consents::tenant_id.eq(self.0.tenant))
            .filter(consents::user_id.eq(user.to_string()));
        Ok(diesel::delete(of_user).execute(self.0.connection)?)
    }
}
