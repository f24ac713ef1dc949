//! The pages that a tenant's users see.

pub mod account;
pub mod login;
mod page;
#[cfg(test)]
mod samples;
pub mod welcome;

pub use page::{Page, PageError, Policy, render};
