//! `tidu export` and `tidu backup`: copies of a log that is being served.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use clap::{Args, ValueEnum};
use prost::Message as _;
use uuid::Uuid;

use super::import::watcher;
use crate::{
    archive::{ArchiveError, Header, LogBuilder, Writer, backup},
    catalogue_files::CatalogueFiles,
    cli::{
        CliError,
        args::{CatalogueArgs, ServerArgs, is_standard},
        catalogues,
        client::Client,
        destination::Destination,
        print::{Progress, eprint_line, escaped_json},
    },
    domain::text::hex,
    files,
    lang::{say, word},
    log::{self, FORMAT_BEGUN, FORMAT_KNOWN, LogError},
    protocol::{
        batch::Frame,
        json::Json,
        pb::{self, subscribe_request::Start, subscribe_response::Payload},
    },
};

#[derive(Debug, Args)]
#[command(after_help = "\
The export holds the log as of the start of the command; the server keeps running. The first line
of `json` is the response of GetStatus: log id, size and root. Then comes one event a line; 64-bit
numbers are strings, bytes are base64. `raw` holds the stored bytes. `tidu import` builds the same
log from either, byte for byte. The catalogues that the log has adopted, other than those that come
with tidu, are kept beside FILE, in the directory `catalogues`.")]
pub(crate) struct ExportArgs {
    /// File to write, or - for standard output
    #[arg(default_value = "-")]
    file: PathBuf,
    /// Format to write
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object a line
    Json,
    /// The stored bytes, as an archive
    Raw,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The first backup holds the whole log; each later one adds the events recorded since. Before it adds
anything, the command reads and checks the existing backup; together with the new part it must give
the root that the server states. `-` writes the whole log to standard output. `tidu restore
DIRECTORY --data-dir DATA` builds a log from a backup; `tidu verify DIRECTORY` checks it. The
directory also gets the catalogues that the log has adopted, other than those that come with
tidu.")]
pub(crate) struct BackupArgs {
    /// Directory of the backup, created if missing; or - for standard output
    directory: PathBuf,
    #[command(flatten)]
    catalogue: CatalogueArgs,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn export(args: ExportArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.server).await?;
    let (header, status) = header(&mut client, 0).await?;
    let directory = CatalogueArgs::beside(&args.file);
    let (files, adopted) = catalogues::fetch(&mut client, CatalogueFiles::built_in()).await?;
    catalogues::keep(directory.as_deref(), &files, &adopted)?;
    let failed = unwritten(&args.file);
    let mut target = target(&args.file).map_err(failed)?;
    if args.format == Format::Raw {
        target = archive(&mut client, &header, target, &args.file, |_| Ok(())).await?;
    } else {
        let json = Json::new()?;
        let line = json.line("GetStatusResponse", &first_line(status))?;
        writeln!(target, "{}", escaped_json(&line)).map_err(failed)?;
        let print = |frame: Frame| {
            let message = if frame.withheld { "Withheld" } else { "RecordedEvent" };
            let line = json.line_of(message, &frame.bytes)?;
            writeln!(target, "{}", escaped_json(&line)).map_err(failed)
        };
        frames(&mut client, &header, print).await?;
    }
    target.commit().map_err(failed)?;
    eprint_line(&summary(&header));
    Ok(())
}

pub(super) async fn backup(args: BackupArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.server).await?;
    let directory = &args.directory;
    if !is_standard(directory) {
        reject_data_directory(directory)?;
        files::create_directory(directory).map_err(|e| {
            let path = directory.display();
            CliError::Io(say!(en: "cannot create {path}", zh: "无法创建 {path}"), e)
        })?;
    }
    let known = args.catalogue.read(directory)?;
    let (files, adopted) = catalogues::fetch(&mut client, known).await?;
    let mut assembly = LogBuilder::checking(files.clone());
    let checking = word!(en: "checking the backup", zh: "正在检查已有备份");
    let progress = Arc::new(Progress::new(checking, events(), 0));
    assembly.watch(watcher(&progress));
    if is_standard(directory) {
        catalogues::keep(None, &files, &adopted)?;
        let (header, _) = header(&mut client, 0).await?;
        return add(&mut client, &header, &mut assembly, directory).await;
    }
    catalogues::keep(Some(directory), &files, &adopted)?;
    backup::read(directory, &mut assembly)?;
    let (header, _) = header(&mut client, assembly.so_far().size).await?;
    if header.next < header.first {
        let (had, has) = (header.first, header.next);
        return Err(CliError::Refused(say!(
            en: "the backup has {had} events, but the server's log has only {has}",
            zh: "备份有 {had} 个事件，而服务器的日志只有 {has} 个"
        )));
    }
    if header.next == header.first && assembly.so_far().log_id.is_some() {
        // It must still be the same log.
        let name = served_log();
        assembly.begin(name, &header)?;
        assembly.end(name, &header)?;
        progress.finish();
        let summary = summary(&header);
        eprint_line(&say!(
            en: "nothing was recorded since the last backup; {summary}",
            zh: "上次备份之后没有新事件；{summary}"
        ));
        return Ok(());
    }
    progress.finish();
    add(&mut client, &header, &mut assembly, &backup::name(directory, &header)).await
}

/// The unit of a progress.
fn events() -> &'static str {
    word!(en: "events", zh: "个事件")
}

/// The log of the server, as the source of an archive.
fn served_log() -> &'static str {
    word!(en: "the server's log", zh: "服务器的日志")
}

/// An archive beside a log would be lost with it, and no redaction of the log would find it.
fn reject_data_directory(directory: &Path) -> Result<(), CliError> {
    if !log::is_in(directory) {
        return Ok(());
    }
    let name = directory.display();
    Err(CliError::Refused(say!(
        en: "{name} is a data directory; name another one for the backup",
        zh: "{name} 是数据目录，请为备份另选目录"
    )))
}

