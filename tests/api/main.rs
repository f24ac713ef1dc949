//! What Doorward answers over HTTP, on SQLite and on PostgreSQL: a file per behaviour.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod account;
mod authorization_code;
mod authorize;
mod clients;
mod consent;
mod console;
mod console_pages;
mod cors;
mod discovery;
mod email_code;
mod federation;
mod guessing;
mod harness;
mod host_verification;
mod hosts;
mod housekeeping;
mod introspection;
mod isolation;
mod json_api;
mod json_api_cookie;
mod json_api_refresh;
mod json_api_register;
mod key_rotation;
mod login_page;
mod logout;
mod mail;
mod malformed;
mod malformed_parameters;
mod operations;
mod outage;
mod overload;
mod pending_requests;
mod pre_hijacking;
mod prompts;
mod recovery;
mod refresh;
mod revocation;
mod rotation;
mod rust_clients;
mod sign_up;
mod slow_clients;
mod timing;
mod upstream_tokens;
mod userinfo;
