//! `tidu record`: reads a list and records it.

use std::{fs, path::PathBuf, time::Duration};

use clap::Args;
use comfy_table::Table;
use indicatif::{ProgressBar, ProgressStyle};
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tonic::Code;

use super::{
    CliError, Common, Output,
    client::Client,
    json::Json,
    text::{self, say},
};
use crate::{
    domain::AuthorityCode,
    import::{self, FactKind, Import, ImportError, ImportedRow},
    limits::COMMIT_EVENTS_MAX,
    protocol::pb,
};

/// Rows of a table of rejections that are shown to people.
const SHOWN_REJECTIONS: usize = 20;
/// Attempts at a commit whose fate is not known; the request id makes repeats harmless.
const ATTEMPTS: u32 = 5;
/// Pause before the second attempt; it doubles.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
#[command(after_help = "\
The columns are found by their headers, in Chinese or English: 统一社会信用代码 (uscc), 企业名称 (name), 省份 (province),
批次 (batch), 类别 (fact), 日期 (date), 有效期 and others; --column name=企业全称 names one that is called otherwise. What a
row does not say, the options say for all rows. Rows without a code get a provisional identifier of the recommending
authority and the name. Columns of personal data are dropped and reported. All rows are recorded in one commit, or none;
recording the same file again with the same options records nothing new.

Examples:
  tidu record list.xlsx --authority 440000 --programme specialised-sme --batch 2026-1 --date 2026-03-01 --dry-run
  tidu record notice.csv --fact notice --authority 100000 --programme little-giant --batch 8 --date 2026-07-01
  tidu record events.jsonl")]
pub(super) struct RecordArgs {
    /// Lists (CSV, XLS, XLSX) or events (JSON lines), by content
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// What the rows state [default: designated, or what a column says]
    #[arg(long, value_enum)]
    fact: Option<FactKind>,
    /// Authority that states it
    #[arg(long)]
    authority: Option<String>,
    /// Programme
    #[arg(long)]
    programme: Option<String>,
    /// Batch
    #[arg(long)]
    batch: Option<String>,
    /// Authority of the sub-list
    #[arg(long)]
    sublist: Option<String>,
    /// Document number (文号)
    #[arg(long)]
    document: Option<String>,
    /// Day the document was signed
    #[arg(long)]
    document_date: Option<String>,
    /// Day the document was published
    #[arg(long)]
    published_date: Option<String>,
    /// Where the document was published
    #[arg(long)]
    url: Option<String>,
    /// First day on which it holds
    #[arg(long)]
    date: Option<String>,
    /// Last day of validity
    #[arg(long)]
    valid_to: Option<String>,
    /// First day of a notice
    #[arg(long)]
    notice_from: Option<String>,
    /// Last day of a notice
    #[arg(long)]
    notice_to: Option<String>,
    /// Authority that recommended
    #[arg(long)]
    recommended_by: Option<String>,
    /// Type, site or product
    #[arg(long)]
    item: Option<String>,
    /// Review round
    #[arg(long)]
    round: Option<String>,
    /// Version of the measure
    #[arg(long)]
    rule_version: Option<String>,
    /// Why a review was failed or a title revoked
    #[arg(long)]
    reason: Option<String>,
    /// The only sheet to read
    #[arg(long)]
    sheet: Option<String>,
    /// Field and header of a column that is called otherwise
    #[arg(long = "column", value_name = "FIELD=HEADER", value_parser = column)]
    columns: Vec<(String, String)>,
    /// Decide and report, record nothing
    #[arg(long)]
    dry_run: bool,
    /// Record this many rows a commit instead of all in one
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    commit_size: Option<u32>,
    #[command(flatten)]
    pub(super) common: Common,
}

fn column(text: &str) -> Result<(String, String), String> {
    let (field, header) = text.split_once('=').ok_or("takes FIELD=HEADER")?;
    Ok((field.trim().to_owned(), header.trim().to_owned()))
}

pub(super) async fn run(args: RecordArgs) -> Result<(), CliError> {
    let (output, dry_run) = (args.common.output, args.dry_run);
    let (lists, commit_size, common) = lists(args)?;
    let mut client = Client::connect(&common).await?;
    for (file, list) in lists {
        if output == Output::Human {
            report(&file, &list)?;
        }
        let commits = commits(&list.rows, commit_size)?;
        let bar = progress_bar(list.rows.len(), output);
        for rows in commits {
            let answer = commit(&mut client, rows, dry_run).await;
            let answer = match answer {
                Ok(answer) => answer,
                Err(Failure::Rejected(answer)) => {
                    bar.finish_and_clear();
                    return Err(rejected(rows, &answer, output)?);
                }
                Err(Failure::Other(error)) => {
                    bar.finish_and_clear();
                    return Err(error);
                }
            };
            bar.inc(rows.len() as u64);
            bar.suspend(|| print(rows, &answer, dry_run, output))?;
        }
        bar.finish_and_clear();
    }
    Ok(())
}

