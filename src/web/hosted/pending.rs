//! What a sign-in page is shown for: the request of an application, or nothing but the account.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};

use super::{Next, PageError, Policy};
use crate::domain::ids::RequestId;
use crate::web::extract::browser::Browser;
use crate::web::oauth::authorize::{Destination, destination};
use crate::web::state::State;

#[derive(Default)]
pub struct Pending {
    pub request: Option<RequestId>,
    destination: Option<Destination>,
}

impl Pending {
    /// The request of that id, if this browser brought it and it still waits.
    pub async fn find(
        request: &HttpRequest,
        state: &State,
        browser: &Browser,
        id: Option<&str>,
    ) -> Result<Self, PageError> {
        let Some(id) = id else { return Ok(Self::default()) };
        let id = RequestId::parse(id).map_err(|_| PageError::stale(request))?;
        let found = destination(state, browser, id)
            .await
            .map_err(|failure| PageError::failure(request, &failure))?;
        let destination = Some(found.ok_or_else(|| PageError::stale(request))?);
        Ok(Self { request: Some(id), destination })
    }

    /// The same, or nothing where the request was brought by another browser: mailed links are opened anywhere.
    pub async fn if_here(
        state: &State,
        browser: &Browser,
        id: Option<&str>,
    ) -> Result<Self, crate::flows::Failure> {
        let Some(id) = id.and_then(|id| RequestId::parse(id).ok()) else {
            return Ok(Self::default());
        };
        let destination = destination(state, browser, id).await?;
        Ok(Self { request: destination.is_some().then_some(id), destination })
    }

    pub fn app_name(&self) -> Option<String> {
        self.destination.as_ref().map(|destination| destination.application_name.clone())
    }

    pub fn policy(&self) -> Policy<'_> {
        self.destination
            .as_ref()
            .map_or(Policy::StaysHere, |destination| Policy::LeadsTo(&destination.redirect_uri))
    }

    /// The address of another page of this sign-in.
    pub fn url(&self, browser: &Browser, page: &str) -> String {
        let base = &browser.tenant().base_path;
        match self.request {
            Some(id) => format!("{base}/{page}?request={id}"),
            None => format!("{base}/{page}"),
        }
    }
}

/// Where a browser goes that has just signed in.
pub fn after_sign_in(browser: &Browser, request: Option<&str>, next: Option<Next>) -> String {
    let base = &browser.tenant().base_path;
    match request {
        Some(id) => {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("request", id)
                .finish();
            format!("{base}/oauth2/authorize/continue?{query}")
        }
        None => format!("{base}/{}", next.unwrap_or(Next::Account).as_str()),
    }
}

pub fn see_other(location: String) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}

/// As much of a typed address as is shown again.
pub fn short(email: &str) -> String {
    email.chars().take(254).collect()
}
