//! `doorward key rotate|withdraw|list`.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use super::output::Output;
use super::{CommandError, Outcome, open};
use crate::domain::clock::Timestamp;
use crate::flows::administration::keys::{self, Takeover};
use crate::flows::administration::{Administrator, Problem};
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
    /// Take a key that signs no more out of the published ones before its time. Tokens that it signed stop
    /// verifying, as soon as backends fetch the keys again
    Withdraw {
        /// The tenant's slug
        #[arg(long)]
        tenant: String,
        /// The id of the key, as `key list` shows it
        #[arg(long)]
        kid: String,
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
            Self::Withdraw { tenant, kid, output } => {
                let tenant = open::tenant(&context, &tenant).await?;
                keys::withdraw(&Administrator::command_line(&context), &tenant, &kid)
                    .await
                    .map_err(|problem| match problem {
                        Problem::Unknown => CommandError(format!(
                            "tenant `{}` has no key {kid}; `doorward key list` shows those that are",
                            tenant.slug
                        )),
                        other => other.into(),
                    })?;
                (keys::list(&context, &tenant).await?, output)
            }
            Self::List { tenant, output } => {
                let tenant = open::tenant(&context, &tenant).await?;
                (keys::list(&context, &tenant).await?, output)
            }
        };
        let now = context.now();
        let documents: Vec<Value> = keys.iter().map(|key| document(key, now)).collect();
        output.many(
            &documents,
            &["algorithm", "state", "activates_at", "signs_until", "published_until", "kid"],
        );
        Ok(())
    }
}

fn document(key: &StoredKey, now: Timestamp) -> Value {
    json!({
        "kid": key.kid,
        "algorithm": key.algorithm.as_str(),
        "state": key.life.state(now).as_str(),
        "created_at": key.created_at.rfc3339(),
        "activates_at": key.life.activates_at.rfc3339(),
        "retires_at": key.life.retires_at.map(Timestamp::rfc3339),
        "signs_until": key.life.signs_until().rfc3339(),
        "published_until": key.life.published_until().rfc3339(),
        "next_rotation": key.life.next_rotation().map(Timestamp::rfc3339),
    })
}
