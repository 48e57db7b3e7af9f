//! One line of a diagnosis.

use std::{fmt, os::unix::ffi::OsStrExt as _, path::Path};

use serde::Serialize;

use crate::domain::characters::is_hidden;

/// Every finding that there is. They keep their names: programs read them.
pub(super) const IDS: [&str; 25] = [
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

    fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

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
        run.as_ref().map_or(Ok(()), |run| write!(f, "; run: {run}"))
    }
}

/// The last line of a diagnosis.
pub(super) fn summary(findings: &[Finding]) -> String {
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let many = |number: usize, one: &str| format!("{number} {one}{}", plural(number));
    let (errors, warnings) = (count(Level::Error), count(Level::Warn));
    let checks = many(findings.len(), "finding");
    format!("{checks}: {}, {}", many(errors, "error"), many(warnings, "warning"))
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
