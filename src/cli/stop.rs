//! The end of a server by signal. A thread of its own waits for signals and ends the process in
//! time, even if every thread of the runtime is stuck.

use std::{io, process, sync::mpsc, thread};

use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
    time::sleep,
};

use super::print::eprint_line;
use crate::{
    lang::{say, word},
    limits::{DRAIN_DURATION_MAX, EXIT_GRACE},
    server::telemetry,
};

/// The exit code of a drain that was not finished in time: accepted commits may have got no answer.
pub(super) const EXIT_UNFINISHED: u8 = 75; // EX_TEMPFAIL of sysexits.h
/// A process that a signal ends has this exit code, and the number of the signal besides.
const EXIT_SIGNAL: i32 = 128;

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self { terminate: signal(terminate)?, interrupt: signal(interrupt)? })
    }

    /// The next signal.
    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
        }
    }
}

/// The failure of [`stop_signal`] and of [`drain_signal`].
pub(super) fn no_signals() -> &'static str {
    word!(en: "cannot listen for signals", zh: "无法接收信号")
}

/// Completes at SIGTERM or SIGINT.
///
/// # Errors
/// If the runtime cannot listen for signals.
pub(super) fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut signals = Signals::new()?;
    Ok(async move {
        signals.next().await;
    })
}

/// Completes at the first SIGTERM or SIGINT. From then on the process has [`DRAIN_DURATION_MAX`] to
/// end by itself; a second signal ends it at once. Neither exits with 0.
///
/// # Errors
/// If the thread cannot be started, or cannot listen for signals.
pub(super) fn drain_signal() -> io::Result<impl Future<Output = ()>> {
    let (tell, asked) = oneshot::channel();
    let (begun, begins) = mpsc::channel();
    thread::Builder::new().name("tidu-signals".into()).spawn(move || {
        let listening = runtime::Builder::new_current_thread().enable_all().build();
        let listening = listening.and_then(|runtime| {
            let signals = {
                let _entered = runtime.enter();
                Signals::new()?
            };
            Ok((runtime, signals))
        });
        match listening {
            Ok((runtime, signals)) => {
                let _ = begun.send(Ok(()));
                runtime.block_on(end_in_time(signals, tell));
            }
            Err(error) => drop(begun.send(Err(error))),
        }
    })?;
    begins.recv().unwrap_or_else(|_| Err(io::Error::other("the thread ended")))?;
    Ok(async move {
        // The thread ends only with the process.
        let _ = asked.await;
    })
}

async fn end_in_time(mut signals: Signals, tell: oneshot::Sender<()>) {
    signals.next().await;
    let _ = tell.send(());
    tokio::select! {
        second = signals.next() => {
            let code = EXIT_SIGNAL + second.as_raw_value();
            end(
                code,
                word!(
                    en: "a second signal ends the process before its drain is finished",
                    zh: "收到第二个信号，未等处理完毕即结束进程"
                ),
            );
        }
        () = sleep(DRAIN_DURATION_MAX.saturating_sub(EXIT_GRACE)) => {
            end(
                EXIT_UNFINISHED.into(),
                word!(
                    en: "the process ends; its drain did not finish in time",
                    zh: "未能在限时内处理完毕，进程结束"
                ),
            );
        }
    }
}

/// Says why the process ends, and ends it even if nobody reads what it says.
fn end(code: i32, why: &'static str) {
    let (said, says) = mpsc::channel();
    let say = move || {
        eprint_line(&say!(en: "tidu: {why}", zh: "tidu：{why}"));
        telemetry::finish();
        let _ = said.send(());
    };
    if thread::Builder::new().spawn(say).is_ok() {
        let _ = says.recv_timeout(EXIT_GRACE);
    }
    process::exit(code)
}
