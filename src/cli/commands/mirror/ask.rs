//! Questions of a mirror. The server lets few of one address run or wait, so one that finds no room
//! is asked again: other callers of the machine do not end a copy.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tonic::{Response, Status};
use tonic_types::StatusExt as _;

use super::super::read_ahead::heard;
use crate::{
    cli::CliError,
    limits::{MIRROR_QUEUE_WAIT_MAX, QUEUE_RETRY_DELAY},
};

/// The answer to a question.
pub(super) async fn answered<T, F>(mut question: impl FnMut() -> F) -> Result<T, CliError>
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    let began = Instant::now();
    loop {
        match heard(question()).await {
            Err(CliError::Status(status)) if began.elapsed() < MIRROR_QUEUE_WAIT_MAX => {
                let Some(delay) = finds_no_room(&status) else {
                    return Err(CliError::Status(status));
                };
                sleep(delay).await;
            }
            answer => return Ok(answer?.into_inner()),
        }
    }
}

/// When to ask again, if too many questions run or wait.
fn finds_no_room(status: &Status) -> Option<Duration> {
    let info = status.get_details_error_info().filter(|info| info.reason == "QUEUE_FULL");
    let delay = status.get_details_retry_info().and_then(|retry| retry.retry_delay);
    info.map(|_| delay.unwrap_or(QUEUE_RETRY_DELAY).min(MIRROR_QUEUE_WAIT_MAX))
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, collections::HashMap};

    use tonic::Code;
    use tonic_types::ErrorDetails;

    use super::*;

    fn refused(reason: &str) -> Status {
        let mut details = ErrorDetails::with_error_info(reason, "tidu", HashMap::new());
        details.set_retry_info(Some(Duration::from_millis(200)));
        Status::with_error_details(Code::ResourceExhausted, "refused", details)
    }

    /// Asks a question that is refused so many times: the number of tries, and true if the last one
    /// was answered.
    async fn asked(reason: &str, refusals: u32) -> (u32, bool) {
        let asked = Cell::new(0);
        let answer = answered(|| {
            asked.set(asked.get() + 1);
            let is_refused = asked.get() <= refusals;
            async move { if is_refused { Err(refused(reason)) } else { Ok(Response::new(())) } }
        });
        let is_answered = answer.await.is_ok();
        (asked.get(), is_answered)
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_without_room_is_asked_again_for_a_while() {
        assert_eq!(asked("QUEUE_FULL", 3).await, (4, true));
        assert_eq!(asked("RATE_EXCEEDED", 3).await, (1, false), "another reason");
        let began = Instant::now();
        let (times, is_answered) = asked("QUEUE_FULL", u32::MAX).await;
        assert!(times > 3 && !is_answered);
        assert_eq!(began.elapsed().as_secs(), MIRROR_QUEUE_WAIT_MAX.as_secs());
    }
}
