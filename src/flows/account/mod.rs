//! What users do: sign in, sign up, recover, look after their account, keep and end sessions.

pub mod authority;
pub mod claim;
pub mod direct;
pub mod email_change;
pub mod email_code;
mod password_choice;
pub mod profile;
pub mod recovery;
pub mod session;
pub mod sign_in;
pub mod sign_up;
pub mod throttle;
pub mod verification;
