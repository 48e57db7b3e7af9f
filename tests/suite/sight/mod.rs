//! What the service shows of itself: metrics, and the page that describes them.

mod calls;
mod deploy;
mod ledger;
mod page;
