//! E-mail addresses.

use super::{PersonalData, narrow};
use crate::domain::characters::is_hidden;

/// Finds an e-mail address: a local part, a mark, and a domain with a dot and letters at its end.
pub(super) fn find(text: &str) -> Option<PersonalData> {
    let marks = text.char_indices().filter(|(_, c)| matches!(c, '@' | '＠'));
    let mut around =
        marks.filter_map(|(at, mark)| Some((text.get(..at)?, text.get(at + mark.len_utf8()..)?)));
    around.any(|(before, after)| is_address(before, after)).then_some(PersonalData::MailAddress)
}

fn is_address(before: &str, after: &str) -> bool {
    let mut local = before.chars().rev().map(narrow).filter(|c| !is_hidden(*c));
    let mut domain = after.chars().map(narrow).filter(|c| !is_hidden(*c));
    // Spaces on both sides of the mark keep it readable.
    let Some(mut last) = local.next() else { return false };
    if last == ' ' && after.starts_with([' ', '\u{3000}']) {
        domain.next();
        last = local.next().unwrap_or(' ');
    }
    let is_local = |c: char| c.is_alphanumeric() || "._%+-'\"".contains(c);
    is_local(last) && is_domain(domain)
}

/// True if a text begins with a domain. The name `logo@2x.png` of a picture has none.
fn is_domain(text: impl Iterator<Item = char> + Clone) -> bool {
    let mut start = text.clone();
    let is_scale = start.next().is_some_and(|c| c.is_ascii_digit())
        && start.next() == Some('x')
        && start.next() == Some('.');
    let (mut labels, mut letters, mut others) = (0, 0, 0);
    for c in text {
        match c {
            '.' if letters + others > 0 => (labels, letters, others) = (labels + 1, 0, 0),
            _ if c.is_ascii_alphabetic() => letters += 1,
            '0'..='9' | '-' => others += 1,
            _ => break,
        }
    }
    // A full stop may follow the address.
    let ends_in_letters = (letters >= 2 && others == 0) || (letters + others == 0 && labels > 1);
    labels > 0 && ends_in_letters && !is_scale
}
