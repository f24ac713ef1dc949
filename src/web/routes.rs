//! The table of all that Doorward answers. Whatever belongs to a tenant stands in [`TENANT`] and is served
//! twice: under `/t/{slug}`, and at the root of a tenant's own host. The tests of isolation go through this table.

use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, web};

use super::cookies::{self, Place};
use super::cors::{self, Readers};
use super::error::ApiError;
use super::extract::tenant::Tenant;
use super::state::State;
use super::{api, assets, console, hosted, oauth, ops};
use crate::mail::Mailer;

/// One method of one path.
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub surface: Surface,
    handler: fn(Method) -> actix_web::Route,
}

/// Where GET does what can be done once, or calls somebody else: HEAD, by which machines look at links, does not.
const NOT_BY_HEAD: &[&str] = &[
    "/oauth2/authorize",
    "/oauth2/authorize/continue",
    "/oauth2/logout",
    "/federation/{provider}",
    "/federation/{provider}/callback",
    "/federation/{provider}/token",
    "/sign-in",
    "/callback",
    "/try",
];

impl Route {
    fn methods(&self) -> Vec<Method> {
        match self.method {
            Method::GET if !NOT_BY_HEAD.contains(&self.path) => vec![Method::GET, Method::HEAD],
            _ => vec![self.method.clone()],
        }
    }

    fn add_to(&self, resource: Resource) -> Resource {
        self.methods()
            .into_iter()
            .fold(resource, |resource, method| resource.route((self.handler)(method)))
    }
}

/// What stands around a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// A page, for a browser with its session.
    Page,
    /// A program's, without cookies.
    Program(Readers),
}

const PUBLIC: Surface = Surface::Program(Readers::Everybody);
const APPS: Surface = Surface::Program(Readers::AllowedOrigins);
const SERVERS: Surface = Surface::Program(Readers::Nobody);
const FRONTENDS: Surface = Surface::Program(Readers::AllowedOriginsWithCredentials);

macro_rules! table {
    ($($method:ident $path:literal $surface:ident => $handler:path;)*) => {
        &[$(Route {
            method: Method::$method,
            path: $path,
            surface: $surface,
            handler: |method| web::method(method).to($handler),
        },)*]
    };
}

use Surface::Page as PAGE;

/// Everything of a tenant.
pub static TENANT: &[Route] = table! {
    GET "/.well-known/openid-configuration" PUBLIC => oauth::discovery::openid_configuration;
    GET "/.well-known/jwks.json" PUBLIC => oauth::jwks::get;
    GET "/oauth2/authorize" PAGE => oauth::authorize::get;
    POST "/oauth2/authorize" PAGE => oauth::authorize::post;
    GET "/oauth2/authorize/continue" PAGE => oauth::authorize::resume;
    POST "/oauth2/authorize/continue" PAGE => oauth::authorize::choose;
    POST "/oauth2/token" APPS => oauth::token::post;
    GET "/oauth2/userinfo" APPS => oauth::userinfo::get;
    POST "/oauth2/userinfo" APPS => oauth::userinfo::get;
    POST "/oauth2/introspect" SERVERS => oauth::introspect::post;
    POST "/oauth2/revoke" APPS => oauth::revoke::post;
    GET "/oauth2/logout" PAGE => oauth::logout::get;
    POST "/oauth2/logout" PAGE => oauth::logout::post;
    GET "/account/identities" PAGE => hosted::federation_identities::get;
    POST "/account/identities" PAGE => hosted::federation_identities::post;
    GET "/federation/link" PAGE => hosted::federation_link::get;
    POST "/federation/link" PAGE => hosted::federation_link::post;
    GET "/federation/{provider}" PAGE => hosted::federation::begin;
    GET "/federation/{provider}/callback" PAGE => hosted::federation::callback;
    GET "/federation/{provider}/token" SERVERS => oauth::upstream_token::get;
    POST "/v1/auth/login" FRONTENDS => api::login::post;
    POST "/v1/auth/register" FRONTENDS => api::register::post;
    POST "/v1/auth/refresh" FRONTENDS => api::refresh::post;
    POST "/v1/auth/logout" FRONTENDS => api::logout::post;
    POST "/v1/auth/forgot-password" FRONTENDS => api::forgot_password::post;
    POST "/v1/auth/reset-password" FRONTENDS => api::reset_password::post;
    POST "/v1/auth/verify-email" FRONTENDS => api::verify_email::post;
    GET "/v1/auth/me" FRONTENDS => api::me::get;
    GET "/logo.png" SERVERS => hosted::logo::get;
    GET "/login" PAGE => hosted::login::get;
    POST "/login" PAGE => hosted::login::post;
    GET "/login/code" PAGE => hosted::email_code::get;
    POST "/login/code" PAGE => hosted::email_code::post;
    GET "/signup" PAGE => hosted::sign_up::get;
    POST "/signup" PAGE => hosted::sign_up::post;
    GET "/verify-email" PAGE => hosted::verify_email::get;
    POST "/verify-email" PAGE => hosted::verify_email::post;
    GET "/forgot-password" PAGE => hosted::forgot_password::get;
    POST "/forgot-password" PAGE => hosted::forgot_password::post;
    GET "/reset-password" PAGE => hosted::reset_password::get;
    POST "/reset-password" PAGE => hosted::reset_password::post;
    GET "/consent" PAGE => hosted::consent::get;
    POST "/consent" PAGE => hosted::consent::post;
    GET "/account" PAGE => hosted::account::get;
    POST "/account" PAGE => hosted::account::post;
    POST "/account/sessions" PAGE => hosted::account::end_sessions;
    POST "/account/apps" PAGE => hosted::account::disconnect;
    GET "/account/data.json" PAGE => hosted::account::download;
    GET "/account/password" PAGE => hosted::account_password::get;
    POST "/account/password" PAGE => hosted::account_password::post;
    GET "/account/email" PAGE => hosted::account_email::get;
    POST "/account/email" PAGE => hosted::account_email::post;
    GET "/account/email/confirm" PAGE => hosted::account_email::look;
    POST "/account/email/confirm" PAGE => hosted::account_email::confirm;
    GET "/account/delete" PAGE => hosted::account_delete::get;
    POST "/account/delete" PAGE => hosted::account_delete::post;
};

