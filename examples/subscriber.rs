//! Keeps a copy of the log, or of a part of it, in SQLite. It may be killed at any moment: each
//! event is stored exactly once.
//!
//! ```sh
//! cargo run --example subscriber -- --server 127.0.0.1:50051 --db copy.db --programme little-giant
//! ```

use std::{
    convert::Infallible, error::Error, path::PathBuf, process::ExitCode, sync::Arc, time::Duration,
};

use clap::Parser;
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use prost::Message as _;
use rusqlite::{Connection, OptionalExtension as _, params};
use rustls::pki_types::ServerName;
use tidu::{
    files,
    limits::TOKEN_FILE_BYTES_MAX,
    protocol::pb::{
        self, admin_service_client::AdminServiceClient, ledger_service_client::LedgerServiceClient,
        subscribe_request::Start, subscribe_response::Payload,
    },
    tls::{ClientFiles, Flags},
};
use tokio::time::{error::Elapsed, sleep, timeout};
use tokio_rustls::TlsConnector;
use tonic::{
    Code, Request, Status,
    metadata::AsciiMetadataValue,
    transport::{self, Channel, Endpoint, Uri},
};
use tower::{ServiceExt as _, service_fn};

/// The server sends a message at least every 10 s. After twice as long the program reconnects.
const SILENCE_MAX: Duration = Duration::from_secs(20);
/// First and longest pause before a reconnection. The pause doubles each time.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Without `OR IGNORE`, an event that comes twice is an error and is not dropped silently.
const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS events (
        position INTEGER PRIMARY KEY, designee TEXT NOT NULL, leaf BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS place (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        log_id TEXT NOT NULL, filter TEXT NOT NULL, next_position INTEGER NOT NULL);";

/// Follow a Tidu log into an SQLite database.
#[derive(Parser)]
struct Args {
    /// Server to follow: https://HOST:PORT, or HOST:PORT in plaintext
    #[arg(long, value_name = "[https://]HOST:PORT", default_value = "127.0.0.1:50051",
        value_parser = address)]
    server: String,
    /// CAs that may have signed the server's certificate, in PEM [default: the system's]
    #[arg(long, env = "TIDU_TLS_CA", value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Client certificate, in PEM
    #[arg(long, env = "TIDU_CLIENT_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Its key, in PEM
    #[arg(long, env = "TIDU_CLIENT_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// File with a token; it is sent over TLS or within this machine only
    #[arg(long, env = "TIDU_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Database to keep the events in
    #[arg(long, value_name = "FILE", default_value = "copy.db")]
    db: PathBuf,
    /// Only events that concern this programme (may be repeated)
    #[arg(long = "programme", value_name = "ID")]
    programmes: Vec<String>,
    /// Only events of this region and the regions under it
    #[arg(long, value_name = "CODE", default_value = "")]
    region: String,
}

const FLAGS: Flags = Flags { ca: "--tls-ca", certificate: "--tls-cert", key: "--tls-key" };
/// Hosts within this machine.
const LOCAL: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Refuses a scheme that the program does not speak; without one the connection is in plaintext.
fn address(text: &str) -> Result<String, String> {
    if text.strip_prefix("https://").unwrap_or(text).contains("://") {
        return Err("must be https://HOST:PORT, or HOST:PORT for plaintext".to_owned());
    }
    Ok(text.to_owned())
}

impl Args {
    fn files(&self) -> ClientFiles {
        let (ca, certificate) = (self.tls_ca.clone(), self.tls_cert.clone());
        ClientFiles { ca, certificate, key: self.tls_key.clone(), flags: &FLAGS }
    }

