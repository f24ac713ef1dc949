//! Code in Rust that the console shows for pasting. The tests compile these very files and run them.

pub const SIGN_IN: &str = include_str!("../../../templates/console/snippets/sign_in.rs");
pub const VERIFY: &str = include_str!("../../../templates/console/snippets/verify.rs");
