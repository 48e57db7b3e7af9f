//! `tidu import`, also called `tidu restore`: builds a log from an export or a backup.

use std::{
    io::{self, BufRead, BufReader},
    path::PathBuf,
    sync::Arc,
};

use clap::Args;
use prost::Message as _;

use super::export::header_of;
use crate::{
    archive::{BuiltLog, Lines, LogBuilder, MAGIC, Watcher, backup},
    cli::{
        CliError,
        args::{CatalogueArgs, is_standard},
        print::{Progress, print_line},
    },
    domain::text::hex,
    files,
    lang::{say, word},
    protocol::{json::Json, pb},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Every event is checked, and the Merkle root must be the exported one. The log keeps its id, so
subscribers resume from their positions. The data directory is created only when it is complete. The
catalogues that the log has adopted are found beside the source, in the directory `catalogues`; name
others with --catalogue.")]
pub(crate) struct ImportArgs {
    /// Export (JSON lines or raw) or backup directory to read, or - for standard input
    source: PathBuf,
    /// Data directory to build; must be empty or missing
    #[arg(long)]
    data_dir: PathBuf,
    #[command(flatten)]
    catalogue: CatalogueArgs,
}

pub(super) fn run(args: &ImportArgs) -> Result<(), CliError> {
    let mut assembly = LogBuilder::building(args.catalogue.read(&args.source)?, &args.data_dir)?;
    let name = args.source.display().to_string();
    let failed = unreadable(&name);
    let what = word!(en: "building the log", zh: "正在建立日志");
    let progress = Arc::new(Progress::new(what, word!(en: "events", zh: "个事件"), 0));
    assembly.watch(watcher(&progress));
    if args.source.is_dir() {
        backup::read(&args.source, &mut assembly)?;
    } else if is_standard(&args.source) {
        read(&name, io::stdin().lock(), &mut assembly)?;
    } else {
        let file = files::open(&args.source).map_err(failed)?;
        read(&name, BufReader::new(file), &mut assembly)?;
    }
    if assembly.so_far().log_id.is_none() {
        return Err(CliError::Refused(say!(
            en: "{name} contains no archive", zh: "{name} 中没有备份或导出"
        )));
    }
    let BuiltLog { log_id, size, root } = assembly.finish()?;
    progress.finish();
    let (id, root, data) = (log_id.unwrap_or_default(), hex(&root), args.data_dir.display());
    print_line(&say!(
        en: "{data}: log {id}, {size} events, root {root}",
        zh: "{data}：日志 {id}，{size} 个事件，根哈希 {root}"
    ))
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
    let header = header_of(&status, 0).map_err(|e| refused(1, &e))?;
    assembly.begin(name, &header)?;
    for (number, line) in (2..).zip(lines) {
        let place = json.place(&line.map_err(failed)?).map_err(|e| refused(number, &e))?;
        assembly.frame(&place.frame()).map_err(|e| refused(number, &e))?;
    }
    Ok(assembly.end(name, &header)?)
}
