//! The texts around a number.

use super::narrow;
use crate::domain::characters::is_hidden;

/// Latin words that introduce a mobile number without a space.
const INTRODUCTIONS: [&str; 17] = [
    "tel",
    "telephone",
    "phone",
    "mobile",
    "mob",
    "mp",
    "cell",
    "cellphone",
    "hp",
    "sj",
    "sjh",
    "dh",
    "wx",
    "vx",
    "weixin",
    "wechat",
    "contact",
];
/// Words directly before a telephone number that make it somebody's.
const TELEPHONES: [&str; 7] = ["电话", "手机", "座机", "联系方式", "tel", "phone", "mobile"];
/// Words before the name and the number of somebody.
const CONTACTS: [&str; 4] = ["联系人", "联络人", "经办人", "负责人"];
/// The most characters between such a word and the number.
const NAME_CHARS_MAX: usize = 8;
/// What may follow a word for a telephone.
const AFTER_WORD: [&str; 5] = ["号码", "号", "为", "是", "电话"];

/// The letters and digits that end a text, the last one first.
fn last_word(before: &str) -> impl Iterator<Item = char> {
    let visible = before.chars().rev().filter(|c| !is_hidden(*c)).map(narrow);
    visible.take_while(char::is_ascii_alphanumeric)
}

/// True unless digits and letters are mixed before a number, as in a digest.
pub(super) fn are_letters_before(before: &str) -> bool {
    last_word(before).all(|c| c.is_ascii_alphabetic())
}

/// True if a mobile number may follow directly: the model `A13800000000` is not one.
pub(super) fn may_introduce(before: &str) -> bool {
    let is = |word: &&str| {
        let letters = word.chars().rev();
        last_word(before).map(|c| c.to_ascii_lowercase()).eq(letters)
    };
    last_word(before).next().is_none() || INTRODUCTIONS.iter().any(is)
}

/// True if a letter follows directly.
pub(super) fn is_glued(after: &str) -> bool {
    let next = after.chars().find(|c| !is_hidden(*c)).map(narrow);
    next.is_some_and(|c| c.is_ascii_alphabetic())
}

/// True if a number of a web address is a part of its own: a folder, or the value of a parameter
/// that does not name a page. File names of pages often have eleven digits.
pub(super) fn is_alone(before: &str, after: &str) -> bool {
    if !after.is_empty() && !after.starts_with(['/', '?', '&', '#', ';', ',', ' ', ')']) {
        return false;
    }
    match before.strip_suffix('=') {
        Some(parameter) => {
            let mut name = last_word(parameter).map(|c| c.to_ascii_lowercase());
            !(name.next() == Some('d') && name.next() == Some('i'))
        }
        None => {
            before.is_empty() || before.ends_with(['/', ':', ',', ';', '+', ' ', '(', '#', '?'])
        }
    }
}

/// True if the number after a text is somebody's telephone.
pub(super) fn are_of_contact(before: &str) -> bool {
    let is_mark = |c: char| !c.is_alphanumeric();
    let mut text = before.trim_end_matches(is_mark);
    while let Some(rest) = AFTER_WORD.iter().find_map(|word| text.strip_suffix(word)) {
        if ends_with_telephone(text) {
            return true;
        }
        text = rest.trim_end_matches(is_mark);
    }
    ends_with_telephone(text) || names_contact(text)
}

fn ends_with_telephone(text: &str) -> bool {
    TELEPHONES.iter().any(|word| {
        let tail = text.len().checked_sub(word.len()).and_then(|at| text.split_at_checked(at));
        tail.is_some_and(|(rest, last)| {
            let is_word = !word.is_ascii() || !rest.ends_with(|c: char| c.is_ascii_alphabetic());
            last.eq_ignore_ascii_case(word) && is_word
        })
    })
}

fn names_contact(text: &str) -> bool {
    let found = CONTACTS.iter().filter_map(|word| text.rfind(word).map(|at| at + word.len()));
    let between = found.max().and_then(|end| text.get(end..));
    between.is_some_and(|name| {
        name.chars().count() <= NAME_CHARS_MAX && !name.contains(|c: char| c.is_ascii_digit())
    })
}
