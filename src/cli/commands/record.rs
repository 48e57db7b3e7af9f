//! `tidu record`: reads lists and records them.

use std::{
    collections::HashMap,
    io::stdin,
    path::{Path, PathBuf},
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::judged::rejections;
use crate::{
    cli::{
        CliError,
        append::{AppendFailure, Recorded, append_with_retry, dry_run},
        args::{Common, Output, ServerAddress},
        client::Client,
        memory::MemoryBound,
        names,
        print::{escaped, print_line, print_message, print_table, table},
    },
    domain::AuthorityCode,
    files,
    import::{self, FactKind, Import, ImportError, ImportedRow, OddCodes, ReadOrSkip, RowError},
    limits::{
        COMMIT_EVENTS_MAX, INPUT_FILE_BYTES_MAX, LIST_MEMORY_BYTES_MAX, NAMED_ROWS_MAX,
        SHOWN_FAULTS_MAX,
    },
    protocol::pb,
};

#[derive(Debug, Args)]
#[command(after_help = "\
Columns are found by their headers, in Chinese or English: 统一社会信用代码 (uscc), 企业名称 (name),
省份 (province), 批次 (batch), 类别 (fact), 日期 (date), 有效期 (valid_to), 禁止申报至 (ban_until),
增补 (supplement) and others. For another header, use --column, such as --column name=企业全称.
Options supply what no column holds. A row without a code gets a provisional identifier made from
the recommending authority and the name. Columns of personal data are dropped and reported. All rows
are recorded in one commit, or none. Recording the same file again with the same options records
nothing new. If events of its commit were annulled since, that is an error, and --again records the
list under a new request id.
A file has at most 64 MiB, a workbook 256 MiB when it is unpacked. A list has at most 524,288 rows
and 8,000,000 cells in all its sheets, blank ones included.

Examples:
  tidu generate --rows 500 --to list.csv
  tidu record list.csv --authority 440000 --programme specialised-sme \\
    --batch 2026-1 --date 2026-03-01 --dry-run
  tidu record list.csv --authority 440000 --programme specialised-sme \\
    --batch 2026-1 --date 2026-03-01
  tidu record list.csv --fact notice --authority 100000 --sublist 440000 \\
    --programme little-giant --batch 8 --date 2026-07-01")]
pub(crate) struct RecordArgs {
    /// Lists (CSV, XLS, XLSX, ODS, HTML) or events (JSON lines); the content tells which. - is
    /// standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Fact that each row states [default: from a column, otherwise designated]
    #[arg(long, value_enum)]
    fact: Option<FactKind>,
    /// Authority that states the facts: its code or name, as for the other authorities
    #[arg(long, value_name = "CODE|NAME", value_parser = names::authority)]
    authority: Option<String>,
    /// Programme: its id or name
    #[arg(long, value_name = "ID|NAME", value_parser = names::programme)]
    programme: Option<String>,
    /// Batch
    #[arg(long)]
    batch: Option<String>,
    /// Authority of the sub-list
    #[arg(long, value_name = "CODE|NAME", value_parser = names::authority)]
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
    /// Web address of the document
    #[arg(long)]
    url: Option<String>,
    /// First day on which the fact holds
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
    /// Recommending authority
    #[arg(long, value_name = "CODE|NAME", value_parser = names::authority)]
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
    /// Ground of a failed review or a revocation
    #[arg(long)]
    reason: Option<String>,
    /// Last day on which the holder of a revoked title may not apply again
    #[arg(long)]
    ban_until: Option<String>,
    /// The rows are published after their batch or round was sealed
    #[arg(long)]
    supplement: bool,
    /// Value for all rows of a field without an option of its own, such as pool=2026-A
    #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = set)]
    values: Vec<(String, String)>,
    /// The only sheet to read
    #[arg(long)]
    sheet: Option<String>,
    /// Codes whose check character is wrong: refuse the list, or record local identifiers
    #[arg(long, value_enum, default_value_t)]
    odd_codes: OddCodes,
    /// Whether hidden rows and columns are part of the list
    #[arg(long, value_enum)]
    hidden: Option<ReadOrSkip>,
    /// Whether a text alone in its row, in the column of names, is a name
    #[arg(long, value_enum)]
    lone_names: Option<ReadOrSkip>,
    /// Field and header, or letter, of a column with another header
    #[arg(long = "column", value_name = "FIELD=HEADER", value_parser = column)]
    columns: Vec<(String, String)>,
    /// Judge and report, but record nothing
    #[arg(long)]
    dry_run: bool,
    /// Record a list again whose commit was recorded before and has annulled events
    #[arg(long, conflicts_with = "dry_run")]
    pub(super) again: bool,
    /// Rows in one commit [default: all]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=COMMIT_EVENTS_MAX as i64))]
    commit_size: Option<u32>,
    #[command(flatten)]
    pub(super) common: Common,
}

fn column(text: &str) -> Result<(String, String), String> {
    let (field, header) = text.split_once('=').ok_or("not of the form FIELD=HEADER")?;
    Ok((field.trim().to_owned(), header.trim().to_owned()))
}

fn set(text: &str) -> Result<(String, String), String> {
    let (field, value) = text.split_once('=').ok_or("not of the form FIELD=VALUE")?;
    Ok((field.trim().replace('-', "_"), value.trim().to_owned()))
}

pub(super) async fn run(args: RecordArgs) -> Result<(), CliError> {
    let (output, is_dry_run, again) = (args.common.output, args.dry_run, args.again);
    let Lists { lists, commit_size, server } = lists(args)?;
    let mut client = Client::connect(&server).await?;
    for (file, list) in lists {
        if output == Output::Human {
            print_report(&file, &list)?;
        }
        let commits = commits(&list.rows, commit_size)?;
        let bar = progress_bar(list.rows.len(), output);
        for rows in commits {
            let outcome = if is_dry_run {
                let answer = dry_run(&mut client, rows).await;
                answer.map(|answer| Recorded { answer, annulled: Vec::new() })
            } else {
                append_with_retry(&mut client, rows, again).await
            };
            let recorded = match outcome {
                Ok(recorded) => recorded,
                Err(failure) => {
                    bar.finish_and_clear();
                    return Err(match failure {
                        AppendFailure::Rejected(answer) => print_rejected(rows, &answer, output)?,
                        AppendFailure::Other(error) => error,
                    });
                }
            };
            bar.inc(rows.len() as u64);
            bar.suspend(|| {
                print_message(output, "AppendResponse", &recorded.answer, |answer| {
                    print(rows, answer, is_dry_run)
                })
            })?;
            recorded.reject_annulled()?;
        }
        bar.finish_and_clear();
    }
    Ok(())
}

/// Lists that were read, and where to send them.
pub(super) struct Lists {
    /// Each with the name of its file.
    pub(super) lists: Vec<(String, Import)>,
    /// Most rows in one commit.
    pub(super) commit_size: usize,
    pub(super) server: ServerAddress,
}

/// Reads all lists before anything is sent.
pub(super) fn lists(args: RecordArgs) -> Result<Lists, CliError> {
    let commit_size = args.commit_size.map_or(usize::MAX, |size| size as usize);
    let (files, server) = (args.files.clone(), args.common.server.address.clone());
    let options = options(args);
    if files.iter().filter(|path| is_standard(path)).count() > 1 {
        return Err(CliError::Refused("standard input (-) can be read only once".to_owned()));
    }
    let named = |path: &PathBuf| Ok((name(path), read(path, &options)?));
    let lists = files.iter().map(named).collect::<Result<_, CliError>>()?;
    Ok(Lists { lists, commit_size, server })
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
        ban_until: args.ban_until,
        supplement: args.supplement,
        url: args.url,
        notice_from: args.notice_from,
        notice_to: args.notice_to,
        values: args.values,
        sheet: args.sheet,
        odd_codes: args.odd_codes,
        hidden: args.hidden,
        lone_names: args.lone_names,
        columns: args.columns,
    }
}

