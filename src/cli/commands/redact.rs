//! `tidu redact`: erases the content of an annulled event from a log at rest.

use std::path::PathBuf;

use clap::Args;

use crate::{
    archive::{ArchiveError, BuiltLog, redaction::Redaction},
    cli::{CliError, args::CatalogueArgs, print::print_line},
    domain::text::hex,
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
    let redaction = Redaction::prepare(files, data_dir, *position, reason, archive);
    let redaction = redaction.map_err(refusal)?;
    let log = data_dir.display();
    let in_log = if redaction.is_done() {
        format!("event {position} was erased from {log} before; the reason stated then stays")
    } else if args.yes {
        format!("erased the content of event {position} from {log}")
    } else {
        format!("would erase the content of event {position} from {log}")
    };
    let verb = if args.yes { "erased" } else { "would erase" };
    let in_archive = |path: &PathBuf| format!("{verb} it from {}", path.display());
    let in_archives: Vec<_> = redaction.archives().iter().map(in_archive).collect();
    let print = || {
        print_line(&in_log)?;
        in_archives.iter().try_for_each(|line| print_line(line))
    };
    if !args.yes {
        print()?;
        return print_line("nothing was changed; to erase it, repeat the command with --yes");
    }
    let BuiltLog { log_id, size, root } = redaction.run().map_err(refusal)?;
    print()?;
    print_line("not erased: copies of subscribers, other backups and exports, old disk blocks")?;
    let id = log_id.unwrap_or_default();
    print_line(&format!("log {id}, {size} events, root {} as before", hex(&root)))
}

fn refusal(error: ArchiveError) -> CliError {
    match error {
        ArchiveError::NotRedactable(why) => CliError::Refused(why),
        other => other.into(),
    }
}
