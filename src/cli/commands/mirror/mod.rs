//! `tidu mirror`: keeps a copy of the log and of the register in a database. It resumes by itself.

mod apply;
mod ask;
mod feed;
mod settle;

use std::{path::PathBuf, pin::pin, sync::Arc};

use clap::Args;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tonic::Code;

use self::{apply::Applier, feed::Feed, settle::settle};
use super::{
    follow::{before_again, is_temporary, leave_for, scope_of, tell},
    read_ahead::heard,
};
use crate::{
    cli::{
        CliError,
        args::ServerArgs,
        client::Client,
        stop::{no_signals, stop_signal},
        target::Target,
    },
    delivery::pause::Pause,
    lang::say,
    limits::{DRAIN_DURATION_MAX, MIRROR_STEPS_MAX, WATCH_RETRY_PAUSE_MAX, WATCH_RETRY_PAUSE_MIN},
    mirror::{Address, Database, DatabaseFiles, FLAGS, MirrorError, Postgres, Sqlite},
    protocol::pb,
    tls::ClientFiles,
};

#[derive(Debug, Args)]
#[command(after_help = "\
The tables are events, identifiers, designees, titles and batches; the views designees_today and
titles_today show the day in Shanghai, so they change at midnight without a write. mirror_state
holds the log id and next_position, which change in the same transaction as the rows. Every row of
titles is an answer of the server for a stretch of days; the copy computes nothing by itself. It
holds what the caller may read: other rows are absent.

After a lost server or database, mirror connects again and goes on; nothing is written twice and
nothing left out. It makes its tables in an empty database, and refuses one of another log, of a
newer version or with tables of the same names (exit code 5). When rules are adopted it asks for
all titles again; until that is done, loading_at in mirror_state is set.

Passwords are taken from PGPASSWORD or --password-file, never from the address. Elsewhere than on
this machine the connection to PostgreSQL is TLS with a verified certificate, unless the address
says sslmode=disable. See docs/mirror.md.

For PostgreSQL, --to is postgres://USER@HOST/DATABASE or, over a Unix socket,
postgres:///DATABASE?host=/run/postgresql.

Examples:
  tidu mirror --to sqlite:copy.db --once")]
pub(crate) struct MirrorArgs {
    /// Database to keep: sqlite:FILE or postgres://USER@HOST:PORT/DATABASE
    #[arg(long, value_name = "DATABASE")]
    to: String,
    /// Schema of the tables in PostgreSQL, created if missing [default: tidu]
    #[arg(long, value_name = "NAME")]
    schema: Option<String>,
    /// File with the password of the database; nobody else may be able to read it (chmod 600)
    /// [default: PGPASSWORD in the environment]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// CAs that may have signed the certificate of the database, in PEM [default: the system's]
    #[arg(long, value_name = "FILE")]
    database_ca: Option<PathBuf>,
    /// Client certificate for a database that asks for one, in PEM; may hold its key as well
    #[arg(long, value_name = "FILE")]
    database_cert: Option<PathBuf>,
    /// Key of that certificate, in PEM; nobody else may be able to read it (chmod 600)
    #[arg(long, value_name = "FILE", requires = "database_cert")]
    database_key: Option<PathBuf>,
    /// End when the copy has all events that the log has now; fail when a connection breaks
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn run(args: MirrorArgs) -> Result<(), CliError> {
    let files = DatabaseFiles {
        schema: args.schema,
        password: args.password_file,
        tls: ClientFiles {
            ca: args.database_ca,
            certificate: args.database_cert,
            key: args.database_key,
            flags: &FLAGS,
        },
    };
    let address = Address::parse(&args.to, files)?;
    let mirror = Mirror {
        server: args.server.target()?,
        once: args.once,
        stop: CancellationToken::new(),
        sessions: 0,
        address,
    };
    // A transaction that is under way may finish. An overdue one is given up; nothing of it stays.
    let (stop, stopped) = (mirror.stop.clone(), stop_signal());
    let stopped = stopped.map_err(|e| CliError::Io(no_signals().to_owned(), e))?;
    let overdue = async {
        stopped.await;
        stop.cancel();
        sleep(DRAIN_DURATION_MAX).await;
    };
    let kept = async {
        match mirror.address {
            Address::Sqlite(_) => mirror.keep::<Sqlite>().await,
            Address::Postgres(_) => mirror.keep::<Postgres>().await,
        }
    };
    tokio::select! {
        outcome = kept => outcome,
        () = overdue => Ok(()),
    }
}

/// Keeps one copy.
struct Mirror {
    server: Target,
    address: Address,
    once: bool,
    /// Cancelled to end it after a transaction.
    stop: CancellationToken,
    /// Sessions that have begun to follow the log.
    sessions: u64,
}

impl Mirror {
    /// Keeps the copy, and connects again to whatever was lost.
    async fn keep<D: Database>(mut self) -> Result<(), CliError> {
        let mut pause =
            Pause::new(WATCH_RETRY_PAUSE_MIN, WATCH_RETRY_PAUSE_MAX, fastrand::Rng::new());
        while !self.stop.is_cancelled() {
            let begun = Instant::now();
            let Err(error) = self.session::<D>().await else { return Ok(()) };
            if self.once || !may_pass(&error, self.sessions > 0) {
                return Err(error);
            }
            if begun.elapsed() > WATCH_RETRY_PAUSE_MAX {
                pause.reset();
            }
            leave_for(&self.server, &error);
            before_again(&error, pause.take(), &self.stop).await;
        }
        Ok(())
    }

