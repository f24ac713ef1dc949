//! Why a provider's word got nobody in, each case in words of its own, and what the user can do.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::page::{Page, PageError, Policy, render_as};
use super::pending;
use crate::domain::after_sign_in::AfterSignIn;
use crate::domain::email_address::EmailAddress;
use crate::domain::provider::{Provider, ProviderKind};
use crate::domain::tenant::Domain;
use crate::domain::upstream_sign_in::Purpose;
use crate::flows::TenantSnapshot;
use crate::flows::federation::Refusal;
use crate::messages::id;
use crate::upstream::UpstreamError;
use crate::web::request_log::RequestId;

#[derive(Template)]
#[template(path = "hosted/federation_refused.html")]
pub struct RefusedPage {
    pub page: Page,
    pub heading: String,
    pub message: String,
    pub advice: String,
    /// The ways on, the best one first.
    pub ways: Vec<Way>,
    pub reference: String,
}

pub struct Way {
    pub label: String,
    pub href: String,
}

struct Words {
    status: StatusCode,
    heading: String,
    message: String,
    advice: String,
    ways: Vec<Way>,
}

pub fn refuse(
    request: &HttpRequest,
    tenant: &TenantSnapshot,
    provider: &Provider,
    why: &Refusal,
    purpose: Option<Purpose>,
) -> Result<HttpResponse, PageError> {
    let words = Case { tenant, provider, purpose }.words(why);
    let page = RefusedPage {
        page: Page::of(tenant),
        heading: words.heading,
        message: words.message,
        advice: words.advice,
        ways: words.ways,
        reference: RequestId::of(request),
    };
    render_as(request, words.status, &page, Policy::StaysHere)
}

struct Case<'a> {
    tenant: &'a TenantSnapshot,
    provider: &'a Provider,
    purpose: Option<Purpose>,
}

