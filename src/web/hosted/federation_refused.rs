//! Why a provider's word got nobody in, each case in words of its own, and what the user can do.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::page::{Page, PageError, Policy, render_as};
use crate::domain::email_address::EmailAddress;
use crate::domain::provider::{Provider, ProviderKind};
use crate::domain::tenant::Domain;
use crate::domain::upstream_sign_in::Purpose;
use crate::flows::TenantSnapshot;
use crate::flows::federation::Refusal;
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
        let (at, of) = (&self.provider.name, &self.tenant.tenant.name);
        match why {
            Refusal::Expired => self.say(
                StatusCode::BAD_REQUEST,
                "This sign-in has expired",
                "It was finished already, took longer than half an hour, or was begun in another browser or tab.",
                "Nothing has changed. Begin again here, or from the application you came from.",
                vec![self.other_way("Sign in")],
            ),
            Refusal::Cancelled => self.say(
                StatusCode::BAD_REQUEST,
                "You cancelled at the last step",
                &format!("{at} told us nothing, and nothing has changed."),
                "Try again, or choose another way to sign in.",
                vec![self.again(), self.other_way("Sign in another way")],
            ),
            Refusal::ProviderError => self.say(
                StatusCode::BAD_GATEWAY,
                &format!("{at} did not sign you in"),
                &format!("{at} ended the sign-in with an error of its own."),
                &format!("Try again in a moment. If it happens again, tell {of}."),
                vec![self.again(), self.other_way("Sign in another way")],
            ),
            Refusal::Upstream(error) => self.upstream(error),
            Refusal::Disabled => self.say(
                StatusCode::FORBIDDEN,
                "This account is switched off",
                &format!("{of} has disabled the account that belongs to you at {at}."),
                &format!("Only {of} can switch it on again: ask them."),
                vec![self.other_way("Use another account")],
            ),
            Refusal::SignUpClosed(email) => self.say(
                StatusCode::FORBIDDEN,
                "You have no account here yet",
                &format!("{of} makes accounts itself, and has none for {email}."),
                &format!("Ask {of} for an account. If you have one, sign in the way you usually do."),
                vec![self.other_way("Sign in another way"), self.another_account()],
            ),
            Refusal::DomainNotAllowed(email) => self.wrong_domain(email.as_ref()),
            Refusal::NoEmail => self.no_email(),
            Refusal::UnverifiedEmail(email) => self.say(
                StatusCode::FORBIDDEN,
                "Your address is not verified",
                &format!("{at} has not checked that {email} is yours, so it cannot be used here."),
                &format!("Verify the address at {at}, then try again, or sign in another way."),
                vec![self.again(), self.other_way("Sign in another way")],
            ),
            Refusal::UnverifiedMeetsAccount(email) => self.say(
                StatusCode::FORBIDDEN,
                "This address has an account already",
                &format!("{at} has not checked that {email} is yours, so it cannot open that account."),
                &format!("Sign in the way you usually do. You can then link {at} on your account page."),
                vec![self.other_way("Sign in")],
            ),
            Refusal::IdentityTaken => self.say(
                StatusCode::FORBIDDEN,
                &format!("This {at} account is linked elsewhere"),
                &format!("It opens another account of {of}."),
                "Unlink it there first, or choose another one.",
                vec![self.account()],
            ),
            Refusal::NotFresh => self.say(
                StatusCode::FORBIDDEN,
                "Please sign in again first",
                "Linked accounts are ways into yours, so we ask who you are before they change.",
                "Sign in again, and then go on within ten minutes.",
                vec![self.sign_in_again()],
            ),
            Refusal::OtherAccount => self.say(
                StatusCode::FORBIDDEN,
                "That was another account",
                &format!("You signed in at {at}, but not with what opens this account."),
                "Nothing was linked. Begin again, and sign in with what you usually use here.",
                vec![self.other_way("Sign in")],
            ),
        }
    }

    fn upstream(&self, error: &UpstreamError) -> Words {
        let (at, of) = (&self.provider.name, &self.tenant.tenant.name);
        let ways = || vec![self.again(), self.other_way("Sign in another way")];
        match error {
            UpstreamError::Busy | UpstreamError::Unreachable(_) | UpstreamError::RateLimited => {
                self.say(
                    StatusCode::BAD_GATEWAY,
                    &format!("{at} does not answer"),
                    &format!("We could not ask {at} who you are."),
                    "Try again in a minute, or sign in another way.",
                    ways(),
                )
            }
            UpstreamError::Forbidden(_) => self.say(
                StatusCode::BAD_GATEWAY,
                &format!("{at} cannot be used at the moment"),
                "It is not set up in a way that we can go along with.",
                &format!("Tell {of}, and sign in another way until it is mended."),
                vec![self.other_way("Sign in another way")],
            ),
            UpstreamError::Refused(_) => self.say(
                StatusCode::BAD_GATEWAY,
                &format!("{at} did not confirm your sign-in"),
                "This happens if a page is loaded twice, or took too long.",
                &format!("Try again. If it happens again, tell {of}."),
                ways(),
            ),
            UpstreamError::Nonsense(_) | UpstreamError::Untrue(_) => self.say(
                StatusCode::BAD_GATEWAY,
                &format!("We could not trust the answer from {at}"),
                "It did not pass our checks, so nobody was signed in.",
                &format!("Try again. If it happens again, tell {of} the reference below."),
                ways(),
            ),
        }
    }

    fn wrong_domain(&self, email: Option<&EmailAddress>) -> Words {
        let (at, of) = (&self.provider.name, &self.tenant.tenant.name);
        let domains: Vec<&str> = self.provider.allowed_domains.iter().map(Domain::as_str).collect();
        let message = match email {
            Some(email) => format!("You came as {email}."),
            None => format!("{at} did not say which address is yours."),
        };
        self.say(
            StatusCode::FORBIDDEN,
            "This address does not get in",
            &format!("{message} {of} lets in only verified addresses of {}.", domains.join(", ")),
            &format!("Choose your {of} account at {at}, or sign in another way."),
            vec![self.another_account(), self.other_way("Sign in another way")],
        )
    }

    fn no_email(&self) -> Words {
        let at = &self.provider.name;
        let advice = match self.provider.kind {
            ProviderKind::GitHub => {
                "At GitHub, open Settings, then Emails, verify your primary address, and try again."
            }
            ProviderKind::Google | ProviderKind::Oidc(_) => {
                "Allow it to share your address when it asks, or sign in another way."
            }
        };
        self.say(
            StatusCode::FORBIDDEN,
            &format!("{at} told us no address"),
            "An account here needs an e-mail address that has been verified.",
            advice,
            vec![self.again(), self.other_way("Sign in another way")],
        )
    }

    fn say(
        &self,
        status: StatusCode,
        heading: &str,
        message: &str,
        advice: &str,
        ways: Vec<Way>,
    ) -> Words {
        Words {
            status,
            heading: heading.to_owned(),
            message: message.to_owned(),
            advice: advice.to_owned(),
            ways: without_repetition(ways),
        }
    }

    /// Once more to the provider, for the same purpose. Linking begins with a form on the account page.
    fn at_provider(&self, label: String, again: &str) -> Way {
        let query = match self.purpose {
            Some(Purpose::Link { .. }) => return self.account(),
            Some(Purpose::ProveAccount { offer }) => format!("offer={offer}"),
            Some(Purpose::SignIn { request: Some(id) }) => format!("request={id}"),
            Some(Purpose::SignIn { request: None }) | None => String::new(),
        };
        let path = format!("{}/federation/{}", self.tenant.base_path, self.provider.key);
        let parts: Vec<&str> =
            [query.as_str(), again].into_iter().filter(|part| !part.is_empty()).collect();
        let mark = if parts.is_empty() { "" } else { "?" };
        Way { label, href: format!("{path}{mark}{}", parts.join("&")) }
    }

    fn again(&self) -> Way {
        self.at_provider("Try again".to_owned(), "")
    }

    fn another_account(&self) -> Way {
        self.at_provider(format!("Use another {} account", self.provider.name), "again=1")
    }

    fn other_way(&self, label: &str) -> Way {
        let page = match self.purpose {
            Some(Purpose::Link { .. }) => return self.account(),
            Some(Purpose::ProveAccount { offer }) => format!("federation/link?offer={offer}"),
            Some(Purpose::SignIn { request: Some(id) }) => format!("login?request={id}"),
            Some(Purpose::SignIn { request: None }) | None => "login?next=account".to_owned(),
        };
        let href = format!("{}/{page}", self.tenant.base_path);
        Way { label: label.to_owned(), href }
    }

    fn account(&self) -> Way {
        let href = format!("{}/account/identities", self.tenant.base_path);
        Way { label: "Back to your account".to_owned(), href }
    }

    fn sign_in_again(&self) -> Way {
        let href = format!("{}/login?next=account/identities", self.tenant.base_path);
        Way { label: "Sign in again".to_owned(), href }
    }
}

fn without_repetition(mut ways: Vec<Way>) -> Vec<Way> {
    ways.dedup_by(|later, earlier| later.href == earlier.href);
    ways
}
