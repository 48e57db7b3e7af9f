//! `tidu history`: records the published history in the log that a server has.

use clap::Args;

use crate::{
    cli::{
        CliError,
        append::{AppendFailure, Recorded, append_with_retry, trial},
        args::Common,
        client::Client,
        history::{self, Chapter},
        print::{
            Cell, Heading, JsonLines, Progress, Tone, date, fault_message, print_line, print_table,
            table,
        },
    },
    domain::{catalogue::Catalogue, kind::Kind},
    import::ImportedRow,
    lang::{say, word},
    limits::COMMIT_EVENTS_MAX,
    protocol::pb,
};

#[derive(Debug, Args)]
#[command(after_help = "\
The history has what was published of the programmes since 2018: how many enterprises each batch
noticed, designated and reviewed, by authority as far as that is known; laws, measures and pools.
The enterprises are made up, and their names contain 示例 (example). Each part says what of it was
published, derived or assumed. Repeated, the command records nothing twice; interrupted, it goes on.

The log must have no other facts, because a log forgets nothing: the made-up enterprises would stay
among real ones. `tidu demo --keep` starts a server for it.

Examples:
  tidu history
  tidu count --programme little-giant --by cohort --as-of 2025-10-31")]
pub(crate) struct HistoryArgs {
    /// Record it beside other facts, where it stays for ever
    #[arg(long)]
    beside: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: HistoryArgs) -> Result<(), CliError> {
    let lines = JsonLines::new(args.common.output)?;
    let mut client = Client::to(&args.common.server).await?;
    record(&mut client, args.beside, lines.as_ref()).await
}

/// The outcome for the history.
#[derive(Default)]
struct Outcome {
    chapters: Vec<Chapter>,
    recorded: u64,
    repeated: u64,
    next_position: u64,
}

/// Records the history, and says what it is; for programs, the answer to each commit.
pub(super) async fn record(
    client: &mut Client,
    beside: bool,
    lines: Option<&JsonLines>,
) -> Result<(), CliError> {
    let what = word!(en: "recording the history", zh: "正在写入历史");
    let unit = word!(en: "events", zh: "个事件");
    let total = u64::try_from(history::size()).unwrap_or(u64::MAX);
    let progress =
        if lines.is_some() { Progress::hidden() } else { Progress::new(what, unit, total) };
    let mut outcome = Outcome::default();
    let mut is_checked = beside;
    for (chapter, events) in history::chapters() {
        for commit in events.chunks(COMMIT_EVENTS_MAX) {
            let rows: Vec<_> = commit.iter().cloned().map(row).collect();
            if !is_checked {
                require_no_other_facts(client, &rows).await?;
                is_checked = true;
            }
            let recorded = append_with_retry(client, &rows, false).await;
            let Recorded { answer, .. } =
                recorded.map_err(|failed| of_chapter(&chapter, failed))?;
            let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            progress.add(count);
            let counter =
                if answer.replayed { &mut outcome.repeated } else { &mut outcome.recorded };
            *counter += count;
            outcome.next_position = answer.next_position;
            if let Some(lines) = lines {
                lines.print("AppendResponse", &answer)?;
            }
        }
        outcome.chapters.push(chapter);
    }
    progress.finish();
    if lines.is_some() { Ok(()) } else { outcome.print() }
}

fn row(event: pb::Event) -> ImportedRow {
    ImportedRow { sheet: String::new(), row: 0, event }
}

/// Refuses a log that has facts of its own, unless the history was the first to be recorded.
async fn require_no_other_facts(
    client: &mut Client,
    first: &[ImportedRow],
) -> Result<(), CliError> {
    let of_people = Kind::all().filter(|kind| !kind.is_of_service());
    let kinds = of_people.map(|kind| i32::from(kind.number())).collect();
    let filter = Some(pb::EventFilter { kinds, ..Default::default() });
    let request = pb::ListEventsRequest { filter, page_size: 1, ..Default::default() };
    let page = client.ledger.list_events(request).await?.into_inner();
    if page.events.is_empty() && page.withheld.is_empty() {
        return Ok(());
    }
    match trial(client, first, false).await {
        Ok(answer) if answer.replayed => Ok(()),
        Ok(_) | Err(AppendFailure::Rejected(_)) => Err(CliError::Refused(say!(
            en: "the log has other facts already, and the made-up enterprises of the history would \
                 stay among them for ever; `tidu demo --keep` starts a server for it, and --beside \
                 records it here all the same",
            zh: "日志中已有其他事实，历史中的虚构企业写入后将永远留在其中。请用 tidu demo --keep \
                 另起服务器；确需写入此处，请加 --beside"
        ))),
        Err(AppendFailure::Other(error) | AppendFailure::Unknown(error)) => Err(error),
    }
}

