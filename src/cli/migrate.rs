//! `doorward migrate`.

use std::path::PathBuf;

use clap::Args;

use super::{CommandError, Outcome, open};
use crate::config::StoreSettings;

#[derive(Args)]
pub struct Migrate {
    /// Only report: exit 1 if any migration is pending
    #[arg(long)]
    check: bool,
}

impl Migrate {
    pub async fn run(self, data_dir: Option<PathBuf>) -> Outcome {
        let settings = StoreSettings::from_environment(data_dir)?;
        if self.check {
            let db = open::database_as_it_is(&settings)?;
            let pending = db.pending_migrations().await?;
            if pending.is_empty() {
                println!("The database is up to date.");
                return Ok(());
            }
            pending.iter().for_each(|name| println!("pending: {name}"));
            return Err(CommandError(format!(
                "{} migrations are pending; run `doorward migrate`",
                pending.len()
            )));
        }
        let done = open::database(&settings)?.migrate()?;
        if done.is_empty() {
            println!("The database is up to date.");
        }
        done.iter().for_each(|name| println!("migrated: {name}"));
        Ok(())
    }
}
