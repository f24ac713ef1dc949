//! Answers for what went wrong: JSON for programs, a page for people, nothing of our insides for either.

use std::fmt;

use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value, json};

use crate::domain::scope::Scope;
use crate::flows::Failure;
use crate::flows::oauth::error::{ErrorCode, OAuthError, Refusal};

/// An answer to a program.
#[derive(Debug)]
pub enum ApiError {
    /// No such tenant, or nothing of that name in it.
    NotFound,
    /// The path takes these.
    MethodNotAllowed(Vec<Method>),
    OAuth(OAuthError),
    /// A client failed to authenticate, having tried HTTP Basic (RFC 6749 §5.2).
    InvalidBasicClient(OAuthError),
    /// `WWW-Authenticate: Bearer` with this error, or none if no token came (RFC 6750 §3).
    Bearer(Option<BearerError>),
    /// An error of the JSON API.
    Json {
        status: StatusCode,
        code: &'static str,
        description: String,
        fields: Vec<(&'static str, String)>,
    },
    /// Too many tries: wait so many seconds.
    RateLimited {
        retry_after: u64,
    },
    Failure(Failure),
}

#[derive(Clone, Copy, Debug)]
pub enum BearerError {
    InvalidToken,
    /// The token lacks it.
    InsufficientScope(Scope),
}

impl ApiError {
    pub fn json(status: StatusCode, code: &'static str, description: impl Into<String>) -> Self {
        Self::Json { status, code, description: description.into(), fields: Vec::new() }
    }

    pub fn invalid_request(description: impl Into<String>) -> Self {
        Self::json(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    pub fn invalid_fields(fields: Vec<(&'static str, String)>) -> Self {
        Self::Json {
            status: StatusCode::BAD_REQUEST,
            code: "invalid_request",
            description: "some fields need another value".to_owned(),
            fields,
        }
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<OAuthError> for ApiError {
    fn from(error: OAuthError) -> Self {
        Self::OAuth(error)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Client(error) => Self::OAuth(error),
            Refusal::Failure(failure) => Self::Failure(failure),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request was refused")
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::OAuth(error) => match error.code {
                ErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
                _ => StatusCode::BAD_REQUEST,
            },
            Self::InvalidBasicClient(_) | Self::Bearer(None | Some(BearerError::InvalidToken)) => {
                StatusCode::UNAUTHORIZED
            }
            Self::Bearer(Some(BearerError::InsufficientScope(_))) => StatusCode::FORBIDDEN,
            Self::Json { status, .. } => *status,
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Failure(failure) => failure_status(failure),
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Self::NotFound => {
                response.content_type("text/plain; charset=utf-8").body("Not found\n")
            }
            Self::MethodNotAllowed(methods) => {
                let allowed = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
                let description = format!("this is answered to {allowed}");
                response
                    .insert_header((header::ALLOW, allowed))
                    .json(body("invalid_request", &description))
            }
            Self::OAuth(error) => response.json(body(error.code.as_str(), &error.description)),
            Self::InvalidBasicClient(error) => response
                .insert_header((
                    header::WWW_AUTHENTICATE,
                    "Basic realm=\"doorward\", charset=\"UTF-8\"",
                ))
                .json(body(error.code.as_str(), &error.description)),
            Self::Bearer(error) => {
                let (challenge, body) = bearer(*error);
                response.insert_header((header::WWW_AUTHENTICATE, challenge)).json(body)
            }
            Self::Json { code, description, fields, .. } => {
                let mut body = body(code, description);
                if !fields.is_empty() {
                    let fields: Map<String, Value> = fields
                        .iter()
                        .map(|(name, text)| ((*name).to_owned(), json!(text)))
                        .collect();
                    body["fields"] = Value::Object(fields);
                }
                response.json(body)
            }
            Self::RateLimited { retry_after } => {
                let description = "too many tries from here; wait, or sign in another way";
                response
                    .insert_header((header::RETRY_AFTER, *retry_after))
                    .json(body("rate_limited", description))
            }
            Self::Failure(failure) => {
                record(failure);
                let (code, description) = match failure {
                    Failure::Overloaded { .. } => {
                        ("overloaded", "too much to do at the moment; try again soon")
                    }
                    Failure::Unavailable(_) => (
                        "temporarily_unavailable",
                        "the database is away at the moment; try again soon",
                    ),
                    Failure::Internal(_) => ("server_error", "something went wrong on our side"),
                };
                if let Some(seconds) = retry_after(failure) {
                    response.insert_header((header::RETRY_AFTER, seconds));
                }
                response.json(body(code, description))
            }
        }
    }
}

fn body(code: &str, description: &str) -> Value {
    json!({ "error": code, "error_description": description })
}

fn bearer(error: Option<BearerError>) -> (HeaderValue, Value) {
    match error {
        None => (
            HeaderValue::from_static("Bearer realm=\"doorward\""),
            body("invalid_request", "send an access token: Authorization: Bearer …"),
        ),
        Some(BearerError::InvalidToken) => (
            HeaderValue::from_static(
                "Bearer realm=\"doorward\", error=\"invalid_token\", \
                 error_description=\"the access token is expired, revoked or not from here\"",
            ),
            body("invalid_token", "the access token is expired, revoked or not from here"),
        ),
        Some(BearerError::InsufficientScope(scope)) => {
            let scope = scope.as_str();
            let challenge = format!(
                "Bearer realm=\"doorward\", error=\"insufficient_scope\", scope=\"{scope}\""
            );
            let challenge = HeaderValue::from_str(&challenge);
            (
                challenge.unwrap_or_else(|_| HeaderValue::from_static("Bearer realm=\"doorward\"")),
                body("insufficient_scope", &format!("the access token lacks the scope {scope}")),
            )
        }
    }
}

pub fn failure_status(failure: &Failure) -> StatusCode {
    match failure {
        Failure::Overloaded { .. } | Failure::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Failure::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Seconds.
pub fn retry_after(failure: &Failure) -> Option<u64> {
    match failure {
        Failure::Overloaded { retry_after } => Some(*retry_after),
        Failure::Unavailable(_) => Some(2),
        Failure::Internal(_) => None,
    }
}

pub fn record(failure: &Failure) {
    match failure {
        // A flood must not become a flood of lines as well.
        Failure::Overloaded { .. } => tracing::debug!("overloaded"),
        Failure::Unavailable(why) => tracing::error!(why, "the database is not available"),
        Failure::Internal(why) => tracing::error!(why, "a request failed"),
    }
}
