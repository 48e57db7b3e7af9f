//! The values of enums by their words, in English and in Chinese.

use super::likeness::{key, nearest};
use crate::{
    cli::print::Worded,
    lang::{Lang, comma, say},
};

/// The number of an enum value, from its word: `review-pending`, `REVIEW_PENDING`, 到期待复核.
pub(crate) fn enum_value<E: Worded>(text: &str) -> Result<i32, String> {
    let wanted = key(text);
    let is_meant = |value: &E| [&*value.machine(), value.chinese()].map(key).contains(&wanted);
    if let Some(value) = E::all().find(is_meant) {
        return Ok(value.into());
    }
    let words: Vec<String> = E::all().map(shown).collect();
    let near = nearest(text, words.iter().map(String::as_str));
    let (near, known) = (joined(&near), joined(&words));
    let meant = match near.as_str() {
        "" => String::new(),
        near => say!(en: "did you mean {near}? ", zh: "是否指 {near}？"),
    };
    Err(say!(en: "{meant}the values are {known}", zh: "{meant}可用的值：{known}"))
}

/// A word as people may type it; in Chinese both words.
fn shown<E: Worded>(value: E) -> String {
    match Lang::current() {
        Lang::En => value.machine(),
        Lang::Zh => format!("{}（{}）", value.chinese(), value.machine()),
    }
}

fn joined<T: AsRef<str>>(words: &[T]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    words.join(comma())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::pb::{EventKind, RevocationGround, TitleStatus};

    #[test]
    fn values_are_found_by_their_words_in_both_languages() {
        let active = Ok(TitleStatus::Active.into());
        for word in ["active", "ACTIVE", " Active", "有效"] {
            assert_eq!(enum_value::<TitleStatus>(word), active, "{word}");
        }
        let pending = Ok(TitleStatus::NotDesignated.into());
        for word in ["not-designated", "NOT_DESIGNATED", "not designated", "未认定"] {
            assert_eq!(enum_value::<TitleStatus>(word), pending, "{word}");
        }
        assert_eq!(enum_value::<EventKind>("认定"), Ok(EventKind::Designated.into()));
        let ground = Ok(RevocationGround::Falsification.into());
        assert_eq!(enum_value::<RevocationGround>("数据造假"), ground);
    }

    #[test]
    fn another_word_is_refused_with_the_likeliest_and_all() {
        let near = enum_value::<TitleStatus>("activ").unwrap_err();
        assert!(near.starts_with("did you mean active? the values are pending, "), "{near}");
        let none = enum_value::<TitleStatus>("x").unwrap_err();
        assert!(none.starts_with("the values are "), "{none}");
        assert!(enum_value::<TitleStatus>("").is_err());
        assert!(enum_value::<TitleStatus>("unspecified").is_err());
    }
}
