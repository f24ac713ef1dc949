//! One provider that a tenant's users sign in with.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Admin, Seat, Viewer};
use super::done::{Done, done};
use super::posted::Posted;
use super::stale;
use super::view::{Frame, failed};
use crate::domain::provider::{
    ProfileRefresh, Provider, ProviderKey, ProviderKind, TokenRetention, UnverifiedEmail,
    UpstreamScope,
};
use crate::domain::secret::Secret;
use crate::domain::tenant::{DisplayName, Domain, SignUp};
use crate::flows::administration::providers::{self, NewProvider, Seen};
use crate::flows::administration::{Problem, description};
use crate::flows::federation::redirect_uri;
use crate::web::extract::query::Query;
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "console/provider.html")]
pub struct ProviderPage {
    pub frame: Frame,
    pub error: Option<String>,
    pub notice: Option<String>,
    /// Of the one that is there; empty for a new one.
    pub version: String,
    pub redirect_uri: String,
    /// Where a sign-in with it begins; empty for a new one.
    pub try_url: String,
    pub form: ProviderForm,
}

/// What the form holds, right or wrong.
#[derive(Clone, Default)]
pub struct ProviderForm {
    pub kind: String,
    pub issuer: String,
    pub key: String,
    pub name: String,
    pub client_id: String,
    pub scopes: String,
    pub allowed_domains: String,
    pub sign_up_is_open: bool,
    pub takes_unverified: bool,
    pub refreshes_profile: bool,
    pub keeps_tokens: bool,
}

const FIELDS: [&str; 13] = [
    "version",
    "kind",
    "issuer",
    "key",
    "name",
    "client_id",
    "client_secret",
    "scopes",
    "allowed_domains",
    "sign_up",
    "unverified_email",
    "profile",
    "tokens",
];

impl ProviderForm {
    fn empty(kind: &str) -> Self {
        let key = if kind == "oidc" { String::new() } else { kind.to_owned() };
        Self { kind: kind.to_owned(), key, sign_up_is_open: true, ..Self::default() }
    }

    fn of(provider: &Provider) -> Self {
        let joined = |texts: Vec<&str>| texts.join(" ");
        Self {
            kind: provider.kind.as_str().to_owned(),
            issuer: provider.kind.issuer().map_or("", |issuer| issuer.as_str()).to_owned(),
            key: provider.key.to_string(),
            name: provider.name.to_string(),
            client_id: provider.client_id.clone(),
            scopes: joined(provider.scopes.iter().map(UpstreamScope::as_str).collect()),
            allowed_domains: joined(provider.allowed_domains.iter().map(Domain::as_str).collect()),
            sign_up_is_open: provider.sign_up == SignUp::Open,
            takes_unverified: provider.unverified_email == UnverifiedEmail::Accepted,
            refreshes_profile: provider.profile == ProfileRefresh::EverySignIn,
            keeps_tokens: provider.tokens == TokenRetention::Kept,
        }
    }

    fn posted(posted: &Posted<Seat<Admin>>) -> Self {
        let field = |name: &str| posted.field(name).trim().to_owned();
        let is_on = |name: &str| posted.optional(name).is_some();
        let Self { kind, key, .. } = Self::empty(&field("kind"));
        Self {
            issuer: field("issuer"),
            key: if key.is_empty() { field("key") } else { key },
            kind,
            name: field("name"),
            client_id: field("client_id"),
            scopes: field("scopes"),
            allowed_domains: field("allowed_domains"),
            sign_up_is_open: is_on("sign_up"),
            takes_unverified: is_on("unverified_email"),
            refreshes_profile: is_on("profile"),
            keeps_tokens: is_on("tokens"),
        }
    }

    /// An empty secret keeps the one that is there.
    fn parse(&self, secret: &str) -> Result<NewProvider, Problem> {
        fn input(why: impl ToString) -> Problem {
            Problem::Input(why.to_string())
        }
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let scope = |text| UpstreamScope::parse(text).map_err(input);
        let domain = |text| Domain::parse(text).map_err(input);
        Ok(NewProvider {
            kind: ProviderKind::parse(&self.kind, some(&self.issuer).as_deref()).map_err(input)?,
            key: some(&self.key).map(|key| ProviderKey::parse(&key)).transpose().map_err(input)?,
            name: some(&self.name)
                .map(|name| DisplayName::parse(&name))
                .transpose()
                .map_err(input)?,
            client_id: self.client_id.clone(),
            client_secret: some(secret.trim()).map(Secret::new),
            scopes: self.scopes.split_whitespace().map(scope).collect::<Result<_, _>>()?,
            allowed_domains: self
                .allowed_domains
                .split_whitespace()
                .map(domain)
                .collect::<Result<_, _>>()?,
            sign_up: if self.sign_up_is_open { SignUp::Open } else { SignUp::Closed },
            unverified_email: match self.takes_unverified {
                true => UnverifiedEmail::Accepted,
                false => UnverifiedEmail::Refused,
            },
            profile: match self.refreshes_profile {
                true => ProfileRefresh::EverySignIn,
                false => ProfileRefresh::FirstSignIn,
            },
            tokens: match self.keeps_tokens {
                true => TokenRetention::Kept,
                false => TokenRetention::Discarded,
            },
        })
    }
}

