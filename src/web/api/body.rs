//! A JSON body, read strictly.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_core::future::LocalBoxFuture;
use serde_json::{Map, Value};

use crate::web::error::ApiError;
use crate::web::extract::form::{is_content_type, read_body};
use crate::web::sentence::{FieldProblem, Sentence};

/// A JSON object. `application/json` alone: a page of another origin cannot send it without asking first.
pub struct JsonBody(Map<String, Value>);

impl FromRequest for JsonBody {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_content_type(request, "application/json");
        let body = read_body(request, payload);
        Box::pin(async move {
            let body = body.await?;
            if body.is_empty() {
                return Ok(Self(Map::new()));
            }
            if !is_json {
                return Err(ApiError::invalid_request("send a JSON object as application/json"));
            }
            serde_json::from_slice(&body)
                .map(Self)
                .map_err(|_| ApiError::invalid_request("the body is not a JSON object"))
        })
    }
}

impl JsonBody {
    /// `None` where it is missing or null.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => {
                Err(ApiError::invalid_fields(vec![(name, FieldProblem::NotText.in_english())]))
            }
        }
    }

    /// The texts of all `names`, or an error that names each that is missing.
    pub fn required<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<[&str; N], ApiError> {
        let mut texts = [""; N];
        let mut missing = Vec::new();
        for (text, name) in texts.iter_mut().zip(names) {
            match self.text(name)? {
                Some(found) if !found.is_empty() => *text = found,
                _ => missing.push((name, FieldProblem::Missing.in_english())),
            }
        }
        if missing.is_empty() { Ok(texts) } else { Err(ApiError::invalid_fields(missing)) }
    }
}
