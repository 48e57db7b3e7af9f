//! The reasons of faults, for programs, and the rules behind each.

use super::RuleId as Id;

/// Machine-readable reasons: the values of `tidu.v1.ErrorReason` that concern events, one for one.
///
/// `error_reason.proto` documents each with the metadata that it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A required field is missing.
    FieldRequired,
    /// A field must be absent here.
    FieldNotAllowed,
    /// A value has the wrong form.
    FieldInvalid,
    /// An enum value is not known.
    EnumUnknown,
    /// A newer version has brought the fact.
    KindUnknown,
    /// A code does not have the form of GB 32100-2015.
    UsccForm,
    /// A code's check character is wrong.
    UsccCheckCharacter,
    /// Not one of the 38 authorities.
    AuthorityUnknown,
    /// Not a programme of the catalogue.
    ProgrammeUnknown,
    /// Not a region.
    RegionUnknown,
    /// Not an industry.
    IndustryUnknown,
    /// Not a day.
    DateInvalid,
    /// An end lies before its beginning.
    DateOrder,
    /// Not a document number.
    DocumentNumberInvalid,
    /// The programme does not have this rule version.
    RuleVersionUnknown,
    /// The event is too large to be recorded.
    EventTooLarge,
    /// A batch or id has a wrong character or length.
    IdentifierInvalid,
    /// The server does not know the version of the register's rules.
    RulesUnknown,
    /// The authority may not state this fact.
    IssuerNotEntitled,
    /// The title is already held over the validity.
    TitleAlreadyHeld,
    /// There is no such title to act on.
    TitleNotHeld,
    /// The batch is sealed.
    BatchSealed,
    /// The batch is not known.
    BatchUnknown,
    /// The subject may not apply before its ban ends.
    Banned,
    /// The event cannot be repaired so.
    RepairNotAllowed,
    /// The designee is twice in one list.
    DuplicateInList,
    /// The sealed counts differ from the content.
    CountMismatch,
    /// The rename is not simple.
    RenameNotSimple,
    /// The ban is shorter than a serious ground demands.
    BanTooShort,
    /// Warning: the check digit of the organisation code is wrong.
    OrganisationCodeCheck,
    /// Warning: the notice is too short.
    NoticeShort,
    /// Warning: the name differs from the one on record.
    NameDiffers,
    /// Warning: an earlier event conflicts, and one of the two changes nothing.
    Conflicts,
    /// Warning: no such title is recorded yet.
    TitleNotOnRecord,
    /// The programme is not for this kind of designee.
    HolderNotEligible,
    /// No prerequisite title is in force.
    PrerequisiteMissing,
    /// The holder of another title is not designated here.
    ExcludedByTitle,
    /// No measures of the authority are in force.
    MeasuresMissing,
    /// The designee is in no notice of the batch.
    NoticeMissing,
    /// A yearly information update is missing.
    InformationUpdateMissing,
    /// The subject has ceased to exist.
    SubjectEnded,
    /// The two identifiers cannot be linked.
    IdentifierLinkInvalid,
    /// The catalogue does not foresee this conversion.
    ConversionNotForeseen,
    /// The creation task was not passed.
    CreationNotPassed,
    /// The same fact is already recorded.
    AlreadyRecorded,
    /// The objection came after the notice.
    ObjectionLate,
    /// No notice or objection is open.
    NoticeNotOpen,
    /// The move does not change region or authority as stated.
    RelocationInvalid,
    /// The position named holds another kind of event.
    ReferenceInvalid,
    /// The digest differs from the content.
    DigestMismatch,
    /// The designee is in the pool already, or was not in it.
    PoolMembership,
    /// Warning: a major change was reported late.
    ReportLate,
    /// Warning: linked identifiers hold one title over the same days.
    IdentityCollision,
    /// Warning: the batch or round is not the title's.
    CohortDiffers,
    /// Warning: a ban in another programme bears on the application.
    BannedElsewhere,
    /// A record has as many facts as it may have.
    FactsExceeded,
    /// A text holds data about a person.
    PersonalData,
    /// Warning: the code is a known exception of the standard.
    UsccKnownException,
    /// Warning: a designee has a code and no name.
    DesigneeNameMissing,
    /// Warning: no edition of GB/T 2260 has the region.
    RegionNotListed,
    /// Warning: nobody can have issued the code so.
    UsccSuspect,
}

impl Reason {
    /// The reason of a rule.
    #[must_use]
    pub(super) fn of(rule: Id) -> Self {
        let found = RULES.iter().find(|(_, rules)| rules.contains(&rule));
        found.map_or(Self::FieldInvalid, |(reason, _)| *reason)
    }

