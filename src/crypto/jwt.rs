//! JSON Web Tokens (RFC 7519) of our own making: signing them, and telling ours from all others.
//! Expiry, audience and issuer are the caller's to check, who has the clock and knows the tenant.

use std::fmt;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{DecodingKey, crypto};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::signing_key::Algorithm;

/// Longer ones are not looked at.
const MAX_TOKEN_LENGTH: usize = 16 * 1024;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("an {0} key could not be made")]
    Generation(Algorithm),
    #[error("the private key {kid} is not a valid {algorithm} key: its row was damaged or altered")]
    CorruptPrivateKey { kid: String, algorithm: Algorithm },
    #[error("not a public signing key that we made: {0}")]
    CorruptPublicKey(String),
    #[error("a token could not be signed: {0}")]
    Signing(String),
}

/// What a token is for. Each kind is refused where the other is wanted (RFC 8725 §3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType {
    /// RFC 9068 §2.1.
    AccessToken,
    IdToken,
}

impl TokenType {
    const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "at+jwt",
            Self::IdToken => "JWT",
        }
    }

    /// RFC 7515 §4.1.9: a media type, its `application/` usually left out, case-insensitive.
    fn is_named(self, typ: &str) -> bool {
        const PREFIX: &str = "application/";
        let name = match typ.split_at_checked(PREFIX.len()) {
            Some((prefix, name)) if prefix.eq_ignore_ascii_case(PREFIX) => name,
            _ => typ,
        };
        name.eq_ignore_ascii_case(self.as_str())
    }
}

/// All that our headers hold. Whatever else a header holds – `crit`, a key of its own, where to fetch
/// one – makes it none of ours.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    typ: String,
    alg: String,
    kid: String,
}

/// A fresh key, its private half yet to be sealed.
pub struct GeneratedKey {
    /// The RFC 7638 thumbprint.
    pub kid: String,
    pub algorithm: Algorithm,
    /// RFC 7517, with `kid`, `use` and `alg`.
    pub public_jwk: serde_json::Value,
    /// PKCS#8, whatever the algorithm.
    pub private_der: Zeroizing<Vec<u8>>,
}

/// Makes a key: RSA of 2,048 bits, P-256 or Ed25519. RSA takes some tenths of a second.
pub fn generate(algorithm: Algorithm) -> Result<GeneratedKey, KeyError> {
    let failed = || KeyError::Generation(algorithm);
    let private_der = generate_pkcs8(algorithm).map_err(|_| failed())?;
    let pair = Pair::from_pkcs8(algorithm, &private_der).ok_or_else(failed)?;
    let mut jwk = pair.public_jwk().map_err(|_| failed())?;
    let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| failed())?;
    jwk.common.key_id = Some(kid.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    let public_jwk = serde_json::to_value(jwk).map_err(|_| failed())?;
    Ok(GeneratedKey { kid, algorithm, public_jwk, private_der })
}

fn generate_pkcs8(
    algorithm: Algorithm,
) -> Result<Zeroizing<Vec<u8>>, aws_lc_rs::error::Unspecified> {
    let der = match algorithm {
        Algorithm::Rs256 => RsaKeyPair::generate(KeySize::Rsa2048)?.as_der()?.as_ref().to_vec(),
        Algorithm::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?
            .to_pkcs8v1()?
            .as_ref()
            .to_vec(),
        Algorithm::EdDsa => Ed25519KeyPair::generate()?.to_pkcs8v1()?.as_ref().to_vec(),
    };
    Ok(Zeroizing::new(der))
}

/// A private key, parsed once: `jsonwebtoken::encode` would parse and check it for each signature, which
/// takes longer than an RS256 signature itself. AWS-LC wipes it when it is dropped.
pub struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Reads a [`GeneratedKey::private_der`]; a damaged one fails here.
    pub fn from_der(kid: String, algorithm: Algorithm, der: &[u8]) -> Result<Self, KeyError> {
        match Pair::from_pkcs8(algorithm, der) {
            Some(pair) => Ok(Self { kid, algorithm, pair }),
            None => Err(KeyError::CorruptPrivateKey { kid, algorithm }),
        }
    }

    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The token in compact serialization (RFC 7515 §3.1).
    pub fn sign<C: Serialize>(&self, typ: TokenType, claims: &C) -> Result<String, KeyError> {
        let header = Header {
            typ: typ.as_str().to_owned(),
            alg: self.algorithm.as_str().to_owned(),
            kid: self.kid.clone(),
        };
        let message = format!("{}.{}", encode(&header)?, encode(claims)?);
        let signature = self
            .pair
            .sign(message.as_bytes())
            .map_err(|_| KeyError::Signing(format!("the key {} refuses", self.kid)))?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {})", self.algorithm, self.kid)
    }
}

