//! actix-session over our database. The state grants nothing: it holds a token against forgery and the id of a
//! row in `sessions`, where authority stands.

use std::collections::HashMap;
use std::sync::Arc;

use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_web::cookie::time::Duration;

use crate::crypto::digest::digest;
use crate::domain::clock::Timestamp;
use crate::domain::entropy::random_secret;
use crate::domain::ids::TenantId;
use crate::domain::secret::{Secret, SecretDigest};
use crate::flows::Context;
use crate::storage::StorageError;

type State = HashMap<String, String>;

/// The entry that says whose tenant's state this is; every state has one.
pub const TENANT: &str = "tenant";
/// The entry that points at the session.
pub const SESSION: &str = "session";

pub struct DatabaseStore(pub Arc<Context>);

/// A session key is `{tenant}.{secret}`, since the store is asked with nothing else.
struct Place {
    tenant: TenantId,
    digest: SecretDigest,
}

/// What the keys of a tenant's states begin with.
pub fn key_prefix(tenant: TenantId) -> String {
    format!("{tenant}.")
}

fn place(key: &SessionKey) -> Option<Place> {
    let (tenant, secret) = key.as_ref().split_once('.')?;
    Some(Place {
        tenant: TenantId::parse(tenant).ok()?,
        digest: digest(&Secret::new(secret.to_owned())),
    })
}

impl DatabaseStore {
    fn expiry(&self, ttl: &Duration) -> Timestamp {
        self.0.now() + std::time::Duration::from_secs(ttl.whole_seconds().unsigned_abs())
    }

    async fn insert(&self, state: State, ttl: &Duration) -> Result<SessionKey, String> {
        // actix-session keeps every value as JSON.
        let tenant = state
            .get(TENANT)
            .and_then(|json| serde_json::from_str::<String>(json).ok())
            .and_then(|text| TenantId::parse(&text).ok())
            .ok_or("a browser state names no tenant")?;
        let secret = random_secret(&*self.0.entropy);
        let (digest, expires_at) = (digest(&secret), self.expiry(ttl));
        let json = serde_json::to_string(&state).map_err(|error| error.to_string())?;
        self.0
            .db
            .write::<_, StorageError>(tenant, move |tx| {
                tx.browser_states().insert(&digest, &json, expires_at)
            })
            .await
            .map_err(|error| error.to_string())?;
        SessionKey::try_from(key_prefix(tenant) + secret.expose())
            .map_err(|error| error.to_string())
    }
}

impl SessionStore for DatabaseStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        let Some(Place { tenant, digest }) = place(key) else { return Ok(None) };
        let now = self.0.now();
        let state = self
            .0
            .db
            .read::<_, StorageError>(tenant, move |tx| tx.browser_states().find(&digest, now))
            .await
            .map_err(|error| LoadError::Other(error.into()))?;
        state
            .map(|json| serde_json::from_str(&json))
            .transpose()
            .map_err(|error| LoadError::Deserialization(error.into()))
    }

    async fn save(&self, state: State, ttl: &Duration) -> Result<SessionKey, SaveError> {
        self.insert(state, ttl)
            .await
            .map_err(|error| SaveError::Other(std::io::Error::other(error).into()))
    }

    /// Where the row is gone, the browser was signed out meanwhile. It gets a new state, without the session:
    /// writing the old one back would undo the sign-out.
    async fn update(
        &self,
        key: SessionKey,
        state: State,
        ttl: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        let other = |error: String| UpdateError::Other(std::io::Error::other(error).into());
        let Place { tenant, digest } =
            place(&key).ok_or_else(|| other("no session key".to_owned()))?;
        let expires_at = self.expiry(ttl);
        let json = serde_json::to_string(&state)
            .map_err(|error| UpdateError::Serialization(error.into()))?;
        let updated = self
            .0
            .db
            .write::<_, StorageError>(tenant, move |tx| {
                tx.browser_states().update(&digest, &json, expires_at)
            })
            .await
            .map_err(|error| other(error.to_string()))?;
        if updated {
            return Ok(key);
        }
        let mut anonymous = state;
        anonymous.remove(SESSION);
        self.insert(anonymous, ttl).await.map_err(other)
    }

    async fn update_ttl(&self, key: &SessionKey, ttl: &Duration) -> Result<(), anyhow::Error> {
        let Some(Place { tenant, digest }) = place(key) else { return Ok(()) };
        let expires_at = self.expiry(ttl);
        self.0
            .db
            .write::<_, StorageError>(tenant, move |tx| {
                tx.browser_states().extend(&digest, expires_at).map(drop)
            })
            .await?;
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        let Some(Place { tenant, digest }) = place(key) else { return Ok(()) };
        self.0
            .db
            .write::<_, StorageError>(tenant, move |tx| {
                tx.browser_states().delete(&digest).map(drop)
            })
            .await?;
        Ok(())
    }
}
