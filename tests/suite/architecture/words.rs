//! Links in the documentation, and files that comments name, exist.

use std::{fs, path::Path};

use super::sources::{Source, files, root, sources};

/// Relative links of a page that lead nowhere. `exists` is asked from the root of the repository
/// on.
fn dead_links(page: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let directory = Path::new(page).parent().unwrap();
    let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let local = links.filter(|link| !link.contains("://") && !link.starts_with('#'));
    let targets = local.map(|link| link.split('#').next().unwrap().to_owned());
    let is_dead = |link: &String| !exists(directory.join(link).to_str().unwrap());
    targets.filter(|link| !link.contains(' ')).filter(is_dead).collect()
}

const FOLDERS: [&str; 7] = ["docs/", "tests/", "src/", "examples/", "benches/", "proto/", "data/"];
const KINDS: [&str; 8] = [".md", ".rs", ".proto", ".py", ".js", ".sh", ".toml", ".csv"];

/// Files that the comments of a source name and that do not exist.
fn dead_names(text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let comments = text.lines().filter_map(|line| line.trim_start().strip_prefix("//"));
    let words = comments.flat_map(|line| line.split(move |c| !is_part(c)));
    let names = words.map(|word| word.trim_end_matches('.'));
    let names = names.filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)));
    let names = names.filter(|word| KINDS.iter().any(|kind| word.ends_with(kind)));
    names.filter(|name| !exists(name)).map(str::to_owned).collect()
}

fn exists(path: &str) -> bool {
    root().join(path).exists()
}

#[test]
fn links_in_the_documentation_lead_somewhere() {
    let top = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name());
    let top = top.map(|name| name.to_str().unwrap().to_owned());
    let pages: Vec<_> = top
        .chain(files("docs"))
        .chain(["examples/README.md", "tests/README.md"].map(str::to_owned))
        .filter(|path| path.ends_with(".md"))
        .collect();
    assert!(pages.len() > 5, "{pages:?}");
    for page in pages {
        let text = fs::read_to_string(root().join(&page)).unwrap();
        assert_eq!(dead_links(&page, &text, exists), Vec::<String>::new(), "{page}");
    }
}

#[test]
fn files_that_comments_name_exist() {
    let all = ["src", "tests"].into_iter().flat_map(sources);
    // The samples of the architecture test are made up.
    let real = all.filter(|source| !source.path.contains("/architecture/"));
    let dead = |source: Source| {
        let names = dead_names(&source.text, exists).into_iter();
        names.map(|name| (source.path.clone(), name)).collect::<Vec<_>>()
    };
    let dead: Vec<_> = real.flat_map(dead).collect();
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn a_dead_link_or_name_would_be_seen() {
    let is_there = |path: &str| path == "docs/events.md" || path == "docs/./limits.md";
    let page =
        "[a](events.md#x) [b](gone.md) [c](https://example.com/x) [d](#here) [e](./limits.md)";
    assert_eq!(dead_links("docs/index.md", page, is_there), ["gone.md"]);
    let comments = "//! See `docs/register.md`, docs/events.md.\nlet path = \"docs/other.md\";";
    assert_eq!(dead_names(comments, is_there), ["docs/register.md"]);
}
