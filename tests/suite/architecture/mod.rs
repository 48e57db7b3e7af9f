//! What the house says of itself, checked on the syntax trees of its sources. Each check has a test
//! that shows a wrong sample to it.

mod homes;
mod names;
mod opened;
mod paths;
mod purity;
mod sizes;
mod sources;
mod words;
