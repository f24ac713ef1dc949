//! Tenants themselves: reached across tenants only.

use std::collections::HashSet;
use std::time::Duration;

use diesel::prelude::*;

use super::connection::AnyConnection;
use super::error::StorageError;
use super::prefix::past;
use super::schema::{members, tenants};
use crate::domain::application::Lifetimes;
use crate::domain::clock::Timestamp;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::{TenantId, UserId};
use crate::domain::logo::LogoVersion;
use crate::domain::member::MemberRole;
use crate::domain::password::MinLength;
use crate::domain::tenant::{
    Accent, AccountPolicy, DisplayName, Domain, EmailCode, EmailVerification, SignUp, Slug, Tenant,
    TenantStatus,
};

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
    email_verification: String,
    email_code: String,
    deletion_grace_days: i32,
    accent: Option<String>,
    reply_to: Option<String>,
    deletes_at: Option<i64>,
    logo: Option<String>,
    name_key: String,
    password_min_length: i32,
    access_token_seconds: i32,
    refresh_idle_seconds: i32,
    refresh_absolute_seconds: i32,
}

impl Tenants<'_> {
    pub fn insert(&mut self, tenant: &Tenant) -> Result<(), StorageError> {
        let row = Row {
            id: tenant.id.to_string(),
            slug: tenant.slug.to_string(),
            name: tenant.name.to_string(),
            domain: tenant.domain.as_ref().map(ToString::to_string),
            status: tenant.status.as_str().to_owned(),
            sign_up: tenant.accounts.sign_up.as_str().to_owned(),
            created_at: tenant.created_at.as_millis(),
            email_verification: tenant.accounts.email_verification.as_str().to_owned(),
            email_code: tenant.accounts.email_code.as_str().to_owned(),
            deletion_grace_days: tenant.accounts.deletion_grace_days.into(),
            accent: tenant.accent.as_ref().map(ToString::to_string),
            reply_to: tenant.reply_to.as_ref().map(ToString::to_string),
            deletes_at: tenant.deletes_at.map(Timestamp::as_millis),
            logo: tenant.logo.as_ref().map(ToString::to_string),
            name_key: tenant.name.as_str().to_lowercase(),
            password_min_length: tenant.accounts.password_min_length.characters().into(),
            access_token_seconds: seconds(tenant.lifetimes.access_token),
            refresh_idle_seconds: seconds(tenant.lifetimes.refresh_idle),
            refresh_absolute_seconds: seconds(tenant.lifetimes.refresh_absolute),
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

    /// A page of tenants in the order of their slugs, after `after`, of those whose slug begins with `prefix`.
    pub fn page(
        &mut self,
        prefix: &str,
        after: Option<&Slug>,
        limit: i64,
    ) -> Result<Vec<Tenant>, StorageError> {
        let after = after.map_or("", Slug::as_str);
        let rows = tenants::table
            .filter(tenants::slug.gt(after))
            .filter(tenants::slug.ge(prefix))
            .filter(tenants::slug.lt(past(prefix)))
            .order(tenants::slug.asc())
            .limit(limit)
            .load::<Row>(self.0)?;
        rows.into_iter().map(Tenant::try_from).collect()
    }

    /// Tenants whose name or host begins with `text`, which is in lower case, by name; those whose slug does so
    /// are left out, since a page has them.
    pub fn named(&mut self, text: &str, limit: i64) -> Result<Vec<Tenant>, StorageError> {
        // Not a range: no index of the slugs is to lead.
        let others =
            || tenants::table.filter(tenants::slug.not_between(text, past(text))).limit(limit);
        let mut rows = others()
            .filter(tenants::name_key.ge(text))
            .filter(tenants::name_key.lt(past(text)))
            .order(tenants::name_key.asc())
            .load::<Row>(self.0)?;
        let hosts = others()
            .filter(tenants::domain.ge(text))
            .filter(tenants::domain.lt(past(text)))
            .order(tenants::domain.asc())
            .load::<Row>(self.0)?;
        let known: HashSet<String> = rows.iter().map(|row| row.id.clone()).collect();
        rows.extend(hosts.into_iter().filter(|row| !known.contains(&row.id)));
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        rows.into_iter().map(Tenant::try_from).collect()
    }

    /// Keeps others from changing the tenant until this transaction ends.
    pub fn lock(&mut self, id: TenantId) -> Result<bool, StorageError> {
        let moved = diesel::update(tenants::table.filter(tenants::id.eq(id.to_string())))
            .set(tenants::status.eq(tenants::status))
            .execute(self.0)?;
        Ok(moved == 1)
    }

    /// Replaces what admins decide: name, domain, colour, logo, sender, lifetimes and the policy of accounts. `Conflict` if the
    /// domain is another tenant's.
    pub fn update(&mut self, tenant: &Tenant) -> Result<bool, StorageError> {
        let accounts = &tenant.accounts;
        let moved = diesel::update(tenants::table.filter(tenants::id.eq(tenant.id.to_string())))
            .set((
                tenants::name.eq(tenant.name.as_str()),
                tenants::name_key.eq(tenant.name.as_str().to_lowercase()),
                tenants::domain.eq(tenant.domain.as_ref().map(ToString::to_string)),
                tenants::sign_up.eq(accounts.sign_up.as_str()),
                tenants::email_verification.eq(accounts.email_verification.as_str()),
                tenants::email_code.eq(accounts.email_code.as_str()),
                tenants::password_min_length
                    .eq(i32::from(accounts.password_min_length.characters())),
                tenants::access_token_seconds.eq(seconds(tenant.lifetimes.access_token)),
                tenants::refresh_idle_seconds.eq(seconds(tenant.lifetimes.refresh_idle)),
                tenants::refresh_absolute_seconds.eq(seconds(tenant.lifetimes.refresh_absolute)),
                tenants::deletion_grace_days.eq(i32::from(accounts.deletion_grace_days)),
                tenants::accent.eq(tenant.accent.as_ref().map(ToString::to_string)),
                tenants::reply_to.eq(tenant.reply_to.as_ref().map(ToString::to_string)),
                tenants::logo.eq(tenant.logo.as_ref().map(ToString::to_string)),
            ))
            .execute(self.0)?;
        Ok(moved == 1)
    }

    pub fn find(&mut self, id: TenantId) -> Result<Option<Tenant>, StorageError> {
        let row = tenants::table
            .filter(tenants::id.eq(id.to_string()))
            .first::<Row>(self.0)
            .optional()?;
        row.map(Tenant::try_from).transpose()
    }

    /// Plans the tenant's deletion, or with `None` takes the plan back.
    pub fn plan_deletion(
        &mut self,
        id: TenantId,
        at: Option<Timestamp>,
    ) -> Result<bool, StorageError> {
        let moved = diesel::update(tenants::table.filter(tenants::id.eq(id.to_string())))
            .set(tenants::deletes_at.eq(at.map(Timestamp::as_millis)))
            .execute(self.0)?;
        Ok(moved == 1)
    }

    /// Tenants whose time has come.
    pub fn due(&mut self, now: Timestamp, limit: i64) -> Result<Vec<Tenant>, StorageError> {
        let due = tenants::table
            .filter(tenants::deletes_at.le(now.as_millis()))
            .order(tenants::id.asc())
            .limit(limit)
            .load::<Row>(self.0)?;
        due.into_iter().map(Tenant::try_from).collect()
    }

    /// Deletes the tenant with all that is its own, its audit log too. `false` if its time has not come.
    pub fn delete_due(&mut self, id: TenantId, now: Timestamp) -> Result<bool, StorageError> {
        let due = tenants::table
            .filter(tenants::id.eq(id.to_string()))
            .filter(tenants::deletes_at.le(now.as_millis()));
        Ok(diesel::delete(due).execute(self.0)? == 1)
    }

    /// The tenants that a console account is a member of, in the order of their slugs.
    pub fn of_member(
        &mut self,
        user: UserId,
        after: Option<&Slug>,
        limit: i64,
    ) -> Result<Vec<(Tenant, MemberRole)>, StorageError> {
        let after = after.map_or("", Slug::as_str);
        let rows = tenants::table
            .inner_join(members::table.on(members::tenant_id.eq(tenants::id)))
            .filter(members::user_id.eq(user.to_string()))
            .filter(tenants::slug.gt(after))
            .order(tenants::slug.asc())
            .limit(limit)
            .select((tenants::all_columns, members::role))
            .load::<(Row, String)>(self.0)?;
        rows.into_iter()
            .map(|(row, role)| {
                let role = MemberRole::parse(&role).ok_or(StorageError::Corrupt("member"))?;
                Ok((Tenant::try_from(row)?, role))
            })
            .collect()
    }

    pub fn set_status(&mut self, id: TenantId, status: TenantStatus) -> Result<bool, StorageError> {
        let moved = diesel::update(tenants::table.filter(tenants::id.eq(id.to_string())))
            .set(tenants::status.eq(status.as_str()))
            .execute(self.0)?;
        Ok(moved == 1)
    }
}

/// Ninety days at most.
fn seconds(life: Duration) -> i32 {
    i32::try_from(life.as_secs()).unwrap_or(i32::MAX)
}

impl TryFrom<Row> for Tenant {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let unreadable = || StorageError::Corrupt("tenant");
        let life = |seconds: i32| {
            u64::try_from(seconds).map(Duration::from_secs).map_err(|_| unreadable())
        };
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
            accounts: AccountPolicy {
                sign_up: SignUp::parse(&row.sign_up).ok_or_else(unreadable)?,
                email_verification: EmailVerification::parse(&row.email_verification)
                    .ok_or_else(unreadable)?,
                email_code: EmailCode::parse(&row.email_code).ok_or_else(unreadable)?,
                password_min_length: u8::try_from(row.password_min_length)
                    .ok()
                    .and_then(|characters| MinLength::new(characters).ok())
                    .ok_or_else(unreadable)?,
                deletion_grace_days: u16::try_from(row.deletion_grace_days)
                    .map_err(|_| unreadable())?,
            },
            lifetimes: Lifetimes {
                access_token: life(row.access_token_seconds)?,
                refresh_idle: life(row.refresh_idle_seconds)?,
                refresh_absolute: life(row.refresh_absolute_seconds)?,
            },
            accent: row
                .accent
                .map(|accent| Accent::parse(&accent))
                .transpose()
                .map_err(|_| unreadable())?,
            logo: row
                .logo
                .map(|version| LogoVersion::parse(&version))
                .transpose()
                .map_err(|_| unreadable())?,
            reply_to: row
                .reply_to
                .map(|address| EmailAddress::stored(&address))
                .transpose()
                .map_err(|_| unreadable())?,
            created_at: Timestamp::from_millis(row.created_at),
            deletes_at: row.deletes_at.map(Timestamp::from_millis),
        })
    }
}
