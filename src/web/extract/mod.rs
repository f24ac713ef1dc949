//! What handlers take as arguments: each value is checked before a handler sees it.

pub mod bearer;
pub mod browser;
pub mod client;
pub mod device;
pub mod form;
pub mod own_post;
pub mod owner;
pub mod query;
pub mod tenant;
pub mod upload;
