//! Each page in English has one in Chinese, `NAME.zh-CN.md` beside `NAME.md`, with the same
//! sections, commands, tables and links.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders with pages, and whether those below belong to them.
const FOLDERS: [(&str, bool); 5] =
    [(".", false), ("docs", true), ("examples", true), ("clients", true), ("tests", false)];
/// Folders of tools, which hold pages of others.
const OF_OTHERS: [&str; 4] = ["node_modules", "target", "build", "dist"];
const CHINESE: &str = ".zh-CN.md";

/// The pages of a folder.
fn pages(folder: &Path, deep: bool, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && deep && !name.starts_with('.') && !OF_OTHERS.contains(&&*name) {
            pages(&path, deep, found);
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

/// What a page and its translation have in common, line by line.
fn shape(text: &str) -> Vec<String> {
    let mut shape = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.trim().strip_prefix("```") {
            shape.push(format!("block {language}"));
            let body = lines.by_ref().take_while(|line| line.trim() != "```");
            let is_shell = ["sh", "console", "bash"].contains(&language);
            shape.extend(body.filter(|_| is_shell).filter_map(command));
        } else if line.starts_with('#') {
            shape.push(format!("heading {}", line.split(' ').next().unwrap_or_default()));
        } else if line.starts_with('|') {
            shape.push(format!("row of {}", line.replace("\\|", "").matches('|').count()));
        } else if line.trim().starts_with("<!-- not run:") {
            shape.push("not run".to_owned());
        }
        shape.extend(links(line));
    }
    shape
}

/// A line of a block without its comment. `None`: nothing else is there.
fn command(line: &str) -> Option<String> {
    let command = line.split(" #").next().unwrap_or_default().trim();
    (!command.is_empty() && !command.starts_with('#')).then(|| command.to_owned())
}

/// The pages and addresses that a line leads to, in any order: a sentence may turn round.
fn links(line: &str) -> Vec<String> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    // A picture may have texts as well.
    let english = |link: &str| link.replace(CHINESE, ".md").replace(".zh-CN.svg", ".svg");
    let mut links: Vec<_> = targets.map(english).collect();
    // A page begins with a link to its other language.
    links.retain(|link| !link.contains("README.md") && !link.starts_with('#'));
    for link in &mut links {
        link.truncate(link.find('#').unwrap_or(link.len()));
    }
    links.sort();
    links
}

/// The first difference of a page and its translation.
fn difference(english: &str, chinese: &str) -> Option<String> {
    let sort = |text: &str| {
        // Links belong to their section, because lines break elsewhere in each language.
        let mut sections = vec![(Vec::new(), Vec::new())];
        for part in shape(text) {
            let is_heading = part.starts_with("heading ");
            if is_heading {
                sections.push((Vec::new(), Vec::new()));
            }
            let (parts, links) = sections.last_mut().unwrap();
            let is_link = !is_heading
                && !["block ", "row of ", "not run"].iter().any(|kind| part.starts_with(kind))
                && (part.contains(".md") || part.contains('/'))
                && !part.contains(' ');
            if is_link { links.push(part) } else { parts.push(part) }
        }
        for (_, links) in &mut sections {
            links.sort();
            links.dedup();
        }
        sections
    };
    let (english, chinese) = (sort(english), sort(chinese));
    for (number, (left, right)) in english.iter().zip(&chinese).enumerate() {
        if left != right {
            return Some(format!("section {number}: {left:?} and {right:?}"));
        }
    }
    (english.len() != chinese.len())
        .then(|| format!("{} and {} sections", english.len(), chinese.len()))
}

#[test]
fn every_page_has_a_chinese_one_with_the_same_parts() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    for (folder, deep) in FOLDERS {
        pages(&root.join(folder), deep, &mut all);
    }
    let (chinese, english): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|path| path.to_string_lossy().ends_with(CHINESE));
    assert!(english.len() > 20, "{english:?}");
    let mut faults = Vec::new();
    for page in &english {
        let name = page.strip_prefix(root).unwrap().display().to_string();
        let other = PathBuf::from(page.to_string_lossy().replace(".md", CHINESE));
        if !chinese.contains(&other) {
            faults.push(format!("{name}: no Chinese page"));
            continue;
        }
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        let (english, translated) = (read(page), read(&other));
        if let Some(difference) = difference(&english, &translated) {
            faults.push(format!("{name}: {difference}"));
        }
    }
    for page in &chinese {
        let other = PathBuf::from(page.to_string_lossy().replace(CHINESE, ".md"));
        if !english.contains(&other) {
            faults.push(format!("{}: no English page", page.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_page_that_lacks_a_part_is_found() {
    let table = "| a | b |\n|---|---|\n| 1 | 2 |\n";
    let english = format!("# A\n\n```sh\ntidu demo # look\n```\n\n## B\n\n{table}");
    let same = format!("# 甲\n\n```sh\ntidu demo # 看\n```\n\n## 乙\n\n{table}");
    assert_eq!(difference(&english, &same), None);
    for wrong in [
        same.replace("tidu demo", "tidu serve"),
        same.replace("## 乙", "乙"),
        same.replace("| 1 | 2 |\n", ""),
        format!("{same}\n## 丙\n"),
    ] {
        assert!(difference(&english, &wrong).is_some(), "{wrong}");
    }
    let linked = "# A\n\nSee [b](b.md) and [c](c.md#d).";
    assert_eq!(difference(linked, "# 甲\n\n见 [c](c.zh-CN.md#d) 和\n[b](b.zh-CN.md)。"), None);
    assert!(difference(linked, "# 甲\n\n见 [b](b.zh-CN.md)。").is_some());
}
