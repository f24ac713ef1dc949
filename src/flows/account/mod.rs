//! What users do: sign in, sign up, keep and end sessions.

pub mod direct;
pub mod session;
pub mod sign_in;
pub mod sign_up;
