//! `tidu export`: a copy of a log that is being served. `tidu backup` reads the same from a server.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use clap::{Args, ValueEnum};
use prost::Message as _;
use uuid::Uuid;

use crate::{
    archive::{ArchiveError, Form, Header, Writer},
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
    lang::{say, word},
    log::{FORMAT_BEGUN, FORMAT_OF_EVENTS, LogError},
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
numbers are strings, bytes are base64. `raw` holds the stored bytes, compressed; `plain` holds them
as they are, and earlier versions of tidu read it too. `tidu import` builds the same log from each,
byte for byte. The catalogues that the log has adopted, other than those that come
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
    /// The stored bytes, as a compressed archive
    Raw,
    /// The stored bytes, as an archive that every version reads
    Plain,
}

impl Format {
    /// The form of the archive; `None` for JSON.
    fn form(self) -> Option<Form> {
        match self {
            Self::Json => None,
            Self::Raw => Some(Form::Compressed),
            Self::Plain => Some(Form::Plain),
        }
    }
}

pub(super) async fn export(args: ExportArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.server).await?;
    let (header, status) = header(&mut client, 0).await?;
    let directory = CatalogueArgs::beside(&args.file);
    let (files, adopted) = catalogues::fetch(&mut client, CatalogueFiles::built_in()).await?;
    catalogues::keep(directory.as_deref(), &files, &adopted)?;
    let failed = unwritten(&args.file);
    let mut target = target(&args.file).map_err(failed)?;
    if let Some(form) = args.format.form() {
        target = archive(&mut client, &header, target, &args.file, form).await?;
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

/// The unit of a progress.
pub(super) fn events() -> &'static str {
    word!(en: "events", zh: "个事件")
}

/// A failure to write. A closed pipe is one too, because its reader lacks the rest.
fn unwritten(path: &Path) -> impl Fn(io::Error) -> CliError + Copy {
    move |e| ArchiveError::unwritten(path, e).into()
}

fn target(path: &Path) -> io::Result<Destination> {
    if is_standard(path) { Ok(Destination::standard()) } else { Destination::file(path) }
}

/// Writes an archive.
pub(super) async fn archive(
    client: &mut Client,
    header: &Header,
    target: Destination,
    path: &Path,
    form: Form,
) -> Result<Destination, CliError> {
    let failed = unwritten(path);
    let mut writer = Writer::begin(target, header, form).map_err(failed)?;
    frames(client, header, |frame| writer.frame(&frame).map_err(failed)).await?;
    writer.finish().map_err(failed)
}

/// The present log from a position on.
pub(super) async fn header(
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
    if format > FORMAT_OF_EVENTS {
        let too_new = LogError::TooNew { found: format, known: FORMAT_OF_EVENTS };
        return Err(ArchiveError::Log(too_new).into());
    }
    Ok(Header { format, log_id, first, next: status.log_size, root })
}

/// Gives the leaves and withheld places of a part of the log to `take`, in order.
pub(super) async fn frames(
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

pub(super) fn summary(header: &Header) -> String {
    let Header { log_id, first, next, root, .. } = header;
    let root = hex(root);
    say!(
        en: "log {log_id}: events {first} to {next}, root {root}",
        zh: "日志 {log_id}：事件 {first} 至 {next}，根哈希 {root}"
    )
}
