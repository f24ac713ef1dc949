//! How the refresh token reaches its frontend: in the body, or in a cookie that script cannot read.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, web};

use super::body::JsonBody;
use crate::domain::application::{Application, DirectLogin};
use crate::flows::TenantSnapshot;
use crate::flows::oauth::client::Client;
use crate::web::cookies::RefreshCookie;
use crate::web::error::ApiError;
use crate::web::extract::client;
use crate::web::sentence::{FieldProblem, Sentence};
use crate::web::state::State;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    Body,
    Cookie,
}

impl Delivery {
    /// A cookie only for a page of an origin that the app allows.
    pub fn asked(
        request: &HttpRequest,
        body: &JsonBody,
        application: &Application,
    ) -> Result<Self, ApiError> {
        match body.text("delivery")? {
            None | Some("body") => Ok(Self::Body),
            Some("cookie") => {
                check_origin(request, application)?;
                Ok(Self::Cookie)
            }
            Some(_) => Err(ApiError::invalid_fields(vec![(
                "delivery",
                FieldProblem::NoDelivery.in_english(),
            )])),
        }
    }
}

/// A cookie travels by itself, so the page that sends it must be one that the app allows.
pub fn check_origin(request: &HttpRequest, application: &Application) -> Result<(), ApiError> {
    let origin = request.headers().get(header::ORIGIN).and_then(|value| value.to_str().ok());
    if origin.is_some_and(|origin| application.allows_origin(origin)) {
        return Ok(());
    }
    Err(ApiError::json(
        StatusCode::FORBIDDEN,
        "origin_not_allowed",
        "this origin is not among the app's allowed origins",
    ))
}

/// The app of a call, if it may sign users in this way.
pub fn direct_client(
    request: &HttpRequest,
    tenant: &TenantSnapshot,
    body: &JsonBody,
) -> Result<Client, ApiError> {
    let client = client::of_json(request, tenant, body.text("client_id")?)?;
    match client.application.direct_login {
        DirectLogin::Allowed => Ok(client),
        DirectLogin::Refused => Err(ApiError::json(
            StatusCode::FORBIDDEN,
            "direct_login_disabled",
            "this app sends its users to the hosted login; allow direct login in its settings to use this API",
        )),
    }
}

/// The refresh token in a body, by either of its names.
pub fn token_in(body: &JsonBody) -> Result<Option<&str>, ApiError> {
    for name in ["refresh_token", "refreshToken"] {
        if let Some(token) = body.text(name)?.filter(|token| !token.is_empty()) {
            return Ok(Some(token));
        }
    }
    Ok(None)
}

/// The refresh token of a call, and whether it came by cookie.
pub fn refresh_token(
    request: &HttpRequest,
    state: &web::Data<State>,
    tenant: &TenantSnapshot,
    client: &Client,
    body: &JsonBody,
) -> Result<Option<(String, Delivery)>, ApiError> {
    if let Some(token) = token_in(body)? {
        return Ok(Some((token.to_owned(), Delivery::Body)));
    }
    let Some(token) = RefreshCookie::read(request, state, tenant, client.application.id) else {
        return Ok(None);
    };
    check_origin(request, &client.application)?;
    Ok(Some((token, Delivery::Cookie)))
}
