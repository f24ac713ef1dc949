//! Verifies Doorward's access tokens (RFC 9068), and says what to answer to those that are none.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{Jwk, JwkSet, KeyAlgorithm};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use tokio::sync::{Mutex, MutexGuard, RwLock};

const MAX_LENGTH: usize = 8_192;
const KEYS_ARE_FRESH_FOR: Duration = Duration::from_secs(5 * 60);
/// Strangers who make up key ids cannot make us fetch more often.
const BETWEEN_FETCHES: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(5);

/// Who calls, and with what.
#[derive(Clone, Debug, Deserialize)]
pub struct Claims {
    pub sub: String,
    pub client_id: String,
    /// The first of the user's roles by rank.
    pub role: Option<String>,
    #[serde(default)]
    pub roles: Vec<String>,
    #[serde(default)]
    pub scope: String,
}

impl Claims {
    pub fn require_role(&self, role: &str) -> Result<(), Refusal> {
        match self.roles.iter().any(|own| own == role) {
            true => Ok(()),
            false => Err(Refusal::TooLittle { scope: None }),
        }
    }

    pub fn require_scope(&self, scope: &'static str) -> Result<(), Refusal> {
        match self.scope.split(' ').any(|own| own == scope) {
            true => Ok(()),
            false => Err(Refusal::TooLittle { scope: Some(scope) }),
        }
    }
}

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    NoToken,
    BadToken,
    /// The token is good, but not for this.
    TooLittle {
        scope: Option<&'static str>,
    },
    /// The issuer's keys could not be fetched: not the user's fault.
    Unavailable,
}

impl Refusal {
    pub fn status(&self) -> u16 {
        match self {
            Self::NoToken | Self::BadToken => 401,
            Self::TooLittle { .. } => 403,
            Self::Unavailable => 503,
        }
    }

    /// The value of `WWW-Authenticate` (RFC 6750 §3).
    pub fn challenge(&self) -> Option<String> {
        match self {
            Self::NoToken => Some("Bearer".to_owned()),
            Self::BadToken => Some("Bearer error=\"invalid_token\"".to_owned()),
            Self::TooLittle { scope: None } => {
                Some("Bearer error=\"insufficient_scope\"".to_owned())
            }
            Self::TooLittle { scope: Some(scope) } => {
                Some(format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\""))
            }
            Self::Unavailable => None,
        }
    }
}

/// Made once, and shared.
pub struct Verifier {
    issuer: String,
    audience: String,
    keys: Arc<Keys>,
}

impl Verifier {
    /// `audience` is that of the app, or else the issuer.
    pub fn new(issuer: String, audience: Option<String>) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().timeout(PATIENCE).build()?;
        Ok(Self::with(http, issuer, audience))
    }

    fn with(http: reqwest::Client, issuer: String, audience: Option<String>) -> Self {
        let url = format!("{issuer}/.well-known/jwks.json");
        let keys = Arc::new(Keys { http, url, held: RwLock::default(), tried: Mutex::default() });
        Self { audience: audience.unwrap_or_else(|| issuer.clone()), issuer, keys }
    }

    /// The claims of the token in an `Authorization` header.
    pub async fn verify(&self, authorization: Option<&str>) -> Result<Claims, Refusal> {
        let (scheme, token) =
            authorization.and_then(|it| it.split_once(' ')).ok_or(Refusal::NoToken)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Refusal::NoToken);
        }
        let token = token.trim();
        let kid = key_id(token).ok_or(Refusal::BadToken)?;
        let key = self.key(&kid).await?.ok_or(Refusal::BadToken)?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = 5; // seconds
        let token = decode::<Claims>(token, &key, &validation).map_err(|_| Refusal::BadToken)?;
        Ok(token.claims)
    }

    /// A key that is known keeps nobody waiting, whatever the issuer does.
    async fn key(&self, kid: &str) -> Result<Option<DecodingKey>, Refusal> {
        let (known, is_fresh) = self.keys.find(kid).await;
        if known.is_some() {
            if !is_fresh {
                let keys = Arc::clone(&self.keys);
                tokio::spawn(async move { keys.renew_unless_under_way().await });
            }
            return Ok(known);
        }
        self.keys.renew(self.keys.tried.lock().await).await;
        match self.keys.find(kid).await {
            (Some(key), _) => Ok(Some(key)),
            (None, _) if self.keys.held.read().await.fetched_at.is_none() => {
                Err(Refusal::Unavailable)
            }
            (None, _) => Ok(None),
        }
    }
}

