//! Faults of values and events, in a form that programs and people can act on.

pub use super::text::echo;

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
    /// Warning: the designee has another identifier since.
    IdentifierSuperseded,
}

/// The value or the bound that a rule demands, for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// The one value that would be right.
    Expected(String),
    /// The largest value allowed.
    AtMost(u64),
}

/// A value that cannot be read, before its field is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// The reason.
    pub reason: Reason,
    /// The fault in English; repeats the value only where that helps.
    pub message: String,
    /// The rule behind it, with its official document where there is one.
    pub rule: &'static str,
    /// The value that the rule demands, if it is one value.
    pub demand: Option<Demand>,
}

impl ParseError {
    /// A parse error.
    pub fn new(reason: Reason, message: impl Into<String>, rule: &'static str) -> Self {
        Self { reason, message: message.into(), rule, demand: None }
    }

    /// The number of an enum that this version's protocol does not have.
    #[must_use]
    pub fn unknown_enum() -> Self {
        Self::new(Reason::EnumUnknown, "is not a value of this version's protocol", "")
    }

    /// The same error, with the one value that would be right.
    #[must_use]
    pub fn expecting(self, value: impl Into<String>) -> Self {
        Self { demand: Some(Demand::Expected(value.into())), ..self }
    }
}

/// A rejection of an event, or a warning about an accepted one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Index of the event in its commit.
    pub index: usize,
    /// Path of the field inside the event: `designated.valid_to`.
    pub field: String,
    /// The offending value, shortened.
    pub value: String,
    /// The reason.
    pub reason: Reason,
    /// The fault in English.
    pub message: String,
    /// The rule behind it, with its official document where there is one.
    pub rule: String,
    /// Positions of recorded events concerned.
    pub conflicts: Vec<u64>,
    /// The value that the rule demands, if it is one value.
    pub demand: Option<Demand>,
}
