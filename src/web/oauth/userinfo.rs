//! `GET, POST /oauth2/userinfo` (OpenID Connect Core §5.3).

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use crate::domain::scope::{Scope, Scopes};
use crate::flows::oauth::{claims, verify};
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
    let good = good.ok_or(ApiError::Bearer(Some(BearerError::InvalidToken)))?;
    let scopes = Scopes::parse(&good.claims.scope);
    let profile = good
        .profile
        .filter(|_| scopes.contains(Scope::OpenId))
        .ok_or(ApiError::Bearer(Some(BearerError::InsufficientScope(Scope::OpenId))))?;
    let mut answer = claims::user_claims(&profile, &scopes);
    answer.insert("sub".into(), json!(profile.user.id));
    Ok(HttpResponse::Ok().json(answer))
}
