//! Floors 0 to 2 do no I/O, never await, read no clock and no random source; `files.rs` and
//! `threads.rs` apart.

use syn::{
    ExprAsync, ExprAwait, ItemMod, Signature,
    visit::{self, Visit},
};

use super::{
    paths::named,
    sources::{Source, is_for_tests, rank, sources},
};

const IMPURE: [&str; 12] = [
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::env",
    "std::*",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio",
    "fastrand",
    "rand",
    "uuid::Uuid::new_v4",
];

#[derive(Default)]
struct Awaits(usize);

impl<'a> Visit<'a> for Awaits {
    fn visit_item_mod(&mut self, item: &'a ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_expr_await(&mut self, _: &'a ExprAwait) {
        self.0 += 1;
    }

    fn visit_expr_async(&mut self, _: &'a ExprAsync) {
        self.0 += 1;
    }

    fn visit_signature(&mut self, signature: &'a Signature) {
        self.0 += usize::from(signature.asyncness.is_some());
    }
}

fn impurities(source: &Source) -> Vec<String> {
    let is_impure = |path: &str| {
        let within = |impure: &&str| {
            path.strip_prefix(*impure).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        IMPURE.iter().any(within) || path.ends_with("::now")
    };
    let paths = named(source).into_iter().map(|path| path.join("::"));
    let mut found: Vec<_> = paths.filter(|path| is_impure(path)).collect();
    let mut awaits = Awaits::default();
    awaits.visit_file(&source.tree);
    found.extend((0..awaits.0).map(|_| "async or await".to_owned()));
    found
}

#[test]
fn floors_0_to_2_are_pure() {
    let mut checked = 0;
    for source in sources("src") {
        let Some(room) = source.room() else { continue };
        let pure = rank(&room).is_some_and(|rank| rank <= 2)
            && !["files", "threads"].contains(&room.as_str());
        // The codec and the generated code are what tonic calls.
        if pure && !source.is_test() && source.path != "src/protocol/codec.rs" {
            assert_eq!(impurities(&source), Vec::<String>::new(), "{}", source.path);
            checked += 1;
        }
    }
    assert!(checked > 30, "only {checked} files");
}

#[test]
fn an_impure_file_would_be_seen() {
    for text in [
        "use std::{fs, io};",
        "use std::fs::{self, File};",
        "use std::thread as other; fn f() { other::yield_now(); }",
        "fn f() { std::process::exit(1); }",
        "use std::time; fn f() { time::Instant::now(); }",
        "fn f() { let t = jiff::Timestamp::now(); }",
        "async fn f() {}",
        "fn f() { g(async { 1 }); }",
        "fn f() { println!(\"{}\", fastrand::u8(..)); }",
    ] {
        assert!(!impurities(&Source::parse("src/domain/date.rs", text)).is_empty(), "{text}");
    }
    let pure = "use std::{collections::BTreeMap, time::Duration}; fn f(now: u64) {}";
    assert!(impurities(&Source::parse("src/domain/date.rs", pure)).is_empty());
}
