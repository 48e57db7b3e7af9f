//! Who may do what: callers that prove who they are, over a service without sockets.

mod advisories;
pub mod approval;
mod callers;
mod conflicts;
mod cursors;
mod events;
mod known_register;
mod matrix;
mod oracle;
mod recording;
mod register;
mod request_ids;
mod routes;
mod story;
mod streams;
mod timelines;
mod tokens;
mod withholding;
