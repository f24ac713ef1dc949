//! Signing keys: making, rotating, listing. A key's state follows from its times, so that all replicas
//! change over at the same moment.

use serde_json::Value;

use super::{Administrator, Problem, description};
use crate::crypto::jwt;
use crate::crypto::seal::SealContext;
use crate::domain::audit::Action;
use crate::domain::ids::TenantId;
use crate::domain::signing_key::{
    Algorithm, KeyLife, KeyState, PUBLISHED_BEFORE_USE, ROTATION_PERIOD,
};
use crate::domain::tenant::Tenant;
use crate::flows::{Context, Failure};
use crate::storage::{StorageError, StoredKey};

/// Tenants' keys that are replaced between two looks at the database.
const DUE_AT_ONCE: i64 = 100;

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
    admin: &Administrator<'_>,
    tenant: &Tenant,
    takeover: Takeover,
) -> Result<Vec<StoredKey>, Problem> {
    let now = admin.now();
    let upcoming =
        list(admin, tenant).await?.into_iter().any(|key| key.life.state(now) == KeyState::Upcoming);
    match takeover {
        Takeover::Announced if upcoming => Err(Problem::input(
            "a rotation is under way: the next keys are published and take over by themselves; \
             `doorward key list` shows when, and `--now` replaces the keys at once",
        )),
        Takeover::Announced | Takeover::Now => {
            add_successors(admin, tenant.id, &Algorithm::ALL, takeover).await
        }
    }
}

/// Takes a key that signs no more out of the JWKS before its time: tokens that it signed verify no more, from the
/// moment on at which whoever checks them fetches the JWKS again.
pub async fn withdraw(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    kid: &str,
) -> Result<(), Problem> {
    let (now, wanted) = (admin.now(), kid.to_owned());
    let event = admin.record(Action::KeyWithdrawn, kid);
    let withdrawn = admin.db.write::<_, StorageError>(tenant.id, move |tx| {
        let key = tx.signing_keys().list()?.into_iter().find(|key| key.kid == wanted);
        let Some(key) = key else { return Ok(Withdrawn::Unknown) };
        if !tx.signing_keys().withdraw(&wanted, now)? {
            return Ok(Withdrawn::StillInUse);
        }
        let event = event.with_change(&description::key(&key), &Value::Null);
        tx.audit_events().append(&event)?;
        Ok(Withdrawn::Done)
    });
    match withdrawn.await? {
        Withdrawn::Done => {
            admin.tenants.forget();
            Ok(())
        }
        Withdrawn::StillInUse => Err(Problem::input(
            "this key signs, or is about to: replace the keys now, and then withdraw it",
        )),
        Withdrawn::Unknown => Err(Problem::Unknown),
    }
}

enum Withdrawn {
    Done,
    StillInUse,
    Unknown,
}

/// Announces a successor for each key, of whatever tenant, whose period draws to its end. Says how many.
/// Two replicas may do this at once: each key gets one successor.
pub async fn replace_due(context: &Context) -> Result<usize, Problem> {
    let now = context.now();
    let admin = Administrator::command_line(context);
    let mut replaced = 0;
    loop {
        let due = context.db.system_read::<_, StorageError>(move |tx| {
            tx.keys_activated_before(now - (ROTATION_PERIOD - PUBLISHED_BEFORE_USE), DUE_AT_ONCE)
        });
        let due = due.await?;
        if due.is_empty() {
            return Ok(replaced);
        }
        for (tenant, algorithm) in due {
            let takeover = Takeover::Announced;
            replaced += add_successors(&admin, tenant, &[algorithm], takeover).await?.len();
        }
    }
}

/// Answers the keys that were added: none for an algorithm that has an announced successor already.
async fn add_successors(
    admin: &Administrator<'_>,
    tenant: TenantId,
    algorithms: &[Algorithm],
    takeover: Takeover,
) -> Result<Vec<StoredKey>, Problem> {
    let now = admin.now();
    let (takes_over_at, action) = match takeover {
        Takeover::Announced => (now + PUBLISHED_BEFORE_USE, Action::KeyScheduled),
        Takeover::Now => (now, Action::KeyReplaced),
    };
    let life = KeyLife { activates_at: takes_over_at, retires_at: None };
    let keys = algorithms
        .iter()
        .map(|algorithm| new_key(admin, tenant, *algorithm, life))
        .collect::<Result<Vec<_>, _>>()?;
    let events: Vec<_> = keys.iter().map(|key| admin.record(action, &key.kid)).collect();
    let signs = move |key: &StoredKey| key.life.state(now) == KeyState::Active;
    let added = admin.db.write::<_, StorageError>(tenant, move |tx| {
        let mut added = Vec::new();
        for (key, event) in keys.into_iter().zip(events) {
            // In the place of which the new one comes.
            let old = tx.signing_keys().list()?.into_iter().rev();
            let old = old.filter(signs).find(|old| old.algorithm == key.algorithm);
            let is_wanted = match takeover {
                Takeover::Announced => {
                    tx.signing_keys().announce_end(key.algorithm, now, takes_over_at)?
                }
                Takeover::Now => {
                    tx.signing_keys().retire_at(key.algorithm, takes_over_at)?;
                    true
                }
            };
            if is_wanted {
                tx.signing_keys().insert(&key)?;
                let before = old.as_ref().map_or(Value::Null, description::key);
                tx.audit_events().append(&event.with_change(&before, &description::key(&key)))?;
                added.push(key);
            }
        }
        Ok(added)
    });
    let added = added.await?;
    admin.tenants.forget();
    Ok(added)
}

/// Whether this deployment's master key is the one that the tenant's key was sealed under.
pub fn can_be_opened(context: &Context, tenant: TenantId, key: &StoredKey) -> bool {
    let seal = SealContext { tenant, table: "signing_keys", row: &key.kid };
    context.sealer.open(seal, &key.sealed_private_key).is_ok()
}
