//! `doorward operator create`.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::output::Output;
use super::{Outcome, open, user};
use crate::flows::administration::Administrator;
use crate::flows::administration::operators;
use crate::flows::administration::users::NewUser;

#[derive(Subcommand)]
pub enum Operator {
    /// Create a console account that sees every tenant
    Create {
        #[arg(long)]
        email: String,
        /// Read the password from standard input
        #[arg(long, required = true)]
        password_stdin: bool,
        #[command(flatten)]
        output: Output,
    },
}

impl Operator {
    pub async fn run(self, data_dir: Option<PathBuf>) -> Outcome {
        let Self::Create { email, password_stdin: _, output } = self;
        let context = open::beside(data_dir).await?;
        let new = NewUser {
            email: user::email(&email)?,
            email_verified: true,
            name: None,
            roles: Vec::new(),
            password: open::password_from_stdin()?,
        };
        let user = operators::create(&Administrator::command_line(&context), new).await?;
        output.one(&json!({ "id": user.id, "email": user.email.as_str() }));
        Ok(())
    }
}
