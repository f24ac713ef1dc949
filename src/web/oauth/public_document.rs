//! The documents that verifiers and clients fetch and keep: the same bytes for everybody, with a tag to ask by
//! (RFC 9110 §13.1.2).

use actix_web::http::header::{self, ETag, EntityTag, Header, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse};

use crate::flows::tenant_snapshot::PublicDocument;

pub fn answer(request: &HttpRequest, document: &PublicDocument) -> HttpResponse {
    let tag = EntityTag::new_strong(document.etag.clone());
    let is_known = request.headers().contains_key(header::IF_NONE_MATCH)
        && match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
            Ok(IfNoneMatch::Any) => true,
            Err(_) => false,
        };
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::CACHE_CONTROL, "public, max-age=300")).insert_header(ETag(tag));
    if is_known {
        return response.finish();
    }
    response.content_type("application/json").body(document.body.clone())
}
