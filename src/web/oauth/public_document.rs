//! The documents that verifiers and clients fetch and keep: the same bytes for everybody, with a tag to ask by.

use actix_web::http::header::{self, ETag, EntityTag};
use actix_web::{HttpRequest, HttpResponse};

use crate::flows::tenant_snapshot::PublicDocument;
use crate::web::etag;

pub fn answer(request: &HttpRequest, document: &PublicDocument) -> HttpResponse {
    let tag = EntityTag::new_strong(document.etag.clone());
    let is_known = etag::is_known(request, &tag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::CACHE_CONTROL, "public, max-age=300")).insert_header(ETag(tag));
    if is_known {
        return response.finish();
    }
    response.content_type("application/json").body(document.body.clone())
}
