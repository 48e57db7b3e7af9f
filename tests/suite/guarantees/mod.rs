//! The promises of the README, each with a test named after it: over the real server, and over the
//! ledger alone.

mod applier;
mod catalogue_files;
mod catalogues;
mod doubt;
mod formats;
mod ledger;
mod old_archives;
mod old_formats;
mod publication;
mod read_for_ever;
mod server;
mod state;
mod trials;
mod wake_ups;
mod withholding;
