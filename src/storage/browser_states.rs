//! What actix-session keeps for a browser, under the digest of the cookie's secret. It grants nothing
//! by itself: authority stands in `sessions`, and this points there.

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::browser_states;
use super::tenant_tx::Scope;
use crate::domain::clock::Timestamp;
use crate::domain::secret::SecretDigest;

pub struct BrowserStates<'t>(pub(super) Scope<'t>);

impl BrowserStates<'_> {
    pub fn find(
        &mut self,
        id: &SecretDigest,
        now: Timestamp,
    ) -> Result<Option<String>, StorageError> {
        let state = browser_states::table
            .filter(browser_states::tenant_id.eq(self.0.tenant))
            .filter(browser_states::id.eq(id.as_str()))
            .filter(browser_states::expires_at.gt(now.as_millis()))
            .select(browser_states::state)
            .first::<String>(self.0.connection)
            .optional()?;
        Ok(state)
    }

    pub fn insert(
        &mut self,
        id: &SecretDigest,
        state: &str,
        expires_at: Timestamp,
    ) -> Result<(), StorageError> {
        diesel::insert_into(browser_states::table)
            .values((
                browser_states::tenant_id.eq(self.0.tenant),
                browser_states::id.eq(id.as_str()),
                browser_states::state.eq(state),
                browser_states::expires_at.eq(expires_at.as_millis()),
            ))
            .execute(self.0.connection)?;
        Ok(())
    }

    /// `false` if the row is gone: the browser was signed out meanwhile, and stays so.
    pub fn update(
        &mut self,
        id: &SecretDigest,
        state: &str,
        expires_at: Timestamp,
    ) -> Result<bool, StorageError> {
        let moved = diesel::update(
            browser_states::table
                .filter(browser_states::tenant_id.eq(self.0.tenant))
                .filter(browser_states::id.eq(id.as_str())),
        )
        .set((
            browser_states::state.eq(state),
            browser_states::expires_at.eq(expires_at.as_millis()),
        ))
        .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    pub fn extend(
        &mut self,
        id: &SecretDigest,
        expires_at: Timestamp,
    ) -> Result<bool, StorageError> {
        let moved = diesel::update(
            browser_states::table
                .filter(browser_states::tenant_id.eq(self.0.tenant))
                .filter(browser_states::id.eq(id.as_str())),
        )
        .set(browser_states::expires_at.eq(expires_at.as_millis()))
        .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    pub fn delete(&mut self, id: &SecretDigest) -> Result<bool, StorageError> {
        let state = browser_states::table
            .filter(browser_states::tenant_id.eq(self.0.tenant))
            .filter(browser_states::id.eq(id.as_str()));
        Ok(diesel::delete(state).execute(self.0.connection)? == 1)
    }
}
