//! The stylesheet, the script and the icon, compiled in, under names that change with their content.

use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use super::error::ApiError;
use crate::crypto::digest::sha256_base64url;

pub struct Asset {
    pub path: String,
    content_type: &'static str,
    body: &'static str,
}

pub static STYLESHEET: LazyLock<Asset> = LazyLock::new(|| {
    asset("css", "text/css; charset=utf-8", include_str!("../../templates/static/doorward.css"))
});

pub static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    asset(
        "js",
        "text/javascript; charset=utf-8",
        include_str!("../../templates/static/doorward.js"),
    )
});

pub static ICON: LazyLock<Asset> = LazyLock::new(|| {
    asset("svg", "image/svg+xml", include_str!("../../templates/static/favicon.svg"))
});

fn asset(extension: &str, content_type: &'static str, body: &'static str) -> Asset {
    let fingerprint: String = sha256_base64url(body.as_bytes()).chars().take(12).collect();
    Asset { path: format!("/assets/doorward-{fingerprint}.{extension}"), content_type, body }
}

pub async fn get(name: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let asset = [&*STYLESHEET, &*SCRIPT, &*ICON]
        .into_iter()
        .find(|asset| asset.path.strip_prefix("/assets/") == Some(name.as_str()))
        .ok_or(ApiError::NotFound)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .content_type(asset.content_type)
        .body(asset.body))
}
