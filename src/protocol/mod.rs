//! The protocol: generated messages, stored leaves, and the one place where a message becomes an
//! event.
//!
//! ```text
//! pb.rs     generated code              codec.rs   how tonic encodes and decodes messages
//! leaf.rs   the envelope of an event    batch.rs   stored leaves on the wire, never decoded
//! append.rs an Append, events encoded   event/     messages ⇄ `domain::event`
//! time.rs   dates and instants          json.rs    canonical protobuf JSON
//! withheld.rs    places whose content is erased
//! methods.rs     the methods of the API, one name each
//! zeros.rs  the JSON of an answer with its zeros   json/  reads JSON without a tree
//! wire/     what an encoded message would become, counted before it is decoded
//! ```
//!
//! No other room below `service/` uses a generated message. This room makes no decision and does no
//! I/O.

pub mod append;
pub mod batch;
pub(crate) mod codec;
pub mod event;
pub mod json;
pub mod leaf;
pub mod methods;
pub mod pb;
pub(crate) mod plain_json;
pub mod proposal;
pub mod time;
pub mod wire;
pub mod withheld;
mod zeros;
