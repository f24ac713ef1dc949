//! What is well in the deployment, what is not, and what mends it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::keys;
use crate::domain::clock::Timestamp;
use crate::flows::Context;
use crate::storage::{KeySurvey, StorageError};

/// One thing that was looked at. What is wrong says how to mend it.
pub struct Finding {
    pub what: &'static str,
    pub verdict: Result<String, String>,
}

/// A build of this program is never run before it was made.
const EARLIEST_SANE_TIME: Timestamp = Timestamp::from_secs(1_790_000_000);

/// The oldest and the newest keys of the deployment that are tried with the master key.
const TRIED_KEYS: i64 = 10;
/// What looks at all tenants is looked at so often.
const SURVEY_PERIOD: Duration = Duration::from_secs(60);
/// Letters that are counted for the page.
pub const COUNTED_LETTERS: usize = 1_000;

/// Everything that can be seen from within, on the command line and on the operators' page alike. Nothing of it
/// depends on how many users there are; what depends on how many tenants there are is done once a minute.
pub async fn findings(context: &Context) -> Vec<Finding> {
    let database = database(context).await;
    let is_there = database.is_ok();
    let mut findings = vec![
        Finding { what: "version", verdict: Ok(env!("CARGO_PKG_VERSION").to_owned()) },
        Finding { what: "clock", verdict: clock(context.now()) },
        Finding { what: "database", verdict: database },
    ];
    if is_there {
        findings.push(Finding { what: "sealed keys", verdict: sealed_keys(context).await });
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

/// A deployment has one master key: where it is not the one that keys were sealed under, that shows at the ends.
async fn sealed_keys(context: &Context) -> Result<String, String> {
    let keys = context.db.system_read::<_, StorageError>(|tx| tx.outermost_keys(TRIED_KEYS));
    let keys = keys.await.map_err(|error| error.to_string())?;
    match keys.iter().find(|(tenant, key)| !keys::can_be_opened(context, *tenant, key)) {
        Some((tenant, key)) => Err(format!(
            "key {} of tenant {tenant} is sealed under another master key; use the key that this database was made \
             with",
            key.kid
        )),
        None => Ok("the master key opens them".to_owned()),
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
