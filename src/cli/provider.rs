//! `doorward provider set|list|remove`.

use std::io::Read;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::Output;
use super::{CommandError, Outcome, open};
use crate::domain::provider::{
    ProfileRefresh, Provider as Configured, ProviderKey, ProviderKind, TokenRetention,
    UnverifiedEmail, UpstreamScope,
};
use crate::domain::secret::Secret;
use crate::domain::tenant::{DisplayName, Domain, SignUp, Tenant};
use crate::flows::Context;
use crate::flows::administration::Administrator;
use crate::flows::administration::providers::{self, NewProvider, Seen};
use crate::flows::federation::redirect_uri;

#[derive(Subcommand)]
pub enum Provider {
    /// Let users sign in with Google, GitHub or any OpenID provider; prints the redirect URI to register there
    Set(Box<Set>),
    /// List a tenant's providers
    List {
        /// The tenant's slug
        #[arg(long)]
        tenant: String,
        #[command(flatten)]
        output: Output,
    },
    /// Remove a provider, and every account's link to it
    Remove {
        /// The tenant's slug
        #[arg(long)]
        tenant: String,
        #[arg(long)]
        key: String,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Args)]
pub struct Set {
    /// The tenant's slug
    #[arg(long)]
    tenant: String,
    #[arg(long, value_parser = ["google", "github", "oidc"])]
    kind: String,
    /// The name in its paths, and for apps that send users straight there [default: the kind]
    #[arg(long)]
    key: Option<String>,
    /// What its button says [default: Google, GitHub, or the key]
    #[arg(long)]
    name: Option<String>,
    /// As the provider gave it
    #[arg(long)]
    client_id: String,
    /// Read the client secret from standard input
    #[arg(long, required = true)]
    client_secret_stdin: bool,
    /// The issuer of an OpenID provider, such as https://login.example.com
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// What to ask for instead of the kind's own; may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Let in only verified addresses of this domain; may be given several times
    #[arg(long = "allowed-domain", value_name = "DOMAIN")]
    allowed_domains: Vec<String>,
    /// Whether new users may make an account by it
    #[arg(long, default_value = "open", value_parser = ["open", "closed"])]
    sign_up: String,
    /// What becomes of new users whose address the provider has not verified
    #[arg(long, default_value = "refuse", value_parser = ["refuse", "accept"])]
    unverified_email: String,
    /// Take over name and picture at the first sign-in, or at every one
    #[arg(long, default_value = "first", value_parser = ["first", "every"])]
    profile: String,
    /// What becomes of the tokens that it gives: keep them for apps that may have them, or not
    #[arg(long, default_value = "discard", value_parser = ["discard", "keep"])]
    tokens: String,
    #[command(flatten)]
    output: Output,
}

impl Provider {
    pub async fn run(self, data_dir: Option<PathBuf>) -> Outcome {
        let context = open::beside(data_dir).await?;
        match self {
            Self::Set(set) => {
                let tenant = open::tenant(&context, &set.tenant).await?;
                let new = set.parse()?;
                let admin = Administrator::command_line(&context);
                let provider = providers::set(&admin, &tenant, Seen::Anything, new).await?;
                set.output.one(&document(&context, &tenant, &provider));
            }
            Self::List { tenant, output } => {
                let tenant = open::tenant(&context, &tenant).await?;
                let providers = providers::list(&context, &tenant).await?;
                let documents: Vec<Value> = providers
                    .iter()
                    .map(|provider| document(&context, &tenant, provider))
                    .collect();
                output.many(&documents, &["key", "kind", "client_id", "sign_up", "redirect_uri"]);
            }
            Self::Remove { tenant, key, output } => {
                let tenant = open::tenant(&context, &tenant).await?;
                let key = ProviderKey::parse(&key)
                    .map_err(|why| CommandError(format!("--key `{key}`: {why}")))?;
                providers::remove(&Administrator::command_line(&context), &tenant, &key).await?;
                output.one(&json!({ "key": key.as_str(), "removed": true }));
            }
        }
        Ok(())
    }
}

impl Set {
    fn parse(&self) -> Result<NewProvider, CommandError> {
        let key = self.key.as_deref().map(|key| {
            ProviderKey::parse(key).map_err(|why| CommandError(format!("--key `{key}`: {why}")))
        });
        let name = self.name.as_deref().map(|name| {
            DisplayName::parse(name).map_err(|why| CommandError(format!("--name: {why}")))
        });
        let scope = |text: &String| {
            UpstreamScope::parse(text)
                .map_err(|why| CommandError(format!("--scope `{text}`: {why}")))
        };
        let domain = |text: &String| {
            Domain::parse(text)
                .map_err(|why| CommandError(format!("--allowed-domain `{text}`: {why}")))
        };
        let choice = |flag: &str| CommandError(format!("{flag}: see --help for what it may be"));
        Ok(NewProvider {
            kind: ProviderKind::parse(&self.kind, self.issuer.as_deref())?,
            key: key.transpose()?,
            name: name.transpose()?,
            client_id: self.client_id.clone(),
            client_secret: Some(secret_from_stdin()?),
            scopes: self.scopes.iter().map(scope).collect::<Result<_, _>>()?,
            allowed_domains: self.allowed_domains.iter().map(domain).collect::<Result<_, _>>()?,
            sign_up: SignUp::parse(&self.sign_up).ok_or_else(|| choice("--sign-up"))?,
            unverified_email: UnverifiedEmail::parse(&self.unverified_email)
                .ok_or_else(|| choice("--unverified-email"))?,
            profile: ProfileRefresh::parse(&self.profile).ok_or_else(|| choice("--profile"))?,
            tokens: TokenRetention::parse(&self.tokens).ok_or_else(|| choice("--tokens"))?,
        })
    }
}

/// Without the white space around it that copying brings along.
fn secret_from_stdin() -> Result<Secret, CommandError> {
    let mut text = String::new();
    std::io::stdin().lock().take(8_192).read_to_string(&mut text)?;
    Ok(Secret::new(text.trim().to_owned()))
}

fn document(context: &Context, tenant: &Tenant, provider: &Configured) -> Value {
    let issuer = context.public_url.issuer(tenant);
    json!({
        "key": provider.key.as_str(),
        "kind": provider.kind.as_str(),
        "name": provider.name.as_str(),
        "issuer": provider.kind.issuer().map(|issuer| issuer.as_str()),
        "client_id": provider.client_id,
        "scopes": provider.scopes.iter().map(UpstreamScope::as_str).collect::<Vec<_>>(),
        "allowed_domains": provider.allowed_domains.iter().map(Domain::as_str).collect::<Vec<_>>(),
        "sign_up": provider.sign_up.as_str(),
        "unverified_email": provider.unverified_email.as_str(),
        "profile": provider.profile.as_str(),
        "tokens": provider.tokens.as_str(),
        "redirect_uri": redirect_uri(&issuer, &provider.key),
    })
}