fn encode<T: Serialize>(part: &T) -> Result<String, KeyError> {
    let json = serde_json::to_vec(part).map_err(|error| KeyError::Signing(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

impl Pair {
    fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Option<Self> {
        match algorithm {
            Algorithm::Rs256 => RsaKeyPair::from_pkcs8(der).ok().map(Self::Rsa),
            Algorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).ok().map(Self::P256)
            }
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(der).ok().map(Self::Ed25519),
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, aws_lc_rs::error::Unspecified> {
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)?;
                Ok(signature)
            }
            Self::P256(pair) => Ok(pair.sign(&SystemRandom::new(), message)?.as_ref().to_vec()),
            Self::Ed25519(pair) => Ok(pair.try_sign(message)?.as_ref().to_vec()),
        }
    }

    fn public_jwk(&self) -> jsonwebtoken::errors::Result<Jwk> {
        let (key, algorithm) = match self {
            Self::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                (DecodingKey::from_rsa_raw_components(&public.n, &public.e), Algorithm::Rs256)
            }
            Self::P256(pair) => {
                (DecodingKey::from_ec_der(pair.public_key().as_ref()), Algorithm::Es256)
            }
            Self::Ed25519(pair) => {
                (DecodingKey::from_ed_der(pair.public_key().as_ref()), Algorithm::EdDsa)
            }
        };
        Jwk::from_decoding_key(&key, Some(library_name(algorithm)))
    }
}

/// A public key, and the one algorithm that it is for.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    kid: String,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl VerifyingKey {
    /// Reads a [`GeneratedKey::public_jwk`].
    pub fn from_jwk(jwk: &serde_json::Value) -> Result<Self, KeyError> {
        let corrupt = |why: &str| KeyError::CorruptPublicKey(why.to_owned());
        let jwk: Jwk =
            serde_json::from_value(jwk.clone()).map_err(|error| corrupt(&error.to_string()))?;
        let kid = jwk.common.key_id.clone().ok_or_else(|| corrupt("it has no `kid`"))?;
        let algorithm = jwk
            .common
            .key_algorithm
            .and_then(|algorithm| Algorithm::parse(&algorithm.to_string()))
            .ok_or_else(|| corrupt("its `alg` is none of ours"))?;
        if !suits(algorithm, &jwk.algorithm) {
            return Err(corrupt("its `kty` and `crv` are not those of its `alg`"));
        }
        let key = DecodingKey::from_jwk(&jwk).map_err(|error| corrupt(&error.to_string()))?;
        Ok(Self { kid, algorithm, key })
    }

    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

fn suits(algorithm: Algorithm, parameters: &AlgorithmParameters) -> bool {
    match (algorithm, parameters) {
        (Algorithm::Rs256, AlgorithmParameters::RSA(_)) => true,
        (Algorithm::Es256, AlgorithmParameters::EllipticCurve(ec)) => {
            ec.curve == EllipticCurve::P256
        }
        (Algorithm::EdDsa, AlgorithmParameters::OctetKeyPair(okp)) => {
            okp.curve == EllipticCurve::Ed25519
        }
        (Algorithm::Rs256 | Algorithm::Es256 | Algorithm::EdDsa, _) => false,
    }
}

const fn library_name(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
    }
}

