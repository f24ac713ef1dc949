//! What is well in the deployment, what is not, and what mends it.

use std::time::Duration;

use super::{keys, tenants};
use crate::domain::clock::Timestamp;
use crate::domain::signing_key::KeyState;
use crate::domain::tenant::Tenant;
use crate::flows::Context;
use crate::storage::StorageError;

/// One thing that was looked at. What is wrong says how to mend it.
pub struct Finding {
    pub what: &'static str,
    pub verdict: Result<String, String>,
}

/// A build of this program is never run before it was made.
const EARLIEST_SANE_TIME: Timestamp = Timestamp::from_secs(1_790_000_000);

/// Tenants whose keys are looked at.
const TENANTS: i64 = 100;

/// Everything that can be seen from within. Nothing of it depends on how many users there are.
pub async fn findings(context: &Context) -> Vec<Finding> {
    let database = database(context).await;
    let is_there = database.is_ok();
    let mut findings = vec![
        Finding { what: "clock", verdict: clock(context.now()) },
        Finding { what: "database", verdict: database },
    ];
    if is_there {
        findings.extend(all_keys(context).await);
    }
    findings.push(Finding { what: "mail", verdict: mail(context).await });
    findings
}

fn clock(now: Timestamp) -> Result<String, String> {
    if now < EARLIEST_SANE_TIME {
        return Err(format!(
            "the machine says {now}: set its clock, or tokens are expired when they are made"
        ));
    }
    Ok(now.to_string())
}

/// A page waits for this: not for as long as a letter would.
const MAIL_PATIENCE: Duration = Duration::from_secs(5);

async fn mail(context: &Context) -> Result<String, String> {
    tokio::time::timeout(MAIL_PATIENCE, context.mailer.check()).await.unwrap_or_else(|_| {
        let seconds = MAIL_PATIENCE.as_secs();
        Err(format!("the server has not answered for {seconds} seconds; check DOORWARD_SMTP_URL"))
    })
}

async fn database(context: &Context) -> Result<String, String> {
    let place = format!("{:?}", context.db.url());
    match context.db.pending_migrations().await {
        Err(error) => Err(format!("{place}: {error}")),
        Ok(pending) if pending.is_empty() => Ok(format!("{place}, migrations current")),
        Ok(pending) => Err(format!(
            "{place}: {} migrations are pending; run `doorward migrate`",
            pending.len()
        )),
    }
}

async fn all_keys(context: &Context) -> Vec<Finding> {
    let finding = |verdict| Finding { what: "keys", verdict };
    let first = match tenants::page(context, String::new(), None, TENANTS).await {
        Ok(first) => first,
        Err(error) => return vec![finding(Err(error.to_string()))],
    };
    let mut findings = Vec::new();
    for tenant in &first {
        findings.push(finding(keys_of(context, tenant).await));
    }
    findings
}

async fn keys_of(context: &Context, tenant: &Tenant) -> Result<String, String> {
    let keys = keys::list(context, tenant).await.map_err(|error| error.to_string())?;
    let active =
        keys.iter().filter(|key| key.life.state(context.now()) == KeyState::Active).count();
    let opened = keys::can_be_opened(context, tenant, &keys);
    match (active, opened) {
        (_, false) => Err(format!(
            "tenant {}: sealed under another master key; use the key that this database was made with",
            tenant.slug
        )),
        (0, true) => Err(format!(
            "tenant {}: none active; run `doorward key rotate --now --tenant {}`",
            tenant.slug, tenant.slug
        )),
        (active, true) => Ok(format!("tenant {}: {active} active of {}", tenant.slug, keys.len())),
    }
}

/// What waits to be done in this process, and what is dead in all of them.
pub struct Queues {
    pub passwords: usize,
    pub reads: usize,
    pub writes: usize,
    pub mail_waiting: i64,
    pub mail_dead: i64,
}

pub async fn queues(context: &Context) -> Result<Queues, StorageError> {
    let (readers, writers) = context.db.load();
    let (mail_waiting, mail_dead) =
        context.db.system_read::<_, StorageError>(|tx| tx.count_mail()).await?;
    Ok(Queues {
        passwords: context.hasher.queue_length(),
        reads: readers.waiting,
        writes: writers.waiting,
        mail_waiting,
        mail_dead,
    })
}
