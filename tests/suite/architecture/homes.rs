//! What has one home: the stores, the transport, the generated messages, and unsafe code.

use syn::{
    ExprUnsafe, ItemImpl, Signature,
    visit::{self, Visit},
};

use super::{
    paths::named,
    sources::{Source, sources},
};

/// A path, and the beginnings of the files that may name it.
const HOMES: [(&str, &[&str]); 7] = [
    ("sled", &["src/log/sled"]),
    ("redb", &["src/cursors/"]),
    ("rusqlite", &["src/mirror/"]),
    ("tokio_postgres", &["src/mirror/"]),
    ("prometheus_client", &["src/metrics/"]),
    (
        "tonic",
        &[
            "src/protocol/",
            "src/follow/",
            "src/service/",
            "src/server/",
            "src/cli/",
            "src/import/",
            "src/delivery/",
        ],
    ),
    (
        "crate::protocol::pb",
        &[
            "src/protocol/",
            "src/service/",
            "src/server/",
            "src/cli/",
            "src/import/",
            "src/delivery/",
            "src/mirror/",
            "src/follow/",
        ],
    ),
];

/// A program knows the released rules alone: it has no way to others, which tests make.
const RULES: &str = "src/register/versions.rs";

/// The one file with unsafe code.
const UNSAFE: &str = "src/log/sled/sync_cure.rs";

#[derive(Default)]
struct Unsafe(bool);

impl<'a> Visit<'a> for Unsafe {
    fn visit_expr_unsafe(&mut self, _: &'a ExprUnsafe) {
        self.0 = true;
    }

    fn visit_signature(&mut self, signature: &'a Signature) {
        self.0 |= signature.unsafety.is_some();
    }

    fn visit_item_impl(&mut self, item: &'a ItemImpl) {
        self.0 |= item.unsafety.is_some();
        visit::visit_item_impl(self, item);
    }
}

fn away_from_home(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for path in named(source).iter().map(|path| path.join("::")) {
        for (owner, homes) in HOMES {
            let rest = path.strip_prefix(owner);
            let names = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
            if names && !homes.iter().any(|home| source.path.starts_with(home)) {
                found.push(path.clone());
            }
        }
    }
    let makes_rules = |path: &String| path.ends_with("RulesBook::of");
    if source.path != RULES {
        let paths = named(source).into_iter().map(|path| path.join("::"));
        found.extend(paths.filter(makes_rules));
    }
    let mut seen = Unsafe::default();
    seen.visit_file(&source.tree);
    if seen.0 && source.path != UNSAFE {
        found.push("unsafe".to_owned());
    }
    found
}

#[test]
fn what_has_one_home_is_named_only_there() {
    for source in sources("src") {
        assert_eq!(away_from_home(&source), Vec::<String>::new(), "{}", source.path);
    }
}

#[test]
fn what_is_away_from_home_would_be_seen() {
    for (path, text) in [
        ("src/ledger/mod.rs", "use sled::Db;"),
        ("src/log/chunk.rs", "fn f(db: sled::Db) {}"),
        ("src/log/sled.rs", "use redb::Database;"),
        ("src/ledger/group.rs", "use prometheus_client::metrics::counter::Counter;"),
        ("src/ledger/mod.rs", "use tonic::{self as wire, Status};"),
        ("src/register/mod.rs", "use crate::protocol::{leaf, pb};"),
        ("src/server/mod.rs", "fn f() { let b = RulesBook::of(&[]); }"),
        ("src/domain/date.rs", "fn f() { unsafe { g() } }"),
        ("src/domain/date.rs", "unsafe fn f() {}"),
        ("src/domain/date.rs", "unsafe impl Send for A {}"),
    ] {
        assert!(!away_from_home(&Source::parse(path, text)).is_empty(), "{path}: {text}");
    }
    let at_home = Source::parse("src/log/sled/open.rs", "use sled::Db;");
    assert!(away_from_home(&at_home).is_empty());
}
