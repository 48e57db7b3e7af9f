//! Servers in processes of their own, on loopback and a throw-away directory; each is ended by its
//! id.

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use tempfile::TempDir;

const START_DURATION_MAX: Duration = Duration::from_secs(30);

/// A running server, ended when it is dropped, whatever became of the run.
pub struct Server {
    child: Child,
    dir: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts what `arrange` makes of an empty directory; what it says goes to a file there.
    pub fn start(arrange: impl FnOnce(&Path) -> Command) -> Self {
        // Below the build directory, because a directory in memory would make syncs free.
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/data");
        fs::create_dir_all(&home).expect("the build directory can be written");
        let dir = tempfile::tempdir_in(home).expect("the build directory can be written");
        let mut command = arrange(dir.path());
        let log = fs::File::create(dir.path().join("log")).expect("the directory can be written");
        command.stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a second handle")).stderr(log);
        let child = command.spawn().unwrap_or_else(|e| panic!("cannot start {command:?}: {e}"));
        Self { child, dir }
    }

    /// Waits until `attempt` gives something.
    pub async fn ready<T>(&mut self, attempt: impl AsyncFn() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(ready) = attempt().await {
                return ready;
            }
            let ended = self.child.try_wait().expect("a child can be waited for");
            if ended.is_some() || began.elapsed() > START_DURATION_MAX {
                let log = fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
                panic!("the server does not answer ({ended:?}); it said:\n{log}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Processor seconds so far.
    pub fn cpu_seconds(&self) -> f64 {
        cpu_seconds(&self.child.id().to_string())
    }

    /// Resident memory, in MiB: now, and the most it has been.
    pub fn mebibytes(&self) -> (f64, f64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let of = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            let kibibytes = line.split_whitespace().nth(1).and_then(|text| text.parse().ok());
            kibibytes.unwrap_or(f64::NAN) / 1024.0
        };
        (of("VmRSS:"), of("VmHWM:"))
    }
}

/// Processor seconds of a process; `self` is this one.
pub fn cpu_seconds(process: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    listener.local_addr().expect("a bound listener has an address").port()
}

/// The program that an environment variable names, or else the one in `tools/` or on the PATH.
pub fn program(variable: &str, name: &str) -> Option<PathBuf> {
    if let Some(named) = env::var_os(variable) {
        return Some(named.into());
    }
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools");
    let paths = env::var_os("PATH").unwrap_or_default();
    let mut places = [tools].into_iter().chain(env::split_paths(&paths));
    places.find_map(|place| Some(place.join(name)).filter(|path| path.is_file()))
}

/// Path of `tidu`: what TIDU_BENCH_TIDU names, or else the binary built as it is shipped.
pub fn tidu() -> &'static Path {
    static TIDU: OnceLock<PathBuf> = OnceLock::new();
    TIDU.get_or_init(build_tidu)
}

fn build_tidu() -> PathBuf {
    if let Some(named) = env::var_os("TIDU_BENCH_TIDU") {
        return named.into();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--profile", "dist", "--locked", "--bin", "tidu", "--manifest-path"])
        .arg(root.join("Cargo.toml"))
        .status();
    assert!(built.is_ok_and(|status| status.success()), "tidu cannot be built");
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("dist/tidu")
}
