//! The audit trail: who was refused, and who administered the server, as a chain of lines.
//!
//! ```text
//! line.rs      a line: its fields, its hash, its bounds
//! denials.rs   a few denials get lines, the others are counted. Pure
//! sink.rs      where lines go; a test has its own
//! file.rs      a file that is set aside when it is long
//! keeper.rs    the trail of a server: the chain, and a thread for each sink
//! waiting.rs   the lines that wait for one sink
//! examine.rs   a file as a start finds it
//! chain.rs     verifies files, and compares them with the anchors on the log
//! ```
//!
//! Accepted appends are not in it: they are on the log. No secret ever is. A line holds the hash of
//! the one before it, and the service records the hash of the last one on the log from time to
//! time. So nobody changes, leaves out or exchanges a line that an anchor covers without being
//! found out.
//!
//! One sink that takes the lines is enough. While none does, nothing is recorded and nothing is
//! administered: see [`Trail::refusal`].

mod chain;
mod denials;
mod examine;
mod file;
mod keeper;
mod line;
mod lines;
mod sink;
mod waiting;

pub use self::{
    chain::{Anchor, Break, TrailError, Verified, rotated_beside, verify},
    file::FileSink,
    keeper::{Trail, TrailOptions, TrailState},
    line::{Entry, Line, Outcome},
    lines::TrailLines,
    sink::{Batch, Found, Sink},
};