/// Whether standard input is meant.
fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn name(path: &Path) -> String {
    if is_standard(path) { "standard input".to_owned() } else { path.display().to_string() }
}

fn read(path: &Path, options: &import::Options) -> Result<Import, CliError> {
    let name = name(path);
    let bytes = match is_standard(path) {
        true => files::read_whole(stdin().lock(), INPUT_FILE_BYTES_MAX),
        false => files::read(path, INPUT_FILE_BYTES_MAX),
    };
    let bytes = bytes.map_err(|e| CliError::Io(format!("cannot read {name}"), e))?;
    let _bound = MemoryBound::begin(LIST_MEMORY_BYTES_MAX);
    import::read(&name, &bytes, options, authority_of).map_err(|error| not_imported(&name, &error))
}

/// The code of the authority that a list names.
pub(super) fn authority_of(name: &str) -> Option<&'static str> {
    AuthorityCode::from_name(name).map(AuthorityCode::as_str)
}

fn not_imported(file: &str, error: &ImportError) -> CliError {
    let ImportError::Rows(rows) = error else {
        return CliError::Message(error.to_string());
    };
    let distinct = distinct(rows);
    let mut table = table(["rows", "column", "value", "fault"]);
    for faults in distinct.iter().take(SHOWN_FAULTS_MAX) {
        let Some(fault) = faults.first() else { continue };
        let mut places: Vec<_> = faults.iter().take(NAMED_ROWS_MAX).map(|f| place(f)).collect();
        if faults.len() > NAMED_ROWS_MAX {
            places.push("…".to_owned());
        }
        table.add_row([&places.join(" "), &fault.column, &fault.value, &fault.message]);
    }
    let more = distinct.len().saturating_sub(SHOWN_FAULTS_MAX);
    let more = if more > 0 { format!("\n… and {more} more") } else { String::new() };
    CliError::Message(format!(
        "{}: nothing was recorded; {} faults\n{table}{more}",
        escaped(file),
        rows.len()
    ))
}

