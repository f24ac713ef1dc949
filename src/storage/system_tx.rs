//! Work across tenants: finding and making them, and sweeping out what has expired. Only jobs, the
//! command line, the operator's flows and the search for a request's tenant have a use for it.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::allowances::DeploymentAllowances;
use super::connection::AnyConnection;
use super::error::StorageError;
use super::mail_orders::MailOrderRow;
use super::providers::{ProviderRow, StoredProvider};
use super::schema;
use super::signing_keys::{SigningKeyRow, StoredKey};
use super::tenant_tx::TenantTx;
use super::tenants::Tenants;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ProviderId, TenantId, UserId};
use crate::domain::mail_order::{DEAD_LETTER_MEMORY, MailOrder, MailStatus};
use crate::domain::member::MemberRole;
use crate::domain::session::BROWSER_ABSOLUTE_LIFE;
use crate::domain::signing_key::{Algorithm, PUBLISHED_AFTER_USE, ROTATION_PERIOD};
use crate::domain::user::UserStatus;
use crate::domain::{application::MAX_REFRESH_LIFE, authorization_code::SPENT_CODE_MEMORY};

pub struct SystemTx<'c> {
    connection: &'c mut AnyConnection,
}

impl<'c> SystemTx<'c> {
    pub(super) fn new(connection: &'c mut AnyConnection) -> Self {
        Self { connection }
    }

