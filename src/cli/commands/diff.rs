//! `tidu diff`: compares a copy with the log and finds the first difference.
//!
//! The digests of both are compared. If they differ, a binary search finds the first difference;
//! each step continues the digest of the equal part. The server reads hashes, and a few events at
//! the end.

use std::{
    cmp::Ordering,
    io::{self, BufRead, BufReader},
    path::PathBuf,
};

use bytes::Bytes;
use clap::Args;
use prost::Message as _;

use crate::{
    archive::{Lines, MAGIC, Reader},
    cli::{
        CliError,
        args::{Common, FilterArgs, Output, is_standard},
        client::Client,
        designees::identify,
        print::{event_line, print_json, print_line, reject_table, withheld_line},
    },
    domain::text::hex,
    files,
    lang::{say, word},
    ledger::{digest::RunningDigest, place},
    log::LogError,
    merkle::Hash,
    protocol::{
        json::Json,
        pb::{self, subscribe_request::Start, subscribe_response::Payload},
    },
};

#[derive(Debug, Args)]
#[command(after_help = "\
A copy is written by `tidu watch --output json`, `tidu events --output json` or `tidu export`:
recorded events as JSON lines in the order of their positions, or an export of the stored bytes.
Give the filter with which it was made.

Exit codes: 0 equal, 1 different.")]
pub(crate) struct DiffArgs {
    /// File with the copy, or - for standard input
    copy: PathBuf,
    /// Compare only below this position [default: the one after the last event of the copy]
    #[arg(long, value_name = "POSITION")]
    until: Option<u64>,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    common: Common,
}

/// The copy of a subscriber.
#[derive(Default)]
struct Copy {
    /// Position and leaf hash of each event.
    events: Vec<(u64, Hash)>,
    /// The log it was made from; empty if the copy does not name it.
    log_id: String,
}

/// The first difference between a copy and the log.
struct FirstDifference {
    position: u64,
    what: Difference,
}

/// How a copy differs.
#[derive(Clone, Copy, Debug)]
enum Difference {
    OtherEvent,
    Lacking,
    Added,
}

impl Difference {
    /// In words for programs.
    fn machine(self) -> &'static str {
        match self {
            Self::OtherEvent => "the events differ",
            Self::Lacking => "the copy lacks the event",
            Self::Added => "the log has no such event for this filter",
        }
    }

    fn human(self) -> &'static str {
        match self {
            Self::OtherEvent => word!(en: self.machine(), zh: "事件内容不同"),
            Self::Lacking => word!(en: self.machine(), zh: "副本缺少该事件"),
            Self::Added => word!(en: self.machine(), zh: "日志中没有符合筛选条件的该事件"),
        }
    }
}

pub(super) async fn run(args: DiffArgs) -> Result<(), CliError> {
    let output = args.common.output;
    reject_table(output)?;
    let json = Json::new()?;
    let name = args.copy.display().to_string();
    let copy = if is_standard(&args.copy) {
        Copy::read(&name, &json, io::stdin().lock())?
    } else {
        let failed = |e| CliError::Io(cannot_read(&name), e);
        Copy::read(&name, &json, BufReader::new(files::open(&args.copy).map_err(failed)?))?
    };
    let mut client = Client::to(&args.common.server).await?;
    let mut filter = args.filter.filter()?;
    identify(&mut client, &mut filter, output).await?;
    let until = args.until.or(copy.events.last().map(|(position, _)| position + 1)).unwrap_or(0);
    let mut log = Log { client, filter, log_id: copy.log_id.clone() };
    let kept = copy.events.partition_point(|(position, _)| *position < until);
    let kept = copy.events.get(..kept).unwrap_or_default();
    let copied = digest(RunningDigest::default(), kept);
    if log.digest(RunningDigest::default(), 0, until).await? == copied {
        return print_equal(output, kept.len(), until, &hex(&copied.0));
    }
    let FirstDifference { position, what } = log.first_difference(kept, until).await?;
    if output.is_human() {
        if let Some(line) = log.line(position).await? {
            print_line(word!(en: "the log has", zh: "日志中为"))?;
            print_line(&line)?;
        }
    } else {
        let position = match output {
            Output::PlainJson => position.into(),
            _ => serde_json::Value::from(position.to_string()),
        };
        let what = what.machine();
        let difference = serde_json::json!({
            "equal": false, "firstDifference": position, "what": what,
        });
        print_json(&difference.to_string())?;
    }
    let what = what.human();
    Err(CliError::Message(say!(
        en: "different from position {position} on: {what}",
        zh: "自位置 {position} 起不同：{what}"
    )))
}