/// The issuer's keys. Those that are held stay until others have come.
struct Keys {
    http: reqwest::Client,
    url: String,
    held: RwLock<Held>,
    /// When they were asked for last. Whoever asks holds the lock.
    tried: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Held {
    by_id: HashMap<String, DecodingKey>,
    fetched_at: Option<Instant>,
}

impl Keys {
    /// The key, and whether what is held is fresh.
    async fn find(&self, kid: &str) -> (Option<DecodingKey>, bool) {
        let held = self.held.read().await;
        let is_fresh = held.fetched_at.is_some_and(|at| at.elapsed() < KEYS_ARE_FRESH_FOR);
        (held.by_id.get(kid).cloned(), is_fresh)
    }

    async fn renew_unless_under_way(&self) {
        if let Ok(tried) = self.tried.try_lock() {
            self.renew(tried).await;
        }
    }

    async fn renew(&self, mut tried: MutexGuard<'_, Option<Instant>>) {
        if tried.is_some_and(|at| at.elapsed() < BETWEEN_FETCHES) {
            return;
        }
        *tried = Some(Instant::now());
        if let Ok(by_id) = self.fetch().await {
            *self.held.write().await = Held { by_id, fetched_at: *tried };
        }
    }

    async fn fetch(&self) -> Result<HashMap<String, DecodingKey>, Box<dyn Error + Send + Sync>> {
        let answer = self.http.get(&self.url).send().await?.error_for_status()?;
        Ok(usable(&serde_json::from_slice(&answer.bytes().await?)?))
    }
}

/// The keys by their ids. Those of other algorithms are not for access tokens here.
fn usable(set: &JwkSet) -> HashMap<String, DecodingKey> {
    let is_es256 = |jwk: &&Jwk| jwk.common.key_algorithm == Some(KeyAlgorithm::ES256);
    let by_id = |jwk: &Jwk| Some((jwk.common.key_id.clone()?, DecodingKey::from_jwk(jwk).ok()?));
    set.keys.iter().filter(is_es256).filter_map(by_id).collect()
}

/// The `kid` of something that may be one of our access tokens; RFC 9068 §4, RFC 7515 §4.1.11
fn key_id(token: &str) -> Option<String> {
    if token.len() > MAX_LENGTH {
        return None;
    }
    let header = decode_header(token).ok()?;
    let typ = header.typ.as_deref()?;
    // We understand no header that would have to be understood.
    if !matches!(typ, "at+jwt" | "application/at+jwt") || header.crit.is_some() {
        return None;
    }
    header.kid
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[tokio::test]
    async fn every_good_vector_is_accepted_and_every_bad_one_refused() {
        let vectors: Value =
            serde_json::from_str(include_str!("../../../verifying-tokens/vectors.json")).unwrap();
        let text = |name: &str| vectors[name].as_str().unwrap().to_owned();
        let verifier = Verifier::new(text("issuer"), Some(text("audience"))).unwrap();
        let set: JwkSet = serde_json::from_value(vectors["jwks"].clone()).unwrap();
        // Nothing is fetched: the keys are here, and have just come.
        let now = Some(Instant::now());
        *verifier.keys.held.write().await = Held { by_id: usable(&set), fetched_at: now };
        *verifier.keys.tried.lock().await = now;
        for vector in vectors["vectors"].as_array().unwrap() {
            let authorization = format!("Bearer {}", vector["token"].as_str().unwrap());
            let verdict = verifier.verify(Some(&authorization)).await;
            match vector["valid"].as_bool().unwrap() {
                true => assert!(verdict.is_ok(), "{}: {verdict:?}", vector["what"]),
                false => assert_eq!(verdict.unwrap_err(), Refusal::BadToken, "{}", vector["what"]),
            }
        }
    }

    /// The client has no time limit here: whoever waits for the silent issuer waits for ever.
    #[tokio::test]
    async fn a_key_that_is_known_is_used_while_the_issuer_is_silent() {
        let vectors: Value =
            serde_json::from_str(include_str!("../../../verifying-tokens/vectors.json")).unwrap();
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", silent.local_addr().unwrap());
        let verifier = Verifier::with(reqwest::Client::new(), issuer, None);
        let set: JwkSet = serde_json::from_value(vectors["jwks"].clone()).unwrap();
        let kid = vectors["jwks"]["keys"][0]["kid"].as_str().unwrap();
        let stale = Instant::now().checked_sub(2 * KEYS_ARE_FRESH_FOR).unwrap();
        *verifier.keys.held.write().await = Held { by_id: usable(&set), fetched_at: Some(stale) };
        for _ in 0..3 {
            assert!(verifier.key(kid).await.unwrap().is_some());
        }
        silent.accept().await.expect("it was asked for its keys all the same");
    }
}
