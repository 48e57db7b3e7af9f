//! Numbers in Arabic and Chinese digits.

/// `7`, `七`, `十七`, `二十`, `九十九`.
pub(in crate::import) fn chinese_number(text: &str) -> Option<u32> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok();
    }
    let digit = |text: &str, if_empty: u32| {
        let mut characters = text.chars();
        let Some(character) = characters.next() else { return Some(if_empty) };
        let value = (1_u32..).zip("一二三四五六七八九".chars()).find(|(_, c)| *c == character)?.0;
        characters.next().is_none().then_some(value)
    };
    match text.split_once('十') {
        Some((tens, ones)) => Some(digit(tens, 1)? * 10 + digit(ones, 0)?),
        None => digit(text, 0).filter(|value| *value > 0),
    }
}
