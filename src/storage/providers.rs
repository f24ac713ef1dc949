//! A tenant's upstream providers; their secrets are sealed before they come here.

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::providers;
use super::tenant_tx::Scope;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::provider::{
    ProfileRefresh, Provider, ProviderKey, ProviderKind, TokenRetention, UnverifiedEmail,
    UpstreamScope,
};
use crate::domain::tenant::{DisplayName, Domain, SignUp};

pub struct Providers<'t>(pub(super) Scope<'t>);

/// A provider with its secret, sealed for its row.
#[derive(Clone, Debug)]
pub struct StoredProvider {
    pub provider: Provider,
    pub sealed_secret: String,
}

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = providers, treat_none_as_null = true)]
pub(super) struct ProviderRow {
    tenant_id: String,
    id: String,
    key: String,
    kind: String,
    issuer: Option<String>,
    name: String,
    client_id: String,
    sealed_secret: String,
    scope: String,
    allowed_domains: String,
    sign_up: String,
    unverified_email: String,
    profile: String,
    created_at: i64,
    tokens: String,
}

impl Providers<'_> {
    /// `Conflict` if there is one of that key.
    pub fn insert(&mut self, stored: &StoredProvider) -> Result<(), StorageError> {
        let row = self.row(stored);
        diesel::insert_into(providers::table).values(&row).execute(self.0.connection)?;
        Ok(())
    }

    /// Keeps others from changing the provider until this transaction ends.
    pub fn lock(&mut self, id: ProviderId) -> Result<bool, StorageError> {
        let provider = providers::table
            .filter(providers::tenant_id.eq(self.0.tenant))
            .filter(providers::id.eq(id.to_string()));
        let locked = diesel::update(provider).set(providers::key.eq(providers::key));
        Ok(locked.execute(self.0.connection)? == 1)
    }

    /// All but id, key and kind, by which identities are known.
    pub fn update(&mut self, stored: &StoredProvider) -> Result<bool, StorageError> {
        let row = self.row(stored);
        let provider = providers::table
            .filter(providers::tenant_id.eq(self.0.tenant))
            .filter(providers::id.eq(&row.id))
            .filter(providers::key.eq(&row.key))
            .filter(providers::kind.eq(&row.kind));
        Ok(diesel::update(provider).set(&row).execute(self.0.connection)? == 1)
    }

    /// All of them, the oldest first.
    pub fn list(&mut self) -> Result<Vec<StoredProvider>, StorageError> {
        let rows = providers::table
            .filter(providers::tenant_id.eq(self.0.tenant))
            .order(providers::id.asc())
            .load::<ProviderRow>(self.0.connection)?;
        rows.into_iter().map(StoredProvider::try_from).collect()
    }

    /// With every identity of it.
    pub fn delete(&mut self, id: ProviderId) -> Result<bool, StorageError> {
        let provider = providers::table
            .filter(providers::tenant_id.eq(self.0.tenant))
            .filter(providers::id.eq(id.to_string()));
        Ok(diesel::delete(provider).execute(self.0.connection)? == 1)
    }

    fn row(&self, stored: &StoredProvider) -> ProviderRow {
        let provider = &stored.provider;
        ProviderRow {
            tenant_id: self.0.tenant.to_owned(),
            id: provider.id.to_string(),
            key: provider.key.to_string(),
            kind: provider.kind.as_str().to_owned(),
            issuer: provider.kind.issuer().map(|issuer| issuer.as_str().to_owned()),
            name: provider.name.to_string(),
            client_id: provider.client_id.clone(),
            sealed_secret: stored.sealed_secret.clone(),
            scope: words(provider.scopes.iter().map(UpstreamScope::as_str)),
            allowed_domains: words(provider.allowed_domains.iter().map(Domain::as_str)),
            sign_up: provider.sign_up.as_str().to_owned(),
            unverified_email: provider.unverified_email.as_str().to_owned(),
            profile: provider.profile.as_str().to_owned(),
            created_at: provider.created_at.as_millis(),
            tokens: provider.tokens.as_str().to_owned(),
        }
    }
}

fn words<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

impl TryFrom<ProviderRow> for StoredProvider {
    type Error = StorageError;

    fn try_from(row: ProviderRow) -> Result<Self, StorageError> {
        let unreadable = || StorageError::Corrupt("provider");
        let provider = Provider {
            id: ProviderId::parse(&row.id).map_err(|_| unreadable())?,
            key: ProviderKey::parse(&row.key).map_err(|_| unreadable())?,
            kind: ProviderKind::parse(&row.kind, row.issuer.as_deref())
                .map_err(|_| unreadable())?,
            name: DisplayName::parse(&row.name).map_err(|_| unreadable())?,
            client_id: row.client_id,
            scopes: row
                .scope
                .split_whitespace()
                .map(|word| UpstreamScope::parse(word).map_err(|_| unreadable()))
                .collect::<Result<_, _>>()?,
            allowed_domains: row
                .allowed_domains
                .split_whitespace()
                .map(|word| Domain::parse(word).map_err(|_| unreadable()))
                .collect::<Result<_, _>>()?,
            sign_up: SignUp::parse(&row.sign_up).ok_or_else(unreadable)?,
            unverified_email: UnverifiedEmail::parse(&row.unverified_email)
                .ok_or_else(unreadable)?,
            profile: ProfileRefresh::parse(&row.profile).ok_or_else(unreadable)?,
            created_at: Timestamp::from_millis(row.created_at),
            tokens: TokenRetention::parse(&row.tokens).ok_or_else(unreadable)?,
        };
        Ok(Self { provider, sealed_secret: row.sealed_secret })
    }
}

impl ProviderRow {
    /// With the tenant that its secret is sealed for.
    pub(super) fn of_tenant(self) -> Result<(TenantId, StoredProvider), StorageError> {
        let tenant = TenantId::parse(&self.tenant_id);
        let tenant = tenant.map_err(|_| StorageError::Corrupt("provider"))?;
        Ok((tenant, self.try_into()?))
    }
}