/// Everything of the console. What each asks of its account stands in the arguments of its handler.
pub static CONSOLE: &[Route] = table! {
    GET "" PAGE => console::tenants::get;
    GET "/sign-in" PAGE => console::sign_in::get;
    GET "/callback" PAGE => console::sign_in::callback;
    POST "/sign-out" PAGE => console::sign_in::sign_out;
    GET "/setup" PAGE => console::setup::get;
    POST "/setup" PAGE => console::setup::post;
    GET "/try" PAGE => console::trial::callback;
    GET "/check/redirect-uri" PAGE => console::applications::check_redirect_uri;
    GET "/deployment" PAGE => console::deployment::get;
    GET "/accounts" PAGE => console::accounts::get;
    GET "/tenants/new" PAGE => console::tenants::new;
    POST "/tenants" PAGE => console::tenants::create;
    GET "/t/{slug}" PAGE => console::overview::get;
    GET "/t/{slug}/apps" PAGE => console::applications::list;
    POST "/t/{slug}/apps" PAGE => console::new_application::create;
    GET "/t/{slug}/apps/new" PAGE => console::new_application::get;
    GET "/t/{slug}/apps/{id}" PAGE => console::applications::get;
    POST "/t/{slug}/apps/{id}" PAGE => console::applications::change;
    POST "/t/{slug}/apps/{id}/act" PAGE => console::applications::act;
    POST "/t/{slug}/apps/{id}/try" PAGE => console::trial::begin;
    GET "/t/{slug}/users" PAGE => console::users::list;
    POST "/t/{slug}/users" PAGE => console::new_user::add;
    GET "/t/{slug}/users/new" PAGE => console::new_user::get;
    GET "/t/{slug}/users/{id}" PAGE => console::user::get;
    POST "/t/{slug}/users/{id}" PAGE => console::user::act;
    POST "/t/{slug}/users/{id}/roles" PAGE => console::user::assign_roles;
    GET "/t/{slug}/roles" PAGE => console::roles::get;
    POST "/t/{slug}/roles" PAGE => console::roles::create;
    POST "/t/{slug}/roles/{id}" PAGE => console::roles::change;
    GET "/t/{slug}/sign-in" PAGE => console::sign_in_methods::get;
    POST "/t/{slug}/sign-in" PAGE => console::sign_in_methods::change;
    GET "/t/{slug}/providers/new" PAGE => console::providers::new;
    POST "/t/{slug}/providers" PAGE => console::providers::create;
    GET "/t/{slug}/providers/{id}" PAGE => console::providers::get;
    POST "/t/{slug}/providers/{id}" PAGE => console::providers::change;
    POST "/t/{slug}/providers/{id}/act" PAGE => console::providers::act;
    GET "/t/{slug}/branding" PAGE => console::branding::get;
    POST "/t/{slug}/branding" PAGE => console::branding::change;
    GET "/t/{slug}/branding/logo" PAGE => console::logo::get;
    POST "/t/{slug}/branding/logo" PAGE => console::logo::change;
    POST "/t/{slug}/branding/logo/preview" PAGE => console::logo::preview;
    GET "/t/{slug}/branding/preview" PAGE => console::branding::preview;
    POST "/t/{slug}/branding/preview" PAGE => console::branding::preview_of;
    GET "/t/{slug}/mail" PAGE => console::mail::get;
    POST "/t/{slug}/mail" PAGE => console::mail::change;
    POST "/t/{slug}/mail/test" PAGE => console::mail::test;
    POST "/t/{slug}/mail/{id}/retry" PAGE => console::mail::retry;
    GET "/t/{slug}/settings" PAGE => console::settings::get;
    POST "/t/{slug}/settings" PAGE => console::settings::change;
    POST "/t/{slug}/settings/lifetimes" PAGE => console::lifetimes::change;
    POST "/t/{slug}/settings/act" PAGE => console::settings::act;
    POST "/t/{slug}/settings/host" PAGE => console::host::act;
    GET "/t/{slug}/keys" PAGE => console::keys::get;
    POST "/t/{slug}/keys" PAGE => console::keys::rotate;
    POST "/t/{slug}/keys/withdraw" PAGE => console::keys::withdraw;
    GET "/t/{slug}/audit" PAGE => console::audit::get;
    GET "/t/{slug}/members" PAGE => console::members::get;
    POST "/t/{slug}/members" PAGE => console::members::add;
    POST "/t/{slug}/members/{id}" PAGE => console::members::change;
};

