//! Personal data in the identifiers of designees.

use super::{PersonalData, find, identity::is_identity_number, narrow};
use crate::domain::{Uscc, characters::is_hidden};

const CODE_CHARS: usize = 18;

/// The first personal data in an identifier of a designee, whatever its form.
///
/// A credit code of digits may look like an identity number, so in its place only those count that
/// [`is_identity_as_code`] tells.
#[must_use]
pub fn find_in_designee(text: &str) -> Option<PersonalData> {
    match code_of(text) {
        Some(code) => is_identity_as_code(&code).then_some(PersonalData::IdentityNumber),
        None => find(text),
    }
}

/// True if a code is an identity number, and not a credit code that looks like one: one in 31
/// identity numbers has the check character of a credit code, and most of these have a wrong
/// organisation code inside.
#[must_use]
pub fn is_identity_as_code(code: &str) -> bool {
    is_identity_number(code)
        && Uscc::parse(code).map_or(true, |code| !code.organisation_code_is_valid())
}

/// The 18 characters of a code, without spaces and hyphens; `None` if there are more or fewer.
fn code_of(text: &str) -> Option<String> {
    let is_mark =
        |c: &char| c.is_whitespace() || is_hidden(*c) || matches!(c, '-' | '‐'..='―' | '−');
    let kept = || text.chars().map(narrow).filter(|c| !is_mark(c));
    let fits = kept().take(CODE_CHARS + 1).count() == CODE_CHARS;
    (fits && kept().all(|c| c.is_ascii_alphanumeric())).then(|| kept().collect())
}
