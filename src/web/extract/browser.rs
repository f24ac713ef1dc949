//! The browser behind a hosted page: its state, and whom it is signed in as.

use std::sync::Arc;

use actix_session::{Session, SessionExt};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use futures_core::future::LocalBoxFuture;

use super::tenant::tenant_of;
use crate::domain::entropy::random_secret;
use crate::domain::ids::SessionId;
use crate::flows::account::session::{self, SignedInBrowser};
use crate::flows::{Failure, TenantSnapshot};
use crate::web::hosted::PageError;
use crate::web::session_store::{SESSION, TENANT};
use crate::web::state::State;

/// Binds pending authorization requests to this browser, and forms to its session.
const SECRET: &str = "secret";

/// A browser with a state of its own at this tenant.
pub struct Browser {
    state: Session,
    tenant: Arc<TenantSnapshot>,
    /// Ties requests and forms to this browser; never leaves us but as a form's token.
    pub secret: String,
    pub signed_in: Option<SignedInBrowser>,
}

impl FromRequest for Browser {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let tenant =
                tenant_of(&request).await.map_err(|error| PageError::from_api(&request, error))?;
            Self::of(&request, tenant)
                .await
                .map_err(|failure| PageError::failure(&request, &failure))
        })
    }
}

impl Browser {
    async fn of(request: &HttpRequest, tenant: Arc<TenantSnapshot>) -> Result<Self, Failure> {
        let shared = request
            .app_data::<web::Data<State>>()
            .ok_or_else(|| Failure::Internal("no shared state".to_owned()))?;
        let context = &shared.context;
        let state = request.get_session();
        let own = tenant.tenant.id.to_string();
        let secret = match get(&state, SECRET) {
            Some(secret) => secret,
            None => {
                let secret = random_secret(&*context.entropy).expose().to_owned();
                insert(&state, TENANT, &own)?;
                insert(&state, SECRET, &secret)?;
                secret
            }
        };
        let signed_in = match get(&state, SESSION).and_then(|id| SessionId::parse(&id).ok()) {
            Some(id) => session::find(context, &tenant, id).await?,
            None => None,
        };
        Ok(Self { state, tenant, secret, signed_in })
    }

    pub fn session_id(&self) -> Option<SessionId> {
        self.signed_in.as_ref().map(|browser| browser.session.id)
    }

    /// The browser goes by `session` from now on, under a new cookie (OWASP ASVS 5 §7.2.4).
    pub fn sign_in(&self, session: SessionId) -> Result<(), Failure> {
        insert(&self.state, SESSION, &session.to_string())?;
        self.state.renew();
        Ok(())
    }

    /// The browser is nobody's from now on, and its cookie is worth nothing.
    pub fn sign_out(&self) {
        self.state.purge();
    }

    pub fn tenant(&self) -> &TenantSnapshot {
        &self.tenant
    }
}

fn get(state: &Session, key: &str) -> Option<String> {
    state.get::<String>(key).ok().flatten()
}

fn insert(state: &Session, key: &str, value: &str) -> Result<(), Failure> {
    state.insert(key, value).map_err(|error| Failure::Internal(error.to_string()))
}
