//! The command line: a client of the service, and the way to start it. Knows the protocol, never the floors below it.

mod ask;
mod batches;
mod check;
mod client;
mod cursor;
mod delivery_args;
mod demo;
mod destination;
mod diff;
mod events;
mod explain;
mod export;
mod filter;
mod frame;
pub mod generate;
mod history;
mod list;
mod record;
mod restore;
mod serve;
mod show;
mod status;
mod store;
mod text;
mod throwaway;
mod verify;
mod watch;

use std::{io, process::ExitCode};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    archive::ArchiveError,
    delivery::{DeliveryError, pause},
    protocol::json::{self, JsonError},
    server::telemetry,
};

/// Where a client finds the server if nothing else is said.
const DEFAULT_SERVER: &str = "http://127.0.0.1:50051";

/// System of record for enterprise designations.
///
/// Authorities record events (a notice, a batch of designations, a review, a revocation, a correction); tidu keeps them in
/// a durable log and streams them to whoever follows.
#[derive(Debug, Parser)]
#[command(name = "tidu", version, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
First steps:
  tidu demo                          see the main job on real data, in a throw-away server
  tidu serve                         start a server on 127.0.0.1:50051, data in ./tidu-data
  tidu record list.xlsx --authority 440000 --programme specialised-sme --batch 2026-1 --date 2026-03-01
  tidu watch --programme little-giant
  tidu show 914403001922038216
  tidu count --programme little-giant --by cohort --as-of 2022-09-08
  tidu history                       replay the published history and compare the published totals

Exit codes: 0 done; 1 failed; 2 wrong usage; 3 the server refused what was asked.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server
    Serve(serve::ServeArgs),
    /// Print the settings that `serve` would use, as a tidu.toml
    Config(serve::ServeArgs),
    /// Show the main job on real data, in a throw-away server
    Demo(demo::DemoArgs),
    /// Replay the published history with its published counts, and compare the totals
    History(history::HistoryArgs),
    /// Record a list (CSV, XLS, XLSX) or events (JSON lines)
    Record(Box<record::RecordArgs>),
    /// Check a list against the rules: errors, warnings, what would change; records nothing
    Check(Box<record::RecordArgs>),
    /// Follow the log, or deliver it to a command or a webhook; resumes by itself after a broken connection
    Watch(watch::WatchArgs),
    /// List, show, make, move or delete cursors: places that the server keeps for subscribers
    Cursor(cursor::CursorArgs),
    /// Compare a copy with the log, and find the first difference
    Diff(diff::DiffArgs),
    /// Show a designee: its names and titles as of a day
    Show(show::ShowArgs),
    /// Say which facts, in which order, give a title its status, and which rule says so
    Explain(explain::ExplainArgs),
    /// List titles or designees
    List(list::ListArgs),
    /// Count titles or designees, in groups, with totals
    Count(list::CountArgs),
    /// List batches; or show one with its sub-lists
    Batches(batches::BatchesArgs),
    /// List laws, regulations, guidelines and measures
    Measures(frame::MeasuresArgs),
    /// List cultivation pools
    Pools(frame::PoolsArgs),
    /// List assessments of regions
    Assessments(frame::AssessmentsArgs),
    /// List events
    Events(events::EventsArgs),
    /// Show the state of the server and of its log
    Status(status::StatusArgs),
    /// Write the whole log to a file: JSON lines, or the stored bytes
    Export(export::ExportArgs),
    /// Add what was recorded since the last backup to a directory
    Backup(export::BackupArgs),
    /// Build a log from an export or a backup, byte for byte the same
    #[command(visible_alias = "restore")]
    Import(restore::RestoreArgs),
    /// Check that a log, served or at rest, or a backup is what was recorded
    Verify(verify::VerifyArgs),
    /// Write a realistic list of made-up enterprises, for trying things out
    Generate(generate::GenerateArgs),
}

/// How to reach the server, and how to print.
#[derive(Clone, Debug, Args)]
struct Common {
    /// Server to talk to
    #[arg(long, env = "TIDU_SERVER", default_value = DEFAULT_SERVER, global = true)]
    server: String,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Human, global = true)]
    output: Output,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people: tables and sentences
    Human,
    /// For programs: protobuf JSON, one message a line
    Json,
}

/// What ends a command early.
#[derive(Debug, thiserror::Error)]
enum CliError {
    /// The server refused, or could not be reached.
    #[error("{}", text::status(.0))]
    Status(Box<tonic::Status>),
    /// There is no connection.
    #[error("cannot reach {server}: {why}; is `tidu serve` running there?")]
    Unreachable {
        /// Where.
        server: String,
        /// Why.
        why: String,
    },
    /// What was asked breaks the rules.
    #[error("{0}")]
    Refused(String),
    /// Anything else, said already in full.
    #[error("{0}")]
    Said(String),
    /// A log or an archive is not what it should be.
    #[error(transparent)]
    Offline(#[from] ArchiveError),
    /// Delivery ends.
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    /// A message has no JSON form.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Input or output failed.
    #[error("{0}: {1}")]
    Io(String, io::Error),
}

impl From<tonic::Status> for CliError {
    fn from(status: tonic::Status) -> Self {
        Self::Status(Box::new(status))
    }
}

impl CliError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Status(status) if !text::is_passing(status) => ExitCode::from(3),
            Self::Refused(_) => ExitCode::from(3),
            _ => ExitCode::FAILURE,
        }
    }
}

/// Parses the arguments and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    let Cli { command } = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            text::complain(&format!("tidu: cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let serves = matches!(command, Command::Serve(_));
    telemetry::start(if serves { "info" } else { "warn" });
    let outcome = runtime.block_on(run(command));
    // What still blocks, such as a read of standard input, does not hold the exit up.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // A reader that closed the pipe has what it wanted.
        Err(CliError::Io(_, error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            text::complain(&format!("tidu: {error}"));
            error.exit_code()
        }
    }
}

async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Serve(args) => serve::run(args).await,
        Command::Config(args) => serve::print_config(args),
        Command::Demo(args) => demo::run(args).await,
        Command::History(args) => history::run(args).await,
        Command::Record(args) => record::run(*args).await,
        Command::Check(args) => check::run(*args).await,
        Command::Explain(args) => explain::run(args).await,
        Command::List(args) => list::run(args).await,
        Command::Count(args) => list::count(args).await,
        Command::Export(args) => export::export(args).await,
        Command::Backup(args) => export::backup(args).await,
        Command::Import(args) => restore::run(&args),
        Command::Verify(args) => verify::run(args).await,
        Command::Batches(args) => batches::run(args).await,
        Command::Measures(args) => frame::measures(args).await,
        Command::Pools(args) => frame::pools(args).await,
        Command::Assessments(args) => frame::assessments(args).await,
        Command::Cursor(args) => cursor::run(args).await,
        Command::Diff(args) => diff::run(args).await,
        Command::Watch(args) => watch::run(args).await,
        Command::Show(args) => show::run(args).await,
        Command::Events(args) => events::run(args).await,
        Command::Status(args) => status::run(args).await,
        Command::Generate(args) => generate::run(&args),
    }
}
