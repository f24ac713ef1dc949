//! Refresh tokens: derived from the family and its generation, never stored. The successor of a token can
//! be answered again without having been kept, and a stolen database yields no token.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::master_key::{MasterKey, Purpose};
use crate::domain::ids::{ApplicationId, FamilyId, TenantId};
use crate::domain::refresh_family::Generation;
use crate::domain::secret::Secret;

const VERSION: u8 = 1;
/// Which master key: room for a successor.
const KEY_ID: u8 = 1;
/// No other MAC is ever made over bytes that begin so.
const DOMAIN_SEPARATOR: &[u8] = b"doorward refresh token\0";

/// version ‖ key id ‖ family ‖ generation, big-endian.
const CLAIMS_LENGTH: usize = 1 + 1 + 16 + 4;
const MAC_LENGTH: usize = 32;
/// A multiple of three: every token is written in one way only.
const TOKEN_LENGTH: usize = CLAIMS_LENGTH + MAC_LENGTH;
const TEXT_LENGTH: usize = TOKEN_LENGTH / 3 * 4;

/// To whom a family belongs. It is not in the token, but the MAC covers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenOwner {
    pub tenant: TenantId,
    pub application: ApplicationId,
}

pub struct RefreshTokens {
    key: hmac::Key,
}

impl RefreshTokens {
    pub fn new(master: &MasterKey) -> Self {
        let key = master.derive(Purpose::RefreshTokens);
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &*key) }
    }

    /// The token of that generation: always the same.
    pub fn derive(&self, owner: TokenOwner, family: FamilyId, generation: Generation) -> Secret {
        let mut claims = [VERSION; CLAIMS_LENGTH];
        claims[1] = KEY_ID;
        claims[2..18].copy_from_slice(&family.to_bytes());
        claims[18..].copy_from_slice(&generation.to_be_bytes());
        let mac = hmac::sign(&self.key, &mac_input(owner, &claims));
        let token = Zeroizing::new([&claims, mac.as_ref()].concat());
        Secret::new(URL_SAFE_NO_PAD.encode(&*token))
    }

    /// What the token says, if we made it for that owner. Touches no database.
    pub fn check(&self, owner: TokenOwner, token: &str) -> Option<(FamilyId, Generation)> {
        let bytes = decode(token)?;
        let (claims, mac) = bytes.split_first_chunk::<CLAIMS_LENGTH>()?;
        hmac::verify(&self.key, &mac_input(owner, claims), mac).ok()?;
        read(claims)
    }

    /// What an unverified token says, for finding the owner to check it against.
    pub fn claimed_family(token: &str) -> Option<FamilyId> {
        let bytes = decode(token)?;
        read(bytes.first_chunk()?).map(|(family, _)| family)
    }
}

/// Of fixed length in each part, hence unambiguous.
fn mac_input(owner: TokenOwner, claims: &[u8; CLAIMS_LENGTH]) -> Vec<u8> {
    let tenant = owner.tenant.to_bytes();
    let application = owner.application.to_bytes();
    [DOMAIN_SEPARATOR, &claims[..2], &tenant, &application, &claims[2..]].concat()
}

fn decode(token: &str) -> Option<Zeroizing<[u8; TOKEN_LENGTH]>> {
    if token.len() != TEXT_LENGTH {
        return None;
    }
    let mut bytes = Zeroizing::new([0; TOKEN_LENGTH]);
    let length = URL_SAFE_NO_PAD.decode_slice(token, &mut *bytes).ok()?;
    (length == TOKEN_LENGTH).then_some(bytes)
}

