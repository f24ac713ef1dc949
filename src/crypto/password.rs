//! Hashing passwords with argon2id (RFC 9106), in memory that is used again for each hash: fresh memory
//! for each would cost page faults and leave the process large.

use argon2::password_hash::PasswordHash as Phc;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::{Zeroize, Zeroizing};

use super::digest;
use crate::domain::password::{PasswordHash, PresentedPassword};
use crate::domain::secret::Secret;

/// OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const OUTPUT_LENGTH: usize = 32;
pub const SALT_LENGTH: usize = 16;

/// The most that a stored hash may ask for: beyond it, checking a password would be an attack on ourselves.
const MAX_MEMORY_KIB: u32 = 128 * 1024;
const MAX_PASSES: u32 = 10;
const MAX_LANES: u32 = 16;
/// The least that tells passwords apart.
const MIN_OUTPUT_LENGTH: usize = 16;

/// The memory that one thread hashes in, taken with the first hash. After a hash it holds what the last pass
/// left there, from which guessing is as dear as from the stored hash itself; it is wiped when dropped.
#[derive(Default)]
pub struct Arena(Vec<Block>);

impl Arena {
    /// At least `count` blocks. What is larger than the setting is not kept.
    fn with_blocks<T>(&mut self, count: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
        if count <= MEMORY_KIB as usize {
            self.0.resize(MEMORY_KIB as usize, Block::default());
            work(&mut self.0)
        } else {
            work(&mut Zeroizing::new(vec![Block::default(); count]))
        }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// What came of checking a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    Match(Strength),
    Mismatch,
    /// The stored hash is none that we can check: damaged, of another function, or asking too much.
    Unreadable,
}

/// How the parameters of a hash compare to today's setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    UpToDate,
    /// To be hashed anew while the password is at hand.
    Outdated,
}

/// Hashes with today's setting.
pub fn hash(
    arena: &mut Arena,
    password: &Secret,
    salt: &[u8; SALT_LENGTH],
) -> Result<PasswordHash, argon2::Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(OUTPUT_LENGTH))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    Ok(phc(salt, &output(arena, &argon2, password, salt, OUTPUT_LENGTH)?))
}

/// A hash that costs as much to check as any other, and that no password has.
pub fn nobodys_hash() -> PasswordHash {
    phc(&[0; SALT_LENGTH], &[0; OUTPUT_LENGTH])
}

fn phc(salt: &[u8], output: &[u8]) -> PasswordHash {
    let (salt, output) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(output));
    PasswordHash::from_phc(format!(
        "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${output}"
    ))
}

/// Checks with the parameters that the stored hash was made with.
pub fn verify(arena: &mut Arena, password: &PresentedPassword, expected: &PasswordHash) -> Checked {
    let Some(stored) = Stored::read(expected) else { return Checked::Unreadable };
    let length = stored.output.len();
    match output(arena, &stored.argon2, password.secret(), &stored.salt, length) {
        Err(_) => Checked::Unreadable,
        Ok(actual) if digest::equal(&actual, &stored.output) => Checked::Match(stored.strength),
        Ok(_) => Checked::Mismatch,
    }
}

struct Stored {
    argon2: Argon2<'static>,
    salt: Vec<u8>,
    output: Vec<u8>,
    strength: Strength,
}

impl Stored {
    fn read(hash: &PasswordHash) -> Option<Self> {
        let phc = Phc::new(hash.as_str()).ok()?;
        let algorithm = Algorithm::try_from(phc.algorithm).ok()?;
        // Without a version it is the first one, as the reference implementation has it.
        let version = phc.version.map_or(Ok(Version::V0x10), Version::try_from).ok()?;
        let params = Params::try_from(&phc).ok()?;
        let output = phc.hash?.as_bytes().to_vec();
        let mut salt = [0; 64];
        let salt = phc.salt?.decode_b64(&mut salt).ok()?.to_vec();
        let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
        let absurd = memory > MAX_MEMORY_KIB || passes > MAX_PASSES || lanes > MAX_LANES;
        if absurd || output.len() < MIN_OUTPUT_LENGTH {
            return None;
        }
        let up_to_date = algorithm == Algorithm::Argon2id
            && version == Version::V0x13
            && memory >= MEMORY_KIB
            && passes >= PASSES
            && salt.len() >= SALT_LENGTH
            && output.len() >= OUTPUT_LENGTH;
        let strength = if up_to_date { Strength::UpToDate } else { Strength::Outdated };
        Some(Self { argon2: Argon2::new(algorithm, version, params), salt, output, strength })
    }
}

