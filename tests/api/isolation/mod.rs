//! Nothing of one tenant is usable or visible in another.

mod catalogue;
mod loot;
mod repositories;
mod routes;
