//! `tidu audit`: verifies and shows the audit trail of a server.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use prost::Message as _;
use prost_types::Timestamp as Instant;
use uuid::Uuid;

use crate::{
    archive::ArchiveError,
    cli::{
        CliError,
        args::{Common, Output, at_least_one, since},
        client::Client,
        print::{
            Cell, Heading, Printer, Progress, Tone, eprint_line, print_json, print_line,
            reject_table,
        },
    },
    domain::text::{counted, hex},
    lang::{say, word},
    limits::{PAGE_EVENTS_MAX, VERIFY_STEP_BYTES},
    log,
    merkle::Hash,
    protocol::pb::{self, event::Fact},
    server::config::{AUDIT_FILE, Config},
    trail::{Anchor, Line, Outcome, TrailLines, Verified, rotated_beside, verify},
};

#[derive(Debug, Args)]
#[command(after_help = "\
A server with principals keeps a trail of those who were refused and of administrative acts. Each
line holds the hash of the one before it, and the log holds the hash of the last one from hour to
hour.")]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Verify the chain of lines, and compare it with the anchors on the log
    Verify(VerifyArgs),
    /// Show the last lines
    Show(ShowArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
The anchors come from the server, or from the log of --data-dir. The command fails at the first
break, and names its file, line and cause.")]
struct VerifyArgs {
    /// Files of the trail, with those that were set aside beside them; of two that one server
    /// writes, both [default: audit.jsonl in tidu-data, or in --data-dir]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Data directory that no server uses: its log has the anchors
    #[arg(long, value_name = "DIR", conflicts_with = "chain_only")]
    data_dir: Option<PathBuf>,
    /// Verify the chain alone, without the anchors on the log
    #[arg(long)]
    chain_only: bool,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// File of the trail, with those that were set aside beside it [default:
    /// tidu-data/audit.jsonl]
    file: Option<PathBuf>,
    /// Only lines of this principal
    #[arg(long, value_name = "ID")]
    principal: Option<String>,
    /// Only lines with this reason, such as NOT_ENTITLED
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    /// Only lines with this outcome
    #[arg(long, value_enum)]
    outcome: Option<ShownOutcome>,
    /// Only lines of this day in Shanghai or later, or at or after this instant
    #[arg(long, value_name = "DAY|TIME", value_parser = since)]
    since: Option<Instant>,
    /// Most lines to show: the last ones
    #[arg(long, short = 'n', default_value_t = 100, value_parser = at_least_one())]
    limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ShownOutcome {
    /// The caller may not
    Denied,
    /// It was done
    Allowed,
    /// It was not done, for another reason
    Failed,
}

pub(super) async fn run(args: AuditArgs) -> Result<(), CliError> {
    match args.action {
        Action::Verify(verify) => verified(&verify, &args.common).await,
        Action::Show(show) => shown(&show, args.common.output),
    }
}

async fn verified(args: &VerifyArgs, common: &Common) -> Result<(), CliError> {
    reject_table(common.output)?;
    let files = with_those_beside(&args.files, args.data_dir.as_deref())?;
    let what = word!(en: "verifying the trail", zh: "正在校验审计记录");
    let _progress = match common.output.is_human() {
        true => Progress::new(what, word!(en: "files", zh: "个文件"), files.len() as u64),
        false => Progress::hidden(),
    };
    let anchors = match &args.data_dir {
        _ if args.chain_only => None,
        Some(directory) => Some(anchors_at_rest(directory)?),
        None => Some(anchors_served(common).await?),
    };
    let verified = verify(&files, anchors.as_deref());
    let verified = verified.map_err(|error| CliError::Message(error.to_string()))?;
    report(&verified, anchors.is_some(), common.output)
}

fn report(verified: &Verified, is_compared: bool, output: Output) -> Result<(), CliError> {
    let Verified { first, last, head, anchors, unanchored } = verified;
    if !output.is_human() {
        let anchors = is_compared.then_some(anchors);
        let unanchored = is_compared.then_some(unanchored);
        let json = serde_json::json!({
            "first": first, "last": last, "head": hex(head), "anchors": anchors,
            "unanchored": unanchored,
        });
        return print_json(&json.to_string());
    }
    let head = hex(head);
    print_line(&say!(
        en: "lines {first} to {last} hold together; the last has the hash {head}",
        zh: "第 {first} 至 {last} 行前后衔接；最后一行的哈希为 {head}"
    ))?;
    if !is_compared {
        return print_line(word!(
            en: "the anchors on the log were not looked at", zh: "未核对日志中的锚点"
        ));
    }
    let fitting = counted(anchors, "anchor");
    print_line(&say!(
        en: "{fitting} on the log fit; behind the last of them: {unanchored} lines",
        zh: "日志中的 {anchors} 个锚点相符；最后一个锚点之后有 {unanchored} 行"
    ))?;
    if *unanchored > 0 {
        eprint_line(word!(
            en: "tidu: nothing outside of the files protects lines behind the last anchor yet",
            zh: "tidu：最后一个锚点之后的行，目前在文件之外没有保护"
        ));
    }
    Ok(())
}

/// The files that are named, or the one of the data directory, each with those beside it.
fn with_those_beside(
    named: &[PathBuf],
    directory: Option<&Path>,
) -> Result<Vec<PathBuf>, CliError> {
    let of_directory = || {
        let default = Config::default().data_dir;
        directory.unwrap_or(&default).join(AUDIT_FILE)
    };
    let named = if named.is_empty() { vec![of_directory()] } else { named.to_vec() };
    let mut all = Vec::new();
    for path in named {
        let failed = |e| {
            let path = path.display();
            CliError::Io(say!(en: "cannot look beside {path}", zh: "无法查看 {path} 旁的文件"), e)
        };
        all.extend(rotated_beside(&path).map_err(failed)?);
        all.push(path);
    }
    // One that was set aside may be named as well.
    all.sort();
    all.dedup();
    Ok(all)
}

async fn anchors_served(common: &Common) -> Result<Vec<Anchor>, CliError> {
    let mut client = Client::connect(&common.server.target()?).await?;
    let kinds = vec![pb::EventKind::AuditAnchored.into()];
    let filter = pb::EventFilter { kinds, ..Default::default() };
    let (mut anchors, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListEventsRequest {
            filter: Some(filter.clone()),
            page_size: i32::try_from(PAGE_EVENTS_MAX).unwrap_or(i32::MAX),
            page_token,
            ..Default::default()
        };
        let page = client.ledger.list_events(request).await?.into_inner();
        anchors.extend(page.events.into_iter().filter_map(anchor));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(anchors);
        }
    }
}

/// Reads the whole log of a directory that no server uses.
fn anchors_at_rest(directory: &Path) -> Result<Vec<Anchor>, CliError> {
    if !log::is_in(directory) {
        return Err(ArchiveError::NoLog(directory.to_path_buf()).into());
    }
    let (log, _) = log::open(directory, Uuid::nil()).map_err(ArchiveError::from)?;
    let (mut anchors, mut at) = (Vec::new(), 0);
    while at < log.size() {
        let chunks = log.read(at, VERIFY_STEP_BYTES).map_err(ArchiveError::from)?;
        let leaves = chunks.iter().flat_map(log::Chunk::leaves).filter(|leaf| !leaf.withheld);
        let decoded = leaves.filter_map(|leaf| pb::RecordedEvent::decode(leaf.bytes).ok());
        anchors.extend(decoded.filter_map(anchor));
        let Some(next) = chunks.last().map(log::Chunk::next) else { break };
        at = next;
    }
    Ok(anchors)
}

fn anchor(event: pb::RecordedEvent) -> Option<Anchor> {
    let Fact::AuditAnchored(anchored) = event.event?.fact? else { return None };
    let head = Hash::try_from(&*anchored.head).ok()?;
    Some(Anchor { position: event.position?, lines: anchored.lines, head })
}

fn shown(args: &ShowArgs, output: Output) -> Result<(), CliError> {
    let files = with_those_beside(args.file.as_slice(), None)?;
    let mut last = VecDeque::new();
    for path in files {
        let failed = |e| {
            let path = path.display();
            CliError::Io(say!(en: "cannot read {path}", zh: "无法读取 {path}"), e)
        };
        let mut lines = TrailLines::open(&path).map_err(failed)?;
        while let Some(line) = lines.next() {
            match line {
                Ok(line) if args.wants(&line) => last.push_back(line),
                Ok(_) => {}
                Err(cause) => {
                    let (path, line) = (path.display(), lines.at());
                    eprint_line(&say!(
                        en: "tidu: {path} line {line}: {cause}",
                        zh: "tidu：{path} 第 {line} 行：{cause}"
                    ));
                }
            }
            if last.len() > args.limit {
                last.pop_front();
            }
        }
    }
    let mut printer = Printer::new(output, HEADINGS)?;
    for line in &last {
        printer.add_line(&line.text, || cells(line))?;
    }
    printer.finish(None)
}

impl ShowArgs {
    fn wants(&self, Line { entry, time, .. }: &Line) -> bool {
        let outcome = |outcome: ShownOutcome| match outcome {
            ShownOutcome::Denied => entry.outcome == Outcome::Denied,
            ShownOutcome::Allowed => entry.outcome == Outcome::Allowed,
            ShownOutcome::Failed => entry.outcome == Outcome::Failed,
        };
        let since = |since: &Instant| {
            let at = time.parse::<Timestamp>().ok();
            at.is_some_and(|at| {
                (at.as_second(), at.subsec_nanosecond()) >= (since.seconds, since.nanos)
            })
        };
        self.principal.as_ref().is_none_or(|principal| *principal == entry.principal)
            && self.reason.as_ref().is_none_or(|reason| *reason == entry.reason)
            && self.outcome.is_none_or(outcome)
            && self.since.as_ref().is_none_or(since)
    }
}

const HEADINGS: [Heading; 7] = [
    Heading::new("line", "line", "行"),
    Heading::new("time", "time", "时间"),
    Heading::new("who", "who", "调用方"),
    Heading::new("method", "method", "方法"),
    Heading::new("object", "object", "对象").drops(1),
    Heading::new("outcome", "outcome", "结果"),
    Heading::new("count", "count", "次数").drops(2),
];

fn cells(line: &Line) -> [Cell; 7] {
    let Line { number, time, entry, .. } = line;
    let who = if entry.principal.is_empty() { &entry.peer } else { &entry.principal };
    let object = match entry.target.as_str() {
        "" => &entry.detail,
        target => target,
    };
    let method = entry.method.rsplit('/').next().unwrap_or_default();
    let (known, reason) = (entry.outcome.as_str(), &entry.reason);
    let (outcome, tone) = match entry.outcome {
        Outcome::Denied => (word!(en: known, zh: "拒绝"), Tone::Bad),
        Outcome::Allowed => (word!(en: known, zh: "完成"), Tone::Plain),
        Outcome::Failed => (word!(en: known, zh: "未完成"), Tone::Warning),
    };
    let with_reason = |outcome: &str| format!("{outcome} {reason}").trim_end().to_owned();
    let seconds = time.split('.').next().unwrap_or_default().trim_end_matches('Z');
    [
        (*number).into(),
        Cell::of(time.as_str(), seconds.replace('T', " ")),
        who.into(),
        method.into(),
        object.into(),
        Cell::of(with_reason(known), with_reason(outcome)).tone(tone),
        entry.count.to_string().into(),
    ]
}
