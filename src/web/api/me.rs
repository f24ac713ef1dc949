//! `GET /v1/auth/me`: the user of an access token.

use actix_web::{HttpRequest, HttpResponse, web};

use super::envelope;
use crate::flows::oauth::verify;
use crate::web::error::{ApiError, BearerError};
use crate::web::extract::bearer;
use crate::web::extract::tenant::Tenant;
use crate::web::state::State;

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    tenant: Tenant,
) -> Result<HttpResponse, ApiError> {
    let token = bearer::token(&request)?;
    let good = verify::access_token(&state.context, &tenant, &token).await?;
    let profile = good
        .and_then(|good| good.profile)
        .ok_or(ApiError::Bearer(Some(BearerError::InvalidToken)))?;
    Ok(HttpResponse::Ok().json(envelope::user(&profile)))
}
