//! `tidu verify`: verifies a log that is served, a log at rest, a backup or an export.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bytes::Bytes;
use clap::Args;

use super::import;
use crate::{
    archive::{AtRest, BuiltLog, ExpectedRoot, LogBuilder, backup},
    cli::{
        CliError,
        args::{CatalogueArgs, Common, ExpectArgs, Output},
        client::Client,
        print::{JsonLines, Progress, eprint_line, print_line},
    },
    domain::text::hex,
    lang::{say, word},
    ledger::audit::Verified,
    limits::VERIFY_STEP_BYTES,
    protocol::pb,
};

#[derive(Debug, Args)]
#[command(after_help = "\
Every event is read and hashed again. Checksums, stored leaf hashes, positions, commits and times
are checked, and the Merkle root is compared with the high-water mark or with the root in the
archive. Of a backup, every generation is read, with its manifest, its checksums and its cursors. A
copy proves by its own root that it is whole; --expect-root proves that it is the right one. The
command fails at the first wrong position and names it. To resume an interrupted verification, give
--from with the last position it printed.")]
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
    expect: ExpectArgs,
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
    if let Some(expected) = args.expect.expected() {
        require_at(&expected, last.log_size)?;
        let root = last.root_hash.as_ref().try_into().unwrap_or_default();
        expected.require(last.log_size, root)?;
    }
    report.done(&last)
}

/// Refuses a size at which nobody knows the root of a served log.
fn require_at(expected: &ExpectedRoot, size: u64) -> Result<(), CliError> {
    match expected.size {
        Some(at) if at < size => Err(CliError::Refused(say!(
            en: "a server states the root at its end alone, which is at {size} events now; verify \
                 a backup for the root at size {at}",
            zh: "服务器只给出末尾（现为 {size} 个事件）的根哈希；要比对 {at} 个事件处的根哈希，请校验备份"
        ))),
        _ => Ok(()),
    }
}

fn at_rest(path: &Path, args: &VerifyArgs, report: &Report) -> Result<(), CliError> {
    let expected = args.expect.expected();
    if expected.is_some_and(|expected| expected.size.is_some_and(|size| size <= args.from)) {
        return Err(CliError::Refused(
            word!(
                en: "--expect-size must be past --from: nothing is read below that",
                zh: "--expect-size 应大于 --from：该位置之前不会读取"
            )
            .to_owned(),
        ));
    }
    let files = args.catalogue.read(path)?;
    let mut verification = AtRest::begin(path, files, args.from, expected)?;
    let (mut read, began) = (0, now());
    let mut so_far = verification.so_far();
    let unread_events = so_far.position;
    let answer = |so_far: Verified, read, root: Bytes| pb::VerifyResponse {
        verified_position: so_far.position,
        log_size: so_far.size,
        read_bytes: read,
        root_hash: root,
        unread_events,
    };
    while let Some(step) = verification.step(VERIFY_STEP_BYTES)? {
        so_far = step;
        read += step.bytes;
        report.progress(&answer(so_far, read, Bytes::new()))?;
        if args.bytes_per_second > 0 {
            let due = Duration::from_secs_f64(read as f64 / args.bytes_per_second as f64);
            std::thread::sleep(due.saturating_sub(began.elapsed()));
        }
    }
    report.done(&answer(so_far, read, Bytes::copy_from_slice(&verification.log().root)))
}

fn archived(path: &Path, args: &VerifyArgs, report: &Report) -> Result<(), CliError> {
    let read = if path.is_dir() { generations(path, args)? } else { Some(file(path, args)?) };
    let Some(read) = read.filter(|read| read.log_id.is_some()) else {
        let name = path.display();
        return Err(CliError::Refused(say!(
            en: "{name} contains neither a log nor an archive",
            zh: "{name} 中既没有日志，也没有备份或导出"
        )));
    };
    report.done(&pb::VerifyResponse {
        verified_position: read.size,
        log_size: read.size,
        read_bytes: 0,
        root_hash: Bytes::copy_from_slice(&read.root),
        unread_events: 0,
    })
}

fn file(path: &Path, args: &VerifyArgs) -> Result<BuiltLog, CliError> {
    let mut assembly = LogBuilder::checking(args.catalogue.read(path)?);
    assembly.expect(args.expect.expected());
    import::read_source(path, &mut assembly)?;
    Ok(assembly.finish()?)
}

/// Verifies all generations of a backup, the newest first; gives the newest one. An expected root
/// is that of the newest, or of each that reaches the size. After a fault the others are verified
/// all the same.
fn generations(path: &Path, args: &VerifyArgs) -> Result<Option<BuiltLog>, CliError> {
    let (mut newest, mut fault) = (None, None);
    for generation in backup::generations(path)?.into_iter().rev() {
        let verify = || -> Result<BuiltLog, CliError> {
            let mut assembly = LogBuilder::checking(args.catalogue.read(generation.path())?);
            let reaches = |expected: &ExpectedRoot| match (newest, expected.size) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(_), Some(size)) => ends(&generation).is_none_or(|end| end >= size),
            };
            assembly.expect(args.expect.expected().filter(reaches));
            generation.read(&mut assembly)?;
            Ok(assembly.finish()?)
        };
        match verify() {
            Ok(built) => {
                if newest.is_some() || fault.is_some() {
                    let (shown, size) = (generation.path().display(), built.size);
                    eprint_line(&say!(
                        en: "{shown}: {size} events verified", zh: "{shown}：已校验 {size} 个事件"
                    ));
                }
                newest.get_or_insert(built);
            }
            Err(error) => {
                if fault.is_some() {
                    eprint_line(&error.shown());
                }
                fault.get_or_insert(error);
            }
        }
    }
    fault.map_or(Ok(newest), Err)
}

/// The size of the log at the end of a generation, by its manifest.
fn ends(generation: &backup::Generation) -> Option<u64> {
    Some(generation.manifest().ok()??.size())
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
        let (size, root, unread) = (last.log_size, hex(&last.root_hash), last.unread_events);
        let beside = match unread {
            0 => String::new(),
            _ => say!(
                en: "; {unread} of them were not read, and the root takes in their stored hashes",
                zh: "；其中 {unread} 个没有读取，根哈希采用其存储的哈希"
            ),
        };
        match &self.lines {
            Some(lines) => lines.print("VerifyResponse", last),
            None => print_line(&say!(
                en: "{size} events verified, root {root}{beside}",
                zh: "已校验 {size} 个事件，根哈希 {root}{beside}"
            )),
        }
    }
}
