//! The commands, one file each. Errors say what to do.

mod app;
mod dev;
mod doctor;
mod key;
mod mail;
mod migrate;
mod open;
mod operator;
mod output;
mod provider;
mod role;
mod serve;
mod telemetry;
mod tenant;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Problems, logging};
use telemetry::Telemetry;

/// A hosted, multi-tenant sign-in service.
#[derive(Parser)]
#[command(name = "doorward", version, about, disable_help_subcommand = true)]
struct Cli {
    /// Where the embedded database and the generated key are [env: DOORWARD_DATA_DIR] [default: ./doorward-data]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Try Doorward, or develop against it: everything in one go, with a demo tenant
    Dev(dev::Dev),
    /// Run the production server, configured by the environment
    Serve(serve::Serve),
    /// Run the pending database migrations
    Migrate(migrate::Migrate),
    /// Create, change and list tenants
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    /// Create applications
    #[command(subcommand)]
    App(app::App),
    /// Create and change users
    #[command(subcommand)]
    User(user::User),
    /// Create roles
    #[command(subcommand)]
    Role(role::Role),
    /// Set, list and remove upstream providers: Google, GitHub, any OpenID provider
    #[command(subcommand)]
    Provider(provider::Provider),
    /// List and rotate signing keys
    #[command(subcommand)]
    Key(key::Key),
    /// Try a tenant's mail, and see what could not be sent
    #[command(subcommand)]
    Mail(mail::Mail),
    /// Create console accounts that see every tenant
    #[command(subcommand)]
    Operator(operator::Operator),
    /// Check configuration, database, clock, keys, DNS, mail and public URL
    Doctor(doctor::Doctor),
}

/// Why a command failed, for the person who typed it.
struct CommandError(String);

impl<E: std::fmt::Display> From<E> for CommandError {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

type Outcome = Result<(), CommandError>;

pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let settings = logging().and_then(|settings| {
        telemetry::check(&settings).map_err(|why| Problems(vec![why]))?;
        Ok(settings)
    });
    let result = settings.map_err(|problems| beside(problems, &cli).into()).and_then(|settings| {
        let telemetry = Telemetry::start(&settings)?;
        let result = actix_web::rt::System::new().block_on(run(cli));
        telemetry.finish();
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(CommandError(text)) => {
            eprintln!("error: {}", text.trim_end());
            ExitCode::FAILURE
        }
    }
}

/// What is wrong with the log, and with all else that a server is configured by.
fn beside(Problems(mut problems): Problems, cli: &Cli) -> Problems {
    if let Command::Serve(serve) = &cli.command {
        problems.extend(serve.problems(cli.data_dir.clone()).0);
    }
    Problems(problems)
}

async fn run(cli: Cli) -> Outcome {
    let data_dir = cli.data_dir;
    match cli.command {
        Command::Dev(dev) => dev.run(data_dir).await,
        Command::Serve(serve) => serve.run(data_dir).await,
        Command::Migrate(migrate) => migrate.run(data_dir).await,
        Command::Tenant(tenant) => tenant.run(data_dir).await,
        Command::App(app) => app.run(data_dir).await,
        Command::User(user) => user.run(data_dir).await,
        Command::Role(role) => role.run(data_dir).await,
        Command::Provider(provider) => provider.run(data_dir).await,
        Command::Key(key) => key.run(data_dir).await,
        Command::Mail(mail) => mail.run(data_dir).await,
        Command::Operator(operator) => operator.run(data_dir).await,
        Command::Doctor(doctor) => doctor.run(data_dir).await,
    }
}
