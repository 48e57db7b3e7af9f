//! `docs/output.md` lists what each command prints for programs, as the sources have it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use crate::support::TIDU;

const PAGES: [&str; 2] =
    [include_str!("../../../docs/output.md"), include_str!("../../../docs/output.zh-CN.md")];
/// Sources beside the commands, and those that print for people alone.
const NOT_COMMANDS: [&str; 3] = ["mod", "demo", "proposal"];
/// What prints a message, before the name of the message.
const PRINTS: [&str; 5] = [".add(", ".print(", "print_message(", "whole(", "plain("];

/// What a command prints: the messages of JSON, and the columns of CSV.
#[derive(Debug, Default, PartialEq)]
struct Printed {
    messages: BTreeSet<String>,
    columns: Vec<String>,
}

/// The first text in quotation marks, if only names are before it.
fn quoted(after: &str) -> Option<&str> {
    let (before, rest) = after.split_once('"')?;
    let is_plain = before.chars().all(|c| c.is_alphanumeric() || " \n.,_&".contains(c));
    is_plain.then(|| rest.split('"').next()).flatten()
}

fn read_source(source: &str, printed: &mut Printed) {
    let source = source.split("#[cfg(test)]").next().unwrap();
    for after in source.split("Heading::new(").skip(1) {
        let key = quoted(after).unwrap().to_owned();
        if !printed.columns.contains(&key) {
            printed.columns.push(key);
        }
    }
    for print in PRINTS {
        let names = source.split(print).skip(1).filter_map(quoted);
        let is_message = |name: &&str| name.starts_with(|c: char| c.is_ascii_uppercase());
        let names = names.filter(is_message).filter(|name| !name.contains(' '));
        printed.messages.extend(names.map(str::to_owned));
    }
}

fn read_folder(folder: &Path, printed: &mut Printed) {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        read_source(&fs::read_to_string(path).unwrap(), printed);
    }
}

/// What the sources of the commands print.
fn of_sources() -> BTreeMap<String, Printed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/commands");
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().replace('_', "-");
        if NOT_COMMANDS.contains(&&*name) {
            continue;
        }
        let printed: &mut Printed = found.entry(name).or_default();
        match path.is_dir() {
            true => read_folder(&path, printed),
            false => read_source(&fs::read_to_string(path).unwrap(), printed),
        }
    }
    found.retain(|_, printed| *printed != Printed::default());
    assert!(found.len() > 20, "the sources were not read");
    found
}

/// The rows of a page: `| command | messages | columns |`.
fn of_page(page: &str) -> BTreeMap<String, Printed> {
    let names = |cell: &str| -> Vec<String> {
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let row = |line: &str| {
        let cells: Vec<_> = line.split('|').collect();
        let messages = names(cells[2]).into_iter().collect();
        (names(cells[1]).remove(0), Printed { messages, columns: names(cells[3]) })
    };
    rows.map(row).collect()
}

#[test]
fn the_page_of_outputs_has_the_columns_of_each_command() {
    for page in PAGES {
        let rows = of_page(page);
        for (command, printed) in of_sources() {
            let list = |names: &mut dyn Iterator<Item = &String>| {
                names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            };
            let messages = list(&mut printed.messages.iter());
            let columns = list(&mut printed.columns.iter());
            let row = format!("| `{command}` | {messages} | {columns} |");
            assert_eq!(rows.get(&command), Some(&printed), "it should have the row\n{row}");
        }
    }
}

#[test]
fn the_page_of_outputs_has_each_command_that_has_formats() {
    let said = |args: &[&str]| {
        let output = Command::new(TIDU).args(args).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let help = said(&["--help"]);
    let list = help.split("Commands:").nth(1).unwrap().split("\n\n").next().unwrap();
    // A line that goes on is indented further.
    let names = list.lines().filter_map(|line| line.strip_prefix("  "));
    let names = names.filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
    let commands: Vec<_> = names.filter_map(|line| line.split(' ').next()).collect();
    assert!(commands.len() > 30, "{commands:?}");
    for command in commands.into_iter().filter(|command| *command != "help") {
        if said(&[command, "--help"]).contains("--output <") {
            for page in PAGES {
                assert!(of_page(page).contains_key(command), "no row for {command}");
            }
        }
    }
}
