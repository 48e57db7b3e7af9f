//! Each test protects one rule of reading lists; the enterprises are fictional.

mod bombs;
mod cells;
mod codes;
mod columns;
mod dates;
mod facts;
mod hidden;
mod html;
mod json;
mod kinds;
mod lone;
mod ods;
mod places;
mod rows;
mod sections;
mod text;
mod titles;
mod values;
mod workbook;
mod xls;

use super::*;
use crate::{lang::Lang, protocol::pb::event::Fact};

const CODE: &str = "91110000MA00000152";

/// Some authorities; the real table belongs to the domain.
fn authority_of(name: &str) -> Option<&'static str> {
    match name {
        "北京市" | "北京" => Some("110000"),
        "广东省" | "广东" | "广东省工业和信息化厅" => Some("440000"),
        "深圳市" => Some("440300"),
        "工业和信息化部" => Some("100000"),
        _ => None,
    }
}

/// Options under which a list needs only names.
fn options() -> Options {
    let text = |text: &str| Some(text.to_owned());
    Options {
        authority: text("100000"),
        programme: text("little-giant"),
        batch: text("1"),
        date: text("2019-06-05"),
        ..Options::default()
    }
}

fn choose(field: &str, header: &str) -> Options {
    Options { columns: vec![(field.to_owned(), header.to_owned())], ..options() }
}

fn read_with(options: &Options, bytes: impl AsRef<[u8]>) -> Result<Import, ImportError> {
    read("list", bytes.as_ref(), options, authority_of)
}

#[track_caller]
fn import(bytes: impl AsRef<[u8]>) -> Import {
    read_with(&options(), bytes).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn refusal(bytes: impl AsRef<[u8]>) -> String {
    refusal_with(&options(), bytes)
}

#[track_caller]
fn refusal_with(options: &Options, bytes: impl AsRef<[u8]>) -> String {
    match read_with(options, bytes) {
        Ok(import) => panic!("was read: {:?}", import.rows),
        Err(error) => {
            assert_is_in_both(&error);
            error.to_string()
        }
    }
}

/// A fault says in Chinese what it says in English, and only values and options stay as they are.
/// The cause of damage that a library found is in the words of that library.
#[track_caller]
fn assert_is_in_both(error: &ImportError) {
    match error {
        ImportError::File { fault, .. } if matches!(**fault, FileFault::Workbook { .. }) => {}
        ImportError::Rows(faults) => faults.iter().for_each(|fault| {
            if !fault.message.en().starts_with("not a ") {
                assert_is_chinese(&Lang::Zh.speaking(|| fault.to_string()));
            }
        }),
        error => assert_is_chinese(&Lang::Zh.speaking(|| error.to_string())),
    }
}

/// Fails for a text without Chinese, with an English sentence in it, or with a hole.
#[track_caller]
fn assert_is_chinese(text: &str) {
    let has_chinese = text.chars().any(|c| ('\u{4E00}'..='\u{9FFF}').contains(&c));
    let is_word = |word: &&str| word.len() > 1 && word.bytes().all(|b| b.is_ascii_lowercase());
    let words: Vec<&str> = text.split(' ').collect();
    let sentence = words.windows(4).find(|words| words.iter().all(is_word));
    assert!(has_chinese && sentence.is_none() && !text.contains(['{', '}']), "{text}");
}

#[track_caller]
fn assert_says(text: &(impl std::fmt::Display + ?Sized), parts: &[&str]) {
    let (text, chinese) = (text.to_string(), Lang::Zh.speaking(|| text.to_string()));
    if chinese != text {
        assert_is_chinese(&chinese);
    }
    for part in parts {
        assert!(text.contains(part), "{text:?} does not say {part:?}");
    }
}

fn date(year: i32, month: i32, day: i32) -> Option<pb::Date> {
    Some(pb::Date { year, month, day })
}

/// Names in the rows that were read, for any fact.
fn names(import: &Import) -> Vec<&str> {
    import.rows.iter().map(name).collect()
}

fn name(row: &ImportedRow) -> &str {
    let profile = match &row.event.fact {
        Some(Fact::Designated(fact)) => fact.profile.as_ref(),
        Some(Fact::NoticeOpened(fact)) => fact.profile.as_ref(),
        _ => None,
    };
    profile.map_or("", |profile| profile.name.as_str())
}

#[track_caller]
fn designated(import: &Import, at: usize) -> &pb::Designated {
    match &import.rows[at].event.fact {
        Some(Fact::Designated(fact)) => fact,
        other => panic!("not designated: {other:?}"),
    }
}

fn skipped(import: &Import) -> Vec<(u32, &str)> {
    import.report.sheets.iter().flat_map(|s| &s.skipped).map(|s| (s.row, s.why.en())).collect()
}