fn cannot_read(name: &str) -> String {
    say!(en: "cannot read {name}", zh: "无法读取 {name}")
}

/// Prints that the copy is the same as the log. In plain JSON numbers are numbers.
fn print_equal(output: Output, count: usize, until: u64, digest: &str) -> Result<(), CliError> {
    let message = match output {
        Output::PlainJson => serde_json::json!({
            "equal": true, "eventCount": count, "nextPosition": until, "digest": digest,
        }),
        Output::Json | Output::Csv | Output::Tsv => serde_json::json!({
            "equal": true, "eventCount": count.to_string(),
            "nextPosition": until.to_string(), "digest": digest,
        }),
        Output::Human => {
            return print_line(&say!(
                en: "equal: {count} events below position {until}, digest {digest}",
                zh: "一致：位置 {until} 之前的 {count} 个事件，摘要 {digest}"
            ));
        }
    };
    print_json(&message.to_string())
}

fn digest(from: RunningDigest, events: &[(u64, Hash)]) -> RunningDigest {
    events.iter().fold(from, |mut digest, (_, hash)| {
        digest.add(hash);
        digest
    })
}

impl Copy {
    fn read(name: &str, json: &Json, mut input: impl BufRead) -> Result<Self, CliError> {
        let failed = |e| CliError::Io(cannot_read(name), e);
        let mut copy = Self::default();
        if input.fill_buf().map_err(failed)?.starts_with(&MAGIC) {
            let mut reader = Reader::open(input).map_err(failed)?;
            let header = *reader.header();
            copy.log_id = header.log_id.to_string();
            for position in header.first..header.next {
                let Some(frame) = reader.frame().map_err(failed)? else { break };
                let damaged = |e: LogError| CliError::Refused(format!("{name}: {e}"));
                copy.events.push((position, place::leaf_hash(position, &frame).map_err(damaged)?));
            }
            return Ok(copy);
        }
        for (number, line) in (1..).zip(Lines::of(input)) {
            let line = line.map_err(failed)?;
            let refused = |why: &str| {
                CliError::Refused(say!(
                    en: "{name}, line {number}: {why}",
                    zh: "{name} 第 {number} 行：{why}"
                ))
            };
            // An export begins with the status of the log.
            if number == 1
                && let Ok(status) = json.parse("GetStatusResponse", &line)
            {
                let status = pb::GetStatusResponse::decode(status.as_slice());
                copy.log_id = status.map(|status| status.log_id).unwrap_or_default();
                continue;
            }
            let place = json.place(&line).map_err(|why| refused(&why))?;
            let position = place
                .position()
                .ok_or_else(|| refused(word!(en: "has no position", zh: "没有位置")))?;
            let hash = place::leaf_hash(position, &place.frame());
            let hash = hash.map_err(|error| refused(&error.to_string()))?;
            if copy.events.last().is_some_and(|(before, _)| *before >= position) {
                return Err(refused(word!(
                    en: "follows an event with the same or a later position",
                    zh: "位于位置相同或更后的事件之后"
                )));
            }
            copy.events.push((position, hash));
        }
        Ok(copy)
    }
}

/// The log as a filter shows it.
struct Log {
    client: Client,
    filter: pb::EventFilter,
    log_id: String,
}

