//! `doorward dev`: everything in one go, for trying Doorward and for developing against it. What it makes at
//! the first start, it finds again at the next; passwords and secrets follow from the master key.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use actix_web::web::Data;
use clap::Args;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{CommandError, Outcome, open};
use crate::config::{PublicUrl, StoreSettings, TenantLabel, TrustedProxies, listen};
use crate::crypto::digest::sha256_base64url;
use crate::crypto::master_key::{MasterKey, Purpose};
use crate::domain::application::{
    Application, ApplicationKind, DirectLogin, Party, TokenSettings, UpstreamTokenAccess,
};
use crate::domain::email_address::EmailAddress;
use crate::domain::password::NewPassword;
use crate::domain::role::RoleKey;
use crate::domain::secret::Secret;
use crate::domain::tenant::{AccountPolicy, DisplayName, Slug, Tenant};
use crate::flows::Context;
use crate::flows::administration::Administrator;
use crate::flows::administration::applications::{self, NewApplication};
use crate::flows::administration::tenants::{self, NewTenant};
use crate::flows::administration::users::{self, NewUser};
use crate::flows::administration::{Problem, health, operators, roles};
use crate::jobs;
use crate::mail::{Mailbox, Mailer};
use crate::messages::id;
use crate::web::metrics::HttpMetrics;
use crate::web::server::{Listeners, start};
use crate::web::state::{MetricsPlace, State, Welcome};

#[derive(Args)]
pub struct Dev {
    /// Address and port to listen on [env: DOORWARD_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long)]
    listen: Option<SocketAddr>,
}

const SLUG: &str = "acme";
const WEB_APP: &str = "Demo App";
const SPA_APP: &str = "Demo SPA";
const USER_EMAIL: &str = "demo@acme.example";
const CONSOLE_EMAIL: &str = "admin@doorward.example";

impl Dev {
    pub async fn run(self, data_dir: Option<PathBuf>) -> Outcome {
        let listen = listen(self.listen)?;
        if !listen.ip().is_loopback() {
            return Err(CommandError(
                "`dev` listens on loopback only, since its demo accounts are for trying; use `serve`".to_owned(),
            ));
        }
        let settings = StoreSettings::from_environment(data_dir)?;
        open::make_data_dir(&settings.data_dir)?;
        let key = open::master_key_or_new(&settings)?;
        let db = open::database(&settings)?;
        db.migrate()?;
        let listeners = Listeners::bind(listen).map_err(|error| {
            CommandError(format!(
                "cannot listen on {listen}: {error}; choose another with --listen"
            ))
        })?;
        let public_url = PublicUrl::parse(&format!("http://localhost:{}", listeners.port()?))?;
        let mailer = Mailer::Mailbox(Mailbox::open(settings.mailbox_dir())?);
        let context = open::context(db, &key, public_url, &settings, mailer)?;
        health::refuse_another_key(&context).await?.map_err(CommandError)?;
        let demo = Demo::find_or_make(&context, Credentials::of(&key)).await?;
        let facts = demo.facts(&context);
        let state = Data::new(State {
            context: context.clone(),
            trusted_proxies: TrustedProxies::default(),
            cookie_key: actix_web::cookie::Key::from(&*key.cookie_key()),
            metrics: HttpMetrics::new(TenantLabel::On),
            metrics_place: MetricsPlace::Here,
            welcome: Some(demo.welcome(&context)),
        });
        let server = start(listeners, state)?;
        write_whole(&settings.dev_file(), &facts)?;
        greet(&context, &demo, &settings.dev_file());
        let stop = Arc::new(Notify::new());
        let jobs = actix_web::rt::spawn(jobs::run(context, stop.clone()));
        server.await?;
        // What they hold is let go of while the runtime still runs.
        stop.notify_one();
        let _ = jobs.await;
        Ok(())
    }
}

/// The demo's passwords and secret: derived, so that every start has the same ones and none is stored.
struct Credentials {
    user_password: String,
    console_password: String,
    client_secret: String,
}

