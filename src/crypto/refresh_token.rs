//! Refresh tokens: derived from the family and its generation, never stored. The successor of a token can
//! be answered again without having been kept, and a stolen database yields no token.

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::master_key::{MasterKey, Purpose};
use crate::domain::entropy::{decode_base62, encode_base62};
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
/// The token is written as numbers of 128 bits and, before them, one of the 48 bits that remain.
const BLOCK_LENGTH: usize = 16;
const HEAD_LENGTH: usize = (CLAIMS_LENGTH + MAC_LENGTH) % BLOCK_LENGTH;
const TOKEN_LENGTH: usize = CLAIMS_LENGTH + MAC_LENGTH;
/// Letters and digits that hold them: every client's encoding leaves those as they are.
const HEAD_LETTERS: usize = 9;
const BLOCK_LETTERS: usize = 22;

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
        Secret::new(encode(&token))
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

fn encode(token: &[u8]) -> String {
    let (head, blocks) = token.split_at(HEAD_LENGTH);
    let mut text = Vec::with_capacity(HEAD_LETTERS + blocks.len() / BLOCK_LENGTH * BLOCK_LETTERS);
    text.extend_from_slice(&encode_base62::<HEAD_LETTERS>(number(head)));
    for block in blocks.chunks_exact(BLOCK_LENGTH) {
        text.extend_from_slice(&encode_base62::<BLOCK_LETTERS>(number(block)));
    }
    text.into_iter().map(char::from).collect()
}

/// Sixteen bytes at most.
fn number(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// Every token is written in one way only.
fn decode(token: &str) -> Option<Zeroizing<[u8; TOKEN_LENGTH]>> {
    let (head, blocks) = token.as_bytes().split_at_checked(HEAD_LETTERS)?;
    let mut bytes = Zeroizing::new([0; TOKEN_LENGTH]);
    let (first, rest) = bytes.split_at_mut(HEAD_LENGTH);
    let head = decode_base62::<HEAD_LETTERS>(head)?.to_be_bytes();
    let (above, head) = head.split_at(BLOCK_LENGTH - HEAD_LENGTH);
    if above.iter().any(|byte| *byte != 0)
        || blocks.len() != rest.len() / BLOCK_LENGTH * BLOCK_LETTERS
    {
        return None;
    }
    first.copy_from_slice(head);
    for (bytes, letters) in
        rest.chunks_exact_mut(BLOCK_LENGTH).zip(blocks.chunks_exact(BLOCK_LETTERS))
    {
        bytes.copy_from_slice(&decode_base62::<BLOCK_LETTERS>(letters)?.to_be_bytes());
    }
    Some(bytes)
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
        let bytes = decode(token.expose()).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut tampered = bytes.clone();
            tampered[bit / 8] ^= 1 << (bit % 8);
            let tampered = encode(&*tampered);
            assert_eq!(tokens.check(owner(1, 2), &tampered), None, "bit {bit}");
        }
    }

    #[test]
    fn a_token_is_letters_and_digits_and_written_in_one_way_only() {
        let tokens = tokens();
        for generation in 0..200 {
            let token = tokens.derive(owner(1, 2), family(), generation).expose().to_owned();
            assert_eq!(token.len(), 75);
            assert!(token.bytes().all(|letter| letter.is_ascii_alphanumeric()), "{token}");
        }
        let token = tokens.derive(owner(1, 2), family(), 3).expose().to_owned();
        let others = [
            String::new(),
            "not a token".to_owned(),
            format!("{token}="),
            format!("{token}0"),
            format!("0{token}"),
            format!(" {token}"),
            format!("{token}\n"),
            token[..74].to_owned(),
            token[1..].to_owned(),
            token[..9].to_owned(),
            "é".repeat(37),
            "z".repeat(75),
            // More than 48 and more than 128 bits.
            format!("zzzzzzzzz{}", &token[9..]),
            format!("{}zzzzzzzzzzzzzzzzzzzzzz", &token[..53]),
        ];
        for other in others {
            assert_eq!(tokens.check(owner(1, 2), &other), None, "{other}");
            assert_eq!(RefreshTokens::claimed_family(&other), None, "{other}");
        }
    }

    #[test]
    fn a_token_of_another_version_claims_nothing() {
        let token = tokens().derive(owner(1, 2), family(), 3);
        for position in [0, 1] {
            let mut bytes = decode(token.expose()).unwrap();
            bytes[position] = 2;
            assert_eq!(RefreshTokens::claimed_family(&encode(&*bytes)), None);
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
            "00JR1E1jV0H33ixetcyYVXAUDOOHKhH3tJ6SdwBDQfxWWItTiPQ2T4eDPYyzJUiGXqzD8nrMfH4"
        );
    }
}
