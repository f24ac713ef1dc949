//! Encrypting what the database holds and must be read back: private keys and upstream secrets.
//! What was sealed for one row opens for that row alone.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::master_key::{MasterKey, Purpose};
use crate::domain::entropy::Entropy;
use crate::domain::ids::TenantId;

const VERSION: u8 = 1;

/// Where the sealed value stands: it opens nowhere else, so rows cannot be swapped.
#[derive(Clone, Copy, Debug)]
pub struct SealContext<'a> {
    pub tenant: TenantId,
    pub table: &'static str,
    pub row: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sealed under another master key, for another row, or damaged")]
pub struct UnsealError;

/// AES-256-GCM-SIV (RFC 8452): should a nonce ever repeat, it shows no more than that two values are the same.
pub struct Sealer(LessSafeKey);

impl Sealer {
    pub fn new(master: &MasterKey) -> Self {
        let key = master.derive(Purpose::Sealing);
        #[expect(clippy::expect_used, reason = "fails for a key of another length alone")]
        let key = UnboundKey::new(&AES_256_GCM_SIV, &*key).expect("32 bytes");
        Self(LessSafeKey::new(key))
    }

    /// base64url of version ‖ nonce ‖ ciphertext and tag.
    pub fn seal(&self, entropy: &dyn Entropy, context: SealContext<'_>, plain: &[u8]) -> String {
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce);
        // Room for the tag, so that the plain text is not left behind by a growing buffer.
        let mut body = Zeroizing::new(Vec::with_capacity(plain.len() + AES_256_GCM_SIV.tag_len()));
        body.extend_from_slice(plain);
        #[expect(clippy::expect_used, reason = "fails beyond 2^36 bytes alone (RFC 8452 §6)")]
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                context.aad(),
                &mut *body,
            )
            .expect("a value that fits in memory");
        URL_SAFE_NO_PAD.encode([&[VERSION], nonce.as_slice(), body.as_slice()].concat())
    }

    pub fn open(
        &self,
        context: SealContext<'_>,
        sealed: &str,
    ) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| UnsealError)?;
        let Some((&VERSION, rest)) = bytes.split_first() else { return Err(UnsealError) };
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(UnsealError)?;
        let mut body = Zeroizing::new(body.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length =
            self.0.open_in_place(nonce, context.aad(), &mut body).map_err(|_| UnsealError)?.len();
        body.truncate(length);
        Ok(body)
    }
}

impl SealContext<'_> {
    /// version ‖ tenant ‖ length of table ‖ table ‖ row: only one context is written in each way.
    fn aad(&self) -> Aad<Vec<u8>> {
        let mut aad = vec![VERSION];
        aad.extend(self.tenant.to_bytes());
        aad.extend((self.table.len() as u64).to_be_bytes());
        aad.extend(self.table.as_bytes());
        aad.extend(self.row.as_bytes());
        Aad::from(aad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::entropy::OsEntropy;

    fn context(tenant: u8, table: &'static str, row: &'static str) -> SealContext<'static> {
        SealContext { tenant: TenantId::from_bytes([tenant; 16]), table, row }
    }

    fn here() -> SealContext<'static> {
        context(1, "signing_keys", "kid-1")
    }

    fn sealer() -> Sealer {
        Sealer::new(&MasterKey::generate(&OsEntropy))
    }

    #[test]
    fn what_was_sealed_opens_again() {
        let sealer = sealer();
        for plain in [b"".as_slice(), b"x", &[7; 2000]] {
            let sealed = sealer.seal(&OsEntropy, here(), plain);
            assert_eq!(sealer.open(here(), &sealed).unwrap().as_slice(), plain);
        }
    }

    #[test]
    fn the_same_value_is_never_sealed_alike() {
        let sealer = sealer();
        assert_ne!(
            sealer.seal(&OsEntropy, here(), b"secret"),
            sealer.seal(&OsEntropy, here(), b"secret")
        );
    }

    #[test]
    fn a_value_opens_for_its_own_row_alone() {
        let sealer = sealer();
        let sealed = sealer.seal(&OsEntropy, here(), b"secret");
        for elsewhere in [
            context(2, "signing_keys", "kid-1"),
            context(1, "providers", "kid-1"),
            context(1, "signing_keys", "kid-2"),
            // The same letters, cut elsewhere.
            context(1, "signing_key", "skid-1"),
            context(1, "signing_keysk", "id-1"),
        ] {
            assert_eq!(sealer.open(elsewhere, &sealed), Err(UnsealError), "{elsewhere:?}");
        }
    }

    #[test]
    fn a_value_opens_under_its_own_master_key_alone() {
        let sealed = sealer().seal(&OsEntropy, here(), b"secret");
        assert_eq!(sealer().open(here(), &sealed), Err(UnsealError));
    }

    #[test]
    fn a_change_in_any_bit_is_noticed() {
        let sealer = sealer();
        let sealed = URL_SAFE_NO_PAD.decode(sealer.seal(&OsEntropy, here(), b"secret")).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut tampered = sealed.clone();
            tampered[bit / 8] ^= 1 << (bit % 8);
            let tampered = URL_SAFE_NO_PAD.encode(tampered);
            assert_eq!(sealer.open(here(), &tampered), Err(UnsealError), "bit {bit}");
        }
    }

    #[test]
    fn what_is_not_a_sealed_value_is_refused() {
        let sealer = sealer();
        let whole = sealer.seal(&OsEntropy, here(), b"secret");
        for length in 0..whole.len() {
            assert_eq!(sealer.open(here(), &whole[..length]), Err(UnsealError), "{length}");
        }
        assert_eq!(sealer.open(here(), &format!("{whole}=")), Err(UnsealError));
        assert_eq!(sealer.open(here(), "no base64!"), Err(UnsealError));
    }
}
