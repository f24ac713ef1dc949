//! What is well in the deployment, what is not, and what mends it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::keys;
use crate::domain::clock::Timestamp;
use crate::domain::ids::TenantId;
use crate::flows::{Context, federation};
use crate::storage::{KeySurvey, StorageError, StoredKey};

/// One thing that was looked at. What is wrong says how to mend it.
pub struct Finding {
    pub what: &'static str,
    pub verdict: Result<String, String>,
}

/// A build of this program is never run before it was made.
const EARLIEST_SANE_TIME: Timestamp = Timestamp::from_secs(1_790_000_000);

/// How much of what is sealed is tried with the master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The oldest and the newest keys of the deployment: for a page, which does not wait for thousands of tenants.
    Ends,
    /// Every key and every provider's secret.
    All,
}

/// The oldest and the newest keys that are tried for a page.
const TRIED_KEYS: i64 = 10;
/// Sealed things that are in memory at once.
const PAGE: i64 = 500;
/// What looks at all tenants is looked at so often.
const SURVEY_PERIOD: Duration = Duration::from_secs(60);
/// Letters that are counted for the page.
pub const COUNTED_LETTERS: usize = 1_000;

/// Everything that can be seen from within, on the command line and on the operators' page alike. Nothing of it
/// depends on how many users there are; what depends on how many tenants there are is done once a minute, or with
/// [`Depth::All`] alone.
pub async fn findings(context: &Context, depth: Depth) -> Vec<Finding> {
    let database = database(context).await;
    let is_there = database.is_ok();
    let mut findings = vec![
        Finding { what: "version", verdict: Ok(env!("CARGO_PKG_VERSION").to_owned()) },
        Finding { what: "clock", verdict: clock(context.now()) },
        Finding { what: "database", verdict: database },
    ];
    if is_there {
        findings.push(Finding { what: "sealed keys", verdict: sealed(context, depth).await });
        findings.push(Finding { what: "keys", verdict: all_keys(context).await });
    }
    let (dns, mail) = tokio::join!(dns(context), mail(context));
    findings.push(Finding { what: "DNS", verdict: dns });
    findings.push(Finding { what: "mail", verdict: mail });
    findings
}

