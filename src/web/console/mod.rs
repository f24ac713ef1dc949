//! The console: where tenants' admins configure their apps.

mod access;
pub mod accounts;
mod application_form;
pub mod applications;
pub mod audit;
mod audit_export;
pub mod branding;
pub mod deployment;
mod done;
pub mod host;
pub mod keys;
pub mod lifetimes;
pub mod logo;
pub mod mail;
pub mod members;
pub mod new_application;
pub mod new_user;
mod number;
pub mod overview;
mod paging;
mod posted;
pub mod providers;
pub mod roles;
pub mod settings;
pub mod setup;
pub mod sign_in;
pub mod sign_in_methods;
mod snippets;
mod stale;
pub mod tenants;
pub mod trial;
pub mod user;
pub mod users;
mod view;

pub use access::browser_session;
