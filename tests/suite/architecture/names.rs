//! Names that must agree: reasons of the rules with the protocol's, and every bound with a comment;
//! names of tests.

use std::fs;

use syn::{
    Attribute, Item, ItemFn,
    visit::{self, Visit},
};

use super::sources::{Source, root, sources};

/// `FieldRequired` is `ERROR_REASON_FIELD_REQUIRED`.
fn in_protocol(reason: &str) -> String {
    let mut name = "ERROR_REASON".to_owned();
    for letter in reason.chars() {
        if letter.is_uppercase() {
            name.push('_');
        }
        name.extend(letter.to_uppercase());
    }
    name
}

fn reasons(source: &Source) -> Vec<String> {
    let variants = source.tree.items.iter().find_map(|item| match item {
        Item::Enum(item) if item.ident == "Reason" => Some(&item.variants),
        _ => None,
    });
    variants.unwrap().iter().map(|variant| variant.ident.to_string()).collect()
}

fn missing_reasons(source: &Source, proto: &str) -> Vec<String> {
    let is_there = |name: &String| {
        proto.lines().any(|line| line.split('=').next().unwrap().trim() == name.as_str())
    };
    reasons(source)
        .iter()
        .map(|reason| in_protocol(reason))
        .filter(|name| !is_there(name))
        .collect()
}

#[test]
fn every_reason_of_the_rules_is_in_the_protocol() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let path = "src/domain/fault/reason.rs";
    let source = Source::parse(path, &read(path));
    let proto = read("proto/tidu/v1/error_reason.proto");
    assert!(reasons(&source).len() > 40);
    assert_eq!(missing_reasons(&source, &proto), Vec::<String>::new());
}

#[test]
fn a_reason_that_is_missing_would_be_seen() {
    let source =
        Source::parse("src/domain/fault/reason.rs", "pub enum Reason { Banned, BanTooShort }");
    let proto = "  ERROR_REASON_BANNED = 35;\n  // ERROR_REASON_BAN_TOO_SHORT\n";
    assert_eq!(missing_reasons(&source, proto), ["ERROR_REASON_BAN_TOO_SHORT"]);
}

fn has_comment(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("doc"))
}

fn limits_without_comment(source: &Source) -> Vec<String> {
    let bare = source.tree.items.iter().filter_map(|item| match item {
        Item::Const(item) if item.ident != "_" && !has_comment(&item.attrs) => Some(&item.ident),
        _ => None,
    });
    bare.map(ToString::to_string).collect()
}

#[test]
fn every_limit_has_a_comment() {
    let all = sources("src");
    let limits: Vec<_> = all.iter().filter(|s| s.path.starts_with("src/limits")).collect();
    assert!(limits.len() > 1, "the limits were not found");
    for source in limits {
        assert_eq!(limits_without_comment(source), Vec::<String>::new(), "{}", source.path);
    }
}

#[test]
fn a_limit_without_comment_would_be_seen() {
    let text = "/// Said.\npub const A: u8 = 1;\n// Not a doc.\npub const B: u8 = 2;";
    assert_eq!(limits_without_comment(&Source::parse("src/limits.rs", text)), ["B"]);
}

#[derive(Default)]
struct Tests(Vec<String>);

impl<'a> Visit<'a> for Tests {
    fn visit_item_fn(&mut self, item: &'a ItemFn) {
        let is_test = |a: &Attribute| a.path().segments.last().is_some_and(|s| s.ident == "test");
        if item.attrs.iter().any(is_test) {
            self.0.push(item.sig.ident.to_string());
        }
        visit::visit_item_fn(self, item);
    }
}

fn long_names(source: &Source) -> Vec<String> {
    let mut tests = Tests::default();
    tests.visit_file(&source.tree);
    tests.0.into_iter().filter(|name| name.len() >= 60).collect()
}

#[test]
fn names_of_tests_are_shorter_than_60() {
    for source in sources("tests") {
        assert_eq!(long_names(&source), Vec::<String>::new(), "{}", source.path);
    }
}

#[test]
fn a_long_name_of_a_test_would_be_seen() {
    let name = "a".repeat(60);
    let text = format!("#[tokio::test(flavor = \"multi_thread\")]\nasync fn {name}() {{}}");
    assert_eq!(long_names(&Source::parse("tests/x.rs", &text)), [name]);
}