/// What stands above the form.
#[derive(Default)]
struct Said {
    error: Option<String>,
    notice: Option<String>,
}

fn show<L>(
    request: &HttpRequest,
    state: &State,
    seat: &Seat<L>,
    (version, form): (String, ProviderForm),
    said: Said,
) -> Result<HttpResponse, PageError> {
    let issuer = state.context.public_url.issuer(&seat.tenant);
    let key = ProviderKey::parse(&form.key);
    let view = ProviderPage {
        frame: Frame::of(seat),
        error: said.error,
        notice: said.notice,
        redirect_uri: match &key {
            Ok(key) => redirect_uri(&issuer, key),
            Err(_) => format!("{issuer}/federation/<key>/callback"),
        },
        try_url: match &key {
            Ok(key) if !version.is_empty() => format!("{issuer}/federation/{key}?again=1"),
            _ => String::new(),
        },
        version,
        form,
    };
    render(request, &view, Policy::StaysHere)
}

async fn find<L>(state: &State, seat: &Seat<L>, key: &str) -> Result<Provider, Problem> {
    let key = ProviderKey::parse(key).map_err(|_| Problem::Unknown)?;
    providers::find(&state.context, &seat.tenant, &key).await
}

fn version(provider: &Provider) -> String {
    description::version(&description::provider(provider))
}

pub async fn new(
    request: HttpRequest,
    state: web::Data<State>,
    seat: Seat<Admin>,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let known = query.get("kind").filter(|kind| ["google", "github", "oidc"].contains(kind));
    let form = ProviderForm::empty(known.unwrap_or("oidc"));
    show(&request, &state, &seat, (String::new(), form), Said::default())
}

pub async fn create(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &FIELDS)?;
    let (seat, form) = (&posted.by, ProviderForm::posted(&posted));
    let admin = seat.administrator(&state.context);
    let set = match form.parse(posted.field("client_secret")) {
        Ok(new) => providers::set(&admin, &seat.tenant, Seen::Nothing, new).await,
        Err(problem) => Err(problem),
    };
    match set {
        Ok(made) => {
            let page = format!("{}/providers/{}", Frame::of(seat).base, made.key);
            Ok(done(&page, Done::ProviderAdded))
        }
        Err(Problem::Input(why)) => {
            let said = Said { error: Some(why), notice: None };
            show(&request, &state, seat, (String::new(), form), said)
        }
        Err(problem) => Err(failed(&request, problem)),
    }
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    seat: Seat<Viewer>,
) -> Result<HttpResponse, PageError> {
    let found = find(&state, &seat, &path.1).await.map_err(|problem| failed(&request, problem))?;
    let form = (version(&found), ProviderForm::of(&found));
    show(&request, &state, &seat, form, Said::default())
}

/// Kind, issuer and key stay.
pub async fn change(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &FIELDS)?;
    let seat = &posted.by;
    let old = find(&state, seat, &path.1).await.map_err(|problem| failed(&request, problem))?;
    let ProviderForm { kind, issuer, key, .. } = ProviderForm::of(&old);
    let form = ProviderForm { kind, issuer, key, ..ProviderForm::posted(&posted) };
    let seen = posted.field("version").to_owned();
    let admin = seat.administrator(&state.context);
    let set = match form.parse(posted.field("client_secret")) {
        Ok(new) => providers::set(&admin, &seat.tenant, Seen::Version(seen.clone()), new).await,
        Err(problem) => Err(problem),
    };
    let page = format!("{}/providers/{}", Frame::of(seat).base, old.key);
    match set {
        Ok(_) => Ok(done(&page, Done::Saved)),
        Err(Problem::Input(why)) => {
            let said = Said { error: Some(why), notice: None };
            show(&request, &state, seat, (seen, form), said)
        }
        Err(problem) => stale::refused(&request, &posted, &page, problem),
    }
}

/// Tries whether the provider answers, or removes it.
pub async fn act(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["act"])?;
    let (seat, context) = (&posted.by, &state.context);
    let failed = |problem| failed(&request, problem);
    let provider = find(&state, seat, &path.1).await.map_err(failed)?;
    let base = Frame::of(seat).base;
    match posted.field("act") {
        "remove" => {
            let admin = seat.administrator(context);
            providers::remove(&admin, &seat.tenant, &provider.key).await.map_err(failed)?;
            Ok(done(&format!("{base}/sign-in"), Done::ProviderRemoved))
        }
        "test" => {
            let issuer = context.public_url.issuer(&seat.tenant);
            let callback = redirect_uri(&issuer, &provider.key);
            let said = match providers::test(context, &seat.tenant, &provider, &callback).await {
                Ok(page) => Said { notice: Some(answers(&provider, &page)), error: None },
                Err(problem) => Said { error: Some(problem.to_string()), notice: None },
            };
            let form = (version(&provider), ProviderForm::of(&provider));
            show(&request, &state, seat, form, said)
        }
        _ => Err(failed(Problem::Input("there is no such button".to_owned()))),
    }
}

fn answers(provider: &Provider, page: &url::Url) -> String {
    let place = page.host_str().unwrap_or_default();
    format!(
        "{} answers, and signs people in at {place}. Whether it knows the client id and the redirect URI, a \
         sign-in shows.",
        provider.name
    )
}
