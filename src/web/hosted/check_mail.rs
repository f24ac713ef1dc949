//! "Look at your mail": the same page whoever's address it is.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{Page, PageError, Policy, render};
use crate::messages::id;
use crate::web::extract::browser::Browser;
use crate::web::state::State;

#[derive(Template)]
#[template(path = "hosted/check_mail.html")]
pub struct CheckMailPage {
    pub page: Page,
    pub action: String,
    pub csrf: String,
    pub request: Option<String>,
    /// The id of a message with one variable, `email`.
    pub text: &'static str,
    pub email: String,
    pub notice: Option<String>,
    /// Said of every address alike.
    pub delay: Option<String>,
    pub login_url: String,
}

/// Which letter is on its way.
#[derive(Clone, Copy)]
pub enum CheckMail<'a> {
    Verify {
        email: &'a str,
    },
    /// None yet, maybe: the address is to be verified before anything else.
    Needed {
        email: &'a str,
    },
    Recovery {
        email: &'a str,
    },
    Change {
        email: &'a str,
    },
}

pub fn show(
    request: &HttpRequest,
    browser: &Browser,
    letter: CheckMail<'_>,
    pending: Option<&str>,
    notice: Option<String>,
) -> Result<HttpResponse, PageError> {
    let base = &browser.tenant().base_path;
    let (text, email, path) = match letter {
        CheckMail::Verify { email } => (id!("check-mail-verify"), email, "verify-email"),
        CheckMail::Needed { email } => (id!("check-mail-needed"), email, "verify-email"),
        CheckMail::Recovery { email } => (id!("check-mail-recovery"), email, "forgot-password"),
        CheckMail::Change { email } => (id!("check-mail-verify"), email, "account/email"),
    };
    let page = Page::of(browser.tenant());
    let delay = delay(request, &page);
    let page = CheckMailPage {
        page,
        action: format!("{base}/{path}"),
        csrf: browser.secret.clone(),
        request: pending.map(str::to_owned),
        text,
        email: email.to_owned(),
        // Nothing went out, so nothing is said to have.
        notice: notice.filter(|_| delay.is_none()),
        delay,
        login_url: match pending {
            Some(id) => format!("{base}/login?request={id}"),
            None => format!("{base}/login"),
        },
    };
    render(request, &page, Policy::StaysHere)
}

/// What to say if letters do not go out at the moment, whoever they are for.
pub fn delay(request: &HttpRequest, page: &Page) -> Option<String> {
    let state = request.app_data::<web::Data<State>>()?;
    state.context.is_mail_delayed().then(|| page.say("check-mail-delayed"))
}
