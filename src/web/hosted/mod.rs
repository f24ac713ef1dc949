//! The pages that a tenant's users see.

pub mod account;
pub mod account_delete;
pub mod account_email;
pub mod account_password;
pub mod afresh;
pub mod check_mail;
pub mod consent;
pub mod email_code;
pub mod federation;
pub mod federation_button;
pub mod federation_identities;
pub mod federation_link;
pub mod federation_refused;
pub mod forgot_password;
mod forms;
pub mod login;
pub mod logo;
pub mod mailbox;
mod page;
mod pending;
pub mod reset_password;
#[cfg(test)]
mod samples;
pub mod sign_up;
pub mod verify_email;
pub mod welcome;
mod words;

pub use page::{Page, PageError, Policy, render, render_as};
