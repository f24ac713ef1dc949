//! The machine's source of random bytes.

use crate::domain::entropy::Entropy;

/// The operating system's generator, through AWS-LC.
pub struct OsEntropy;

impl Entropy for OsEntropy {
    /// Without randomness every secret made would be guessable: the process ends rather than make one.
    fn fill(&self, bytes: &mut [u8]) {
        if aws_lc_rs::rand::fill(bytes).is_err() {
            tracing::error!(
                "the operating system gives no random bytes; nothing can be signed or kept secret"
            );
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_fills_differ() {
        let (mut first, mut second) = ([0_u8; 32], [0_u8; 32]);
        OsEntropy.fill(&mut first);
        OsEntropy.fill(&mut second);
        assert_ne!(first, second);
        assert_ne!(first, [0; 32]);
    }
}
