//! With axum: `SignedIn` and `RequireRole` as extractors.

#[path = "../verify.rs"]
mod verify;

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use verify::{Claims, Refusal, Verifier};

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = Json(json!({ "error": format!("refused with {}", self.status()) }));
        match self.challenge() {
            Some(challenge) => {
                (status, [(header::WWW_AUTHENTICATE, challenge)], body).into_response()
            }
            None => (status, body).into_response(),
        }
    }
}

impl<S> FromRequestParts<S> for Claims
where
    Arc<Verifier>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let authorization = parts.headers.get(header::AUTHORIZATION);
        let authorization = authorization.and_then(|value| value.to_str().ok());
        Arc::<Verifier>::from_ref(state).verify(authorization).await
    }
}

trait Role {
    const KEY: &'static str;
}

struct Admin;

impl Role for Admin {
    const KEY: &'static str = "ADMIN";
}

/// The claims of somebody who has that role.
struct RequireRole<R>(
    #[allow(dead_code, reason = "a handler may want to know who it is")] Claims,
    PhantomData<R>,
);

impl<S, R: Role> FromRequestParts<S> for RequireRole<R>
where
    Arc<Verifier>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let claims = Claims::from_request_parts(parts, state).await?;
        claims.require_role(R::KEY)?;
        Ok(Self(claims, PhantomData))
    }
}

async fn me(claims: Claims) -> Json<Value> {
    Json(json!({ "sub": claims.sub, "client_id": claims.client_id, "role": claims.role }))
}

async fn admin(_: RequireRole<Admin>) -> Json<Value> {
    Json(json!({ "secret": "for admins" }))
}

async fn profile(claims: Claims) -> Result<Json<Value>, Refusal> {
    claims.require_scope("profile")?;
    Ok(Json(json!({ "sub": claims.sub })))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let variable = |name: &str| std::env::var(name).ok();
    let issuer = variable("DOORWARD_ISSUER").unwrap_or("http://localhost:8080/t/acme".to_owned());
    let port: u16 = variable("PORT").unwrap_or("4000".to_owned()).parse()?;
    let verifier = Arc::new(Verifier::new(issuer, variable("DOORWARD_AUDIENCE"))?);
    let app = Router::new()
        .route("/me", get(me))
        .route("/admin", get(admin))
        .route("/profile", get(profile))
        .with_state(verifier);
    println!("http://127.0.0.1:{port}");
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    Ok(axum::serve(listener, app).await?)
}
