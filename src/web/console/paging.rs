//! Lists a page at a time, by the key of the last line: a page costs the same wherever it is and however long the
//! list.

/// Lines on a page.
const PAGE: usize = 50;
/// What the database is asked for: one more line says that there are more.
pub const WANTED: i64 = 51;

/// Choices that are offered without a search.
const CHOICES: usize = 20;
pub const CHOICES_WANTED: i64 = 21;

/// Cuts what was found to a page, and says whether there is more.
pub fn cut<T>(found: &mut Vec<T>) -> bool {
    cut_to(PAGE, found)
}

/// The same for what a form offers.
pub fn cut_choices<T>(found: &mut Vec<T>) -> bool {
    cut_to(CHOICES, found)
}

fn cut_to<T>(length: usize, found: &mut Vec<T>) -> bool {
    let has_more = found.len() > length;
    found.truncate(length);
    has_more
}

/// The address of the next page: `page` with what it was asked for, and with where to go on.
pub fn next(page: &str, query: &[(&str, &str)]) -> String {
    let filled = query.iter().filter(|(_, value)| !value.is_empty());
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(filled).finish();
    format!("{page}?{query}")
}
