//! Pages that several journeys share: a message with a way on, a mailed link's button, a field for an
//! address, and one for a new password.

use askama::Template;

use super::Page;

/// Something has happened; here is the way on.
#[derive(Template)]
#[template(path = "hosted/notice.html")]
pub struct Notice {
    pub page: Page,
    pub heading: String,
    pub text: String,
    pub url: String,
    pub label: String,
}

/// What a mailed link leads to: opening it changes nothing, the button does. Mail scanners open links, too.
#[derive(Template)]
#[template(path = "hosted/confirm_link.html")]
pub struct ConfirmLink {
    pub page: Page,
    pub action: String,
    pub csrf: String,
    pub token: String,
    pub request: Option<String>,
    pub heading: String,
    /// The id of a message with one variable, `email`.
    pub text: &'static str,
    pub email: String,
    pub submit: String,
    pub note: Option<String>,
    /// Label and address of the way on for whoever did not ask for the letter.
    pub instead: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "hosted/email_form.html")]
pub struct EmailForm {
    pub page: Page,
    pub action: String,
    pub csrf: String,
    pub request: Option<String>,
    pub next: Option<String>,
    pub heading: String,
    pub lead: String,
    pub label: String,
    pub email: String,
    pub email_error: Option<String>,
    pub autocomplete: &'static str,
    pub notice: Option<String>,
    pub submit: String,
    pub back_url: String,
    pub back: String,
}

#[derive(Template)]
#[template(path = "hosted/new_password.html")]
pub struct NewPasswordForm {
    pub page: Page,
    pub action: String,
    pub csrf: String,
    pub token: Option<String>,
    pub request: Option<String>,
    pub heading: String,
    pub email: String,
    pub password_error: Option<String>,
    pub notice: Option<String>,
    pub submit: String,
    pub back_url: Option<String>,
}
