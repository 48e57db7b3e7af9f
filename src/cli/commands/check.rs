//! `tidu check`: every error, warning and change that recording a list would cause.

use super::{
    judged::{print_changes, print_rejections, print_warnings},
    record::{self, Lists, RecordArgs},
};
use crate::{
    cli::{
        CliError,
        append::{AppendFailure, dry_run},
        args::Output,
        client::Client,
        print::{print_line, print_message},
    },
    import::ImportedRow,
    protocol::pb,
};

/// `record` and `check` share their arguments, but not this.
pub(super) const HELP: &str = "\
Options and columns are those of `tidu record`; see `tidu record --help`. Nothing is recorded.
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
    let Lists { lists, commit_size, server } = record::lists(args)?;
    let mut client = Client::connect(&server).await?;
    let mut rejected = 0;
    for (file, list) in &lists {
        if output == Output::Human {
            record::print_report(file, list)?;
        }
        let commits = record::commits(&list.rows, commit_size)?;
        if commits.len() > 1 && output == Output::Human {
            print_line("  each commit is checked as if the others had not been recorded")?;
        }
        for rows in commits {
            let answer = match dry_run(&mut client, rows).await {
                Ok(answer) => answer,
                Err(AppendFailure::Rejected(answer)) => *answer,
                Err(AppendFailure::Other(error)) => return Err(error),
            };
            rejected += answer.rejection_count;
            print_message(output, "AppendResponse", &answer, |answer| print(rows, answer))?;
        }
    }
    if rejected > 0 {
        return Err(CliError::Refused(format!("{rejected} rejections; nothing would be recorded")));
    }
    Ok(())
}

fn print(rows: &[ImportedRow], answer: &pb::AppendResponse) -> Result<(), CliError> {
    let count = rows.len();
    if answer.rejection_count > 0 {
        print_line("")?;
        print_line(&format!("{} errors in {count} rows:", answer.rejection_count))?;
        print_rejections(rows, "row", answer)?;
    } else {
        print_line("")?;
        print_line(&format!("no errors in {count} rows"))?;
    }
    print_warnings(rows, "row", answer)?;
    print_changes(answer)
}
