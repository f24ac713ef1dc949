//! A form with a file in it (RFC 7578), read strictly: of bounded size and in bounded time.

use std::time::Duration;

use actix_multipart::{Multipart, MultipartError};
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest};
use futures_core::Stream;
use futures_core::future::LocalBoxFuture;

use super::form::is_content_type;
use crate::domain::parameters::Parameters;
use crate::web::error::ApiError;

/// Fields and one file. A form whose file nobody chose has an empty one.
pub struct Upload {
    pub form: Parameters,
    pub file: Vec<u8>,
}

/// All fields and the file together, in bytes.
const MOST: usize = 1024 * 1024 + 64 * 1024;
/// `error` of the answer 413.
pub const FILE_TOO_LARGE: &str = "file_too_large";
/// Longer than for a form, since a file is larger.
const PATIENCE: Duration = Duration::from_secs(30);
const MOST_FIELDS: usize = 20;

impl FromRequest for Upload {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_upload = is_content_type(request, "multipart/form-data");
        let parts = Multipart::from_request(request, payload);
        Box::pin(async move {
            let parts = parts.await.map_err(|_| damaged())?;
            if !is_upload {
                return Err(refused(
                    StatusCode::BAD_REQUEST,
                    "send the form as multipart/form-data",
                ));
            }
            match tokio::time::timeout(PATIENCE, read(parts)).await {
                Ok(upload) => upload,
                Err(_) => {
                    Err(refused(StatusCode::REQUEST_TIMEOUT, "the request took too long to arrive"))
                }
            }
        })
    }
}

async fn read(mut parts: Multipart) -> Result<Upload, ApiError> {
    let (mut fields, mut file, mut left) = (Vec::new(), Vec::new(), MOST);
    while let Some(part) = next(&mut parts).await {
        let mut part = part.map_err(|_: MultipartError| damaged())?;
        let name = part.name().unwrap_or_default().to_owned();
        let is_file =
            part.content_disposition().is_some_and(|about| about.get_filename().is_some());
        let mut content = Vec::new();
        while let Some(chunk) = next(&mut part).await {
            let chunk = chunk.map_err(|_| damaged())?;
            left = left.checked_sub(chunk.len()).ok_or_else(|| {
                ApiError::json(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    FILE_TOO_LARGE,
                    "the file is larger than 1 MB",
                )
            })?;
            content.extend_from_slice(&chunk);
        }
        match is_file {
            true => file = content,
            false => fields.push((name, String::from_utf8(content).map_err(|_| damaged())?)),
        }
        if fields.len() > MOST_FIELDS {
            return Err(damaged());
        }
    }
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    Ok(Upload { form: Parameters::parse(form.as_bytes()).map_err(|_| damaged())?, file })
}

async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    std::future::poll_fn(|context| std::pin::Pin::new(&mut *stream).poll_next(context)).await
}

fn damaged() -> ApiError {
    refused(StatusCode::BAD_REQUEST, "the form arrived damaged; send it again")
}

fn refused(status: StatusCode, why: &'static str) -> ApiError {
    ApiError::json(status, "invalid_request", why)
}
