//! Mail: what each letter says, and sending what was ordered.

pub mod delivery;
pub mod health;
mod letters;
mod turns;
