//! Who may see or change the tenant in the console.

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::members;
use super::tenant_tx::Scope;
use crate::domain::clock::Timestamp;
use crate::domain::ids::UserId;
use crate::domain::member::{Member, MemberRole};

pub struct Members<'t>(pub(super) Scope<'t>);

#[derive(Queryable, Insertable)]
#[diesel(table_name = members)]
struct Row {
    tenant_id: String,
    user_id: String,
    role: String,
    created_at: i64,
}

impl Members<'_> {
    /// `Conflict` if the account is a member already.
    pub fn insert(&mut self, member: &Member) -> Result<(), StorageError> {
        let row = Row {
            tenant_id: self.0.tenant.to_owned(),
            user_id: member.user_id.to_string(),
            role: member.role.as_str().to_owned(),
            created_at: member.created_at.as_millis(),
        };
        diesel::insert_into(members::table).values(&row).execute(self.0.connection)?;
        Ok(())
    }

    pub fn find(&mut self, user: UserId) -> Result<Option<Member>, StorageError> {
        let row = members::table
            .filter(members::tenant_id.eq(self.0.tenant))
            .filter(members::user_id.eq(user.to_string()))
            .first::<Row>(self.0.connection)
            .optional()?;
        row.map(Member::try_from).transpose()
    }

    /// A page of them, the oldest account first, after `after`.
    pub fn page(&mut self, after: Option<UserId>, limit: i64) -> Result<Vec<Member>, StorageError> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let rows = members::table
            .filter(members::tenant_id.eq(self.0.tenant))
            .filter(members::user_id.gt(after))
            .order(members::user_id.asc())
            .limit(limit)
            .load::<Row>(self.0.connection)?;
        rows.into_iter().map(Member::try_from).collect()
    }

    pub fn set_role(&mut self, user: UserId, role: MemberRole) -> Result<bool, StorageError> {
        let member = members::table
            .filter(members::tenant_id.eq(self.0.tenant))
            .filter(members::user_id.eq(user.to_string()));
        let moved = diesel::update(member)
            .set(members::role.eq(role.as_str()))
            .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    pub fn delete(&mut self, user: UserId) -> Result<bool, StorageError> {
        let member = members::table
            .filter(members::tenant_id.eq(self.0.tenant))
            .filter(members::user_id.eq(user.to_string()));
        Ok(diesel::delete(member).execute(self.0.connection)? == 1)
    }
}

impl TryFrom<Row> for Member {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let unreadable = || StorageError::Corrupt("member");
        Ok(Self {
            user_id: UserId::parse(&row.user_id).map_err(|_| unreadable())?,
            role: MemberRole::parse(&row.role).ok_or_else(unreadable)?,
            created_at: Timestamp::from_millis(row.created_at),
        })
    }
}
