//! Every path that a source names, resolved through its `use` trees.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Item, ItemMod, ItemUse, Macro, Path, UseTree,
    visit::{self, Visit},
};

use super::sources::{Source, is_for_tests, rank, sources};

/// A resolved path: `crate` or another crate first.
pub type Named = Vec<String>;

struct Paths {
    module: Vec<String>,
    /// What a name at the beginning of a path means in this file.
    aliases: BTreeMap<String, Named>,
    found: Vec<Named>,
}

impl Paths {
    fn resolve(&self, path: &[String]) -> Named {
        let inside =
            |module: &[String], rest: &[String]| [&["crate".to_owned()], module, rest].concat();
        let supers = path.iter().take_while(|part| *part == "super").count();
        if supers > 0 {
            let depth = self.module.len().saturating_sub(supers);
            return inside(&self.module[..depth], &path[supers..]);
        }
        match path.first().map(String::as_str) {
            // `self::super::…` is written by nobody, but it is a path.
            Some("self") if path.get(1).is_some_and(|part| part == "super") => {
                self.resolve(&path[1..])
            }
            Some("self") => inside(&self.module, &path[1..]),
            Some(first) => match self.aliases.get(first) {
                Some(alias) => [alias.as_slice(), &path[1..]].concat(),
                None => path.to_vec(),
            },
            None => Vec::new(),
        }
    }

    fn flatten(&mut self, tree: &UseTree, before: &[String]) {
        let with = |part: String| [before, &[part]].concat();
        match tree {
            UseTree::Path(path) => self.flatten(&path.tree, &with(path.ident.to_string())),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.flatten(tree, before)),
            UseTree::Glob(_) => self.import(&with("*".to_owned()), None),
            UseTree::Name(name) if name.ident == "self" => {
                self.import(before, before.last().cloned());
            }
            UseTree::Name(name) => {
                self.import(&with(name.ident.to_string()), Some(name.ident.to_string()));
            }
            UseTree::Rename(rename) => {
                let path = if rename.ident == "self" {
                    before.to_vec()
                } else {
                    with(rename.ident.to_string())
                };
                self.import(&path, Some(rename.rename.to_string()));
            }
        }
    }

    fn import(&mut self, path: &[String], name: Option<String>) {
        let resolved = self.resolve(path);
        if let Some(name) = name.filter(|name| *name != "_") {
            self.aliases.insert(name, resolved.clone());
        }
        self.found.push(resolved);
    }

    /// Paths in the arguments of a macro, which have no syntax tree.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end(&mut path);
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end(&mut path);
                    self.tokens(group.stream());
                }
                _ => {
                    self.end(&mut path);
                    colons = 0;
                }
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Vec<String>) {
        let path = std::mem::take(path);
        if path.len() > 1 {
            self.found.push(self.resolve(&path));
        }
    }
}

/// First the imports, which may be anywhere in the file.
struct Imports<'a>(&'a mut Paths);

impl<'a> Visit<'a> for Imports<'_> {
    fn visit_item_use(&mut self, item: &'a ItemUse) {
        self.0.flatten(&item.tree, &[]);
    }

    fn visit_item_mod(&mut self, item: &'a ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }
}

impl<'a> Visit<'a> for Paths {
    fn visit_item(&mut self, item: &'a Item) {
        match item {
            Item::Use(_) => {}
            Item::Mod(module) if is_for_tests(&module.attrs) => {}
            item => visit::visit_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &'a Path) {
        let parts: Vec<_> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        self.found.push(self.resolve(&parts));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'a Macro) {
        self.tokens(called.tokens.clone());
        visit::visit_macro(self, called);
    }
}

/// Every path that a source names outside its unit tests.
pub fn named(source: &Source) -> Vec<Named> {
    let mut paths = Paths { module: source.module(), aliases: BTreeMap::new(), found: Vec::new() };
    Imports(&mut paths).visit_file(&source.tree);
    paths.visit_file(&source.tree);
    paths.found
}

/// Rooms above its own, or beside it, that a source names.
fn wrong_imports(source: &Source) -> Vec<String> {
    let Some(room) = source.room() else { return Vec::new() };
    let own = rank(&room).unwrap_or(u8::MAX);
    let is_wrong = |path: &Named| {
        let [first, other, ..] = path.as_slice() else { return false };
        let inside = first == "crate" || (first == "tidu" && room == "main");
        // The bounds are below everything, also on the ground floor.
        let elsewhere = *other != room && other != "limits";
        inside && elsewhere && rank(other).is_some_and(|target| target >= own)
    };
    named(source).iter().filter(|path| is_wrong(path)).map(|path| path.join("::")).collect()
}

#[test]
fn imports_point_down() {
    let mut seen = 0;
    for source in sources("src").iter().filter(|source| !source.is_test()) {
        let wrong = wrong_imports(source);
        assert!(wrong.is_empty(), "{} names {wrong:?}", source.path);
        seen += named(source).iter().filter(|path| path[0] == "crate").count();
    }
    assert!(seen > 500, "only {seen} paths were seen");
}

#[test]
fn a_wrong_import_would_be_seen() {
    let wrong = |text: &str| wrong_imports(&Source::parse("src/log/sled/mod.rs", text));
    for text in [
        "use crate::ledger::Ledger;",
        "use crate::{domain::Date, service::{self, errors}};",
        "use crate::server as underneath;",
        "use super::super::cli::show;",
        "fn f() -> crate::ledger::Ledger { todo!() }",
        "fn f() { use crate::service::*; }",
        "fn f() { assert!(crate::cli::show()); }",
    ] {
        assert!(!wrong(text).is_empty(), "{text}");
    }
    for text in [
        "use crate::{limits::A, domain::{B, c::D}, log::E};",
        "use super::{Chunk, preflight}; use self::open::begin;",
        "use crate::merkle; fn f() { merkle::root(); }",
        "#[cfg(test)] mod tests { use crate::ledger::Ledger; }",
    ] {
        assert_eq!(wrong(text), Vec::<String>::new(), "{text}");
    }
}
