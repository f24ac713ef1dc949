//! What sign-in needs of a tenant on every request but changes rarely: its applications and parsed keys,
//! kept in memory for a second. Users, sessions, families and codes are never kept.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::failure::Failure;
use super::oauth::discovery;
use crate::config::PublicUrl;
use crate::crypto::digest::sha256_base64url;
use crate::crypto::jwt::{SigningKey, VerifyingKey};
use crate::crypto::seal::{SealContext, Sealer};
use crate::domain::application::{Application, ApplicationStatus};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ApplicationId, ProviderId};
use crate::domain::signing_key::{Algorithm, KeyState};
use crate::domain::tenant::{Domain, Slug, Tenant};
use crate::storage::{Db, StorageError, StoredKey, StoredProvider};

/// A change made elsewhere is honoured after this time at the latest.
const MAX_AGE: Duration = Duration::from_secs(1);
/// While one request reloads, others may go on with what is this old.
const MAX_AGE_WHILE_RELOADING: Duration = Duration::from_secs(2);
/// Tenants kept at most.
const MAX_KEPT: usize = 1_000;

/// How a request names its tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TenantName {
    /// By the path, `/t/{slug}`.
    Slug(Slug),
    /// By the host.
    Domain(Domain),
}

pub struct TenantSnapshot {
    pub tenant: Tenant,
    /// Never ends in a slash; byte for byte the `iss` of everything.
    pub issuer: String,
    /// The path of the issuer: empty for a tenant with a host of its own.
    pub base_path: String,
    applications: HashMap<ApplicationId, Arc<Application>>,
    keys: Vec<Arc<LoadedKey>>,
    /// The oldest first.
    pub providers: Vec<Arc<StoredProvider>>,
    /// RFC 7517 §5.
    pub jwks: PublicDocument,
    /// OpenID Connect Discovery §3, RFC 8414 §2.
    pub discovery: PublicDocument,
}

/// A JSON document for everybody, ready to be sent.
pub struct PublicDocument {
    pub body: Bytes,
    /// Changes when the body does; to be put in quotes (RFC 9110 §8.8.3).
    pub etag: String,
}

impl PublicDocument {
    fn new(json: &serde_json::Value) -> Self {
        let body = Bytes::from(json.to_string());
        Self { etag: sha256_base64url(&body), body }
    }
}

struct LoadedKey {
    stored: StoredKey,
    signing: SigningKey,
    verifying: VerifyingKey,
}

impl TenantSnapshot {
    /// The application, if it exists and is not disabled.
    pub fn application(&self, id: ApplicationId) -> Option<&Arc<Application>> {
        self.applications
            .get(&id)
            .filter(|application| application.status == ApplicationStatus::Active)
    }

    /// Those that are not disabled, the oldest first.
    pub fn applications(&self) -> impl Iterator<Item = &Arc<Application>> {
        let mut active: Vec<_> = self
            .applications
            .values()
            .filter(|application| application.status == ApplicationStatus::Active)
            .collect();
        active.sort_by_key(|application| application.id);
        active.into_iter()
    }

    pub fn application_by_client_id(&self, client_id: &str) -> Option<&Arc<Application>> {
        self.application(ApplicationId::parse(client_id).ok()?)
    }

    pub fn default_application(&self) -> Option<&Arc<Application>> {
        let default = self.applications.values().find(|application| application.is_default)?;
        self.application(default.id)
    }

    /// Whether any application that is not disabled allows `origin`.
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.applications.values().any(|application| {
            application.status == ApplicationStatus::Active && application.allows_origin(origin)
        })
    }

    /// The upstream provider of that key.
    pub fn provider(&self, key: &str) -> Option<&Arc<StoredProvider>> {
        self.providers.iter().find(|stored| stored.provider.key.as_str() == key)
    }

    pub fn provider_by_id(&self, id: ProviderId) -> Option<&Arc<StoredProvider>> {
        self.providers.iter().find(|stored| stored.provider.id == id)
    }

    /// The key that signs with `algorithm` now.
    pub fn signing_key(
        &self,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<&SigningKey, Failure> {
        // The newest of the active: after an emergency rotation two may overlap for a moment.
        let active = |key: &&Arc<LoadedKey>| {
            key.stored.algorithm == algorithm && key.stored.life.state(now) == KeyState::Active
        };
        let key = self.keys.iter().rfind(active);
        key.map(|key| &key.signing).ok_or_else(|| {
            Failure::Internal(format!("tenant {} has no active {algorithm} key", self.tenant.slug))
        })
    }

    /// The published key of that `kid`.
    pub fn verifying_key(&self, kid: &str) -> Option<&VerifyingKey> {
        self.keys.iter().find(|key| key.stored.kid == kid).map(|key| &key.verifying)
    }
}

/// The snapshots of the tenants in use, bounded in number.
#[derive(Default)]
pub struct TenantCache {
    /// Requests that found their tenant in memory, and those that read it anew.
    hits: Counter,
    misses: Counter,
    entries: RwLock<HashMap<TenantName, Arc<Entry>>>,
}

