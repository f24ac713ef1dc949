//! What the console does besides administration: signing its accounts in, the first account, and what its
//! pages tell of a tenant.

mod answer;
pub mod attention;
pub mod first_account;
pub mod overview;
pub mod preview;
pub mod sign_in;
pub mod trial;