/// The lists, each with the name of its file; how many rows a commit takes; and how to reach the server.
pub(super) type Lists = (Vec<(String, Import)>, usize, Common);

/// Reads all lists before anything is sent.
pub(super) fn lists(args: RecordArgs) -> Result<Lists, CliError> {
    let commit_size = args.commit_size.map_or(usize::MAX, |size| size as usize);
    let (files, common) = (args.files.clone(), args.common.clone());
    let options = options(args);
    let named = |path: &PathBuf| Ok((path.display().to_string(), read(path, &options)?));
    let lists = files.iter().map(named).collect::<Result<_, CliError>>()?;
    Ok((lists, commit_size, common))
}

fn options(args: RecordArgs) -> import::Options {
    import::Options {
        fact: args.fact,
        authority: args.authority,
        programme: args.programme,
        batch: args.batch,
        sublist: args.sublist,
        document: args.document,
        document_date: args.document_date,
        published_date: args.published_date,
        date: args.date,
        valid_to: args.valid_to,
        recommended_by: args.recommended_by,
        item: args.item,
        round: args.round,
        rule_version: args.rule_version,
        reason: args.reason,
        url: args.url,
        notice_from: args.notice_from,
        notice_to: args.notice_to,
        sheet: args.sheet,
        columns: args.columns,
    }
}

fn read(path: &PathBuf, options: &import::Options) -> Result<Import, CliError> {
    let name = path.display().to_string();
    let bytes = fs::read(path).map_err(|e| CliError::Io(format!("cannot read {name}"), e))?;
    import::read(&name, &bytes, options, authority_of).map_err(|error| not_imported(&name, &error))
}

/// The authority that a name in a list stands for.
pub(super) fn authority_of(name: &str) -> Option<&'static str> {
    AuthorityCode::from_name(name).map(AuthorityCode::as_str)
}

fn not_imported(file: &str, error: &ImportError) -> CliError {
    let ImportError::Rows(rows) = error else {
        return CliError::Said(error.to_string());
    };
    let mut table = text::table(["row", "column", "value", "what is wrong"]);
    for fault in rows.iter().take(SHOWN_REJECTIONS) {
        let place = if fault.sheet.is_empty() {
            fault.row.to_string()
        } else {
            format!("{}:{}", fault.sheet, fault.row)
        };
        table.add_row([&place, &fault.column, &fault.value, &fault.message]);
    }
    let more = rows.len().saturating_sub(SHOWN_REJECTIONS);
    let more = if more > 0 { format!("\n… and {more} more") } else { String::new() };
    CliError::Said(format!("{file}: nothing was recorded; {} faults\n{table}{more}", rows.len()))
}

/// Says how the file was understood.
pub(super) fn report(file: &str, list: &Import) -> Result<(), CliError> {
    let encoding = list.report.encoding.map_or(String::new(), |e| format!(", {e}"));
    say(&format!("{file}: {}{encoding}, {} rows", list.report.format, list.rows.len()))?;
    for sheet in &list.report.sheets {
        let name = if sheet.name.is_empty() { "" } else { &format!("{}: ", sheet.name) };
        if !sheet.not_read.is_empty() {
            say(&format!("  {name}not read ({})", sheet.not_read))?;
            continue;
        }
        let columns: Vec<_> =
            sheet.columns.iter().map(|(field, header)| format!("{header} → {field}")).collect();
        say(&format!("  {name}columns: {}", columns.join(", ")))?;
        for (what, headers) in
            [("ignored", &sheet.unmapped), ("personal data, dropped", &sheet.personal)]
        {
            if !headers.is_empty() {
                say(&format!("  {name}{what}: {}", headers.join(", ")))?;
            }
        }
        for skipped in &sheet.skipped {
            say(&format!("  {name}row {} skipped ({})", skipped.row, skipped.why))?;
        }
    }
    Ok(())
}

/// Cuts rows into commits.
pub(super) fn commits(rows: &[ImportedRow], size: usize) -> Result<Vec<&[ImportedRow]>, CliError> {
    if size == usize::MAX && rows.len() > COMMIT_EVENTS_MAX {
        return Err(CliError::Said(format!(
            "{} rows are more than one commit holds ({COMMIT_EVENTS_MAX}); --commit-size {COMMIT_EVENTS_MAX} records \
             them in several, each whole or not at all",
            rows.len()
        )));
    }
    Ok(rows.chunks(size.min(COMMIT_EVENTS_MAX)).collect())
}

fn progress_bar(rows: usize, output: Output) -> ProgressBar {
    if output == Output::Json {
        return ProgressBar::hidden();
    }
    // The template is checked by every run; a bar without one still counts.
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} rows, {per_sec}, ETA {eta}");
    let bar = ProgressBar::new(rows as u64);
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

