//! Rules that several faults rest on.

pub(super) const USCC: &str = "GB 32100-2015";
pub(super) const LIFELONG: &str = "GB 32100-2015: a code is unique, lifelong and never reused";
pub(super) const AUTHORITIES: &str = concat!(
    "the 38 authorities: the ministry, 31 regions, 5 cities with independent planning status, ",
    "the XPCC"
);
pub(super) const REGION: &str = "GB/T 2260";
pub(super) const DATE: &str = "a day of the Gregorian calendar (GB/T 7408)";
pub(super) const CATALOGUE: &str = "the programme catalogue";
pub(super) const DOCUMENT: &str = "the programme catalogue[, after {document}]";
pub(super) const SERVICE: &str =
    "only the server states facts of the service, and it states nothing else";
pub(super) const RULES: &str = "a log adopts known rules that are later than those in force";
pub(super) const SEAL: &str = "a seal states what the publication holds";
pub(super) const OBJECTION: &str = "an objection is raised during a notice";
pub(super) const TITLE: &str = "a fact about a title needs the title";
pub(super) const ENDS: &str = "a title ends with its subject";
pub(super) const REINSTATED: &str = "a reinstatement undoes a revocation";
pub(super) const VOID: &str =
    "a fact that cannot apply changes nothing, and is listed as superseded";
pub(super) const LIST: &str =
    "a list names a designee once, and so do the sub-lists of a batch together";
pub(super) const RENAME: &str = "工企业函〔2021〕171号";
pub(super) const MOVE: &str = "a move leads to another authority or another region";
pub(super) const JSON: &str = "JSON is that of the protocol buffers";
pub(super) const VISIBLE: &str =
    "a text has no controls, line breaks, marks of direction or invisible characters";
pub(super) const PERSONAL: &str = "the log cannot forget, so it takes no data about persons";
pub(super) const POOL: &str = "a designee is in a pool or it is not";
pub(super) const RECORD: &str = concat!(
    "the facts about one subject are bounded; those that end, revoke, review or repair something ",
    "have room of their own"
);
pub(super) const TITLES: &str =
    "the titles of one subject are bounded, also those that were annulled";
pub(super) const REPAIR: &str = "an event is repaired by its issuer or by the ministry";
