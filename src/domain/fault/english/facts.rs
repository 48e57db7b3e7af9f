//! The templates of the rules for designations, titles, subjects, and the growth of records.

use super::sources::{
    DOCUMENT, ENDS, LIFELONG, LIST, MOVE, POOL, RECORD, REINSTATED, RENAME, REPAIR, TITLE, TITLES,
    VOID,
};
use crate::domain::fault::RuleId as Id;

/// The rules in the order of their ids: the text of a fault, and that of the rule. They follow
/// those of [`super::texts::TEXTS`].
pub(super) const TEXTS: &[(Id, &str, &str)] = &[
    (Id::HolderNotEligible, "may not hold it; {holders} may", DOCUMENT),
    (
        Id::TitleAlreadyHeld,
        "the title is held in that time already[, since position {position}][, by {earlier_event} \
         of this request][ (rows {earlier_row} and {row})][, sub-list {sublist}]",
        "one designee holds a title once at a time; a list, and the sub-lists of a batch \
         together, name it once",
    ),
    (
        Id::DesignatedTwice,
        "is designated in batch {batch} already[, at position {position}][, by {earlier_event} of \
         this request][, rows {earlier_row} and {row}][, sub-list {sublist}]",
        LIST,
    ),
    (Id::Banned, "the subject may not apply again before the end of {day}", DOCUMENT),
    (
        Id::BanCovers,
        "the ban to {day} covers the application [at position {position}][{earlier_event} of this \
         request]",
        DOCUMENT,
    ),
    (
        Id::BannedElsewhere,
        "a ban in {programme} lasts to the end of {day}, by [the event at position {position}]\
         [{earlier_event} of this request]",
        DOCUMENT,
    ),
    (
        Id::BanCoversElsewhere,
        "the ban to {day} bears on the application in {programme}[ at position {position}][, \
         {earlier_event} of this request]",
        DOCUMENT,
    ),
    (
        Id::PrerequisiteMissing,
        "no title of {programmes} is on record as in force on {day}",
        DOCUMENT,
    ),
    (Id::ExcludedByTitle, "holders of {programme} are not designated here", DOCUMENT),
    (Id::CreationFailed, "the creation task was not passed", DOCUMENT),
    (Id::CreationMissing, "no passed creation task is on record", DOCUMENT),
    (
        Id::MeasuresMissing,
        "no measures of this authority are on record as in force on {day}",
        "a provincial-level authority designates under its measures",
    ),
    (Id::TitleNotHeld, "no such title is on record", TITLE),
    (Id::TitleNotOnRecord, "no such title is on record", TITLE),
    (
        Id::TitleEnded,
        "the title was {status} before, [at position {position}][by {earlier_event} of this \
         request]",
        TITLE,
    ),
    (Id::WithoutEffect, "would change nothing: {superseded}", TITLE),
    (Id::SubjectEnded, "the subject ceased to exist on {day}", ENDS),
    (Id::CohortDiffers, "the title's cohort on record is {batch}", "a review keeps the cohort"),
    (
        Id::AlreadyRecorded,
        "the same was stated already, at position {position}[ (rows {earlier_row} and {row})]",
        "a fact is stated once; a repeated request is told by its request_id",
    ),
    (
        Id::StatedTwiceInList,
        "is in the list twice[, first in {earlier_event} of this request][ (rows {earlier_row} \
         and {row})]",
        LIST,
    ),
    (
        Id::ReviewContradicted,
        "the round has another result, [at position {position}][in {earlier_event} of this \
         request]; a pass after a failure is a supplement",
        "a review round has one result for a title, and a supplement may put it right",
    ),
    (Id::InformationUpdateMissing, "the information update of {year} is missing", DOCUMENT),
    (Id::ChangesNothing, "changes nothing: {superseded}", VOID),
    (
        Id::EffectLost,
        "[the event at position {position}][{earlier_event} of this request] changes nothing any \
         more",
        VOID,
    ),
    (Id::BanTooShort, "this ground carries a ban of {years} years, to {day} at least", DOCUMENT),
    (Id::NotRevoked, "the title is not revoked on that day", REINSTATED),
    (
        Id::OtherRevocation,
        "the revocation in force is [at position {position}][{earlier_event} of this request]",
        REINSTATED,
    ),
    (Id::NotARevocation, "no revocation of this title was recorded there", REINSTATED),
    (Id::SuccessorIsHolder, "is the holder itself", "a title passes to another subject"),
    (
        Id::SuccessorNotRecorded,
        "is not on record as a successor of the holder",
        "a title passes to a recorded successor, for no longer than it lasted",
    ),
    (
        Id::TransferBeyondEnd,
        "the title ends on {day}, and the successor's with it",
        "a title passes to a recorded successor, for no longer than it lasted",
    ),
    (
        Id::ConversionNotForeseen,
        "titles of {programme} are not converted into this programme",
        "the programme catalogue, succeeds",
    ),
    (Id::NameDiffers, "the name on record on that day is {name}", "names change by renamed"),
    (
        Id::DesigneeNameMissing,
        "has a code and no name, here or on record",
        "a list names the holder of each code",
    ),
    (
        Id::RenameNotSimple,
        "a rename with a merger, division, restructuring or change of business is recorded as \
         restructured",
        RENAME,
    ),
    (Id::DesigneeNotOnRecord, "nothing is recorded about this designee yet", RENAME),
    (Id::OldNameDiffers, "the name on record on that day is {name}", RENAME),
    (Id::MoveToItself, "neither the authority nor the region changes", MOVE),
    (Id::MoveToOtherRegion, "does not answer for region {region}", MOVE),
    (Id::SuccessorIsDesignee, "names the designee itself", "successors are other subjects"),
    (Id::LinkedAlready, "names the same subject already", LIFELONG),
    (Id::LinkOfCode, "a code is identified by no other identifier", LIFELONG),
    (Id::LinkWithoutCode, "both identifiers of a changed code are codes", LIFELONG),
    (
        Id::IdentifierReplaced,
        "was replaced by {designee} on {day}, and is never used for another subject",
        LIFELONG,
    ),
    (
        Id::IdentifierUsedLater,
        "is the new identifier of {designee} from {day} on, so nothing replaces it before that day",
        LIFELONG,
    ),
    (
        Id::TiedIdentifiers,
        "would tie {count} identifiers together; {limit} are allowed",
        "links and transfers tie identifiers together",
    ),
    (
        Id::TitlesCollide,
        "both identifiers hold the same title over the same days",
        "one designee holds a title once at a time",
    ),
    (
        Id::SubjectEndedTwice,
        "the subject ceased to exist on {day} already",
        "a subject ends once; correct the event that says so",
    ),
    (Id::ReportLate, "was due by {day}", DOCUMENT),
    (
        Id::PoolEnteredTwice,
        "is in the pool already, [since position {position}][by {earlier_event} of this request][ \
         (rows {earlier_row} and {row})]",
        POOL,
    ),
    (
        Id::PoolLeftTwice,
        "has left the pool already, [at position {position}][by {earlier_event} of this request]",
        POOL,
    ),
    (Id::PoolNotEntered, "no entry into this pool is on record", POOL),
    (
        Id::FactsOfIssuer,
        "has {limit} facts of this authority on record, and takes no more of it",
        RECORD,
    ),
    (Id::FactsOfSubject, "has {limit} facts on record, and takes no more", RECORD),
    (
        Id::TitlesOfAuthority,
        "has {limit} titles that this authority decides on, and takes no more",
        TITLES,
    ),
    (Id::TitlesOfSubject, "has {limit} titles on record, and takes no more", TITLES),
    (
        Id::RepairsOfEvent,
        "has {limit} repairs on record, and takes no more",
        "the repairs of an event are bounded; the ministry may add as many again",
    ),
    (
        Id::OpeningsOfList,
        "has {limit} openings and seals on record, and takes no more",
        "the openings and seals of a batch or sub-list are bounded",
    ),
    (
        Id::EntriesOfBatch,
        "has {limit} entries on record, and takes no more",
        "the entries of a batch are bounded; a longer list has several batches",
    ),
    (
        Id::MeasuresOfAuthority,
        "has {limit} instruments and repeals on record, and states no more",
        "the instruments and repeals of one authority are bounded",
    ),
    (
        Id::DeclarationsOfAuthority,
        "has {limit} declarations on record, and states no more",
        "the declarations of completeness of one authority are bounded",
    ),
    (
        Id::AssessmentsOfAuthority,
        "has {limit} assessments on record, and states no more",
        "the assessments of one authority are bounded",
    ),
    (
        Id::PoolsOfAuthority,
        "the authority has {limit} pools on record, and opens no more",
        "the pools of one authority are bounded",
    ),
    (
        Id::EntriesOfPool,
        "has {limit} entries and departures on record, and takes no more",
        "the entries of a pool are bounded; departures have as much room again",
    ),
    (Id::RepairOfNothing, "is not recorded; the log has {count} events", REPAIR),
    (Id::RepairByOther, "was stated by {authority}", REPAIR),
    (Id::RepairOfService, "is a fact of the service, on which later positions rest", REPAIR),
    (
        Id::RepairChainLength,
        "is at the end of {limit} repairs; repair the first event again",
        REPAIR,
    ),
    (Id::RepairOfAnnulled, "is annulled already", REPAIR),
    (Id::RepairOfRedacted, "is redacted: its content is erased for ever", REPAIR),
    (Id::RepairOfRedaction, "belongs to the repairs of a redacted event", REPAIR),
    (Id::CorrectionOfAnnulment, "is an annulment; annul it, and correct what it removed", REPAIR),
    (
        Id::CorrectionOfOtherKind,
        "{kind} does not take the place of {earlier_kind}; annul the event and state the other one",
        "an event about a designee is corrected by one about a designee, others by their kind",
    ),
];
