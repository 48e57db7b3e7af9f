//! `tidu export` and `tidu backup`: the log out of a server that goes on serving.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use clap::{Args, ValueEnum};
use uuid::Uuid;

use super::{
    CliError,
    client::Client,
    destination::Destination,
    json::Json,
    store::CatalogueArgs,
    text::{complain, hex},
};
use crate::{
    archive::{ArchiveError, Header, LogBuilder, Writer, backup},
    protocol::pb::{self, subscribe_request::Start, subscribe_response::Payload},
};

#[derive(Debug, Args)]
#[command(after_help = "\
What is exported is the log as of the moment at which the command begins, while it goes on being served. `json` begins with
the answer of GetStatus, which names the log, its size and its root, then comes one event a line (64-bit numbers are strings,
bytes are base64). `raw` holds the stored bytes. `tidu import` builds a log from either, byte for byte the same.")]
pub(super) struct ExportArgs {
    /// File to write, or - for standard output
    #[arg(default_value = "-")]
    file: PathBuf,
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// Server to talk to
    #[arg(long, env = "TIDU_SERVER", default_value = super::DEFAULT_SERVER)]
    server: String,
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
The first backup holds the whole log, each later one what was recorded since. Before anything is added, all that is there is
read and checked, and with the new part it must lead to the root that the server states. `-` writes the whole log to standard
output. `tidu restore DIRECTORY --data-dir DATA` makes a log of it again; `tidu verify DIRECTORY` checks it.")]
pub(super) struct BackupArgs {
    /// Directory of the backup, made if it is not there; or - for standard output
    directory: PathBuf,
    #[command(flatten)]
    catalogue: CatalogueArgs,
    /// Server to talk to
    #[arg(long, env = "TIDU_SERVER", default_value = super::DEFAULT_SERVER)]
    server: String,
}

/// True if a standard stream is meant.
pub(super) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

pub(super) async fn export(args: ExportArgs) -> Result<(), CliError> {
    let mut client = Client::connect_to(&args.server).await?;
    let (header, status) = header(&mut client, 0).await?;
    let failed = unwritten(&args.file);
    let mut target = target(&args.file).map_err(failed)?;
    if args.format == Format::Raw {
        target = archive(&mut client, &header, target, &args.file, |_| Ok(())).await?;
    } else {
        let json = Json::new()?;
        writeln!(target, "{}", json.line("GetStatusResponse", &status)?).map_err(failed)?;
        let print = |leaf: Bytes| {
            writeln!(target, "{}", json.line_of("RecordedEvent", &leaf)?).map_err(failed)
        };
        leaves(&mut client, &header, print).await?;
    }
    target.commit().map_err(failed)?;
    complain(&said(&header));
    Ok(())
}

pub(super) async fn backup(args: BackupArgs) -> Result<(), CliError> {
    let mut client = Client::connect_to(&args.server).await?;
    let mut assembly = LogBuilder::checking(args.catalogue.read()?);
    if is_standard(&args.directory) {
        let (header, _) = header(&mut client, 0).await?;
        return add(&mut client, &header, &mut assembly, &args.directory).await;
    }
    let directory = &args.directory;
    fs::create_dir_all(directory)
        .map_err(|e| CliError::Io(format!("cannot create {}", directory.display()), e))?;
    backup::read(directory, &mut assembly)?;
    let (header, _) = header(&mut client, assembly.so_far().size).await?;
    if header.next < header.first {
        let had = header.first;
        return Err(CliError::Refused(format!(
            "the backup has {had} events, the server's log only {}",
            header.next
        )));
    }
    if header.next == header.first && assembly.so_far().log_id.is_some() {
        // Also then it must be the same log.
        let name = "the server's log";
        assembly.begin(name, &header)?;
        assembly.end(name, &header)?;
        complain(&format!("nothing was recorded since; {}", said(&header)));
        return Ok(());
    }
    add(&mut client, &header, &mut assembly, &backup::name(directory, &header)).await
}

/// Writes a part of the log to a path when it is seen to follow what is there.
async fn add(
    client: &mut Client,
    header: &Header,
    assembly: &mut LogBuilder,
    path: &Path,
) -> Result<(), CliError> {
    let failed = unwritten(path);
    let name = "the server's log";
    assembly.begin(name, header)?;
    let target = target(path).map_err(failed)?;
    let take = |leaf: &Bytes| {
        let does_not_follow = |e| ArchiveError::Misplaced {
            name: name.to_owned(),
            detail: format!("it does not go on where the backup ends: {e}"),
        };
        assembly.leaf(leaf).map_err(does_not_follow)
    };
    let target = archive(client, header, target, path, take).await?;
    assembly.end(name, header)?;
    target.commit().map_err(failed)?;
    complain(&said(header));
    Ok(())
}

/// An error, also where the reader of a pipe has gone: what it has is not whole.
fn unwritten(path: &Path) -> impl Fn(io::Error) -> CliError + Copy {
    move |e| CliError::Said(format!("cannot write {}: {e}", path.display()))
}

fn target(path: &Path) -> io::Result<Destination> {
    if is_standard(path) { Ok(Destination::standard()) } else { Destination::file(path) }
}

/// Writes an archive, and gives each leaf to `take` as well.
async fn archive(
    client: &mut Client,
    header: &Header,
    target: Destination,
    path: &Path,
    mut take: impl FnMut(&Bytes) -> Result<(), ArchiveError>,
) -> Result<Destination, CliError> {
    let failed = unwritten(path);
    let mut writer = Writer::begin(target, header).map_err(failed)?;
    let write = |leaf: Bytes| {
        take(&leaf)?;
        writer.leaf(&leaf).map_err(failed)
    };
    leaves(client, header, write).await?;
    writer.finish().map_err(failed)
}

/// What the log is now, from a position on.
async fn header(
    client: &mut Client,
    first: u64,
) -> Result<(Header, pb::GetStatusResponse), CliError> {
    let status = client.admin.get_status(pb::GetStatusRequest {}).await?.into_inner();
    let header = header_of(&status, first)?;
    Ok((header, status))
}

/// What a status says of a log, from a position on.
pub(super) fn header_of(status: &pb::GetStatusResponse, first: u64) -> Result<Header, CliError> {
    let said = |what: &str| CliError::Said(format!("the log's status has no {what}"));
    let log_id: Uuid = status.log_id.parse().map_err(|_| said("log id"))?;
    let root = status.root_hash.as_ref().try_into().map_err(|_| said("root hash of 32 bytes"))?;
    Ok(Header { log_id, first, next: status.log_size, root })
}

/// Gives the leaves of a part of the log to `take`, in order.
async fn leaves(
    client: &mut Client,
    header: &Header,
    mut take: impl FnMut(Bytes) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let request = pb::SubscribeRequest {
        start: Some(Start::FromPosition(header.first)),
        stop_position: Some(header.next),
        log_id: header.log_id.to_string(),
        raw: true,
        ..Default::default()
    };
    let mut stream = client.ledger.subscribe(request).await?.into_inner();
    while let Some(message) = stream.message().await? {
        if let Some(Payload::RawEvents(batch)) = message.payload {
            batch.leaves.into_iter().try_for_each(&mut take)?;
        }
    }
    Ok(())
}

fn said(header: &Header) -> String {
    let Header { log_id, first, next, root } = header;
    format!("log {log_id}: events {first} to {next}, root {}", hex(root))
}
