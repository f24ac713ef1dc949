//! Access tokens that were given back before their time (RFC 7009), by their `jti`.

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::revoked_access_tokens;
use super::tenant_tx::Scope;
use crate::domain::clock::Timestamp;

pub struct RevokedAccessTokens<'t>(pub(super) Scope<'t>);

impl RevokedAccessTokens<'_> {
    /// Giving back twice is giving back.
    pub fn insert(&mut self, jti: &str, expires_at: Timestamp) -> Result<(), StorageError> {
        if self.contains(jti)? {
            return Ok(());
        }
        diesel::insert_into(revoked_access_tokens::table)
            .values((
                revoked_access_tokens::tenant_id.eq(self.0.tenant),
                revoked_access_tokens::id.eq(jti),
                revoked_access_tokens::expires_at.eq(expires_at.as_millis()),
            ))
            .execute(self.0.connection)?;
        Ok(())
    }

    pub fn contains(&mut self, jti: &str) -> Result<bool, StorageError> {
        let found = revoked_access_tokens::table
            .filter(revoked_access_tokens::tenant_id.eq(self.0.tenant))
            .filter(revoked_access_tokens::id.eq(jti))
            .count()
            .get_result::<i64>(self.0.connection)?;
        Ok(found == 1)
    }
}