#[derive(Default)]
struct Entry {
    loaded: RwLock<Option<Loaded>>,
    /// Held by the one request that reloads.
    reloading: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Loaded {
    at: Timestamp,
    snapshot: Option<Arc<TenantSnapshot>>,
}

impl Loaded {
    fn is_fresh(&self, now: Timestamp, max_age: Duration) -> bool {
        now >= self.at && now < self.at + max_age
    }
}

impl Entry {
    fn get(&self, now: Timestamp, max_age: Duration) -> Option<Loaded> {
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        loaded.clone().filter(|loaded| loaded.is_fresh(now, max_age))
    }
}

impl TenantCache {
    /// The tenant of that name, if there is one and it is not disabled.
    pub async fn find(
        &self,
        db: &Db,
        sealer: &Sealer,
        public_url: &PublicUrl,
        name: TenantName,
        now: Timestamp,
    ) -> Result<Option<Arc<TenantSnapshot>>, Failure> {
        let entry = self.entry(&name);
        if let Some(loaded) = entry.get(now, MAX_AGE) {
            self.hits.inc();
            return Ok(loaded.snapshot);
        }
        let _reloading = match entry.reloading.try_lock() {
            Ok(guard) => guard,
            Err(_) => {
                if let Some(loaded) = entry.get(now, MAX_AGE_WHILE_RELOADING) {
                    self.hits.inc();
                    return Ok(loaded.snapshot);
                }
                let guard = entry.reloading.lock().await;
                if let Some(loaded) = entry.get(now, MAX_AGE) {
                    return Ok(loaded.snapshot);
                }
                guard
            }
        };
        self.misses.inc();
        let previous = {
            let loaded = entry.loaded.read().unwrap_or_else(PoisonError::into_inner);
            loaded.as_ref().and_then(|loaded| loaded.snapshot.clone())
        };
        let snapshot = load(db, sealer, public_url, name, previous, now).await?.map(Arc::new);
        let loaded = Loaded { at: now, snapshot: snapshot.clone() };
        *entry.loaded.write().unwrap_or_else(PoisonError::into_inner) = Some(loaded);
        Ok(snapshot)
    }

    pub fn register(&self, registry: &mut Registry) {
        let name = |what| format!("doorward_tenant_cache_{what}");
        registry.register(name("hits"), "Requests whose tenant was in memory", self.hits.clone());
        registry.register(name("misses"), "Reads of a tenant", self.misses.clone());
    }

    /// Forgets everything: what this process changed, it honours at once.
    pub fn forget(&self) {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn entry(&self, name: &TenantName) -> Arc<Entry> {
        if let Some(entry) = self.entries.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Arc::clone(entry);
        }
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MAX_KEPT {
            // Which one goes hardly matters: it is back with its next request.
            let any = entries.keys().next().cloned();
            any.map(|name| entries.remove(&name));
        }
        Arc::clone(entries.entry(name.clone()).or_default())
    }
}

async fn load(
    db: &Db,
    sealer: &Sealer,
    public_url: &PublicUrl,
    name: TenantName,
    previous: Option<Arc<TenantSnapshot>>,
    now: Timestamp,
) -> Result<Option<TenantSnapshot>, Failure> {
    let rows = db
        .system_read::<_, StorageError>(move |tx| {
            let tenant = match &name {
                // A tenant with a host of its own is reached by that host alone.
                TenantName::Slug(slug) => {
                    tx.tenants().find_by_slug(slug)?.filter(|tenant| tenant.domain.is_none())
                }
                TenantName::Domain(domain) => tx.tenants().find_by_domain(domain)?,
            };
            let Some(tenant) = tenant.filter(Tenant::is_open) else {
                return Ok(None);
            };
            let mut scope = tx.tenant(tenant.id);
            let applications = scope.applications().list()?;
            let keys = scope.signing_keys().list()?;
            let providers = scope.providers().list()?;
            Ok(Some((tenant, applications, keys, providers)))
        })
        .await?;
    let Some((tenant, applications, keys, providers)) = rows else { return Ok(None) };
    let keys = load_keys(sealer, &tenant, keys, previous.as_deref(), now)?;
    let issuer = public_url.issuer(&tenant);
    Ok(Some(TenantSnapshot {
        discovery: PublicDocument::new(&discovery::document(&issuer)),
        issuer,
        base_path: public_url.base_path(&tenant),
        applications: applications
            .into_iter()
            .map(|application| (application.id, Arc::new(application)))
            .collect(),
        providers: providers.into_iter().map(Arc::new).collect(),
        jwks: jwks(&keys)?,
        keys,
        tenant,
    }))
}

/// Opens and parses the keys that are published; those parsed before are taken over.
fn load_keys(
    sealer: &Sealer,
    tenant: &Tenant,
    stored: Vec<StoredKey>,
    previous: Option<&TenantSnapshot>,
    now: Timestamp,
) -> Result<Vec<Arc<LoadedKey>>, Failure> {
    let mut keys = Vec::new();
    for stored in stored {
        if stored.life.state(now) == KeyState::Removed {
            continue;
        }
        let known = previous.and_then(|previous| {
            previous
                .keys
                .iter()
                .find(|key| key.stored.kid == stored.kid && key.stored.life == stored.life)
        });
        if let Some(key) = known {
            keys.push(Arc::clone(key));
            continue;
        }
        let context = SealContext { tenant: tenant.id, table: "signing_keys", row: &stored.kid };
        let private_key = sealer.open(context, &stored.sealed_private_key).map_err(|_| {
            Failure::Internal(format!(
                "the signing key {} of tenant {} cannot be opened: it was sealed under another master key",
                stored.kid, tenant.slug
            ))
        })?;
        let public_jwk = serde_json::from_str(&stored.public_jwk)
            .map_err(|error| Failure::Internal(format!("public key {}: {error}", stored.kid)))?;
        keys.push(Arc::new(LoadedKey {
            signing: SigningKey::from_der(stored.kid.clone(), stored.algorithm, &private_key)?,
            verifying: VerifyingKey::from_jwk(&public_jwk)?,
            stored,
        }));
    }
    Ok(keys)
}

fn jwks(keys: &[Arc<LoadedKey>]) -> Result<PublicDocument, Failure> {
    let keys = keys
        .iter()
        .map(|key| serde_json::from_str::<serde_json::Value>(&key.stored.public_jwk))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Failure::Internal(error.to_string()))?;
    Ok(PublicDocument::new(&serde_json::json!({ "keys": keys })))
}
