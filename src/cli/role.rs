//! `doorward role create`.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::output::Output;
use super::{CommandError, Outcome, open};
use crate::domain::role::RoleKey;
use crate::flows::administration::Administrator;
use crate::flows::administration::roles;

#[derive(Subcommand)]
pub enum Role {
    /// Create a role that ranks after those that are there
    Create {
        /// The tenant's slug
        #[arg(long)]
        tenant: String,
        /// What tokens say, in exact case, such as ADMIN
        #[arg(long)]
        key: String,
        #[arg(long, default_value = "", hide_default_value = true)]
        description: String,
        #[command(flatten)]
        output: Output,
    },
}

impl Role {
    pub async fn run(self, data_dir: Option<PathBuf>) -> Outcome {
        let Self::Create { tenant, key, description, output } = self;
        let context = open::beside(data_dir).await?;
        let tenant = open::tenant(&context, &tenant).await?;
        let key =
            RoleKey::parse(&key).map_err(|why| CommandError(format!("--key `{key}`: {why}")))?;
        let role = roles::create(&Administrator::command_line(&context), &tenant, key, description)
            .await?;
        output.one(&json!({
            "id": role.id,
            "key": role.key.as_str(),
            "description": role.description,
            "rank": role.rank,
        }));
        Ok(())
    }
}
