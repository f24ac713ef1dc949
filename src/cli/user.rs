//! `doorward user create|set-password|disable`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::Output;
use super::{CommandError, Outcome, open};
use crate::domain::email_address::EmailAddress;
use crate::domain::role::RoleKey;
use crate::domain::tenant::DisplayName;
use crate::flows::administration::Administrator;
use crate::flows::administration::users::{self, NewUser};

#[derive(Subcommand)]
pub enum User {
    /// Create a user, with the password that comes on standard input
    Create(Create),
    /// Set a user's password and end their sessions
    SetPassword {
        #[command(flatten)]
        who: Who,
        /// Read the password from standard input
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Keep a user from signing in, and end their sessions
    Disable {
        #[command(flatten)]
        who: Who,
    },
}

#[derive(Args)]
pub struct Who {
    /// The tenant's slug
    #[arg(long)]
    tenant: String,
    #[arg(long)]
    email: String,
}

#[derive(Args)]
pub struct Create {
    #[command(flatten)]
    who: Who,
    #[arg(long)]
    name: Option<String>,
    /// A role's key; may be given several times
    #[arg(long = "role", value_name = "KEY")]
    roles: Vec<String>,
    /// The address is known to be theirs
    #[arg(long)]
    verified: bool,
    /// Read the password from standard input
    #[arg(long, required = true)]
    password_stdin: bool,
    #[command(flatten)]
    output: Output,
}

pub fn email(text: &str) -> Result<EmailAddress, CommandError> {
    EmailAddress::parse(text).map_err(|why| CommandError(format!("--email: {why}")))
}

impl User {
    pub async fn run(self, data_dir: Option<PathBuf>) -> Outcome {
        let context = open::beside(data_dir).await?;
        match self {
            Self::Create(create) => {
                let tenant = open::tenant(&context, &create.who.tenant).await?;
                let new = NewUser {
                    email: email(&create.who.email)?,
                    email_verified: create.verified,
                    name: create
                        .name
                        .map(|name| {
                            DisplayName::parse(&name)
                                .map_err(|why| CommandError(format!("--name: {why}")))
                        })
                        .transpose()?,
                    roles: create
                        .roles
                        .iter()
                        .map(|key| {
                            RoleKey::parse(key)
                                .map_err(|why| CommandError(format!("--role `{key}`: {why}")))
                        })
                        .collect::<Result<_, _>>()?,
                    password: open::password_from_stdin()?,
                };
                let user =
                    users::create(&Administrator::command_line(&context), &tenant, new).await?;
                create.output.one(&json!({
                    "id": user.id,
                    "email": user.email.as_str(),
                    "email_verified": user.email_verified,
                    "name": user.name.as_ref().map(DisplayName::as_str),
                    "roles": create.roles,
                }));
            }
            Self::SetPassword { who, password_stdin: _ } => {
                let tenant = open::tenant(&context, &who.tenant).await?;
                let user = users::find(&context, &tenant, &email(&who.email)?).await?;
                users::set_password(
                    &Administrator::command_line(&context),
                    &tenant,
                    &user,
                    open::password_from_stdin()?,
                )
                .await?;
                println!("{} has the new password; their sessions have ended.", user.email);
            }
            Self::Disable { who } => {
                let tenant = open::tenant(&context, &who.tenant).await?;
                let user = users::find(&context, &tenant, &email(&who.email)?).await?;
                users::disable(&Administrator::command_line(&context), &tenant, &user).await?;
                println!("{} cannot sign in any more; their sessions have ended.", user.email);
            }
        }
        Ok(())
    }
}
