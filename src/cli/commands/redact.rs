//! `tidu redact`: erases the content of an annulled event from a log at rest.

use std::path::PathBuf;

use clap::Args;

use crate::{
    archive::{ArchiveError, BuiltLog, redaction::Redaction},
    cli::{
        CliError,
        args::CatalogueArgs,
        print::{Progress, print_line},
    },
    domain::text::hex,
    lang::{say, word},
};

#[derive(Debug, Args)]
#[command(after_help = "\
The server must be stopped. Only an annulled event can be redacted, and never an annulment. Without
--yes the command checks everything and changes nothing.

Erased: the event with its designee, names, documents and recorder, from every file of the data
directory and from the archives named. Kept: its position, time, commit, request id, leaf hash and
kind, and the authorities, programmes, regions, batches and known designees that it concerned. So
the root and every proof, filter and digest stay as they are. Not erased: copies of subscribers,
other backups and exports, and old blocks of the disk. The next start finishes or undoes an
interrupted redaction; repeat the command to redact archives that were left. See docs/backup.md.")]
pub(crate) struct RedactArgs {
    /// Position of the event
    position: u64,
    /// Why it is erased; the log keeps this text for ever
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Data directory that no server uses
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Archive, export or backup directory of this log to redact too (may be repeated)
    #[arg(long, value_name = "FILE_OR_DIR")]
    archive: Vec<PathBuf>,
    /// Erase; the content cannot be recovered
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    catalogue: CatalogueArgs,
}

pub(super) fn run(args: &RedactArgs) -> Result<(), CliError> {
    let RedactArgs { position, reason, data_dir, archive, .. } = args;
    let files = args.catalogue.read(data_dir)?;
    let what = word!(en: "reading the log", zh: "正在读取日志");
    let progress = Progress::new(what, word!(en: "events", zh: "个事件"), 0);
    let redaction = Redaction::prepare(files, data_dir, *position, reason, archive);
    progress.finish();
    let redaction = redaction.map_err(refusal)?;
    let log = data_dir.display();
    let in_log = if redaction.is_done() {
        say!(
            en: "event {position} was erased from {log} before; the reason stated then stays",
            zh: "事件 {position} 此前已从 {log} 抹除，当时写明的原因不变"
        )
    } else if args.yes {
        say!(
            en: "erased the content of event {position} from {log}",
            zh: "已从 {log} 抹除事件 {position} 的内容"
        )
    } else {
        say!(
            en: "would erase the content of event {position} from {log}",
            zh: "将从 {log} 抹除事件 {position} 的内容"
        )
    };
    let in_archive = |path: &PathBuf| {
        let path = path.display();
        match args.yes {
            true => say!(en: "erased it from {path}", zh: "已从 {path} 抹除"),
            false => say!(en: "would erase it from {path}", zh: "将从 {path} 抹除"),
        }
    };
    let in_archives: Vec<_> = redaction.archives().iter().map(in_archive).collect();
    let print = || {
        print_line(&in_log)?;
        in_archives.iter().try_for_each(|line| print_line(line))
    };
    if !args.yes {
        print()?;
        return print_line(word!(
            en: "nothing was changed; to erase it, repeat the command with --yes",
            zh: "未作任何改动；确认抹除请加 --yes 重新运行"
        ));
    }
    let what = word!(en: "rewriting the log and its archives", zh: "正在重写日志和备份");
    let progress = Progress::new(what, word!(en: "events", zh: "个事件"), 0);
    let rewritten = redaction.run();
    progress.finish();
    let BuiltLog { log_id, size, root } = rewritten.map_err(refusal)?;
    print()?;
    print_line(word!(
        en: "not erased: copies of subscribers, other backups and exports, old disk blocks",
        zh: "未抹除：订阅方的副本、其他备份和导出、磁盘上的旧数据块"
    ))?;
    let (id, root) = (log_id.unwrap_or_default(), hex(&root));
    print_line(&say!(
        en: "log {id}, {size} events, root {root} as before",
        zh: "日志 {id}，{size} 个事件，根哈希 {root} 不变"
    ))
}

fn refusal(error: ArchiveError) -> CliError {
    match error {
        ArchiveError::NotRedactable(why) => CliError::Refused(why),
        other => other.into(),
    }
}
