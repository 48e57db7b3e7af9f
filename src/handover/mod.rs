//! Which node records: hand-over, promotion, and the files of a data directory that keep two nodes
//! from recording in one history.
//!
//! An *epoch* is a stretch of a history in which one node records. Its number is in `DATA/MARK`:
//! 0 at first, raised by a promotion. Two files close epochs, and nothing ever removes them:
//!
//! ```text
//! DATA/RETIRED   the receipt of a hand-over: the directory never records in its epoch again
//! DATA/FOLLOWS   the directory follows another node, which was in this epoch when last heard
//! ```
//!
//! A directory records only in an epoch above those of both files. So the one step that lets a
//! follower record is the mark with the next epoch, and a power loss leaves it taken or not taken.
//! A file of another log closes nothing; one that cannot be read closes everything: nobody starts.
//!
//! A receipt names its successor, and each follower has a name of its own, so one hand-over has at
//! most one promotion.

mod heard;
mod lines;
mod node_name;
mod pledge;
mod receipt;
mod standing;
mod verdict;

pub use self::{
    heard::{HeardEpoch, Superseded},
    node_name::{NodeName, NotANodeName},
    pledge::Pledge,
    receipt::{Receipt, Unreadable},
    standing::{FOLLOWS_FILE, Follows, Part, RETIRED_FILE, Standing, StandingError, retire},
    verdict::{Reached, Unfit, Verdict, judge},
};
