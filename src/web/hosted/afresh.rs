//! A form that came without the cookie of the browser that it was shown to. It may be forged, or the cookie may be
//! lost: nothing of it is done, and its page can be opened again.

use actix_web::HttpRequest;

use super::PageError;
use super::pending::Pending;
use crate::domain::after_sign_in::AccountPage;
use crate::domain::parameters::Parameters;
use crate::messages::id;
use crate::web::csrf;
use crate::web::extract::browser::Browser;
use crate::web::oauth::authorize::own_origin;
use crate::web::state::State;

/// With the way to the page of the form, and to nowhere else.
pub async fn refuse(
    request: &HttpRequest,
    state: &State,
    browser: &Browser,
    form: &Parameters,
) -> PageError {
    // Of what a page elsewhere has filled in, nothing is carried on.
    let is_ours = csrf::comes_from_own_page(request, own_origin(state, browser.tenant()));
    let carried: &[&str] = if is_ours { &["request", "next", "token"] } else { &[] };
    let form = form.only(carried);
    let pending = match Pending::if_here(state, browser, form.get("request")).await {
        Ok(pending) => pending.leading_to(form.get("next")),
        Err(failure) => return PageError::failure(request, &failure),
    };
    let error = PageError::forged(request);
    match page_of(request.path(), browser, &pending, &form) {
        Some(url) => error.leading_to(id!("error-forged-way"), url),
        None => error.leading_to(id!("back-to-sign-in"), pending.url(browser, "login")),
    }
}

/// The address of the page that shows the form, if it can be shown without what was lost.
fn page_of(path: &str, browser: &Browser, pending: &Pending, form: &Parameters) -> Option<String> {
    let base = &browser.tenant().base_path;
    match path.strip_prefix(base.as_str())?.strip_prefix('/')? {
        page @ ("signup" | "forgot-password" | "login/code") => Some(pending.url(browser, page)),
        page @ ("consent" | "oauth2/authorize/continue") => {
            pending.request.map(|_| pending.url(browser, page))
        }
        // What a mailed link leads to: its token is what opens it.
        page @ ("verify-email" | "reset-password" | "account/email/confirm") => {
            form.get("token")?;
            let query = form.only(&["request", "token"]).to_query();
            Some(format!("{base}/{page}?{query}"))
        }
        page if page == "account" || page.starts_with("account/") => {
            Some(format!("{base}/{}", AccountPage::of(page).as_str()))
        }
        _ => None,
    }
}
