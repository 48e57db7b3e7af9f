//! Who may do what: callers that prove who they are, over a service without sockets.

pub mod approval;

mod callers;
mod conflicts;
mod events;
mod known_register;
mod oracle;
mod recording;
mod register;
mod request_ids;
mod withholding;
