//! The messages of the API, and their way to events.

#[path = "../../src/protocol/event/mod.rs"]
pub mod event;
#[path = "pb.rs"]
pub mod pb;
#[path = "../../src/protocol/time.rs"]
pub mod time;
