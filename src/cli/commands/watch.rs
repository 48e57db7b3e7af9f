//! `tidu watch`: follows the log, and prints its events or delivers them. It resumes by itself.

use clap::Args;
use prost::Message as _;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::Code;

use super::cursor;
use crate::{
    cli::{
        CliError,
        args::{Common, DeliveryArgs, FilterArgs, Output, ServerAddress},
        client::Client,
        print::{eprint_error, event_line, is_retryable, print_json, print_line, withheld_line},
        stop::stop_signal,
    },
    delivery::{Delivery, pause::Pause},
    limits::{DRAIN_DURATION_MAX, WATCH_RETRY_PAUSE_MAX, WATCH_RETRY_PAUSE_MIN},
    protocol::{
        batch::LeafBatch,
        json::Json,
        pb::{self, subscribe_request::Start, subscribe_response::Payload},
    },
};

#[derive(Debug, Args)]
#[command(after_help = "\
After a lost connection, watch resumes from the last position; every event is printed once. To
resume in another process, give the next_position of the last message as --from.

The delivery options deliver events instead of printing them: in order, one at a time, each repeated
until the receiver takes it. The state file is written after each event, and the next start resumes
from it; --from counts only if there is no state file. A crash may repeat the last event, so the
receiver must accept an id that it knows, `<log id>/<position>`, without acting again. A command
finds TIDU_POSITION, TIDU_LOG_ID and TIDU_KIND in its environment. Webhooks are signed according to
Standard Webhooks; 410 ends delivery, and Retry-After is respected up to an hour. For https, the
system's certificates are trusted, or those in SSL_CERT_FILE. A duration is written as 500ms, 30s or
5m. See docs/delivery.md.")]
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
    let position = text.parse().map_err(|_| "neither a position nor `now`".to_owned())?;
    Ok(Start::FromPosition(position))
}

pub(super) async fn run(args: WatchArgs) -> Result<(), CliError> {
    let stop = CancellationToken::new();
    let follower = Follower {
        request: pb::SubscribeRequest {
            start: Some(args.from),
            filter: Some(args.filter.filter()?),
            stop_position: args.until,
            ..Default::default()
        },
        json: Json::new()?,
        output: args.common.output,
        progress: args.progress,
        cursor: args.cursor,
        lacks_filter: false,
        delivery: args.delivery.open(stop.clone())?,
        stop: stop.clone(),
    };
    if follower.delivery.is_none() {
        return follower.run(&args.common.server.address, args.no_resume).await;
    }
    // A running attempt may finish. An overdue one is abandoned; the next start repeats it.
    let stopped =
        stop_signal().map_err(|e| CliError::Io("cannot listen for signals".to_owned(), e))?;
    let overdue = async {
        stopped.await;
        stop.cancel();
        sleep(DRAIN_DURATION_MAX).await;
    };
    tokio::select! {
        outcome = follower.run(&args.common.server.address, args.no_resume) => outcome,
        () = overdue => Ok(()),
    }
}

fn is_temporary(error: &CliError) -> bool {
    match error {
        CliError::Unreachable { .. } => true,
        // A connection that breaks inside a message shows as an internal error.
        CliError::Status(status) => is_retryable(status) || status.code() == Code::Internal,
        _ => false,
    }
}

struct Follower {
    request: pb::SubscribeRequest,
    json: Json,
    output: Output,
    progress: bool,
    /// The cursor to advance.
    cursor: Option<String>,
    /// The cursor's filter is too large for an answer, so each stream starts from the cursor.
    lacks_filter: bool,
    delivery: Option<Delivery>,
    /// Cancelled to end it.
    stop: CancellationToken,
}

impl Follower {
    /// Follows, and connects again when the connection breaks.
    async fn run(mut self, server: &ServerAddress, no_resume: bool) -> Result<(), CliError> {
        let mut pause =
            Pause::new(WATCH_RETRY_PAUSE_MIN, WATCH_RETRY_PAUSE_MAX, fastrand::Rng::new());
        while !self.stop.is_cancelled() {
            let before = self.request.clone();
            match self.follow(server).await {
                Ok(()) => return Ok(()),
                Err(error) if no_resume || !is_temporary(&error) => return Err(error),
                Err(error) => {
                    if self.request != before {
                        pause.reset();
                    }
                    let pause = pause.take();
                    let again = format!("trying again in {} ms", pause.as_millis());
                    eprint_error(&error, &format!("; {again}"));
                    tokio::select! {
                        () = self.stop.cancelled() => {}
                        () = sleep(pause) => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// Follows until the stream ends or `stop` is cancelled; keeps in the request where to resume.
    async fn follow(&mut self, server: &ServerAddress) -> Result<(), CliError> {
        let mut client = Client::connect(server).await?;
        if self.delivery.is_some() {
            self.settle(&mut client).await?;
        }
        if let Some(id) = &self.cursor
            && self.request.log_id.is_empty()
        {
            let cursor = cursor::get(&mut client, id.clone()).await?;
            self.lacks_filter = cursor.filter.is_none();
            (self.request.filter, self.request.log_id) = (cursor.filter, cursor.log_id);
            self.request.start = Some(Start::CursorId(id.clone()));
        }
        let mut request = self.request.clone();
        if self.lacks_filter {
            self.advance(&mut client).await?;
            request.start = self.cursor.clone().map(Start::CursorId);
        }
        let mut stream = client.ledger.subscribe(request).await?.into_inner();
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
                Some(Payload::Withheld(withheld)) => self.pass(&withheld)?,
                None => {}
            }
            self.advance(&mut client).await?;
        }
    }

    /// Moves the cursor past everything that was printed or delivered.
    async fn advance(&self, client: &mut Client) -> Result<(), CliError> {
        if let (Some(cursor_id), Some(Start::FromPosition(next_position))) =
            (self.cursor.clone(), self.request.start.clone())
        {
            let log_id = self.request.log_id.clone();
            let request =
                pb::AdvanceCursorRequest { cursor_id, next_position, log_id, force: false };
            client.cursors.advance_cursor(request).await?;
        }
        Ok(())
    }

    /// Finds the log and the position from which delivery resumes.
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

    /// Prints a withheld event. A receiver gets nothing for it, and its place moves on.
    fn pass(&mut self, withheld: &pb::Withheld) -> Result<(), CliError> {
        let next = withheld.position.unwrap_or_default() + 1;
        self.request.start = Some(Start::FromPosition(next));
        match (&mut self.delivery, self.output) {
            (Some(delivery), _) => Ok(delivery.pass(next)?),
            (None, Output::Json) => print_json(&self.json.line("Withheld", withheld)?),
            (None, Output::Human) => print_line(&withheld_line(withheld)),
        }
    }

    fn print(&mut self, batch: &LeafBatch) -> Result<(), CliError> {
        for leaf in &batch.leaves {
            match self.output {
                Output::Json => print_json(&self.json.line_of("RecordedEvent", leaf)?)?,
                Output::Human => {
                    let recorded = pb::RecordedEvent::decode(leaf.clone())
                        .map_err(|e| CliError::Message(format!("an event cannot be read: {e}")))?;
                    print_line(&event_line(&recorded))?;
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
            Output::Json => print_json(&self.json.line("Progress", progress)?),
            Output::Human => {
                let state = if progress.caught_up { "caught up" } else { "catching up" };
                let (next, size) = (progress.next_position, progress.log_size);
                print_line(&format!("{next:>7}  {state} of {size} events"))
            }
        }
    }
}
