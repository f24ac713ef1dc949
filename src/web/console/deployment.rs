//! How the deployment is, for its operators.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::Operator;
use super::view::{Frame, failed};
use crate::flows::administration::Problem;
use crate::flows::administration::health::{self, Finding, Queues};
use crate::flows::job_log::Run;
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "console/deployment.html")]
pub struct DeploymentPage {
    pub frame: Frame,
    pub version: &'static str,
    pub public_url: String,
    pub findings: Vec<Finding>,
    pub queues: Queues,
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
        version: env!("CARGO_PKG_VERSION"),
        public_url: context.public_url.as_str().to_owned(),
        findings: health::findings(context).await,
        queues,
        jobs: context.jobs.runs(),
    };
    render(&request, &view, Policy::StaysHere)
}
