//! The cause for which a title ended, or for which an entry of a notice was not designated.

/// A cause of an end. The numbers are the protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum EndCause {
    /// Its last day passed, and no review renewed it.
    Lapsed = 1,
    /// Its review failed: not up to standard.
    ReviewNotUpToStandard = 2,
    /// Its review failed: nothing was submitted.
    ReviewNotSubmitted = 3,
    /// Revoked by the authority.
    Revoked = 4,
    /// Given up by the holder.
    Surrendered = 5,
    /// The subject was deregistered.
    SubjectDeregistered = 6,
    /// The subject was absorbed by another one.
    SubjectAbsorbed = 7,
    /// A restructuring ended the subject.
    SubjectRestructured = 8,
    /// Passed to a successor.
    Transferred = 9,
    /// Converted into a title of another programme.
    Converted = 10,
    /// The entry of the notice was withdrawn.
    NoticeWithdrawn = 11,
    /// An objection to the notice was upheld.
    ObjectionUpheld = 12,
    /// The list was sealed without a designation.
    NotOnFinalList = 13,
    /// The creation task failed its assessment.
    CreationFailed = 14,
    /// Its review failed, and the cause is not stated.
    ReviewFailed = 15,
}

impl EndCause {
    /// All of them, by their numbers.
    pub const ALL: [Self; 15] = [
        Self::Lapsed,
        Self::ReviewNotUpToStandard,
        Self::ReviewNotSubmitted,
        Self::Revoked,
        Self::Surrendered,
        Self::SubjectDeregistered,
        Self::SubjectAbsorbed,
        Self::SubjectRestructured,
        Self::Transferred,
        Self::Converted,
        Self::NoticeWithdrawn,
        Self::ObjectionUpheld,
        Self::NotOnFinalList,
        Self::CreationFailed,
        Self::ReviewFailed,
    ];

    /// The cause with a number of the protocol.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.number() == number)
    }

    /// Its number in the protocol.
    #[must_use]
    pub fn number(self) -> i32 {
        i32::from(self as u8)
    }

    /// The cause in lower case with hyphens, as in the protocol's groups.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lapsed => "lapsed",
            Self::ReviewNotUpToStandard => "review-not-up-to-standard",
            Self::ReviewNotSubmitted => "review-not-submitted",
            Self::Revoked => "revoked",
            Self::Surrendered => "surrendered",
            Self::SubjectDeregistered => "subject-deregistered",
            Self::SubjectAbsorbed => "subject-absorbed",
            Self::SubjectRestructured => "subject-restructured",
            Self::Transferred => "transferred",
            Self::Converted => "converted",
            Self::NoticeWithdrawn => "notice-withdrawn",
            Self::ObjectionUpheld => "objection-upheld",
            Self::NotOnFinalList => "not-on-final-list",
            Self::CreationFailed => "creation-failed",
            Self::ReviewFailed => "review-failed",
        }
    }
}
