//! What things are. Pure: no database, no web, no I/O. Everything here is made by a
//! `parse` or a constructor that checks, so that a value of a type is a valid one.

pub mod activity;
pub mod after_sign_in;
pub mod allowance;
pub mod application;
pub mod audit;
pub mod authorization_code;
pub mod authorization_request;
pub mod clock;
pub mod consent;
pub mod domain_claim;
pub mod email_address;
pub mod email_code;
pub mod entropy;
pub mod identity;
pub mod ids;
pub mod logo;
pub mod mail_order;
pub mod member;
pub mod one_time_token;
pub mod parameters;
pub mod password;
pub mod pkce;
pub mod provider;
pub mod redirect_uri;
pub mod refresh_family;
pub mod role;
pub mod scope;
pub mod secret;
pub mod session;
pub mod signing_key;
pub mod tenant;
pub mod upstream_sign_in;
pub mod upstream_token;
pub mod user;
