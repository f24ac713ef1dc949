//! A post of one of our own forms, by the browser that was shown it.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use futures_core::future::LocalBoxFuture;

use super::browser::Browser;
use super::form::TypedForm;
use crate::domain::parameters::Parameters;
use crate::web::csrf;
use crate::web::hosted::{PageError, afresh};
use crate::web::oauth::authorize::own_origin;
use crate::web::state::State;

/// Cannot be made of a forged post: whoever takes one as an argument need not check.
pub struct OwnPost {
    pub browser: Browser,
    form: Parameters,
}

impl FromRequest for OwnPost {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let browser = Browser::from_request(request, payload);
        let form = TypedForm::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let browser = browser.await?;
            let TypedForm(form) =
                form.await.map_err(|error| PageError::from_api(&request, error))?;
            let Some(state) = request.app_data::<web::Data<State>>() else {
                return Err(PageError::forged(&request));
            };
            let origin = own_origin(state, browser.tenant());
            if csrf::is_own_post(&request, origin, &browser.secret, form.get("csrf")) {
                Ok(Self { browser, form })
            } else {
                Err(afresh::refuse(&request, state, &browser, &form).await)
            }
        })
    }
}

impl OwnPost {
    /// The field, empty if it was not sent.
    pub fn field(&self, name: &str) -> &str {
        self.form.get(name).unwrap_or_default()
    }

    pub fn optional(&self, name: &str) -> Option<&str> {
        self.form.get(name)
    }
}