async fn dns(context: &Context) -> Result<String, String> {
    if context.public_url.host() == "localhost" {
        return Ok("not needed: nobody reaches a host of a tenant's own at localhost".to_owned());
    }
    context.dns.check(context.public_url.host()).await.map_err(|error| {
        format!(
            "{error}; no tenant can prove a host of its own until the system's name servers, or those of \
             DOORWARD_DNS_SERVERS, answer"
        )
    })
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

async fn sealed(context: &Context, depth: Depth) -> Result<String, String> {
    let tried = match depth {
        Depth::Ends => ends(context).await,
        Depth::All => everything(context).await,
    };
    let Tried { opened, closed, first } = tried.map_err(|error| error.to_string())?;
    match (first, depth) {
        (Some(first), _) => Err(format!(
            "{closed} of {} are sealed under another master key, {first} among them; use the key that this database \
             was made with",
            opened + closed
        )),
        (None, Depth::Ends) => Ok("the master key opens them".to_owned()),
        (None, Depth::All) => Ok(format!("the master key opens all {opened}")),
    }
}

/// What came of trying the master key.
#[derive(Default)]
struct Tried {
    opened: usize,
    closed: usize,
    /// One that it does not open.
    first: Option<String>,
}

impl Tried {
    fn note(&mut self, opens: bool, name: impl FnOnce() -> String) {
        match opens {
            true => self.opened += 1,
            false => {
                self.closed += 1;
                self.first.get_or_insert_with(name);
            }
        }
    }
}

fn named(tenant: TenantId, key: &StoredKey) -> String {
    format!("key {} of tenant {tenant}", key.kid)
}

/// A deployment has one master key: where it is not the one that keys were sealed under, that mostly shows here.
async fn ends(context: &Context) -> Result<Tried, StorageError> {
    let keys = context.db.system_read::<_, StorageError>(|tx| tx.outermost_keys(TRIED_KEYS));
    let mut tried = Tried::default();
    for (tenant, key) in keys.await? {
        tried.note(keys::can_be_opened(context, tenant, &key), || named(tenant, &key));
    }
    Ok(tried)
}

/// Whether the master key is the one of this database, as far as its oldest and newest keys tell: with another,
/// nobody could sign in, and what it seals nobody else could open. The sentence says what to do.
pub async fn refuse_another_key(context: &Context) -> Result<Result<(), String>, StorageError> {
    let Tried { opened, closed, .. } = ends(context).await?;
    Ok(match (opened, closed) {
        (0, 1..) => Err("this is not the master key that the signing keys in the database are sealed under; use that \
                         one, or another database"
            .to_owned()),
        _ => Ok(()),
    })
}

/// A database that was put together of two may hold what another master key has sealed anywhere.
async fn everything(context: &Context) -> Result<Tried, StorageError> {
    let mut tried = Tried::default();
    let mut after = None;
    loop {
        let place = after.clone();
        let page = context
            .db
            .system_read::<_, StorageError>(move |tx| tx.key_page(place.as_ref(), PAGE))
            .await?;
        let Some((tenant, key)) = page.last() else { break };
        after = Some((*tenant, key.kid.clone()));
        for (tenant, key) in &page {
            tried.note(keys::can_be_opened(context, *tenant, key), || named(*tenant, key));
        }
    }
    let mut after = None;
    loop {
        let page = context
            .db
            .system_read::<_, StorageError>(move |tx| tx.provider_page(after.as_ref(), PAGE))
            .await?;
        let Some((tenant, stored)) = page.last() else { return Ok(tried) };
        after = Some((*tenant, stored.provider.id));
        for (tenant, stored) in &page {
            let named =
                || format!("the secret of provider {} of tenant {tenant}", stored.provider.key);
            tried.note(federation::can_be_opened(context, *tenant, stored), named);
        }
    }
}

/// What was found of all tenants' keys, and when.
#[derive(Default)]
pub struct KeptSurvey(Mutex<Option<(Timestamp, KeySurvey)>>);

impl KeptSurvey {
    fn kept(&self) -> MutexGuard<'_, Option<(Timestamp, KeySurvey)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn survey(context: &Context) -> Result<KeySurvey, StorageError> {
    let now = context.now();
    if let Some((at, survey)) = &*context.key_survey.kept()
        && now < *at + SURVEY_PERIOD
    {
        return Ok(survey.clone());
    }
    let survey = context.db.system_read::<_, StorageError>(move |tx| tx.survey_keys(now)).await?;
    *context.key_survey.kept() = Some((now, survey.clone()));
    Ok(survey)
}

async fn all_keys(context: &Context) -> Result<String, String> {
    let survey = survey(context).await.map_err(|error| error.to_string())?;
    if let Some(first) = survey.some_without_key.first() {
        return Err(format!(
            "{} of {} tenants sign nothing: {}; for each run `doorward key rotate --now --tenant {first}`",
            survey.without_key,
            survey.tenants,
            survey.some_without_key.join(", ")
        ));
    }
    if !survey.some_overdue.is_empty() {
        return Err(format!(
            "keys that should have a successor have none: {}; see whether the jobs run",
            survey.some_overdue.join(", ")
        ));
    }
    Ok(format!("each of {} tenants has its own, and none is overdue", survey.tenants))
}

/// What waits to be done in this process, and what is dead in all of them.
pub struct Queues {
    pub passwords: usize,
    pub reads: usize,
    pub writes: usize,
    /// No more than `COUNTED_LETTERS`.
    pub mail_waiting: usize,
    pub mail_dead: usize,
}

pub async fn queues(context: &Context) -> Result<Queues, StorageError> {
    let (readers, writers) = context.db.load();
    let limit = i64::try_from(COUNTED_LETTERS).unwrap_or(i64::MAX);
    let (mail_waiting, mail_dead) =
        context.db.system_read::<_, StorageError>(move |tx| tx.count_mail(limit)).await?;
    Ok(Queues {
        passwords: context.hasher.queue_length(),
        reads: readers.waiting,
        writes: writers.waiting,
        mail_waiting,
        mail_dead,
    })
}
