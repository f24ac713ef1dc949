//! `/logo.png`: the tenant's logo, for its pages, its mail and whoever links to it.

use actix_web::http::header::{self, ETag, EntityTag};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::domain::logo::LogoVersion;
use crate::domain::tenant as domain;
use crate::flows::logo;
use crate::web::error::ApiError;
use crate::web::etag;
use crate::web::extract::query::Query;
use crate::web::extract::tenant::Tenant;
use crate::web::state::State;

/// A page names the version that it means, which never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// A letter does not, since it is read after the logo has changed.
const A_WHILE: &str = "public, max-age=300";

/// Where a logo is shown, on a page and how large, in CSS pixels.
#[derive(Clone)]
pub struct Shown {
    pub src: String,
    pub width: u32,
    pub height: u32,
}

impl Shown {
    /// `path` leads to the picture.
    pub fn at(path: &str, version: &LogoVersion) -> Self {
        Self::inline(format!("{path}?v={version}"), version)
    }

    pub fn inline(src: String, version: &LogoVersion) -> Self {
        let (width, height) = version.shown();
        Self { src, width, height }
    }
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    tenant: Tenant,
    Query(query): Query,
) -> Result<HttpResponse, ApiError> {
    answer(&request, &state, &tenant.tenant, query.get("v")).await
}

/// The picture, or that the browser has it.
pub async fn answer(
    request: &HttpRequest,
    state: &State,
    tenant: &domain::Tenant,
    asked: Option<&str>,
) -> Result<HttpResponse, ApiError> {
    let version = tenant.logo.as_ref().ok_or(ApiError::NotFound)?;
    let tag = EntityTag::new_strong(version.to_string());
    let cache = if asked == Some(tag.tag()) { FOR_EVER } else { A_WHILE };
    let is_known = etag::is_known(request, &tag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::CACHE_CONTROL, cache)).insert_header(ETag(tag));
    if is_known {
        return Ok(response.finish());
    }
    let png = logo::find(&state.context, tenant.id).await?.ok_or(ApiError::NotFound)?;
    Ok(response.content_type("image/png").body(png))
}
