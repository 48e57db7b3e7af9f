//! The shape of the house: imports point down, and what must stand in one file stands there.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Floors from the ground up, then what stands beside them. A file may name what stands lower, or its own floor.
const FLOORS: [(&str, u8); 16] = [
    ("files", 0),
    ("limits", 0),
    ("merkle", 0),
    ("domain", 1),
    ("protocol", 2),
    ("register", 2),
    ("log", 3),
    ("ledger", 4),
    ("cursors", 4),
    ("archive", 5),
    ("service", 5),
    ("delivery", 6),
    ("import", 6),
    ("server", 6),
    ("cli", 7),
    ("main", 8),
];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every source file with its floor's name and its text without comments and unit tests.
fn files() -> Vec<(String, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    let read = |path: PathBuf| {
        let relative = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let floor = relative.split(['/', '.']).next().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        (relative, floor, lines.collect::<Vec<_>>().join("\n"))
    };
    let files: Vec<_> = paths.into_iter().map(read).collect();
    assert!(files.len() > 40, "the sources were not found");
    files
}

fn rank(floor: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == floor).map(|(_, rank)| *rank)
}

/// Floors named by `crate::…` in a text, also inside braces.
fn named(code: &str) -> Vec<String> {
    let flat: String = code.split_whitespace().collect();
    let mut found = Vec::new();
    for part in flat.split("crate::").skip(1) {
        let word = |text: &str| -> String {
            text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
        };
        let Some(group) = part.strip_prefix('{') else {
            found.push(word(part));
            continue;
        };
        // The top level of a braced group.
        let (mut depth, mut start) = (0, 0);
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => {
                    found.push(word(&group[start..i]));
                    break;
                }
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    found.push(word(&group[start..i]));
                    start = i + 1;
                }
                _ => {}
            }
        }
    }
    found.retain(|floor| rank(floor).is_some());
    found
}

#[test]
fn imports_point_down() {
    let mut checked = 0;
    for (file, floor, code) in files() {
        let Some(own) = rank(&floor) else {
            assert_eq!(floor, "lib", "{file} stands on no floor");
            continue;
        };
        for other in named(&code) {
            let target = rank(&other).unwrap();
            // The bounds are below everything, also on the ground floor.
            let below = target < own || other == floor || other == "limits";
            assert!(below, "{file} ({floor}) imports {other}");
            checked += 1;
        }
    }
    assert!(checked > 60, "only {checked} imports were seen");
}

#[test]
fn a_wrong_import_would_be_seen() {
    let code = "use crate::{\n domain::{A, b::C},\n service::D,\n};\nlet x = crate::ledger::E;";
    assert_eq!(named(code), ["domain", "service", "ledger"]);
}

#[test]
fn what_belongs_to_one_place_stays_there() {
    for (file, floor, code) in files() {
        let names = |word: &str| code.contains(word);
        assert!(!names("sled::") || floor == "log", "{file} names sled");
        assert!(!names("redb::") || floor == "cursors", "{file} names redb");
        assert!(
            !names("allow(unsafe_code)") || file == "log/sled/sync_cure.rs",
            "{file} is unsafe"
        );
        let speaks = ["service", "cli", "protocol", "server", "import", "delivery"]
            .contains(&floor.as_str());
        assert!(!names("tonic::") || speaks, "{file} names tonic");
        assert!(!names("pb::") || speaks, "{file} names the protocol's messages");
        let pure = ["domain", "register"].contains(&floor.as_str());
        for word in
            ["std::fs", "std::net", "std::thread", ".await", "async fn", "::now()", "fastrand"]
        {
            assert!(!(pure && names(word)), "{file} should be pure and names {word}");
        }
    }
}

#[test]
fn every_reason_of_the_rules_is_in_the_protocol_and_every_limit_has_a_comment() {
    let limits =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/limits.rs")).unwrap();
    let lines: Vec<_> = limits.lines().collect();
    for pair in lines.windows(2) {
        if pair[1].starts_with("pub const") {
            assert!(pair[0].starts_with("///"), "{} has no comment", pair[1]);
        }
    }
}