/// The claims of a token that one of our keys signed as a `typ`; of its times and audience this says nothing.
/// `find` answers the key of a `kid`. The key decides the algorithm, never the token (RFC 8725 §3.1).
pub fn verify<'k, C: DeserializeOwned>(
    token: &str,
    typ: TokenType,
    find: impl Fn(&str) -> Option<&'k VerifyingKey>,
) -> Option<C> {
    if token.len() > MAX_TOKEN_LENGTH {
        return None;
    }
    let (message, signature) = token.rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    let header: Header = decode(header)?;
    let key = find(&header.kid)?;
    if !typ.is_named(&header.typ) || header.alg != key.algorithm.as_str() {
        return None;
    }
    let algorithm = library_name(key.algorithm);
    let genuine = crypto::verify(signature, message.as_bytes(), &key.key, algorithm).ok()?;
    if genuine { decode(claims) } else { None }
}

fn decode<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::hmac;
    use serde_json::{Value, json};

    struct Key {
        signing: SigningKey,
        verifying: VerifyingKey,
        public_jwk: Value,
    }

    fn key(algorithm: Algorithm) -> Key {
        let key = generate(algorithm).unwrap();
        Key {
            signing: SigningKey::from_der(key.kid, algorithm, &key.private_der).unwrap(),
            verifying: VerifyingKey::from_jwk(&key.public_jwk).unwrap(),
            public_jwk: key.public_jwk,
        }
    }

    fn claims() -> Value {
        // Expired long ago, for another audience: not ours to judge.
        json!({ "sub": "usr1", "exp": 1, "nbf": 9_999_999_999_u64, "aud": "someone" })
    }

    impl Key {
        fn verify(&self, token: &str, typ: TokenType) -> Option<Value> {
            verify(token, typ, |kid| (kid == self.verifying.kid()).then_some(&self.verifying))
        }

        fn sign(&self, header: &Value, claims: &Value) -> String {
            let message = format!("{}.{}", encode(header).unwrap(), encode(claims).unwrap());
            let signature = self.signing.pair.sign(message.as_bytes()).unwrap();
            format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
        }

        fn header(&self) -> Value {
            json!({ "typ": "at+jwt", "alg": self.signing.algorithm().as_str(), "kid": self.signing.kid() })
        }
    }

    fn part(token: &str, index: usize) -> Value {
        decode(token.split('.').nth(index).unwrap()).unwrap()
    }

    #[test]
    fn a_token_of_each_algorithm_is_signed_and_verified() {
        for algorithm in Algorithm::ALL {
            let key = key(algorithm);
            let token = key.signing.sign(TokenType::AccessToken, &claims()).unwrap();
            assert_eq!(part(&token, 0), key.header());
            assert_eq!(key.verify(&token, TokenType::AccessToken), Some(claims()), "{algorithm}");
        }
    }

    #[test]
    fn jsonwebtoken_accepts_what_we_sign() {
        for algorithm in Algorithm::ALL {
            let key = key(algorithm);
            let token = key.signing.sign(TokenType::IdToken, &claims()).unwrap();
            let mut validation = jsonwebtoken::Validation::new(library_name(algorithm));
            validation.validate_exp = false;
            validation.set_audience(&["someone"]);
            let jwk: Jwk = serde_json::from_value(key.public_jwk).unwrap();
            let read = jsonwebtoken::decode::<Value>(
                &token,
                &DecodingKey::from_jwk(&jwk).unwrap(),
                &validation,
            );
            assert_eq!(read.unwrap().claims, claims(), "{algorithm}");
        }
    }

    #[test]
    fn a_public_key_is_published_without_its_private_half() {
        for (algorithm, kty, names) in [
            (Algorithm::Rs256, "RSA", vec!["alg", "e", "kid", "kty", "n", "use"]),
            (Algorithm::Es256, "EC", vec!["alg", "crv", "kid", "kty", "use", "x", "y"]),
            (Algorithm::EdDsa, "OKP", vec!["alg", "crv", "kid", "kty", "use", "x"]),
        ] {
            let key = generate(algorithm).unwrap();
            let jwk = key.public_jwk.as_object().unwrap();
            let mut found: Vec<&str> = jwk.keys().map(String::as_str).collect();
            found.sort_unstable();
            assert_eq!(found, names);
            assert_eq!(jwk["kty"], kty);
            assert_eq!(jwk["use"], "sig");
            assert_eq!(jwk["alg"], algorithm.as_str());
            assert_eq!(jwk["kid"], key.kid.as_str());
        }
    }

    #[test]
    fn a_kid_is_the_thumbprint_of_rfc_7638_and_rfc_8037() {
        let thumbprint = |jwk: Value| {
            serde_json::from_value::<Jwk>(jwk).unwrap().thumbprint(ThumbprintHash::SHA256).unwrap()
        };
        let rsa = json!({
            "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_\
                  BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_\
                  FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4\
                  vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        });
        assert_eq!(thumbprint(rsa), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        let ed25519 = json!({
            "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        });
        assert_eq!(thumbprint(ed25519), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn the_kind_of_token_must_be_the_one_wanted() {
        let key = key(Algorithm::Es256);
        let access = key.signing.sign(TokenType::AccessToken, &claims()).unwrap();
        let id = key.signing.sign(TokenType::IdToken, &claims()).unwrap();
        assert_eq!(key.verify(&access, TokenType::IdToken), None);
        assert_eq!(key.verify(&id, TokenType::AccessToken), None);
        for (typ, good) in [
            ("at+jwt", true),
            ("AT+JWT", true),
            ("application/at+jwt", true),
            ("Application/AT+jwt", true),
            ("application/application/at+jwt", false),
            ("at+jwt ", false),
            ("JWT", false),
            ("logout+jwt", false),
            ("äpplicatiön/at+jwt", false),
            ("", false),
        ] {
            let mut header = key.header();
            header["typ"] = typ.into();
            let token = key.sign(&header, &claims());
            assert_eq!(key.verify(&token, TokenType::AccessToken).is_some(), good, "{typ}");
        }
    }

    #[test]
    fn a_header_with_anything_else_in_it_is_refused() {
        let key = key(Algorithm::Es256);
        for (name, value) in [
            ("crit", json!(["exp"])),
            ("crit", json!([])),
            ("jwk", key.public_jwk.clone()),
            ("jku", json!("https://attacker.example/jwks")),
            ("x5u", json!("https://attacker.example/cert")),
            ("x5c", json!(["MIIB"])),
            ("b64", json!(false)),
            ("zip", json!("DEF")),
            ("alg2", json!("none")),
        ] {
            let mut header = key.header();
            header[name] = value;
            let token = key.sign(&header, &claims());
            assert_eq!(key.verify(&token, TokenType::AccessToken), None, "{name}");
        }
        for name in ["typ", "alg", "kid"] {
            let mut header = key.header();
            header.as_object_mut().unwrap().remove(name);
            assert_eq!(
                key.verify(&key.sign(&header, &claims()), TokenType::AccessToken),
                None,
                "{name}"
            );
        }
    }

    #[test]
    fn the_public_key_is_no_secret_for_hs256() {
        for algorithm in Algorithm::ALL {
            let key = key(algorithm);
            let jwk = key.public_jwk.to_string();
            let raw = key.public_jwk.get("n").or(key.public_jwk.get("x")).unwrap();
            let raw = URL_SAFE_NO_PAD.decode(raw.as_str().unwrap()).unwrap();
            for secret in [jwk.as_bytes(), &raw] {
                for alg in ["HS256", algorithm.as_str()] {
                    let mut header = key.header();
                    header["alg"] = alg.into();
                    let message =
                        format!("{}.{}", encode(&header).unwrap(), encode(&claims()).unwrap());
                    let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
                    let signature = hmac::sign(&secret, message.as_bytes());
                    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
                    assert_eq!(
                        key.verify(&token, TokenType::AccessToken),
                        None,
                        "{algorithm} {alg}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_token_without_signature_is_refused() {
        let key = key(Algorithm::Es256);
        let body = encode(&claims()).unwrap();
        for alg in ["none", "None", "NONE", "", "ES256"] {
            let mut header = key.header();
            header["alg"] = alg.into();
            let header = encode(&header).unwrap();
            for token in [
                format!("{header}.{body}."),
                format!("{header}.{body}"),
                format!("{header}.{body}.AA"),
            ] {
                assert_eq!(key.verify(&token, TokenType::AccessToken), None, "{alg}");
            }
        }
    }

    #[test]
    fn the_algorithm_is_the_keys_own() {
        let key = key(Algorithm::Rs256);
        for alg in ["ES256", "EdDSA", "PS256", "RS384", "RS512", "rs256"] {
            let mut header = key.header();
            header["alg"] = alg.into();
            let token = key.sign(&header, &claims());
            assert_eq!(key.verify(&token, TokenType::AccessToken), None, "{alg}");
        }
    }

    #[test]
    fn a_token_of_another_key_is_refused_whatever_kid_it_names() {
        for algorithm in Algorithm::ALL {
            let (ours, theirs) = (key(algorithm), key(algorithm));
            let token = theirs.signing.sign(TokenType::AccessToken, &claims()).unwrap();
            assert_eq!(ours.verify(&token, TokenType::AccessToken), None);
            let token = theirs.sign(&ours.header(), &claims());
            assert_eq!(ours.verify(&token, TokenType::AccessToken), None);
        }
    }

    #[test]
    fn a_changed_token_is_refused() {
        let key = key(Algorithm::EdDsa);
        let token = key.signing.sign(TokenType::AccessToken, &claims()).unwrap();
        for position in 0..token.len() {
            for other in ["A", "B", ".", "=", ""] {
                let changed = format!("{}{other}{}", &token[..position], &token[position + 1..]);
                if changed != token {
                    assert_eq!(key.verify(&changed, TokenType::AccessToken), None, "{changed}");
                }
            }
        }
        for changed in
            [format!("{token}."), format!("{token}="), format!(" {token}"), format!("{token}.e30")]
        {
            assert_eq!(key.verify(&changed, TokenType::AccessToken), None, "{changed}");
        }
    }

    #[test]
    fn a_token_over_16_kilobytes_is_not_looked_at() {
        let key = key(Algorithm::EdDsa);
        let of_length = |length| {
            key.signing.sign(TokenType::AccessToken, &json!({ "sub": "x".repeat(length) })).unwrap()
        };
        let (short, long) = (of_length(12_000), of_length(12_200));
        assert!(short.len() <= MAX_TOKEN_LENGTH && long.len() > MAX_TOKEN_LENGTH);
        assert!(key.verify(&short, TokenType::AccessToken).is_some());
        assert!(key.verify(&long, TokenType::AccessToken).is_none());
    }

    #[test]
    fn a_damaged_private_key_fails_when_it_is_read() {
        for algorithm in Algorithm::ALL {
            let key = generate(algorithm).unwrap();
            let damaged = [
                &[],
                &key.private_der[1..],
                &key.private_der[..key.private_der.len() - 1],
                b"no key",
            ];
            for der in damaged {
                let error = SigningKey::from_der(key.kid.clone(), algorithm, der).unwrap_err();
                assert_eq!(error, KeyError::CorruptPrivateKey { kid: key.kid.clone(), algorithm });
            }
            for other in Algorithm::ALL.into_iter().filter(|other| *other != algorithm) {
                assert!(SigningKey::from_der(key.kid.clone(), other, &key.private_der).is_err());
            }
        }
    }

    #[test]
    fn a_public_key_must_say_what_it_is() {
        let good = generate(Algorithm::Es256).unwrap().public_jwk;
        for (name, value) in [
            ("kid", Value::Null),
            ("alg", Value::Null),
            ("alg", json!("HS256")),
            ("alg", json!("ES384")),
            ("alg", json!("RS256")),
            ("alg", json!("EdDSA")),
            ("crv", json!("P-384")),
            ("x", json!("not base64!")),
            ("kty", json!("oct")),
        ] {
            let mut jwk = good.clone();
            jwk[name] = value;
            assert!(VerifyingKey::from_jwk(&jwk).is_err(), "{jwk}");
        }
        assert!(
            VerifyingKey::from_jwk(
                &json!({ "kty": "oct", "k": "AAAA", "kid": "a", "alg": "HS256" })
            )
            .is_err()
        );
    }

    #[test]
    fn printing_a_key_prints_nothing_of_its_private_half() {
        let key = key(Algorithm::EdDsa);
        assert_eq!(
            format!("{:?}", key.signing),
            format!("SigningKey(EdDSA {})", key.signing.kid())
        );
    }
}
