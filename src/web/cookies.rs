//! The cookies of the hosted pages and of the JSON API, each bound to one tenant.

use actix_session::SessionMiddleware;
use actix_session::config::{CookieContentSecurity, PersistentSession, TtlExtensionPolicy};
use actix_web::body::MessageBody;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, ResponseError, web};
use std::sync::Arc;

use super::extract::tenant::tenant_of;
use super::session_store::{self, DatabaseStore};
use super::state::State;
use crate::config::Scheme;
use crate::domain::ids::{ApplicationId, UserId};
use crate::domain::session::BROWSER_ABSOLUTE_LIFE;
use crate::flows::account::throttle;
use crate::flows::{Failure, TenantSnapshot};
use crate::web::hosted::PageError;

/// Where a tenant's pages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Under `/t/{slug}` of the public URL.
    Path,
    /// At the root of a host of its own.
    Host,
}

/// `__Host-` and `__Secure-` keep a neighbour from planting a cookie (RFC 6265bis §4.1.3); browsers
/// refuse the prefixes over plain http, which only loopback has.
const SESSION_COOKIES: [&str; 3] = ["__Host-doorward", "__Secure-doorward", "doorward"];

fn session_cookie_name(place: Place, scheme: Scheme) -> &'static str {
    let [at_host, secure, on_loopback] = SESSION_COOKIES;
    match (place, scheme) {
        (Place::Host, _) => at_host,
        (Place::Path, Scheme::Https) => secure,
        (Place::Path, Scheme::Http) => on_loopback,
    }
}

/// The browser session of the hosted pages.
pub fn browser_session(state: &State, place: Place) -> SessionMiddleware<DatabaseStore> {
    let scheme = state.context.public_url.scheme();
    let life = Duration::seconds(BROWSER_ABSOLUTE_LIFE.as_secs().cast_signed());
    SessionMiddleware::builder(DatabaseStore(Arc::clone(&state.context)), state.cookie_key.clone())
        .cookie_name(session_cookie_name(place, scheme).to_owned())
        .cookie_secure(place == Place::Host || scheme == Scheme::Https)
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .cookie_content_security(CookieContentSecurity::Signed)
        .session_lifecycle(
            PersistentSession::default()
                .session_ttl(life)
                .session_ttl_extension_policy(TtlExtensionPolicy::OnStateChanges),
        )
        .build()
}

/// Keeps the session cookie to its tenant, both ways: one of another tenant never reaches the session
/// middleware, which would write this browser's state over that one's; and what it sets is narrowed to
/// `/t/{slug}`, since actix-session knows one path only.
pub async fn scope_to_tenant(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let path = request.match_info().get("slug").map(|slug| format!("/t/{slug}"));
    let place = if path.is_some() { Place::Path } else { Place::Host };
    drop_foreign_session(&mut request, place).await;
    let asked = request.request().clone();
    let mut response = match next.call(request).await {
        Ok(response) => response.map_into_boxed_body(),
        // Handlers answer their own failures: this is the session middleware's, which cannot reach the store.
        Err(error) => {
            let failure = Failure::Unavailable(error.to_string());
            let page = PageError::failure(&asked, &failure).error_response();
            return Ok(ServiceResponse::new(asked, page));
        }
    };
    let mut cookies: Vec<HeaderValue> = response.headers_mut().remove(header::SET_COOKIE).collect();
    // The session before what goes beside it, for clients that look at the first one alone.
    cookies.sort_by_key(|value| !is_session(value));
    for value in cookies {
        let narrowed = path.as_deref().and_then(|path| narrow(&value, path));
        response.headers_mut().append(header::SET_COOKIE, narrowed.unwrap_or(value));
    }
    Ok(response)
}

fn is_session(value: &HeaderValue) -> bool {
    let name = value.to_str().ok().and_then(|text| text.split('=').next());
    name.is_some_and(|name| SESSION_COOKIES.contains(&name))
}

/// The cookie, for `path` instead of the whole host.
fn narrow(value: &HeaderValue, path: &str) -> Option<HeaderValue> {
    let mut cookie = Cookie::parse(value.to_str().ok()?.to_owned()).ok()?;
    if cookie.path() == Some("/") {
        cookie.set_path(path.to_owned());
    }
    HeaderValue::from_str(&cookie.to_string()).ok()
}

