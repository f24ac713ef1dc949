//! `/.well-known/jwks.json` (RFC 7517 §5).

use actix_web::http::header::{self, ETag, EntityTag, IfNoneMatch};
use actix_web::{HttpResponse, web};

use crate::crypto::digest::sha256_base64url;
use crate::web::extract::tenant::Tenant;

pub async fn get(tenant: Tenant, known: Option<web::Header<IfNoneMatch>>) -> HttpResponse {
    let tag = EntityTag::new_strong(sha256_base64url(tenant.jwks.as_bytes()));
    let is_known = match known.map(web::Header::into_inner) {
        Some(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        Some(IfNoneMatch::Any) => true,
        None => false,
    };
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::CACHE_CONTROL, "public, max-age=300")).insert_header(ETag(tag));
    if is_known {
        return response.finish();
    }
    response.content_type("application/json").body(tenant.jwks.clone())
}
