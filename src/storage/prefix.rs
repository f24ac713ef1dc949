//! Finding by the beginning of a text, by an index.

/// What sorts right after all that begins with `prefix`: texts are compared byte by byte, and no character
/// sorts after the last one.
pub(super) fn past(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}
