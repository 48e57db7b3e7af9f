//! Lists as authorities publish them: separated text in any encoding, workbooks old and new, JSON
//! lines.

use std::{fs, process::Command};

use fastrand::Rng;
use tidu::{
    domain::{AuthorityCode, catalogue::Catalogue},
    import::{self, FactKind, Import, ImportError, Options},
    protocol::event,
};

use super::{
    corpus, fuzz,
    mutate::mutate,
    two,
    workbook::{mutate_workbook, parts},
};
use crate::support::{TIDU, directory, tools::is_there};

const FILE: &str = "the list";

fn authority_of(name: &str) -> Option<&'static str> {
    AuthorityCode::from_name(name).map(AuthorityCode::as_str)
}

/// What a caller says of a whole list.
fn options() -> Options {
    let text = |text: &str| Some(text.to_owned());
    Options {
        authority: text("440000"),
        programme: text("specialised-sme"),
        batch: text("2024-1"),
        date: text("2024-03-01"),
        ..Options::default()
    }
}

fn some_options(random: &mut Rng) -> Options {
    let facts = [FactKind::Designated, FactKind::Notice, FactKind::ReviewFailed, FactKind::Renamed];
    let fact = random.choice(facts).filter(|_| random.u8(0..4) == 0);
    let sheet = Some("名单".to_owned()).filter(|_| random.u8(0..8) == 0);
    Options { fact, sheet, ..options() }
}

/// Reads a list: rows in order, of which the rules make something, or an error that says where.
/// True if it is read.
fn check(catalogue: &Catalogue, options: &Options, bytes: &[u8]) -> bool {
    let Import { rows, report } = match import::read(FILE, bytes, options, authority_of) {
        Ok(import) => import,
        Err(error) => {
            match &error {
                ImportError::Rows(rows) => assert!(rows.iter().all(|row| row.row > 0), "{error}"),
                ImportError::File { file, .. } => assert_eq!(file, FILE),
                // The caller states what the list has not.
                ImportError::Option { option, .. } => assert!(option.starts_with("--")),
                ImportError::Schema => panic!("{error}"),
            }
            assert!(error.to_string().len() > 10, "{error}");
            return false;
        }
    };
    assert!(!rows.is_empty(), "{report:?}");
    assert!(rows.is_sorted_by_key(|row| row.row) || report.sheets.len() > 1, "{report:?}");
    for row in rows {
        // Accepted or not is for the rules to say.
        let _ = event::proposal(catalogue, 0, row.event);
    }
    true
}

#[test]
fn a_list_of_any_bytes_gives_rows_or_an_error_that_says_where() {
    let (corpus, catalogue) = (corpus("list"), Catalogue::built_in());
    for (name, bytes) in &corpus {
        // Events state everything themselves.
        let options = if name.ends_with(".jsonl") { Options::default() } else { options() };
        let why = import::read(FILE, bytes, &options, authority_of).err();
        assert_eq!(why.is_none(), !name.starts_with("found-"), "{name}: {why:?}");
        check(&catalogue, &options, bytes);
    }
    // Not the old workbooks, see below.
    let corpus: Vec<_> = corpus.into_iter().filter(|(name, _)| !name.ends_with(".xls")).collect();
    let fixed = fuzz("list", 1_500, |random| {
        let (input, donor) = two(random, &corpus);
        let bytes = match parts(input) {
            Some(parts) if random.u8(0..8) > 0 => mutate_workbook(random, parts),
            _ => mutate(random, input, donor),
        };
        [usize::from(check(&catalogue, &some_options(random), &bytes))]
    });
    let [read] = fixed.sums;
    assert!(read * 20 >= fixed.cases, "too few are read");
}

/// Address space of a process that reads an old workbook.
const XLS_BYTES_MAX: &str = "--as=2147483648";

/// The library that reads old workbooks makes room for all cells up to the last one, wherever a
/// damaged file says that it is. So these are read by the command itself, which may end over that,
/// under a limit, and must say so.
#[test]
fn an_old_workbook_of_any_bytes_ends_the_command_with_a_word() {
    if !is_there(&["prlimit", XLS_BYTES_MAX, "true"], "no old workbook was changed") {
        return;
    }
    let corpus: Vec<_> = corpus("list").into_iter().filter(|(n, _)| n.ends_with(".xls")).collect();
    let dir = directory();
    let file = dir.path().join("list.xls");
    let read_by_command = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        // Lists are read before a server is looked for, and here is none.
        let ended = Command::new("prlimit")
            .args([XLS_BYTES_MAX, TIDU, "record", "--server", "http://127.0.0.1:1"])
            .args(["--authority", "440000", "--programme", "specialised-sme", "--batch", "1"])
            .args(["--date", "2024-03-01"])
            .arg(&file)
            .output()
            .unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        let last = said.lines().last().unwrap_or_default();
        if matches!(ended.status.code(), Some(1 | 4)) {
            assert!(said.contains("tidu: "), "{said}");
            return usize::from(last.contains("cannot reach"));
        }
        assert!(said.contains("memory allocation of"), "{:?}: {said}", ended.status);
        0
    };
    // The gate: as it is, an old workbook is read. How many changed ones are is up to chance.
    for (name, bytes) in &corpus {
        assert_eq!(read_by_command(bytes), 1, "{name} is not read");
    }
    fuzz("old workbook", 40, |random| {
        let (input, donor) = two(random, &corpus);
        [read_by_command(&mutate(random, input, donor))]
    });
}
