//! Rewrites archives and exports of a log with its withheld places.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, Write as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use prost::Message as _;
use uuid::Uuid;

use super::{
    Action, ArchiveError, Header, Lines, MAGIC, Reader, Writer, backup, redaction::Places,
};
use crate::{
    files::{self, AtomicFile},
    lang::{say, word},
    ledger::place,
    log::{self, FORMAT_SECOND},
    protocol::{batch::Frame, json::Json, withheld},
};

/// Finds the files that hold one of some events, in `paths` of files and backup directories, and
/// checks that each copy reaches past the annulments of those that it holds. `annulled` has the
/// position of each event with that of its annulment.
pub(super) fn find(
    paths: &[PathBuf],
    log_id: Uuid,
    size: u64,
    annulled: &BTreeMap<u64, u64>,
) -> Result<Vec<PathBuf>, ArchiveError> {
    let mut found = Vec::new();
    for path in paths {
        let copies = if path.is_dir() { generations(path)? } else { vec![vec![path.clone()]] };
        for files in copies {
            found.extend(copy(path, files, log_id, size, annulled)?);
        }
    }
    Ok(found)
}

/// The files of one whole copy that hold one of the events.
fn copy(
    path: &Path,
    files: Vec<PathBuf>,
    log_id: Uuid,
    size: u64,
    annulled: &BTreeMap<u64, u64>,
) -> Result<Vec<PathBuf>, ArchiveError> {
    let mut found = Vec::new();
    let (mut begin, mut end) = (u64::MAX, 0);
    for file in files {
        let (id, first, next) = range(&file)?;
        if id != log_id.to_string() || next > size {
            return refused(
                &file,
                &say!(
                    en: "is not a copy of log {log_id}, which has {size} events",
                    zh: "不是日志 {log_id}（{size} 个事件）的副本"
                ),
            );
        }
        (begin, end) = (first.min(begin), next.max(end));
        if annulled.range(first..next).next().is_some() {
            found.push(file);
        }
    }
    let mut held = annulled.range(begin.min(end)..end);
    if let Some((position, annulled_at)) = held.find(|(_, annulled_at)| end <= **annulled_at) {
        let why = say!(
            en: "ends at position {end}, before event {annulled_at} annuls event {position}; \
                 add the later events with `tidu backup` first",
            zh: "止于位置 {end}，而事件 {position} 由之后的事件 {annulled_at} 作废；请先用 \
                 tidu backup 补齐"
        );
        return refused(path, &why);
    }
    Ok(found)
}

/// The archives of each generation of a backup. A directory without one would be left as it is.
fn generations(path: &Path) -> Result<Vec<Vec<PathBuf>>, ArchiveError> {
    if log::is_in(path) {
        return refused(
            path,
            word!(
                en: "is a data directory; redact it by a command of its own",
                zh: "是数据目录，请单独抹除"
            ),
        );
    }
    let generations = backup::generations(path)?;
    if generations.is_empty() {
        return refused(path, word!(en: "contains no archive", zh: "中没有备份文件"));
    }
    generations.iter().map(backup::Generation::archives).collect()
}

/// The file itself, where a path is a symbolic link: replacing the link would keep the old bytes.
fn followed(path: &Path) -> Result<PathBuf, ArchiveError> {
    if !path.is_symlink() {
        return Ok(path.to_path_buf());
    }
    path.canonicalize().map_err(|e| ArchiveError::io(Action::Follow, path, e))
}

/// The log id and the positions that a copy holds.
fn range(path: &Path) -> Result<(String, u64, u64), ArchiveError> {
    let unreadable = |source| unreadable(path, source);
    let mut input = open(path)?;
    if input.fill_buf().map_err(unreadable)?.starts_with(&MAGIC) {
        let Header { log_id, first, next, .. } = *Reader::open(input).map_err(unreadable)?.header();
        return Ok((log_id.to_string(), first, next));
    }
    let (log_id, size, _) = head(&json()?, path, &mut input)?;
    Ok((log_id, 0, size))
}

