//! `doorward doctor`: what is well, what is not, and what mends it.

use std::path::PathBuf;

use clap::Args;

use super::{CommandError, Outcome, open};
use crate::config::{Problems, ServeSettings, StoreSettings};
use crate::crypto::entropy::OsEntropy;
use crate::crypto::master_key::MasterKey;
use crate::flows::administration::health::{self, Depth, Finding};
use crate::storage::Db;

#[derive(Args)]
pub struct Doctor {}

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
        let settings = StoreSettings::as_far_as_told(data_dir.clone());
        // A `dev` server needs less.
        let complete = match settings.dev_file().exists() {
            true => StoreSettings::from_environment(data_dir).map(|_| "`dev`"),
            false => ServeSettings::from_environment(data_dir, None).map(|_| "`serve`"),
        };
        match complete {
            Ok(for_whom) => report.line("configuration", Ok(format!("complete for {for_whom}"))),
            Err(Problems(problems)) => {
                problems.into_iter().for_each(|problem| report.line("configuration", Err(problem)));
            }
        }
        if let Ok(url) = open::public_url(&settings) {
            report.line("public URL", Ok(url.as_str().to_owned()));
        }
        let key = open::master_key(&settings).map_err(|CommandError(why)| why);
        report
            .line("master key", key.as_ref().map(|_| "readable".to_owned()).map_err(Clone::clone));
        match open::database_as_it_is(&settings) {
            Ok(db) => inside(&mut report, db, key.ok(), &settings).await,
            Err(CommandError(why)) => report.line("database", Err(why)),
        }
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

/// What a running server sees of itself. Without its master key, another stands in, and the keys show it.
async fn inside(report: &mut Report, db: Db, key: Option<MasterKey>, settings: &StoreSettings) {
    let key = key.unwrap_or_else(|| MasterKey::generate(&OsEntropy));
    let mailer = open::mailer(settings);
    let context = mailer.and_then(|mailer| {
        open::public_url(settings).and_then(|url| open::context(db, &key, url, settings, mailer))
    });
    match context {
        Ok(context) => {
            for Finding { what, verdict } in health::findings(&context, Depth::All).await {
                report.line(what, verdict);
            }
        }
        Err(CommandError(why)) => report.line("mail", Err(why)),
    }
}