    /// One connection to each side, until one of them is lost or nothing is left to do.
    async fn session<D: Database>(&mut self) -> Result<(), CliError> {
        let mut client = Client::connect(&self.server).await?;
        let status = client.admin.get_status(pb::GetStatusRequest {});
        let status = heard(status).await?.into_inner();
        let who = heard(client.access.who_am_i(pb::WhoAmIRequest {})).await?.into_inner();
        let mut database = D::open(&self.address).await?;
        let before = database.place().await?;
        let shown = self.address.shown();
        let start = settle(before.as_ref(), &status, &who, &shown)?;
        if let Some(why) = start.renewed {
            tell(&why);
        }
        let (place, size) = (start.place, status.log_size);
        let stop_position = self.once.then_some(size);
        let feed = Feed::open(client, place.clone(), stop_position, self.stop.clone()).await?;
        self.tell_start(place.next_position, &shown);
        let applier = Applier::new(before, place, start.clears, (size, Arc::clone(&feed.log_size)));
        let (steps, taken) = mpsc::channel(MIRROR_STEPS_MAX);
        let (feeding, applying) = (feed.run(steps), applier.run(&mut database, taken));
        let (mut feeding, mut applying) = (pin!(feeding), pin!(applying));
        tokio::select! {
            // Without a database there is nothing to feed; a silent log would not end it.
            applied = &mut applying => {
                applied?;
                feeding.await
            }
            fed = &mut feeding => {
                applying.await?;
                fed
            }
        }
    }

    /// Says from where the copy goes on.
    fn tell_start(&mut self, next: u64, shown: &str) {
        let server = &self.server;
        tell(&match self.sessions {
            0 => say!(
                en: "mirroring {server} to {shown} from position {next}",
                zh: "正在将 {server} 同步到 {shown}，自位置 {next} 起"
            ),
            _ => say!(
                en: "connected again; going on from position {next}",
                zh: "已重新连接，自位置 {next} 继续"
            ),
        });
        self.sessions += 1;
    }
}

/// True for an error that may pass. A change of rights ends a stream, and the next session begins
/// the copy anew.
fn may_pass(error: &CliError, has_followed: bool) -> bool {
    match error {
        CliError::Mirror(error) => matches!(error, MirrorError::Lost(_)),
        CliError::Status(status) if status.code() == Code::PermissionDenied => {
            scope_of(status).is_some()
        }
        error => is_temporary(error, has_followed),
    }
}
