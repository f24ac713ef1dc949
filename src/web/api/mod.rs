//! The JSON API for frontends of one's own, `/v1/auth/…`.

mod body;
mod delivery;
mod envelope;
pub mod login;
pub mod logout;
pub mod me;
pub mod refresh;
pub mod register;
