//! Doorward: a hosted, multi-tenant sign-in service.
//!
//! The modules in reading order; each knows only those above it (`tests/architecture.rs`):
//!
//! ```text
//! domain      what things are, without I/O
//! messages    what people read, in their language
//! config      typed settings            crypto   passwords, tokens, sealing
//! storage     the database              mail     SMTP, and the mailbox of `dev`
//! upstream    Google, GitHub and others, as their client sees them
//! dns         TXT records
//! flows       the use cases
//! web         HTTP                      jobs     housekeeping       cli   commands
//! ```

#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod domain;
pub mod messages;

pub mod config;
pub mod crypto;
pub mod dns;
pub mod mail;
pub mod storage;
pub mod upstream;

pub mod flows;

pub mod jobs;
pub mod web;

pub mod cli;
