//! Lists as authorities publish them: each file of `fixtures/field` under each set of options gives
//! its row of `expected.csv`.
//!
//! A row has the file, the options of `tidu check`, the rows read, the facts, the notes and the
//! warnings by reason, and parts of the refusal. A refused list has no rows and records nothing.

mod values;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tidu::{
    domain::AuthorityCode,
    import::{self, FileFault, Import, ImportError},
    lang::{Both, Lang},
};

use crate::support::{Fresh, TIDU};

const EXPECTED: &str = include_str!("../../fixtures/field/expected.csv");
const VALUES: &str = include_str!("../../fixtures/field/values.csv");

/// Counts by name.
type Counts = BTreeMap<String, usize>;

/// A row of `expected.csv`.
#[derive(serde::Deserialize)]
struct Expected {
    file: String,
    options: String,
    rows: Option<usize>,
    facts: String,
    notes: String,
    warnings: String,
    faults: String,
    why: String,
}

fn field(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/field").join(file)
}

/// `designated 2; review-passed 1` as counts.
fn counts(text: &str) -> Counts {
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, count) = part.rsplit_once(' ').unwrap();
            (name.to_owned(), count.parse().unwrap())
        })
        .collect()
}

fn count<T: Into<String>>(names: impl Iterator<Item = T>) -> Counts {
    names.fold(Counts::new(), |mut counts, name| {
        *counts.entry(name.into()).or_default() += 1;
        counts
    })
}

/// Runs a command on a file under the options of a row.
fn run(fresh: &Fresh, command: &str, row: &Expected, more: &[&str]) -> Output {
    let mut tidu = Command::new(TIDU);
    tidu.arg(command).arg(field(&row.file)).args(row.options.split_whitespace()).args(more);
    tidu.env("TIDU_SERVER", &fresh.server.address).output().unwrap()
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8(both).unwrap()
}

#[tokio::test]
async fn every_list_gives_its_row() {
    let fresh = Fresh::start();
    let mut faults = Vec::new();
    for row in csv::Reader::from_reader(EXPECTED.as_bytes()).deserialize::<Expected>() {
        let row = row.unwrap();
        assert!(!row.why.is_empty() && field(&row.file).is_file(), "{}", row.file);
        let found = if row.faults.is_empty() {
            is_accepted(&fresh, &row)
        } else {
            is_refused(&fresh, &row)
        };
        faults.extend(found.err().map(|why| format!("{} {}: {why}", row.file, row.options)));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    assert_eq!(fresh.client().await.status().await.log_size, 0, "a refused list was recorded");
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    (found == expected)
        .then_some(())
        .ok_or_else(|| format!("{what}: {found:?}, expected {expected:?}"))
}

fn is_accepted(fresh: &Fresh, row: &Expected) -> Result<(), String> {
    let list = read(&row.file, &row.options).map_err(|error| error.to_string())?;
    same("rows", &Some(list.rows.len()), &row.rows)?;
    let facts = list.rows.iter().map(|row| values::kind(&row.event));
    same("facts", &count(facts), &counts(&row.facts))?;
    let notes = list.report.notes.iter().map(|note| note.reason.as_str());
    same("notes", &count(notes), &counts(&row.notes))?;
    let checked = run(fresh, "check", row, &["-o", "json"]);
    if !checked.status.success() {
        return Err(said(&checked));
    }
    if row.warnings == "*" {
        return Ok(());
    }
    same("warnings", &warnings(&checked), &counts(&row.warnings))
}

/// Warnings of all commits by reason.
fn warnings(checked: &Output) -> Counts {
    let lines = String::from_utf8(checked.stdout.clone()).unwrap();
    let mut all = Counts::new();
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        for warning in line["warnings"].as_array().into_iter().flatten() {
            *all.entry(warning["reason"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    all
}

/// A list is refused by `check` and by `record`, in the same words, and nothing is recorded.
fn is_refused(fresh: &Fresh, row: &Expected) -> Result<(), String> {
    for command in ["check", "record"] {
        let output = run(fresh, command, row, &[]);
        let said = said(&output);
        if output.status.success() {
            return Err(format!("{command} accepts it: {said}"));
        }
        for part in row.faults.split('|') {
            // A table breaks long cells into lines.
            let joined: String = said.split_whitespace().collect();
            if !said.contains(part) && !joined.contains(&part.replace(' ', "")) {
                return Err(format!("{command} does not say {part:?}: {said}"));
            }
        }
    }
    Ok(())
}

/// Values that a file must give, beside the counts.
#[test]
fn every_value_is_read_as_the_file_means_it() {
    #[derive(serde::Deserialize)]
    struct Value {
        file: String,
        options: String,
        row: u32,
        field: String,
        value: String,
    }
    let mut faults = Vec::new();
    for value in csv::Reader::from_reader(VALUES.as_bytes()).deserialize::<Value>() {
        let value = value.unwrap();
        let place = format!("{} row {} {}", value.file, value.row, value.field);
        let found = match read(&value.file, &value.options) {
            Err(error) => error.to_string(),
            Ok(list) => match list.rows.iter().find(|row| row.row == value.row) {
                None => "no such row".to_owned(),
                Some(row) => values::value(&row.event, &value.field),
            },
        };
        if found != value.value {
            faults.push(format!("{place}: {found:?}, expected {:?}", value.value));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Reads a file as `record` does under these options.
fn read(file: &str, options: &str) -> Result<Import, ImportError> {
    let bytes = fs::read(field(file)).unwrap();
    let authority_of = |name: &str| AuthorityCode::from_name(name).map(AuthorityCode::as_str);
    import::read(file, &bytes, &values::options(options), authority_of)
}

/// Each fault and each note of a list that was found in the field is said in both languages.
#[test]
fn a_clerk_reads_every_fault_and_note_in_chinese() {
    let mut seen = 0;
    for row in csv::Reader::from_reader(EXPECTED.as_bytes()).deserialize::<Expected>() {
        let row = row.unwrap();
        let texts = match read(&row.file, &row.options) {
            // The cause is in the words of the library that found it.
            Err(ImportError::File { fault, .. })
                if matches!(*fault, FileFault::Workbook { .. }) =>
            {
                Vec::new()
            }
            Err(ImportError::Rows(faults)) => {
                faults.iter().map(|fault| fault.message.clone()).collect()
            }
            Err(error) => vec![Both::made(|| error.to_string())],
            Ok(list) => list.report.notes.iter().map(|note| note.message.clone()).collect(),
        };
        for text in texts.iter().filter(|text| !text.en().starts_with("not a ")) {
            let said = Lang::Zh.speaking(|| text.to_string());
            let has_chinese = said.chars().any(|c| ('\u{4E00}'..='\u{9FFF}').contains(&c));
            assert!(has_chinese && said != text.en(), "{}: {said}", row.file);
            assert!(!is_english(&said) && !said.contains(['{', '}']), "{}: {said}", row.file);
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen} texts");
}

/// True if four English words follow one another, as only in a sentence.
fn is_english(text: &str) -> bool {
    let is_word = |word: &&str| word.len() > 1 && word.bytes().all(|b| b.is_ascii_lowercase());
    let words: Vec<&str> = text.split(' ').collect();
    words.windows(4).any(|words| words.iter().all(&is_word))
}
