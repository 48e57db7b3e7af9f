//! `tidu watch`: follows the log and resumes by itself; prints events, or delivers them.

use std::time::Duration;

use clap::Args;
use prost::Message as _;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::Code;

use super::{
    CliError, Common, Output,
    client::Client,
    cursor,
    delivery_args::DeliveryArgs,
    filter::FilterArgs,
    json::Json,
    pause::Pause,
    serve::stop_signal,
    text::{self, say},
};
use crate::{
    delivery::Delivery,
    limits::DRAIN_DURATION_MAX,
    protocol::{
        batch::LeafBatch,
        pb::{self, subscribe_request::Start, subscribe_response::Payload},
    },
};

/// The longest pause between two attempts to connect again.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(5);
/// The first pause; it doubles.
const RETRY_PAUSE_MIN: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
#[command(after_help = "\
A broken connection is resumed where it ended: every event is printed once. To resume in another process, give the
next_position of the last message as --from.

--exec and --webhook deliver instead of printing: in order, one event at a time, each one again and again until it is taken.
The state file is written after each, and the next start goes on there (--from counts only while there is no state file).
A crash may repeat the last event, so the receiver must take an id that it knows, `<log id>/<position>`, without acting
again. A command finds TIDU_POSITION, TIDU_LOG_ID and TIDU_KIND in its environment. Webhooks are signed as Standard Webhooks
says; 410 ends delivery, Retry-After is heeded up to an hour. https trusts what the system trusts, or SSL_CERT_FILE.
Durations are such as 500ms, 30s or 5m. More in docs/delivery.md.")]
pub(super) struct WatchArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Position to start from, or `now` [default: 0]
    #[arg(long, value_name = "POSITION", default_value = "0")]
    from: String,
    /// Follow this cursor with its filter, and advance it past what was printed
    #[arg(long, value_name = "ID", conflicts_with_all = ["from", "exec", "webhook"])]
    cursor: Option<String>,
    /// Stop at this position
    #[arg(long, value_name = "POSITION")]
    until: Option<u64>,
    /// Also print progress
    #[arg(long)]
    progress: bool,
    /// Give up when the connection breaks
    #[arg(long)]
    no_resume: bool,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    delivery: DeliveryArgs,
}

pub(super) async fn run(args: WatchArgs) -> Result<(), CliError> {
    let start = match args.from.as_str() {
        "now" => Start::Now(true),
        text => Start::FromPosition(text.parse().map_err(|_| {
            CliError::Said(format!("--from takes a position or `now`, not {text:?}"))
        })?),
    };
    let filter = args.filter.filter()?;
    if args.cursor.is_some() && filter != pb::Filter::default() {
        return Err(CliError::Said("a cursor has its own filter; leave the others out".to_owned()));
    }
    let stop = CancellationToken::new();
    let follower = Follower {
        request: pb::SubscribeRequest {
            start: Some(start),
            filter: Some(filter),
            stop_position: args.until,
            ..Default::default()
        },
        json: Json::new()?,
        output: args.common.output,
        progress: args.progress,
        cursor: args.cursor,
        delivery: args.delivery.open(stop.clone())?,
        stop: stop.clone(),
    };
    if follower.delivery.is_none() {
        return follower.run(&args.common, args.no_resume).await;
    }
    // An attempt may come to its end; what takes too long is given up, and is made again by the next start.
    let asked =
        stop_signal().map_err(|e| CliError::Io("cannot listen for signals".to_owned(), e))?;
    let overdue = async {
        asked.await;
        stop.cancel();
        sleep(DRAIN_DURATION_MAX).await;
    };
    tokio::select! {
        outcome = follower.run(&args.common, args.no_resume) => outcome,
        () = overdue => Ok(()),
    }
}

fn may_pass(error: &CliError) -> bool {
    match error {
        CliError::Unreachable { .. } => true,
        // A connection that breaks inside a message shows as an internal error.
        CliError::Status(status) => text::is_passing(status) || status.code() == Code::Internal,
        _ => false,
    }
}

struct Follower {
    request: pb::SubscribeRequest,
    json: Json,
    output: Output,
    progress: bool,
    /// The cursor that it advances.
    cursor: Option<String>,
    delivery: Option<Delivery>,
    /// Asks it to end.
    stop: CancellationToken,
}