impl Credentials {
    fn of(key: &MasterKey) -> Self {
        let seed = key.derive(Purpose::DemoCredentials);
        let derived = |label: &str, length: usize| -> String {
            let digest =
                |round: u8| sha256_base64url(&[&seed[..], label.as_bytes(), &[round]].concat());
            let letters = format!("{}{}", digest(0), digest(1));
            letters.chars().filter(char::is_ascii_alphanumeric).take(length).collect()
        };
        Self {
            user_password: derived("user", 16),
            console_password: derived("console", 16),
            client_secret: derived("client", 43),
        }
    }
}

struct Demo {
    tenant: Tenant,
    web: Application,
    spa: Application,
    credentials: Credentials,
}

impl Demo {
    async fn find_or_make(
        context: &Context,
        credentials: Credentials,
    ) -> Result<Self, CommandError> {
        let tenant = tenant(context).await?;
        let role = RoleKey::parse("ADMIN")?;
        for (key, description) in [("ADMIN", "Runs the place"), ("MEMBER", "Uses the place")] {
            let made = roles::create(
                &Administrator::command_line(context),
                &tenant,
                RoleKey::parse(key)?,
                description.to_owned(),
            )
            .await;
            found_or_made(made)?;
        }
        let web = application(context, &tenant, web_app(&credentials)?).await?;
        let spa = application(context, &tenant, spa_app()?).await?;
        let email = EmailAddress::parse(USER_EMAIL)?;
        if users::find(context, &tenant, &email).await.is_err() {
            let new = NewUser {
                email,
                email_verified: true,
                name: Some(DisplayName::parse("Ada Demo")?),
                roles: vec![role],
                password: NewPassword::parse(&credentials.user_password)?,
            };
            found_or_made(
                users::create(&Administrator::command_line(context), &tenant, new).await,
            )?;
        }
        let console = operators::console_tenant(context).await?;
        let email = EmailAddress::parse(CONSOLE_EMAIL)?;
        if users::find(context, &console, &email).await.is_err() {
            let new = NewUser {
                email,
                email_verified: true,
                name: Some(DisplayName::parse("Console Admin")?),
                roles: Vec::new(),
                password: NewPassword::parse(&credentials.console_password)?,
            };
            found_or_made(operators::create(&Administrator::command_line(context), new).await)?;
        }
        Ok(Self { tenant, web, spa, credentials })
    }

