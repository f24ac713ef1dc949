//! The pictures of tenants' logos: apart from the tenants, which are read far more often.

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::logos;
use super::tenant_tx::Scope;

pub struct Logos<'t>(pub(super) Scope<'t>);

impl Logos<'_> {
    /// In the place of the one before.
    pub fn put(&mut self, png: &[u8]) -> Result<(), StorageError> {
        self.remove()?;
        diesel::insert_into(logos::table)
            .values((logos::tenant_id.eq(self.0.tenant), logos::png.eq(png)))
            .execute(self.0.connection)?;
        Ok(())
    }

    pub fn remove(&mut self) -> Result<bool, StorageError> {
        let own = logos::table.filter(logos::tenant_id.eq(self.0.tenant));
        Ok(diesel::delete(own).execute(self.0.connection)? == 1)
    }

    pub fn find(&mut self) -> Result<Option<Vec<u8>>, StorageError> {
        let own = logos::table.filter(logos::tenant_id.eq(self.0.tenant)).select(logos::png);
        Ok(own.first(self.0.connection).optional()?)
    }
}
