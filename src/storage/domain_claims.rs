//! The host that a tenant claims, until it has proved that it is its own. Others may claim the same meanwhile.

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::domain_claims;
use super::tenant_tx::Scope;
use crate::domain::clock::Timestamp;
use crate::domain::domain_claim::DomainClaim;
use crate::domain::tenant::Domain;

pub struct DomainClaims<'t>(pub(super) Scope<'t>);

#[derive(Queryable, Insertable)]
#[diesel(table_name = domain_claims)]
struct Row {
    tenant_id: String,
    domain: String,
    challenge: String,
    created_at: i64,
    expires_at: i64,
}

impl DomainClaims<'_> {
    /// In the place of the one before. `Conflict` if another was put at the same moment.
    pub fn put(&mut self, claim: &DomainClaim) -> Result<(), StorageError> {
        self.delete()?;
        let row = Row {
            tenant_id: self.0.tenant.to_owned(),
            domain: claim.domain.to_string(),
            challenge: claim.challenge.clone(),
            created_at: claim.created_at.as_millis(),
            expires_at: claim.expires_at.as_millis(),
        };
        diesel::insert_into(domain_claims::table).values(&row).execute(self.0.connection)?;
        Ok(())
    }

    /// The claim, if it is not too old.
    pub fn find(&mut self, now: Timestamp) -> Result<Option<DomainClaim>, StorageError> {
        let row = domain_claims::table
            .filter(domain_claims::tenant_id.eq(self.0.tenant))
            .filter(domain_claims::expires_at.gt(now.as_millis()))
            .first::<Row>(self.0.connection)
            .optional()?;
        row.map(DomainClaim::try_from).transpose()
    }

    /// Deletes the claim with this challenge, if it is there and not too old: `false` if it is not.
    pub fn spend(&mut self, challenge: &str, now: Timestamp) -> Result<bool, StorageError> {
        let claim = domain_claims::table
            .filter(domain_claims::tenant_id.eq(self.0.tenant))
            .filter(domain_claims::challenge.eq(challenge))
            .filter(domain_claims::expires_at.gt(now.as_millis()));
        Ok(diesel::delete(claim).execute(self.0.connection)? == 1)
    }

    /// Deletes the claim, whichever it is.
    pub fn delete(&mut self) -> Result<bool, StorageError> {
        let own = domain_claims::table.filter(domain_claims::tenant_id.eq(self.0.tenant));
        Ok(diesel::delete(own).execute(self.0.connection)? == 1)
    }
}

impl TryFrom<Row> for DomainClaim {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            domain: Domain::parse(&row.domain)
                .map_err(|_| StorageError::Corrupt("claim to a host"))?,
            challenge: row.challenge,
            created_at: Timestamp::from_millis(row.created_at),
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }
}
