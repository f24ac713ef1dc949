//! `/.well-known/jwks.json` (RFC 7517 §5).

use actix_web::{HttpRequest, HttpResponse};

use super::public_document;
use crate::web::extract::tenant::Tenant;

pub async fn get(request: HttpRequest, tenant: Tenant) -> HttpResponse {
    public_document::answer(&request, &tenant.jwks)
}
