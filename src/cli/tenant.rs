//! `doorward tenant create|set|list`.

use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::Output;
use super::{CommandError, Outcome, open};
use crate::domain::email_address::EmailAddress;
use crate::domain::logo::Logo;
use crate::domain::password::MinLength;
use crate::domain::tenant::{
    self as domain, Accent, AccountPolicy, DisplayName, Domain, EmailCode, EmailVerification,
    SignUp, Slug,
};
use crate::flows::Context;
use crate::flows::administration::Administrator;
use crate::flows::administration::tenants::{self, NewTenant, TenantChange};
use crate::flows::logo;

#[derive(Subcommand)]
pub enum Tenant {
    /// Create a tenant, with its signing keys
    Create {
        /// The last part of its issuer, such as `acme`
        #[arg(long)]
        slug: String,
        /// What people read, such as "Acme Inc."
        #[arg(long)]
        name: String,
        /// A host of its own, such as login.example.com
        #[arg(long, value_name = "HOST")]
        domain: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Change what a tenant decides; what is not given stays
    Set(Box<Set>),
    /// List the tenants
    List {
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Args)]
pub struct Set {
    /// The tenant's slug
    #[arg(long)]
    slug: String,
    /// What people read
    #[arg(long)]
    name: Option<String>,
    /// A host of its own, such as login.example.com, which needs no proof by DNS here
    #[arg(long, value_name = "HOST")]
    domain: Option<String>,
    /// Take the host of its own away
    #[arg(long, conflicts_with = "domain")]
    no_domain: bool,
    /// Who may make an account: everybody, or admins alone
    #[arg(long, value_parser = ["open", "closed"])]
    sign_up: Option<String>,
    /// Whether users prove their address before they sign in
    #[arg(long, value_parser = ["optional", "required"])]
    email_verification: Option<String>,
    /// Whether users may sign in by a code that is mailed to them
    #[arg(long, value_parser = ["on", "off"])]
    email_code: Option<String>,
    /// The fewest characters of a new password, 8 to 64; passwords that are set stay
    #[arg(long, value_name = "CHARACTERS")]
    password_min_length: Option<String>,
    /// Days between asking for an account's deletion and the deletion
    #[arg(long, value_name = "DAYS")]
    deletion_grace: Option<u16>,
    /// How long access tokens of new applications live, 1 to 60
    #[arg(long, value_name = "MINUTES")]
    access_minutes: Option<u32>,
    /// How long a sign-in to new applications lasts unused, 2160 at most
    #[arg(long, value_name = "HOURS")]
    idle_hours: Option<u32>,
    /// How long a sign-in to new applications lasts altogether, 2160 at most
    #[arg(long, value_name = "HOURS")]
    absolute_hours: Option<u32>,
    /// The colour of its pages and mail, such as #136f58
    #[arg(long, value_name = "COLOUR")]
    accent: Option<String>,
    /// The logo on its pages and mail: a PNG, JPEG or WebP file
    #[arg(long, value_name = "FILE")]
    logo: Option<PathBuf>,
    /// Take the logo away
    #[arg(long, conflicts_with = "logo")]
    no_logo: bool,
    /// Where answers to its mail go
    #[arg(long, value_name = "EMAIL")]
    reply_to: Option<String>,
    #[command(flatten)]
    output: Output,
}

impl Tenant {
    pub async fn run(self, data_dir: Option<PathBuf>) -> Outcome {
        let context = open::beside(data_dir).await?;
        match self {
            Self::Create { slug, name, domain, output } => {
                let new = NewTenant {
                    slug: Slug::parse(&slug)
                        .map_err(|why| CommandError(format!("--slug `{slug}`: {why}")))?,
                    name: DisplayName::parse(&name)
                        .map_err(|why| CommandError(format!("--name: {why}")))?,
                    domain: domain
                        .map(|host| {
                            Domain::parse(&host)
                                .map_err(|why| CommandError(format!("--domain `{host}`: {why}")))
                        })
                        .transpose()?,
                    accounts: AccountPolicy::default(),
                };
                let tenant = tenants::create(&Administrator::command_line(&context), new).await?;
                output.one(&document(&context, &tenant));
            }
            Self::Set(set) => {
                let slug = Slug::parse(&set.slug)
                    .map_err(|why| CommandError(format!("--slug `{}`: {why}", set.slug)))?;
                let change = TenantChange { logo: logo(&context, &set).await?, ..change(&set)? };
                let tenant =
                    tenants::change(&Administrator::command_line(&context), &slug, change).await?;
                set.output.one(&document(&context, &tenant));
            }
            Self::List { output } => {
                let (mut documents, mut after) = (Vec::new(), None);
                loop {
                    let page = tenants::page(&context, String::new(), after, 500).await?;
                    documents.extend(page.iter().map(|tenant| document(&context, tenant)));
                    match page.last() {
                        Some(last) => after = Some(last.slug.clone()),
                        None => break,
                    }
                }
                output.many(&documents, &["slug", "name", "status", "issuer", "id"]);
            }
        }
        Ok(())
    }
}

fn change(set: &Set) -> Result<TenantChange, CommandError> {
    fn parse<T, E: std::fmt::Display>(
        name: &str,
        text: Option<&String>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, CommandError> {
        text.map(|text| parse(text).map_err(|why| CommandError(format!("{name}: {why}"))))
            .transpose()
    }
    let seconds = |many: u32, each: u64| Duration::from_secs(u64::from(many) * each);
    Ok(TenantChange {
        domain: match set.no_domain {
            true => Some(None),
            false => parse("--domain", set.domain.as_ref(), Domain::parse)?.map(Some),
        },
        logo: None,
        name: parse("--name", set.name.as_ref(), DisplayName::parse)?,
        sign_up: set.sign_up.as_deref().and_then(SignUp::parse),
        email_verification: set.email_verification.as_deref().and_then(EmailVerification::parse),
        email_code: set.email_code.as_deref().and_then(EmailCode::parse),
        password_min_length: parse(
            "--password-min-length",
            set.password_min_length.as_ref(),
            MinLength::parse,
        )?,
        deletion_grace_days: set.deletion_grace,
        access_token_life: set.access_minutes.map(|minutes| seconds(minutes, 60)),
        refresh_idle_life: set.idle_hours.map(|hours| seconds(hours, 3_600)),
        refresh_absolute_life: set.absolute_hours.map(|hours| seconds(hours, 3_600)),
        accent: parse("--accent", set.accent.as_ref(), Accent::parse)?.map(Some),
        reply_to: parse("--reply-to", set.reply_to.as_ref(), EmailAddress::parse)?.map(Some),
    })
}

async fn logo(context: &Context, set: &Set) -> Result<Option<Option<Logo>>, CommandError> {
    let Some(path) = &set.logo else { return Ok(set.no_logo.then_some(None)) };
    let at_fault = |why: &dyn Display| CommandError(format!("--logo {}: {why}", path.display()));
    let file = std::fs::read(path).map_err(|why| at_fault(&why))?;
    let drawn = logo::draw(context, file).await.map_err(|why| at_fault(&why))?;
    Ok(Some(Some(drawn.map_err(|why| at_fault(&why))?)))
}

fn document(context: &Context, tenant: &domain::Tenant) -> Value {
    json!({
        "id": tenant.id,
        "slug": tenant.slug.as_str(),
        "name": tenant.name.as_str(),
        "domain": tenant.domain.as_ref().map(Domain::as_str),
        "status": tenant.status.as_str(),
        "issuer": context.public_url.issuer(tenant),
        "sign_up": tenant.accounts.sign_up.as_str(),
        "email_verification": tenant.accounts.email_verification.as_str(),
        "email_code": tenant.accounts.email_code.as_str(),
        "password_min_length": tenant.accounts.password_min_length.characters(),
        "deletion_grace_days": tenant.accounts.deletion_grace_days,
        "access_minutes": tenant.lifetimes.access_token.as_secs() / 60,
        "idle_hours": tenant.lifetimes.refresh_idle.as_secs() / 3_600,
        "absolute_hours": tenant.lifetimes.refresh_absolute.as_secs() / 3_600,
        "accent": tenant.accent.map(|accent| accent.to_string()),
        "logo": tenant.logo.as_ref().map(ToString::to_string),
        "reply_to": tenant.reply_to.as_ref().map(EmailAddress::as_str),
    })
}