/// The failure of a part, which it names. A repeat goes on there.
fn of_chapter(chapter: &Chapter, failed: AppendFailure) -> CliError {
    let about = title(chapter);
    match failed {
        AppendFailure::Rejected(answer) => {
            let first = answer.rejections.into_iter().next().unwrap_or_default();
            let message = fault_message(&first);
            let pb::Rejection { value, reason, .. } = first;
            CliError::Refused(say!(
                en: "{about}: {value} {message} [{reason}]",
                zh: "{about}：{value} {message} [{reason}]"
            ))
        }
        AppendFailure::Other(error) | AppendFailure::Unknown(error) => error,
    }
}

const HEADINGS: [Heading; 6] = [
    Heading::new("what", "what", "内容"),
    Heading::new("batch", "batch", "批次"),
    Heading::new("stage", "fact", "事实"),
    Heading::new("count", "count", "数量"),
    Heading::new("day", "on", "日期").drops(1),
    Heading::new("basis", "basis", "依据").drops(2),
];

impl Outcome {
    fn print(&self) -> Result<(), CliError> {
        let mut rows = table(HEADINGS);
        for chapter in &self.chapters {
            let [en, zh] = chapter.basis;
            rows.add_row([
                title(chapter).into(),
                chapter.batch.into(),
                stage(chapter.stage).into(),
                Cell::from(chapter.count.to_string()),
                Cell::from(date(Some(&chapter.day()))),
                Cell::from(word!(en: en, zh: zh)).tone(Tone::Faint),
            ]);
        }
        print_table(&rows)?;
        let Self { recorded, repeated, next_position, .. } = self;
        print_line(&match (recorded, repeated) {
            (0, repeated) => say!(
                en: "all {repeated} events were recorded before; nothing was changed",
                zh: "全部 {repeated} 个事件此前已写入，未作任何改动"
            ),
            (recorded, 0) => say!(
                en: "{recorded} events recorded; the next position is {next_position}",
                zh: "已写入 {recorded} 个事件，下一位置为 {next_position}"
            ),
            (recorded, repeated) => say!(
                en: "{recorded} events recorded, {repeated} were recorded before; the next \
                     position is {next_position}",
                zh: "已写入 {recorded} 个事件，另有 {repeated} 个此前已写入，下一位置为 {next_position}"
            ),
        })
    }
}

/// The name of its programme, or what it is about.
fn title(chapter: &Chapter) -> String {
    let catalogue = Catalogue::built_in();
    let programme = catalogue.programmes().find(|programme| programme.id == chapter.programme);
    let name = programme.and_then(|programme| programme.names.last());
    let name = name.map(|name| word!(en: name.name_en.as_str(), zh: name.name.as_str()));
    let of_list = |name: &str| match chapter.what {
        "measures" => say!(en: "Measures: {name}", zh: "管理办法：{name}"),
        _ => name.to_owned(),
    };
    name.map_or_else(
        || {
            let what = match chapter.what {
                "pool" => word!(en: "Cultivation pools", zh: "培育库"),
                "instruments" => {
                    word!(en: "Laws, regulations, guidelines, measures", zh: "法律、法规、意见、办法")
                }
                "assessment" => word!(en: "Assessment of regions", zh: "发展环境评估"),
                other => other,
            };
            what.to_owned()
        },
        of_list,
    )
}

fn stage(stage: &str) -> String {
    if let Some(batch) = stage.strip_prefix("reviewed:") {
        return say!(en: "passed the review, batch {batch}", zh: "第 {batch} 批复核通过");
    }
    let word = match stage {
        "noticed" => word!(en: "noticed", zh: "公示"),
        "designated" => word!(en: "designated", zh: "认定"),
        "issued" => word!(en: "issued", zh: "印发"),
        "entered" => word!(en: "entered", zh: "入库"),
        _ => stage,
    };
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Lang;

    #[test]
    fn every_part_has_words_in_both_languages() {
        for (chapter, _) in history::chapters() {
            for lang in [Lang::En, Lang::Zh] {
                let _ = lang;
            }
            assert_ne!(title(&chapter), chapter.what);
            let bare = chapter.stage.is_empty() || stage(chapter.stage).is_empty();
            assert!(!bare || ["instruments", "assessment"].contains(&chapter.what), "{chapter:?}");
        }
    }
}
