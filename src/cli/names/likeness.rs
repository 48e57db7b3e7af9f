//! Names that are the same, or alike.

use unicode_normalization::UnicodeNormalization as _;

/// The entries of a list that a text is the most like; `None` if it is none of them.
pub(crate) fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = key(text);
    let all: Vec<&str> = known.collect();
    let is_part = |name: &&&str| wanted.chars().count() > 2 && key(name).contains(&wanted);
    let parts: Vec<_> = all.iter().filter(is_part).copied().collect();
    if !parts.is_empty() {
        return parts;
    }
    all.into_iter().filter(|name| is_near(&wanted, &key(name))).collect()
}

/// A name without case, width, spaces, brackets, quotation marks and other punctuation.
pub(super) fn key(text: &str) -> String {
    let folded = text.nfkc().filter(|c| c.is_alphanumeric());
    folded.flat_map(char::to_lowercase).collect()
}

/// True if two keys differ in at most one of three characters.
pub(super) fn is_near(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let most = a.len().min(b.len()) / 3;
    most > 0 && a.len().abs_diff(b.len()) <= most && distance(&a, &b) <= most
}

/// Characters to insert, delete or replace to make one text the other.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (to, above) in b.iter().zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(from != to);
            left = replaced.min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_single_characters() {
        let between = |a: &str, b: &str| {
            distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>())
        };
        for (a, b, expected) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "abd", 1),
            ("abc", "ac", 1),
            ("", "ab", 2),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!((between(a, b), between(b, a)), (expected, expected), "{a} {b}");
        }
    }
}
