//! `GET /federation/{provider}/token`: the provider's access token of a user, for an app that calls the provider in
//! their name. For Bearer tokens with the scope `upstream_tokens`, of an app that may have it.

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use crate::domain::clock::Timestamp;
use crate::domain::scope::{Scope, Scopes};
use crate::flows::federation::tokens::{self, Found};
use crate::flows::oauth::verify;
use crate::web::error::{ApiError, BearerError};
use crate::web::extract::bearer;
use crate::web::extract::tenant::Tenant;
use crate::web::hosted::federation::Segment;
use crate::web::state::State;

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    tenant: Tenant,
    path: web::Path<Segment>,
) -> Result<HttpResponse, ApiError> {
    let token = bearer::token(&request)?;
    let good = verify::access_token(&state.context, &tenant, &token).await?;
    let good = good.ok_or(ApiError::Bearer(Some(BearerError::InvalidToken)))?;
    let may_have_it = |scope| {
        let application = tenant.application_by_client_id(&good.claims.client_id);
        Scopes::parse(&good.claims.scope).contains(scope)
            && application.is_some_and(|application| application.may_ask_for(scope))
    };
    let profile = good.profile.as_ref().filter(|_| may_have_it(Scope::UpstreamTokens));
    let lacking = BearerError::InsufficientScope(Scope::UpstreamTokens);
    let user = profile.ok_or(ApiError::Bearer(Some(lacking)))?.user.id;
    let stored = tenant.provider(&path.provider).ok_or_else(|| no_token(NEVER))?;
    match tokens::find(&state.context, &tenant, stored, user).await? {
        Found::Token(found) => Ok(HttpResponse::Ok().json(json!({
            "provider": stored.provider.key.as_str(),
            "subject": found.subject.as_str(),
            "access_token": found.token.expose(),
            "token_type": "Bearer",
            "scope": found.scope,
            "expires_at": found.expires_at.map(Timestamp::as_secs),
        }))),
        Found::None => Err(no_token(NEVER)),
        Found::Ended => Err(no_token(ENDED)),
        Found::NotNow => Ok(HttpResponse::ServiceUnavailable()
            .insert_header((RETRY_AFTER, 5))
            .json(json!({ "error": "temporarily_unavailable", "error_description": NOT_NOW }))),
    }
}

const NEVER: &str = "no token of this provider is kept for the user: send them through /oauth2/authorize with \
                     provider=…, once the tenant keeps its tokens";
const ENDED: &str = "the token has ended and the provider renews it no more: send the user through /oauth2/authorize \
                     with provider=…";
const NOT_NOW: &str = "the provider does not renew the token at the moment; try again soon";

fn no_token(why: &str) -> ApiError {
    ApiError::json(StatusCode::NOT_FOUND, "no_upstream_token", why)
}
