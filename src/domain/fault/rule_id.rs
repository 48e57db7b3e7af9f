//! The closed list of rules: one id for each statement that the server makes about a value or an
//! event.
//!
//! The line `Keys` of a rule names the values that its text repeats. A key with a question mark is
//! absent where there is no such value. Ids and keys are part of the protocol: a rule that states
//! something else gets a new id.

use std::fmt::Display;

use super::{Breach, Key, english};

/// A rule that a value or an event can break. The protocol has its name in kebab case:
/// `uscc-check-character`.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
#[repr(u8)]
pub enum RuleId {
    // Values, whatever the field.
    /// GB 32100-2015: a code has 18 characters. Keys: count.
    UsccLength,
    /// GB 32100-2015: position 1 is a department of registration. Keys: position, found.
    UsccDepartment,
    /// GB 32100-2015: positions 3 to 8 are the digits of a division. Keys: position, found.
    UsccDivision,
    /// GB 32100-2015: a code uses 31 characters. Keys: position, found.
    UsccCharacter,
    /// GB 32100-2015: the last character follows from the others. Keys: found, expected.
    UsccCheckCharacter,
    /// GB 11714-1997: the last digit of an organisation code follows from the others.
    OrganisationCodeCheck,
    /// Early codes of Xiamen have another check character.
    UsccKnownException,
    /// GB 32100-2015: each department registers some categories of subjects.
    UsccCategory,
    /// GB 32100-2015: positions 3 to 8 are a division of GB/T 2260.
    UsccDivisionUnknown,
    /// GB 11714-1997: an organisation code is not zero.
    UsccSubjectZero,
    /// An identifier of a designee has one of three forms.
    DesigneeForm,
    /// A local identifier has a short code. Keys: limit.
    LocalCodeForm,
    /// A provisional identifier has a name. Keys: limit.
    ProvisionalNameForm,
    /// A name has visible characters.
    NameEmpty,
    /// A name is bounded. Keys: count, limit.
    NameLength,
    /// A name is bounded in its folded form as well. Keys: count, limit.
    NameFoldedLength,
    /// A search by name needs some characters that matter. Keys: count, least.
    NamePartShort,
    /// A search by name needs a letter or a digit.
    NamePartWithoutLetter,
    /// A name is without control characters. Keys: character.
    NameControlCharacter,
    /// A text is without characters that nobody sees. Keys: character.
    CharacterNotAllowed,
    /// The log holds no mobile number.
    MobileNumber,
    /// The log holds no resident identity number.
    IdentityNumber,
    /// The log holds no e-mail address.
    MailAddress,
    /// The log holds no telephone number of a person.
    TelephoneNumber,
    /// A web address is one of http or https.
    UrlForm,
    /// Hong Kong, Macao and Taiwan are regions without an authority.
    RegionWithoutAuthority,
    /// There are 38 authorities.
    AuthorityUnknown,
    /// GB/T 2260: the code of a region has six digits.
    RegionForm,
    /// The XPCC is an authority and not a place.
    RegionOfTheCorps,
    /// GB/T 2260: a region lies in a province.
    RegionUnknown,
    /// GB/T 2260: a region is a division of an edition.
    RegionNotListed,
    /// GB/T 4754-2017: an industry is a section or a division.
    IndustryUnknown,
    /// GB/T 9704-2012: the form of a document number.
    DocumentNumberForm,
    /// The years of dates are bounded. Keys: least, limit.
    DateYear,
    /// GB/T 7408: the calendar has the day.
    DateUnknown,
    /// GB/T 7408: the form of a date that is written as a text.
    DateForm,
    /// The catalogue has the programme.
    ProgrammeUnknown,
    /// The programme has the rule version. Keys: programme, versions.
    RuleVersionUnknown,
    /// The protocol has the value of the enum.
    EnumUnknown,

