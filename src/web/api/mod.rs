//! The JSON API for frontends of one's own, `/v1/auth/…`.

mod body;
mod delivery;
mod envelope;
pub mod forgot_password;
pub mod login;
pub mod logout;
pub mod me;
pub mod refresh;
pub mod register;
pub mod reset_password;
pub mod verify_email;
