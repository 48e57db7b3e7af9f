//! `tidu check`: every error, warning and change that recording a list would cause.

use super::{
    judged::print_changes,
    record::{self, RecordArgs},
};
use crate::{
    cli::{
        CliError,
        append::dry_run,
        args::Output,
        client::Client,
        lists::{
            Rows, Run, duplicates_across, print_answer, print_duplicates, print_rejections,
            print_warnings,
        },
        print::print_line,
    },
    domain::text::counted,
    protocol::pb,
};

/// `record` and `check` share their arguments, but not this.
pub(super) const HELP: &str = "\
Options and columns are those of `tidu record`; see `tidu record --help`. Nothing is recorded.
Up to 10,000 rows of all files are judged together, as if they were recorded in this order. Of more
rows, each commit is judged by itself: a fact that rests on an earlier commit may be warned of or
rejected that `tidu record` accepts. Facts that two commits state are found all the same.
With --output json, each judgement gives one line, as in `tidu record`.
Exit codes: 0 if the list can be recorded, 3 if any row is rejected.

Example:
  tidu generate --rows 500 --to list.csv
  tidu check list.csv --authority 440000 --programme specialised-sme \\
    --batch 2026-1 --date 2026-03-01";

pub(super) async fn run(args: RecordArgs) -> Result<(), CliError> {
    let output = args.common.output;
    if args.again {
        let text = "--again records a list once more; check records nothing";
        return Err(CliError::Refused(text.to_owned()));
    }
    if args.propose.is_some() {
        let text = "--propose writes a proposal; check records nothing: tidu record --propose";
        return Err(CliError::Refused(text.to_owned()));
    }
    let (run, server) = record::read(args)?;
    let commits = run.commits();
    let trials = Run::trials(&commits);
    let mut refused = Vec::new();
    if trials.len() > 1 {
        let found = duplicates_across(&commits);
        if !found.is_empty() {
            print_duplicates(&found, output)?;
            refused.push(counted(found.len(), "duplicate"));
        }
        if output.is_human() {
            print_line(
                "  each commit is checked as if the others had not been recorded, so a fact that \
                 rests on another commit may be rejected here; facts stated twice are found in all",
            )?;
        }
    }
    let mut client = Client::to(&server).await?;
    let mut rejected = 0;
    for rows in &trials {
        let answer = match dry_run(&mut client, rows.iter()).await {
            Ok(answer) => answer,
            Err(failure) => *failure.into_rejected()?,
        };
        rejected += answer.rejection_count;
        match output {
            Output::Json | Output::PlainJson | Output::Csv | Output::Tsv => {
                print_answer(rows, &answer)?
            }
            Output::Human => print(rows, &answer, trials.len() > 1)?,
        }
    }
    if rejected > 0 {
        refused.insert(0, counted(rejected, "rejection"));
    }
    if refused.is_empty() {
        return Ok(());
    }
    Err(CliError::Refused(format!("{}; nothing would be recorded", refused.join(", "))))
}

fn print(rows: &Rows<'_>, answer: &pb::AppendResponse, is_part: bool) -> Result<(), CliError> {
    let mut checked = counted(rows.len(), "row");
    if rows.files().len() > 1 {
        checked.push_str(&format!(" of {}", counted(rows.files().len(), "file")));
    } else if is_part {
        let part = rows.parts.first();
        let first = part.and_then(|part| Some((part, part.rows.first()?)));
        checked.push_str(
            &first.map_or(String::new(), |(part, row)| format!(" from {} on", part.place(row))),
        );
    }
    print_line("")?;
    if answer.rejection_count > 0 {
        print_line(&format!("{} in {checked}:", counted(answer.rejection_count, "error")))?;
        print_rejections(rows, answer, usize::MAX)?;
    } else {
        print_line(&format!("no errors in {checked}"))?;
    }
    print_warnings(rows, answer)?;
    print_changes(answer)
}
