//! `doorward key rotate|list`.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use super::output::Output;
use super::{Outcome, open};
use crate::domain::clock::Timestamp;
use crate::flows::administration::Administrator;
use crate::flows::administration::keys::{self, Takeover};
use crate::storage::StoredKey;

#[derive(Subcommand)]
pub enum Key {
    /// Publish the next signing keys; they take over in 24 hours
    Rotate {
        /// The tenant's slug
        #[arg(long)]
        tenant: String,
        /// Take over at once. For emergencies: backends that cache the keys refuse new tokens until they
        /// fetch them again, which takes some of them up to ten minutes
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        output: Output,
    },
    /// List the signing keys of a tenant
    List {
        /// The tenant's slug
        #[arg(long)]
        tenant: String,
        #[command(flatten)]
        output: Output,
    },
}

impl Key {
    pub async fn run(self, data_dir: Option<PathBuf>) -> Outcome {
        let context = open::beside(data_dir).await?;
        let (keys, output) = match self {
            Self::Rotate { tenant, now, output } => {
                let tenant = open::tenant(&context, &tenant).await?;
                if now {
                    eprintln!(
                        "warning: the old keys sign no more. Backends that cached the keys refuse new tokens \
                         until they fetch them again: within ten minutes, most sooner."
                    );
                }
                let takeover = if now { Takeover::Now } else { Takeover::Announced };
                (
                    keys::rotate(&Administrator::command_line(&context), &tenant, takeover).await?,
                    output,
                )
            }
            Self::List { tenant, output } => {
                let tenant = open::tenant(&context, &tenant).await?;
                (keys::list(&context, &tenant).await?, output)
            }
        };
        let now = context.now();
        let documents: Vec<Value> = keys.iter().map(|key| document(key, now)).collect();
        output.many(&documents, &["algorithm", "state", "activates_at", "retires_at", "kid"]);
        Ok(())
    }
}

fn document(key: &StoredKey, now: Timestamp) -> Value {
    json!({
        "kid": key.kid,
        "algorithm": key.algorithm.as_str(),
        "state": key.life.state(now).as_str(),
        "created_at": key.created_at.to_string(),
        "activates_at": key.life.activates_at.to_string(),
        "retires_at": key.life.retires_at.map(|at| at.to_string()),
    })
}
