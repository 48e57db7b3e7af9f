//! What is asked of every system.

use std::pin::Pin;

use tidu::protocol::pb;
use tokio_stream::Stream;

use crate::process::Server;

/// Connections of a load generator to its server; workers and followers share them evenly.
pub const CONNECTIONS: usize = 4;

/// An event with its serial number.
pub type Numbered = (u64, pb::Event);

/// How many events came at once.
pub type Deliveries = Pin<Box<dyn Stream<Item = usize> + Send>>;

/// What a system in a process of its own can do at least. Calls panic on errors: a run with an
/// error measures nothing.
pub trait Unary: Sized + Send + Sync + 'static {
    /// As the table calls it.
    const NAME: &'static str;

    /// Starts it on an empty directory. None: the program is not there.
    fn start() -> impl Future<Output = Option<Self>>;

    fn server(&self) -> &Server;

    /// Records one event and waits until it is durable.
    fn append(&self, worker: usize, event: Numbered) -> impl Future<Output = ()> + Send;
}

/// A log under load.
pub trait Peer: Unary {
    /// Rows of the table that its bulk load belongs to.
    const BULK_ROWS: &'static [&'static str] = &["bulk"];
    /// Events of a commit in bulk. As many commits are in flight as make 4,000 events.
    const BULK: usize;
    /// One in so many of the load's events is measured in bulk; 1: the log that they fill is read,
    /// too.
    const BULK_PART: usize = 1;

    /// Starts it for what only reads: where syncs would make filling it take minutes, without them.
    fn start_for_reading() -> impl Future<Output = Option<Self>> {
        Self::start()
    }

    /// Records events together, in the way the system has for it, and waits until all are durable.
    fn commit(&self, worker: usize, events: Vec<Numbered>) -> impl Future<Output = ()> + Send;

    /// Reads the first `count` events in order over one connection; gives their size in bytes.
    fn catch_up(&self, count: usize) -> impl Future<Output = usize> + Send;

    /// Follows from now on.
    fn follow(&self, follower: usize) -> impl Future<Output = Deliveries> + Send;
}

/// The row of bulk loads in atomic commits of 1,000.
pub const BULK_ATOMIC: &str = "bulk, JetStream in atomic batches of 1,000";
