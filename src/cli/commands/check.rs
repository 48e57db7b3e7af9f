//! `tidu check`: every error, warning and change that recording a list would cause.

use super::{
    judged::print_changes,
    record::{self, RecordArgs},
};
use crate::{
    cli::{
        CliError,
        append::dry_run,
        args::ServerArgs,
        client::Client,
        lists::{
            Rows, Run, Teller, duplicates_across, print_duplicates, print_rejections,
            print_warnings,
        },
        print::{Tone, print_line, print_toned},
    },
    domain::text::counted,
    lang::{say, word},
    protocol::pb,
};

/// `record` and `check` share their arguments, but not this.
pub(super) const HELP: &str = "\
Options and columns are those of `tidu record`; see `tidu record --help`. Nothing is recorded.
Up to 10,000 rows of all files are judged together, as if they were recorded in this order. Of more
rows, each commit is judged by itself: a fact that rests on an earlier commit may be warned of or
rejected that `tidu record` accepts. Facts that two commits state are found all the same.
With --output json, each judgement gives one line, as in `tidu record`. With --output csv or tsv,
each fault, warning and note gives one row with its file, sheet, row and column, its level (error,
warning, note), reason and value, and the message in English and in Chinese.
Exit codes: 0 if the list can be recorded, 3 if any row is rejected.

Example:
  tidu generate --rows 500 --to list.csv
  tidu check list.csv --authority 440000 --programme specialised-sme \\
    --batch 2026-1 --date 2026-03-01";

pub(super) async fn run(args: RecordArgs) -> Result<(), CliError> {
    let mut teller = Teller::of_findings(args.common.output)?;
    if args.again {
        return Err(CliError::Refused(say!(
            en: "--again records a list once more; check records nothing",
            zh: "--again 用于再次记录；check 不记录任何内容"
        )));
    }
    if args.propose.is_some() {
        return Err(CliError::Refused(say!(
            en: "--propose writes a proposal; check records nothing: tidu record --propose",
            zh: "--propose 用于写出提案；check 不记录任何内容：请用 tidu record --propose"
        )));
    }
    let (run, server) = record::read(args, &mut teller)?;
    let refused = judge(&run, &server, &mut teller).await?;
    teller.finish()?;
    if refused.is_empty() {
        return Ok(());
    }
    let refused = refused.join(word!(en: ", ", zh: "，"));
    Err(CliError::Refused(say!(
        en: "{refused}; nothing would be recorded",
        zh: "{refused}；这样不会记录任何内容"
    )))
}

/// Judges the commits of a run. Gives why they would not be recorded, in words.
async fn judge(
    run: &Run,
    server: &ServerArgs,
    teller: &mut Teller,
) -> Result<Vec<String>, CliError> {
    let commits = run.commits();
    let trials = Run::trials(&commits);
    let mut refused = Vec::new();
    if trials.len() > 1 {
        let found = duplicates_across(&commits);
        if !found.is_empty() {
            print_duplicates(&found, teller)?;
            let count = found.len();
            let duplicates = counted(count, "duplicate");
            refused.push(say!(en: "{duplicates}", zh: "{count} 处重复"));
        }
        if teller.is_for_people() {
            print_line(word!(
                en: "  each commit is checked as if the others had not been recorded, so a fact \
                     that rests on another commit may be rejected here; facts stated twice are \
                     found in all",
                zh: "  每次提交单独检查，不考虑其他提交，因此依赖其他提交的事项可能在此被拒绝；重复的事项在全部\
                     名单中查找"
            ))?;
        }
    }
    let mut client = Client::to(server).await?;
    let mut rejected = 0;
    let progress = record::progress(teller, word!(en: "checking", zh: "正在检查"), &commits);
    for rows in &trials {
        let answer = match dry_run(&mut client, rows.iter()).await {
            Ok(answer) => answer,
            Err(failure) => *failure.into_rejected()?,
        };
        rejected += answer.rejection_count;
        progress.add(rows.len() as u64);
        progress.suspend(|| match &mut *teller {
            Teller::People => print(rows, &answer, trials.len() > 1),
            teller => teller.answer(rows, &answer),
        })?;
    }
    if rejected > 0 {
        let rejections = counted(rejected, "rejection");
        refused.insert(0, say!(en: "{rejections}", zh: "{rejected} 处被拒绝"));
    }
    Ok(refused)
}

fn print(rows: &Rows<'_>, answer: &pb::AppendResponse, is_part: bool) -> Result<(), CliError> {
    let (count, files) = (rows.len(), rows.files().len());
    let (in_rows, in_files) = (counted(count, "row"), counted(files, "file"));
    let first = rows.parts.first().and_then(|part| Some((part, part.rows.first()?)));
    let checked = match first {
        _ if files > 1 => {
            say!(en: "{in_rows} of {in_files}", zh: "{files} 个文件的 {count} 行")
        }
        Some((part, row)) if is_part => {
            let from = part.place(row);
            say!(en: "{in_rows} from {from} on", zh: "自{from}起的 {count} 行")
        }
        _ => say!(en: "{in_rows}", zh: "{count} 行"),
    };
    print_line("")?;
    let rejected = answer.rejection_count;
    if rejected > 0 {
        let errors = counted(rejected, "error");
        let line = say!(en: "{errors} in {checked}:", zh: "{checked}中有 {rejected} 处错误：");
        print_toned(&line, Tone::Bad)?;
        print_rejections(rows, answer, usize::MAX)?;
    } else {
        let line = say!(en: "no errors in {checked}", zh: "{checked}，没有错误");
        print_toned(&line, Tone::Good)?;
    }
    print_warnings(rows, answer)?;
    print_changes(answer)
}
