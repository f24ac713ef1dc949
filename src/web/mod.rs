//! HTTP: actix-web and askama, and only here. A handler extracts typed input, calls one flow and presents
//! what came of it. `routes` is the table of all there is.

pub mod assets;
pub mod console;
mod cookies;
pub mod cors;
pub mod csrf;
pub mod error;
mod etag;
pub mod extract;
pub mod headers;
pub mod metrics;
pub mod request_log;
pub mod routes;
mod sentence;
pub mod server;
pub mod session_store;
pub mod state;

mod api;
mod hosted;
mod oauth;
mod ops;
mod unread_body;
