use proptest::prelude::*;
use unicode_width::UnicodeWidthStr as _;

use super::*;
use crate::cli::print::cells::Heading;

/// Headings of the given weights: `a`, `b`, `c` and so on.
fn headings(drops: &[u8]) -> Vec<TableColumn> {
    const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    let heading =
        |(name, drops): (&&'static str, &u8)| Heading::new(name, name, name).drops(*drops);
    NAMES.iter().zip(drops).map(|pair| heading(pair).into()).collect()
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<Cell> {
    cells.map(Cell::from).into()
}

fn laid_out(headings: &[TableColumn], rows: &[Vec<Cell>], width: Option<usize>) -> String {
    Layout { headings, rows, width, is_coloured: false }.text()
}

/// The lines of a text without the space at their ends.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim_end).collect()
}

#[test]
fn a_table_has_a_heading_and_a_line_below_it_and_below_the_rows() {
    let rows = [row(["one", "two"]), row(["three", ""])];
    let text = laid_out(&headings(&[0, 0]), &rows, None);
    let rule = "─────────────";
    let [head, above, first, second, below] = lines(&text)[..] else { panic!("{text}") };
    assert_eq!([head, first, second], [" a      b", " one    two", " three"], "{text}");
    assert!(above == below && above.starts_with(&rule[..9]), "{text}");
}

#[test]
fn a_narrow_terminal_loses_the_columns_of_the_largest_number_first() {
    let headings = headings(&[0, 2, 1, 3]);
    let rows = [row(["aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd"])];
    for (width, shown) in [
        (40, "a b c d"),
        (39, "a b c"),
        (30, "a b c"),
        (29, "a c"),
        (20, "a c"),
        (19, "a"),
        (10, "a"),
    ] {
        let text = laid_out(&headings, &rows, Some(width));
        let heads: Vec<_> = text.lines().next().unwrap().split_whitespace().collect();
        assert_eq!(heads.join(" "), shown, "{width}: {text}");
        let names = |text: &str| text.contains("left out, because the terminal is narrow");
        let told = lines(&text).join(" ");
        assert_eq!(names(&told), shown != "a b c d", "{width}: {text}");
    }
    let text = laid_out(&headings, &rows, Some(29));
    assert!(
        lines(&text).join(" ").contains("narrow: b, d (-o csv and -o json have all)"),
        "{text}"
    );
    assert!(laid_out(&headings, &rows, None).contains("dddddddd"), "no terminal drops nothing");
}

#[test]
fn columns_that_stay_wrap_at_spaces_and_their_rows_are_told_apart() {
    let rows = [row(["one two three", "four five six"]), row(["seven", "eight"])];
    let text = laid_out(&headings(&[0, 0]), &rows, Some(20));
    assert!(text.contains('┈'), "{text}");
    assert!(text.lines().all(|line| line.width() <= 20), "{text}");
    for word in ["one", "two", "three", "four", "five", "six", "seven", "eight"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(!laid_out(&headings(&[0, 0]), &rows, Some(40)).contains('┈'), "nothing wraps");
}

#[test]
fn what_does_not_fit_beside_each_other_becomes_blocks() {
    let rows = [row(["甲乙丙丁戊己", "a word", ""]), row(["庚", "x", "y"])];
    let text = laid_out(&headings(&[0, 0, 0]), &rows, Some(16));
    let expected = ["a  甲乙丙丁戊己", "b  a word", "┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈", "a  庚", "b  x", "c  y"];
    assert_eq!(lines(&text), expected, "an empty cell has no line");
    // A word that does not fit beside its heading begins below it.
    let text = laid_out(&headings(&[0, 0]), &[row(["甲乙丙丁", "x y"])], Some(10));
    assert_eq!(lines(&text), ["a", "  甲乙丙丁", "b  x y"]);
    // Texts of blocks wrap, Chinese ones after their marks.
    let text = laid_out(&headings(&[0, 0]), &[row(["一二三，四五六", "one two three"])], Some(11));
    assert_eq!(lines(&text), ["a  一二三，", "   四五六", "b  one two", "   three"]);
}

#[test]
fn a_chinese_character_takes_two_columns() {
    let rows = [row(["甲公司", "x"]), row(["abc", "y"])];
    let text = laid_out(&headings(&[0, 0]), &rows, None);
    assert!(text.contains(" 甲公司  x") && text.contains(" abc     y"), "{text}");
    let fits = laid_out(&headings(&[0, 1]), &rows, Some(8 + 3));
    assert!(fits.contains('x'), "{fits}");
    let narrow = laid_out(&headings(&[0, 1]), &rows, Some(8 + 2));
    assert!(!narrow.contains('x'), "{narrow}");
}

#[test]
fn counts_are_at_the_right_and_codes_at_the_left() {
    let heads: Vec<TableColumn> = ["count", "code number", "mixed number", "count or none"]
        .map(|name| Heading::new(name, name, name).into())
        .into();
    let row = |count: u64, code: &str, mixed: Cell, dash: Cell| {
        vec![count.into(), code.into(), mixed, dash]
    };
    let rows = [
        row(7, "110000", "none known".into(), "–".into()),
        row(1_000, "4403", 12_u64.into(), 100_u64.into()),
    ];
    let text = laid_out(&heads, &rows, None);
    assert_eq!(lines(&text)[2], "     7  110000       none known                –", "{text}");
    assert_eq!(lines(&text)[3], "  1000  4403         12                      100", "{text}");
}

#[test]
fn colours_are_there_only_when_they_are_asked_for() {
    let heads = headings(&[0, 0]);
    let rows = [vec![Cell::from("active").tone(Tone::Good), Cell::from("x").tone(Tone::Bad)]];
    let coloured =
        |width| Layout { headings: &heads, rows: &rows, width, is_coloured: true }.text();
    let plain = laid_out(&heads, &rows, None);
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    // Green and red; the headings are bold.
    for code in ["\u{1b}[38;5;10m", "\u{1b}[38;5;9m", "\u{1b}[1m"] {
        assert!(coloured(None).contains(code), "{code:?}: {:?}", coloured(None));
    }
    // Blocks have colours as well.
    assert!(coloured(Some(7)).contains("\u{1b}[32mactive\u{1b}[0m"), "{:?}", coloured(Some(7)));
}

#[test]
fn cells_cannot_obey_a_terminal() {
    let rows = [row(["a\u{1b}[2J\nb", "x"])];
    for width in [None, Some(80), Some(6)] {
        let text = laid_out(&headings(&[0, 0]), &rows, width);
        assert!(!text.contains('\u{1b}') && text.contains("\\u{1b}"), "{text:?}");
    }
}

#[test]
fn texts_wrap_at_spaces_and_after_chinese_marks() {
    for (text, width, expected) in [
        ("", 5, &[""][..]),
        ("one two", 7, &["one two"]),
        ("one two", 6, &["one", "two"]),
        ("longer than", 3, &["longer", "than"]),
        ("甲，乙", 6, &["甲，乙"]),
        ("甲，乙", 5, &["甲，", "乙"]),
        ("甲，乙 丙", 5, &["甲，", "乙 丙"]),
    ] {
        assert_eq!(wrapped(text, width), expected, "{text:?} in {width}");
    }
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,9}", "[甲乙丙丁]{1,6}", "[0-9]{1,6}"]
}

fn cell() -> impl Strategy<Value = String> {
    prop::collection::vec(word(), 0..5).prop_map(|words| words.join(" "))
}

prop_compose! {
    fn tables()(weights in prop::collection::vec(0_u8..4, 1..6))
        (rows in prop::collection::vec(prop::collection::vec(cell(), weights.len()), 1..5),
        weights in Just(weights)) -> (Vec<u8>, Vec<Vec<String>>) {
        (weights, rows)
    }
}

proptest! {
    /// No word is broken, none of a column that must be shown is lost, and no line is wider than
    /// the terminal unless it holds a word that is.
    #[test]
    fn a_table_fits_and_has_its_words((weights, texts) in tables(), width in 8_usize..120) {
        let heads = headings(&weights);
        let rows: Vec<Vec<Cell>> =
            texts.iter().map(|row| row.iter().map(Cell::from).collect()).collect();
        let text = laid_out(&heads, &rows, Some(width));
        let shown: Vec<_> = text.split_whitespace().collect();
        let kept = texts.iter().flat_map(|row| row.iter().zip(&weights));
        for (cell, _) in kept.filter(|(_, weight)| **weight == 0) {
            for word in cell.split_whitespace() {
                prop_assert!(shown.contains(&word), "{word} is lost or broken\n{text}");
            }
        }
        let all = texts.iter().flatten().flat_map(|cell| cell.split_whitespace());
        let notes = "left out, because the terminal is narrow: (-o csv and -o json have all)";
        let known: Vec<_> = all.chain(notes.split_whitespace()).collect();
        for word in &shown {
            let is_name = word.trim_end_matches(',').len() == 1;
            let is_line = word.chars().all(|c| "─┈".contains(c));
            prop_assert!(known.contains(word) || is_name || is_line, "{word} is broken\n{text}");
        }
        for line in text.lines().filter(|line| line.trim_end().width() > width) {
            prop_assert_eq!(line.split_whitespace().count(), 1, "a wide line\n{}", text);
        }
    }
}