/// Rewrites a copy: its old file is there until the new one is complete.
pub(super) fn rewrite(path: &Path, places: &Places) -> Result<(), ArchiveError> {
    let named = path;
    let path = &followed(named)?;
    let mut input = open(path)?;
    let failed = |e| ArchiveError::io(Action::Write, path, e);
    let out = AtomicFile::create(path).map_err(failed)?;
    out.permit_as(path).map_err(failed)?;
    let is_archive = input.fill_buf().map_err(|e| unreadable(path, e))?.starts_with(&MAGIC);
    let out = if is_archive {
        rewrite_archive(path, input, out, places)?
    } else {
        rewrite_lines(path, input, out, places)?
    };
    out.commit().map_err(failed)?;
    backup::note_rewritten(named)
}

fn rewrite_archive(
    path: &Path,
    input: impl BufRead,
    out: AtomicFile,
    places: &Places,
) -> Result<AtomicFile, ArchiveError> {
    let unreadable = |source| unreadable(path, source);
    let failed = |e| ArchiveError::io(Action::Write, path, e);
    let mut reader = Reader::open(input).map_err(unreadable)?;
    let header = *reader.header();
    let header = Header { format: header.format.max(FORMAT_SECOND), ..header };
    let mut writer = Writer::begin(out, &header, reader.form()).map_err(failed)?;
    let mut position = header.first;
    while let Some(frame) = reader.frame().map_err(unreadable)? {
        let frame = replaced(path, position, frame, places)?;
        writer.frame(&frame).map_err(failed)?;
        position += 1;
    }
    writer.finish().map_err(failed)
}

fn rewrite_lines(
    path: &Path,
    mut input: impl BufRead,
    mut out: AtomicFile,
    places: &Places,
) -> Result<AtomicFile, ArchiveError> {
    let failed = |e| ArchiveError::io(Action::Write, path, e);
    let wrong = |why: String| unreadable(path, io::Error::new(io::ErrorKind::InvalidData, why));
    let json = json()?;
    let (_, size, line) = head(&json, path, &mut input)?;
    writeln!(out, "{line}").map_err(failed)?;
    let mut found = 0;
    for (position, line) in (0..).zip(Lines::of(input)) {
        let line = line.map_err(|e| unreadable(path, e))?;
        let frame = json.place(&line).map_err(wrong)?.frame();
        let Frame { withheld, bytes } = replaced(path, position, frame, places)?;
        let line = if withheld {
            json.line_of("Withheld", &bytes).map_err(|e| wrong(e.to_string()))?
        } else {
            line
        };
        writeln!(out, "{line}").map_err(failed)?;
        found = position + 1;
    }
    if found != size {
        return Err(wrong(say!(
            en: "has {found} events, and its first line states {size}",
            zh: "有 {found} 个事件，而第一行写明 {size} 个"
        )));
    }
    Ok(out)
}

/// The frame that a copy holds at a position from now on.
fn replaced(
    path: &Path,
    position: u64,
    frame: Frame,
    places: &Places,
) -> Result<Frame, ArchiveError> {
    let Some(place) = places.get(&position) else { return Ok(frame) };
    let hash = place::leaf_hash(position, &frame)?;
    if withheld::leaf_hash(place) != Some(hash) {
        return refused(
            path,
            &say!(
                en: "holds another event at position {position}",
                zh: "在位置 {position} 是另一个事件"
            ),
        );
    }
    Ok(Frame { withheld: true, bytes: Bytes::from(place.encode_to_vec()) })
}

fn open(path: &Path) -> Result<BufReader<File>, ArchiveError> {
    files::open(path).map(BufReader::new).map_err(|e| ArchiveError::io(Action::Open, path, e))
}

fn json() -> Result<Json, ArchiveError> {
    Json::new().map_err(|e| ArchiveError::NotRedactable(e.to_string()))
}

/// The first line of an export: log id, size, and the line that it gets.
fn head(
    json: &Json,
    path: &Path,
    input: &mut impl BufRead,
) -> Result<(String, u64, String), ArchiveError> {
    let line = Lines::of(input).next().transpose().map_err(|e| unreadable(path, e))?;
    let line = line.unwrap_or_default();
    let head = json.head(&line, FORMAT_SECOND);
    head.or_else(|_| {
        let why = word!(
            en: "is neither an archive nor an export", zh: "既不是备份文件，也不是导出文件"
        );
        refused(path, why)
    })
}

fn unreadable(path: &Path, source: io::Error) -> ArchiveError {
    ArchiveError::Archive { name: path.display().to_string(), source }
}

fn refused<T>(path: &Path, why: &str) -> Result<T, ArchiveError> {
    Err(ArchiveError::NotRedactable(format!("{} {why}", path.display())))
}
