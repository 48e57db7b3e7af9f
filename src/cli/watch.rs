//! `tidu watch`: follows the log and resumes by itself.

use std::time::Duration;

use clap::Args;
use prost::Message as _;
use tonic::Code;

use super::{
    CliError, Common, Output,
    client::Client,
    filter::FilterArgs,
    json::Json,
    text::{self, say},
};
use crate::{
    pb::{self, subscribe_request::Start, subscribe_response::Payload},
    wire::LeafBatch,
};

/// The longest pause between two attempts to connect again.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(5);
/// The first pause; it doubles.
const RETRY_PAUSE_MIN: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
#[command(after_help = "\
A broken connection is resumed where it ended: every event is printed once. To resume in another process, give the
next_position of the last message as --from.")]
pub(super) struct WatchArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Position to start from, or `now` [default: 0]
    #[arg(long, value_name = "POSITION", default_value = "0")]
    from: String,
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
}

pub(super) async fn run(args: WatchArgs) -> Result<(), CliError> {
    let start = match args.from.as_str() {
        "now" => Start::Now(true),
        text => Start::FromPosition(text.parse().map_err(|_| {
            CliError::Said(format!("--from takes a position or `now`, not {text:?}"))
        })?),
    };
    let mut follower = Follower {
        request: pb::SubscribeRequest {
            start: Some(start),
            filter: Some(args.filter.filter()?),
            stop_position: args.until,
            ..Default::default()
        },
        json: Json::new()?,
        output: args.common.output,
        progress: args.progress,
    };
    let mut pause = RETRY_PAUSE_MIN;
    loop {
        let before = follower.request.clone();
        match follower.follow(&args.common).await {
            Ok(()) => return Ok(()),
            Err(error) if args.no_resume || !may_pass(&error) => return Err(error),
            Err(error) => {
                if follower.request != before {
                    pause = RETRY_PAUSE_MIN;
                }
                let again = format!("trying again in {} ms", pause.as_millis());
                text::complain(&format!("tidu: {error}; {again}"));
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RETRY_PAUSE_MAX);
            }
        }
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
}

impl Follower {
    /// Follows until the stream ends; notes in the request where to resume.
    async fn follow(&mut self, common: &Common) -> Result<(), CliError> {
        let mut client = Client::connect(common).await?;
        let mut stream = client.ledger.subscribe(self.request.clone()).await?.into_inner();
        while let Some(message) = stream.message().await? {
            match message.payload {
                Some(Payload::Events(batch) | Payload::RawEvents(batch)) => self.print(&batch)?,
                Some(Payload::Progress(progress)) => self.note(&progress)?,
                Some(Payload::Withheld(_)) | None => {}
            }
        }
        // Only a stop position ends a stream without an error.
        Ok(())
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