    // The form of an event.
    /// A field is required.
    FieldRequired,
    /// This version's protocol has the fact. Keys: found.
    FactUnknown,
    /// Only a fact about a designee names one.
    DesigneeNotAllowed,
    /// A list in an event is bounded. Keys: count, limit.
    ListLength,
    /// A list names each entry once.
    ListedTwice,
    /// A body that issues an instrument is one of the table.
    BodyUnknown,
    /// The year of a fact is one that a date can have.
    YearUnknown,
    /// A decimal number has digits, and at most a sign and a point.
    DecimalForm,
    /// A batch, a round or another id is a short word. Keys: limit.
    IdForm,
    /// An item is a bounded text. Keys: limit.
    ItemForm,
    /// A free text is bounded. Keys: count, limit.
    TextLength,
    /// A digest has 32 bytes. Keys: count.
    DigestLength,
    /// An end is not before its beginning. Keys: from.
    DateOrder,
    /// A rename gives a new name.
    NameUnchanged,
    /// The replacement of an event is not itself a repair.
    ReplacementIsRepair,
    /// A recorded event is bounded. Keys: count, limit.
    EventTooLarge,

    // The form of a request.
    /// A commit has an event.
    CommitEmpty,
    /// A request id is a short word. Keys: limit.
    RequestIdForm,
    /// The id of a cursor is a short word. Keys: limit.
    CursorIdForm,
    /// A stream of a cursor has the cursor's filter.
    CursorFilterDiffers,
    /// A page has a size.
    PageSizeNegative,
    /// A range does not end before its beginning. Keys: from.
    PositionOrder,
    /// A stage has the statuses that a count asks for. Keys: stage.
    StatusOutsideStage,
    /// A title has one of the statuses asked for and ended for the cause.
    CauseOutsideStatuses,
    /// A title that was revoked is among those asked for.
    GroundOutsideStatuses,
    /// The last day of a title in force is not past. Keys: day.
    LastDayPast,
    /// A stream that starts now says so.
    NowIsFalse,
    /// The heartbeat of a stream is bounded. Keys: least, limit.
    HeartbeatRange,
    /// A verification reads at a rate. Keys: least.
    VerifyRateLeast,
    /// A member of a JSON object is a field of its message. Keys: message, fields?.
    JsonFieldUnknown,
    /// A JSON object has a field once.
    JsonFieldTwice,
    /// Of some fields, a JSON object has one. Keys: found.
    JsonOneOf,
    /// A JSON value has the form of its field. Keys: expected.
    JsonValueForm,

    // Issuers.
    /// The catalogue says who states a fact. Keys: kind, programme?, entitled.
    IssuerNotEntitled,
    /// An authority decides for its own region. Keys: region.
    IssuerOfOtherRegion,
    /// The server alone states facts of the service. Keys: kind.
    FactOfService,
    /// The service states no fact of an authority. Keys: kind.
    FactOfAuthority,

    // The legal framework, and assessments.
    /// A catalogue is adopted while it is in use. Keys: version.
    CatalogueNotInUse,
    /// A log adopts rules that the server knows. Keys: limit.
    RulesUnknown,
    /// A log adopts rules that are later than those in force. Keys: version.
    RulesInForce,
    /// An event is withheld once. Keys: position.
    WithheldAlready,
    /// Clients read later events by the facts of the service, so none is withheld.
    WithholdingOfService,
    /// A repeal names the event of an instrument.
    InstrumentNotThere,
    /// A repeal names the number of an instrument.
    InstrumentUnknown,
    /// An instrument amends another one.
    AmendsItself,
    /// An amendment names the number of an instrument.
    AmendedUnknown,
    /// A region is assessed once a year by one assessor. Keys: assessor, region, year.
    AssessedTwice,

    // Batches.
    /// A batch is sealed once, and opened before that.
    SealedAlready,
    /// A batch without an entry is sealed as empty.
    NothingToSeal,
    /// A seal states the number of designations. Keys: expected.
    DesignatedCount,
    /// A seal states the number of passed reviews. Keys: expected.
    ReviewedCount,
    /// A seal states the digest of the content. Keys: expected.
    BatchDigest,
    /// A supplement keeps the number of its batch.
    NothingToSupplement,
    /// A sealed batch is complete.
    BatchSealed,
    /// A repair leaves a sealed batch as its document declares it. Keys: batch, count, expected?.
    TakenOutOfSealed,

