//! A form of the console: by whom it was posted, and what is in it.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_core::future::LocalBoxFuture;

use super::access::{Account, Operator, Seat, Visitor, shared};
use super::view::failed;
use crate::domain::parameters::Parameters;
use crate::flows::administration::Problem;
use crate::web::csrf;
use crate::web::extract::form::Form;
use crate::web::extract::upload::Upload;
use crate::web::hosted::PageError;

/// A post of one of the console's forms, by the browser that was shown it.
pub struct Posted<W> {
    pub by: W,
    form: Parameters,
}

/// Whoever may post: each knows its browser.
pub trait Poster {
    fn csrf(&self) -> &str;
}

impl Poster for Visitor {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}
impl Poster for Operator {
    fn csrf(&self) -> &str {
        &self.0.visitor.csrf
    }
}
impl Poster for Account {
    fn csrf(&self) -> &str {
        &self.visitor.csrf
    }
}
impl<L> Poster for Seat<L> {
    fn csrf(&self) -> &str {
        &self.account.visitor.csrf
    }
}

impl<W: Poster> Posted<W> {
    /// The form, if it is one that this browser was shown.
    fn own(request: &HttpRequest, by: W, form: Parameters) -> Result<Self, PageError> {
        let state = shared(request).map_err(|why| PageError::failure(request, &why))?;
        let origin = state.context.public_url.as_str();
        if csrf::is_own_post(request, origin, by.csrf(), form.get("csrf")) {
            Ok(Self { by, form })
        } else {
            Err(PageError::forged(request))
        }
    }

    pub fn field(&self, name: &str) -> &str {
        self.form.get(name).unwrap_or_default()
    }

    pub fn optional(&self, name: &str) -> Option<&str> {
        self.form.get(name)
    }

    /// What was filled in, with the fields' names.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.form.iter().filter(|(key, _)| !["csrf", "version"].contains(key))
    }

    /// The values of `name-1`, `name-2` and so on, without those left empty.
    pub fn list(&self, name: &str) -> Vec<String> {
        let belongs = |key: &str| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
        let values = self.form.iter().filter(|(key, _)| belongs(key)).map(|(_, value)| value);
        values.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    /// Refuses a form with other fields than these: nobody sets what the page does not show. `uri-*` stands for
    /// a list.
    pub fn only(&self, request: &HttpRequest, names: &[&str]) -> Result<(), PageError> {
        let is_known = |key: &str| {
            key == "csrf"
                || names.iter().any(|name| match name.strip_suffix('*') {
                    Some(prefix) => key.starts_with(prefix),
                    None => *name == key,
                })
        };
        match self.form.iter().find(|(key, _)| !is_known(key)) {
            Some((key, _)) => {
                let why = format!("the form has no field `{key}`");
                Err(failed(request, Problem::Input(why)))
            }
            None => Ok(()),
        }
    }
}

impl<W> FromRequest for Posted<W>
where
    W: FromRequest<Error = PageError> + Poster + 'static,
{
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let by = W::from_request(request, payload);
        let form = Form::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let by = by.await?;
            let Form(form) = form.await.map_err(|error| PageError::from_api(&request, error))?;
            Self::own(&request, by, form)
        })
    }
}

/// The same for a form with a file in it.
pub struct WithFile<W> {
    pub posted: Posted<W>,
    pub file: Vec<u8>,
}

impl<W> FromRequest for WithFile<W>
where
    W: FromRequest<Error = PageError> + Poster + 'static,
{
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let by = W::from_request(request, payload);
        let upload = Upload::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let by = by.await?;
            let upload = upload.await.map_err(|error| PageError::from_api(&request, error))?;
            Ok(Self { posted: Posted::own(&request, by, upload.form)?, file: upload.file })
        })
    }
}
