//! `tidu record`: reads lists and records them.

use std::path::{Path, PathBuf};

use clap::Args;

use super::proposal::write_proposal;
use crate::{
    cli::{
        CliError,
        append::{AppendFailure, append_with_retry, dry_run, propose, trial},
        args::{Common, Output, ServerArgs},
        client::Client,
        lists::{
            Outcome, Part, Rows, Run, Teller, duplicates, positions, print_duplicates,
            print_rejections, print_report, warning_lines,
        },
        names,
        print::{Progress, Tone, print_line, print_toned},
    },
    domain::text::counted,
    import::{self, FactKind, OddCodes, ReadOrSkip},
    lang::{say, word},
    limits::{COMMIT_EVENTS_MAX, SHOWN_FAULTS_MAX},
    protocol::pb,
};

#[derive(Debug, Args)]
#[command(after_help = "\
Columns are found by their headers, in Chinese or English: 统一社会信用代码 (uscc), 企业名称 (name),
省份 (province), 批次 (batch), 类别 (fact), 日期 (date), 有效期 (valid_to), 禁止申报至 (ban_until),
增补 (supplement) and others. For another header, use --column, such as --column name=企业全称.
Options supply what no column holds, and --set fields without an option of their own; an option that
cannot apply is refused. docs/lists.md has all facts and columns, and tidu template writes a list to
fill in. A row without a code gets a provisional identifier made from
the recommending authority and the name. Columns of personal data are dropped and reported.
The rows of a file are recorded in one commit, or none of them; --commit-size divides them. Before
the first commit, facts that the lists state twice are refused, and up to 10,000 rows of several
commits are judged together. If a later commit fails all the same, the error says which rows are
recorded. Recording the same files again with the same options records nothing new. If events of a
commit were annulled since, that is an error, and --again records the list under a new request id.
With --output json or plain-json, each commit gives one line: the AppendResponse, whose rejections
and warnings have the file, sheet, row and column of their place, and as `earlier` that of the row
that they contradict; `files`, and the `notes` on how these were read. A file that is refused gives
one line for each fault: kind (fault), file, sheet, row, column, value, reason, message, and
messageZh in Chinese. Neither depends on the language.
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
    /// Write one commit to a new file for another principal to approve, and record nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dry_run", "again", "commit_size"])]
    pub(super) propose: Option<PathBuf>,
    /// Rows in one commit [default: all]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=COMMIT_EVENTS_MAX as i64))]
    commit_size: Option<u32>,
    #[command(flatten)]
    pub(super) common: Common,
}

fn column(text: &str) -> Result<(String, String), String> {
    let (field, header) = text
        .split_once('=')
        .ok_or_else(|| say!(en: "not of the form FIELD=HEADER", zh: "不是 字段=表头 的形式"))?;
    Ok((field.trim().to_owned(), header.trim().to_owned()))
}

fn set(text: &str) -> Result<(String, String), String> {
    let (field, value) = text
        .split_once('=')
        .ok_or_else(|| say!(en: "not of the form FIELD=VALUE", zh: "不是 字段=值 的形式"))?;
    Ok((field.trim().replace('-', "_"), value.trim().to_owned()))
}

pub(super) async fn run(args: RecordArgs) -> Result<(), CliError> {
    let (output, is_dry_run, again) = (args.common.output, args.dry_run, args.again);
    let mut teller = Teller::of_answers(output)?;
    let teller = &mut teller;
    let proposed = args.propose.clone();
    let (run, server) = read(args, teller)?;
    let commits = run.commits();
    if let Some(path) = proposed {
        return propose_to(&path, &server, &commits, (teller, output)).await;
    }
    if commits.len() > 1 {
        reject_duplicates(&commits, teller)?;
    }
    let mut client = Client::to(&server).await?;
    let progress = progress(teller, word!(en: "recording", zh: "正在记录"), &commits);
    let told = (teller, &progress);
    if is_dry_run {
        return try_out(&mut client, &commits, told).await;
    }
    if commits.len() > 1 {
        require_acceptable(&mut client, &commits, (&mut *told.0, told.1)).await?;
    }
    let mut outcome = Outcome::new(&run, &commits);
    record(&mut client, &commits, again, told, &mut outcome).await
}

