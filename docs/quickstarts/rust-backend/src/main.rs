//! With actix-web: `Claims` and `RequireRole` as extractors.

mod verify;

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{App, FromRequest, HttpRequest, HttpResponse, HttpServer, ResponseError, get, web};
use serde_json::{Value, json};
use verify::{Claims, Refusal, Verifier};

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused with {}", self.status())
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(challenge) = self.challenge() {
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        response.json(json!({ "error": self.to_string() }))
    }
}

type Extracted<T> = Pin<Box<dyn Future<Output = Result<T, Refusal>>>>;

impl FromRequest for Claims {
    type Error = Refusal;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let verifier = request.app_data::<web::Data<Verifier>>().ok_or(Refusal::Unavailable)?;
            let authorization = request.headers().get(header::AUTHORIZATION);
            verifier.verify(authorization.and_then(|value| value.to_str().ok())).await
        })
    }
}

trait Role: 'static {
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

impl<R: Role> FromRequest for RequireRole<R> {
    type Error = Refusal;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let claims = Claims::from_request(request, payload);
        Box::pin(async move {
            let claims = claims.await?;
            claims.require_role(R::KEY)?;
            Ok(Self(claims, PhantomData))
        })
    }
}

#[get("/me")]
async fn me(claims: Claims) -> web::Json<Value> {
    web::Json(json!({ "sub": claims.sub, "client_id": claims.client_id, "role": claims.role }))
}

#[get("/admin")]
async fn admin(_: RequireRole<Admin>) -> web::Json<Value> {
    web::Json(json!({ "secret": "for admins" }))
}

#[get("/profile")]
async fn profile(claims: Claims) -> Result<web::Json<Value>, Refusal> {
    claims.require_scope("profile")?;
    Ok(web::Json(json!({ "sub": claims.sub })))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let variable = |name: &str| std::env::var(name).ok();
    let issuer = variable("DOORWARD_ISSUER").unwrap_or("http://localhost:8080/t/acme".to_owned());
    let port = variable("PORT").unwrap_or("4000".to_owned()).parse()?;
    let verifier = web::Data::new(Verifier::new(issuer, variable("DOORWARD_AUDIENCE"))?);
    let app =
        move || App::new().app_data(verifier.clone()).service(me).service(admin).service(profile);
    println!("http://127.0.0.1:{port}");
    Ok(HttpServer::new(app).workers(2).bind(("127.0.0.1", port))?.run().await?)
}
