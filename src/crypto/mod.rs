//! The cryptography: what proves, hides, signs and hashes. Keys and randomness come in as arguments;
//! nothing here reads a database, the network or the clock's hour. Secrets are zeroised when dropped
//! and never printed.

pub mod digest;
pub mod entropy;
mod fair_queue;
pub mod hashing_threads;
pub mod jwt;
pub mod mac;
pub mod master_key;
pub mod password;
pub mod password_strength;
pub mod refresh_token;
pub mod seal;