    /// Connects. The files are read for each connection, so that a renewed one counts at once.
    async fn connect(&self) -> Result<Channel, Box<dyn Error>> {
        let is_secure = self.server.starts_with("https://");
        let url = if is_secure { self.server.clone() } else { format!("http://{}", self.server) };
        let endpoint = Endpoint::from_shared(url)?
            .connect_timeout(Duration::from_secs(5))
            .http2_keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(10));
        let host = endpoint.uri().host().unwrap_or_default().to_owned();
        if !is_secure {
            if self.files().is_any() {
                return Err("plaintext uses neither CAs nor certificates; use https://".into());
            }
            if self.token_file.is_some() && !LOCAL.contains(&host.as_str()) {
                return Err("everybody on the way could read the token; use https://".into());
            }
            return Ok(endpoint.connect().await?);
        }
        let mut config = self.files().read()?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        let connector = TlsConnector::from(Arc::new(config));
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())?;
        let connect = service_fn(move |uri: Uri| {
            let (connector, name) = (connector.clone(), name.clone());
            async move {
                let mut tcp = HttpConnector::new();
                tcp.enforce_http(false);
                tcp.set_nodelay(true);
                let tcp = tcp.oneshot(uri).await?.into_inner();
                let stream = connector.connect(name, tcp).await?;
                Ok::<_, Box<dyn Error + Send + Sync>>(TokioIo::new(stream))
            }
        });
        Ok(endpoint.connect_with_connector(connect).await?)
    }

    /// A request with the token, if there is one. It comes from a file: everybody sees arguments.
    fn request<T>(&self, message: T) -> Result<Request<T>, Box<dyn Error>> {
        let mut request = Request::new(message);
        if let Some(path) = &self.token_file {
            let token = String::from_utf8(files::read_secret(path, TOKEN_FILE_BYTES_MAX)?)?;
            let value: AsciiMetadataValue = format!("Bearer {}", token.trim()).parse()?;
            request.metadata_mut().insert("authorization", value);
        }
        Ok(request)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Err(error) = run(&Args::parse()).await;
    eprintln!("subscriber: {}", describe_error(error.as_ref()));
    ExitCode::FAILURE
}

