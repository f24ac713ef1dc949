//! How much happens in the tenant: a number for each day and kind.

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::activity;
use super::tenant_tx::Scope;
use crate::domain::activity::{Day, Kind};

pub struct Activity<'t>(pub(super) Scope<'t>);

impl Activity<'_> {
    /// `Conflict` if another replica has begun to count that day meanwhile: to be tried again.
    pub fn add(&mut self, kind: Kind, day: Day, count: i64) -> Result<(), StorageError> {
        let counted = activity::table
            .filter(activity::tenant_id.eq(self.0.tenant))
            .filter(activity::kind.eq(kind.as_str()))
            .filter(activity::day.eq(day.number()));
        let moved = diesel::update(counted)
            .set(activity::count.eq(activity::count + count))
            .execute(self.0.connection)?;
        if moved == 0 {
            diesel::insert_into(activity::table)
                .values((
                    activity::tenant_id.eq(self.0.tenant),
                    activity::kind.eq(kind.as_str()),
                    activity::day.eq(day.number()),
                    activity::count.eq(count),
                ))
                .execute(self.0.connection)?;
        }
        Ok(())
    }

    /// By day, from `first` on; days on which nothing happened are left out.
    pub fn since(&mut self, kind: Kind, first: Day) -> Result<Vec<(Day, i64)>, StorageError> {
        let rows = activity::table
            .filter(activity::tenant_id.eq(self.0.tenant))
            .filter(activity::kind.eq(kind.as_str()))
            .filter(activity::day.ge(first.number()))
            .order(activity::day.asc())
            .select((activity::day, activity::count))
            .load::<(i32, i64)>(self.0.connection)?;
        Ok(rows.into_iter().map(|(day, count)| (Day::from_number(day), count)).collect())
    }

    /// Whether it ever happened.
    pub fn has_any(&mut self, kind: Kind) -> Result<bool, StorageError> {
        let found = activity::table
            .filter(activity::tenant_id.eq(self.0.tenant))
            .filter(activity::kind.eq(kind.as_str()))
            .select(activity::day)
            .first::<i32>(self.0.connection)
            .optional()?;
        Ok(found.is_some())
    }
}
