//! Servers that are started under a fault, and what they leave to be read when they end.

use std::{
    fs,
    fs::File,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::support::{PATIENCE, Server, TIDU, in_time};

/// How a start went.
pub enum Started {
    Serving(Watched),
    Ended(Ended),
}

/// A server whose words are kept.
pub struct Watched {
    pub server: Server,
    words: PathBuf,
}

/// A process that has come to its end.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub said: String,
}

/// Runs `tidu serve` over `data` as the last arguments of a command: of strace, of a shell, of
/// nothing.
pub fn start(before: &[&str], data: &Path) -> Started {
    start_set(before, data, &[])
}

/// The same with settings of the server, by the names of their variables.
pub fn start_set(before: &[&str], data: &Path, settings: &[(&str, &str)]) -> Started {
    let line = [before, &[TIDU]].concat();
    let mut command = Command::new(line[0]);
    command.args(&line[1..]).envs(settings.iter().copied());
    start_command(command, data, File::create(words_of(data)).unwrap())
}

/// The same for a command, whose words go to `to`. Without probes, whose syncs a fault could meet
/// in place of those of the log. Without backtraces too: that of an allocation that failed
/// allocates, and may wait for itself.
pub fn start_command(mut command: Command, data: &Path, to: File) -> Started {
    let words = words_of(data);
    let child = command
        .args(["serve", "--listen", "127.0.0.1:0", "--operations-listen", "off", "--data-dir"])
        .arg(data)
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::piped())
        .stderr(to)
        .spawn()
        .unwrap();
    let pid = child.id().to_string();
    let (tell, told) = mpsc::channel();
    let waiting = thread::spawn(move || {
        let started = Server::of(child).map_err(|mut child| child.wait().unwrap());
        // Nobody listens any more after a start that hangs.
        let _ = tell.send(started);
    });
    let Ok(started) = told.recv_timeout(PATIENCE) else {
        Command::new("kill").args(["-KILL", &pid]).status().unwrap();
        waiting.join().unwrap();
        panic!("the start hangs: {}", fs::read_to_string(&words).unwrap_or_default());
    };
    waiting.join().unwrap();
    match started {
        Ok(server) => Started::Serving(Watched { server, words }),
        Err(status) => {
            Started::Ended(Ended { status, said: fs::read_to_string(&words).unwrap_or_default() })
        }
    }
}

/// The file with the words of the last server over `data`.
pub fn words_of(data: &Path) -> PathBuf {
    data.with_extension("words")
}

impl Started {
    #[track_caller]
    pub fn serving(self) -> Watched {
        match self {
            Self::Serving(watched) => watched,
            Self::Ended(ended) => panic!("it did not start: {ended:?}"),
        }
    }

    #[track_caller]
    pub fn ended(self) -> Ended {
        match self {
            Self::Serving(_) => panic!("it started"),
            Self::Ended(ended) => ended,
        }
    }
}

impl Watched {
    pub fn words(&self) -> String {
        fs::read_to_string(&self.words).unwrap_or_default()
    }

    /// Waits until the process ends by itself.
    pub async fn ended(mut self) -> Ended {
        let child = &mut self.server.child;
        let wait = async {
            loop {
                if let Some(status) = child.try_wait().unwrap() {
                    break status;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let status = in_time("the end of the process", wait).await;
        Ended { status, said: self.words() }
    }
}