/// Writes a part of the log to a path; keeps it only if it continues the backup.
async fn add(
    client: &mut Client,
    header: &Header,
    assembly: &mut LogBuilder,
    path: &Path,
) -> Result<(), CliError> {
    let failed = unwritten(path);
    let name = served_log();
    // The progress of the copy tells how far it is.
    assembly.watch(Arc::new(|_, _| {}));
    assembly.begin(name, header)?;
    let target = target(path).map_err(failed)?;
    let take = |frame: &Frame| {
        let does_not_follow = |e| ArchiveError::Misplaced {
            name: name.to_owned(),
            detail: say!(
                en: "it does not continue the backup: {e}", zh: "与已有备份不衔接：{e}"
            ),
        };
        assembly.frame(frame).map_err(does_not_follow)
    };
    let target = archive(client, header, target, path, take).await?;
    assembly.end(name, header)?;
    target.commit().map_err(failed)?;
    eprint_line(&summary(header));
    Ok(())
}

/// A failure to write. A closed pipe is one too, because its reader lacks the rest.
fn unwritten(path: &Path) -> impl Fn(io::Error) -> CliError + Copy {
    move |e| {
        let path = path.display();
        CliError::Message(say!(en: "cannot write {path}: {e}", zh: "无法写入 {path}：{e}"))
    }
}

fn target(path: &Path) -> io::Result<Destination> {
    if is_standard(path) { Ok(Destination::standard()) } else { Destination::file(path) }
}

/// Writes an archive, and gives each of its frames to `take` as well.
async fn archive(
    client: &mut Client,
    header: &Header,
    target: Destination,
    path: &Path,
    mut take: impl FnMut(&Frame) -> Result<(), ArchiveError>,
) -> Result<Destination, CliError> {
    let failed = unwritten(path);
    let mut writer = Writer::begin(target, header).map_err(failed)?;
    let write = |frame: Frame| {
        take(&frame)?;
        writer.frame(&frame).map_err(failed)
    };
    frames(client, header, write).await?;
    writer.finish().map_err(failed)
}

/// The present log from a position on.
async fn header(
    client: &mut Client,
    first: u64,
) -> Result<(Header, pb::GetStatusResponse), CliError> {
    let status = client.admin.get_status(pb::GetStatusRequest {}).await?.into_inner();
    let header = header_of(&status, first)?;
    Ok((header, status))
}

/// The status as the first line of an export has it. Earlier versions refuse fields that they do
/// not know, and the state of a server says nothing about its log.
fn first_line(status: pb::GetStatusResponse) -> pb::GetStatusResponse {
    pb::GetStatusResponse {
        log_id: status.log_id,
        log_size: status.log_size,
        root_hash: status.root_hash,
        version: status.version,
        start_time: status.start_time,
        last_recorded_time: status.last_recorded_time,
        designee_count: status.designee_count,
        subscriber_count: status.subscriber_count,
        log_format: status.log_format,
        rules_version: status.rules_version,
        newest_rules_version: status.newest_rules_version,
        ..Default::default()
    }
}

/// The header of an archive of the log with this status, from a position on.
pub(super) fn header_of(status: &pb::GetStatusResponse, first: u64) -> Result<Header, CliError> {
    let missing = |what: &str| {
        CliError::Message(say!(
            en: "the log's status has no {what}", zh: "日志状态中没有{what}"
        ))
    };
    let of_log = |_| missing(word!(en: "log id", zh: "日志编号"));
    let log_id: Uuid = status.log_id.parse().map_err(of_log)?;
    let of_root = |_| missing(word!(en: "root hash of 32 bytes", zh: " 32 字节的根哈希"));
    let root = status.root_hash.as_ref().try_into().map_err(of_root)?;
    let format = u16::try_from(status.log_format).unwrap_or(u16::MAX).max(FORMAT_BEGUN);
    if format > FORMAT_KNOWN {
        let too_new = LogError::TooNew { found: format, known: FORMAT_KNOWN };
        return Err(ArchiveError::Log(too_new).into());
    }
    Ok(Header { format, log_id, first, next: status.log_size, root })
}

/// Gives the leaves and withheld places of a part of the log to `take`, in order.
async fn frames(
    client: &mut Client,
    header: &Header,
    mut take: impl FnMut(Frame) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let request = pb::SubscribeRequest {
        start: Some(Start::FromPosition(header.first)),
        stop_position: Some(header.next),
        log_id: header.log_id.to_string(),
        raw: true,
        ..Default::default()
    };
    let what = word!(en: "copying the log", zh: "正在复制日志");
    let progress = Progress::new(what, events(), header.next.saturating_sub(header.first));
    let mut stream = client.ledger.subscribe(request).await?.into_inner();
    while let Some(message) = stream.message().await? {
        match message.payload {
            Some(Payload::RawEvents(batch)) => {
                let count = batch.leaves.len();
                let frame = |bytes| Frame { withheld: false, bytes };
                batch.leaves.into_iter().map(frame).try_for_each(&mut take)?;
                progress.add(u64::try_from(count).unwrap_or_default());
            }
            Some(Payload::Withheld(place)) => {
                take(Frame { withheld: true, bytes: Bytes::from(place.encode_to_vec()) })?;
                progress.add(1);
            }
            _ => {}
        }
    }
    progress.finish();
    Ok(())
}

fn summary(header: &Header) -> String {
    let Header { log_id, first, next, root, .. } = header;
    let root = hex(root);
    say!(
        en: "log {log_id}: events {first} to {next}, root {root}",
        zh: "日志 {log_id}：事件 {first} 至 {next}，根哈希 {root}"
    )
}
