//! The lists of one command, and the commits that they make.

use std::{
    io::stdin,
    path::{Path, PathBuf},
};

use prost::Message as _;

use super::{
    groups::faults_of_file,
    parts::{Part, Rows},
    tell::Teller,
};
use crate::{
    cli::{CliError, memory::MemoryBound, print::Progress},
    domain::AuthorityCode,
    files,
    import::{self, Import, ImportError},
    lang::{say, word},
    limits::{COMMIT_EVENTS_MAX, INPUT_FILE_BYTES_MAX, LIST_MEMORY_BYTES_MAX, REQUEST_BYTES_MAX},
};

/// Bytes of the key and the length of an event in a request.
const EVENT_OVERHEAD: usize = 4;
/// Bytes of the other fields of a request.
const REQUEST_OVERHEAD: usize = 1_024;

/// A list that was read.
pub(crate) struct List {
    /// Name of its file.
    pub(crate) file: String,
    pub(crate) import: Import,
}

/// The lists of one command, in its order.
pub(crate) struct Run {
    pub(crate) lists: Vec<List>,
    /// Most rows in one commit; all rows of a file without it.
    commit_size: Option<usize>,
}

/// The code of the authority that a list names.
pub(crate) fn authority_of(name: &str) -> Option<&'static str> {
    AuthorityCode::from_name(name).map(AuthorityCode::as_str)
}

impl Run {
    /// Reads all lists before anything is sent. The faults of all files are told.
    pub(crate) fn read(
        files: &[PathBuf],
        options: &import::Options,
        commit_size: Option<usize>,
        teller: &mut Teller,
    ) -> Result<Self, CliError> {
        if files.iter().filter(|path| is_standard(path)).count() > 1 {
            return Err(CliError::Refused(say!(
                en: "standard input (-) can be read only once",
                zh: "标准输入（-）只能读一次"
            )));
        }
        let (mut lists, mut refused) = (Vec::new(), Vec::new());
        let progress = match teller {
            Teller::People => {
                let what = word!(en: "reading", zh: "正在读取");
                Progress::new(what, word!(en: "files", zh: "个文件"), files.len() as u64)
            }
            _ => Progress::hidden(),
        };
        for path in files {
            let file = name(path, teller.is_for_people());
            match read(&file, path, options)? {
                Ok(import) => lists.push(List { file, import }),
                Err(error) => {
                    teller.faults(&file, &error)?;
                    let is_of_command = matches!(error, ImportError::Option { .. });
                    refused.push(faults_of_file(&file, &error));
                    if is_of_command {
                        break;
                    }
                }
            }
            progress.add(1);
        }
        progress.finish();
        if !refused.is_empty() {
            return Err(CliError::Message(refused.join("\n")));
        }
        let run = Self { lists, commit_size };
        run.require_commits()?;
        Ok(run)
    }

    /// Refuses a list that has too many rows for a commit, if it was not said how to divide it.
    fn require_commits(&self) -> Result<(), CliError> {
        let size = |list: &List| list.import.rows.len();
        match self.lists.iter().find(|list| size(list) > COMMIT_EVENTS_MAX) {
            Some(list) if self.commit_size.is_none() => Err(CliError::Message(say!(
                en: "{0}: {1} rows exceed the {COMMIT_EVENTS_MAX} of one commit; --commit-size \
                     {COMMIT_EVENTS_MAX} records them in several commits, each whole or not at all",
                zh: "{0}：{1} 行超过一次提交的上限 {COMMIT_EVENTS_MAX}；可用 --commit-size \
                     {COMMIT_EVENTS_MAX} 分几次提交，每次要么全部记录，要么都不记录",
                list.file,
                size(list)
            ))),
            _ => Ok(()),
        }
    }

    /// The commits, in their order.
    pub(crate) fn commits(&self) -> Vec<Part<'_>> {
        let size = self.commit_size.unwrap_or(COMMIT_EVENTS_MAX);
        let parts = self.lists.iter().flat_map(|List { file, import }| {
            let report = Some(&import.report);
            import.rows.chunks(size).map(move |rows| Part { file, report, rows })
        });
        parts.collect()
    }

    /// The trials that judge commits: one, if it can hold them all.
    pub(crate) fn trials<'a>(commits: &[Part<'a>]) -> Vec<Rows<'a>> {
        let whole = Rows::of_lists(commits.to_vec());
        let bytes: usize = whole.iter().map(|row| row.event.encoded_len() + EVENT_OVERHEAD).sum();
        if whole.len() <= COMMIT_EVENTS_MAX && bytes <= REQUEST_BYTES_MAX - REQUEST_OVERHEAD {
            return vec![whole];
        }
        commits.iter().map(|commit| Rows::of_lists(vec![*commit])).collect()
    }

    /// Commits of one file that follow one another, in words: `list.csv`, or
    /// `big.csv, rows 2 to 10001`.
    pub(crate) fn named(&self, commits: &[Part<'_>]) -> String {
        let file = commits.first().map_or("", |commit| commit.file);
        let count: usize = commits.iter().map(|commit| commit.rows.len()).sum();
        let mut lists = self.lists.iter();
        let is_whole = lists.any(|list| list.file == file && list.import.rows.len() == count);
        let first = commits.first().and_then(|commit| commit.rows.first());
        let last = commits.last().and_then(|commit| commit.rows.last());
        let (Some(first), Some(last), false) = (first, last, is_whole) else {
            return file.to_owned();
        };
        let comma = word!(en: ", ", zh: "，");
        let of_sheet = |name: &str| match name {
            "" => String::new(),
            name => format!("{name}{comma}"),
        };
        let from = format!("{file}{comma}{}", of_sheet(&first.sheet));
        let (one, other) = (first.row, last.row);
        if first.sheet != last.sheet {
            let to = of_sheet(&last.sheet);
            return say!(
                en: "{from}row {one} to {to}row {other}",
                zh: "{from}第 {one} 行至{to}第 {other} 行"
            );
        }
        if one == other {
            say!(en: "{from}row {one}", zh: "{from}第 {one} 行")
        } else {
            say!(en: "{from}rows {one} to {other}", zh: "{from}第 {one} 至 {other} 行")
        }
    }
}

/// Whether standard input is meant.
fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The name of a file, which is the same in any language for programs.
fn name(path: &Path, is_for_people: bool) -> String {
    const STANDARD: &str = "standard input";
    match (is_standard(path), is_for_people) {
        (false, _) => path.display().to_string(),
        (true, true) => word!(en: STANDARD, zh: "标准输入").to_owned(),
        (true, false) => STANDARD.to_owned(),
    }
}

fn read(
    file: &str,
    path: &Path,
    options: &import::Options,
) -> Result<Result<Import, ImportError>, CliError> {
    let bytes = match is_standard(path) {
        true => files::read_whole(stdin().lock(), INPUT_FILE_BYTES_MAX),
        false => files::read(path, INPUT_FILE_BYTES_MAX),
    };
    let bytes = bytes
        .map_err(|e| CliError::Io(say!(en: "cannot read {file}", zh: "无法读取 {file}"), e))?;
    let _bound = MemoryBound::begin(LIST_MEMORY_BYTES_MAX);
    Ok(import::read(file, &bytes, options, authority_of))
}
