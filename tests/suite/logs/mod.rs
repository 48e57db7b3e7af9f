//! What a server says of itself: its log lines, and what they must not say.

mod lines;
mod otlp;
mod secrets;

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Client, PATIENCE, Server, TIDU, directory};

/// A server whose log lines are kept.
struct Logged {
    server: Server,
    dir: TempDir,
}

impl Logged {
    /// Starts with more arguments and variables.
    fn start(args: &[&str], variables: &[(&str, &str)]) -> Self {
        let dir = directory();
        let log = File::create(dir.path().join("log")).unwrap();
        let mut command = Command::new(TIDU);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--operations-listen", "off"])
            .args(args)
            .arg("--data-dir")
            .arg(dir.path().join("data"))
            .current_dir(dir.path())
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(log);
        let server = Server::of(command.spawn().unwrap());
        let server = server.unwrap_or_else(|_| panic!("the server did not start"));
        Self { server, dir }
    }

    async fn client(&self) -> Client {
        self.server.client().await
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// Waits until a line has this message, and gives the first one.
    async fn line(&self, message: &str) -> Value {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let text = fs::read_to_string(self.log()).unwrap();
            if let Some(line) = with_message(&text, message).into_iter().next() {
                return line;
            }
            assert!(tokio::time::Instant::now() < until, "{message:?} is not in {text}");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// Ends the server and gives all its lines.
    fn end(self) -> String {
        self.server.ask_to_end();
        self.ended()
    }

    /// Waits for the end of a server that was asked to end, and gives all its lines.
    fn ended(mut self) -> String {
        assert_eq!(self.server.child.wait().unwrap().code(), Some(0));
        fs::read_to_string(self.log()).unwrap()
    }
}

/// The lines with a message. Every line must be one object of JSON.
fn with_message(log: &str, message: &str) -> Vec<Value> {
    // The last line may still be on its way.
    let whole = log.rfind('\n').map_or("", |end| &log[..end]);
    let line =
        |line: &str| serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    whole.lines().map(line).filter(|line| line["message"] == message).collect()
}
