//! `tidu compact`: a small copy of a data directory at rest.

use std::{path::PathBuf, sync::Arc};

use clap::Args;

use super::{export::events, import::watcher};
use crate::{
    archive::{BuiltLog, Compacted, compact},
    cli::{
        CliError,
        args::CatalogueArgs,
        print::{Progress, bytes, eprint_line, print_line},
    },
    domain::text::hex,
    lang::{say, word},
};

#[derive(Debug, Args)]
#[command(after_help = "\
The server must be stopped, and the disk needs room for the copy. The copy has the same log, with
its id, root and withheld places, the same cursors, catalogues, keys, delegated principals and audit
trail. It gets its name when it is whole and was read again, so an interrupted command leaves
nothing that a server starts on; repeat it. The old directory stays: start the server on the new
one, and remove the old one when it serves.")]
pub(crate) struct CompactArgs {
    /// Data directory that no server uses
    #[arg(long, value_name = "OLD")]
    data_dir: PathBuf,
    /// Data directory to make; must be empty or missing
    #[arg(long, value_name = "NEW")]
    to: PathBuf,
    #[command(flatten)]
    catalogue: CatalogueArgs,
}

pub(super) fn run(args: &CompactArgs) -> Result<(), CliError> {
    let what = word!(en: "copying the log", zh: "正在复制日志");
    let progress = Arc::new(Progress::new(what, events(), 0));
    let files = args.catalogue.read(&args.data_dir)?;
    let compacted = compact(&args.data_dir, &args.to, files, watcher(&progress));
    progress.finish();
    let Compacted { log, event_bytes, before, after, cursors, left } = compacted?;
    let BuiltLog { log_id, size, root } = log;
    for path in left {
        let path = path.display();
        eprint_line(&say!(
            en: "not copied, because it is not a file of tidu: {path}",
            zh: "未复制（不是 tidu 的文件）：{path}"
        ));
    }
    let (id, root, new) = (log_id.unwrap_or_default(), hex(&root), args.to.display());
    print_line(&say!(
        en: "{new}: log {id}, {size} events, root {root}, {cursors} cursors",
        zh: "{new}：日志 {id}，{size} 个事件，根哈希 {root}，{cursors} 个游标"
    ))?;
    let ratio = |store: u64| store as f64 / event_bytes.max(1) as f64;
    let (was, is) = (ratio(before), ratio(after));
    let (events, before, after) = (bytes(event_bytes), bytes(before), bytes(after));
    print_line(&say!(
        en: "the store takes {after} instead of {before} for {events} of events: {is:.2} bytes a \
             stored byte instead of {was:.2}",
        zh: "{events} 的事件，存储占用由 {before} 降为 {after}：每字节事件由 {was:.2} 字节降为 {is:.2} 字节"
    ))
}