impl Log {
    /// Continues a digest over the events from a position up to another.
    async fn digest(
        &mut self,
        mut digest: RunningDigest,
        from: u64,
        to: u64,
    ) -> Result<RunningDigest, CliError> {
        let mut at = from;
        while at < to {
            let request = pb::GetDigestRequest {
                filter: Some(self.filter.clone()),
                from_position: at,
                digest: Bytes::copy_from_slice(&digest.0),
                to_position: Some(to),
                log_id: self.log_id.clone(),
            };
            let answer = self.client.proof.get_digest(request).await?.into_inner();
            let invalid = |_| {
                CliError::Message(
                    word!(en: "the server sent an invalid digest", zh: "服务器返回的摘要无效")
                        .to_owned(),
                )
            };
            digest = RunningDigest(answer.digest.as_ref().try_into().map_err(invalid)?);
            at = answer.next_position;
        }
        Ok(digest)
    }

    /// Finds the first difference below a position; there must be one.
    async fn first_difference(
        &mut self,
        copy: &[(u64, Hash)],
        until: u64,
    ) -> Result<FirstDifference, CliError> {
        // The first `equal` events of the copy equal the log's; `known` is their digest, and they
        // end below position `at`.
        let (mut equal, mut known, mut at) = (0, RunningDigest::default(), 0);
        let mut unequal = copy.len() + 1;
        while unequal - equal > 1 {
            let middle = equal + (unequal - equal) / 2;
            let part = copy.get(equal..middle).unwrap_or_default();
            let copied = digest(known, part);
            let next = part.last().map_or(at, |(position, _)| position + 1);
            if self.digest(known, at, next).await? == copied {
                (equal, known, at) = (middle, copied, next);
            } else {
                unequal = middle;
            }
        }
        let in_log = self.first(at, until).await?;
        let in_copy = copy.get(equal).map(|(position, _)| *position);
        let (position, what) = match (in_log, in_copy) {
            (Some(log), Some(copy)) => match log.cmp(&copy) {
                Ordering::Equal => (log, Difference::OtherEvent),
                Ordering::Less => (log, Difference::Lacking),
                Ordering::Greater => (copy, Difference::Added),
            },
            (Some(log), None) => (log, Difference::Lacking),
            (None, copy) => (copy.unwrap_or(until), Difference::Added),
        };
        Ok(FirstDifference { position, what })
    }

    /// The position of the first matching event in a range.
    async fn first(&mut self, from: u64, to: u64) -> Result<Option<u64>, CliError> {
        let request = pb::SubscribeRequest {
            start: Some(Start::FromPosition(from)),
            filter: Some(self.filter.clone()),
            stop_position: Some(to),
            ..Default::default()
        };
        let mut stream = self.client.ledger.subscribe(request).await?.into_inner();
        while let Some(message) = stream.message().await? {
            match message.payload {
                Some(Payload::Withheld(withheld)) => return Ok(withheld.position),
                Some(Payload::Events(batch)) => {
                    if let Some(leaf) = batch.leaves.into_iter().next() {
                        let recorded = pb::RecordedEvent::decode(leaf);
                        return Ok(recorded.ok().and_then(|recorded| recorded.position));
                    }
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// The event at a position in one line; `None` beyond the end of the log.
    async fn line(&mut self, position: u64) -> Result<Option<String>, CliError> {
        let request = pb::GetEventRequest { position: Some(position), raw: false };
        match self.client.ledger.get_event(request).await {
            Ok(answer) => {
                let pb::GetEventResponse { event, withheld, .. } = answer.into_inner();
                let withheld = withheld.as_ref().map(withheld_line);
                Ok(withheld.or_else(|| event.as_ref().map(event_line)))
            }
            Err(status) if status.code() == tonic::Code::OutOfRange => Ok(None),
            Err(status) => Err(status.into()),
        }
    }
}
