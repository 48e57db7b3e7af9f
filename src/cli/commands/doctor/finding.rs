//! One line of a diagnosis.

use std::{fmt, os::unix::ffi::OsStrExt as _, path::Path};

use serde::Serialize;

use crate::{
    cli::print::{Cell, Heading, Tone},
    domain::characters::is_hidden,
    lang::{Lang, say},
};

/// Every finding that there is. They keep their names: programs read them.
pub(super) const IDS: [&str; 26] = [
    "access",
    "appends",
    "backup",
    "catalogues",
    "clock-keeper",
    "clock-record",
    "clock-step",
    "configuration",
    "cursors",
    "data-directory",
    "descriptors",
    "exposure",
    "failures",
    "file-system",
    "growth",
    "log-lines",
    "mark",
    "node",
    "readiness",
    "server",
    "settings",
    "space",
    "store",
    "sync-latency",
    "tasks",
    "tls",
];

/// How bad it is. The worst one decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// All is well.
    Ok,
    /// It works, and something will go wrong.
    Warn,
    /// Something does not work.
    Error,
}

impl Level {
    /// The exit code of a diagnosis whose worst finding this is.
    pub(super) fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warn => 1,
            Self::Error => 2,
        }
    }

    /// For programs, as in the JSON.
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Ok => Tone::Good,
            Self::Warn => Tone::Warning,
            Self::Error => Tone::Bad,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

/// The columns of a table of findings.
pub(super) const HEADINGS: [Heading; 4] = [
    Heading::new("level", "level", "级别"),
    Heading::new("id", "check", "检查项"),
    Heading::new("found", "found", "结果"),
    Heading::new("run", "run", "请运行"),
];

/// What one check has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// See [`IDS`].
    pub(super) id: &'static str,
    pub(super) level: Level,
    /// In words.
    pub(super) found: String,
    /// The command that mends it, for a shell; none if all is well.
    pub(super) run: Option<String>,
}

impl Finding {
    pub(super) fn ok(id: &'static str, found: impl Into<String>) -> Self {
        Self { id, level: Level::Ok, found: found.into(), run: None }
    }

    pub(super) fn warn(id: &'static str, found: impl Into<String>, run: impl Into<String>) -> Self {
        Self { id, level: Level::Warn, found: found.into(), run: Some(run.into()) }
    }

    /// Its weight for the eye. A line that says that all is well needs none.
    pub(super) fn tone(&self) -> Tone {
        match self.level {
            Level::Ok => Tone::Plain,
            level => level.tone(),
        }
    }

    /// Its cells in a table.
    pub(super) fn cells(&self) -> [Cell; 4] {
        let Self { id, level, found, run } = self;
        [
            Cell::of(level.name(), level.word()).tone(level.tone()),
            (*id).into(),
            found.into(),
            run.clone().unwrap_or_default().into(),
        ]
    }

    pub(super) fn error(
        id: &'static str,
        found: impl Into<String>,
        run: impl Into<String>,
    ) -> Self {
        Self { id, level: Level::Error, found: found.into(), run: Some(run.into()) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, level, found, run } = self;
        write!(f, "{:<5} {id:<14}  {found}", level.word())?;
        let Some(run) = run else { return Ok(()) };
        f.write_str(&say!(en: "; run: {run}", zh: "；请运行：{run}"))
    }
}

/// The last line of a diagnosis.
pub(super) fn summary(findings: &[Finding]) -> String {
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let many = |number: usize, one: &str| format!("{number} {one}{}", plural(number));
    let (all, errors, warnings) = (findings.len(), count(Level::Error), count(Level::Warn));
    match Lang::current() {
        Lang::En => {
            let (all, errors) = (many(all, "finding"), many(errors, "error"));
            format!("{all}: {errors}, {}", many(warnings, "warning"))
        }
        Lang::Zh => format!("共 {all} 项：{errors} 项错误，{warnings} 项警告"),
    }
}

fn plural(number: usize) -> &'static str {
    if number == 1 { "" } else { "s" }
}

/// A path as a word of a shell's command, which nothing in it can break out of.
pub(in crate::cli::commands) fn word(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    // A program would take it for a flag.
    let before = if bytes.starts_with(b"-") { "./" } else { "" };
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%".contains(byte);
    match path.to_str() {
        Some(text) if !text.is_empty() && bytes.iter().all(is_plain) => format!("{before}{text}"),
        Some(text) if !text.chars().any(is_hidden) => {
            format!("'{before}{}'", text.replace('\'', "'\\''"))
        }
        _ => {
            let escaped = bytes.iter().map(|byte| match byte {
                byte if is_plain(byte) => char::from(*byte).to_string(),
                byte => format!("\\x{byte:02x}"),
            });
            format!("$'{before}{}'", escaped.collect::<String>())
        }
    }
}

/// The findings of a check, which says the same in both languages.
#[cfg(test)]
pub(super) fn told(check: impl Fn() -> Vec<Finding>) -> Vec<Finding> {
    let (en, zh) = (Lang::En.speaking(&check), Lang::Zh.speaking(&check));
    assert_eq!(en.len(), zh.len());
    for (en, zh) in en.iter().zip(&zh) {
        assert_eq!((en.id, en.level, &en.run), (zh.id, zh.level, &zh.run));
        let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
        assert!(zh.found.chars().any(is_chinese), "{zh}");
        assert!(!en.found.chars().any(is_chinese), "{en}");
    }
    en
}

/// As [`told`], for a check with one finding.
#[cfg(test)]
pub(super) fn one_told(check: impl Fn() -> Finding) -> Finding {
    told(|| vec![check()]).remove(0)
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, process::Command};

    use super::*;

    #[test]
    fn a_finding_is_one_line_with_the_command_that_mends_it() {
        let bad = Finding::warn("access", "a is open", "chmod go= a");
        let line = bad.to_string();
        assert_eq!(line, "WARN  access          a is open; run: chmod go= a");
        let good = Finding::ok("space", "1 GiB is free");
        assert_eq!(good.to_string(), "OK    space           1 GiB is free");
        let worse = Finding::error("mark", "gone", "x");
        assert_eq!(summary(std::slice::from_ref(&good)), "1 finding: 0 errors, 0 warnings");
        assert_eq!(summary(&[good, bad, worse]), "3 findings: 1 error, 1 warning");
    }

    #[test]
    fn ids_are_sorted_and_unique() {
        assert!(IDS.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_shell_reads_a_word_as_the_path_that_it_was() {
        let paths: [&[u8]; 8] = [
            b"/var/lib/tidu",
            b"with space",
            b"it's",
            b"-rf",
            b"$(touch x);`id`&",
            "登记簿".as_bytes(),
            b"line\nbreak\x1b[2J",
            b"not \xff UTF-8",
        ];
        for bytes in paths {
            let path = Path::new(OsStr::from_bytes(bytes));
            let word = word(path);
            assert!(!word.chars().any(is_hidden), "{word}");
            let script = format!("printf %s {word}");
            let said = Command::new("bash").args(["-c", &script]).output().unwrap().stdout;
            let said = said.strip_prefix(b"./").unwrap_or(&said);
            assert_eq!(said, bytes, "{word}");
        }
    }
}
