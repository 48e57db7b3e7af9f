//! `tidu watch`: follows the log, and prints its events or delivers them. It resumes by itself.

use clap::Args;
use jiff::Timestamp;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{expiries::ExpiryFilter, follow::Follower};
use crate::{
    cli::{
        CliError,
        args::{Common, DeliveryArgs, FilterArgs},
        client::Client,
        designees::{identify, needs_identifiers},
        print::JsonLines,
        stop::{no_signals, stop_signal},
    },
    handover::HeardEpoch,
    lang::word,
    limits::{DRAIN_DURATION_MAX, HEARTBEAT_DEFAULT},
    protocol::pb::{self, subscribe_request::Start},
};

#[derive(Debug, Args)]
#[command(after_help = "\
After a lost connection, watch resumes from the last position; every event is printed once. To
resume in another process, give the next_position of the last message as --from. A server that says
nothing for two heartbeats of 10 s counts as lost. Standard error tells from which position watch
follows, when it is caught up, and when it has connected again.

The delivery options deliver events instead of printing them: in order, one at a time, each repeated
until the receiver takes it. The next start resumes from the state file; --from counts only if there
is none. The file is written after a group of events, and whenever delivery rests. A crash may
repeat a group, so the receiver must accept an id that it knows, `<log id>/<position>`, without
acting again. A command finds TIDU_POSITION, TIDU_LOG_ID and TIDU_KIND in its environment; with a
batch it gets one event a line, and finds TIDU_LAST_POSITION and TIDU_EVENT_COUNT instead of the
kind. Webhooks are signed according to
Standard Webhooks; 410 ends delivery, and Retry-After is respected up to an hour. For https, the
CAs of --webhook-ca are trusted, else the system's or those in SSL_CERT_FILE; it never becomes
plaintext. A duration is written as 500ms, 30s or 5m. See docs/delivery.md.")]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Position to start from, or `now`
    #[arg(long, value_name = "POSITION", default_value = "0", value_parser = start)]
    from: Start,
    /// Follow this cursor with its own filter, and advance it past the printed events
    #[arg(long, value_name = "ID", conflicts_with_all = ["from", "hook"],
        conflicts_with_all = FilterArgs::IDS)]
    cursor: Option<String>,
    /// Stop at this position
    #[arg(long, value_name = "POSITION")]
    until: Option<u64>,
    /// Also print progress
    #[arg(long)]
    progress: bool,
    /// Fail when the connection breaks
    #[arg(long)]
    no_resume: bool,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    delivery: DeliveryArgs,
}

fn start(text: &str) -> Result<Start, String> {
    if text == "now" {
        return Ok(Start::Now(true));
    }
    let position = text.parse().map_err(|_| {
        word!(en: "neither a position nor `now`", zh: "既不是位置，也不是 now").to_owned()
    })?;
    Ok(Start::FromPosition(position))
}

#[allow(clippy::disallowed_methods)] // the day on which a watcher asks; the server's decides
fn now() -> Timestamp {
    Timestamp::now()
}

pub(super) async fn run(args: WatchArgs) -> Result<(), CliError> {
    let stop = CancellationToken::new();
    let lines = JsonLines::new(args.common.output)?;
    let target = args.common.server.target()?;
    let mut filter = args.filter.filter()?;
    if needs_identifiers(&filter) {
        let mut client = Client::connect(&target).await?;
        identify(&mut client, &mut filter, args.common.output).await?;
    }
    let expiries = args.delivery.expiries.then(|| ExpiryFilter::of(&filter));
    let follower = Follower {
        epoch: HeardEpoch::default(),
        request: pb::SubscribeRequest {
            start: Some(args.from),
            filter: Some(filter),
            stop_position: args.until,
            heartbeat_interval: HEARTBEAT_DEFAULT.try_into().ok(),
            ..Default::default()
        },
        lines,
        progress: args.progress,
        cursor: args.cursor,
        cursor_at: 0,
        lacks_filter: false,
        streams: 0,
        delivery: args.delivery.open(stop.clone())?,
        expiries,
        now,
        stop: stop.clone(),
    };
    if follower.delivery.is_none() {
        return follower.run(&target, args.no_resume).await;
    }
    // A running attempt may finish. An overdue one is abandoned; the next start repeats it.
    let stopped = stop_signal().map_err(|e| CliError::Io(no_signals().to_owned(), e))?;
    let overdue = async {
        stopped.await;
        stop.cancel();
        sleep(DRAIN_DURATION_MAX).await;
    };
    tokio::select! {
        outcome = follower.run(&target, args.no_resume) => outcome,
        () = overdue => Ok(()),
    }
}
