//! `/mailbox` of a `dev` server: the letters that it did not send.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{Page, PageError, Policy, render};
use crate::flows::Failure;
use crate::mail::{KeptMail, Mailer};
use crate::web::error::ApiError;
use crate::web::state::State;

#[derive(Template)]
#[template(path = "hosted/mailbox.html")]
pub struct MailboxPage {
    pub page: Page,
    pub letters: Vec<Letter>,
}

pub struct Letter {
    pub subject: String,
    pub from: String,
    pub to: String,
    pub pieces: Vec<Piece>,
}

/// A part of a letter's text.
pub struct Piece {
    pub text: String,
    pub is_link: bool,
}

/// As a page, or as JSON for programs that ask for it: the newest letter first.
pub async fn get(request: HttpRequest, state: web::Data<State>) -> Result<HttpResponse, PageError> {
    let Mailer::Mailbox(mailbox) = &state.context.mailer else {
        return Err(PageError::from_api(&request, ApiError::NotFound));
    };
    let mailbox = mailbox.clone();
    let letters = web::block(move || mailbox.list()).await.map_err(|error| error.to_string());
    let letters = letters.and_then(|list| list.map_err(|error| error.to_string()));
    let letters = letters.map_err(|why| PageError::failure(&request, &Failure::Internal(why)))?;
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|accept| accept.starts_with("application/json")) {
        return Ok(HttpResponse::Ok().json(letters));
    }
    let letters = letters.into_iter().map(Letter::from).collect();
    let page = MailboxPage { page: Page::doorward(), letters };
    render(&request, &page, Policy::StaysHere)
}

impl From<KeptMail> for Letter {
    fn from(mail: KeptMail) -> Self {
        Self { pieces: pieces(&mail.text), subject: mail.subject, from: mail.from, to: mail.to }
    }
}

/// The text, with its links told apart from the rest.
fn pieces(text: &str) -> Vec<Piece> {
    let is_link = |word: &str| word.starts_with("http://") || word.starts_with("https://");
    text.split_inclusive(char::is_whitespace)
        .flat_map(|word| {
            let end = word.trim_end();
            let space = &word[end.len()..];
            [(end, is_link(end)), (space, false)]
        })
        .map(|(text, is_link)| Piece { text: text.to_owned(), is_link })
        .collect()
}
