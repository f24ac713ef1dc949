//! The tenant of a request: by `/t/{slug}` on the public host, or by a host of its own. Anything else is a
//! plain 404.

use std::ops::Deref;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use futures_core::future::LocalBoxFuture;

use crate::domain::tenant::{Domain, Slug};
use crate::flows::TenantSnapshot;
use crate::flows::tenant_snapshot::TenantName;
use crate::web::error::ApiError;
use crate::web::state::State;

pub struct Tenant(pub Arc<TenantSnapshot>);

impl Deref for Tenant {
    type Target = TenantSnapshot;

    fn deref(&self) -> &TenantSnapshot {
        &self.0
    }
}

impl FromRequest for Tenant {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { tenant_of(&request).await.map(Self) })
    }
}

pub async fn tenant_of(request: &HttpRequest) -> Result<Arc<TenantSnapshot>, ApiError> {
    if let Some(tenant) = request.extensions().get::<Arc<TenantSnapshot>>() {
        return Ok(Arc::clone(tenant));
    }
    let state = request.app_data::<web::Data<State>>().ok_or(ApiError::NotFound)?;
    let context = &state.context;
    let name = name_of(request, context.public_url.host()).ok_or(ApiError::NotFound)?;
    let tenant = context
        .tenants
        .find(&context.db, &context.sealer, &context.public_url, name, context.now())
        .await?
        .ok_or(ApiError::NotFound)?;
    tracing::Span::current().record("tenant", tenant.tenant.slug.as_str());
    request.extensions_mut().insert(Arc::clone(&tenant));
    Ok(tenant)
}

fn name_of(request: &HttpRequest, public_host: &str) -> Option<TenantName> {
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok())?;
    let host = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |(host, _)| host);
    // The dot of the root makes no other name of it.
    let host = host.strip_suffix('.').unwrap_or(host);
    match request.match_info().get("slug") {
        Some(slug) => {
            // A host that is some tenant's own serves that tenant at its root, and no other.
            let is_public = host.eq_ignore_ascii_case(public_host) || Domain::parse(host).is_err();
            is_public.then(|| Slug::parse(slug).ok().map(TenantName::Slug))?
        }
        None => Domain::parse(host)
            .ok()
            .filter(|domain| domain.as_str() != public_host)
            .map(TenantName::Domain),
    }
}
