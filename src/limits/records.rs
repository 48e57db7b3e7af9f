//! How long a record may grow, and so the work of whoever reads it. Judged when an event is
//! recorded: a log that holds more is read all the same.

use super::{COMMIT_EVENTS_MAX, GROUPS_MAX};

/// Most ordinary events of one authority about a subject. Events that end or repair something have
/// as much room again, and so they have in each bound on the facts of a subject.
pub const FACTS_OF_ISSUER_MAX: usize = 256;
/// As [`FACTS_OF_ISSUER_MAX`], of the ministry.
pub const FACTS_OF_MINISTRY_MAX: usize = 1_024;
/// Most ordinary events about a subject and all that is tied to it: each answer about it, and each
/// further fact, reads all of them.
pub const FACTS_OF_SUBJECT_MAX: usize = 4_096;
/// Most titles of a subject that one authority decides on.
pub const TITLES_OF_AUTHORITY_MAX: usize = 64;
/// As [`TITLES_OF_AUTHORITY_MAX`], of the ministry.
pub const TITLES_OF_MINISTRY_MAX: usize = 128;
/// Most titles of a subject.
pub const TITLES_OF_SUBJECT_MAX: usize = 256;
/// Most identifiers that links and transfers tie together.
pub const CIRCLE_DESIGNEES_MAX: usize = 64;
/// Most repairs of one event, and of its repairs, by its issuer. The ministry may add as many.
pub const REPAIRS_OF_EVENT_MAX: usize = 128;
/// Most openings and seals of a batch or sub-list: each entry of the batch reads all of them.
pub const OPENINGS_OF_LIST_MAX: usize = 16;
/// Most entries of a batch: its seal reads them all, in about as long as a large commit takes.
pub const ENTRIES_OF_BATCH_MAX: usize = 131_072;
/// Most instruments and repeals of one authority.
pub const MEASURES_OF_AUTHORITY_MAX: usize = 256;
/// Most declarations of one authority that a part of its register is complete.
pub const DECLARATIONS_OF_AUTHORITY_MAX: usize = 256;
/// Most assessments that one authority records: 25 years of 160 counties.
pub const ASSESSMENTS_OF_AUTHORITY_MAX: usize = 4_096;
/// Most cultivation pools of one authority.
pub const POOLS_OF_AUTHORITY_MAX: usize = 256;
/// Most entries of a pool, its departures included: an answer about pools reads them all.
/// Departures have as much room again.
pub const ENTRIES_OF_POOL_MAX: usize = 131_072;
/// Most records beyond a bound that a start warns about.
pub const WARNED_RECORDS_MAX: usize = 5;
/// Records of fewer events than this keep to every bound on them, and are not counted.
pub const RECORD_EVENTS_UNCOUNTED: usize = 32;
/// Most facts that are read to judge one commit, before its last event: 12 ms of work if they lie
/// together in memory, and 25 ms if they lie apart. A precondition may read as many again, which
/// takes twice as long. Ten thousand events may meet 52 earlier facts each; published lists meet
/// fewer than ten.
pub const JUDGED_FACTS_MAX: usize = 524_288;
/// Bytes of events that take the writer as long as a fact that it reads to judge. A caller is
/// served in turn by the larger of the two.
pub const JUDGED_FACT_BYTES: usize = 4;
/// Facts that the writer reads to judge before readers of the register have their turn.
pub const WRITE_SLICE_FACTS: usize = 32_768;
/// Most events that a search by name reads: those of two subjects with the longest records.
pub const NAMESAKE_EVENTS_MAX: usize = 4 * FACTS_OF_SUBJECT_MAX;

const _: () = {
    // A record that is not counted exceeds nothing: an event names two titles at most.
    assert!(RECORD_EVENTS_UNCOUNTED * 2 <= TITLES_OF_AUTHORITY_MAX);
    assert!(TITLES_OF_AUTHORITY_MAX <= TITLES_OF_MINISTRY_MAX);
    assert!(TITLES_OF_MINISTRY_MAX < TITLES_OF_SUBJECT_MAX);
    assert!(RECORD_EVENTS_UNCOUNTED <= FACTS_OF_ISSUER_MAX);
    assert!(FACTS_OF_ISSUER_MAX <= FACTS_OF_MINISTRY_MAX);
    // The ministry and eleven other authorities together do not fill a record.
    assert!(FACTS_OF_MINISTRY_MAX + 11 * FACTS_OF_ISSUER_MAX < FACTS_OF_SUBJECT_MAX);
    // Several events about the longest record fit into a commit, and a list of ordinary ones.
    assert!(FACTS_OF_SUBJECT_MAX * 2 * 16 <= JUDGED_FACTS_MAX);
    assert!(COMMIT_EVENTS_MAX * 50 <= JUDGED_FACTS_MAX);
    assert!(ENTRIES_OF_BATCH_MAX < JUDGED_FACTS_MAX);
    assert!(COMMIT_EVENTS_MAX * 10 < ENTRIES_OF_BATCH_MAX);
    // All pools of the 38 authorities fit an answer about them.
    assert!(POOLS_OF_AUTHORITY_MAX * 38 <= GROUPS_MAX);
};
