//! What admins see of a thing before and after they changed it: for the audit log, and to tell whether somebody
//! else changed it meanwhile. Secrets are left out.

use std::fmt::Display;
use std::time::Duration;

use serde_json::{Value, json};

use super::users::Detail;
use crate::crypto::digest::sha256_base64url;
use crate::domain::application::{Application, ClientSecret, DirectLogin, UpstreamTokenAccess};
use crate::domain::clock::Timestamp;
use crate::domain::domain_claim::DomainClaim;
use crate::domain::email_address::EmailAddress;
use crate::domain::member::MemberRole;
use crate::domain::provider::Provider;
use crate::domain::role::{Role, RoleKey};
use crate::domain::tenant::{DisplayName, Tenant};
use crate::storage::StoredKey;

/// Changes whenever what it describes does. An edit says what it was made on.
pub fn version(description: &Value) -> String {
    sha256_base64url(description.to_string().as_bytes())
}

pub fn tenant(tenant: &Tenant) -> Value {
    let (accounts, lifetimes) = (&tenant.accounts, &tenant.lifetimes);
    json!({
        "name": tenant.name.as_str(),
        "domain": tenant.domain.as_ref().map(ToString::to_string),
        "sign_up": accounts.sign_up.as_str(),
        "email_verification": accounts.email_verification.as_str(),
        "email_code": accounts.email_code.as_str(),
        "password_min_length": accounts.password_min_length.characters(),
        "deletion_grace_days": accounts.deletion_grace_days,
        "access_minutes": lifetimes.access_token.as_secs() / 60,
        "idle_hours": lifetimes.refresh_idle.as_secs() / 3_600,
        "absolute_hours": lifetimes.refresh_absolute.as_secs() / 3_600,
        "colour": tenant.accent.map(|accent| accent.to_string()),
        "logo": tenant.logo.as_ref().map(ToString::to_string),
        "reply_to": tenant.reply_to.as_ref().map(ToString::to_string),
    })
}

/// The tenant's host, and the one that it claims.
pub fn host(tenant: &Tenant, claim: Option<&DomainClaim>) -> Value {
    json!({
        "host": tenant.domain.as_ref().map(ToString::to_string),
        "claimed_host": claim.map(|claim| claim.domain.to_string()),
        "challenge": claim.map(|claim| claim.challenge.as_str()),
    })
}

pub fn application(application: &Application) -> Value {
    let tokens = &application.tokens;
    let seconds = |duration: Duration| duration.as_secs();
    json!({
        "name": application.name.as_str(),
        "redirect_uris": texts(&application.redirect_uris),
        "post_logout_redirect_uris": texts(&application.post_logout_redirect_uris),
        "allowed_origins": application.allowed_origins.iter().map(|o| o.as_str()).collect::<Vec<_>>(),
        "audience": application.audience.as_ref().map(|audience| audience.as_str()),
        "direct_login": application.direct_login == DirectLogin::Allowed,
        "party": application.party.as_str(),
        "upstream_tokens": application.upstream_tokens == UpstreamTokenAccess::Allowed,
        "access_token_algorithm": tokens.access_token_algorithm.as_str(),
        "id_token_algorithm": tokens.id_token_algorithm.as_str(),
        "access_token_seconds": seconds(tokens.access_token_life),
        "refresh_idle_seconds": seconds(tokens.refresh_idle_life),
        "refresh_absolute_seconds": seconds(tokens.refresh_absolute_life),
        "reuse_window_seconds": tokens.reuse_window.map(seconds),
    })
}

pub fn role(role: &Role) -> Value {
    json!({ "key": role.key.as_str(), "description": role.description, "rank": role.rank })
}

pub fn provider(provider: &Provider) -> Value {
    json!({
        "key": provider.key.as_str(),
        "kind": provider.kind.as_str(),
        "issuer": provider.kind.issuer().map(|issuer| issuer.as_str()),
        "name": provider.name.as_str(),
        "client_id": provider.client_id,
        "scopes": provider.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>(),
        "allowed_domains": texts(&provider.allowed_domains),
        "sign_up": provider.sign_up.as_str(),
        "unverified_email": provider.unverified_email.as_str(),
        "profile": provider.profile.as_str(),
        "tokens": provider.tokens.as_str(),
    })
}

/// A user with what hangs on them.
pub fn user(detail: &Detail) -> Value {
    let user = &detail.profile.user;
    json!({
        "email": user.email.as_str(),
        "email_verified": user.email_verified,
        "name": user.name.as_ref().map(ToString::to_string),
        "status": user.status.as_str(),
        "roles": texts(&detail.profile.roles),
        "password": detail.has_password,
        "providers": detail.identities.len(),
        "sessions": detail.sessions.len(),
    })
}

/// A user's name, which is edited apart from the rest.
pub fn name(name: Option<&DisplayName>) -> Value {
    json!({ "name": name.map(ToString::to_string) })
}

/// The roles of a user, by rank.
pub fn roles(roles: &[RoleKey]) -> Value {
    json!({ "roles": texts(roles) })
}

/// What a member may do; `None` stands for no member.
pub fn member(email: Option<&EmailAddress>, role: Option<MemberRole>) -> Value {
    json!({ "email": email.map(EmailAddress::as_str), "role": role.map(MemberRole::as_str) })
}

/// A signing key: its public side alone.
pub fn key(key: &StoredKey) -> Value {
    json!({
        "kid": key.kid,
        "algorithm": key.algorithm.as_str(),
        "signs_from": key.life.activates_at.to_string(),
        "signs_until": key.life.signs_until().to_string(),
    })
}

/// When a tenant or an account is deleted, if it is.
pub fn deletion(at: Option<Timestamp>) -> Value {
    json!({ "deletes_at": at.map(|at| at.to_string()) })
}

/// The secrets of an application: that they are there, and since when.
pub fn secrets(secrets: &[ClientSecret]) -> Value {
    let line = |secret: &ClientSecret| format!("{} since {}", secret.id, secret.created_at);
    json!({ "secrets": secrets.iter().map(line).collect::<Vec<_>>() })
}

fn texts(things: &[impl Display]) -> Vec<String> {
    things.iter().map(ToString::to_string).collect()
}
