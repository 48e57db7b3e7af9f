//! Templates: texts in which `{key}` is a value, and `[…]` is left out if one of its values is
//! missing.

/// A key in a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedKey {
    /// The name, without braces.
    pub name: &'static str,
    /// True inside brackets.
    pub is_optional: bool,
}

/// The keys of a template, in its order.
pub fn keys(template: &'static str) -> impl Iterator<Item = NamedKey> {
    sections(template).flat_map(|(text, is_optional)| {
        let names = text.split('{').skip(1).filter_map(|rest| rest.split('}').next());
        names.map(move |name| NamedKey { name, is_optional })
    })
}

/// The text of a template.
#[must_use]
pub fn fill(template: &'static str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::new();
    for (text, is_optional) in sections(template) {
        match with_values(text, &value) {
            Some(text) => filled.push_str(&text),
            None if is_optional => {}
            None => filled.push_str(text),
        }
    }
    filled
}

/// The parts of a template outside and inside brackets; true inside.
fn sections(template: &'static str) -> impl Iterator<Item = (&'static str, bool)> {
    template.split('[').enumerate().flat_map(|(i, text)| {
        let (inside, outside) = match text.split_once(']') {
            Some((inside, outside)) if i > 0 => (inside, outside),
            _ => ("", text),
        };
        [(inside, true), (outside, false)].into_iter().filter(|(text, _)| !text.is_empty())
    })
}

/// A text with its values; `None` if one is missing.
fn with_values(text: &str, value: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut filled = String::with_capacity(text.len());
    for (i, part) in text.split('{').enumerate() {
        match part.split_once('}') {
            Some((name, rest)) if i > 0 => {
                filled.push_str(&value(name)?);
                filled.push_str(rest);
            }
            _ => filled.push_str(part),
        }
    }
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "{a} and {b}[ (of {c})], ever[ {a}{c}]";

    #[test]
    fn a_section_is_left_out_if_a_value_is_missing() {
        let without = fill(TEMPLATE, |key| (key != "c").then(|| format!("<{key}{{}}>")));
        assert_eq!(without, "<a{}> and <b{}>, ever");
        assert_eq!(fill(TEMPLATE, |key| Some(key.to_owned())), "a and b (of c), ever ac");
    }

    #[test]
    fn the_keys_are_found_in_order() {
        let found: Vec<_> = keys(TEMPLATE).map(|key| (key.name, key.is_optional)).collect();
        assert_eq!(found, [("a", false), ("b", false), ("c", true), ("a", true), ("c", true)]);
        assert_eq!(keys("nothing").count(), 0);
    }
}
