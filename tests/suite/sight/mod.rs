//! What the service shows of itself: metrics, and the page that describes them.

mod calls;
mod deploy;
mod instruments;
mod ledger;
mod observer;
mod page;
