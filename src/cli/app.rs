//! `doorward app create`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::Output;
use super::{CommandError, Outcome, open};
use crate::domain::application::{
    ApplicationKind, DirectLogin, Party, TokenSettings, UpstreamTokenAccess,
};
use crate::domain::tenant::DisplayName;
use crate::flows::administration::Administrator;
use crate::flows::administration::applications::{self, MadeApplication, NewApplication};

#[derive(Subcommand)]
pub enum App {
    /// Create an application; a secret is shown this once
    Create(Create),
}

#[derive(Args)]
pub struct Create {
    /// The tenant's slug
    #[arg(long)]
    tenant: String,
    /// What people read
    #[arg(long)]
    name: String,
    /// web (on a server, with a secret), spa (in a browser), native (on a device), service (for itself)
    #[arg(long, value_parser = ["web", "spa", "native", "service"])]
    kind: String,
    /// Where users return after signing in; may be given several times
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// Where users return after signing out; may be given several times
    #[arg(long = "post-logout-redirect-uri", value_name = "URI")]
    post_logout_redirect_uris: Vec<String>,
    /// An origin whose pages may call the tenant's endpoints; may be given several times
    #[arg(long = "allowed-origin", value_name = "ORIGIN")]
    allowed_origins: Vec<String>,
    /// `aud` of its access tokens [default: the issuer]
    #[arg(long)]
    audience: Option<String>,
    /// Allow e-mail and password by the JSON API
    #[arg(long)]
    direct_login: bool,
    /// Stand in for clients of the JSON API that do not name themselves
    #[arg(long)]
    default: bool,
    /// Somebody else's application: users are asked what it may see
    #[arg(long)]
    third_party: bool,
    /// Let it have the tokens of the providers that its users sign in by, with the scope upstream_tokens
    #[arg(long)]
    upstream_tokens: bool,
    #[command(flatten)]
    output: Output,
}

impl App {
    pub async fn run(self, data_dir: Option<PathBuf>) -> Outcome {
        let Self::Create(create) = self;
        let context = open::beside(data_dir).await?;
        let tenant = open::tenant(&context, &create.tenant).await?;
        let kind = ApplicationKind::parse(&create.kind)
            .ok_or_else(|| CommandError("--kind is web, spa, native or service".to_owned()))?;
        let new = NewApplication {
            name: DisplayName::parse(&create.name)
                .map_err(|why| CommandError(format!("--name: {why}")))?,
            kind,
            redirect_uris: create.redirect_uris,
            post_logout_redirect_uris: create.post_logout_redirect_uris,
            allowed_origins: create.allowed_origins,
            audience: create.audience,
            direct_login: if create.direct_login {
                DirectLogin::Allowed
            } else {
                DirectLogin::Refused
            },
            is_default: create.default,
            party: if create.third_party { Party::Third } else { Party::First },
            upstream_tokens: match create.upstream_tokens {
                true => UpstreamTokenAccess::Allowed,
                false => UpstreamTokenAccess::Refused,
            },
            tokens: TokenSettings::beginning_with(tenant.lifetimes),
            secret: None,
        };
        let MadeApplication { application, secret } =
            applications::create(&Administrator::command_line(&context), &tenant, new).await?;
        let uris = |uris: &[crate::domain::redirect_uri::RedirectUri]| {
            uris.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let mut document = json!({
            "client_id": application.id,
            "name": application.name.as_str(),
            "kind": application.kind.as_str(),
            "issuer": context.public_url.issuer(&tenant),
            "redirect_uris": uris(&application.redirect_uris),
            "post_logout_redirect_uris": uris(&application.post_logout_redirect_uris),
            "allowed_origins": application.allowed_origins.iter().map(|origin| origin.as_str()).collect::<Vec<_>>(),
            "audience": application.audience.as_ref().map(|audience| audience.as_str()),
            "direct_login": application.direct_login == DirectLogin::Allowed,
            "default": application.is_default,
            "third_party": application.party == Party::Third,
            "upstream_tokens": application.upstream_tokens == UpstreamTokenAccess::Allowed,
        });
        if let Some(secret) = secret {
            document["client_secret"] = json!(secret.expose());
        }
        create.output.one(&document);
        Ok(())
    }
}
