//! Console accounts that see every tenant: users of the built-in tenant.

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::operators;
use super::tenant_tx::Scope;
use crate::domain::clock::Timestamp;
use crate::domain::ids::UserId;

pub struct Operators<'t>(pub(super) Scope<'t>);

impl Operators<'_> {
    pub fn insert(&mut self, user: UserId, now: Timestamp) -> Result<(), StorageError> {
        diesel::insert_into(operators::table)
            .values((
                operators::tenant_id.eq(self.0.tenant),
                operators::user_id.eq(user.to_string()),
                operators::created_at.eq(now.as_millis()),
            ))
            .execute(self.0.connection)?;
        Ok(())
    }

    /// Whether there is any.
    pub fn exist(&mut self) -> Result<bool, StorageError> {
        let found = operators::table
            .filter(operators::tenant_id.eq(self.0.tenant))
            .select(operators::user_id)
            .first::<String>(self.0.connection)
            .optional()?;
        Ok(found.is_some())
    }

    pub fn contains(&mut self, user: UserId) -> Result<bool, StorageError> {
        let found = operators::table
            .filter(operators::tenant_id.eq(self.0.tenant))
            .filter(operators::user_id.eq(user.to_string()))
            .count()
            .get_result::<i64>(self.0.connection)?;
        Ok(found == 1)
    }
}
