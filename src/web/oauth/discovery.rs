//! `/.well-known/openid-configuration`, and the same as RFC 8414 places it.

use actix_web::HttpResponse;
use actix_web::http::header;

use crate::flows::TenantSnapshot;
use crate::flows::oauth::discovery;
use crate::web::extract::tenant::Tenant;

pub async fn openid_configuration(tenant: Tenant) -> HttpResponse {
    answer(&tenant)
}

/// RFC 8414 §3.1: the issuer's path comes after the well-known part.
pub async fn authorization_server(tenant: Tenant) -> HttpResponse {
    answer(&tenant)
}

fn answer(tenant: &TenantSnapshot) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .json(discovery::document(tenant))
}
