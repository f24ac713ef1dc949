//! The form of an app: what it makes of the app, and what is wrong with it.

use std::time::Duration;

use super::access::{Admin, Seat};
use super::posted::Posted;
use crate::domain::application::{
    Application, DirectLogin, LifetimeProblem, Lifetimes, Party, TokenSettings, UpstreamTokenAccess,
};
use crate::domain::redirect_uri::{Audience, Origin, RedirectUri};
use crate::domain::signing_key::Algorithm;
use crate::domain::tenant::DisplayName;
use crate::flows::administration::applications::ApplicationChange;

/// What is wrong with a form, each with the name of its field, in the order of the page.
#[derive(Default)]
pub struct Problems(Vec<(String, String)>);

impl Problems {
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == field).map(|(_, why)| why.as_str())
    }

    /// The field to begin with.
    pub fn first(&self) -> Option<&str> {
        self.0.first().map(|(name, _)| name.as_str())
    }

    fn kept<T>(&mut self, field: &str, parsed: Result<T, impl ToString>) -> Option<T> {
        parsed.map_err(|why| self.0.push((field.to_owned(), why.to_string()))).ok()
    }
}

/// What the form makes of the app, or all that is wrong with its fields. Whether the whole goes together is seen
/// when it is saved.
pub fn changed(
    posted: &Posted<Seat<Admin>>,
    old: &Application,
) -> Result<ApplicationChange, Problems> {
    let mut problems = Problems::default();
    let name = problems.kept("name", DisplayName::parse(posted.field("name")));
    let uri = |text: &str| RedirectUri::parse(text, old.kind).map_err(|why| why.to_string());
    let redirect_uris = list(&mut problems, posted, "redirect", uri);
    let post_logout_redirect_uris = list(&mut problems, posted, "logout", uri);
    let origin = |text: &str| Origin::parse(text).map_err(|why| why.to_string());
    let allowed_origins = list(&mut problems, posted, "origin", origin);
    let audience = posted.optional("audience");
    if let Some(audience) = audience {
        problems.kept("audience", Audience::parse(audience));
    }
    let tokens = tokens(&mut problems, posted, &old.tokens);
    let (Some(name), Some(tokens), None) = (name, tokens, problems.first()) else {
        return Err(problems);
    };
    Ok(ApplicationChange {
        name,
        redirect_uris,
        post_logout_redirect_uris,
        allowed_origins,
        audience: audience.map(str::to_owned),
        direct_login: match posted.optional("direct_login") {
            Some(_) => DirectLogin::Allowed,
            None => DirectLogin::Refused,
        },
        party: match posted.optional("third_party") {
            Some(_) => Party::Third,
            None => Party::First,
        },
        upstream_tokens: match posted.optional("upstream_tokens") {
            Some(_) => UpstreamTokenAccess::Allowed,
            None => UpstreamTokenAccess::Refused,
        },
        tokens,
    })
}

/// The entries of a list. They are numbered as the page shows them again, without those left empty.
fn list<T>(
    problems: &mut Problems,
    posted: &Posted<Seat<Admin>>,
    name: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Vec<String> {
    let values = posted.list(name);
    for (index, value) in values.iter().enumerate() {
        let why = match values[..index].contains(value) {
            true => Err("it is given twice".to_owned()),
            false => parse(value).map(drop),
        };
        let quoting = why.map_err(|why| format!("{value}: {why}"));
        problems.kept(&format!("{name}-{}", index + 1), quoting);
    }
    values
}

fn tokens(
    problems: &mut Problems,
    posted: &Posted<Seat<Admin>>,
    old: &TokenSettings,
) -> Option<TokenSettings> {
    let mut number = |field: &str, seconds: u64| {
        let parsed = posted.field(field).trim().parse::<u32>();
        let parsed = parsed.map_err(|_| "a whole number is wanted");
        problems.kept(field, parsed).map(|number| Duration::from_secs(u64::from(number) * seconds))
    };
    let access_token = number("access_minutes", 60);
    let refresh_idle = number("idle_hours", 3_600);
    let refresh_absolute = number("absolute_hours", 3_600);
    let reuse_window = match posted.field("reuse_window").trim() {
        "" => Some(None),
        _ => number("reuse_window", 1).map(Some),
    };
    let lifetimes = Lifetimes {
        access_token: access_token?,
        refresh_idle: refresh_idle?,
        refresh_absolute: refresh_absolute?,
    };
    if let Err(why) = lifetimes.check() {
        let field = match why {
            LifetimeProblem::AccessToken => "access_minutes",
            LifetimeProblem::RefreshIdle => "idle_hours",
            LifetimeProblem::RefreshAbsolute => "absolute_hours",
        };
        problems.kept::<()>(field, Err(why));
    }
    let algorithm = |field: &str| Algorithm::parse(posted.field(field));
    Some(TokenSettings {
        access_token_algorithm: algorithm("access_algorithm").unwrap_or(old.access_token_algorithm),
        id_token_algorithm: algorithm("id_algorithm").unwrap_or(old.id_token_algorithm),
        reuse_window: reuse_window?,
        access_token_life: lifetimes.access_token,
        refresh_idle_life: lifetimes.refresh_idle,
        refresh_absolute_life: lifetimes.refresh_absolute,
    })
}
