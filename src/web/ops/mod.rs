//! For those who run the deployment.

pub mod health;
pub mod metrics;
