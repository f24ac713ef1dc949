//! Asking by tag whether one has the newest already (RFC 9110 §13.1.2).

use actix_web::HttpRequest;
use actix_web::http::header::{self, EntityTag, Header, IfNoneMatch};

/// Whether the client has what `tag` names.
pub fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    request.headers().contains_key(header::IF_NONE_MATCH)
        && match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
            Ok(IfNoneMatch::Any) => true,
            Err(_) => false,
        }
}
