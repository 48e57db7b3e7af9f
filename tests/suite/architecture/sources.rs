//! The sources as syntax trees, and the floors they are on.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use syn::{Attribute, Item, ItemMod};

/// Floors from the ground up. A room may name what is lower, and itself.
pub const FLOORS: [(&str, u8); 27] = [
    ("limits", 0),
    ("files", 0),
    ("lang", 0),
    ("threads", 0),
    ("merkle", 0),
    ("metrics", 0),
    ("domain", 1),
    ("protocol", 2),
    ("register", 2),
    ("log", 3),
    ("access", 3),
    ("tls", 3),
    ("trail", 3),
    ("handover", 3),
    ("catalogue_files", 3),
    ("ledger", 4),
    ("cursors", 4),
    ("archive", 5),
    ("service", 5),
    ("import", 6),
    ("delivery", 6),
    ("mirror", 6),
    ("follow", 6),
    ("operations", 6),
    ("server", 7),
    ("cli", 8),
    ("main", 9),
];

/// A source file.
pub struct Source {
    /// From the root of the repository on.
    pub path: String,
    pub text: String,
    pub tree: syn::File,
}

impl Source {
    pub fn parse(path: &str, text: &str) -> Self {
        let tree = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { path: path.to_owned(), text: text.to_owned(), tree }
    }

    /// The module that the file is: `src/log/sled/mod.rs` is `log::sled`.
    pub fn module(&self) -> Vec<String> {
        let inside = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut module: Vec<_> = inside.split('/').map(str::to_owned).collect();
        if module.last().is_some_and(|last| last == "mod") || module == ["lib"] {
            module.pop();
        }
        module
    }

    /// The room on whose floor the file is; none for the root of the library.
    pub fn room(&self) -> Option<String> {
        self.module().first().cloned()
    }

    /// Unit tests in files of their own may name what they need.
    pub fn is_test(&self) -> bool {
        self.path.contains("/tests.rs") || self.path.contains("/tests/")
    }
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Paths of all files below a directory of the repository, from its root on.
pub fn files(directory: &str) -> BTreeSet<String> {
    fn walk(path: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.insert(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(&root().join(directory), &mut found);
    found
}

/// The sources below a directory of the repository.
pub fn sources(directory: &str) -> Vec<Source> {
    let paths = files(directory).into_iter().filter(|path| path.ends_with(".rs"));
    let read =
        |path: String| Source::parse(&path, &fs::read_to_string(root().join(&path)).unwrap());
    let sources: Vec<_> = paths.map(read).collect();
    assert!(sources.len() > 20, "the sources were not found");
    sources
}

pub fn rank(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, rank)| *rank)
}

/// True for what is compiled for tests only.
pub fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let list = attribute.meta.require_list();
        list.is_ok_and(|list| list.path.is_ident("cfg") && list.tokens.to_string() == "test")
    })
}

/// Files that `mod` items reach from the roots.
fn declared(sources: &[Source]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec!["src/lib.rs".to_owned(), "src/main.rs".to_owned()];
    while let Some(path) = open.pop() {
        let Some(source) = sources.iter().find(|source| source.path == path) else { continue };
        let is_root = ["lib.rs", "main.rs", "mod.rs"].iter().any(|name| path.ends_with(name));
        let (parent, _) = path.rsplit_once('/').unwrap();
        let own = path.trim_end_matches(".rs");
        let inside = if is_root { parent } else { own };
        for item in &source.tree.items {
            if let Item::Mod(ItemMod { ident, content: None, .. }) = item {
                open.push(format!("{inside}/{ident}.rs"));
                open.push(format!("{inside}/{ident}/mod.rs"));
            }
        }
        found.insert(path);
    }
    found
}

#[test]
fn every_file_is_declared() {
    let sources = sources("src");
    let declared = declared(&sources);
    for source in &sources {
        assert!(declared.contains(&source.path), "{} is never compiled", source.path);
    }
}

#[test]
fn a_file_that_is_not_declared_would_be_seen() {
    let source = |path: &str, text: &str| Source::parse(path, text);
    let sources = [
        source("src/lib.rs", "pub mod cli;"),
        source("src/cli/mod.rs", "mod show;"),
        source("src/cli/show.rs", ""),
        source("src/cli/follow.rs", ""),
    ];
    let declared = declared(&sources);
    assert!(declared.contains("src/cli/show.rs"));
    assert!(!declared.contains("src/cli/follow.rs"));
}

#[test]
fn every_room_has_a_floor() {
    for source in sources("src") {
        let Some(room) = source.room() else { continue };
        assert!(rank(&room).is_some(), "{} is on no floor", source.path);
    }
}
