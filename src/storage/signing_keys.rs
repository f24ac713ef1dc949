//! A tenant's signing keys; the private halves are sealed before they come here.

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::signing_keys;
use super::tenant_tx::Scope;
use crate::domain::clock::Timestamp;
use crate::domain::ids::TenantId;
use crate::domain::signing_key::{Algorithm, KeyLife};

pub struct SigningKeys<'t>(pub(super) Scope<'t>);

/// A key as it is stored.
#[derive(Clone, Debug)]
pub struct StoredKey {
    pub kid: String,
    pub algorithm: Algorithm,
    /// The public key, as the JSON of a JWK (RFC 7517).
    pub public_jwk: String,
    pub sealed_private_key: String,
    pub created_at: Timestamp,
    pub life: KeyLife,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = signing_keys)]
pub(super) struct SigningKeyRow {
    tenant_id: String,
    id: String,
    algorithm: String,
    public_jwk: String,
    sealed_private_key: String,
    created_at: i64,
    activates_at: i64,
    retires_at: Option<i64>,
}

impl SigningKeys<'_> {
    pub fn insert(&mut self, key: &StoredKey) -> Result<(), StorageError> {
        let row = SigningKeyRow {
            tenant_id: self.0.tenant.to_owned(),
            id: key.kid.clone(),
            algorithm: key.algorithm.as_str().to_owned(),
            public_jwk: key.public_jwk.clone(),
            sealed_private_key: key.sealed_private_key.clone(),
            created_at: key.created_at.as_millis(),
            activates_at: key.life.activates_at.as_millis(),
            retires_at: key.life.retires_at.map(Timestamp::as_millis),
        };
        diesel::insert_into(signing_keys::table).values(&row).execute(self.0.connection)?;
        Ok(())
    }

    /// All of them, the oldest first.
    pub fn list(&mut self) -> Result<Vec<StoredKey>, StorageError> {
        let rows = signing_keys::table
            .filter(signing_keys::tenant_id.eq(self.0.tenant))
            .order((signing_keys::activates_at.asc(), signing_keys::id.asc()))
            .load::<SigningKeyRow>(self.0.connection)?;
        rows.into_iter().map(StoredKey::try_from).collect()
    }

    /// Ends the signing of every key of `algorithm` that has no end yet, or a later one.
    pub fn retire_at(
        &mut self,
        algorithm: Algorithm,
        at: Timestamp,
    ) -> Result<usize, StorageError> {
        let unended = signing_keys::table
            .filter(signing_keys::tenant_id.eq(self.0.tenant))
            .filter(signing_keys::algorithm.eq(algorithm.as_str()))
            .filter(
                signing_keys::retires_at.is_null().or(signing_keys::retires_at.gt(at.as_millis())),
            );
        let moved = diesel::update(unended)
            .set(signing_keys::retires_at.eq(at.as_millis()))
            .execute(self.0.connection)?;
        Ok(moved)
    }

    /// Forgets a key that signs no more by `now`. `false` if there is none such: one that signs, or will, stays.
    pub fn withdraw(&mut self, kid: &str, now: Timestamp) -> Result<bool, StorageError> {
        let retired = signing_keys::table
            .filter(signing_keys::tenant_id.eq(self.0.tenant))
            .filter(signing_keys::id.eq(kid))
            .filter(signing_keys::retires_at.le(now.as_millis()));
        Ok(diesel::delete(retired).execute(self.0.connection)? == 1)
    }

    /// Gives the key of `algorithm` that signs now its end. `false` if it has one: a successor is announced.
    pub fn announce_end(
        &mut self,
        algorithm: Algorithm,
        now: Timestamp,
        at: Timestamp,
    ) -> Result<bool, StorageError> {
        let signing = signing_keys::table
            .filter(signing_keys::tenant_id.eq(self.0.tenant))
            .filter(signing_keys::algorithm.eq(algorithm.as_str()))
            .filter(signing_keys::activates_at.le(now.as_millis()))
            .filter(signing_keys::retires_at.is_null());
        let moved = diesel::update(signing)
            .set(signing_keys::retires_at.eq(at.as_millis()))
            .execute(self.0.connection)?;
        Ok(moved > 0)
    }
}

impl TryFrom<SigningKeyRow> for StoredKey {
    type Error = StorageError;

    fn try_from(row: SigningKeyRow) -> Result<Self, StorageError> {
        Ok(Self {
            kid: row.id,
            algorithm: Algorithm::parse(&row.algorithm)
                .ok_or(StorageError::Corrupt("signing key"))?,
            public_jwk: row.public_jwk,
            sealed_private_key: row.sealed_private_key,
            created_at: Timestamp::from_millis(row.created_at),
            life: KeyLife {
                activates_at: Timestamp::from_millis(row.activates_at),
                retires_at: row.retires_at.map(Timestamp::from_millis),
            },
        })
    }
}

impl SigningKeyRow {
    /// With the tenant that it is sealed for.
    pub(super) fn of_tenant(self) -> Result<(TenantId, StoredKey), StorageError> {
        let tenant = TenantId::parse(&self.tenant_id);
        let tenant = tenant.map_err(|_| StorageError::Corrupt("signing key"))?;
        Ok((tenant, self.try_into()?))
    }
}
