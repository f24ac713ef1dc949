//! Roles of a tenant.

use diesel::prelude::*;

use super::error::StorageError;
use super::prefix::past;
use super::schema::roles;
use super::tenant_tx::Scope;
use crate::domain::ids::RoleId;
use crate::domain::role::{Role, RoleKey};

pub struct Roles<'t>(pub(super) Scope<'t>);

#[derive(Queryable, Insertable)]
#[diesel(table_name = roles)]
struct Row {
    tenant_id: String,
    id: String,
    key: String,
    description: String,
    rank: i32,
}

impl Roles<'_> {
    /// `Conflict` if the key is taken.
    pub fn insert(&mut self, role: &Role) -> Result<(), StorageError> {
        let row = Row {
            tenant_id: self.0.tenant.to_owned(),
            id: role.id.to_string(),
            key: role.key.to_string(),
            description: role.description.clone(),
            rank: role.rank,
        };
        diesel::insert_into(roles::table).values(&row).execute(self.0.connection)?;
        Ok(())
    }

    pub fn find_by_key(&mut self, key: &RoleKey) -> Result<Option<Role>, StorageError> {
        let row = roles::table
            .filter(roles::tenant_id.eq(self.0.tenant))
            .filter(roles::key.eq(key.as_str()))
            .first::<Row>(self.0.connection)
            .optional()?;
        row.map(Role::try_from).transpose()
    }

    pub fn find(&mut self, id: RoleId) -> Result<Option<Role>, StorageError> {
        let row = roles::table
            .filter(roles::tenant_id.eq(self.0.tenant))
            .filter(roles::id.eq(id.to_string()))
            .first::<Row>(self.0.connection)
            .optional()?;
        row.map(Role::try_from).transpose()
    }

    /// Keeps others from changing the role until this transaction ends.
    pub fn lock(&mut self, id: RoleId) -> Result<bool, StorageError> {
        let role = roles::table
            .filter(roles::tenant_id.eq(self.0.tenant))
            .filter(roles::id.eq(id.to_string()));
        Ok(diesel::update(role).set(roles::key.eq(roles::key)).execute(self.0.connection)? == 1)
    }

    /// Description and rank; the key stays, since tokens and backends know the role by it.
    pub fn update(&mut self, role: &Role) -> Result<bool, StorageError> {
        let row = roles::table
            .filter(roles::tenant_id.eq(self.0.tenant))
            .filter(roles::id.eq(role.id.to_string()));
        let moved = diesel::update(row)
            .set((roles::description.eq(&role.description), roles::rank.eq(role.rank)))
            .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    /// Whoever has it has it no more.
    pub fn delete(&mut self, id: RoleId) -> Result<bool, StorageError> {
        let role = roles::table
            .filter(roles::tenant_id.eq(self.0.tenant))
            .filter(roles::id.eq(id.to_string()));
        Ok(diesel::delete(role).execute(self.0.connection)? == 1)
    }

    /// A page of them by rank, after the role of that rank and key.
    pub fn page(
        &mut self,
        after: Option<(i32, RoleKey)>,
        limit: i64,
    ) -> Result<Vec<Role>, StorageError> {
        let of_tenant = roles::table
            .filter(roles::tenant_id.eq(self.0.tenant))
            .order((roles::rank.asc(), roles::key.asc()))
            .limit(limit);
        let rows = match after {
            None => of_tenant.load::<Row>(self.0.connection)?,
            // The first condition alone is one that an index serves.
            Some((rank, key)) => of_tenant
                .filter(roles::rank.ge(rank))
                .filter(roles::rank.gt(rank).or(roles::key.gt(key.as_str())))
                .load::<Row>(self.0.connection)?,
        };
        rows.into_iter().map(Role::try_from).collect()
    }

    /// Roles whose key begins with `text`.
    pub fn search(&mut self, text: &str, limit: i64) -> Result<Vec<Role>, StorageError> {
        let rows = roles::table
            .filter(roles::tenant_id.eq(self.0.tenant))
            .filter(roles::key.ge(text))
            .filter(roles::key.lt(past(text)))
            .order(roles::key.asc())
            .limit(limit)
            .load::<Row>(self.0.connection)?;
        rows.into_iter().map(Role::try_from).collect()
    }

    /// The one that ranks right before `role`.
    pub fn before(&mut self, role: &Role) -> Result<Option<Role>, StorageError> {
        let row = roles::table
            .filter(roles::tenant_id.eq(self.0.tenant))
            .filter(roles::rank.le(role.rank))
            .filter(roles::rank.lt(role.rank).or(roles::key.lt(role.key.as_str())))
            .order((roles::rank.desc(), roles::key.desc()))
            .first::<Row>(self.0.connection)
            .optional()?;
        row.map(Role::try_from).transpose()
    }

    /// The rank after all that are taken.
    pub fn next_rank(&mut self) -> Result<i32, StorageError> {
        let last = roles::table
            .filter(roles::tenant_id.eq(self.0.tenant))
            .order(roles::rank.desc())
            .select(roles::rank)
            .first::<i32>(self.0.connection)
            .optional()?;
        Ok(last.map_or(1, |last| last.saturating_add(1)))
    }

    /// All of them, by rank.
    pub fn list(&mut self) -> Result<Vec<Role>, StorageError> {
        let rows = roles::table
            .filter(roles::tenant_id.eq(self.0.tenant))
            .order((roles::rank.asc(), roles::key.asc()))
            .load::<Row>(self.0.connection)?;
        rows.into_iter().map(Role::try_from).collect()
    }
}

impl TryFrom<Row> for Role {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let unreadable = |_| StorageError::Corrupt("role");
        Ok(Self {
            id: RoleId::parse(&row.id).map_err(|_| StorageError::Corrupt("role"))?,
            key: RoleKey::parse(&row.key).map_err(unreadable)?,
            description: row.description,
            rank: row.rank,
        })
    }
}
