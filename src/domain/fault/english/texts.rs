//! The templates of the rules for values, requests, repairs, batches and notices.

use super::sources::{
    AUTHORITIES, CATALOGUE, DATE, JSON, LIST, OBJECTION, PERSONAL, REGION, RULES, SEAL, SERVICE,
    USCC, VISIBLE,
};
use crate::domain::fault::RuleId as Id;

/// The rules in the order of their ids: the text of a fault, and that of the rule. Those of
/// [`super::facts::TEXTS`] follow.
pub(super) const TEXTS: &[(Id, &str, &str)] = &[
    (Id::UsccLength, "has {count} characters; a code has 18", USCC),
    (
        Id::UsccDepartment,
        "character {position} is '{found}' and should be the department of registration, one of \
         1-9, A, N, Y",
        USCC,
    ),
    (
        Id::UsccDivision,
        "character {position} is '{found}' and should be a digit of the division",
        USCC,
    ),
    (
        Id::UsccCharacter,
        "character {position} is '{found}' and should be one of the 31 characters in use (no I, \
         O, S, V, Z)",
        USCC,
    ),
    (
        Id::UsccCheckCharacter,
        "the check character is {found}, {expected} is expected; a code that was issued so is \
         recorded as local:<authority>/<code> (record --odd-codes local)",
        USCC,
    ),
    (
        Id::OrganisationCodeCheck,
        "the check digit of the organisation code inside (positions 9 to 17) is wrong",
        "GB 11714-1997",
    ),
    (
        Id::UsccKnownException,
        "the check character is wrong, as in early codes of Xiamen",
        "GB 32100-2015; codes 3502xx with M000 were issued before it was in force",
    ),
    (Id::UsccCategory, "the department in position 1 has no such category in position 2", USCC),
    (Id::UsccDivisionUnknown, "positions 3 to 8 are not a division that registers subjects", USCC),
    (Id::UsccSubjectZero, "the organisation code inside is zero", "GB 11714-1997"),
    (
        Id::DesigneeForm,
        "is neither a code of 18 characters nor provisional:<authority>/<name> nor \
         local:<authority>/<code>",
        USCC,
    ),
    (Id::LocalCodeForm, "a local code has 1 to {limit} letters, digits, - . _", ""),
    (Id::ProvisionalNameForm, "a provisional name has 1 to {limit} characters", ""),
    (Id::NameEmpty, "is empty", ""),
    (Id::NameLength, "has {count} characters; {limit} are allowed", ""),
    (
        Id::NameFoldedLength,
        "has {count} characters in its compatibility form (NFKC); {limit} are allowed",
        "",
    ),
    (
        Id::NamePartShort,
        "has {count} characters without spaces, brackets and quotation marks; a search needs \
         {least}",
        "",
    ),
    (Id::NamePartWithoutLetter, "has no letter or digit to search for", ""),
    (Id::NameControlCharacter, "holds the control character {character}", VISIBLE),
    (Id::CharacterNotAllowed, "holds the character {character}", VISIBLE),
    (Id::MobileNumber, "holds a mobile number", PERSONAL),
    (Id::IdentityNumber, "holds a resident identity number", PERSONAL),
    (Id::MailAddress, "holds an e-mail address", PERSONAL),
    (Id::TelephoneNumber, "holds a telephone number of a person", PERSONAL),
    (Id::UrlForm, "is not a web address that begins with http:// or https://", ""),
    (Id::RegionWithoutAuthority, "is a region without an authority", AUTHORITIES),
    (
        Id::AuthorityUnknown,
        "is not one of the 38 authorities; ListAuthorities gives them",
        AUTHORITIES,
    ),
    (Id::RegionForm, "must be six digits", REGION),
    (
        Id::RegionOfTheCorps,
        "is an authority (the XPCC), not a place; its cities are 6590xx",
        REGION,
    ),
    (Id::RegionUnknown, "lies in no province", REGION),
    (Id::RegionNotListed, "is in no edition since 1980", REGION),
    (
        Id::IndustryUnknown,
        "is neither a section (A to T) nor a division (01 to 97)",
        "GB/T 4754-2017",
    ),
    (
        Id::DocumentNumberForm,
        "does not read like 工信部企业函〔2019〕153号 or, for an order, 国务院令第728号",
        "GB/T 9704-2012: issuer, year in 〔〕, number and 号",
    ),
    (Id::DateYear, "the year is {least} to {limit}", DATE),
    (Id::DateUnknown, "there is no such day", DATE),
    (Id::DateForm, "is not a date like 2019-06-05, 2019-06 or 2019", DATE),
    (
        Id::ProgrammeUnknown,
        "is not a programme of the catalogue; ListProgrammes gives them",
        CATALOGUE,
    ),
    (
        Id::RuleVersionUnknown,
        "is not a rule version of {programme}, which has {versions}",
        CATALOGUE,
    ),
    (Id::EnumUnknown, "is not a value of this version's protocol", ""),
    (Id::FieldRequired, "is required", ""),
    (
        Id::FactUnknown,
        "has the number {found}, which this version of the server does not know",
        "an event has one of the facts of tidu.v1.Event",
    ),
    (Id::DesigneeNotAllowed, "must be empty for a fact that is not about a designee", ""),
    (Id::ListLength, "has {count} entries; {limit} are allowed", ""),
    (Id::ListedTwice, "is listed twice", ""),
    (
        Id::BodyUnknown,
        "is not the code of a body that issues instruments; ListBodies gives them",
        "the State Council's departments and the other bodies that Tidu knows",
    ),
    (Id::YearUnknown, "is not a year that a date can have", ""),
    (Id::DecimalForm, "is not a decimal number like 87.04", ""),
    (Id::IdForm, "must be 1 to {limit} letters, digits, hyphens, dots and underscores", ""),
    (Id::ItemForm, "must be at most {limit} characters", ""),
    (Id::TextLength, "has {count} bytes; {limit} are allowed", ""),
    (Id::DigestLength, "has {count} bytes; a digest has 32", ""),
    (Id::DateOrder, "lies before {from}, the beginning", "an end is not before its beginning"),
    (Id::NameUnchanged, "is the old name", ""),
    (Id::ReplacementIsRepair, "is itself a repair; repair the repair instead", ""),
    (
        Id::EventTooLarge,
        "the event has {count} bytes when encoded; {limit} are allowed",
        "an event has at most {limit} bytes when encoded",
    ),
    (Id::CommitEmpty, "a commit has at least one event", ""),
    (Id::RequestIdForm, "must be 1 to {limit} bytes of printable ASCII without spaces", ""),
    (
        Id::CursorIdForm,
        "must be 1 to {limit} of a-z, 0-9, '.', '-' and '_', a letter or digit first",
        "",
    ),
    (Id::CursorFilterDiffers, "differs from the cursor's filter; leave it out", ""),
    (Id::PageSizeNegative, "must not be negative", ""),
    (Id::PositionOrder, "must not be less than from_position {from}", ""),
    (
        Id::StatusOutsideStage,
        "no title at the stage {stage} has this status; the stage any has all",
        "a question asks for values that one title can have together",
    ),
    (
        Id::CauseOutsideStatuses,
        "no title of the statuses and the stage asked for ended for this cause",
        "a question asks for values that one title can have together",
    ),
    (
        Id::GroundOutsideStatuses,
        "no title of the statuses, causes and stage asked for was revoked",
        "a question asks for values that one title can have together",
    ),
    (
        Id::LastDayPast,
        "lies before {day}, and the titles asked for are in force on that day or later",
        "a question asks for values that one title can have together",
    ),
    (Id::NowIsFalse, "can only be true", ""),
    (Id::HeartbeatRange, "must be {least} s to {limit} s", ""),
    (Id::VerifyRateLeast, "must be at least {least} bytes a second, or 0 for the default", ""),
    (Id::JsonFieldUnknown, "is not a field of {message}[, which has {fields}]", JSON),
    (Id::JsonFieldTwice, "is there twice", JSON),
    (Id::JsonOneOf, "is there beside {found}; state one of the two", JSON),
    (Id::JsonValueForm, "is not {expected}", JSON),
    (
        Id::IssuerNotEntitled,
        "may not state {kind}[ for {programme}]; that is for {entitled}",
        "the programme catalogue, issuers",
    ),
    (
        Id::IssuerOfOtherRegion,
        "does not answer for region {region}",
        "each of the 37 authorities decides for its own region; a city with independent planning \
         status and the XPCC for themselves",
    ),
    (Id::FactOfService, "may not state {kind}; the server records it by itself", SERVICE),
    (Id::FactOfAuthority, "may not state {kind}; that is for an authority", SERVICE),
    (
        Id::CatalogueNotInUse,
        "the catalogue in use, version {version}, has another digest",
        "a catalogue is adopted while it is in use",
    ),
    (Id::RulesUnknown, "is not known; the newest version is {limit}", RULES),
    (Id::RulesInForce, "version {version} of the rules is in force", RULES),
    (Id::WithheldAlready, "is withheld already, by event {position}", "an event is withheld once"),
    (
        Id::WithholdingOfService,
        "is a fact of the service",
        "readers need the facts of the service to read later events",
    ),
    (
        Id::InstrumentNotThere,
        "no instrument was recorded there",
        "a repeal names an instrument that was issued",
    ),
    (
        Id::InstrumentUnknown,
        "no instrument with this number is on record",
        "a repeal names an instrument that was issued",
    ),
    (
        Id::AmendsItself,
        "is the number of the instrument itself",
        "an amendment names an earlier instrument",
    ),
    (
        Id::AmendedUnknown,
        "no instrument with this number is on record",
        "an amendment names an instrument that was issued",
    ),
    (
        Id::AssessedTwice,
        "{assessor} assessed {region} for {year} already",
        "a region is assessed once a year by one assessor",
    ),
    (Id::SealedAlready, "is sealed already; annul the seal to reopen it", SEAL),
    (
        Id::NothingToSeal,
        "nothing was recorded of it; an empty one is sealed with designated = 0",
        SEAL,
    ),
    (Id::DesignatedCount, "{expected} designations are recorded", SEAL),
    (Id::ReviewedCount, "{expected} passed reviews are recorded", SEAL),
    (Id::BatchDigest, "the recorded content has the digest {expected}", SEAL),
    (
        Id::NothingToSupplement,
        "there is no such batch to supplement",
        "a supplement keeps the number of its batch",
    ),
    (
        Id::BatchSealed,
        "the batch is sealed; a later publication sets supplement",
        "a sealed batch is complete",
    ),
    (
        Id::TakenOutOfSealed,
        "takes an entry out of the sealed batch {batch}, which then holds {count}[; its seal \
         declares {expected}]",
        SEAL,
    ),
    (
        Id::NoticedTwice,
        "is in the notice of batch {batch} already[, at position {position}][, by {earlier_event} \
         of this request][ (rows {earlier_row} and {row})]",
        LIST,
    ),
    (
        Id::NoticeShort,
        "the notice is open on {count} working days[; the public holidays of {year} are not \
         known]",
        "the programme catalogue, notice_days",
    ),
    (
        Id::NoticeMissing,
        "no notice of this batch is on record for the designee",
        "a designation follows a public notice",
    ),
    (
        Id::ObjectionLate,
        "the notice closed on {day}; a later objection is filed as a report",
        OBJECTION,
    ),
    (Id::ObjectionMissing, "no objection to this entry is on record", OBJECTION),
    (
        Id::NoticeNotOpen,
        "no open notice of this batch is on record",
        "an entry is contested or withdrawn while its notice is open",
    ),
    (
        Id::ObjectionAfterNotice,
        "the objection [at position {position}][{earlier_event} of this request] was raised on \
         {day}, after this last day",
        OBJECTION,
    ),
    (
        Id::OtherObjection,
        "no objection to this entry, raised by that day, is at this position",
        "an objection is decided after it was raised, in its own batch and scope",
    ),
];
