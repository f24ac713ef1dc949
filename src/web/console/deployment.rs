//! How the deployment is, for its operators.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::Operator;
use super::view::{Frame, failed};
use crate::flows::administration::Problem;
use crate::flows::administration::health::{self, COUNTED_LETTERS, Depth, Finding, Queues};
use crate::flows::job_log::Run;
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "console/deployment.html")]
pub struct DeploymentPage {
    pub frame: Frame,
    pub public_url: String,
    pub findings: Vec<Finding>,
    pub queues: Queues,
    pub mail_waiting: String,
    pub mail_dead: String,
    pub jobs: Vec<(&'static str, Run)>,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    Operator(account): Operator,
) -> Result<HttpResponse, PageError> {
    let context = &state.context;
    let queues =
        health::queues(context).await.map_err(|error| failed(&request, Problem::from(error)))?;
    let view = DeploymentPage {
        frame: Frame::of_account(&account),
        public_url: context.public_url.as_str().to_owned(),
        findings: health::findings(context, Depth::Ends).await,
        mail_waiting: counted(queues.mail_waiting),
        mail_dead: counted(queues.mail_dead),
        queues,
        jobs: context.jobs.runs(),
    };
    render(&request, &view, Policy::StaysHere)
}

/// Counting stops somewhere: how long a queue is does not matter then.
fn counted(letters: usize) -> String {
    if letters >= COUNTED_LETTERS {
        format!("{COUNTED_LETTERS} or more")
    } else {
        letters.to_string()
    }
}