    /// How many times a rule has a reason.
    #[cfg(test)]
    pub(super) fn rules(rule: Id) -> usize {
        RULES.iter().flat_map(|(_, rules)| *rules).filter(|id| **id == rule).count()
    }
}

/// The rules of each reason.
const RULES: &[(Reason, &[Id])] = &[
    (Reason::FieldRequired, &[Id::FieldRequired, Id::CommitEmpty]),
    (
        Reason::FieldNotAllowed,
        &[
            Id::DesigneeNotAllowed,
            Id::CursorFilterDiffers,
            Id::JsonFieldUnknown,
            Id::JsonFieldTwice,
            Id::JsonOneOf,
        ],
    ),
    (
        Reason::FieldInvalid,
        &[
            Id::ProvisionalNameForm,
            Id::NameEmpty,
            Id::NameLength,
            Id::NameFoldedLength,
            Id::NamePartShort,
            Id::NamePartWithoutLetter,
            Id::NameControlCharacter,
            Id::CharacterNotAllowed,
            Id::UrlForm,
            Id::ListLength,
            Id::ListedTwice,
            Id::BodyUnknown,
            Id::AmendsItself,
            Id::DecimalForm,
            Id::TextLength,
            Id::DigestLength,
            Id::NameUnchanged,
            Id::PageSizeNegative,
            Id::PositionOrder,
            Id::StatusOutsideStage,
            Id::CauseOutsideStatuses,
            Id::GroundOutsideStatuses,
            Id::LastDayPast,
            Id::NowIsFalse,
            Id::HeartbeatRange,
            Id::VerifyRateLeast,
            Id::JsonValueForm,
            Id::WithholdingOfService,
            Id::SuccessorIsHolder,
            Id::SuccessorIsDesignee,
        ],
    ),
    (Reason::EnumUnknown, &[Id::EnumUnknown]),
    (
        Reason::UsccForm,
        &[
            Id::UsccLength,
            Id::UsccDepartment,
            Id::UsccDivision,
            Id::UsccCharacter,
            Id::DesigneeForm,
        ],
    ),
    (Reason::KindUnknown, &[Id::FactUnknown]),
    (Reason::UsccCheckCharacter, &[Id::UsccCheckCharacter]),
    (Reason::AuthorityUnknown, &[Id::RegionWithoutAuthority, Id::AuthorityUnknown]),
    (Reason::ProgrammeUnknown, &[Id::ProgrammeUnknown]),
    (Reason::RegionUnknown, &[Id::RegionForm, Id::RegionOfTheCorps, Id::RegionUnknown]),
    (Reason::IndustryUnknown, &[Id::IndustryUnknown]),
    (Reason::DateInvalid, &[Id::DateYear, Id::DateUnknown, Id::DateForm, Id::YearUnknown]),
    (Reason::DateOrder, &[Id::DateOrder]),
    (Reason::DocumentNumberInvalid, &[Id::DocumentNumberForm]),
    (Reason::RuleVersionUnknown, &[Id::RuleVersionUnknown]),
    (Reason::EventTooLarge, &[Id::EventTooLarge]),
    (
        Reason::IdentifierInvalid,
        &[Id::LocalCodeForm, Id::IdForm, Id::ItemForm, Id::RequestIdForm, Id::CursorIdForm],
    ),
    (Reason::RulesUnknown, &[Id::RulesUnknown]),
    (
        Reason::IssuerNotEntitled,
        &[Id::IssuerNotEntitled, Id::IssuerOfOtherRegion, Id::FactOfService, Id::FactOfAuthority],
    ),
    (Reason::TitleAlreadyHeld, &[Id::TitleAlreadyHeld]),
    (
        Reason::TitleNotHeld,
        &[
            Id::TitleNotHeld,
            Id::TitleEnded,
            Id::NotRevoked,
            Id::WithoutEffect,
            Id::ReviewContradicted,
            Id::SuccessorNotRecorded,
            Id::TransferBeyondEnd,
        ],
    ),
    (Reason::BatchSealed, &[Id::SealedAlready, Id::BatchSealed]),
    (Reason::BatchUnknown, &[Id::NothingToSeal, Id::NothingToSupplement]),
    (Reason::Banned, &[Id::Banned, Id::BanCovers]),
    (
        Reason::RepairNotAllowed,
        &[
            Id::ReplacementIsRepair,
            Id::RepairOfNothing,
            Id::RepairByOther,
            Id::RepairOfService,
            Id::RepairChainLength,
            Id::RepairOfAnnulled,
            Id::RepairOfRedacted,
            Id::RepairOfRedaction,
            Id::CorrectionOfAnnulment,
            Id::CorrectionOfOtherKind,
        ],
    ),
    (Reason::DuplicateInList, &[Id::NoticedTwice, Id::DesignatedTwice, Id::StatedTwiceInList]),
    (Reason::CountMismatch, &[Id::DesignatedCount, Id::ReviewedCount, Id::TakenOutOfSealed]),
    (Reason::RenameNotSimple, &[Id::RenameNotSimple]),
    (Reason::BanTooShort, &[Id::BanTooShort]),
    (Reason::OrganisationCodeCheck, &[Id::OrganisationCodeCheck]),
    (Reason::NoticeShort, &[Id::NoticeShort]),
    (Reason::NameDiffers, &[Id::NameDiffers, Id::OldNameDiffers]),
    (Reason::Conflicts, &[Id::ChangesNothing, Id::EffectLost]),
    (Reason::TitleNotOnRecord, &[Id::TitleNotOnRecord, Id::DesigneeNotOnRecord]),
    (Reason::HolderNotEligible, &[Id::HolderNotEligible]),
    (Reason::PrerequisiteMissing, &[Id::PrerequisiteMissing]),
    (Reason::ExcludedByTitle, &[Id::ExcludedByTitle]),
    (Reason::MeasuresMissing, &[Id::InstrumentUnknown, Id::AmendedUnknown, Id::MeasuresMissing]),
    (Reason::NoticeMissing, &[Id::NoticeMissing]),
    (Reason::InformationUpdateMissing, &[Id::InformationUpdateMissing]),
    (Reason::SubjectEnded, &[Id::SubjectEnded, Id::SubjectEndedTwice]),
    (
        Reason::IdentifierLinkInvalid,
        &[
            Id::LinkedAlready,
            Id::LinkOfCode,
            Id::LinkWithoutCode,
            Id::IdentifierReplaced,
            Id::IdentifierUsedLater,
            Id::TiedIdentifiers,
        ],
    ),
    (Reason::ConversionNotForeseen, &[Id::ConversionNotForeseen]),
    (Reason::CreationNotPassed, &[Id::CreationFailed, Id::CreationMissing]),
    (
        Reason::AlreadyRecorded,
        &[Id::AlreadyRecorded, Id::AssessedTwice, Id::RulesInForce, Id::WithheldAlready],
    ),
    (Reason::ObjectionLate, &[Id::ObjectionLate, Id::ObjectionAfterNotice]),
    (Reason::NoticeNotOpen, &[Id::ObjectionMissing, Id::NoticeNotOpen]),
    (Reason::RelocationInvalid, &[Id::MoveToItself, Id::MoveToOtherRegion]),
    (
        Reason::ReferenceInvalid,
        &[
            Id::CatalogueNotInUse,
            Id::InstrumentNotThere,
            Id::OtherObjection,
            Id::OtherRevocation,
            Id::NotARevocation,
        ],
    ),
    (Reason::DigestMismatch, &[Id::BatchDigest]),
    (Reason::PoolMembership, &[Id::PoolEnteredTwice, Id::PoolLeftTwice, Id::PoolNotEntered]),
    (Reason::ReportLate, &[Id::ReportLate]),
    (Reason::IdentityCollision, &[Id::TitlesCollide]),
    (Reason::CohortDiffers, &[Id::CohortDiffers]),
    (Reason::BannedElsewhere, &[Id::BannedElsewhere, Id::BanCoversElsewhere]),
    (
        Reason::FactsExceeded,
        &[
            Id::FactsOfIssuer,
            Id::FactsOfSubject,
            Id::TitlesOfAuthority,
            Id::TitlesOfSubject,
            Id::RepairsOfEvent,
            Id::OpeningsOfList,
            Id::EntriesOfBatch,
            Id::MeasuresOfAuthority,
            Id::DeclarationsOfAuthority,
            Id::AssessmentsOfAuthority,
            Id::PoolsOfAuthority,
            Id::EntriesOfPool,
        ],
    ),
    (
        Reason::PersonalData,
        &[Id::MobileNumber, Id::IdentityNumber, Id::MailAddress, Id::TelephoneNumber],
    ),
    (Reason::UsccKnownException, &[Id::UsccKnownException]),
    (Reason::DesigneeNameMissing, &[Id::DesigneeNameMissing]),
    (Reason::RegionNotListed, &[Id::RegionNotListed]),
    (Reason::UsccSuspect, &[Id::UsccCategory, Id::UsccDivisionUnknown, Id::UsccSubjectZero]),
];
