//! The claims of access tokens (RFC 9068 §2.2) and ID tokens (OpenID Connect Core §2), and what a scope
//! lets a client learn of a user.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::domain::ids::FamilyId;
use crate::domain::scope::{Scope, Scopes};
use crate::domain::user::Profile;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    pub iss: String,
    pub sub: String,
    pub aud: String,
    pub client_id: String,
    pub iat: i64,
    pub exp: i64,
    pub jti: String,
    pub scope: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub auth_time: Option<i64>,
    pub tenant_id: String,
    /// The first role by rank; `null` without any.
    pub role: Option<String>,
    pub roles: Vec<String>,
}

/// A `jti` begins with the family that the token was issued under, so that the token can be
/// found dead with it; the rest is random.
const FAMILY_LENGTH: usize = 25;

pub fn jti(family: FamilyId, random: &str) -> String {
    format!("{family}{random}")
}

impl AccessTokenClaims {
    /// `None` for a token that a client got for itself.
    pub fn family(&self) -> Option<FamilyId> {
        FamilyId::parse(self.jti.get(..FAMILY_LENGTH)?).ok()
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct IdTokenClaims {
    pub iss: String,
    pub sub: String,
    pub aud: String,
    pub iat: i64,
    pub exp: i64,
    pub auth_time: i64,
    pub sid: String,
    pub amr: Vec<&'static str>,
    /// The key of the upstream provider that the user signed in at, if they did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idp: Option<String>,
    pub at_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    #[serde(flatten)]
    pub user: Map<String, Value>,
}

/// OpenID Connect Core §5.4: what each scope lets a client learn; `roles` come with `profile`, too.
pub fn user_claims(profile: &Profile, scopes: &Scopes) -> Map<String, Value> {
    let user = &profile.user;
    let mut claims = Map::new();
    if scopes.contains(Scope::Email) {
        claims.insert("email".into(), json!(user.email.as_str()));
        claims.insert("email_verified".into(), json!(user.email_verified));
    }
    if scopes.contains(Scope::Profile) {
        // A claim without a value is left out (§5.3.2).
        if let Some(name) = &user.name {
            claims.insert("name".into(), json!(name.as_str()));
        }
        if let Some(picture) = &user.picture {
            claims.insert("picture".into(), json!(picture));
        }
    }
    if scopes.contains(Scope::Profile) || scopes.contains(Scope::Roles) {
        claims.insert("role".into(), json!(role(profile)));
        claims.insert("roles".into(), json!(roles(profile)));
    }
    claims
}

pub fn role(profile: &Profile) -> Option<String> {
    profile.role().map(ToString::to_string)
}

pub fn roles(profile: &Profile) -> Vec<String> {
    profile.roles.iter().map(ToString::to_string).collect()
}
