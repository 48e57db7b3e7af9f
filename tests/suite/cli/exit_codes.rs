//! The pages list each exit code that the sources have, and the unit of systemd names only those.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const OUTPUT: &str = include_str!("../../../docs/output.md");
const OPERATING: &str = include_str!("../../../docs/operating.md");
const UNIT: &str = include_str!("../../../deploy/systemd/tidu.service");
/// Success, which has no constant, and the second signals that end a drain.
const WITHOUT_CONSTANT: [u8; 3] = [0, 128 + 2, 128 + 15];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The constants of the sources: `const EXIT_FAILED: u8 = 1;`.
fn of_sources() -> BTreeSet<u8> {
    let mut paths = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut paths);
    let texts = paths.iter().map(|path| fs::read_to_string(path).unwrap_or_default());
    let code = |line: &str| {
        let (_, rest) = line.split_once("const EXIT_")?;
        let (name, value) = rest.split_once(" = ")?;
        let is_code = name.ends_with(": u8") || name.ends_with(": i32");
        // The base of signals is no code.
        let value = value.split(';').next()?.parse().ok();
        value.filter(|value| is_code && *value != 128)
    };
    texts.flat_map(|text| text.lines().filter_map(code).collect::<Vec<_>>()).collect()
}

/// The codes in the first column of the table under "Exit codes".
fn of_page(page: &str) -> BTreeSet<u8> {
    let (_, section) = page.split_once("\n## Exit codes\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let cells = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    cells.flat_map(|cell| cell.split(", ").filter_map(|code| code.parse().ok())).collect()
}

#[test]
fn the_pages_list_every_exit_code() {
    let code = &of_sources();
    assert!(code.len() > 6, "{code:?}");
    let all: BTreeSet<_> = code | &BTreeSet::from(WITHOUT_CONSTANT);
    let (output, operating) = (of_page(OUTPUT), of_page(OPERATING));
    let listed: BTreeSet<_> = &output | &operating;
    assert_eq!(listed, all, "docs/output.md and docs/operating.md, and the sources");
}

#[test]
fn the_unit_starts_again_after_failures_only() {
    let line = UNIT.lines().find_map(|line| line.strip_prefix("RestartPreventExitStatus="));
    let prevented: BTreeSet<u8> = line.unwrap().split(' ').map(|it| it.parse().unwrap()).collect();
    // A start that failed, a wrong argument, a node that has stopped following: another try changes
    // none of them.
    assert_eq!(prevented, BTreeSet::from([1, 2, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16]));
}
