//! Signing keys: making, rotating, listing. A key's state follows from its times, so that all replicas
//! change over at the same moment.

use super::{OPERATOR, Problem};
use crate::crypto::jwt;
use crate::crypto::seal::SealContext;
use crate::domain::audit::Action;
use crate::domain::clock::Timestamp;
use crate::domain::ids::TenantId;
use crate::domain::signing_key::{Algorithm, KeyLife, KeyState, PUBLISHED_BEFORE_USE};
use crate::domain::tenant::Tenant;
use crate::flows::{Context, Failure};
use crate::storage::{StorageError, StoredKey};

/// When a successor takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takeover {
    /// After verifiers have had a day to fetch it.
    Announced,
    /// At once: for emergencies, since verifiers that cache the JWKS refuse new tokens until they fetch it again.
    Now,
}

/// A fresh key, its private half sealed for this tenant.
pub(super) fn new_key(
    context: &Context,
    tenant: TenantId,
    algorithm: Algorithm,
    life: KeyLife,
) -> Result<StoredKey, Failure> {
    let key = jwt::generate(algorithm)?;
    let seal = SealContext { tenant, table: "signing_keys", row: &key.kid };
    let sealed_private_key = context.sealer.seal(&*context.entropy, seal, &key.private_der);
    Ok(StoredKey {
        public_jwk: key.public_jwk.to_string(),
        sealed_private_key,
        kid: key.kid,
        algorithm,
        created_at: context.now(),
        life,
    })
}

pub async fn list(context: &Context, tenant: &Tenant) -> Result<Vec<StoredKey>, Problem> {
    let keys = context.db.read::<_, StorageError>(tenant.id, |tx| tx.signing_keys().list());
    Ok(keys.await?)
}

/// Gives every algorithm a successor, and answers the new keys.
pub async fn rotate(
    context: &Context,
    tenant: &Tenant,
    takeover: Takeover,
) -> Result<Vec<StoredKey>, Problem> {
    let now = context.now();
    let upcoming = list(context, tenant)
        .await?
        .into_iter()
        .any(|key| key.life.state(now) == KeyState::Upcoming);
    match takeover {
        Takeover::Announced if upcoming => Err(Problem::input(
            "a rotation is under way: the next keys are published and take over by themselves; \
             `doorward key list` shows when, and `--now` replaces the keys at once",
        )),
        Takeover::Announced => {
            add_successors(
                context,
                tenant,
                &Algorithm::ALL,
                now + PUBLISHED_BEFORE_USE,
                Action::KeyScheduled,
            )
            .await
        }
        Takeover::Now => {
            add_successors(context, tenant, &Algorithm::ALL, now, Action::KeyReplaced).await
        }
    }
}

/// Announces a successor for each key whose period draws to its end, and forgets keys that are published
/// no more. Says how many of each.
pub async fn maintain(context: &Context, tenant: &Tenant) -> Result<(usize, usize), Problem> {
    let now = context.now();
    let keys = list(context, tenant).await?;
    let due: Vec<Algorithm> = Algorithm::ALL
        .into_iter()
        .filter(|algorithm| {
            keys.iter().any(|key| key.algorithm == *algorithm && key.life.wants_successor(now))
        })
        .collect();
    let added = match due.as_slice() {
        [] => Vec::new(),
        due => {
            add_successors(context, tenant, due, now + PUBLISHED_BEFORE_USE, Action::KeyScheduled)
                .await?
        }
    };
    let removed: Vec<String> = keys
        .into_iter()
        .filter(|key| key.life.state(now) == KeyState::Removed)
        .map(|key| key.kid)
        .collect();
    let count = removed.len();
    if count > 0 {
        let deleted = context.db.write::<_, StorageError>(tenant.id, move |tx| {
            removed.iter().try_for_each(|kid| tx.signing_keys().delete(kid).map(drop))
        });
        deleted.await?;
    }
    Ok((added.len(), count))
}

async fn add_successors(
    context: &Context,
    tenant: &Tenant,
    algorithms: &[Algorithm],
    takes_over_at: Timestamp,
    action: Action,
) -> Result<Vec<StoredKey>, Problem> {
    let life = KeyLife { activates_at: takes_over_at, retires_at: None };
    let keys = algorithms
        .iter()
        .map(|algorithm| new_key(context, tenant.id, *algorithm, life))
        .collect::<Result<Vec<_>, _>>()?;
    let rows = keys.clone();
    let events: Vec<_> =
        keys.iter().map(|key| context.event(action, OPERATOR, &key.kid, None)).collect();
    let added = context.db.write::<_, StorageError>(tenant.id, move |tx| {
        for (key, event) in rows.iter().zip(&events) {
            tx.signing_keys().retire_at(key.algorithm, takes_over_at)?;
            tx.signing_keys().insert(key)?;
            tx.audit_events().append(event)?;
        }
        Ok(())
    });
    added.await?;
    context.tenants.forget();
    Ok(keys)
}

/// Whether this deployment's master key is the one that the tenant's keys were sealed under.
pub fn can_be_opened(context: &Context, tenant: &Tenant, keys: &[StoredKey]) -> bool {
    keys.iter().all(|key| {
        let seal = SealContext { tenant: tenant.id, table: "signing_keys", row: &key.kid };
        context.sealer.open(seal, &key.sealed_private_key).is_ok()
    })
}
