//! Allowances in use: in the database, so that all replicas count alike.

use std::time::Duration;

use diesel::prelude::*;

use super::connection::AnyConnection;
use super::error::StorageError;
use super::schema::{allowances, deployment_allowances};
use super::tenant_tx::Scope;
use crate::domain::allowance::Allowance;
use crate::domain::clock::Timestamp;

/// A tenant's own.
pub struct Allowances<'t>(pub(super) Scope<'t>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    Granted,
    /// Used up: another try is possible after this time.
    Refused(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Booked {
    /// Its turn is then: now, or later.
    At(Timestamp),
    /// Its turn would come too late; it takes nobody's place.
    Full,
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
        spend(self, key, allowance, now)
    }

    /// Takes the next turn that is free, if it comes before `latest`. `Conflict` as for `spend`.
    pub fn book(
        &mut self,
        key: &str,
        allowance: Allowance,
        now: Timestamp,
        latest: Timestamp,
    ) -> Result<Booked, StorageError> {
        book(self, key, allowance, now, latest)
    }

    /// Gives a try back: it was an honest one.
    pub fn give_back(
        &mut self,
        key: &str,
        allowance: Allowance,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        while let Some(seen) = self.whole_at(key)?.filter(|whole_at| *whole_at > now) {
            if self.replace(key, seen, seen - allowance.every)? == 1 {
                break;
            }
        }
        Ok(())
    }

    /// Whether a refusal is to be told of: one is, and then none for as long as the allowance takes to become
    /// whole. Of any number at once only one is told of: the guard is in the statement.
    pub fn tell_refusal(
        &mut self,
        key: &str,
        allowance: Allowance,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let before = now - allowance.window();
        let row = allowances::table
            .filter(allowances::tenant_id.eq(self.0.tenant))
            .filter(allowances::id.eq(key))
            .filter(allowances::told_at.is_null().or(allowances::told_at.le(before.as_millis())));
        let told = allowances::told_at.eq(Some(now.as_millis()));
        Ok(diesel::update(row).set(told).execute(self.0.connection)? == 1)
    }

    /// Makes it whole again, whatever was spent.
    pub fn restore(&mut self, key: &str) -> Result<(), StorageError> {
        let row = allowances::table
            .filter(allowances::tenant_id.eq(self.0.tenant))
            .filter(allowances::id.eq(key));
        diesel::delete(row).execute(self.0.connection)?;
        Ok(())
    }
}

/// Those that all tenants share; only a [`super::SystemTx`] has them.
pub struct DeploymentAllowances<'c>(pub(super) &'c mut AnyConnection);

impl DeploymentAllowances<'_> {
    /// Spends one try, as [`Allowances::spend`] does.
    pub fn spend(
        &mut self,
        key: &str,
        allowance: Allowance,
        now: Timestamp,
    ) -> Result<Spent, StorageError> {
        spend(self, key, allowance, now)
    }

    /// Takes a turn, as [`Allowances::book`] does.
    pub fn book(
        &mut self,
        key: &str,
        allowance: Allowance,
        now: Timestamp,
        latest: Timestamp,
    ) -> Result<Booked, StorageError> {
        book(self, key, allowance, now, latest)
    }
}

/// Where the numbers are kept.
trait Numbers {
    fn whole_at(&mut self, key: &str) -> Result<Option<Timestamp>, StorageError>;
    fn insert(&mut self, key: &str, whole_at: Timestamp) -> Result<usize, StorageError>;
    /// Only if it still is what was seen.
    fn replace(
        &mut self,
        key: &str,
        seen: Timestamp,
        whole_at: Timestamp,
    ) -> Result<usize, StorageError>;
}

fn spend(
    numbers: &mut impl Numbers,
    key: &str,
    allowance: Allowance,
    now: Timestamp,
) -> Result<Spent, StorageError> {
    Ok(match move_on(numbers, key, now, |whole_at| allowance.spend(whole_at, now))? {
        Ok(_) => Spent::Granted,
        Err(wait) => Spent::Refused(wait),
    })
}

