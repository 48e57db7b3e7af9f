//! A command as receiver: it runs once for each event.

use std::{process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{io::AsyncWriteExt as _, process, time::timeout};

use super::{Outcome, event::CloudEvent, signature};
use crate::lang::say;

/// Runs once for each event.
pub(super) struct Command {
    pub(super) line: String,
    /// Longest run time.
    pub(super) duration_max: Duration,
}

impl Command {
    /// Runs the command with an event. Exit status 0 means taken.
    pub(super) async fn offer(&self, event: &CloudEvent) -> Outcome {
        let started = process::Command::new("sh")
            .args(["-c", &self.line])
            .env("TIDU_POSITION", event.position.to_string())
            .env("TIDU_LOG_ID", &event.log_id)
            .env("TIDU_KIND", &event.kind)
            // The secret of webhooks is not for commands, nor for whoever lists their environment.
            .env_remove(signature::VARIABLE)
            .stdin(Stdio::piped())
            // A process group of its own can be killed as a whole, and Ctrl-C does not reach it.
            .process_group(0)
            .spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(error) => {
                return Outcome::not_taken(say!(
                    en: "sh cannot be started: {error}", zh: "无法启动 sh：{error}"
                ));
            }
        };
        let mut group = Group(child.id());
        let mut input = child.stdin.take();
        let write = async {
            if let Some(input) = &mut input {
                // A command need not read its input; only its exit status counts.
                let _ = input.write_all(event.body.as_bytes()).await;
                let _ = input.write_all(b"\n").await;
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