/// Why a commit was not recorded.
pub(super) enum Failure {
    /// It breaks rules or cannot be read; the answer of a trial lists every fault.
    Rejected(Box<pb::AppendResponse>),
    /// Anything else.
    Other(CliError),
}

/// Records rows, or tries them. A commit whose fate is unknown is repeated under the same request id.
pub(super) async fn commit(
    client: &mut Client,
    rows: &[ImportedRow],
    dry_run: bool,
) -> Result<pb::AppendResponse, Failure> {
    let events: Vec<_> = rows.iter().map(|row| row.event.clone()).collect();
    let request_id = if dry_run { String::new() } else { request_id(&events) };
    let request =
        pb::AppendRequest { request_id, events, validate_only: dry_run, ..Default::default() };
    let mut pause = PAUSE;
    for attempt in 1.. {
        let error = match client.ledger.append(request.clone()).await {
            Ok(answer) => {
                let answer = answer.into_inner();
                if answer.rejected_count > 0 {
                    return Err(Failure::Rejected(Box::new(answer)));
                }
                return Ok(answer);
            }
            Err(error) => error,
        };
        match error.code() {
            Code::InvalidArgument | Code::FailedPrecondition if !dry_run => {
                let trial = pb::AppendRequest {
                    validate_only: true,
                    request_id: String::new(),
                    ..request.clone()
                };
                let answer =
                    client.ledger.append(trial).await.map_err(|e| Failure::Other(e.into()))?;
                let answer = answer.into_inner();
                // What the trial lets through was refused for the request itself.
                if answer.rejected_count > 0 {
                    return Err(Failure::Rejected(Box::new(answer)));
                }
                return Err(Failure::Other(error.into()));
            }
            _ if text::is_passing(&error) && attempt < ATTEMPTS => {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            _ => return Err(Failure::Other(error.into())),
        }
    }
    Err(Failure::Other(CliError::Said("no attempt was made".to_owned())))
}

/// The same content gives the same id, so recording a file again is harmless.
fn request_id(events: &[pb::Event]) -> String {
    let mut digest = Sha256::new();
    for event in events {
        digest.update(event.encode_length_delimited_to_vec());
    }
    let hex: String = digest.finalize().iter().take(24).map(|b| format!("{b:02x}")).collect();
    format!("content-{hex}")
}

fn rejected(
    rows: &[ImportedRow],
    answer: &pb::AppendResponse,
    output: Output,
) -> Result<CliError, CliError> {
    if output == Output::Json {
        say(&Json::new()?.line("AppendResponse", answer)?)?;
    } else {
        let shown = answer.rejections.get(..SHOWN_REJECTIONS).unwrap_or(&answer.rejections);
        let table = rejections(rows, shown);
        say(&table.to_string())?;
    }
    let count = answer.rejected_count;
    let shown = SHOWN_REJECTIONS.min(answer.rejections.len());
    Ok(CliError::Refused(format!(
        "nothing was recorded: {count} rejections, {shown} shown (--output json lists up to 1,000)"
    )))
}

/// Rejections as a table, by row.
pub(super) fn rejections(rows: &[ImportedRow], rejections: &[pb::Rejection]) -> Table {
    let row = |index: u32| rows.get(index as usize);
    let mut table = text::table(["row", "designee", "field", "reason", "what is wrong"]);
    for rejection in rejections {
        let field = rejection.field.split_once("].").map_or("", |(_, field)| field);
        let value = if rejection.value.is_empty() {
            String::new()
        } else {
            format!("{}: ", rejection.value)
        };
        table.add_row([
            row(rejection.index).map_or(String::new(), |row| row.row.to_string()),
            row(rejection.index).map_or(String::new(), |row| row.event.designee.clone()),
            field.to_owned(),
            rejection.reason.clone(),
            format!("{value}{}", rejection.message),
        ]);
    }
    table
}

fn print(
    rows: &[ImportedRow],
    answer: &pb::AppendResponse,
    dry_run: bool,
    output: Output,
) -> Result<(), CliError> {
    if output == Output::Json {
        return say(&Json::new()?.line("AppendResponse", answer)?);
    }
    let (first, next) = (answer.first_position.unwrap_or_default(), answer.next_position);
    let count = rows.len();
    say(&if dry_run {
        format!("{count} rows would be recorded; nothing was")
    } else if answer.replayed {
        format!("{count} rows had been recorded before, at positions {first} to {}", next - 1)
    } else {
        format!("{count} rows recorded at positions {first} to {}", next - 1)
    })?;
    for warning in answer.warnings.iter().take(SHOWN_REJECTIONS) {
        let row = rows.get(warning.index as usize).map_or(0, |row| row.row);
        say(&format!("  row {row}: {} [{}]", warning.message, warning.reason))?;
    }
    let more = answer.warnings.len().saturating_sub(SHOWN_REJECTIONS);
    if more > 0 {
        say(&format!("  … and {more} more warnings"))?;
    }
    Ok(())
}