fn book(
    numbers: &mut impl Numbers,
    key: &str,
    allowance: Allowance,
    now: Timestamp,
    latest: Timestamp,
) -> Result<Booked, StorageError> {
    let step = |whole_at| {
        let (after, turn) = allowance.book(whole_at, now);
        if turn < latest { Ok(after) } else { Err(()) }
    };
    Ok(match move_on(numbers, key, now, step)? {
        Ok(after) => Booked::At(allowance.turn_of(after, now)),
        Err(()) => Booked::Full,
    })
}

/// Moves the number one step on, by compare and set, and says where it is now; or why the step was not taken.
fn move_on<R>(
    numbers: &mut impl Numbers,
    key: &str,
    now: Timestamp,
    step: impl Fn(Timestamp) -> Result<Timestamp, R>,
) -> Result<Result<Timestamp, R>, StorageError> {
    loop {
        let seen = numbers.whole_at(key)?;
        let after = match step(seen.unwrap_or(now)) {
            Ok(after) => after,
            Err(refused) => return Ok(Err(refused)),
        };
        let moved = match seen {
            None => numbers.insert(key, after)?,
            Some(seen) => numbers.replace(key, seen, after)?,
        };
        if moved == 1 {
            return Ok(Ok(after));
        }
    }
}

impl Numbers for Allowances<'_> {
    fn whole_at(&mut self, key: &str) -> Result<Option<Timestamp>, StorageError> {
        let whole_at = allowances::table
            .filter(allowances::tenant_id.eq(self.0.tenant))
            .filter(allowances::id.eq(key))
            .select(allowances::whole_at)
            .first::<i64>(self.0.connection)
            .optional()?;
        Ok(whole_at.map(Timestamp::from_millis))
    }

    fn insert(&mut self, key: &str, whole_at: Timestamp) -> Result<usize, StorageError> {
        let row = (
            allowances::tenant_id.eq(self.0.tenant),
            allowances::id.eq(key),
            allowances::whole_at.eq(whole_at.as_millis()),
        );
        Ok(diesel::insert_into(allowances::table).values(row).execute(self.0.connection)?)
    }

    fn replace(
        &mut self,
        key: &str,
        seen: Timestamp,
        whole_at: Timestamp,
    ) -> Result<usize, StorageError> {
        let row = allowances::table
            .filter(allowances::tenant_id.eq(self.0.tenant))
            .filter(allowances::id.eq(key))
            .filter(allowances::whole_at.eq(seen.as_millis()));
        let moved = allowances::whole_at.eq(whole_at.as_millis());
        Ok(diesel::update(row).set(moved).execute(self.0.connection)?)
    }
}

impl Numbers for DeploymentAllowances<'_> {
    fn whole_at(&mut self, key: &str) -> Result<Option<Timestamp>, StorageError> {
        let whole_at = deployment_allowances::table
            .filter(deployment_allowances::id.eq(key))
            .select(deployment_allowances::whole_at)
            .first::<i64>(self.0)
            .optional()?;
        Ok(whole_at.map(Timestamp::from_millis))
    }

    fn insert(&mut self, key: &str, whole_at: Timestamp) -> Result<usize, StorageError> {
        let row = (
            deployment_allowances::id.eq(key),
            deployment_allowances::whole_at.eq(whole_at.as_millis()),
        );
        Ok(diesel::insert_into(deployment_allowances::table).values(row).execute(self.0)?)
    }

    fn replace(
        &mut self,
        key: &str,
        seen: Timestamp,
        whole_at: Timestamp,
    ) -> Result<usize, StorageError> {
        let row = deployment_allowances::table
            .filter(deployment_allowances::id.eq(key))
            .filter(deployment_allowances::whole_at.eq(seen.as_millis()));
        let moved = deployment_allowances::whole_at.eq(whole_at.as_millis());
        Ok(diesel::update(row).set(moved).execute(self.0)?)
    }
}