/// A sign of life while commits are recorded or judged; nothing for programs.
pub(super) fn progress(teller: &Teller, what: &'static str, commits: &[Part<'_>]) -> Progress {
    if !teller.is_for_people() {
        return Progress::hidden();
    }
    let rows: usize = commits.iter().map(|part| part.rows.len()).sum();
    Progress::new(what, word!(en: "rows", zh: "行"), rows as u64)
}

/// Judges a commit, and writes it to a file for another principal to approve.
async fn propose_to(
    path: &Path,
    server: &ServerArgs,
    commits: &[Part<'_>],
    (teller, output): (&mut Teller, Output),
) -> Result<(), CliError> {
    let [commit] = commits else {
        let count = commits.len();
        return Err(CliError::Refused(say!(
            en: "nothing was proposed: a proposal is one commit, and these lists make {count}; \
                 propose each list by itself",
            zh: "没有写出提案：一份提案只含一次提交，而这些名单需要 {count} 次；请每份名单单独提出"
        )));
    };
    let mut client = Client::to(server).await?;
    let rows = Rows::of_lists(vec![*commit]);
    match propose(&mut client, commit.rows).await {
        Ok((request, answer)) => {
            write_proposal(path, request, &answer, output)?;
            if teller.is_for_people() {
                print_all(&warning_lines(&rows, &answer))?;
            }
            Ok(())
        }
        Err(failure) => {
            let answer = failure.into_rejected()?;
            print_rejected(&rows, &answer, teller)?;
            let rejected = rejected(&answer);
            Err(CliError::Refused(say!(
                en: "nothing was proposed: {rejected}",
                zh: "没有写出提案：{rejected}"
            )))
        }
    }
}

/// Reads all lists, and prints how they were read.
pub(super) fn read(args: RecordArgs, teller: &mut Teller) -> Result<(Run, ServerArgs), CliError> {
    let commit_size = args.commit_size.map(|size| size as usize);
    let (files, server) = (args.files.clone(), args.common.server.clone());
    let run = Run::read(&files, &options(args), commit_size, teller)?;
    if teller.is_for_people() {
        run.lists.iter().try_for_each(print_report)?;
    }
    Ok((run, server))
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

/// Refuses lists that state a fact twice, before the first commit is recorded.
fn reject_duplicates(commits: &[Part<'_>], teller: &mut Teller) -> Result<(), CliError> {
    let found = duplicates(commits);
    if found.is_empty() {
        return Ok(());
    }
    print_duplicates(&found, teller)?;
    let count = found.len();
    let (rows, state) = (counted(count, "row"), if count == 1 { "states" } else { "state" });
    Err(CliError::Refused(say!(
        en: "nothing was recorded: {rows} {state} what an earlier row of these lists states",
        zh: "没有记录任何内容：有 {count} 行与这些名单中前面的行重复"
    )))
}

/// Judges all commits together before the first is recorded, if one trial can do that. So a later
/// one is seldom refused.
async fn require_acceptable(
    client: &mut Client,
    commits: &[Part<'_>],
    (teller, progress): (&mut Teller, &Progress),
) -> Result<(), CliError> {
    let trials = Run::trials(commits);
    let [whole] = trials.as_slice() else { return Ok(()) };
    // A trial that the server cannot make tells nothing.
    if !matches!(dry_run(client, whole.iter()).await, Err(AppendFailure::Rejected(_))) {
        return Ok(());
    }
    // A commit that was recorded before is not recorded again, so it is not judged either.
    let mut new = Vec::new();
    for commit in commits {
        let answer = trial(client, commit.rows, false).await;
        if !matches!(answer, Ok(pb::AppendResponse { replayed: true, .. })) {
            new.push(*commit);
        }
    }
    let whole = Rows::of_lists(new);
    match dry_run(client, whole.iter()).await {
        Err(AppendFailure::Rejected(answer)) => {
            progress.finish();
            print_rejected(&whole, &answer, teller)?;
            Err(nothing_recorded(&answer))
        }
        _ => Ok(()),
    }
}

/// Records the commits in turn, and says what became of each.
async fn record<'a>(
    client: &mut Client,
    commits: &'a [Part<'a>],
    again: bool,
    (teller, progress): (&mut Teller, &Progress),
    outcome: &mut Outcome<'a>,
) -> Result<(), CliError> {
    for commit in commits {
        let rows = Rows::of_lists(vec![*commit]);
        let recorded = match append_with_retry(client, commit.rows, again).await {
            Ok(recorded) => recorded,
            Err(failure) => {
                progress.finish();
                return Err(match failure {
                    AppendFailure::Rejected(answer) => {
                        print_rejected(&rows, &answer, teller)?;
                        outcome.refused(&rejected(&answer))
                    }
                    AppendFailure::Other(error) => outcome.failed(error),
                    AppendFailure::Unknown(error) => outcome.unknown(error),
                });
            }
        };
        progress.add(commit.rows.len() as u64);
        progress.suspend(|| match &mut *teller {
            Teller::People => print_recorded(&rows, &recorded.answer, &outcome.name()),
            teller => teller.answer(&rows, &recorded.answer),
        })?;
        if let Some(why) = recorded.annulled_since() {
            return Err(outcome.refused(&why));
        }
        outcome.recorded(&recorded.answer);
    }
    Ok(())
}

/// Judges what would be recorded.
async fn try_out(
    client: &mut Client,
    commits: &[Part<'_>],
    (teller, progress): (&mut Teller, &Progress),
) -> Result<(), CliError> {
    for rows in Run::trials(commits) {
        let answer = match dry_run(client, rows.iter()).await {
            Ok(answer) => answer,
            Err(failure) => {
                let answer = failure.into_rejected()?;
                progress.finish();
                print_rejected(&rows, &answer, teller)?;
                return Err(nothing_recorded(&answer));
            }
        };
        progress.add(rows.len() as u64);
        progress.suspend(|| match &mut *teller {
            Teller::People => {
                let count = rows.len();
                let rows_in_words = counted(count, "row");
                let line = say!(
                    en: "{rows_in_words} would be recorded; nothing was",
                    zh: "可以记录 {count} 行；本次没有记录任何内容"
                );
                print_toned(&line, Tone::Good)?;
                print_all(&warning_lines(&rows, &answer))
            }
            teller => teller.answer(&rows, &answer),
        })?;
    }
    Ok(())
}

fn print_all(lines: &[String]) -> Result<(), CliError> {
    lines.iter().try_for_each(|line| print_line(line))
}

fn print_rejected(
    rows: &Rows<'_>,
    answer: &pb::AppendResponse,
    teller: &mut Teller,
) -> Result<(), CliError> {
    match teller {
        Teller::People => print_rejections(rows, answer, SHOWN_FAULTS_MAX),
        teller => teller.answer(rows, answer),
    }
}

fn nothing_recorded(answer: &pb::AppendResponse) -> CliError {
    let rejected = rejected(answer);
    CliError::Refused(say!(
        en: "nothing was recorded: {rejected}",
        zh: "没有记录任何内容：{rejected}"
    ))
}

/// The rejections in words.
fn rejected(answer: &pb::AppendResponse) -> String {
    let count = answer.rejection_count;
    let rejections = counted(count, "rejection");
    if usize::try_from(count).is_ok_and(|count| count <= SHOWN_FAULTS_MAX) {
        return say!(en: "{rejections}", zh: "{count} 处被拒绝");
    }
    say!(
        en: "{rejections} (tidu check and --output json list up to 1,000)",
        zh: "{count} 处被拒绝（tidu check 和 --output json 最多列出 1,000 处）"
    )
}

fn print_recorded(
    rows: &Rows<'_>,
    answer: &pb::AppendResponse,
    name: &str,
) -> Result<(), CliError> {
    let (count, at) = (rows.len(), positions(answer));
    let in_rows = counted(count, "row");
    let line = match answer.replayed {
        true => say!(
            en: "{name}{in_rows} had been recorded before, at {at}",
            zh: "{name}{count} 行此前已记录，在{at}"
        ),
        false => {
            say!(en: "{name}{in_rows} recorded at {at}", zh: "{name}已记录 {count} 行，在{at}")
        }
    };
    print_toned(&line, Tone::Good)?;
    print_all(&warning_lines(rows, answer))
}
