use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;

/// Whose tokens are good, and for whom they must be meant.
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub audience: &'a str,
    pub algorithm: Algorithm,
}

#[derive(Deserialize)]
pub struct Claims {
    pub sub: String,
    /// The first of the user's roles by rank.
    pub role: Option<String>,
    #[serde(default)]
    pub roles: Vec<String>,
}

/// The claims of a good access token. `keys` is the JSON of the JWKS: keep it, and fetch it again when it lacks a `kid`.
pub fn verify(token: &str, keys: &JwkSet, expected: &Expected<'_>) -> Option<Claims> {
    let header = decode_header(token).ok()?;
    if header.typ.as_deref() != Some("at+jwt") {
        return None;
    }
    let key = DecodingKey::from_jwk(keys.find(&header.kid?)?).ok()?;
    let mut validation = Validation::new(expected.algorithm);
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    decode::<Claims>(token, &key, &validation).ok().map(|token| token.claims)
}
