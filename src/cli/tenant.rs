//! `doorward tenant create|list`.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use super::output::Output;
use super::{CommandError, Outcome, open};
use crate::domain::tenant::{self as domain, DisplayName, Domain, SignUp, Slug};
use crate::flows::Context;
use crate::flows::administration::tenants::{self, NewTenant};

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
    /// List the tenants
    List {
        #[command(flatten)]
        output: Output,
    },
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
                    sign_up: SignUp::Open,
                };
                let tenant = tenants::create(&context, new).await?;
                output.one(&document(&context, &tenant));
            }
            Self::List { output } => {
                let (mut documents, mut after) = (Vec::new(), None);
                loop {
                    let page = tenants::page(&context, after, 500).await?;
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

fn document(context: &Context, tenant: &domain::Tenant) -> Value {
    json!({
        "id": tenant.id,
        "slug": tenant.slug.as_str(),
        "name": tenant.name.as_str(),
        "domain": tenant.domain.as_ref().map(Domain::as_str),
        "status": tenant.status.as_str(),
        "issuer": context.public_url.issuer(tenant),
    })
}