pub fn configure(config: &mut web::ServiceConfig, state: &State) {
    // One pattern for the slug, and plain comparison within: patterns are dear to match, so this one is first.
    config
        .service(web::scope("/t/{slug}").configure(|config| tenant(config, state, Place::Path)))
        .service(web::scope("/console").configure(|config| console(config, state)))
        .configure(|config| tenant(config, state, Place::Host))
        .service(document("/healthz", ops::health::healthz))
        .service(document("/readyz", ops::health::readyz))
        .service(document("/metrics", ops::metrics::for_loopback))
        .service(
            document(
                "/.well-known/oauth-authorization-server",
                oauth::discovery::authorization_server,
            )
            .wrap(from_fn(cors::everybody)),
        )
        .service(
            document(
                "/.well-known/oauth-authorization-server/t/{slug}",
                oauth::discovery::authorization_server,
            )
            .wrap(from_fn(cors::everybody)),
        )
        .service(document("/assets/{name}", assets::get));
    if let Mailer::Mailbox(_) = state.context.mailer {
        config.service(document("/mailbox", hosted::mailbox::get));
    }
    if state.welcome.is_some() {
        config.service(document("/", hosted::welcome::get));
    }
}

/// What is there to be read, or asked about (RFC 9110 §9.3.2).
fn document<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args> + Clone,
    F::Output: Responder + 'static,
    Args: FromRequest + 'static,
{
    web::resource(path).route(web::get().to(handler.clone())).route(web::head().to(handler))
}

fn tenant(config: &mut web::ServiceConfig, state: &State, place: Place) {
    let mut paths: Vec<&str> = TENANT.iter().map(|route| route.path).collect();
    paths.dedup();
    for path in paths {
        serve(config, state, path, place);
    }
}

fn console(config: &mut web::ServiceConfig, state: &State) {
    let mut paths: Vec<&str> = CONSOLE.iter().map(|route| route.path).collect();
    paths.dedup();
    for path in paths {
        let mut resource = web::resource(path);
        for route in CONSOLE.iter().filter(|route| route.path == path) {
            resource = route.add_to(resource);
        }
        config.service(resource.wrap(console::browser_session(state)));
    }
}

fn serve(config: &mut web::ServiceConfig, state: &State, path: &str, place: Place) {
    let routes = || TENANT.iter().filter(|route| route.path == path);
    let mut resource: Resource = web::resource(path);
    for route in routes() {
        resource = route.add_to(resource);
    }
    let allowed: Vec<Method> = routes().flat_map(Route::methods).collect();
    // Where there is no such tenant, that is all there is to say.
    resource = resource.default_service(web::to(move |_: Tenant| {
        let refused = ApiError::MethodNotAllowed(allowed.clone());
        async move { Err::<HttpResponse, _>(refused) }
    }));
    let Some(surface) = routes().next().map(|route| route.surface) else { return };
    if let Surface::Program(Readers::AllowedOrigins | Readers::AllowedOriginsWithCredentials) =
        surface
    {
        resource = resource.route(web::method(Method::OPTIONS).to(cors::preflight));
    }
    match surface {
        Surface::Page => config.service(
            resource
                .wrap(cookies::browser_session(state, place))
                .wrap(from_fn(cookies::scope_to_tenant)),
        ),
        Surface::Program(Readers::Nobody) => config.service(resource),
        Surface::Program(Readers::Everybody) => {
            config.service(resource.wrap(from_fn(cors::everybody)))
        }
        Surface::Program(Readers::AllowedOrigins) => {
            config.service(resource.wrap(from_fn(cors::allowed_origins)))
        }
        Surface::Program(Readers::AllowedOriginsWithCredentials) => {
            config.service(resource.wrap(from_fn(cors::allowed_origins_with_credentials)))
        }
    };
}
