//! What a sign-in page is shown for: the request of an application, or nothing but the account.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};

use super::{PageError, Policy};
use crate::domain::after_sign_in::{AccountPage, AfterSignIn};
use crate::domain::ids::RequestId;
use crate::flows::TenantSnapshot;
use crate::web::extract::browser::Browser;
use crate::web::oauth::authorize::{Destination, destination};
use crate::web::state::State;

#[derive(Default)]
pub struct Pending {
    pub request: Option<RequestId>,
    destination: Option<Destination>,
    /// The account's page that it leads to, where no application asked.
    next: Option<AccountPage>,
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
        Ok(Self { request: Some(id), destination, next: None })
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
        Ok(Self { request: destination.is_some().then_some(id), destination, next: None })
    }

    pub fn app_name(&self) -> Option<String> {
        self.destination.as_ref().map(|destination| destination.application_name.clone())
    }

    pub fn policy(&self) -> Policy<'_> {
        self.destination
            .as_ref()
            .map_or(Policy::StaysHere, |destination| Policy::LeadsTo(&destination.redirect_uri))
    }

    /// To the page of the account that `next` names, if it names one.
    pub fn leading_to(mut self, next: Option<&str>) -> Self {
        self.next = next.and_then(AccountPage::parse);
        self
    }

    /// What the forms of this sign-in carry on.
    pub fn next(&self) -> Option<String> {
        self.next.map(|page| page.as_str().to_owned())
    }

    pub fn after_sign_in(&self) -> AfterSignIn {
        match (self.request, self.next) {
            (None, Some(page)) => AfterSignIn::Account(page),
            (request, _) => AfterSignIn::of(request),
        }
    }

    /// The address of another page of this sign-in.
    pub fn url(&self, browser: &Browser, page: &str) -> String {
        let base = &browser.tenant().base_path;
        match query(self.after_sign_in()) {
            query if query.is_empty() => format!("{base}/{page}"),
            query => format!("{base}/{page}?{query}"),
        }
    }
}

/// As it stands in the address of a page of the sign-in; nothing for the account itself.
pub fn query(then: AfterSignIn) -> String {
    match then {
        AfterSignIn::Request(id) => format!("request={id}"),
        AfterSignIn::Account(AccountPage::Account) => String::new(),
        AfterSignIn::Account(page) => format!("next={}", page.as_str()),
    }
}

/// Where a browser goes that has just signed in.
pub fn after_sign_in(tenant: &TenantSnapshot, then: AfterSignIn) -> String {
    let base = &tenant.base_path;
    match then {
        AfterSignIn::Request(id) => format!("{base}/oauth2/authorize/continue?request={id}"),
        AfterSignIn::Account(page) => format!("{base}/{}", page.as_str()),
    }
}

pub fn see_other(location: String) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}

/// As much of a typed address as is shown again.
pub fn short(email: &str) -> String {
    email.chars().take(254).collect()
}
