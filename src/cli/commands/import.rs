//! `tidu import`, also called `tidu restore`: builds a log from an export or a backup.

use std::{
    io::{self, BufRead, BufReader},
    path::PathBuf,
};

use clap::Args;
use prost::Message as _;

use super::export::header_of;
use crate::{
    archive::{BuiltLog, Lines, LogBuilder, MAGIC, backup},
    cli::{
        CliError,
        args::{CatalogueArgs, is_standard},
        print::print_line,
    },
    domain::text::hex,
    files,
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
    let failed = |e| CliError::Io(format!("cannot read {name}"), e);
    if args.source.is_dir() {
        backup::read(&args.source, &mut assembly)?;
    } else if is_standard(&args.source) {
        read(&name, io::stdin().lock(), &mut assembly)?;
    } else {
        let file = files::open(&args.source).map_err(failed)?;
        read(&name, BufReader::new(file), &mut assembly)?;
    }
    if assembly.so_far().log_id.is_none() {
        return Err(CliError::Refused(format!("{name} contains no archive")));
    }
    let BuiltLog { log_id, size, root } = assembly.finish()?;
    let id = log_id.unwrap_or_default();
    print_line(&format!(
        "{}: log {id}, {size} events, root {}",
        args.data_dir.display(),
        hex(&root)
    ))
}

/// Reads an archive or JSON lines; the first bytes tell which.
pub(super) fn read(
    name: &str,
    mut input: impl BufRead,
    assembly: &mut LogBuilder,
) -> Result<(), CliError> {
    let failed = |e| CliError::Io(format!("cannot read {name}"), e);
    let start = input.fill_buf().map_err(failed)?;
    if start.starts_with(&MAGIC) {
        return Ok(assembly.archive(name, input)?);
    }
    let json = Json::new()?;
    let mut lines = Lines::of(input);
    let first = lines.next().transpose().map_err(failed)?.unwrap_or_default();
    let refused = |line: usize, why: &dyn std::fmt::Display| {
        CliError::Refused(format!("{name}, line {line}: {why}"))
    };
    let not_export = |e| refused(1, &format!("{e}; an export begins with the state of the log"));
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
