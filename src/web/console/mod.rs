//! The console: where tenants' admins configure their apps.

mod access;
pub mod applications;
pub mod audit;
pub mod keys;
pub mod members;
pub mod overview;
pub mod roles;
pub mod setup;
pub mod sign_in;
pub mod tenants;
pub mod trial;
pub mod users;
mod view;

pub use access::browser_session;
