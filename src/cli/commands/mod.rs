//! One file for each command.

mod annul;
mod approve;
mod assessments;
mod audit;
mod authorities;
mod backup;
mod batches;
mod bodies;
mod changes;
mod check;
mod compact;
mod compare;
mod completions;
mod context;
mod correct;
mod count;
mod cursor;
mod demo;
mod dev_certs;
mod diff;
mod doctor;
mod events;
mod expiries;
mod explain;
mod export;
mod find;
mod follow;
pub mod generate;
mod handover;
mod history;
mod import;
mod judged;
mod list;
mod measures;
mod mirror;
mod pools;
mod principals;
mod programmes;
mod proposal;
mod read_ahead;
mod record;
mod redact;
mod regions;
mod rules;
mod seal;
mod serve;
mod show;
mod status;
mod suspects;
mod template;
mod top;
mod verify;
mod watch;
mod whoami;
mod withhold;

use clap::Subcommand;

pub(super) use self::find::print_found;
use super::CliError;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start the server
    Serve(serve::ServeArgs),
    /// Print the settings that `serve` would use, as a tidu.toml
    #[command(after_help = serve::SETTINGS_HELP)]
    Config(serve::ServeArgs),
    /// Show the main job on real data, in a temporary server; or keep a server to play with
    Demo(demo::DemoArgs),
    /// Record the published history of the programmes, with made-up enterprises, in an empty log
    History(history::HistoryArgs),
    /// Record a list (CSV, XLS, XLSX, ODS, HTML) or events (JSON lines)
    Record(Box<record::RecordArgs>),
    /// Check a list against the rules without recording it: errors, warnings, changes
    #[command(after_help = check::HELP, mut_arg("dry_run", |arg| arg.hide(true)),
        mut_arg("again", |arg| arg.hide(true)), mut_arg("propose", |arg| arg.hide(true)))]
    Check(Box<record::RecordArgs>),
    /// Correct an event: record the one that should have been recorded in its place
    Correct(correct::CorrectArgs),
    /// Annul an event or all events of a commit
    Annul(annul::AnnulArgs),
    /// Show what another principal proposes, and record it with this approval
    Approve(approve::ApproveArgs),
    /// Seal a batch or a sub-list with the counts that its document declares
    Seal(seal::SealArgs),
    /// Follow the log, or deliver it to a command or a webhook; resumes after a lost connection
    Watch(watch::WatchArgs),
    /// Keep a copy of the log and of its titles in a database: SQLite or PostgreSQL
    Mirror(Box<mirror::MirrorArgs>),
    /// List, show, create, advance or delete cursors: positions that the server keeps
    Cursor(cursor::CursorArgs),
    /// Compare a copy with the log and find the first difference
    Diff(diff::DiffArgs),
    /// Show a designee: its names and titles on a day
    Show(show::ShowArgs),
    /// Find designees by a part of a name that they bear or bore
    Find(find::FindArgs),
    /// List names that several designees bear, and the links that would join them
    Suspects(suspects::SuspectsArgs),
    /// Explain the status of a title: its facts, their order and their rules
    Explain(explain::ExplainArgs),
    /// List titles or designees
    List(list::ListArgs),
    /// Count titles or designees, in groups with totals
    Count(count::CountArgs),
    /// List the titles whose status differs between two days, or two sizes of the log
    Changes(Box<changes::ChangesArgs>),
    /// Compare two batches, or the holders of two titles: both, only first, only second
    Compare(Box<compare::CompareArgs>),
    /// List batches, or show one with its sub-lists
    Batches(batches::BatchesArgs),
    /// List laws, regulations, guidelines and measures
    Measures(measures::MeasuresArgs),
    /// List the bodies that issue laws, regulations and guidelines, with their codes
    Bodies(bodies::BodiesArgs),
    /// List cultivation pools, or the members of one
    Pools(pools::PoolsArgs),
    /// List assessments of regions
    Assessments(assessments::AssessmentsArgs),
    /// List authorities with their codes, or those with a text in a name
    Authorities(authorities::AuthoritiesArgs),
    /// List programmes with their names and rule versions, or those with a text in a name
    Programmes(programmes::ProgrammesArgs),
    /// List regions with their codes, or those with a text in a name
    Regions(regions::RegionsArgs),
    /// List events
    Events(events::EventsArgs),
    /// Show, compare or adopt the version of the rules by which titles follow from facts
    Rules(rules::RulesArgs),
    /// Show the state of the server and its log
    Status(status::StatusArgs),
    /// Show who the server takes this caller for, and what it may do
    Whoami(whoami::WhoamiArgs),
    /// Check files of principals, or manage those of the caller's authority
    Principals(principals::PrincipalsArgs),
    /// Add, list, use or remove contexts: servers with the credentials for them, by name
    Context(context::ContextArgs),
    /// Make a CA, certificates, a token and settings to try TLS and principals; not for production
    DevCerts(dev_certs::DevCertsArgs),
    /// Watch a server: rates, latencies, disk, subscribers by lag, refusals, last events
    Top(top::TopArgs),
    /// Look for what is wrong, or will be: files, disk, clock, limits, settings, server, backup
    Doctor(doctor::DoctorArgs),
    /// Write the whole log to a file: JSON lines, or the stored bytes
    Export(export::ExportArgs),
    /// Add what was recorded since the last backup to a directory
    Backup(backup::BackupArgs),
    /// Build a log from an export or a backup, byte for byte the same
    #[command(visible_alias = "restore")]
    Import(import::ImportArgs),
    /// Make a small copy of a data directory that no server uses
    Compact(compact::CompactArgs),
    /// Erase the content of an annulled event; every proof stays valid
    Redact(redact::RedactArgs),
    /// Withhold an event from everybody, with the approval of a second principal
    Withhold(withhold::WithholdArgs),
    /// Hand the log over to another node: this one records nothing any more
    Handover(handover::HandoverArgs),
    /// Let the directory of a follower record: by a receipt, or as another history
    Promote(handover::PromoteArgs),
    /// Verify a served log, a data directory, a backup or an export
    Verify(verify::VerifyArgs),
    /// Verify or show the audit trail: who was refused, and who administered the server
    Audit(audit::AuditArgs),
    /// Write a list to fill in and record: comments on its columns, a header, an example
    Template(template::TemplateArgs),
    /// Write a realistic list of made-up enterprises, for trials and tests
    Generate(generate::GenerateArgs),
    /// Write the completions of a shell to standard output
    Completions(completions::CompletionsArgs),
    /// Write man pages
    Man(completions::ManArgs),
}

