//! The reasons for which a fact cannot apply to a title.

/// An obstacle. The numbers are those of `tidu.v1.StepObstacle`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Obstacle {
    /// The subject had ceased to exist by then.
    SubjectCeased = 1,
    /// No validity of the title had begun by then.
    NeverHeld = 2,
    /// The title had ended by then.
    Ended = 3,
    /// No entry in a notice of this batch and scope was open.
    NoOpenEntry = 4,
    /// An entry of this batch and scope was open already.
    EntryOpen = 5,
    /// No objection that it could decide was open on its day.
    NoOpenObjection = 6,
    /// The last day of the title was past.
    LastDayPast = 7,
    /// The title had passed to a successor already.
    PassedOn = 8,
    /// The receiver is not among the recorded successors of the subject.
    NotASuccessor = 9,
    /// The receiver held the title already; one remains.
    ReceiverHeld = 10,
    /// The title was in force on that day already.
    InForceAlready = 11,
    /// Its review had failed by then, and only a supplement renews it.
    ReviewFailed = 12,
    /// A review of this validity had failed already.
    FailedAlready = 13,
    /// No revocation was in force that it could undo.
    NothingToUndo = 14,
    /// A title does not pass between identifiers of one subject.
    OneSubject = 15,
    /// A title does not turn into itself.
    OneTitle = 16,
    /// No creation task was on record by then.
    NoCreationTask = 17,
}

impl Obstacle {
    /// The obstacle in a sentence.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::SubjectCeased => "the subject had ceased to exist by then",
            Self::NeverHeld => "no validity of the title had begun by then",
            Self::Ended => "the title had ended by then",
            Self::NoOpenEntry => "no entry in a notice of this batch and scope was open",
            Self::EntryOpen => "an entry of this batch and scope was open already",
            Self::NoOpenObjection => "no objection that it could decide was open on its day",
            Self::LastDayPast => "the last day of the title was past",
            Self::PassedOn => "the title had passed to a successor already",
            Self::NotASuccessor => {
                "the receiver is not among the recorded successors of the subject"
            }
            Self::ReceiverHeld => "the receiver held the title already; one remains",
            Self::InForceAlready => "the title was in force on that day already",
            Self::ReviewFailed => "its review had failed by then, and only a supplement renews it",
            Self::FailedAlready => "a review of this validity had failed already",
            Self::NothingToUndo => "no revocation was in force that it could undo",
            Self::OneSubject => "a title does not pass between identifiers of one subject",
            Self::OneTitle => "a title does not turn into itself",
            Self::NoCreationTask => "no creation task was on record by then",
        }
    }
}
