//! What Doorward answers over HTTP, on SQLite and on PostgreSQL: a file per behaviour.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod authorization_code;
mod harness;
mod isolation;
mod key_rotation;
mod operations;
mod rotation;
mod rust_clients;