    /// What `dev.json` holds.
    fn facts(&self, context: &Context) -> Value {
        let public_url = context.public_url.as_str();
        let uris = |application: &Application| {
            application.redirect_uris.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        json!({
            "public_url": public_url,
            "console": {
                "url": format!("{public_url}/console"),
                "email": CONSOLE_EMAIL,
                "password": self.credentials.console_password,
            },
            "tenant": { "slug": SLUG, "issuer": context.public_url.issuer(&self.tenant) },
            "app": {
                "client_id": self.web.id,
                "client_secret": self.credentials.client_secret,
                "redirect_uris": uris(&self.web),
            },
            "spa": { "client_id": self.spa.id, "redirect_uris": uris(&self.spa) },
            "user": {
                "email": USER_EMAIL,
                "password": self.credentials.user_password,
                "role": "ADMIN",
            },
            "mailbox_url": format!("{public_url}/mailbox"),
        })
    }

    fn welcome(&self, context: &Context) -> Welcome {
        Welcome {
            tenant_name: self.tenant.name.to_string(),
            slug: SLUG.to_owned(),
            issuer: context.public_url.issuer(&self.tenant),
            hints: vec![
                (id!("email"), USER_EMAIL.to_owned()),
                (id!("password"), self.credentials.user_password.clone()),
                (id!("welcome-client-id"), self.web.id.to_string()),
                (id!("welcome-client-secret"), self.credentials.client_secret.clone()),
            ],
        }
    }
}

async fn tenant(context: &Context) -> Result<Tenant, CommandError> {
    let slug = Slug::parse(SLUG)?;
    if let Ok(tenant) = tenants::find(context, &slug).await {
        return Ok(tenant);
    }
    let name = DisplayName::parse("Acme")?;
    let new =
        NewTenant { slug: slug.clone(), name, domain: None, accounts: AccountPolicy::default() };
    found_or_made(tenants::create(&Administrator::command_line(context), new).await)?;
    Ok(tenants::find(context, &slug).await?)
}

/// The application of that name, made if it is missing: a start that was killed half-way is made whole.
async fn application(
    context: &Context,
    tenant: &Tenant,
    new: NewApplication,
) -> Result<Application, CommandError> {
    let name = new.name.clone();
    let known = applications::list(context, tenant).await?;
    if let Some(application) = known.into_iter().find(|application| application.name == name) {
        return Ok(application);
    }
    Ok(applications::create(&Administrator::command_line(context), tenant, new).await?.application)
}

fn web_app(credentials: &Credentials) -> Result<NewApplication, CommandError> {
    Ok(NewApplication {
        name: DisplayName::parse(WEB_APP)?,
        kind: ApplicationKind::Web,
        redirect_uris: vec![
            "http://localhost:3000/api/auth/callback/doorward".to_owned(),
            "http://127.0.0.1:3000/callback".to_owned(),
        ],
        post_logout_redirect_uris: vec![
            "http://localhost:3000/".to_owned(),
            "http://127.0.0.1:3000/".to_owned(),
        ],
        allowed_origins: Vec::new(),
        audience: None,
        direct_login: DirectLogin::Allowed,
        is_default: true,
        party: Party::First,
        upstream_tokens: UpstreamTokenAccess::Refused,
        tokens: TokenSettings::default(),
        secret: Some(Secret::new(credentials.client_secret.clone())),
    })
}

fn spa_app() -> Result<NewApplication, CommandError> {
    let origins = ["http://localhost:5173", "http://127.0.0.1:5173"];
    Ok(NewApplication {
        name: DisplayName::parse(SPA_APP)?,
        kind: ApplicationKind::Spa,
        redirect_uris: origins.map(|origin| format!("{origin}/callback")).to_vec(),
        post_logout_redirect_uris: origins.map(|origin| format!("{origin}/")).to_vec(),
        allowed_origins: origins.map(str::to_owned).to_vec(),
        audience: None,
        direct_login: DirectLogin::Refused,
        is_default: false,
        party: Party::First,
        upstream_tokens: UpstreamTokenAccess::Refused,
        tokens: TokenSettings::default(),
        secret: None,
    })
}

/// What was there already is as good as made.
fn found_or_made<T>(made: Result<T, Problem>) -> Result<(), CommandError> {
    match made {
        Ok(_) | Err(Problem::Input(_)) => Ok(()),
        Err(problem) => Err(problem.into()),
    }
}

/// Readers see the old file or the new one, never half of it. It holds secrets: for its owner alone.
fn write_whole(path: &Path, facts: &Value) -> Outcome {
    use std::os::unix::fs::OpenOptionsExt;
    let draft = path.with_extension("json.draft");
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(format!("{facts:#}\n").as_bytes())?;
    fs::rename(&draft, path)?;
    Ok(())
}

fn greet(context: &Context, demo: &Demo, facts: &Path) {
    let issuer = context.public_url.issuer(&demo.tenant);
    println!("Doorward is running at {}\n", context.public_url.as_str());
    println!("  Sign in      {issuer}/login");
    println!("    e-mail     {USER_EMAIL}");
    println!("    password   {}", demo.credentials.user_password);
    println!("  Console      {}/console", context.public_url.as_str());
    println!("    e-mail     {CONSOLE_EMAIL}");
    println!("    password   {}", demo.credentials.console_password);
    println!("  Issuer       {issuer}");
    println!("  Client id    {}", demo.web.id);
    println!("  Facts        {}\n", facts.display());
    println!("Stop it with Ctrl-C; the data stays.");
}