fn read(claims: &[u8; CLAIMS_LENGTH]) -> Option<(FamilyId, Generation)> {
    let ([VERSION, KEY_ID], rest) = claims.split_first_chunk()? else { return None };
    let (family, generation) = rest.split_first_chunk()?;
    Some((FamilyId::from_bytes(*family), Generation::from_be_bytes(generation.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::entropy::OsEntropy;

    fn owner(tenant: u8, application: u8) -> TokenOwner {
        TokenOwner {
            tenant: TenantId::from_bytes([tenant; 16]),
            application: ApplicationId::from_bytes([application; 16]),
        }
    }

    fn family() -> FamilyId {
        FamilyId::from_bytes([9; 16])
    }

    fn tokens() -> RefreshTokens {
        RefreshTokens::new(&MasterKey::generate(&OsEntropy))
    }

    #[test]
    fn a_token_says_its_family_and_generation() {
        let tokens = tokens();
        for generation in [0, 1, 256, Generation::MAX] {
            let token = tokens.derive(owner(1, 2), family(), generation);
            assert_eq!(tokens.check(owner(1, 2), token.expose()), Some((family(), generation)));
            assert_eq!(RefreshTokens::claimed_family(token.expose()), Some(family()));
        }
    }

    #[test]
    fn the_token_of_a_generation_is_always_the_same() {
        let tokens = tokens();
        let token =
            |generation| tokens.derive(owner(1, 2), family(), generation).expose().to_owned();
        assert_eq!(token(7), token(7));
        assert_ne!(token(7), token(8));
    }

    #[test]
    fn a_token_is_good_for_its_own_tenant_and_application_alone() {
        let tokens = tokens();
        let token = tokens.derive(owner(1, 2), family(), 3);
        for other in [owner(3, 2), owner(1, 3), owner(2, 1)] {
            assert_eq!(tokens.check(other, token.expose()), None, "{other:?}");
        }
    }

    #[test]
    fn a_token_is_good_under_its_own_master_key_alone() {
        let token = tokens().derive(owner(1, 2), family(), 3);
        assert_eq!(tokens().check(owner(1, 2), token.expose()), None);
    }

    #[test]
    fn a_change_in_any_bit_is_noticed() {
        let tokens = tokens();
        let token = tokens.derive(owner(1, 2), family(), 3);
        let bytes = URL_SAFE_NO_PAD.decode(token.expose()).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut tampered = bytes.clone();
            tampered[bit / 8] ^= 1 << (bit % 8);
            let tampered = URL_SAFE_NO_PAD.encode(tampered);
            assert_eq!(tokens.check(owner(1, 2), &tampered), None, "bit {bit}");
        }
    }

    #[test]
    fn a_token_is_written_in_one_way_only() {
        let tokens = tokens();
        let token = tokens.derive(owner(1, 2), family(), 3).expose().to_owned();
        assert_eq!(token.len(), 72);
        let standard = base64::engine::general_purpose::STANDARD
            .encode(URL_SAFE_NO_PAD.decode(&token).unwrap());
        let mut others = vec![
            String::new(),
            "not a token".to_owned(),
            format!("{token}="),
            format!("{token}A"),
            format!(" {token}"),
            format!("{token}\n"),
            token[..71].to_owned(),
            token[..68].to_owned(),
            "é".repeat(36),
        ];
        if standard != token {
            others.push(standard);
        }
        for other in others {
            assert_eq!(tokens.check(owner(1, 2), &other), None, "{other}");
            assert_eq!(RefreshTokens::claimed_family(&other), None, "{other}");
        }
    }

    #[test]
    fn a_token_of_another_version_claims_nothing() {
        let token = tokens().derive(owner(1, 2), family(), 3);
        for position in [0, 1] {
            let mut bytes = URL_SAFE_NO_PAD.decode(token.expose()).unwrap();
            bytes[position] = 2;
            assert_eq!(RefreshTokens::claimed_family(&URL_SAFE_NO_PAD.encode(bytes)), None);
        }
    }

    /// Tokens are in the hands of clients: they must be read by every later release.
    #[test]
    fn the_token_of_a_known_key_stays_what_it_is() {
        let key = "ASNFZ4mrze8BI0VniavN7/7cuph2VDIQ/ty6mHZUMhA=";
        let tokens = RefreshTokens::new(&MasterKey::from_base64(key).unwrap());
        let token = tokens.derive(owner(1, 2), family(), 3);
        assert_eq!(
            token.expose(),
            "AQEJCQkJCQkJCQkJCQkJCQkJAAAAA3_hjfRHELrK9snISXTtLRmYvXMM3m-7_yYV6QQoPVrG"
        );
    }
}
