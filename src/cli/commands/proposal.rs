//! A commit that a person proposes: judged first, shown, confirmed, and recorded once.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Write as _, stderr, stdin},
    path::{Path, PathBuf},
};

use clap::Args;

use super::judged::print_changes;
use crate::{
    cli::{
        CliError,
        append::{AppendFailure, append_with_retry, propose, trial},
        args::{Output, parse_date, today},
        client::Client,
        lists::{Rows, print_rejections, print_warnings},
        print::{Tone, print_line, print_message, print_toned},
        proposal_file::ProposalFile,
    },
    domain::text::counted,
    import::ImportedRow,
    lang::{say, word},
    protocol::{pb, time::pb_date},
};

/// The document behind a fact, and the day on which it holds.
#[derive(Debug, Args)]
pub(super) struct DocumentArgs {
    /// Document number (文号)
    #[arg(long, value_name = "NUMBER", default_value = "", hide_default_value = true)]
    document: String,
    /// Day the document was signed
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    document_date: Option<pb::Date>,
    /// Day the document was published
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    published_date: Option<pb::Date>,
    /// Web address of the document
    #[arg(long, default_value = "", hide_default_value = true)]
    url: String,
}

impl DocumentArgs {
    pub(super) fn evidence(&self) -> Option<pb::Evidence> {
        let evidence = pb::Evidence {
            document_number: self.document.clone(),
            document_date: self.document_date,
            published_date: self.published_date,
            url: self.url.clone(),
            ..Default::default()
        };
        (evidence != pb::Evidence::default()).then_some(evidence)
    }

    /// The day of a fact: as stated; else that of the document; else today.
    pub(super) fn effective_date(&self, stated: Option<pb::Date>) -> Option<pb::Date> {
        let of_document = stated.or(self.published_date).or(self.document_date);
        of_document.or_else(|| Some(pb_date(today())))
    }
}

/// Whether and how a proposal is recorded.
#[derive(Clone, Debug, Args)]
pub(super) struct ConfirmArgs {
    /// Record it without a question
    #[arg(long)]
    yes: bool,
    /// Record it again, although the same was recorded before and annulled since
    #[arg(long)]
    again: bool,
    /// Write it to a new file for another principal to approve, and record nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["yes", "again"])]
    propose: Option<PathBuf>,
}

/// A proposed commit, and how its parts are called.
pub(super) struct Proposal {
    pub(super) rows: Vec<ImportedRow>,
    pub(super) output: Output,
}

/// An event of a proposal, about the event at a position or as the only row.
pub(super) fn row(place: u64, event: pb::Event) -> ImportedRow {
    let row = u32::try_from(place).unwrap_or(u32::MAX);
    ImportedRow { sheet: String::new(), row, event }
}

impl Proposal {
    /// Judges the commit, shows what would change, asks, and records it. An output that has no form
    /// for the answer is refused before that, by `print::reject_table`.
    pub(super) async fn confirm_and_record(
        &self,
        client: &mut Client,
        confirm: ConfirmArgs,
    ) -> Result<(), CliError> {
        if let Some(path) = &confirm.propose {
            return self.propose(client, path).await;
        }
        let answer = self.judge(client, confirm.again).await?;
        if answer.replayed {
            return self.record(client, confirm.again).await;
        }
        if self.output.is_human() {
            print_warnings(&self.placed(), &answer)?;
            print_changes(&answer)?;
        }
        if !confirm.yes {
            if !self.output.is_human() {
                print_message(self.output, "AppendResponse", &answer, |_| Ok(()))?;
            }
            ask()?;
        }
        self.record(client, confirm.again).await
    }

    /// Judges the commit, and writes it to a file for another principal to approve.
    pub(super) async fn propose(&self, client: &mut Client, path: &Path) -> Result<(), CliError> {
        let answer = match propose(client, &self.rows).await {
            Ok((request, answer)) => write_proposal(path, request, &answer, self.output)?,
            Err(failure) => return Err(self.refused(failure)?),
        };
        if self.output.is_human() {
            print_warnings(&self.placed(), &answer)?;
            print_changes(&answer)?;
        }
        Ok(())
    }

    /// Judges the commit, and shows what would change.
    pub(super) async fn try_out(&self, client: &mut Client) -> Result<(), CliError> {
        let answer = self.judge(client, true).await?;
        print_message(self.output, "AppendResponse", &answer, |answer| {
            print_warnings(&self.placed(), answer)?;
            print_changes(answer)?;
            print_line(word!(en: "nothing was recorded", zh: "没有记录任何内容"))
        })
    }

    async fn judge(
        &self,
        client: &mut Client,
        again: bool,
    ) -> Result<pb::AppendResponse, CliError> {
        match trial(client, &self.rows, again).await {
            Ok(answer) => Ok(answer),
            Err(failure) => Err(self.refused(failure)?),
        }
    }

