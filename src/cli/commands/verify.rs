//! `tidu verify`: verifies a log that is served, a log at rest, a backup or an export.

use std::{
    io::{self, BufReader},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bytes::Bytes;
use clap::Args;

use super::import;
use crate::{
    archive::{self, ArchiveError, LogBuilder, backup},
    cli::{
        CliError,
        args::{CatalogueArgs, Common, Output, is_standard},
        client::Client,
        print::{JsonLines, Progress, eprint_line, print_line},
    },
    domain::text::hex,
    files,
    lang::{say, word},
    ledger::audit::Verified,
    limits::VERIFY_STEP_BYTES,
    protocol::pb,
};

#[derive(Debug, Args)]
#[command(after_help = "\
Every event is read and hashed again. Checksums, stored leaf hashes, positions, commits and times
are checked, and the Merkle root is compared with the high-water mark or with the root in the
archive. The command fails at the first wrong position and names it. To resume an interrupted
verification, give --from with the last position it printed.")]
pub(crate) struct VerifyArgs {
    /// Data directory that no server uses, backup directory, or export [default: the server
    /// verifies its log]
    path: Option<PathBuf>,
    /// Resume from this position: trust the stored leaf hashes below it
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    from: u64,
    /// Most bytes to read a second [default: 32 MiB on a server, otherwise unlimited]
    #[arg(long, value_name = "BYTES", default_value_t = 0, hide_default_value = true)]
    bytes_per_second: u64,
    #[command(flatten)]
    catalogue: CatalogueArgs,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: VerifyArgs) -> Result<(), CliError> {
    let report = Report::new(args.common.output)?;
    match &args.path {
        None => served(&args, &report).await,
        Some(path) if path.join("log").exists() || path.join("MARK").exists() => {
            at_rest(path, &args, &report)
        }
        Some(path) => archived(path, &args, &report),
    }
}

async fn served(args: &VerifyArgs, report: &Report) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    let VerifyArgs { from, bytes_per_second, .. } = *args;
    let request = pb::VerifyRequest { from_position: from, bytes_per_second };
    let mut stream = client.admin.verify(request).await?.into_inner();
    let mut last = pb::VerifyResponse::default();
    while let Some(progress) = stream.message().await.inspect_err(|_| report.resume(&last))? {
        report.progress(&progress)?;
        last = progress;
    }
    report.done(&last)
}

fn at_rest(path: &Path, args: &VerifyArgs, report: &Report) -> Result<(), CliError> {
    let (_, mut verification) = archive::verification(path, args.catalogue.read(path)?, args.from)?;
    let (mut read, began) = (0, now());
    let mut so_far = verification.so_far();
    let answer = |so_far: Verified, read, root: Bytes| pb::VerifyResponse {
        verified_position: so_far.position,
        log_size: so_far.size,
        read_bytes: read,
        root_hash: root,
    };
    while let Some(step) = verification.step(VERIFY_STEP_BYTES).map_err(ArchiveError::Log)? {
        so_far = step;
        read += step.bytes;
        report.progress(&answer(so_far, read, Bytes::new()))?;
        if args.bytes_per_second > 0 {
            let due = Duration::from_secs_f64(read as f64 / args.bytes_per_second as f64);
            std::thread::sleep(due.saturating_sub(began.elapsed()));
        }
    }
    report.done(&answer(so_far, read, Bytes::copy_from_slice(&verification.root())))
}

fn archived(path: &Path, args: &VerifyArgs, report: &Report) -> Result<(), CliError> {
    let mut assembly = LogBuilder::checking(args.catalogue.read(path)?);
    let name = path.display().to_string();
    if path.is_dir() {
        backup::read(path, &mut assembly)?;
    } else if is_standard(path) {
        import::read(&name, io::stdin().lock(), &mut assembly)?;
    } else {
        let file = files::open(path)
            .map_err(|e| CliError::Io(say!(en: "cannot read {name}", zh: "无法读取 {name}"), e))?;
        import::read(&name, BufReader::new(file), &mut assembly)?;
    }
    let assembled = assembly.finish()?;
    if assembled.log_id.is_none() {
        return Err(CliError::Refused(say!(
            en: "{name} contains neither a log nor an archive",
            zh: "{name} 中既没有日志，也没有备份或导出"
        )));
    }
    report.done(&pb::VerifyResponse {
        verified_position: assembled.size,
        log_size: assembled.size,
        read_bytes: 0,
        root_hash: Bytes::copy_from_slice(&assembled.root),
    })
}

#[allow(clippy::disallowed_methods)] // limits the reading rate; no record depends on it
fn now() -> Instant {
    Instant::now()
}

/// Reports the progress and the outcome.
struct Report {
    lines: Option<JsonLines>,
    progress: Progress,
}

impl Report {
    fn new(output: Output) -> Result<Self, CliError> {
        let lines = JsonLines::new(output)?;
        let progress = match &lines {
            Some(_) => Progress::hidden(),
            None => {
                let what = word!(en: "verifying", zh: "正在校验");
                Progress::new(what, word!(en: "events", zh: "个事件"), 0)
            }
        };
        Ok(Self { lines, progress })
    }

    fn progress(&self, so_far: &pb::VerifyResponse) -> Result<(), CliError> {
        self.progress.set_total(so_far.log_size);
        self.progress.set(so_far.verified_position);
        match &self.lines {
            // The last message, which has the root, is printed by `done`.
            Some(lines) if so_far.verified_position < so_far.log_size => {
                lines.print("VerifyResponse", so_far)
            }
            _ => Ok(()),
        }
    }

    fn resume(&self, last: &pb::VerifyResponse) {
        self.progress.finish();
        let from = last.verified_position;
        if from > 0 {
            eprint_line(&say!(
                en: "tidu: verified below {from}; resume with --from {from}",
                zh: "tidu：位置 {from} 之前已校验；可用 --from {from} 继续"
            ));
        }
    }

    fn done(&self, last: &pb::VerifyResponse) -> Result<(), CliError> {
        self.progress.finish();
        let (size, root) = (last.log_size, hex(&last.root_hash));
        match &self.lines {
            Some(lines) => lines.print("VerifyResponse", last),
            None => print_line(&say!(
                en: "{size} events verified, root {root}",
                zh: "已校验 {size} 个事件，根哈希 {root}"
            )),
        }
    }
}
