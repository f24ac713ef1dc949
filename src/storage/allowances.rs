//! Allowances in use: in the database, so that all replicas count alike.

use std::time::Duration;

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::allowances;
use super::tenant_tx::Scope;
use crate::domain::allowance::Allowance;
use crate::domain::clock::Timestamp;

pub struct Allowances<'t>(pub(super) Scope<'t>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    Granted,
    /// Used up: another try is possible after this time.
    Refused(Duration),
}

impl Allowances<'_> {
    /// Spends one try. Of any number at once each counts: the guard is in the statement. `Conflict` if
    /// another replica spent the very first one at the same moment; then the transaction is to be run again.
    pub fn spend(
        &mut self,
        key: &str,
        allowance: Allowance,
        now: Timestamp,
    ) -> Result<Spent, StorageError> {
        loop {
            let seen = self.whole_at(key)?;
            let whole_at = match allowance.spend(seen.unwrap_or(now), now) {
                Ok(whole_at) => whole_at.as_millis(),
                Err(wait) => return Ok(Spent::Refused(wait)),
            };
            let moved = match seen {
                None => diesel::insert_into(allowances::table)
                    .values((
                        allowances::tenant_id.eq(self.0.tenant),
                        allowances::id.eq(key),
                        allowances::whole_at.eq(whole_at),
                    ))
                    .execute(self.0.connection)?,
                Some(seen) => self.replace(key, seen, whole_at)?,
            };
            if moved == 1 {
                return Ok(Spent::Granted);
            }
        }
    }

    /// Gives a try back: it was an honest one.
    pub fn give_back(
        &mut self,
        key: &str,
        allowance: Allowance,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        while let Some(seen) = self.whole_at(key)?.filter(|whole_at| *whole_at > now) {
            if self.replace(key, seen, (seen - allowance.every).as_millis())? == 1 {
                break;
            }
        }
        Ok(())
    }

    fn whole_at(&mut self, key: &str) -> Result<Option<Timestamp>, StorageError> {
        let whole_at = allowances::table
            .filter(allowances::tenant_id.eq(self.0.tenant))
            .filter(allowances::id.eq(key))
            .select(allowances::whole_at)
            .first::<i64>(self.0.connection)
            .optional()?;
        Ok(whole_at.map(Timestamp::from_millis))
    }

    fn replace(
        &mut self,
        key: &str,
        seen: Timestamp,
        whole_at: i64,
    ) -> Result<usize, StorageError> {
        let row = allowances::table
            .filter(allowances::tenant_id.eq(self.0.tenant))
            .filter(allowances::id.eq(key))
            .filter(allowances::whole_at.eq(seen.as_millis()));
        Ok(diesel::update(row).set(allowances::whole_at.eq(whole_at)).execute(self.0.connection)?)
    }
}