    // Notices.
    /// A list of a notice names a designee once. Keys: batch, position?, earlier_event?,
    /// row?, earlier_row?.
    NoticedTwice,
    /// A notice is open for a number of working days. Keys: count, year?.
    NoticeShort,
    /// A designation follows a public notice.
    NoticeMissing,
    /// An objection is raised during a notice. Keys: day.
    ObjectionLate,
    /// An objection that is resolved was raised.
    ObjectionMissing,
    /// An entry is contested or withdrawn while its notice is open.
    NoticeNotOpen,
    /// A notice ends before no objection to it. Keys: position?, earlier_event?, day.
    ObjectionAfterNotice,
    /// A resolution names an objection that it can decide.
    OtherObjection,

    // Designations.
    /// A programme is for some kinds of holders. Keys: holders, document?.
    HolderNotEligible,
    /// A designee holds a title once at a time. Keys: position?, earlier_event?, row?,
    /// earlier_row?, sublist?.
    TitleAlreadyHeld,
    /// A list names a designee once. Keys: batch, position?, earlier_event?, row?,
    /// earlier_row?, sublist?.
    DesignatedTwice,
    /// A subject whose title was revoked waits until its ban ends. Keys: day, document?.
    Banned,
    /// A ban covers no application on record. Keys: day, position?, earlier_event?,
    /// document?.
    BanCovers,
    /// A ban may bear on other programmes. Keys: programme, day, position?, earlier_event?,
    /// document?.
    BannedElsewhere,
    /// A ban may bear on applications in other programmes. Keys: programme, day, position?,
    /// earlier_event?, document?.
    BanCoversElsewhere,
    /// A programme needs a title of another one. Keys: programmes, day, document?.
    PrerequisiteMissing,
    /// A programme excludes holders of another title. Keys: programme, document?.
    ExcludedByTitle,
    /// A programme needs a passed creation task. Keys: document?.
    CreationFailed,
    /// A programme needs a creation task on record. Keys: document?.
    CreationMissing,
    /// A provincial-level authority designates under its measures. Keys: day.
    MeasuresMissing,

    // Titles.
    /// A fact about a title needs the title.
    TitleNotHeld,
    /// A fact about a title needs the title, which may not be loaded yet.
    TitleNotOnRecord,
    /// A fact about a title needs a title that has not ended. Keys: status, position?,
    /// earlier_event?.
    TitleEnded,
    /// A fact about a title has an effect. Keys: superseded.
    WithoutEffect,
    /// A title ends with its subject. Keys: day.
    SubjectEnded,
    /// A review keeps the cohort. Keys: batch.
    CohortDiffers,
    /// A fact is stated once. Keys: position, row?, earlier_row?.
    AlreadyRecorded,
    /// A list states a fact once. Keys: earlier_event?, row?, earlier_row?.
    StatedTwiceInList,
    /// A round has one result. Keys: position?, earlier_event?.
    ReviewContradicted,
    /// A holder updates its information every year. Keys: year, document?.
    InformationUpdateMissing,
    /// A fact that cannot apply changes nothing. Keys: superseded.
    ChangesNothing,
    /// A fact can take the effect of others. Keys: position?, earlier_event?.
    EffectLost,
    /// A serious ground carries a ban. Keys: years, day, document?.
    BanTooShort,
    /// A reinstatement undoes a revocation.
    NotRevoked,
    /// A reinstatement names the revocation in force. Keys: position?, earlier_event?.
    OtherRevocation,
    /// A reinstatement names a revocation.
    NotARevocation,
    /// A title passes to another subject.
    SuccessorIsHolder,
    /// A title passes to a successor.
    SuccessorNotRecorded,
    /// A title passes on as long as it lasted. Keys: day.
    TransferBeyondEnd,
    /// The catalogue foresees a conversion. Keys: programme.
    ConversionNotForeseen,