    pub fn tenants(&mut self) -> Tenants<'_> {
        Tenants(self.connection)
    }

    /// What is counted for all tenants together.
    pub fn allowances(&mut self) -> DeploymentAllowances<'_> {
        DeploymentAllowances(self.connection)
    }

    /// The scope of one tenant, within this transaction.
    pub fn tenant(&mut self, tenant: TenantId) -> TenantTx<'_> {
        TenantTx::new(self.connection, tenant)
    }

    /// Keys, of whatever tenant, that have signed since before then and have no successor yet.
    pub fn keys_activated_before(
        &mut self,
        then: Timestamp,
        limit: i64,
    ) -> Result<Vec<(TenantId, Algorithm)>, StorageError> {
        use schema::signing_keys;
        let rows = signing_keys::table
            .filter(signing_keys::retires_at.is_null())
            .filter(signing_keys::activates_at.le(then.as_millis()))
            .order(signing_keys::activates_at.asc())
            .limit(limit)
            .select((signing_keys::tenant_id, signing_keys::algorithm))
            .load::<(String, String)>(self.connection)?;
        let unreadable = || StorageError::Corrupt("signing key");
        rows.into_iter()
            .map(|(tenant, algorithm)| {
                let tenant = TenantId::parse(&tenant).map_err(|_| unreadable())?;
                Ok((tenant, Algorithm::parse(&algorithm).ok_or_else(unreadable)?))
            })
            .collect()
    }

    /// How the signing keys of all tenants are. Costs more with more tenants, so it is not for every request.
    pub fn survey_keys(&mut self, now: Timestamp) -> Result<KeySurvey, StorageError> {
        use schema::{signing_keys, tenants};
        let at = now.as_millis();
        let active = signing_keys::table
            .filter(signing_keys::tenant_id.eq(tenants::id))
            .filter(signing_keys::activates_at.le(at))
            .filter(signing_keys::retires_at.is_null().or(signing_keys::retires_at.gt(at)));
        let without = tenants::table.filter(not(exists(active)));
        let overdue = signing_keys::table
            .inner_join(tenants::table.on(tenants::id.eq(signing_keys::tenant_id)))
            .filter(signing_keys::retires_at.is_null())
            .filter(signing_keys::activates_at.le((now - ROTATION_PERIOD).as_millis()));
        Ok(KeySurvey {
            tenants: tenants::table.count().get_result(self.connection)?,
            without_key: without.count().get_result(self.connection)?,
            some_without_key: without
                .order(tenants::slug.asc())
                .limit(NAMED)
                .select(tenants::slug)
                .load(self.connection)?,
            some_overdue: overdue
                .order(signing_keys::activates_at.asc())
                .limit(NAMED)
                .select(tenants::slug)
                .load(self.connection)?,
        })
    }

    /// The oldest and the newest keys of all tenants, with whose they are.
    pub fn outermost_keys(
        &mut self,
        limit: i64,
    ) -> Result<Vec<(TenantId, StoredKey)>, StorageError> {
        use schema::signing_keys;
        let mut rows = signing_keys::table
            .order(signing_keys::activates_at.asc())
            .limit(limit)
            .load::<SigningKeyRow>(self.connection)?;
        rows.extend(
            signing_keys::table
                .order(signing_keys::activates_at.desc())
                .limit(limit)
                .load::<SigningKeyRow>(self.connection)?,
        );
        rows.into_iter().map(SigningKeyRow::of_tenant).collect()
    }

    /// A page of the keys of all tenants, with whose they are, after the key `after`.
    pub fn key_page(
        &mut self,
        after: Option<&(TenantId, String)>,
        limit: i64,
    ) -> Result<Vec<(TenantId, StoredKey)>, StorageError> {
        use schema::signing_keys;
        let (tenant, kid) =
            after.map(|(tenant, kid)| (tenant.to_string(), kid.clone())).unwrap_or_default();
        let rows = signing_keys::table
            .filter(signing_keys::tenant_id.ge(tenant.clone()))
            .filter(signing_keys::tenant_id.gt(tenant).or(signing_keys::id.gt(kid)))
            .order((signing_keys::tenant_id.asc(), signing_keys::id.asc()))
            .limit(limit)
            .load::<SigningKeyRow>(self.connection)?;
        rows.into_iter().map(SigningKeyRow::of_tenant).collect()
    }

    /// A page of the providers of all tenants, with whose they are, after the provider `after`.
    pub fn provider_page(
        &mut self,
        after: Option<&(TenantId, ProviderId)>,
        limit: i64,
    ) -> Result<Vec<(TenantId, StoredProvider)>, StorageError> {
        use schema::providers;
        let (tenant, id) =
            after.map(|(tenant, id)| (tenant.to_string(), id.to_string())).unwrap_or_default();
        let rows = providers::table
            .filter(providers::tenant_id.ge(tenant.clone()))
            .filter(providers::tenant_id.gt(tenant).or(providers::id.gt(id)))
            .order((providers::tenant_id.asc(), providers::id.asc()))
            .limit(limit)
            .load::<ProviderRow>(self.connection)?;
        rows.into_iter().map(ProviderRow::of_tenant).collect()
    }

    /// How many letters wait in all tenants, and how many are dead; of each `limit` are counted at most.
    pub fn count_mail(&mut self, limit: i64) -> Result<(usize, usize), StorageError> {
        use schema::mail_orders;
        let mut count = |status: MailStatus| {
            let some = mail_orders::table
                .filter(mail_orders::status.eq(status.as_str()))
                .select(mail_orders::due_at)
                .limit(limit);
            some.load::<i64>(self.connection).map(|some| some.len())
        };
        Ok((count(MailStatus::Waiting)?, count(MailStatus::Dead)?))
    }

    /// Takes mail that is due, of whatever tenant, for the caller to send: nobody else gets it before `until`.
    pub fn take_mail(
        &mut self,
        now: Timestamp,
        until: Timestamp,
        limit: i64,
    ) -> Result<Vec<MailOrder>, StorageError> {
        use schema::mail_orders;
        let due = mail_orders::table
            .filter(mail_orders::status.eq(MailStatus::Waiting.as_str()))
            .filter(mail_orders::due_at.le(now.as_millis()))
            .order(mail_orders::due_at.asc())
            .limit(limit)
            .load::<MailOrderRow>(self.connection)?;
        let mut taken = Vec::new();
        for mut order in due.into_iter().map(MailOrder::try_from) {
            if let Ok(order) = &mut order {
                let moved = diesel::update(
                    mail_orders::table
                        .filter(mail_orders::tenant_id.eq(order.tenant_id.to_string()))
                        .filter(mail_orders::id.eq(order.id.to_string()))
                        .filter(mail_orders::due_at.eq(order.due_at.as_millis()))
                        .filter(mail_orders::tries.eq(order.tries)),
                )
                .set((
                    mail_orders::due_at.eq(until.as_millis()),
                    mail_orders::tries.eq(order.tries + 1),
                ))
                .execute(self.connection)?;
                if moved == 0 {
                    continue;
                }
                order.tries += 1;
            }
            taken.push(order?);
        }
        Ok(taken)
    }

    /// Accounts, of whatever tenant, whose time has come.
    pub fn users_due(
        &mut self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<(TenantId, UserId)>, StorageError> {
        use schema::users;
        let due = users::table
            .filter(users::deletes_at.le(now.as_millis()))
            .limit(limit)
            .select((users::tenant_id, users::id))
            .load::<(String, String)>(self.connection)?;
        let unreadable = || StorageError::Corrupt("user");
        due.iter()
            .map(|(tenant, user)| {
                let tenant = TenantId::parse(tenant).map_err(|_| unreadable())?;
                Ok((tenant, UserId::parse(user).map_err(|_| unreadable())?))
            })
            .collect()
    }

    /// Where a console account is a member, in the order of the tenants' ids.
    pub fn memberships(
        &mut self,
        account: UserId,
    ) -> Result<Vec<(TenantId, MemberRole)>, StorageError> {
        use schema::members;
        let rows = members::table
            .filter(members::user_id.eq(account.to_string()))
            .order(members::tenant_id.asc())
            .select((members::tenant_id, members::role))
            .load::<(String, String)>(self.connection)?;
        let unreadable = || StorageError::Corrupt("member");
        rows.iter()
            .map(|(tenant, role)| {
                let tenant = TenantId::parse(tenant).map_err(|_| unreadable())?;
                Ok((tenant, MemberRole::parse(role).ok_or_else(unreadable)?))
            })
            .collect()
    }

    /// Whether the tenant has an owner besides that account who can act and is not about to leave. Accounts are users
    /// of the tenant `console`.
    pub fn has_other_owner(
        &mut self,
        console: TenantId,
        tenant: TenantId,
        account: UserId,
    ) -> Result<bool, StorageError> {
        use schema::members;
        let others = members::table
            .filter(members::tenant_id.eq(tenant.to_string()))
            .filter(members::role.eq(MemberRole::Owner.as_str()))
            .filter(members::user_id.ne(account.to_string()))
            .select(members::user_id)
            .load::<String>(self.connection)?;
        self.any_stays(console, others)
    }

    /// Whether the deployment has an operator besides that account who can act and is not about to leave.
    pub fn has_other_operator(
        &mut self,
        console: TenantId,
        account: UserId,
    ) -> Result<bool, StorageError> {
        use schema::operators;
        let others = operators::table
            .filter(operators::tenant_id.eq(console.to_string()))
            .filter(operators::user_id.ne(account.to_string()))
            .select(operators::user_id)
            .load::<String>(self.connection)?;
        self.any_stays(console, others)
    }

    fn any_stays(
        &mut self,
        console: TenantId,
        accounts: Vec<String>,
    ) -> Result<bool, StorageError> {
        use schema::users;
        let staying = users::table
            .filter(users::tenant_id.eq(console.to_string()))
            .filter(users::id.eq_any(accounts))
            .filter(users::deletes_at.is_null())
            .filter(users::status.eq(UserStatus::Active.as_str()))
            .select(users::id)
            .first::<String>(self.connection)
            .optional()?;
        Ok(staying.is_some())
    }

    /// Deletes what nobody can use any more, `limit` rows of each table at most: a sweep of millions must not
    /// keep others from writing. Says how many rows went, and whether there may be more.
    pub fn sweep(&mut self, now: Timestamp, limit: i64) -> Result<Swept, StorageError> {
        let mut swept = Swept::default();
        macro_rules! delete_before {
            ($($table:ident . $column:ident of $key:ident: $before:expr;)*) => {$({
                use schema::$table;
                let before = ($before).as_millis();
                let some = $table::table
                    .filter($table::$column.lt(before))
                    .order($table::$column.asc())
                    .limit(limit)
                    .select($table::$key)
                    .load::<String>(self.connection)?;
                // An id may be found in several tenants: what has not expired stays in each.
                let rows = diesel::delete(
                    $table::table
                        .filter($table::$key.eq_any(some))
                        .filter($table::$column.lt(before)),
                )
                .execute(self.connection)?;
                swept.rows += rows;
                swept.is_all &= i64::try_from(rows).is_ok_and(|rows| rows < limit);
            })*};
        }
        delete_before! {
            allowances.whole_at of id: now;
            authorization_codes.expires_at of id: now - SPENT_CODE_MEMORY;
            authorization_requests.expires_at of id: now;
            browser_states.expires_at of id: now;
            deployment_allowances.whole_at of id: now;
            domain_claims.expires_at of tenant_id: now;
            email_codes.expires_at of id: now;
            link_offers.expires_at of id: now;
            mail_orders.created_at of id: now - DEAD_LETTER_MEMORY;
            one_time_tokens.expires_at of id: now;
            refresh_families.expires_at of id: now;
            revoked_access_tokens.expires_at of id: now;
            sessions.created_at of id: now - BROWSER_ABSOLUTE_LIFE - MAX_REFRESH_LIFE;
            signing_keys.retires_at of id: now - PUBLISHED_AFTER_USE;
            upstream_sign_ins.expires_at of id: now;
        }
        Ok(swept)
    }
}

/// How the signing keys of all tenants are.
#[derive(Clone, Debug)]
pub struct KeySurvey {
    pub tenants: i64,
    /// Those that sign nothing.
    pub without_key: i64,
    pub some_without_key: Vec<String>,
    /// Tenants with a key that should have had a successor by now.
    pub some_overdue: Vec<String>,
}

/// Tenants that are named of those that have a fault.
const NAMED: i64 = 5;

/// What a sweep has done.
#[derive(Clone, Copy, Debug)]
pub struct Swept {
    pub rows: usize,
    /// No table had more to delete.
    pub is_all: bool,
}

impl Default for Swept {
    fn default() -> Self {
        Self { rows: 0, is_all: true }
    }
}
