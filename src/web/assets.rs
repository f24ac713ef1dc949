//! The stylesheet, the script and the icon, compiled in, under names that change with their content. They are
//! compressed once; pages are not, since a page holds secrets beside what its visitor typed (BREACH).

use std::io::Write;
use std::sync::LazyLock;

use actix_web::http::header::{self, AcceptEncoding, ContentEncoding, Encoding, Header};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::error::ApiError;
use crate::crypto::digest::sha256_base64url;
use crate::domain::tenant::Accent;

const FOR_EVER: &str = "public, max-age=31536000, immutable";

pub struct Asset {
    pub path: String,
    content_type: &'static str,
    body: &'static str,
    /// Empty, should that ever fail.
    gzipped: Bytes,
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
    let path = format!("/assets/doorward-{fingerprint}.{extension}");
    Asset { path, content_type, body, gzipped: gzipped(body) }
}

fn gzipped(text: &str) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    written.unwrap_or_default().into()
}

fn takes_gzip(request: &HttpRequest) -> bool {
    AcceptEncoding::parse(request).is_ok_and(|accepted| {
        accepted.negotiate([Encoding::identity(), Encoding::gzip()].iter())
            == Some(Encoding::gzip())
    })
}

const ACCENT: &str = "accent-";

/// The style sheet of a tenant's colour: its name says all that is in it.
pub fn accent_path(accent: Accent) -> String {
    format!("/assets/{ACCENT}{}.css", accent.to_string().trim_start_matches('#'))
}

fn accent_stylesheet(name: &str) -> Option<String> {
    let digits = name.strip_prefix(ACCENT)?.strip_suffix(".css")?;
    let accent = Accent::parse(&format!("#{digits}")).ok()?.under_white_text();
    Some(format!(":root{{--accent:{accent}}}\n"))
}

pub async fn get(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse, ApiError> {
    if let Some(stylesheet) = accent_stylesheet(&name) {
        return Ok(HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, FOR_EVER))
            .content_type("text/css; charset=utf-8")
            .body(stylesheet));
    }
    let asset = [&*STYLESHEET, &*SCRIPT, &*ICON]
        .into_iter()
        .find(|asset| asset.path.strip_prefix("/assets/") == Some(name.as_str()))
        .ok_or(ApiError::NotFound)?;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CACHE_CONTROL, FOR_EVER))
        .insert_header((header::VARY, "Accept-Encoding"))
        .content_type(asset.content_type);
    if takes_gzip(&request) && !asset.gzipped.is_empty() {
        response.insert_header(ContentEncoding::Gzip);
        return Ok(response.body(asset.gzipped.clone()));
    }
    Ok(response.body(asset.body))
}
