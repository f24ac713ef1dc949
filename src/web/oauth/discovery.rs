//! `/.well-known/openid-configuration`, and the same as RFC 8414 places it.

use actix_web::{HttpRequest, HttpResponse};

use super::public_document;
use crate::web::extract::tenant::Tenant;

pub async fn openid_configuration(request: HttpRequest, tenant: Tenant) -> HttpResponse {
    public_document::answer(&request, &tenant.discovery)
}

/// RFC 8414 §3.1: the issuer's path comes after the well-known part.
pub async fn authorization_server(request: HttpRequest, tenant: Tenant) -> HttpResponse {
    public_document::answer(&request, &tenant.discovery)
}