    /// Records the commit, and says where.
    pub(super) async fn record(&self, client: &mut Client, again: bool) -> Result<(), CliError> {
        let recorded = match append_with_retry(client, &self.rows, again).await {
            Ok(recorded) => recorded,
            Err(failure) => return Err(self.refused(failure)?),
        };
        print_message(self.output, "AppendResponse", &recorded.answer, print_recorded)?;
        recorded.reject_annulled()
    }

    /// Prints the rejections, and returns the error that ends the command.
    fn refused(&self, failure: AppendFailure) -> Result<CliError, CliError> {
        let answer = match failure.into_rejected() {
            Ok(answer) => *answer,
            Err(error) => return Ok(error),
        };
        print_message(self.output, "AppendResponse", &answer, |answer| {
            print_rejections(&self.placed(), answer, usize::MAX)
        })?;
        Ok(rejected(answer.rejection_count))
    }

    /// The events with their places.
    fn placed(&self) -> Rows<'_> {
        Rows::of_events(&self.rows)
    }
}

/// Writes a proposal to a new file, and says how it is approved.
pub(super) fn write_proposal(
    path: &Path,
    request: pb::AppendRequest,
    answer: &pb::AppendResponse,
    output: Output,
) -> Result<pb::AppendResponse, CliError> {
    if answer.replayed {
        let first = answer.first_position.unwrap_or_default();
        return Err(CliError::Refused(say!(
            en: "nothing was proposed: the same was recorded before, from position {first} on",
            zh: "没有写出提案：相同内容此前已记录，自位置 {first} 起"
        )));
    }
    let file = ProposalFile::of(request, answer)?;
    file.write(path, answer)?;
    print_message(output, "AppendResponse", answer, |_| {
        let count = file.request.events.len();
        let events = counted(count, "event");
        let (proposer, until) = (&file.proposal.proposer, file.expires());
        print_line(&say!(
            en: "{events} proposed by {proposer}, valid until {until}",
            zh: "{proposer} 提出 {count} 个事件，提案有效至 {until}"
        ))?;
        let path = path.display();
        print_line(&say!(
            en: "another principal records them with: tidu approve {path}",
            zh: "请由另一主体批准并记录：tidu approve {path}"
        ))
    })?;
    Ok(answer.clone())
}

/// Says where the same was recorded before. It need not have been by the same request.
pub(super) fn print_repeat(output: Output, first: u64, last: u64) -> Result<(), CliError> {
    let (first_position, next_position) = (Some(first), last + 1);
    let answer =
        pb::AppendResponse { first_position, next_position, replayed: true, ..Default::default() };
    print_message(output, "AppendResponse", &answer, print_recorded)
}

pub(super) fn print_recorded(answer: &pb::AppendResponse) -> Result<(), CliError> {
    let first = answer.first_position.unwrap_or_default();
    let last = answer.next_position.saturating_sub(1);
    let places = match first == last {
        true => say!(en: "position {first}", zh: "位置 {first}"),
        false => say!(en: "positions {first} to {last}", zh: "位置 {first} 至 {last}"),
    };
    let line = match answer.replayed {
        true => say!(
            en: "recorded at {places} before; nothing was added",
            zh: "此前已记录，在{places}；本次没有新增"
        ),
        false => say!(en: "recorded at {places}", zh: "已记录，在{places}"),
    };
    print_toned(&line, Tone::Good)
}

/// The end of a command whose events were rejected.
pub(super) fn rejected(count: u32) -> CliError {
    let rejections = counted(count, "rejection");
    CliError::Refused(say!(
        en: "nothing was recorded: {rejections}",
        zh: "没有记录任何内容：{count} 处被拒绝"
    ))
}

/// Asks whether to record. Without a person at the terminal, only `--yes` is an answer.
pub(super) fn ask() -> Result<(), CliError> {
    let no = |why: &str| {
        CliError::Refused(say!(
            en: "nothing was recorded: {why}",
            zh: "没有记录任何内容：{why}"
        ))
    };
    if !stdin().is_terminal() {
        return Err(no(word!(
            en: "nobody can be asked here; to record it, repeat the command with --yes",
            zh: "这里无法询问；要记录请加 --yes 再运行一次"
        )));
    }
    let cannot = word!(en: "cannot ask", zh: "无法询问");
    let failed = |e: io::Error| CliError::Io(cannot.to_owned(), e);
    let text = word!(en: "Record this? [y/N] ", zh: "是否记录？[y/N] ");
    let mut question = stderr().lock();
    question.write_all(text.as_bytes()).and_then(|()| question.flush()).map_err(failed)?;
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer).map_err(failed)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" | "是" => Ok(()),
        _ => Err(no(word!(en: "the answer was no", zh: "回答是否"))),
    }
}
