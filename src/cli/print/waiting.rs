//! A sign of life while a server has not answered yet.

use std::{
    io::{self, IsTerminal as _},
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::timeout;

use super::{eprint_line, progress::TICK};
use crate::{
    lang::word,
    limits::{WAITING_LINE_INTERVAL, WAITING_SHOWN_AFTER},
};

/// Other signs of life of this process: bars, and screens of their own. Beside one there is no
/// other.
static OTHERS: AtomicUsize = AtomicUsize::new(0);

/// Another sign of life, until it is dropped.
#[derive(Debug)]
pub(crate) struct OtherSign(());

impl OtherSign {
    pub(crate) fn begin() -> Self {
        OTHERS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }

    fn is_there() -> bool {
        OTHERS.load(Ordering::Relaxed) > 0
    }
}

impl Drop for OtherSign {
    fn drop(&mut self) {
        OTHERS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Awaits an answer. Once that takes a second, a terminal shows that the command waits, and since
/// when; elsewhere a line comes now and then. Both go to standard error.
pub(crate) async fn awaited<F: Future>(answer: F) -> F::Output {
    let mut answer = pin!(answer);
    if let Ok(answer) = timeout(WAITING_SHOWN_AFTER, answer.as_mut()).await {
        return answer;
    }
    let _spinner = Spinner::begin();
    loop {
        match timeout(WAITING_LINE_INTERVAL, answer.as_mut()).await {
            Ok(answer) => return answer,
            Err(_) if io::stderr().is_terminal() || OtherSign::is_there() => {}
            Err(_) => eprint_line(word!(
                en: "tidu: still waiting for the server", zh: "tidu：仍在等待服务器应答"
            )),
        }
    }
}

/// A line on a terminal that moves, until it is dropped.
struct Spinner(Option<ProgressBar>);

impl Spinner {
    fn begin() -> Self {
        if !io::stderr().is_terminal() || OtherSign::is_there() {
            return Self(None);
        }
        let bar = ProgressBar::new_spinner();
        // A bar without a template still moves.
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(word!(en: "waiting for the server", zh: "正在等待服务器应答"));
        bar.enable_steady_tick(TICK);
        Self(Some(bar))
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_comes_through_soon_and_late() {
        assert_eq!(awaited(async { 7 }).await, 7);
        let late = async {
            sleep(WAITING_SHOWN_AFTER + 2 * WAITING_LINE_INTERVAL).await;
            8
        };
        assert_eq!(awaited(late).await, 8);
    }
}
