//! `/account/delete`: leaving, and changing one's mind.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::account::done;
use super::pending::see_other;
use super::{Page, PageError, Policy, render};
use crate::domain::after_sign_in::AccountPage;
use crate::flows::Failure;
use crate::flows::account::authority::Acted;
use crate::flows::account::profile;
use crate::web::extract::device;
use crate::web::extract::owner::{FreshOwner, OwnerPost, sign_in_again};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "hosted/delete_account.html")]
pub struct DeleteAccountPage {
    pub page: Page,
    pub action: String,
    pub csrf: String,
    pub lead: String,
    pub grace: String,
    pub back_url: String,
}

pub async fn get(
    request: HttpRequest,
    FreshOwner(owner): FreshOwner,
) -> Result<HttpResponse, PageError> {
    let tenant = owner.browser.tenant();
    let page = Page::of(tenant);
    let email = owner.profile.user.email.as_str();
    let days = u64::from(tenant.tenant.accounts.deletion_grace_days);
    let view = DeleteAccountPage {
        action: format!("{}/account/delete", tenant.base_path),
        csrf: owner.browser.secret.clone(),
        lead: page.say_with_two("delete-lead", ("email", email), ("tenant", &page.tenant_name)),
        grace: page.say_count("delete-grace", "days", days),
        back_url: format!("{}/account", tenant.base_path),
        page,
    };
    render(&request, &view, Policy::StaysHere)
}

pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    OwnerPost { post, owner }: OwnerPost,
) -> Result<HttpResponse, PageError> {
    let failed = |failure: Failure| PageError::failure(&request, &failure);
    let (context, tenant) = (&state.context, post.browser.tenant());
    let address = device::address(&request);
    match post.field("choice") {
        "delete" if owner.session.is_fresh(context.now()) => {
            let planned = profile::plan_deletion(context, tenant, &owner, address.as_deref());
            match planned.await.map_err(failed)? {
                Acted::Done(Ok(())) => Ok(see_other(format!("{}/account", tenant.base_path))),
                Acted::Done(Err(ties)) => {
                    let why = ties.to_string();
                    Err(PageError::refused(&request, StatusCode::CONFLICT, &why))
                }
                Acted::SignedOut => Err(sign_in_again(&request, &post.browser)),
            }
        }
        "keep" => {
            let kept = profile::keep_account(context, tenant, &owner, address.as_deref());
            match kept.await.map_err(failed)? {
                Acted::Done(()) => Ok(done(tenant, "kept")),
                Acted::SignedOut => Err(sign_in_again(&request, &post.browser)),
            }
        }
        _ => {
            let next = AccountPage::Delete.as_str();
            Ok(see_other(format!("{}/login?next={next}", tenant.base_path)))
        }
    }
}