async fn run(args: &Args) -> Result<Infallible, Box<dyn Error>> {
    let mut copy = Copy::open(args)?;
    let mut pause = PAUSE_MIN;
    loop {
        let before = copy.next_position;
        let Err(error) = copy.follow(args).await;
        if !is_retryable(error.as_ref()) {
            return Err(error);
        }
        if copy.next_position > before {
            pause = PAUSE_MIN;
        }
        // Jitter, so that the subscribers of a server do not all come back at once.
        let pause_now = pause.mul_f64(0.5 + 0.5 * fastrand::f64());
        eprintln!("{}; connecting again in {pause_now:.1?}", describe_error(error.as_ref()));
        sleep(pause_now).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// True unless a retry cannot help: a wrong filter, another log, a position beyond the log, another
/// API, a damaged log, too few rights. All other codes are retried, because a broken connection has several.
fn is_retryable(error: &(dyn Error + 'static)) -> bool {
    use Code::{
        DataLoss, FailedPrecondition, InvalidArgument, OutOfRange, PermissionDenied, Unimplemented,
    };
    match error.downcast_ref::<Status>().map(Status::code) {
        Some(InvalidArgument | FailedPrecondition | OutOfRange) => false,
        Some(Unimplemented | DataLoss | PermissionDenied) => false,
        Some(_) => true,
        None => error.is::<transport::Error>() || error.is::<Elapsed>(),
    }
}

fn describe_error(error: &(dyn Error + 'static)) -> String {
    match error.downcast_ref::<Status>() {
        Some(status) => format!("{:?}: {}", status.code(), status.message()),
        None => error.to_string(),
    }
}

/// The database and the position that it has reached.
struct Copy {
    db: Connection,
    /// Empty until the first connection to a server.
    log_id: String,
    next_position: u64,
    filter: pb::EventFilter,
}

impl Copy {
    fn open(args: &Args) -> Result<Self, Box<dyn Error>> {
        let db = Connection::open(&args.db)?;
        db.execute_batch(SCHEMA)?;
        let filter = pb::EventFilter {
            programmes: args.programmes.clone(),
            region_under: args.region.clone(),
            ..Default::default()
        };
        let read = "SELECT log_id, next_position, filter FROM place";
        let place = db.query_row(read, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        let (log_id, next_position, stored) =
            place.optional()?.unwrap_or_else(|| (String::new(), 0, describe(&filter)));
        // next_position is valid for one filter: a wider one would miss the events passed over.
        if stored != describe(&filter) {
            return Err(format!("the database holds {stored}; take another for this filter").into());
        }
        Ok(Self { db, log_id, next_position, filter })
    }

    /// Follows until the connection breaks.
    #[allow(clippy::disallowed_methods)] // the ban is for servers; this status is never sent
    async fn follow(&mut self, args: &Args) -> Result<Infallible, Box<dyn Error>> {
        let channel = args.connect().await?;
        if self.log_id.is_empty() {
            // First, because batches do not name their log, and no position is stored without it.
            let mut admin = AdminServiceClient::new(channel.clone());
            let status = admin.get_status(args.request(pb::GetStatusRequest {})?).await?;
            self.log_id = status.into_inner().log_id;
        }
        let request = pb::SubscribeRequest {
            start: Some(Start::FromPosition(self.next_position)),
            log_id: self.log_id.clone(),
            filter: Some(self.filter.clone()),
            ..Default::default()
        };
        let mut ledger = LedgerServiceClient::new(channel);
        let mut stream =
            timeout(SILENCE_MAX, ledger.subscribe(args.request(request)?)).await??.into_inner();
        loop {
            let message = timeout(SILENCE_MAX, stream.message()).await??;
            let message = message.ok_or_else(|| Status::unavailable("the stream ended"))?;
            match message.payload {
                Some(Payload::Events(batch) | Payload::RawEvents(batch)) => {
                    self.store(&batch.leaves, batch.next_position, None)?;
                }
                Some(Payload::Progress(progress)) => {
                    self.store(&[], progress.next_position, None)?;
                }
                // The content of this event is erased: only its place is left to pass.
                Some(Payload::Withheld(place)) => {
                    self.store(&[], place.position() + 1, place.position)?;
                }
                None => {}
            }
        }
    }

    /// Stores events and position in one transaction: both or neither.
    fn store(
        &mut self,
        leaves: &[bytes::Bytes],
        next: u64,
        withheld: Option<u64>,
    ) -> Result<(), Box<dyn Error>> {
        let whole_log = self.filter == pb::EventFilter::default();
        // With a filter, positions have gaps; they never decrease.
        let check = |what: &str, found: u64, due: u64| {
            let holds = found == due || (found > due && !whole_log);
            holds.then_some(()).ok_or_else(|| format!("{what} {found} came, {due} was expected"))
        };
        let transaction = self.db.transaction()?;
        let mut due = self.next_position;
        if let Some(position) = withheld {
            check("position", position, due)?;
            due = position + 1;
        }
        for leaf in leaves {
            let recorded = pb::RecordedEvent::decode(leaf.clone())?;
            let (position, event) = (recorded.position(), recorded.event.unwrap_or_default());
            check("position", position, due)?;
            due = position + 1;
            let insert = "INSERT INTO events (position, designee, leaf) VALUES (?1, ?2, ?3)";
            transaction.prepare_cached(insert)?.execute(params![
                position,
                event.designee,
                &leaf[..]
            ])?;
        }
        check("next_position", next, due)?;
        let place = "INSERT INTO place (only, log_id, filter, next_position) VALUES (1, ?1, ?2, ?3)
             ON CONFLICT (only) DO UPDATE SET next_position = excluded.next_position";
        transaction.execute(place, params![self.log_id, describe(&self.filter), next])?;
        transaction.commit()?;
        if !leaves.is_empty() {
            println!("{} events, next position {next}", leaves.len());
        }
        self.next_position = next;
        Ok(())
    }
}

fn describe(filter: &pb::EventFilter) -> String {
    format!("programmes {:?}, region {:?}", filter.programmes, filter.region_under)
}
