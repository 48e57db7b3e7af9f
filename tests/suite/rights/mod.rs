//! Who may do what: callers that prove who they are, over a service without sockets.

pub mod approval;
mod callers;
mod conflicts;
mod events;
mod oracle;
mod recording;
mod request_ids;
mod withholding;
