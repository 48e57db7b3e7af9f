//! A command as receiver: it runs once for each event, or once for each batch.

use std::{process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{io::AsyncWriteExt as _, process, time::timeout};

use super::{Outcome, event::CloudEvent, parcel::Parcel, signature};
use crate::lang::say;

/// Runs once for each event, or for each batch.
pub(super) struct Command {
    pub(super) line: String,
    /// Longest run time.
    pub(super) duration_max: Duration,
}

impl Command {
    /// Runs the command with an event a line. Exit status 0 means taken.
    pub(super) async fn offer(&self, parcel: &Parcel<'_>) -> Outcome {
        let mut command = process::Command::new("sh");
        command.args(["-c", &self.line]).stdin(Stdio::piped());
        for (name, value) in variables(parcel) {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        // A process group of its own can be killed as a whole, and Ctrl-C does not reach it.
        let started = command.process_group(0).spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(error) => {
                return Outcome::not_taken(say!(
                    en: "sh cannot be started: {error}", zh: "无法启动 sh：{error}"
                ));
            }
        };
        let mut group = Group(child.id());
        let (mut input, lines) = (child.stdin.take(), lines(parcel));
        let write = async {
            if let Some(input) = &mut input {
                // A command need not read its input; only its exit status counts.
                let _ = input.write_all(&lines).await;
            }
            drop(input);
        };
        let ended = timeout(self.duration_max, async { tokio::join!(write, child.wait()).1 }).await;
        match ended {
            Ok(Ok(status)) => {
                group.0 = None;
                if status.success() {
                    return Outcome::Taken;
                }
                Outcome::not_taken(say!(
                    en: "the command ended with {status}", zh: "命令以 {status} 结束"
                ))
            }
            Ok(Err(error)) => Outcome::not_taken(say!(
                en: "the command is lost: {error}", zh: "无法得知命令的结果：{error}"
            )),
            Err(_) => {
                let most = self.duration_max;
                Outcome::not_taken(say!(
                    en: "the command took longer than {most:?}", zh: "命令运行超过 {most:?}"
                ))
            }
        }
    }
}

/// The environment of a command, about its input. It has no variable without a value.
fn variables(parcel: &Parcel<'_>) -> [(&'static str, Option<String>); 6] {
    let position =
        |event: &CloudEvent| event.origin.position().map(|position| position.to_string());
    let kind = Some(&parcel.first().kind).filter(|_| !parcel.is_batch());
    [
        ("TIDU_POSITION", position(parcel.first())),
        ("TIDU_LAST_POSITION", position(parcel.last())),
        ("TIDU_EVENT_COUNT", Some(parcel.len().to_string())),
        ("TIDU_LOG_ID", Some(parcel.first().log_id.clone())),
        ("TIDU_KIND", kind.cloned()),
        // The secret of webhooks is not for commands, nor for whoever lists their environment.
        (signature::VARIABLE, None),
    ]
}

/// The events, one a line.
fn lines(parcel: &Parcel<'_>) -> Vec<u8> {
    let mut lines = Vec::new();
    for event in parcel.events() {
        lines.extend_from_slice(&event.body);
        lines.push(b'\n');
    }
    lines
}

/// A process group, killed when dropped.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let pid = self.0.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // An error means that it has ended by itself.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}