fn output(
    arena: &mut Arena,
    argon2: &Argon2<'_>,
    password: &Secret,
    salt: &[u8],
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, argon2::Error> {
    let mut output = Zeroizing::new(vec![0; length]);
    let password = password.expose().as_bytes();
    arena.with_blocks(argon2.params().block_count(), |blocks| {
        argon2.hash_password_into_with_memory(password, salt, &mut output, blocks)
    })?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn presented(text: &str) -> PresentedPassword {
        PresentedPassword::parse(text).unwrap()
    }

    fn stored(phc: &str) -> PasswordHash {
        PasswordHash::from_phc(phc.to_owned())
    }

    #[test]
    fn a_password_matches_its_own_hash_alone() {
        let arena = &mut Arena::default();
        let hash = hash(arena, &secret("pässword"), &[7; SALT_LENGTH]).unwrap();
        assert!(
            hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$")
        );
        assert_eq!(
            verify(arena, &presented("pässword"), &hash),
            Checked::Match(Strength::UpToDate)
        );
        for other in ["passwort", "pässword ", "Pässword", "", "pässwor"] {
            assert_eq!(verify(arena, &presented(other), &hash), Checked::Mismatch, "{other}");
        }
    }

    #[test]
    fn what_was_hashed_before_does_not_show_in_the_next_hash() {
        let once = hash(&mut Arena::default(), &secret("one"), &[1; SALT_LENGTH]).unwrap();
        let arena = &mut Arena::default();
        hash(arena, &secret("another"), &[2; SALT_LENGTH]).unwrap();
        assert_eq!(hash(arena, &secret("one"), &[1; SALT_LENGTH]).unwrap(), once);
        assert_ne!(hash(arena, &secret("one"), &[3; SALT_LENGTH]).unwrap(), once);
    }

    #[test]
    fn the_arena_keeps_its_size() {
        let arena = &mut Arena::default();
        hash(arena, &secret("one"), &[1; SALT_LENGTH]).unwrap();
        let (size, address) = (arena.0.len(), arena.0.as_ptr());
        assert_eq!(size, 19 * 1024);
        verify(arena, &presented("password"), &stored(REFERENCE));
        hash(arena, &secret("one"), &[1; SALT_LENGTH]).unwrap();
        assert_eq!((arena.0.len(), arena.0.as_ptr()), (size, address));
    }

    /// From the test suite of the reference implementation (github.com/P-H-C/phc-winner-argon2): 64 MiB.
    const REFERENCE: &str =
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

    #[test]
    fn hashes_of_the_reference_implementation_are_checked_with_their_own_parameters() {
        let arena = &mut Arena::default();
        // Its salt is shorter than ours.
        let outdated = Checked::Match(Strength::Outdated);
        assert_eq!(verify(arena, &presented("password"), &stored(REFERENCE)), outdated);
        assert_eq!(verify(arena, &presented("Password"), &stored(REFERENCE)), Checked::Mismatch);
        let light =
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        assert_eq!(verify(arena, &presented("password"), &stored(light)), outdated);
        let two_lanes =
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";
        assert_eq!(verify(arena, &presented("password"), &stored(two_lanes)), outdated);
    }

    #[test]
    fn a_hash_with_less_of_anything_is_outdated() {
        let output = STANDARD_NO_PAD.encode([1; 32]);
        let strength = |parameters: &str, salt: &str| {
            Stored::read(&stored(&format!("{parameters}${salt}${output}"))).unwrap().strength
        };
        let salt = STANDARD_NO_PAD.encode([1; SALT_LENGTH]);
        assert_eq!(strength("$argon2id$v=19$m=19456,t=2,p=1", &salt), Strength::UpToDate);
        assert_eq!(strength("$argon2id$v=19$m=65536,t=3,p=4", &salt), Strength::UpToDate);
        for less in [
            "$argon2id$v=19$m=19455,t=2,p=1",
            "$argon2id$v=19$m=65536,t=1,p=1",
            "$argon2id$v=16$m=19456,t=2,p=1",
            "$argon2id$m=19456,t=2,p=1",
            "$argon2i$v=19$m=19456,t=2,p=1",
        ] {
            assert_eq!(strength(less, &salt), Strength::Outdated, "{less}");
        }
        assert_eq!(strength("$argon2id$v=19$m=19456,t=2,p=1", "c29tZXNhbHQ"), Strength::Outdated);
    }

    #[test]
    fn what_cannot_be_checked_is_unreadable() {
        let arena = &mut Arena::default();
        let (salt, output) = (STANDARD_NO_PAD.encode([1; 16]), STANDARD_NO_PAD.encode([1; 32]));
        for bad in [
            String::new(),
            "password".to_owned(),
            format!("$argon2id$v=19$m=4194304,t=2,p=1${salt}${output}"),
            format!("$argon2id$v=19$m=19456,t=4000000000,p=1${salt}${output}"),
            format!("$argon2id$v=19$m=19456,t=2,p=1000${salt}${output}"),
            format!("$argon2id$v=19$m=1,t=2,p=1${salt}${output}"),
            format!("$argon2id$v=18$m=19456,t=2,p=1${salt}${output}"),
            format!("$argon2id$v=19$m=19456,t=2,p=1,x=1${salt}${output}"),
            format!("$argon2id$v=19$m=19456,t=2,p=1${salt}$AAAAAAAAAAAAAA"),
            format!("$argon2id$v=19$m=19456,t=2,p=1$AQ${output}"),
            format!("$argon2id$v=19$m=19456,t=2,p=1${salt}"),
            format!("$scrypt$ln=16,r=8,p=1${salt}${output}"),
            "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW".to_owned(),
        ] {
            assert_eq!(
                verify(arena, &presented("password"), &stored(&bad)),
                Checked::Unreadable,
                "{bad}"
            );
        }
    }

    #[test]
    fn nobodys_hash_costs_what_any_other_does_and_matches_nothing() {
        let nobody = nobodys_hash();
        let somebody = hash(&mut Arena::default(), &secret("x"), &[0; SALT_LENGTH]).unwrap();
        let parameters = |hash: &PasswordHash| {
            let read = Stored::read(hash).unwrap();
            (read.argon2.params().clone(), read.salt.len(), read.output.len())
        };
        assert_eq!(parameters(&nobody), parameters(&somebody));
        assert_eq!(
            verify(&mut Arena::default(), &PresentedPassword::none(), &nobody),
            Checked::Mismatch
        );
    }
}
