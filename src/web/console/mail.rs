//! A tenant's mail: where answers go, whether it arrives, and what could not be sent.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Admin, Seat, Viewer};
use super::done::{Done, done};
use super::paging;
use super::posted::Posted;
use super::stale;
use super::view::{Frame, failed};
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::MailId;
use crate::domain::mail_order::MailOrder;
use crate::flows::administration::tenants::{self, TenantChange};
use crate::flows::administration::{Problem, description, mail};
use crate::web::extract::query::Query;
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "console/mail.html")]
pub struct MailPage {
    pub frame: Frame,
    pub error: Option<String>,
    pub version: String,
    /// None: letters wait, or are kept in the mailbox of `dev`.
    pub sender: Option<String>,
    pub sends: bool,
    /// It would send, and no mail server takes letters.
    pub is_delayed: bool,
    pub reply_to: String,
    pub test_to: String,
    pub dead: Vec<MailOrder>,
    pub next: Option<String>,
}

/// What the page shows besides what is stored.
#[derive(Default)]
struct Said {
    error: Option<String>,
    reply_to: Option<String>,
    test_to: Option<String>,
    /// Dead letters before this one.
    before: Option<MailId>,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    seat: Seat<Viewer>,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let before = query.get("before").and_then(|id| MailId::parse(id).ok());
    show(&request, &state, &seat, Said { before, ..Said::default() }).await
}

async fn show<L>(
    request: &HttpRequest,
    state: &State,
    seat: &Seat<L>,
    said: Said,
) -> Result<HttpResponse, PageError> {
    let (context, tenant) = (&state.context, &seat.tenant);
    let mut frame = Frame::of(seat);
    if context.is_mail_delayed() && seat.account.done == Some(Done::LetterOrdered) {
        frame.done = Some(Done::LetterWaits.sentence());
    }
    let mut dead = mail::dead_letters(context, tenant, said.before, paging::WANTED)
        .await
        .map_err(|problem| failed(request, problem))?;
    let has_more = paging::cut(&mut dead);
    let last = dead.last().filter(|_| has_more);
    let next = last.map(|order| {
        paging::next(&format!("{}/mail", frame.base), &[("before", &order.id.to_string())])
    });
    let reply_to = || tenant.reply_to.as_ref().map(ToString::to_string).unwrap_or_default();
    let own = || seat.account.browser.profile.user.email.to_string();
    let view = MailPage {
        frame,
        error: said.error,
        version: description::version(&description::tenant(tenant)),
        sender: context.mailer.sender(),
        sends: context.mailer.can_send(),
        is_delayed: context.mailer.can_send() && context.is_mail_delayed(),
        reply_to: said.reply_to.unwrap_or_else(reply_to),
        test_to: said.test_to.unwrap_or_else(own),
        dead,
        next,
    };
    render(request, &view, Policy::StaysHere)
}

fn page(seat: &Seat<Admin>) -> String {
    format!("{}/mail", Frame::of(seat).base)
}

/// Where answers go.
pub async fn change(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["version", "reply_to"])?;
    let (seat, text) = (&posted.by, posted.field("reply_to").trim());
    let reply_to = match text {
        "" => Ok(None),
        text => EmailAddress::parse(text).map(Some),
    };
    let reply_to = match reply_to {
        Ok(reply_to) => Some(reply_to),
        Err(why) => {
            let (error, reply_to) = (Some(why.to_string()), Some(text.to_owned()));
            return show(&request, &state, seat, Said { error, reply_to, ..Said::default() }).await;
        }
    };
    let seen = Some(posted.field("version").to_owned());
    let change = TenantChange { reply_to, ..TenantChange::default() };
    let admin = seat.administrator(&state.context);
    match tenants::change_seen(&admin, seat.tenant.id, seen, change).await {
        Ok(_) => Ok(done(&page(seat), Done::Saved)),
        Err(problem) => stale::refused(&request, &posted, &page(seat), problem),
    }
}

pub async fn test(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["to"])?;
    let (seat, text) = (&posted.by, posted.field("to").trim());
    let to = match EmailAddress::parse(text) {
        Ok(to) => to,
        Err(why) => {
            let (error, test_to) = (Some(why.to_string()), Some(text.to_owned()));
            return show(&request, &state, seat, Said { error, test_to, ..Said::default() }).await;
        }
    };
    let admin = seat.administrator(&state.context);
    mail::order_test(&admin, &seat.tenant, &to)
        .await
        .map_err(|problem| failed(&request, problem))?;
    Ok(done(&page(seat), Done::LetterOrdered))
}

pub async fn retry(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &[])?;
    let (seat, failed) = (&posted.by, |problem| failed(&request, problem));
    let id = MailId::parse(&path.1).map_err(|_| failed(Problem::Unknown))?;
    let admin = seat.administrator(&state.context);
    mail::retry(&admin, &seat.tenant, id).await.map_err(failed)?;
    Ok(done(&page(seat), Done::LetterRetried))
}
