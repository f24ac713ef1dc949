//! `doorward doctor`: what is well, what is not, and what mends it.

use std::path::PathBuf;

use clap::Args;

use super::{CommandError, Outcome, open};
use crate::config::{ServeSettings, StoreSettings};
use crate::crypto::master_key::MasterKey;
use crate::domain::clock::{Clock, SystemClock, Timestamp};
use crate::domain::signing_key::KeyState;
use crate::domain::tenant::Tenant;
use crate::flows::administration::{keys, tenants};
use crate::mail::{Mailer, Smtp};
use crate::storage::Db;

#[derive(Args)]
pub struct Doctor {}

/// A build of this program is never run before it was made.
const EARLIEST_SANE_TIME: Timestamp = Timestamp::from_secs(1_790_000_000);

#[derive(Default)]
struct Report {
    failures: usize,
}

impl Report {
    fn line(&mut self, what: &str, verdict: Result<String, String>) {
        match verdict {
            Ok(text) => println!("ok    {what:14} {text}"),
            Err(text) => {
                self.failures += 1;
                println!("FAIL  {what:14} {text}");
            }
        }
    }
}

impl Doctor {
    pub async fn run(self, data_dir: Option<PathBuf>) -> Outcome {
        let mut report = Report::default();
        let settings = match StoreSettings::from_environment(data_dir.clone()) {
            Ok(settings) => settings,
            Err(problems) => {
                problems
                    .0
                    .into_iter()
                    .for_each(|problem| report.line("configuration", Err(problem)));
                return report.verdict();
            }
        };
        let is_dev = settings.dev_file().exists();
        match ServeSettings::from_environment(data_dir, None) {
            Ok(serve) => {
                report.line("configuration", Ok("complete for `serve`".to_owned()));
                report.line("public URL", Ok(serve.public_url.as_str().to_owned()));
            }
            Err(_) if is_dev => report.line("configuration", Ok("a `dev` folder".to_owned())),
            Err(problems) => {
                problems
                    .0
                    .into_iter()
                    .for_each(|problem| report.line("configuration", Err(problem)));
            }
        }
        report.line("clock", clock());
        let key = open::master_key(&settings).map_err(|CommandError(why)| why);
        report
            .line("master key", key.as_ref().map(|_| "readable".to_owned()).map_err(Clone::clone));
        match open::database(&settings) {
            Ok(db) => database(&mut report, &db, key.ok(), &settings).await,
            Err(CommandError(why)) => report.line("database", Err(why)),
        }
        report.line("mail", mail(&settings).await);
        report.verdict()
    }
}

impl Report {
    fn verdict(self) -> Outcome {
        match self.failures {
            0 => Ok(()),
            1 => Err(CommandError("one thing needs mending".to_owned())),
            many => Err(CommandError(format!("{many} things need mending"))),
        }
    }
}

fn clock() -> Result<String, String> {
    let now = SystemClock.now();
    if now < EARLIEST_SANE_TIME {
        return Err(format!(
            "the machine says {now}: set its clock, or tokens are expired when they are made"
        ));
    }
    Ok(now.to_string())
}

async fn mail(settings: &StoreSettings) -> Result<String, String> {
    let Some(mail) = &settings.mail else {
        return Ok(
            "not configured: letters wait; set DOORWARD_SMTP_URL and DOORWARD_MAIL_FROM".to_owned()
        );
    };
    let smtp = Smtp::new(&mail.smtp_url, &mail.from).map_err(|why| why.to_string())?;
    match smtp.check().await {
        Ok(()) => Ok(format!("the server answers; letters come from {}", mail.from)),
        Err(why) => Err(format!("the server cannot be used: {why}; check DOORWARD_SMTP_URL")),
    }
}

async fn database(report: &mut Report, db: &Db, key: Option<MasterKey>, settings: &StoreSettings) {
    let place = format!("{:?}", db.url());
    match db.pending_migrations().await {
        Err(error) => return report.line("database", Err(format!("{place}: {error}"))),
        Ok(pending) if pending.is_empty() => {
            report.line("database", Ok(format!("{place}, migrations current")))
        }
        Ok(pending) => {
            let text = format!(
                "{place}: {} migrations are pending; run `doorward migrate`",
                pending.len()
            );
            return report.line("database", Err(text));
        }
    }
    let Some(key) = key else { return };
    let fallback = || {
        crate::config::PublicUrl::parse("http://localhost:8080").map_err(|error| error.to_string())
    };
    let public_url = settings.public_url.clone().map_or_else(fallback, Ok);
    let opened = public_url.and_then(|url| {
        open::context(db.clone(), &key, url, &settings.upstreams, Mailer::Nowhere)
            .map_err(|CommandError(why)| why)
    });
    let context = match opened {
        Ok(context) => context,
        Err(why) => return report.line("keys", Err(why)),
    };
    let first = match tenants::page(&context, String::new(), None, 100).await {
        Ok(first) => first,
        Err(error) => return report.line("keys", Err(error.to_string())),
    };
    for tenant in &first {
        report.line("keys", tenant_keys(&context, tenant).await);
    }
}

async fn tenant_keys(context: &crate::flows::Context, tenant: &Tenant) -> Result<String, String> {
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
