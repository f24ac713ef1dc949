//! The query of a page, read strictly.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use crate::domain::parameters::Parameters;
use crate::web::hosted::PageError;

pub struct Query(pub Parameters);

impl FromRequest for Query {
    type Error = PageError;
    type Future = Ready<Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let query = Parameters::parse(request.query_string().as_bytes());
        ready(query.map(Self).map_err(|why| PageError::bad_request(request, &why)))
    }
}
