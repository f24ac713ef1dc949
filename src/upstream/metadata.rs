//! What OpenID providers say of themselves, and their keys: fetched when first needed, kept for an hour, and
//! bounded in number.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType,
    CoreJsonWebKey, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{AdditionalProviderMetadata, DiscoveryError, IssuerUrl, ProviderMetadata};
use serde::{Deserialize, Serialize};

use super::UpstreamError;
use super::guard::{CallError, Caller};
use crate::domain::clock::Timestamp;
use crate::domain::provider::UpstreamIssuer;

const LIFE: Duration = Duration::from_secs(60 * 60);
const MAX_KEPT: usize = 256;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Additional {
    /// RFC 9207 §3.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Additional {}

pub type Metadata = ProviderMetadata<
    Additional,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

#[derive(Default)]
pub struct MetadataCache(Mutex<HashMap<String, Kept>>);

struct Kept {
    at: Timestamp,
    metadata: Arc<Metadata>,
}

impl MetadataCache {
    pub async fn find(
        &self,
        http: Caller<'_>,
        issuer: &UpstreamIssuer,
        now: Timestamp,
    ) -> Result<Arc<Metadata>, UpstreamError> {
        if let Some(metadata) = self.kept(issuer, now) {
            return Ok(metadata);
        }
        let url = IssuerUrl::new(issuer.as_str().to_owned())
            .map_err(|error| UpstreamError::Nonsense(error.to_string()))?;
        let metadata = Arc::new(Metadata::discover_async(url, &http).await.map_err(undiscovered)?);
        self.keep(issuer, Arc::clone(&metadata), now);
        Ok(metadata)
    }

    /// The metadata with the keys as they are now: an ID token names a key that we do not know.
    pub async fn with_fresh_keys(
        &self,
        http: Caller<'_>,
        issuer: &UpstreamIssuer,
        metadata: &Metadata,
    ) -> Result<Arc<Metadata>, UpstreamError> {
        let keys = CoreJsonWebKeySet::fetch_async(metadata.jwks_uri(), &http).await;
        let metadata = Arc::new(metadata.clone().set_jwks(keys.map_err(undiscovered)?));
        self.replace_keys(issuer, &metadata);
        Ok(metadata)
    }

    fn kept(&self, issuer: &UpstreamIssuer, now: Timestamp) -> Option<Arc<Metadata>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.get(issuer.as_str())?;
        let is_fresh = now >= kept.at && now < kept.at + LIFE;
        is_fresh.then(|| Arc::clone(&kept.metadata))
    }

    /// The rest of it grows no younger.
    fn replace_keys(&self, issuer: &UpstreamIssuer, metadata: &Arc<Metadata>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = all.get_mut(issuer.as_str()) {
            kept.metadata = Arc::clone(metadata);
        }
    }

    /// So that the next look asks the provider itself.
    pub fn forget(&self, issuer: &UpstreamIssuer) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(issuer.as_str());
    }

    fn keep(&self, issuer: &UpstreamIssuer, metadata: Arc<Metadata>, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_KEPT && !all.contains_key(issuer.as_str()) {
            let oldest = all.iter().min_by_key(|(_, kept)| kept.at).map(|(key, _)| key.clone());
            oldest.map(|key| all.remove(&key));
        }
        all.insert(issuer.as_str().to_owned(), Kept { at: now, metadata });
    }
}

fn undiscovered(error: DiscoveryError<CallError>) -> UpstreamError {
    match error {
        DiscoveryError::Request(error) => error.into(),
        DiscoveryError::Response(status, _, why) => {
            UpstreamError::Nonsense(format!("discovery, {status}: {why}"))
        }
        // OpenID Connect Discovery §4.3: the issuer must be the one that was asked for.
        DiscoveryError::Validation(why) => {
            tracing::warn!(%why, "an upstream's discovery document is of another issuer");
            UpstreamError::Untrue(super::Lie::Issuer)
        }
        other => UpstreamError::Nonsense(format!("discovery: {other}")),
    }
}
