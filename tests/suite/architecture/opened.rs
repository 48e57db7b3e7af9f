//! Files are opened, made and renamed in one room, which knows about modes, links and pipes.

use super::{
    paths::named,
    sources::{Source, sources},
};

/// The ends of paths that reach files past that room.
const CALLS: [&str; 19] = [
    "File::create",
    "File::create_new",
    "File::open",
    "File::options",
    "OpenOptions",
    "DirBuilder",
    "fs::copy",
    "fs::create_dir",
    "fs::create_dir_all",
    "fs::hard_link",
    "fs::read",
    "fs::read_to_string",
    "fs::rename",
    "fs::set_permissions",
    "fs::soft_link",
    "fs::write",
    "unix::fs::symlink",
    "Toml::file",
    "tokio::fs",
];

/// The start tries whether a rename calls the cure, on a name that does not exist.
const ALLOWED: (&str, &str) = ("src/log/sled/open.rs", "std::fs::rename");

fn opened(source: &Source) -> Vec<String> {
    let reaches = |path: &String| {
        CALLS.iter().any(|call| {
            let before = path.strip_suffix(call);
            before.is_some_and(|before| before.is_empty() || before.ends_with("::"))
                || path.contains(&format!("{call}::"))
        })
    };
    let allowed = |path: &String| (source.path.as_str(), path.as_str()) == ALLOWED;
    let paths = named(source).into_iter().map(|path| path.join("::"));
    paths.filter(|path| reaches(path) && !allowed(path)).collect()
}

#[test]
fn files_are_opened_in_one_room() {
    let mut checked = 0;
    for source in sources("src") {
        if source.path.starts_with("src/files") || source.is_test() {
            continue;
        }
        assert_eq!(opened(&source), Vec::<String>::new(), "{}", source.path);
        checked += 1;
    }
    assert!(checked > 200, "only {checked} files");
}

#[test]
fn a_file_that_is_opened_elsewhere_would_be_seen() {
    for text in [
        "use std::fs; fn f() { fs::write(\"a\", b\"\"); }",
        "use std::fs::File; fn f() { File::create(\"a\"); }",
        "use std::fs::OpenOptions;",
        "fn f() { std::fs::read_to_string(\"a\"); }",
        "use std::fs::rename; fn f() { rename(\"a\", \"b\"); }",
        "async fn f() { tokio::fs::read(\"a\").await; }",
    ] {
        assert!(!opened(&Source::parse("src/cli/mod.rs", text)).is_empty(), "{text}");
    }
    let harmless = "use std::fs::{self, File}; fn f(file: &File) { fs::read_dir(\"a\"); }";
    assert!(opened(&Source::parse("src/cli/mod.rs", harmless)).is_empty());
}