impl Follower {
    /// Follows, and connects again when the connection breaks.
    async fn run(mut self, common: &Common, no_resume: bool) -> Result<(), CliError> {
        let mut pause = Pause::new(RETRY_PAUSE_MIN, RETRY_PAUSE_MAX);
        while !self.stop.is_cancelled() {
            let before = self.request.clone();
            match self.follow(common).await {
                Ok(()) => return Ok(()),
                Err(error) if no_resume || !may_pass(&error) => return Err(error),
                Err(error) => {
                    if self.request != before {
                        pause.reset();
                    }
                    let pause = pause.take();
                    let again = format!("trying again in {} ms", pause.as_millis());
                    text::complain(&format!("tidu: {error}; {again}"));
                    tokio::select! {
                        () = self.stop.cancelled() => {}
                        () = sleep(pause) => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// Follows until the stream ends or it is asked to end; notes in the request where to resume.
    async fn follow(&mut self, common: &Common) -> Result<(), CliError> {
        let mut client = Client::connect(common).await?;
        if self.delivery.is_some() {
            self.settle(&mut client).await?;
        }
        if let Some(id) = &self.cursor
            && self.request.log_id.is_empty()
        {
            let cursor = cursor::get(&mut client, id.clone()).await?;
            (self.request.filter, self.request.log_id) = (cursor.filter, cursor.log_id);
            self.request.start = Some(Start::Cursor(id.clone()));
        }
        let mut stream = client.ledger.subscribe(self.request.clone()).await?.into_inner();
        loop {
            let message = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(()),
                message = stream.message() => message?,
            };
            // Only a stop position ends a stream without an error.
            let Some(message) = message else { return Ok(()) };
            match message.payload {
                Some(Payload::Events(batch) | Payload::RawEvents(batch)) => {
                    self.take(&batch).await?;
                }
                Some(Payload::Progress(progress)) => self.note(&progress)?,
                Some(Payload::Withheld(_)) | None => {}
            }
            if let (Some(cursor_id), Some(Start::FromPosition(next_position))) =
                (self.cursor.clone(), self.request.start.clone())
            {
                let log_id = self.request.log_id.clone();
                let request =
                    pb::AdvanceCursorRequest { cursor_id, next_position, log_id, force: false };
                client.cursors.advance_cursor(request).await?;
            }
        }
    }

    /// Finds out in which log, and where, delivery goes on.
    async fn settle(&mut self, client: &mut Client) -> Result<(), CliError> {
        let Some(delivery) = &mut self.delivery else { return Ok(()) };
        let status = client.admin.get_status(pb::GetStatusRequest {}).await?.into_inner();
        let first = match self.request.start {
            Some(Start::FromPosition(position)) => position,
            _ => status.log_size,
        };
        let next = delivery.settle(&status, first)?;
        self.request.start = Some(Start::FromPosition(next));
        self.request.log_id = status.log_id;
        Ok(())
    }

    /// Delivers events, or prints them.
    async fn take(&mut self, batch: &LeafBatch) -> Result<(), CliError> {
        let Some(delivery) = &mut self.delivery else { return self.print(batch) };
        let outcome = delivery.deliver(&self.request.log_id, batch).await;
        self.request.start = delivery.next().map(Start::FromPosition);
        outcome.map_err(CliError::from)
    }

    fn print(&mut self, batch: &LeafBatch) -> Result<(), CliError> {
        for leaf in &batch.leaves {
            match self.output {
                Output::Json => say(&self.json.line_of("RecordedEvent", leaf)?)?,
                Output::Human => {
                    let recorded = pb::RecordedEvent::decode(leaf.clone())
                        .map_err(|e| CliError::Said(format!("an event cannot be read: {e}")))?;
                    say(&text::event(&recorded))?;
                }
            }
        }
        self.request.start = Some(Start::FromPosition(batch.next_position));
        Ok(())
    }

    fn note(&mut self, progress: &pb::Progress) -> Result<(), CliError> {
        self.request.start = Some(Start::FromPosition(progress.next_position));
        self.request.log_id.clone_from(&progress.log_id);
        if let Some(delivery) = &mut self.delivery {
            delivery.pass(progress.next_position)?;
        }
        match self.output {
            _ if !self.progress => Ok(()),
            Output::Json => say(&self.json.line("Progress", progress)?),
            Output::Human => {
                let state = if progress.caught_up { "caught up" } else { "catching up" };
                let (next, size) = (progress.next_position, progress.log_size);
                say(&format!("{next:>7}  {state} of {size} events"))
            }
        }
    }
}
