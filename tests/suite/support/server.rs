//! A server in a child process, and its clients.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;
use tidu::protocol::pb::{
    self, admin_service_client::AdminServiceClient, cursor_service_client::CursorServiceClient,
    ledger_service_client::LedgerServiceClient, proof_service_client::ProofServiceClient,
    register_service_client::RegisterServiceClient,
};
use tonic::{Status, transport::Channel};
use tonic_types::StatusExt as _;

/// The binary under test.
pub const TIDU: &str = env!("CARGO_BIN_EXE_tidu");

/// A directory on the disk of the build, where syncs are real.
pub fn directory() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A server process; killed when dropped.
pub struct Server {
    pub child: Child,
    pub address: String,
    /// The operations port, where it has one.
    pub operations: Option<String>,
}

impl Server {
    pub fn start(data: &Path) -> Self {
        Self::start_at(data, "127.0.0.1:0")
    }

    pub fn start_at(data: &Path, listen: &str) -> Self {
        Self::start_with(data, &["--listen", listen])
    }

    /// Starts with more arguments; on a free port where they name none, and without an operations
    /// port.
    pub fn start_with(data: &Path, args: &[&str]) -> Self {
        let unless_named = |setting: &'static str, value| {
            let default = (!args.contains(&setting)).then_some([setting, value]);
            default.into_iter().flatten()
        };
        let child = Command::new(TIDU)
            .arg("serve")
            .args(unless_named("--listen", "127.0.0.1:0"))
            .args(unless_named("--operations-listen", "off"))
            .args(args)
            .arg("--data-dir")
            .arg(data)
            .current_dir(data.parent().unwrap())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self::of(child).unwrap_or_else(|_| panic!("the server did not start"))
    }

    /// The server of a process that is starting, once it says where it listens. Gives back a
    /// process that never does.
    pub fn of(mut child: Child) -> Result<Self, Child> {
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        let url = |line: &str| {
            let url = line.split_whitespace().find(|word| word.starts_with("http"));
            url.map(str::to_owned)
        };
        // It says both lines at once.
        let operations = url(&String::from_utf8_lossy(said.buffer()));
        match url(&line) {
            Some(address) => Ok(Self { child, address, operations }),
            None => Err(child),
        }
    }

    pub async fn client(&self) -> Client {
        Client::connect(&self.address).await
    }

    /// Ends the process as a crash of the machine's software would. Gives its exit code if it had
    /// ended by itself.
    pub fn kill(mut self) -> Option<i32> {
        self.child.kill().unwrap();
        self.child.wait().unwrap().code()
    }

    /// Asks the process to end.
    pub fn ask_to_end(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Asks the process to end and gives its exit code.
    pub fn terminate(mut self) -> Option<i32> {
        self.ask_to_end();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, which is what some tests are about.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server with a directory of its own.
pub struct Fresh {
    pub server: Server,
    pub dir: TempDir,
}

impl Fresh {
    pub fn start() -> Self {
        let dir = directory();
        Self { server: Server::start(&dir.path().join("data")), dir }
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub async fn client(&self) -> Client {
        self.server.client().await
    }
}

/// One client of each service.
#[derive(Clone)]
pub struct Client {
    pub ledger: LedgerServiceClient<Channel>,
    pub register: RegisterServiceClient<Channel>,
    pub admin: AdminServiceClient<Channel>,
    pub cursors: CursorServiceClient<Channel>,
    pub proof: ProofServiceClient<Channel>,
}

impl Client {
    pub async fn connect(address: &str) -> Self {
        let channel = Channel::from_shared(address.to_owned()).unwrap().connect().await.unwrap();
        Self {
            ledger: LedgerServiceClient::new(channel.clone()),
            register: RegisterServiceClient::new(channel.clone()),
            admin: AdminServiceClient::new(channel.clone()),
            cursors: CursorServiceClient::new(channel.clone()),
            proof: ProofServiceClient::new(channel),
        }
    }

    pub async fn append(
        &mut self,
        request: pb::AppendRequest,
    ) -> Result<pb::AppendResponse, Status> {
        self.ledger.append(request).await.map(tonic::Response::into_inner)
    }

    pub async fn record(&mut self, events: Vec<pb::Event>) -> Result<pb::AppendResponse, Status> {
        self.append(pb::AppendRequest { events, ..Default::default() }).await
    }

    pub async fn status(&mut self) -> pb::GetStatusResponse {
        self.admin.get_status(pb::GetStatusRequest {}).await.unwrap().into_inner()
    }

    /// Everything a subscription delivers up to its stop position.
    pub async fn collect(&mut self, request: pb::SubscribeRequest) -> Vec<pb::RecordedEvent> {
        use pb::subscribe_response::Payload;
        let mut stream = self.ledger.subscribe(request).await.unwrap().into_inner();
        let mut events = Vec::new();
        while let Some(message) = stream.message().await.unwrap() {
            if let Some(Payload::Events(batch) | Payload::RawEvents(batch)) = message.payload {
                let decode = |leaf| prost::Message::decode(leaf).unwrap();
                events.extend(
                    batch.leaves.into_iter().map(decode).collect::<Vec<pb::RecordedEvent>>(),
                );
            }
        }
        events
    }
}

/// The machine-readable reason of an error.
pub fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
    assert_eq!(info.domain, "tidu");
    info.reason.clone()
}
