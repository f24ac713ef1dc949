//! `doorward mail test|dead-letters`.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::output::Output;
use super::user::email;
use super::{Outcome, open};
use crate::flows::administration::Administrator;
use crate::flows::administration::mail;

/// More are never shown at once.
const LISTED: i64 = 500;

#[derive(Subcommand)]
pub enum Mail {
    /// Send a letter that says no more than that mail arrives; the server beside sends it
    Test {
        /// The tenant's slug
        #[arg(long)]
        tenant: String,
        #[arg(long, value_name = "EMAIL")]
        to: String,
    },
    /// List the letters that could not be sent, and why
    DeadLetters {
        /// The tenant's slug
        #[arg(long)]
        tenant: String,
        #[command(flatten)]
        output: Output,
    },
}

impl Mail {
    pub async fn run(self, data_dir: Option<PathBuf>) -> Outcome {
        let context = open::beside(data_dir).await?;
        match self {
            Self::Test { tenant, to } => {
                let tenant = open::tenant(&context, &tenant).await?;
                mail::order_test(&Administrator::command_line(&context), &tenant, &email(&to)?)
                    .await?;
                println!(
                    "The server sends it within seconds; if it cannot, see `doorward mail dead-letters`."
                );
            }
            Self::DeadLetters { tenant, output } => {
                let tenant = open::tenant(&context, &tenant).await?;
                let dead = mail::dead_letters(&context, &tenant, None, LISTED).await?;
                let documents: Vec<_> = dead
                    .iter()
                    .map(|order| {
                        json!({
                            "id": order.id,
                            "letter": order.letter.as_str(),
                            "to": order.email.as_str(),
                            "ordered_at": order.created_at.rfc3339(),
                            "tries": order.tries,
                            "error": order.last_error,
                        })
                    })
                    .collect();
                output.many(&documents, &["ordered_at", "letter", "to", "tries", "error"]);
            }
        }
        Ok(())
    }
}
