//! `tidu import`, also called `tidu restore`: builds a log from an export or a backup.

use std::{
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use clap::Args;
use prost::Message as _;

use super::export::{events, header_of};
use crate::{
    archive::{self, ArchiveError, BuiltLog, Lines, LogBuilder, MAGIC, Trouble, Watcher, backup},
    cli::{
        CliError,
        args::{CatalogueArgs, ExpectArgs, is_standard},
        cursor_file,
        print::{Progress, eprint_line, print_line},
    },
    domain::text::hex,
    files,
    lang::{say, word},
    protocol::{json::Json, pb},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Every event is checked, and the Merkle root must be the exported one. That proves that the copy is
whole; --expect-root proves that it is the right one. The log keeps its id, so subscribers resume
from their positions. The data directory is created only when it is complete. The catalogues that
the log has adopted are found beside the source, in the directory `catalogues`; name others with
--catalogue. Of a backup, the newest generation is taken, with its cursors; name the directory of
another one to take that.")]
pub(crate) struct ImportArgs {
    /// Export (JSON lines or archive) or backup directory to read, or - for standard input
    source: PathBuf,
    /// Data directory to build; must be empty or missing
    #[arg(long, required_unless_present = "drill", conflicts_with = "drill")]
    data_dir: Option<PathBuf>,
    /// Try it: build the log in a temporary directory (TMPDIR), verify it, remove it, say how long
    /// it took
    #[arg(long)]
    drill: bool,
    /// Leave out the cursors of the backup
    #[arg(long)]
    without_cursors: bool,
    #[command(flatten)]
    expect: ExpectArgs,
    #[command(flatten)]
    catalogue: CatalogueArgs,
}

pub(super) fn run(args: &ImportArgs) -> Result<(), CliError> {
    let Some(data) = &args.data_dir else { return drill(args) };
    let Imported { log, cursors } = import(args, data)?;
    tell(&data.display().to_string(), &log)?;
    if let Some(cursors) = cursors {
        eprint_line(&say!(en: "{cursors} cursors restored", zh: "已恢复 {cursors} 个游标"));
    }
    Ok(())
}

/// The log that was built.
struct Imported {
    log: BuiltLog,
    /// How many cursors it has; `None` if the source has none to restore.
    cursors: Option<u64>,
}

/// Builds the log in a directory that is empty or missing.
fn import(args: &ImportArgs, data: &Path) -> Result<Imported, CliError> {
    let mut assembly = LogBuilder::building(args.catalogue.read(&args.source)?, data)?;
    assembly.expect(args.expect.expected());
    let name = args.source.display().to_string();
    let what = word!(en: "building the log", zh: "正在建立日志");
    let progress = Arc::new(Progress::new(what, events(), 0));
    assembly.watch(watcher(&progress));
    let kept = match args.source.is_dir() {
        true => backup::read(&args.source, &mut assembly)?,
        false => {
            read_source(&args.source, &mut assembly)?;
            None
        }
    };
    if assembly.so_far().log_id.is_none() {
        return Err(CliError::Refused(say!(
            en: "{name} contains no archive", zh: "{name} 中没有备份或导出"
        )));
    }
    let epoch = kept.as_ref().map_or(0, |(_, manifest)| manifest.epoch);
    let kept = kept.filter(|_| !args.without_cursors);
    let content = kept.map(|(generation, manifest)| generation.cursors(&manifest)).transpose()?;
    let mut cursors = None;
    let log = assembly.finish_with(|building, log| {
        if let Some(content) = content.flatten() {
            cursors = Some(cursor_file::read(&content, log)?.write(building)?);
        }
        archive::keep_epoch(building, epoch, log.root)?;
        Ok::<_, CliError>(())
    })?;
    progress.finish();
    Ok(Imported { log, cursors })
}

/// Reads one file, or standard input.
pub(super) fn read_source(source: &Path, assembly: &mut LogBuilder) -> Result<(), CliError> {
    let name = source.display().to_string();
    if is_standard(source) {
        return read(&name, io::stdin().lock(), assembly);
    }
    let file = files::open(source).map_err(unreadable(&name))?;
    read(&name, BufReader::new(file), assembly)
}

/// Restores into a temporary directory, verifies what is there, and removes it.
fn drill(args: &ImportArgs) -> Result<(), CliError> {
    let place = tempfile::Builder::new().prefix("tidu-drill-").tempdir();
    let failed = |what: String| move |e| CliError::Io(what, e);
    let place = place.map_err(failed(
        word!(
            en: "cannot make a temporary directory", zh: "无法创建临时目录"
        )
        .to_owned(),
    ))?;
    let data = place.path().join("data");
    let began = now();
    let Imported { log, cursors } = import(args, &data)?;
    let built = began.elapsed();
    let began = now();
    let verified = archive::verified(&data, args.catalogue.read(&data)?)?;
    if verified != log {
        let name = data.display().to_string();
        let detail = word!(en: "it differs from what was built", zh: "与所建立的日志不同");
        return Err(ArchiveError::Misplaced { name, detail: detail.to_owned() }.into());
    }
    let (built, verified) = (built.as_secs_f64(), began.elapsed().as_secs_f64());
    let path = place.path().display().to_string();
    place.close().map_err(failed(say!(en: "cannot remove {path}", zh: "无法删除 {path}")))?;
    tell(&args.source.display().to_string(), &log)?;
    let cursors = cursors.unwrap_or(0);
    print_line(&say!(
        en: "the drill passed: restored in {built:.1} s with {cursors} cursors, verified in \
             {verified:.1} s; nothing of it is left",
        zh: "演练通过：恢复用时 {built:.1} 秒（含 {cursors} 个游标），校验用时 {verified:.1} 秒；临时数据已删除"
    ))
}

fn tell(name: &str, log: &BuiltLog) -> Result<(), CliError> {
    let BuiltLog { log_id, size, root } = log;
    let (id, root) = (log_id.unwrap_or_default(), hex(root));
    print_line(&say!(
        en: "{name}: log {id}, {size} events, root {root}",
        zh: "{name}：日志 {id}，{size} 个事件，根哈希 {root}"
    ))
}

#[allow(clippy::disallowed_methods)] // times a drill; no record depends on it
fn now() -> Instant {
    Instant::now()
}

/// Moves a progress as a log is built.
pub(super) fn watcher(progress: &Arc<Progress>) -> Watcher {
    let progress = Arc::clone(progress);
    Arc::new(move |read, total| {
        progress.set_total(total);
        progress.set(read);
    })
}

fn unreadable(name: &str) -> impl Fn(io::Error) -> CliError + Copy {
    move |e| CliError::Io(say!(en: "cannot read {name}", zh: "无法读取 {name}"), e)
}

/// Reads an archive or JSON lines; the first bytes tell which.
pub(super) fn read(
    name: &str,
    mut input: impl BufRead,
    assembly: &mut LogBuilder,
) -> Result<(), CliError> {
    let failed = unreadable(name);
    let start = input.fill_buf().map_err(failed)?;
    if start.starts_with(&MAGIC) {
        return Ok(assembly.archive(name, input)?);
    }
    let json = Json::new()?;
    let mut lines = Lines::of(input);
    let first = lines.next().transpose().map_err(failed)?.unwrap_or_default();
    let refused = |line: usize, why: &dyn std::fmt::Display| {
        CliError::Refused(say!(
            en: "{name}, line {line}: {why}", zh: "{name} 第 {line} 行：{why}"
        ))
    };
    let not_export = |e| {
        let why = say!(
            en: "{e}; an export begins with the state of the log",
            zh: "导出文件的第一行应为日志状态：{e}"
        );
        refused(1, &why)
    };
    let status = json.parse("GetStatusResponse", &first).map_err(not_export)?;
    let status = pb::GetStatusResponse::decode(status.as_slice()).map_err(|e| refused(1, &e))?;
    let header = header_of(&status, 0)?;
    assembly.begin(name, &header)?;
    let damaged = |line: usize, why: String| ArchiveError::Archive {
        name: say!(en: "{name}, line {line}", zh: "{name} 第 {line} 行"),
        source: io::Error::new(io::ErrorKind::InvalidData, why),
    };
    for (number, line) in (2..).zip(lines) {
        let place = json.place(&line.map_err(failed)?).map_err(|e| damaged(number, e))?;
        assembly.frame(&place.frame()).map_err(|e| match e.trouble() {
            Trouble::Damaged => damaged(number, e.to_string()),
            _ => e,
        })?;
    }
    Ok(assembly.end(name, &header)?)
}
