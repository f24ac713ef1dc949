//! A host of a tenant's own: what its owner claims, proves and gives up, as the settings show it.

use actix_web::{HttpRequest, HttpResponse, web};

use super::access::{Owner, Seat};
use super::done::{Done, done};
use super::posted::Posted;
use super::settings::{self, Draft};
use super::stale;
use crate::config::PublicUrl;
use crate::domain::domain_claim::DomainClaim;
use crate::domain::ids::TenantId;
use crate::domain::tenant::{Domain, Tenant};
use crate::flows::administration::hosts::{self, Verification};
use crate::flows::administration::{Administrator, Problem, description};
use crate::web::hosted::PageError;
use crate::web::state::State;

/// Of the records that are no proof.
const SHOWN_RECORDS: usize = 3;
const SHOWN_CHARACTERS: usize = 100;

/// What the settings say of the host.
pub struct HostSection {
    /// Of host and claim: an edit says on which it was made.
    pub version: String,
    pub host: Option<String>,
    pub claim: Option<ShownClaim>,
    /// Where the tenant is without a host of its own.
    pub path_issuer: String,
    pub public_host: String,
}

pub struct ShownClaim {
    pub host: String,
    pub record_name: String,
    pub record_value: String,
    pub expires_at: String,
}

impl HostSection {
    pub fn of(tenant: &Tenant, claim: Option<&DomainClaim>, public_url: &PublicUrl) -> Self {
        let shown = |claim: &DomainClaim| ShownClaim {
            host: claim.domain.to_string(),
            record_name: claim.record_name(),
            record_value: claim.record_value(),
            expires_at: claim.expires_at.to_string(),
        };
        Self {
            version: description::version(&description::host(tenant, claim)),
            host: tenant.domain.as_ref().map(ToString::to_string),
            claim: claim.map(shown),
            path_issuer: public_url.issuer(&Tenant { domain: None, ..tenant.clone() }),
            public_host: public_url.host().to_owned(),
        }
    }
}

/// Claims a host, has the claim verified, withdraws it, and gives the host up.
pub async fn act(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Seat<Owner>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["act", "version", "host"])?;
    let (seat, id) = (&posted.by, posted.by.tenant.id);
    let (admin, seen) = (seat.administrator(&state.context), posted.field("version").to_owned());
    let acted = match posted.field("act") {
        "claim" => {
            let claimed = claim(&admin, id, seen, posted.field("host").trim()).await;
            claimed.map(|()| Done::HostClaimed)
        }
        "verify" => {
            let verified = hosts::verify(&admin, id, Some(seen)).await.and_then(told);
            verified.map(|()| Done::HostVerified)
        }
        "withdraw" => hosts::withdraw(&admin, id, Some(seen)).await.map(|()| Done::HostWithdrawn),
        "give-up" => hosts::give_up(&admin, id, Some(seen)).await.map(|()| Done::HostGivenUp),
        _ => Err(Problem::Input("there is no such button".to_owned())),
    };
    match acted {
        Ok(what) => Ok(done(&settings::page(seat), what)),
        Err(Problem::Input(why)) => {
            let draft = Draft { claimed: posted.optional("host"), ..Draft::refused(why) };
            settings::show(&request, &state, seat, draft).await
        }
        Err(problem) => stale::refused(&request, &posted, &settings::page(seat), problem),
    }
}

async fn claim(
    admin: &Administrator<'_>,
    id: TenantId,
    seen: String,
    host: &str,
) -> Result<(), Problem> {
    let domain = Domain::parse(host).map_err(|why| Problem::Input(why.to_string()))?;
    hosts::claim(admin, id, Some(seen), domain).await.map(drop)
}

/// What did not come of a verification, and what to do about it.
fn told(outcome: Verification) -> Result<(), Problem> {
    let why = match outcome {
        Verification::Verified => return Ok(()),
        Verification::NoClaim => {
            "no host is claimed any more: the claim was verified or withdrawn, or is older than seven days".to_owned()
        }
        Verification::NotFound => {
            "DNS has no TXT record of that name. Set the one below and try again; it can take \
             some minutes until a new record is seen. An alias (CNAME) of that name does not count."
                .to_owned()
        }
        Verification::OtherValue(records) => format!(
            "the TXT record of that name says something else: {}. Set it to the value below, to the letter, and try \
             again.",
            listed(&records)
        ),
        Verification::Unreachable => {
            "DNS does not answer for this host, so nothing is known and nothing has \
             changed. Try again in a minute; if it stays so, look at the host's name servers."
                .to_owned()
        }
        Verification::Taken => {
            "another tenant of this deployment has proved this host before. If it is yours, ask \
             whoever runs the deployment."
                .to_owned()
        }
        Verification::TooOften { retry_after } => {
            format!("DNS was asked too often for this tenant; try again in {retry_after} seconds")
        }
    };
    Err(Problem::Input(why))
}

/// Anybody may have written the records: a few of them, the beginning of each, and nothing unprintable.
fn listed(records: &[String]) -> String {
    let shown = records.iter().take(SHOWN_RECORDS).map(|text| {
        let beginning: String = text.chars().take(SHOWN_CHARACTERS).collect();
        let rest = if beginning.len() < text.len() { "…" } else { "" };
        format!("{beginning:?}{rest}")
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    match records.len().saturating_sub(SHOWN_RECORDS) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_record_says_is_shown_shortened_and_printable() {
        let records =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(listed(&records(&["v=spf1 -all"])), "\"v=spf1 -all\"");
        assert_eq!(listed(&records(&["a\u{202e}b\n"])), "\"a\\u{202e}b\\n\"");
        let long = listed(&records(&[&"x".repeat(2_000)]));
        assert_eq!(long, format!("\"{}\"…", "x".repeat(SHOWN_CHARACTERS)));
        assert_eq!(listed(&records(&["a"; 5])), "\"a\", \"a\", \"a\" and 2 more");
    }
}
