//! Facts about titles.

use super::{Listed, TitleRef, Validity};
use crate::domain::{AuthorityCode, CivilDate, DesigneeId, kind::Kind};

/// A fact about a title.
#[derive(Clone, Debug, PartialEq)]
pub enum TitleFact {
    /// It is listed in a public notice.
    NoticeOpened {
        /// The batch.
        batch: String,
        /// The authority whose sub-list it is.
        sublist: Option<AuthorityCode>,
        /// True for a review, false for a new designation.
        review: bool,
        /// True for a recommending authority's step.
        recommendation: bool,
        /// True for an entry after the seal of its batch.
        supplement: bool,
        /// First day of the notice.
        from: CivilDate,
        /// Last day of the notice.
        to: Option<CivilDate>,
        /// The entry of the list.
        listed: Listed,
    },
    /// An objection to the notice was received.
    ObjectionRaised {
        /// The batch of the notice.
        batch: String,
        /// True if the notice is a recommending authority's step.
        recommendation: bool,
    },
    /// An objection was decided.
    ObjectionResolved {
        /// The batch of the notice.
        batch: String,
        /// True if the notice is a recommending authority's step.
        recommendation: bool,
        /// True if the objection was upheld.
        upheld: bool,
        /// Position of the objection; `None`: the oldest open one.
        objection: Option<u64>,
    },
    /// The entry was withdrawn before publication.
    NoticeWithdrawn {
        /// The batch of the notice.
        batch: String,
        /// True if the notice is a recommending authority's step.
        recommendation: bool,
    },
    /// It was designated.
    Designated {
        /// The batch; it becomes the title's cohort.
        batch: String,
        /// The authority whose sub-list it is.
        sublist: Option<AuthorityCode>,
        /// The end of the validity.
        validity: Validity,
        /// True for a later publication under the same batch number.
        supplement: bool,
        /// True if the programme renews by a fresh designation.
        renews: bool,
        /// Day of the recommendation.
        recommended_on: Option<CivilDate>,
        /// The entry of the list.
        listed: Listed,
    },
    /// A review is due.
    ReviewOpened {
        /// The title's cohort.
        batch: String,
        /// The review round.
        round: String,
    },
    /// Its review was passed.
    ReviewPassed {
        /// The title's cohort.
        batch: String,
        /// The review round.
        round: String,
        /// The end of the new validity.
        validity: Validity,
        /// True for a result after the seal of its round.
        supplement: bool,
    },
    /// Its review was failed.
    ReviewFailed {
        /// The title's cohort.
        batch: String,
        /// The review round.
        round: String,
        /// True if the programme revokes for it.
        revokes: bool,
        /// The cause, if it is known.
        cause: Option<ReviewFailureCause>,
        /// True for a result after the seal of its round.
        supplement: bool,
    },
    /// An authority that does not decide proposes its revocation.
    RevocationProposed,
    /// It was revoked.
    Revoked {
        /// The ground, if it is known.
        ground: Option<Ground>,
        /// Last day of the ban.
        ban_until: Option<CivilDate>,
        /// True if the ban was inferred from the catalogue.
        inferred: bool,
    },
    /// The holder gave it up.
    Surrendered,
    /// Its revocation was undone.
    Reinstated {
        /// Position of the revocation.
        position: Option<u64>,
    },
    /// It passed to a successor.
    Transferred {
        /// The successor.
        successor: DesigneeId,
        /// Last day of the successor's validity; `None`: as before.
        valid_to: Option<CivilDate>,
    },
    /// It became one of another programme.
    Converted {
        /// The title it became.
        to: TitleRef,
        /// Last day of validity; `None`: as before.
        valid_to: Option<CivilDate>,
    },
    /// The subject was listed for a creation task.
    CreationListed {
        /// The batch.
        batch: String,
        /// The entry of the list.
        listed: Listed,
    },
    /// The creation task was assessed.
    CreationAssessed {
        /// The batch.
        batch: String,
        /// True if the task was fulfilled.
        passed: bool,
    },
    /// The holder must rectify.
    RectificationOrdered {
        /// Last day for it.
        due: Option<CivilDate>,
    },
    /// Support was granted; the title does not change.
    SupportGranted {
        /// The scheme.
        scheme: String,
        /// Its round.
        round: String,
    },
}

/// The cause of a failed review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReviewFailureCause {
    /// The holder is not up to the standard.
    NotUpToStandard,
    /// The holder did not submit.
    NotSubmitted,
}

/// The ground of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ground {
    /// No longer up to the standard.
    BelowStandard,
    /// Major safety accident.
    SafetyAccident,
    /// Major quality accident.
    QualityAccident,
    /// Environmental pollution accident.
    PollutionAccident,
    /// Serious dishonesty.
    Dishonesty,
    /// Tax evasion.
    TaxEvasion,
    /// Falsified data or declaration.
    Falsification,
    /// A duty to report or update was not met.
    DutyNotMet,
    /// Did not submit to a review.
    ReviewNotSubmitted,
    /// Another ground.
    Other,
}

impl Ground {
    /// True if it bars from applying (工信部企业〔2022〕63号, article 18).
    #[must_use]
    pub fn is_serious(self) -> bool {
        match self {
            Self::SafetyAccident
            | Self::QualityAccident
            | Self::PollutionAccident
            | Self::Dishonesty
            | Self::TaxEvasion
            | Self::Falsification => true,
            Self::BelowStandard | Self::DutyNotMet | Self::ReviewNotSubmitted | Self::Other => {
                false
            }
        }
    }
}

impl TitleFact {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::NoticeOpened { .. } => Kind::NoticeOpened,
            Self::ObjectionRaised { .. } => Kind::ObjectionRaised,
            Self::ObjectionResolved { .. } => Kind::ObjectionResolved,
            Self::NoticeWithdrawn { .. } => Kind::NoticeWithdrawn,
            Self::Designated { .. } => Kind::Designated,
            Self::ReviewOpened { .. } => Kind::ReviewOpened,
            Self::ReviewPassed { .. } => Kind::ReviewPassed,
            Self::ReviewFailed { .. } => Kind::ReviewFailed,
            Self::RevocationProposed => Kind::RevocationProposed,
            Self::Revoked { .. } => Kind::Revoked,
            Self::Surrendered => Kind::Surrendered,
            Self::Reinstated { .. } => Kind::Reinstated,
            Self::Transferred { .. } => Kind::TitleTransferred,
            Self::Converted { .. } => Kind::TitleConverted,
            Self::CreationListed { .. } => Kind::CreationListed,
            Self::CreationAssessed { .. } => Kind::CreationAssessed,
            Self::RectificationOrdered { .. } => Kind::RectificationOrdered,
            Self::SupportGranted { .. } => Kind::SupportGranted,
        }
    }
}
