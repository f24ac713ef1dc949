//! Who uses the console, and what they may see and do: a handler says by its argument what it asks for, and is
//! not called without it.

use std::marker::PhantomData;
use std::sync::Arc;

use actix_session::config::{CookieContentSecurity, PersistentSession};
use actix_session::{Session, SessionExt, SessionMiddleware};
use actix_web::cookie::SameSite;
use actix_web::cookie::time::Duration;
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use futures_core::future::LocalBoxFuture;

use super::done::Done;
use super::view::failed;
use crate::config::Scheme;
use crate::domain::entropy::random_secret;
use crate::domain::ids::SessionId;
use crate::domain::member::MemberRole;
use crate::domain::session::BROWSER_ABSOLUTE_LIFE;
use crate::domain::tenant::{Domain, Slug, Tenant};
use crate::flows::account::session::{self, SignedInBrowser};
use crate::flows::administration::{Administrator, Problem, members, operators, tenants};
use crate::flows::console::sign_in;
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::web::extract::device;
use crate::web::hosted::PageError;
use crate::web::session_store::{DatabaseStore, SESSION, TENANT};
use crate::web::state::State;

/// Over https and over the http of loopback. Its path keeps it to the console.
pub const COOKIES: [&str; 2] = ["__Secure-doorward-console", "doorward-console"];
const SECRET: &str = "secret";

pub fn browser_session(state: &State) -> SessionMiddleware<DatabaseStore> {
    let is_https = state.context.public_url.scheme() == Scheme::Https;
    let [secure, on_loopback] = COOKIES;
    let life = Duration::seconds(BROWSER_ABSOLUTE_LIFE.as_secs().cast_signed());
    SessionMiddleware::builder(DatabaseStore(Arc::clone(&state.context)), state.cookie_key.clone())
        .cookie_name(if is_https { secure } else { on_loopback }.to_owned())
        .cookie_path("/console".to_owned())
        .cookie_secure(is_https)
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .cookie_content_security(CookieContentSecurity::Signed)
        .session_lifecycle(PersistentSession::default().session_ttl(life))
        .build()
}

/// A browser at the console, signed in or not.
pub struct Visitor {
    state: Session,
    console: Arc<TenantSnapshot>,
    /// Ties forms to this browser.
    pub csrf: String,
    signed_in: Option<SignedInBrowser>,
}

impl Visitor {
    async fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let context = &shared(request)?.context;
        if !is_public_host(request, context.public_url.host()) {
            return Err(Problem::Unknown);
        }
        let console = sign_in::console(context).await?;
        let state = request.get_session();
        let get = |key: &str| state.get::<String>(key).ok().flatten();
        let csrf = match get(SECRET) {
            Some(secret) => secret,
            None => {
                let secret = random_secret(&*context.entropy).expose().to_owned();
                keep(&state, TENANT, &console.tenant.id.to_string())?;
                keep(&state, SECRET, &secret)?;
                secret
            }
        };
        let signed_in = match get(SESSION).and_then(|id| SessionId::parse(&id).ok()) {
            Some(id) => session::find(context, &console, id).await?,
            None => None,
        };
        Ok(Self { state, console, csrf, signed_in })
    }

    pub fn keep(&self, key: &str, value: &str) -> Result<(), Failure> {
        keep(&self.state, key, value)
    }

    pub fn kept(&self, key: &str) -> Option<String> {
        self.state.get::<String>(key).ok().flatten()
    }

    /// Forgets what is kept under keys that begin so, once there are `most` of them: nobody fills the database
    /// with what was begun and never ended.
    pub fn make_room(&self, prefix: &str, most: usize) {
        let keys: Vec<String> =
            self.state.entries().keys().filter(|key| key.starts_with(prefix)).cloned().collect();
        if keys.len() >= most {
            keys.iter().for_each(|key| self.forget(key));
        }
    }

    pub fn forget(&self, key: &str) {
        self.state.remove(key);
    }

    /// The browser goes by `session` from now on, under a new cookie (OWASP ASVS 5 §7.2.4).
    pub fn sign_in(&self, session: SessionId) -> Result<(), Failure> {
        self.keep(SESSION, &session.to_string())?;
        self.state.renew();
        Ok(())
    }

    pub fn sign_out(&self) {
        self.state.purge();
    }
}

/// A tenant's own host is that tenant's alone.
fn is_public_host(request: &HttpRequest, public_host: &str) -> bool {
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    let host = host.unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    host.eq_ignore_ascii_case(public_host) || Domain::parse(host).is_err()
}

fn keep(state: &Session, key: &str, value: &str) -> Result<(), Failure> {
    state.insert(key, value).map_err(|error| Failure::Internal(error.to_string()))
}

pub(super) fn shared(request: &HttpRequest) -> Result<&web::Data<State>, Failure> {
    request
        .app_data::<web::Data<State>>()
        .ok_or_else(|| Failure::Internal("no shared state".to_owned()))
}

impl FromRequest for Visitor {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(
            async move { Self::of(&request).await.map_err(|problem| failed(&request, problem)) },
        )
    }
}

/// Somebody who is signed in to the console; anybody else is sent to the sign-in.
pub struct Account {
    pub visitor: Visitor,
    pub browser: SignedInBrowser,
    pub is_operator: bool,
    /// What was done by the post that led here.
    pub done: Option<Done>,
    /// Of the page that is asked for.
    pub path: String,
    address: Option<String>,
}