/// Groups equal faults. A missing option is a fault of every row, and would hide all others.
fn distinct(faults: &[RowError]) -> Vec<Vec<&RowError>> {
    let mut distinct: Vec<Vec<&RowError>> = Vec::new();
    let mut known = HashMap::new();
    for fault in faults {
        let key = (&fault.sheet, &fault.column, &fault.value, &fault.message);
        let index = *known.entry(key).or_insert(distinct.len());
        match distinct.get_mut(index) {
            Some(same) => same.push(fault),
            None => distinct.push(vec![fault]),
        }
    }
    distinct
}

fn place(fault: &RowError) -> String {
    if fault.sheet.is_empty() {
        fault.row.to_string()
    } else {
        format!("{}:{}", fault.sheet, fault.row)
    }
}

/// Prints the report on reading a file.
pub(super) fn print_report(file: &str, list: &Import) -> Result<(), CliError> {
    let encoding = list.report.encoding.map_or(String::new(), |e| format!(", {e}"));
    print_line(&format!("{file}: {}{encoding}, {} rows", list.report.format, list.rows.len()))?;
    for sheet in &list.report.sheets {
        let name = if sheet.name.is_empty() { "" } else { &format!("{}: ", sheet.name) };
        if !sheet.not_read.is_empty() {
            print_line(&format!("  {name}not read ({})", sheet.not_read))?;
            continue;
        }
        let columns: Vec<_> =
            sheet.columns.iter().map(|(field, header)| format!("{header} → {field}")).collect();
        print_line(&format!("  {name}columns: {}", columns.join(", ")))?;
        for (what, headers) in
            [("ignored", &sheet.unmapped), ("personal data, dropped", &sheet.personal)]
        {
            if !headers.is_empty() {
                print_line(&format!("  {name}{what}: {}", headers.join(", ")))?;
            }
        }
        for skipped in &sheet.skipped {
            print_line(&format!("  {name}row {} skipped ({})", skipped.row, skipped.why))?;
        }
    }
    Ok(())
}

/// Divides rows into commits.
pub(super) fn commits(rows: &[ImportedRow], size: usize) -> Result<Vec<&[ImportedRow]>, CliError> {
    if size == usize::MAX && rows.len() > COMMIT_EVENTS_MAX {
        return Err(CliError::Message(format!(
            "{} rows exceed the {COMMIT_EVENTS_MAX} of one commit; --commit-size \
             {COMMIT_EVENTS_MAX} records them in several commits, each whole or not at all",
            rows.len()
        )));
    }
    Ok(rows.chunks(size.min(COMMIT_EVENTS_MAX)).collect())
}

fn progress_bar(rows: usize, output: Output) -> ProgressBar {
    if output == Output::Json {
        return ProgressBar::hidden();
    }
    // A bar without a template still counts.
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} rows, {per_sec}, ETA {eta}");
    let bar = ProgressBar::new(rows as u64);
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

/// Prints the rejections, and returns the error that ends the command.
fn print_rejected(
    rows: &[ImportedRow],
    answer: &pb::AppendResponse,
    output: Output,
) -> Result<CliError, CliError> {
    print_message(output, "AppendResponse", answer, |answer| {
        let shown = answer.rejections.get(..SHOWN_FAULTS_MAX).unwrap_or(&answer.rejections);
        print_table(&rejections(rows, "row", shown))
    })?;
    let count = answer.rejection_count;
    let shown = SHOWN_FAULTS_MAX.min(answer.rejections.len());
    Ok(CliError::Refused(format!(
        "nothing was recorded: {count} rejections, {shown} shown (--output json lists up to 1,000)"
    )))
}

fn print(
    rows: &[ImportedRow],
    answer: &pb::AppendResponse,
    is_dry_run: bool,
) -> Result<(), CliError> {
    let (first, next) = (answer.first_position.unwrap_or_default(), answer.next_position);
    let count = rows.len();
    print_line(&if is_dry_run {
        format!("{count} rows would be recorded; nothing was")
    } else if answer.replayed {
        format!("{count} rows had been recorded before, at positions {first} to {}", next - 1)
    } else {
        format!("{count} rows recorded at positions {first} to {}", next - 1)
    })?;
    for warning in answer.warnings.iter().take(SHOWN_FAULTS_MAX) {
        let row = rows.get(warning.index as usize).map_or(0, |row| row.row);
        print_line(&format!("  row {row}: {} [{}]", warning.message, warning.reason))?;
    }
    let more = answer.warnings.len().saturating_sub(SHOWN_FAULTS_MAX);
    if more > 0 {
        let count = answer.warning_count;
        print_line(&format!("  … {count} warnings, {SHOWN_FAULTS_MAX} shown"))?;
    }
    Ok(())
}
