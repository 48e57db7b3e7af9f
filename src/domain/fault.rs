//! Why something cannot be said, in a form that programs and people can act on.

use crate::limits::ECHO_CHARS_MAX;

/// Machine-readable reasons, one for one the values of `tidu.v1.ErrorReason` that concern events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // each is documented, with its metadata, in error_reason.proto
pub enum Reason {
    FieldRequired,
    FieldNotAllowed,
    FieldInvalid,
    EnumUnknown,
    UsccForm,
    UsccCheckCharacter,
    AuthorityUnknown,
    ProgrammeUnknown,
    RegionUnknown,
    IndustryUnknown,
    DateInvalid,
    DateOrder,
    DocumentNumberInvalid,
    RuleVersionUnknown,
    EventTooLarge,
    IdentifierInvalid,
    IssuerNotEntitled,
    TitleAlreadyHeld,
    TitleNotHeld,
    BatchSealed,
    BatchUnknown,
    Banned,
    RepairNotAllowed,
    DuplicateInList,
    CountMismatch,
    RenameNotSimple,
    BanTooShort,
    OrganisationCodeCheck,
    NoticeShort,
    NameDiffers,
    Conflicts,
    TitleNotOnRecord,
    HolderNotEligible,
    PrerequisiteMissing,
    ExcludedByTitle,
    MeasuresMissing,
    NoticeMissing,
    InformationUpdateMissing,
    SubjectEnded,
    IdentifierLinkInvalid,
    ConversionNotForeseen,
    CreationNotPassed,
    AlreadyRecorded,
    ObjectionLate,
    NoticeNotOpen,
    RelocationInvalid,
    ReferenceInvalid,
    DigestMismatch,
    PoolMembership,
    ReportLate,
    IdentityCollision,
    CohortDiffers,
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

/// A value that cannot be read, before anyone knows which field it stood in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// Why.
    pub reason: Reason,
    /// What is wrong, in English; repeats the value only where that helps.
    pub message: String,
    /// The rule behind it, with its official document where there is one.
    pub rule: &'static str,
    /// What the rule demands, where that is one value.
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

/// Why an event is rejected, or what deserves a look in one that is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Index of the event in its commit.
    pub index: usize,
    /// Path of the field inside the event: `designated.valid_to`.
    pub field: String,
    /// The offending value, shortened.
    pub value: String,
    /// Why.
    pub reason: Reason,
    /// What is wrong, in English.
    pub message: String,
    /// The rule behind it, with its official document where there is one.
    pub rule: String,
    /// Positions of recorded events concerned.
    pub conflicts: Vec<u64>,
    /// What the rule demands, where that is one value.
    pub demand: Option<Demand>,
}

/// Shortens a value so that an error can repeat it.
#[must_use]
pub fn echo(value: &str) -> String {
    let mut shortened: String = value.chars().take(ECHO_CHARS_MAX).collect();
    if shortened.len() < value.len() {
        shortened.push('…');
    }
    shortened
}
