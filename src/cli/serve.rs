//! `doorward serve`: the production server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use actix_web::web::Data;
use clap::Args;
use tokio::sync::Notify;

use super::{CommandError, Outcome, open};
use crate::config::{Problems, ServeSettings, StoreSettings};
use crate::flows::administration::{health, operators};
use crate::flows::console::first_account;
use crate::jobs;
use crate::web::metrics::HttpMetrics;
use crate::web::server::{Listeners, start, start_metrics};
use crate::web::state::{MetricsPlace, State};

#[derive(Args)]
pub struct Serve {
    /// Address and port to listen on [env: DOORWARD_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long)]
    listen: Option<SocketAddr>,
}

impl Serve {
    /// All that is wrong with the configuration, as far as that shows without the database.
    pub fn problems(&self, data_dir: Option<PathBuf>) -> Problems {
        let mut problems = ServeSettings::from_environment(data_dir.clone(), self.listen)
            .err()
            .unwrap_or_default();
        let told = StoreSettings::as_far_as_told(data_dir);
        // Whether there is one at all, the settings say.
        if told.master_key.is_some() || told.key_file().exists() {
            problems.0.extend(open::master_key(&told).err().map(|CommandError(why)| why));
        }
        problems.0.extend(open::mailer(&told).err().map(|CommandError(why)| why));
        problems
    }

    pub async fn run(self, data_dir: Option<PathBuf>) -> Outcome {
        let problems = self.problems(data_dir.clone());
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let settings = ServeSettings::from_environment(data_dir, self.listen)?;
        let key = open::master_key(&settings.store)?;
        let mailer = open::mailer(&settings.store)?;
        let db = open::database(&settings.store)?;
        let context = open::context(db, &key, settings.public_url, &settings.store, mailer)?;
        match health::refuse_another_key(&context).await {
            Ok(fits) => fits.map_err(CommandError)?,
            // It may come back: until then `/readyz` says so.
            Err(error) => {
                tracing::warn!(%error, "the master key could not be tried on the database")
            }
        }
        let state = Data::new(State {
            context: context.clone(),
            trusted_proxies: settings.trusted_proxies,
            cookie_key: actix_web::cookie::Key::from(&*key.cookie_key()),
            metrics: HttpMetrics::new(settings.tenant_label),
            metrics_place: match settings.metrics_listen {
                Some(_) => MetricsPlace::Elsewhere,
                None => MetricsPlace::Here,
            },
            welcome: None,
        });
        let listeners = Listeners::bind(settings.listen)?;
        tracing::info!(
            listen = %settings.listen,
            public_url = context.public_url.as_str(),
            database = ?context.db.url(),
            "doorward serves"
        );
        if let Some(sign_up) = settings.console_sign_up
            && let Err(error) = operators::set_sign_up(&context, sign_up).await
        {
            tracing::error!(%error, "who may sign up at the console is as it was");
        }
        // A database that is away now may be back when it is asked for the first account.
        if let Ok(false) = operators::existed(&context).await {
            let token = first_account::token(&context.console_keys);
            let url = context.public_url.as_str();
            println!(
                "There is no console account yet. Make the first one: {url}/console/setup?token={token}"
            );
        }
        if let Some(address) = settings.metrics_listen {
            let listeners = Listeners::bind(address)?;
            actix_web::rt::spawn(start_metrics(listeners, state.clone())?);
        }
        let server = start(listeners, state)?;
        let stop = Arc::new(Notify::new());
        let jobs = actix_web::rt::spawn(jobs::run(context, stop.clone()));
        server.await?;
        // What they hold is let go of while the runtime still runs.
        stop.notify_one();
        let _ = jobs.await;
        tracing::info!("doorward has stopped");
        Ok(())
    }
}
