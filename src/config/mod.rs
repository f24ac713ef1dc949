//! Typed settings, and the only reader of the environment.

mod public_url;

pub use public_url::{InvalidPublicUrl, PublicUrl, Scheme};