pub(super) async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Serve(args) => serve::run(&args).await,
        Command::Config(args) => serve::print_config(&args),
        Command::Demo(args) => demo::run(args).await,
        Command::History(args) => history::run(args).await,
        Command::Record(args) => record::run(*args).await,
        Command::Check(args) => check::run(*args).await,
        Command::Correct(args) => correct::run(args).await,
        Command::Annul(args) => annul::run(args).await,
        Command::Approve(args) => approve::run(args).await,
        Command::Seal(args) => seal::run(args).await,
        Command::Watch(args) => watch::run(args).await,
        Command::Mirror(args) => mirror::run(*args).await,
        Command::Cursor(args) => cursor::run(args).await,
        Command::Diff(args) => diff::run(args).await,
        Command::Show(args) => show::run(args).await,
        Command::Find(args) => find::run(args).await,
        Command::Suspects(args) => suspects::run(args).await,
        Command::Explain(args) => explain::run(args).await,
        Command::List(args) => list::run(args).await,
        Command::Count(args) => count::run(args).await,
        Command::Changes(args) => changes::run(*args).await,
        Command::Compare(args) => compare::run(*args).await,
        Command::Batches(args) => batches::run(args).await,
        Command::Measures(args) => measures::run(args).await,
        Command::Bodies(args) => bodies::run(args).await,
        Command::Pools(args) => pools::run(args).await,
        Command::Assessments(args) => assessments::run(args).await,
        Command::Authorities(args) => authorities::run(args).await,
        Command::Programmes(args) => programmes::run(args).await,
        Command::Regions(args) => regions::run(args).await,
        Command::Events(args) => events::run(args).await,
        Command::Rules(args) => rules::run(args).await,
        Command::Status(args) => status::run(args).await,
        Command::Whoami(args) => whoami::run(args).await,
        Command::Principals(args) => principals::run(args).await,
        Command::Context(args) => context::run(args),
        Command::DevCerts(args) => dev_certs::run(args),
        Command::Top(args) => top::run(args).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Export(args) => export::export(args).await,
        Command::Backup(args) => backup::run(args).await,
        Command::Import(args) => import::run(&args),
        Command::Compact(args) => compact::run(&args),
        Command::Redact(args) => redact::run(&args),
        Command::Withhold(args) => withhold::run(args).await,
        Command::Handover(args) => handover::hand_over(args).await,
        Command::Promote(args) => handover::promote(&args),
        Command::Verify(args) => verify::run(args).await,
        Command::Audit(args) => audit::run(args).await,
        Command::Template(args) => template::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Completions(args) => completions::completions(&args),
        Command::Man(args) => completions::man(&args),
    }
}
