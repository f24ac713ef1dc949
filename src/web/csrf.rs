//! Against forged form posts: a token bound to the browser's session, and what the browser itself says of
//! where a post comes from.

use actix_web::HttpRequest;
use actix_web::http::header;

use crate::crypto::digest;

/// Whether a post of a hosted form comes from our own page.
pub fn is_own_post(
    request: &HttpRequest,
    own_origin: &str,
    expected: &str,
    presented: Option<&str>,
) -> bool {
    comes_from_own_page(request, own_origin)
        && presented.is_some_and(|token| digest::equal(token.as_bytes(), expected.as_bytes()))
}

/// Fetch metadata where the browser sends it, `Origin` otherwise. Our pages say `no-referrer`, so that
/// browsers send `Origin: null` with their own forms: that counts only beside `same-origin`.
pub fn comes_from_own_page(request: &HttpRequest, own_origin: &str) -> bool {
    let get = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let site = get("sec-fetch-site");
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        return false;
    }
    match get(header::ORIGIN.as_str()) {
        None => true,
        Some("null") => site == Some("same-origin"),
        Some(origin) => origin == own_origin,
    }
}