impl Case<'_> {
    fn words(&self, why: &Refusal) -> Words {
        use StatusCode as Status;
        let sign_in_or_other = || vec![self.again(), self.other_way(id!("way-other"))];
        match why {
            Refusal::Expired => {
                let ways = vec![self.other_way(id!("way-sign-in"))];
                self.say(
                    Status::BAD_REQUEST,
                    [
                        id!("refused-expired-title"),
                        id!("refused-expired-text"),
                        id!("refused-expired-advice"),
                    ],
                    None,
                    ways,
                )
            }
            Refusal::Cancelled => self.say(
                Status::BAD_REQUEST,
                [
                    id!("refused-cancelled-title"),
                    id!("refused-cancelled-text"),
                    id!("refused-cancelled-advice"),
                ],
                None,
                sign_in_or_other(),
            ),
            Refusal::ProviderError => self.say(
                Status::BAD_GATEWAY,
                [
                    id!("refused-by-provider-title"),
                    id!("refused-by-provider-text"),
                    id!("refused-by-provider-advice"),
                ],
                None,
                sign_in_or_other(),
            ),
            Refusal::Upstream(error) => self.upstream(error),
            Refusal::Disabled => {
                let ways = vec![self.other_way(id!("way-other-account"))];
                self.say(
                    Status::FORBIDDEN,
                    [
                        id!("refused-disabled-title"),
                        id!("refused-disabled-text"),
                        id!("refused-disabled-advice"),
                    ],
                    None,
                    ways,
                )
            }
            Refusal::SignUpClosed(email) => {
                let ways = vec![self.other_way(id!("way-other")), self.another_account()];
                self.say(
                    Status::FORBIDDEN,
                    [
                        id!("refused-sign-up-closed-title"),
                        id!("refused-sign-up-closed-text"),
                        id!("refused-sign-up-closed-advice"),
                    ],
                    Some(email),
                    ways,
                )
            }
            Refusal::DomainNotAllowed(email) => {
                let ways = vec![self.another_account(), self.other_way(id!("way-other"))];
                let ids = match email {
                    Some(_) => [
                        id!("refused-domain-title"),
                        id!("refused-domain-text"),
                        id!("refused-domain-advice"),
                    ],
                    None => [
                        id!("refused-domain-unknown-title"),
                        id!("refused-domain-unknown-text"),
                        id!("refused-domain-unknown-advice"),
                    ],
                };
                self.say(Status::FORBIDDEN, ids, email.as_ref(), ways)
            }
            Refusal::NoEmail => {
                let ids = match self.provider.kind {
                    ProviderKind::GitHub => [
                        id!("refused-no-github-email-title"),
                        id!("refused-no-github-email-text"),
                        id!("refused-no-github-email-advice"),
                    ],
                    ProviderKind::Google | ProviderKind::Oidc(_) => [
                        id!("refused-no-email-title"),
                        id!("refused-no-email-text"),
                        id!("refused-no-email-advice"),
                    ],
                };
                self.say(Status::FORBIDDEN, ids, None, sign_in_or_other())
            }
            Refusal::UnverifiedEmail(email) => self.say(
                Status::FORBIDDEN,
                [
                    id!("refused-unverified-title"),
                    id!("refused-unverified-text"),
                    id!("refused-unverified-advice"),
                ],
                Some(email),
                sign_in_or_other(),
            ),
            Refusal::UnverifiedMeetsAccount(email) => {
                let ways = vec![self.other_way(id!("way-sign-in"))];
                self.say(
                    Status::FORBIDDEN,
                    [
                        id!("refused-unverified-account-title"),
                        id!("refused-unverified-account-text"),
                        id!("refused-unverified-account-advice"),
                    ],
                    Some(email),
                    ways,
                )
            }
            Refusal::AddressNotVerified(email) => self.say(
                Status::FORBIDDEN,
                [
                    id!("refused-own-address-title"),
                    id!("refused-own-address-text"),
                    id!("refused-own-address-advice"),
                ],
                Some(email),
                vec![self.overview()],
            ),
            Refusal::IdentityTaken => self.say(
                Status::FORBIDDEN,
                [
                    id!("refused-taken-title"),
                    id!("refused-taken-text"),
                    id!("refused-taken-advice"),
                ],
                None,
                vec![self.account()],
            ),
            Refusal::NotFresh => self.say(
                Status::FORBIDDEN,
                [
                    id!("refused-not-fresh-title"),
                    id!("refused-not-fresh-text"),
                    id!("refused-not-fresh-advice"),
                ],
                None,
                vec![self.sign_in_again()],
            ),
            Refusal::OtherAccount => {
                let ways = vec![self.other_way(id!("way-sign-in"))];
                self.say(
                    Status::FORBIDDEN,
                    [
                        id!("refused-other-account-title"),
                        id!("refused-other-account-text"),
                        id!("refused-other-account-advice"),
                    ],
                    None,
                    ways,
                )
            }
        }
    }

    fn upstream(&self, error: &UpstreamError) -> Words {
        let (ids, may_try) = match error {
            UpstreamError::Busy | UpstreamError::Unreachable(_) | UpstreamError::RateLimited => (
                [
                    id!("refused-silent-title"),
                    id!("refused-silent-text"),
                    id!("refused-silent-advice"),
                ],
                true,
            ),
            UpstreamError::Forbidden(_) => (
                [
                    id!("refused-misconfigured-title"),
                    id!("refused-misconfigured-text"),
                    id!("refused-misconfigured-advice"),
                ],
                false,
            ),
            UpstreamError::Refused(_) => (
                [
                    id!("refused-unconfirmed-title"),
                    id!("refused-unconfirmed-text"),
                    id!("refused-unconfirmed-advice"),
                ],
                true,
            ),
            UpstreamError::Nonsense(_) | UpstreamError::Untrue(_) => (
                [
                    id!("refused-untrusted-title"),
                    id!("refused-untrusted-text"),
                    id!("refused-untrusted-advice"),
                ],
                true,
            ),
        };
        let again = may_try.then(|| self.again());
        let ways = again.into_iter().chain([self.other_way(id!("way-other"))]).collect();
        self.say(StatusCode::BAD_GATEWAY, ids, None, ways)
    }

    /// Title, text and advice, with what they may name.
    fn say(
        &self,
        status: StatusCode,
        ids: [&'static str; 3],
        email: Option<&EmailAddress>,
        ways: Vec<Way>,
    ) -> Words {
        let domains: Vec<&str> = self.provider.allowed_domains.iter().map(Domain::as_str).collect();
        let domains = domains.join(", ");
        let named = [
            ("provider", self.provider.name.as_str()),
            ("tenant", self.tenant.tenant.name.as_str()),
            ("email", email.map(EmailAddress::as_str).unwrap_or_default()),
            ("domains", &domains),
        ];
        let messages = Page::of(self.tenant).messages;
        let [heading, message, advice] = ids.map(|id| messages.say_with_all(id, &named));
        Words { status, heading, message, advice, ways: without_repetition(ways) }
    }

    fn label(&self, id: &'static str) -> String {
        Page::of(self.tenant).say_with(id, "provider", self.provider.name.as_str())
    }

    /// Once more to the provider, for the same purpose. Linking begins with a form on the account page.
    fn at_provider(&self, label: String, again: &str) -> Way {
        let query = match self.purpose {
            Some(Purpose::Link { .. }) => return self.account(),
            Some(Purpose::ProveAccount { offer }) => format!("offer={offer}"),
            Some(Purpose::SignIn { then }) => pending::query(then),
            None => String::new(),
        };
        let path = format!("{}/federation/{}", self.tenant.base_path, self.provider.key);
        let parts: Vec<&str> =
            [query.as_str(), again].into_iter().filter(|part| !part.is_empty()).collect();
        let mark = if parts.is_empty() { "" } else { "?" };
        Way { label, href: format!("{path}{mark}{}", parts.join("&")) }
    }

    fn again(&self) -> Way {
        self.at_provider(self.label(id!("way-again")), "")
    }

    fn another_account(&self) -> Way {
        self.at_provider(self.label(id!("way-other-at")), "again=1")
    }

    fn other_way(&self, id: &'static str) -> Way {
        let page = match self.purpose {
            Some(Purpose::Link { .. }) => return self.account(),
            Some(Purpose::ProveAccount { offer }) => format!("federation/link?offer={offer}"),
            Some(Purpose::SignIn { then: AfterSignIn::Account(page) }) => {
                format!("login?next={}", page.as_str())
            }
            Some(Purpose::SignIn { then }) => format!("login?{}", pending::query(then)),
            None => "login?next=account".to_owned(),
        };
        let href = format!("{}/{page}", self.tenant.base_path);
        Way { label: self.label(id), href }
    }

    fn account(&self) -> Way {
        let href = format!("{}/account/identities", self.tenant.base_path);
        Way { label: self.label(id!("way-account")), href }
    }

    fn overview(&self) -> Way {
        let href = format!("{}/account", self.tenant.base_path);
        Way { label: self.label(id!("way-overview")), href }
    }

    fn sign_in_again(&self) -> Way {
        let href = format!("{}/login?next=account/identities", self.tenant.base_path);
        Way { label: self.label(id!("way-sign-in-again")), href }
    }
}

fn without_repetition(mut ways: Vec<Way>) -> Vec<Way> {
    ways.dedup_by(|later, earlier| later.href == earlier.href);
    ways
}
