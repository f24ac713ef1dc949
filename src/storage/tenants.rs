//! Tenants themselves: reached across tenants only.

use diesel::prelude::*;

use super::connection::AnyConnection;
use super::error::StorageError;
use super::schema::tenants;
use crate::domain::clock::Timestamp;
use crate::domain::ids::TenantId;
use crate::domain::tenant::{DisplayName, Domain, SignUp, Slug, Tenant, TenantStatus};

pub struct Tenants<'t>(pub(super) &'t mut AnyConnection);

#[derive(Queryable, Insertable)]
#[diesel(table_name = tenants)]
struct Row {
    id: String,
    slug: String,
    name: String,
    domain: Option<String>,
    status: String,
    sign_up: String,
    created_at: i64,
}

impl Tenants<'_> {
    pub fn insert(&mut self, tenant: &Tenant) -> Result<(), StorageError> {
        let row = Row {
            id: tenant.id.to_string(),
            slug: tenant.slug.to_string(),
            name: tenant.name.to_string(),
            domain: tenant.domain.as_ref().map(ToString::to_string),
            status: tenant.status.as_str().to_owned(),
            sign_up: tenant.sign_up.as_str().to_owned(),
            created_at: tenant.created_at.as_millis(),
        };
        diesel::insert_into(tenants::table).values(&row).execute(self.0)?;
        Ok(())
    }

    pub fn find_by_slug(&mut self, slug: &Slug) -> Result<Option<Tenant>, StorageError> {
        let row = tenants::table
            .filter(tenants::slug.eq(slug.as_str()))
            .first::<Row>(self.0)
            .optional()?;
        row.map(Tenant::try_from).transpose()
    }

    pub fn find_by_domain(&mut self, domain: &Domain) -> Result<Option<Tenant>, StorageError> {
        let row = tenants::table
            .filter(tenants::domain.eq(domain.as_str()))
            .first::<Row>(self.0)
            .optional()?;
        row.map(Tenant::try_from).transpose()
    }

    /// A page of tenants in the order of their slugs, after `after`.
    pub fn page(&mut self, after: Option<&Slug>, limit: i64) -> Result<Vec<Tenant>, StorageError> {
        let after = after.map_or("", Slug::as_str);
        let rows = tenants::table
            .filter(tenants::slug.gt(after))
            .order(tenants::slug.asc())
            .limit(limit)
            .load::<Row>(self.0)?;
        rows.into_iter().map(Tenant::try_from).collect()
    }

    pub fn set_status(&mut self, id: TenantId, status: TenantStatus) -> Result<bool, StorageError> {
        let moved = diesel::update(tenants::table.filter(tenants::id.eq(id.to_string())))
            .set(tenants::status.eq(status.as_str()))
            .execute(self.0)?;
        Ok(moved == 1)
    }
}

impl TryFrom<Row> for Tenant {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let unreadable = || StorageError::Corrupt("tenant");
        Ok(Self {
            id: TenantId::parse(&row.id).map_err(|_| unreadable())?,
            slug: Slug::parse(&row.slug).map_err(|_| unreadable())?,
            name: DisplayName::parse(&row.name).map_err(|_| unreadable())?,
            domain: row
                .domain
                .map(|domain| Domain::parse(&domain))
                .transpose()
                .map_err(|_| unreadable())?,
            status: TenantStatus::parse(&row.status).ok_or_else(unreadable)?,
            sign_up: SignUp::parse(&row.sign_up).ok_or_else(unreadable)?,
            created_at: Timestamp::from_millis(row.created_at),
        })
    }
}
