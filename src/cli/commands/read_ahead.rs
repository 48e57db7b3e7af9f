//! Messages of a stream, read ahead of the one who takes them. While a receiver answers, the next
//! events come from the server and become JSON, as many as [`READ_AHEAD_MESSAGES`] has room for.

use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tokio_util::task::AbortOnDropHandle;
use tonic::Streaming;

use crate::{
    cli::CliError,
    delivery::{EventReader, Ready},
    limits::{READ_AHEAD_EVENTS, READ_AHEAD_MESSAGES, WATCH_SILENCE_MAX},
    protocol::pb::{self, subscribe_response::Payload},
};

/// A message of a stream.
pub(super) enum Ahead {
    /// A message as it came.
    Message(Box<Payload>),
    /// Events that can be delivered.
    Ready(Ready),
}

/// A stream that is being read.
pub(super) struct ReadAhead {
    messages: mpsc::Receiver<Result<Ahead, CliError>>,
    /// A message that was looked at, and comes next.
    seen: Option<Result<Ahead, CliError>>,
    _reading: AbortOnDropHandle<()>,
}

impl ReadAhead {
    /// Begins to read. With a reader, events become ready to be delivered.
    pub(super) fn start(
        stream: Streaming<pb::SubscribeResponse>,
        reader: Option<(EventReader, String)>,
    ) -> Self {
        let (sender, messages) = mpsc::channel(READ_AHEAD_MESSAGES);
        let reading: JoinHandle<()> = tokio::spawn(async move {
            // An error here means that nobody takes the messages any more.
            let _ = read(stream, reader, &sender).await;
        });
        Self { messages, seen: None, _reading: AbortOnDropHandle::new(reading) }
    }

    /// The next message, with the events of those behind it that are there already; `None` at the
    /// end of the stream. Nothing is lost if it is dropped.
    pub(super) async fn next(&mut self) -> Result<Option<Ahead>, CliError> {
        let message = match self.seen.take() {
            Some(message) => message,
            None => match self.messages.recv().await {
                Some(message) => message,
                None => return Ok(None),
            },
        };
        let mut message = message?;
        if let Ahead::Ready(ready) = &mut message {
            while ready.len() < READ_AHEAD_EVENTS
                && let Ok(next) = self.messages.try_recv()
            {
                match next {
                    Ok(Ahead::Ready(more)) => ready.append(more),
                    other => {
                        self.seen = Some(other);
                        break;
                    }
                }
            }
        }
        Ok(Some(message))
    }
}

type Sender = mpsc::Sender<Result<Ahead, CliError>>;

/// Reads a stream to its end, or to an error.
async fn read(
    mut stream: Streaming<pb::SubscribeResponse>,
    reader: Option<(EventReader, String)>,
    sender: &Sender,
) -> Result<(), mpsc::error::SendError<Result<Ahead, CliError>>> {
    loop {
        let message = match heard(stream.message()).await {
            Ok(Some(message)) => message,
            // Only a stop position ends a stream without an error.
            Ok(None) => return Ok(()),
            Err(error) => return sender.send(Err(error)).await,
        };
        match (message.payload, &reader) {
            (Some(Payload::Events(batch) | Payload::RawEvents(batch)), Some((reader, log_id))) => {
                let (ready, fault) = reader.read(log_id, &batch);
                sender.send(Ok(Ahead::Ready(ready))).await?;
                if let Some(fault) = fault {
                    return sender.send(Err(fault.into())).await;
                }
            }
            (Some(payload), _) => sender.send(Ok(Ahead::Message(Box::new(payload)))).await?,
            (None, _) => {}
        }
    }
}

/// Waits for the server. One that says nothing for two heartbeats counts as lost: a connection that
/// has fallen silent is not reported by the system for minutes.
pub(super) async fn heard<T, E>(answer: impl Future<Output = Result<T, E>>) -> Result<T, CliError>
where
    CliError: From<E>,
{
    match timeout(WATCH_SILENCE_MAX, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(CliError::Silent),
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use tokio::time::{Instant, sleep};
    use tonic::Status;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_nothing_for_two_heartbeats_is_lost() {
        let began = Instant::now();
        let silent = heard(pending::<Result<(), Status>>()).await.unwrap_err();
        assert!(matches!(silent, CliError::Silent), "{silent}");
        assert_eq!(began.elapsed().as_secs(), WATCH_SILENCE_MAX.as_secs());
        let late = async {
            sleep(WATCH_SILENCE_MAX.saturating_sub(Duration::from_millis(1))).await;
            Ok::<_, Status>(7)
        };
        assert_eq!(heard(late).await.unwrap(), 7);
    }
}