impl Account {
    async fn of(request: &HttpRequest, visitor: Visitor) -> Result<Self, PageError> {
        let Some(browser) = visitor.signed_in.clone() else {
            let next = match request.method().is_safe() {
                true => request.uri().path_and_query().map_or("/console", |uri| uri.as_str()),
                false => "/console",
            };
            let query: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
            return Err(PageError::elsewhere(format!("/console/sign-in?next={query}")));
        };
        let state = shared(request).map_err(|failure| PageError::failure(request, &failure))?;
        let is_operator = operators::is_operator(&state.context, browser.profile.user.id)
            .await
            .map_err(|problem| failed(request, problem))?;
        let mut query = url::form_urlencoded::parse(request.query_string().as_bytes());
        let done = query.find(|(name, _)| name == "done");
        let done = done.and_then(|(_, key)| Done::parse(&key));
        let (path, address) = (request.path().to_owned(), device::address(request));
        Ok(Self { visitor, browser, is_operator, done, path, address })
    }

    /// Acts above the tenants, or in one that is its own.
    pub fn administrator<'c>(&self, context: &'c Context) -> Administrator<'c> {
        Administrator::account(context, self.browser.profile.user.id, self.address.clone())
    }

    fn operator<'c>(&self, context: &'c Context) -> Administrator<'c> {
        Administrator::operator(context, self.browser.profile.user.id, self.address.clone())
    }

    pub fn session(&self) -> SessionId {
        self.browser.session.id
    }

    pub fn console(&self) -> &TenantSnapshot {
        &self.visitor.console
    }
}

impl FromRequest for Account {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let visitor = Visitor::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move { Self::of(&request, visitor.await?).await })
    }
}

/// An operator of the deployment. To anybody else the page does not exist.
pub struct Operator(pub Account);

impl FromRequest for Operator {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let account = Account::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let account = account.await?;
            match account.is_operator {
                true => Ok(Self(account)),
                false => Err(failed(&request, Problem::Unknown)),
            }
        })
    }
}

/// What a seat must at least be.
pub trait Level: 'static {
    const ROLE: MemberRole;
}

pub struct Viewer;
pub struct Admin;
pub struct Owner;

impl Level for Viewer {
    const ROLE: MemberRole = MemberRole::Viewer;
}
impl Level for Admin {
    const ROLE: MemberRole = MemberRole::Admin;
}
impl Level for Owner {
    const ROLE: MemberRole = MemberRole::Owner;
}

/// An account in the tenant that the path names. An operator has every seat; to an account that is no member the
/// tenant does not exist.
pub struct Seat<L> {
    pub account: Account,
    pub tenant: Tenant,
    pub role: MemberRole,
    standing: Standing,
    level: PhantomData<L>,
}

/// By what an account has its seat.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Member,
    /// As an operator, who is no member.
    Operator,
}

/// Tenants that an operator has entered in this browser are kept under this and the tenant's id.
const ENTERED: &str = "entered-";
/// Beyond so many the oldest notes are dropped, and entering is told once more.
const MOST_ENTERED: usize = 50;

impl<L: Level> Seat<L> {
    async fn of(request: &HttpRequest, account: Account) -> Result<Self, PageError> {
        let nowhere = || PageError::nowhere(request);
        let context =
            &shared(request).map_err(|failure| PageError::failure(request, &failure))?.context;
        let slug = request.match_info().get("slug").unwrap_or_default();
        let slug = Slug::parse(slug).map_err(|_| nowhere())?;
        let tenant = match tenants::find(context, &slug).await {
            Ok(tenant) => tenant,
            Err(Problem::Input(_)) => return Err(nowhere()),
            Err(problem) => return Err(failed(request, problem)),
        };
        let member = members::role(context, tenant.id, account.browser.profile.user.id)
            .await
            .map_err(|problem| failed(request, problem))?;
        let (role, standing) = match (account.is_operator, member) {
            (true, Some(_)) => (MemberRole::Owner, Standing::Member),
            (true, None) => (MemberRole::Owner, Standing::Operator),
            (false, Some(role)) => (role, Standing::Member),
            (false, None) => return Err(nowhere()),
        };
        if role < L::ROLE {
            return Err(PageError::not_allowed(request));
        }
        let seat = Self { account, tenant, role, standing, level: PhantomData };
        seat.tell_of_operator(context).await.map_err(|problem| failed(request, problem))?;
        Ok(seat)
    }

    /// Once for each browser and tenant.
    async fn tell_of_operator(&self, context: &Context) -> Result<(), Problem> {
        let (visitor, key) = (&self.account.visitor, format!("{ENTERED}{}", self.tenant.id));
        if self.standing == Standing::Member || visitor.kept(&key).is_some() {
            return Ok(());
        }
        operators::enter(&self.account.operator(context), &self.tenant).await?;
        visitor.make_room(ENTERED, MOST_ENTERED);
        Ok(visitor.keep(&key, "")?)
    }
}

impl<L: Level> FromRequest for Seat<L> {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let account = Account::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move { Self::of(&request, account.await?).await })
    }
}

impl<L> Seat<L> {
    /// Whoever changes something in the tenant.
    pub fn administrator<'c>(&self, context: &'c Context) -> Administrator<'c> {
        match self.standing {
            Standing::Member => self.account.administrator(context),
            Standing::Operator => self.account.operator(context),
        }
    }
}