    // Designees.
    /// Names change by a rename. Keys: name.
    NameDiffers,
    /// A designee with a code has a name.
    DesigneeNameMissing,
    /// 工企业函〔2021〕171号: a simple rename changes the name alone.
    RenameNotSimple,
    /// 工企业函〔2021〕171号: a rename is about a designee on record.
    DesigneeNotOnRecord,
    /// 工企业函〔2021〕171号: a rename begins with the name on record. Keys: name.
    OldNameDiffers,
    /// A move leads to another authority or another region.
    MoveToItself,
    /// The receiving authority of a move answers for the region. Keys: region.
    MoveToOtherRegion,
    /// Successors are other subjects.
    SuccessorIsDesignee,
    /// Two identifiers are linked once.
    LinkedAlready,
    /// GB 32100-2015: a code is not identified by another identifier.
    LinkOfCode,
    /// GB 32100-2015: a code is replaced by a code.
    LinkWithoutCode,
    /// GB 32100-2015: a code is never used for another subject. Keys: designee, day.
    IdentifierReplaced,
    /// The same, where the later use is on record first. Keys: designee, day.
    IdentifierUsedLater,
    /// Identifiers that are tied together are bounded. Keys: count, limit.
    TiedIdentifiers,
    /// One designee holds a title once at a time, under all its identifiers.
    TitlesCollide,
    /// A subject ends once. Keys: day.
    SubjectEndedTwice,
    /// A major change is reported in time. Keys: day, document?.
    ReportLate,
    /// A designee enters a pool that it is not in. Keys: position?, earlier_event?, row?,
    /// earlier_row?.
    PoolEnteredTwice,
    /// A designee leaves a pool once. Keys: position?, earlier_event?.
    PoolLeftTwice,
    /// A designee leaves a pool that it entered.
    PoolNotEntered,

    // The growth of records.
    /// The facts of one authority about one subject are bounded. Keys: limit.
    FactsOfIssuer,
    /// The facts about one subject are bounded. Keys: limit.
    FactsOfSubject,
    /// The titles of a subject that one authority decides on are bounded. Keys: limit.
    TitlesOfAuthority,
    /// The titles of a subject are bounded. Keys: limit.
    TitlesOfSubject,
    /// The repairs of an event are bounded. Keys: limit.
    RepairsOfEvent,
    /// The openings and seals of a batch or sub-list are bounded. Keys: limit.
    OpeningsOfList,
    /// The entries of a batch are bounded. Keys: limit.
    EntriesOfBatch,
    /// The instruments and repeals of one authority are bounded. Keys: limit.
    MeasuresOfAuthority,
    /// The declarations of one authority are bounded. Keys: limit.
    DeclarationsOfAuthority,
    /// The assessments of one authority are bounded. Keys: limit.
    AssessmentsOfAuthority,
    /// The pools of one authority are bounded. Keys: limit.
    PoolsOfAuthority,
    /// The entries into a pool are bounded, and the departures. Keys: limit.
    EntriesOfPool,

    // Repairs.
    /// A repair names a recorded event. Keys: count.
    RepairOfNothing,
    /// An event is repaired by its issuer or by the ministry. Keys: authority.
    RepairByOther,
    /// A fact of the service is not repaired, because later positions rest on it.
    RepairOfService,
    /// Repairs of repairs are bounded. Keys: limit.
    RepairChainLength,
    /// An annulled event is not repaired.
    RepairOfAnnulled,
    /// A redacted event is not repaired, because its content is erased.
    RepairOfRedacted,
    /// The repairs of a redacted event are not repaired, because that event cannot come back.
    RepairOfRedaction,
    /// An annulment is annulled and not corrected.
    CorrectionOfAnnulment,
    /// An event is corrected by one that can take its place. Keys: kind, earlier_kind.
    CorrectionOfOtherKind,
}

impl RuleId {
    /// The name in the protocol.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The templates of the rule in English: of a fault, and of the rule.
    #[must_use]
    pub fn english(self) -> (&'static str, &'static str) {
        let english::Texts { message, rule } = english::of(self);
        (message, rule)
    }

    /// A breach of the rule, with one of the values in its text.
    #[must_use]
    pub fn with(self, key: Key, value: impl Display) -> Breach {
        Breach::from(self).with(key, value)
    }
}