async fn drop_foreign_session(request: &mut ServiceRequest, place: Place) {
    let Some(cookies) = request.headers().get(header::COOKIE).cloned() else { return };
    let scheme = request
        .app_data::<web::Data<State>>()
        .map_or(Scheme::Https, |state| state.context.public_url.scheme());
    let name = session_cookie_name(place, scheme);
    let own = match tenant_of(request.request()).await {
        Ok(tenant) => session_store::key_prefix(tenant.tenant.id),
        Err(_) => return,
    };
    // The name, `=`, a signature in base64, and the key in the clear.
    let is_foreign =
        |pair: &str| pair.split_once('=').is_some_and(|(n, v)| n == name && !v.contains(&own));
    let kept: Vec<&str> = cookies
        .to_str()
        .unwrap_or_default()
        .split(';')
        .map(str::trim)
        .filter(|pair| !is_foreign(pair))
        .collect();
    if let Ok(value) = HeaderValue::from_str(&kept.join("; ")) {
        request.headers_mut().insert(header::COOKIE, value);
    }
}

/// The refresh token of one app in a browser (`"delivery":"cookie"`); script cannot read it.
pub struct RefreshCookie;

impl RefreshCookie {
    fn name(state: &State, tenant: &TenantSnapshot, application: ApplicationId) -> String {
        match (tenant.base_path.is_empty(), state.context.public_url.scheme()) {
            (false, Scheme::Http) => format!("doorward-refresh-{application}"),
            (true, _) | (false, Scheme::Https) => {
                format!("__Secure-doorward-refresh-{application}")
            }
        }
    }

    pub fn set(
        state: &web::Data<State>,
        tenant: &TenantSnapshot,
        application: ApplicationId,
        token: String,
        seconds: u64,
    ) -> Cookie<'static> {
        Cookie::build(Self::name(state, tenant, application), token)
            .path(format!("{}/v1/auth", tenant.base_path))
            .http_only(true)
            .secure(true)
            .same_site(SameSite::Lax)
            .max_age(Duration::seconds(seconds.cast_signed()))
            .finish()
    }

    pub fn clear(
        state: &web::Data<State>,
        tenant: &TenantSnapshot,
        application: ApplicationId,
    ) -> Cookie<'static> {
        let mut cookie = Self::set(state, tenant, application, String::new(), 0);
        cookie.make_removal();
        cookie
    }

    pub fn read(
        request: &actix_web::HttpRequest,
        state: &State,
        tenant: &TenantSnapshot,
        application: ApplicationId,
    ) -> Option<String> {
        request
            .cookie(&Self::name(state, tenant, application))
            .map(|cookie| cookie.value().to_owned())
    }
}

/// Says of a browser that an account was used in it: such a browser has tries of its own at that account.
pub struct KnownDevice;

/// Half a year without a sign-in, and the browser is a stranger again.
const KNOWN_DEVICE_LIFE: Duration = Duration::days(180);

impl KnownDevice {
    fn name(state: &State, tenant: &TenantSnapshot) -> &'static str {
        match (tenant.base_path.is_empty(), state.context.public_url.scheme()) {
            (false, Scheme::Http) => "doorward-device",
            (true, _) | (false, Scheme::Https) => "__Secure-doorward-device",
        }
    }

    /// The browser has just been used by that user, who has proved who they are: whoever guesses at the account
    /// elsewhere does not keep them out.
    pub fn remember(
        response: &mut HttpResponse,
        state: &State,
        tenant: &TenantSnapshot,
        user: UserId,
    ) -> Result<(), Failure> {
        let name = Self::name(state, tenant);
        let cookie = Cookie::build(name, throttle::known_device(&state.context, tenant, user))
            // Wherever an account is proved: there are more pages for it than the login.
            .path(if tenant.base_path.is_empty() { "/" } else { &tenant.base_path }.to_owned())
            .http_only(true)
            .secure(name.starts_with("__Secure-"))
            .same_site(SameSite::Lax)
            .max_age(KNOWN_DEVICE_LIFE)
            .finish();
        response.add_cookie(&cookie).map_err(|error| Failure::Internal(error.to_string()))
    }

    pub fn read(
        request: &actix_web::HttpRequest,
        state: &State,
        tenant: &TenantSnapshot,
    ) -> Option<String> {
        request.cookie(Self::name(state, tenant)).map(|cookie| cookie.value().to_owned())
    }
}
