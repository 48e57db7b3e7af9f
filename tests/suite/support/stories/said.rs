//! Facts in plain values, and the messages that say them.

use std::fmt;

use jiff::civil::Date;
use tidu::protocol::pb::{self, event::Fact as Pb};

use crate::support::{annulled, corrected, date, event};

/// A programme, as far as a story needs it.
#[derive(Debug)]
pub struct Programme {
    pub id: &'static str,
    /// Years of a validity that no decision states; 0: none is inferred.
    pub years: i16,
    /// Renewed by a fresh designation.
    pub renews: bool,
    /// A failed review revokes.
    pub revokes: bool,
    /// Years of ban after a serious revocation.
    pub ban_years: i16,
    /// The titles of which the holder needs one.
    pub needs: &'static [&'static str],
}

/// A title, without its holder.
#[derive(Clone, Copy)]
pub struct Of {
    pub programme: &'static Programme,
    pub authority: &'static str,
    pub item: &'static str,
}

impl Of {
    pub fn key(self) -> (&'static str, &'static str, &'static str) {
        (self.programme.id, self.authority, self.item)
    }
}

impl fmt::Debug for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.programme.id, self.authority, self.item)
    }
}

/// The days of a story: they are few, and far or near apart.
pub type Calendar = Vec<Date>;

/// One fact. Facts name one another by their number in the story.
#[derive(Clone, Debug)]
pub struct Said {
    pub issuer: &'static str,
    pub who: &'static str,
    pub day: Date,
    pub fact: Fact,
}

#[derive(Clone, Debug)]
pub enum Fact {
    Noticed {
        of: Of,
        batch: &'static str,
        sublist: &'static str,
        review: bool,
        recommendation: bool,
        until: Option<Date>,
        supplement: bool,
    },
    Objected {
        of: Of,
        batch: &'static str,
        /// True: of a recommendation; none: not stated.
        scope: Option<bool>,
    },
    Resolved {
        of: Of,
        batch: &'static str,
        scope: Option<bool>,
        upheld: bool,
        objection: Option<usize>,
    },
    Withdrawn {
        of: Of,
        batch: &'static str,
        scope: Option<bool>,
    },
    Designated {
        of: Of,
        batch: &'static str,
        sublist: &'static str,
        to: Option<Date>,
        supplement: bool,
    },
    ReviewOpened {
        of: Of,
        round: &'static str,
    },
    Passed {
        of: Of,
        batch: &'static str,
        round: &'static str,
        to: Option<Date>,
        supplement: bool,
    },
    Failed {
        of: Of,
        round: &'static str,
        /// Not up to the standard, or not submitted.
        cause: pb::ReviewFailureCause,
        supplement: bool,
    },
    Proposed {
        of: Of,
    },
    Rectify {
        of: Of,
    },
    Supported {
        of: Of,
        round: &'static str,
    },
    Revoked {
        of: Of,
        ground: pb::RevocationGround,
        ban: Option<Date>,
        /// As a log holds it from before bans were filled in.
        bare: bool,
    },
    Surrendered {
        of: Of,
    },
    Reinstated {
        of: Of,
    },
    Transferred {
        of: Of,
        to: &'static str,
        until: Option<Date>,
    },
    Converted {
        of: Of,
        into: Of,
        until: Option<Date>,
    },
    Listed {
        of: Of,
        batch: &'static str,
    },
    Assessed {
        of: Of,
        batch: &'static str,
        passed: bool,
    },
    Ended {
        cause: pb::SubjectEndCause,
    },
    Restructured {
        kind: pb::RestructuringKind,
        successors: Vec<&'static str>,
        ends: bool,
    },
    Linked {
        other: &'static str,
        reason: pb::IdentifierChangeReason,
    },
    Moved {
        confirmed: bool,
    },
    Reported {
        occurred: Date,
    },
    PoolEntered {
        pool: &'static str,
    },
    PoolLeft {
        pool: &'static str,
    },
    Sealed {
        of: Of,
        batch: &'static str,
        sublist: &'static str,
    },
    Annulled {
        number: usize,
    },
    Corrected {
        number: usize,
        said: Box<Said>,
    },
}

impl Fact {
    /// The titles that it is about, without their holders.
    pub fn titles(&self) -> Vec<Of> {
        match self {
            Self::Noticed { of, .. }
            | Self::Objected { of, .. }
            | Self::Resolved { of, .. }
            | Self::Withdrawn { of, .. }
            | Self::Designated { of, .. }
            | Self::ReviewOpened { of, .. }
            | Self::Passed { of, .. }
            | Self::Failed { of, .. }
            | Self::Proposed { of }
            | Self::Rectify { of }
            | Self::Supported { of, .. }
            | Self::Revoked { of, .. }
            | Self::Surrendered { of }
            | Self::Reinstated { of }
            | Self::Transferred { of, .. }
            | Self::Listed { of, .. }
            | Self::Assessed { of, .. } => vec![*of],
            Self::Converted { of, into, .. } => vec![*of, *into],
            _ => Vec::new(),
        }
    }

    /// Its name.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Noticed { review: false, .. } => "notice",
            Self::Noticed { .. } => "review notice",
            Self::Objected { .. } => "objection",
            Self::Resolved { .. } => "resolution",
            Self::Withdrawn { .. } => "withdrawal",
            Self::Designated { .. } => "designation",
            Self::ReviewOpened { .. } => "review",
            Self::Passed { .. } => "pass",
            Self::Failed { .. } => "failure",
            Self::Proposed { .. } => "proposal",
            Self::Rectify { .. } => "rectification",
            Self::Revoked { .. } => "revocation",
            Self::Surrendered { .. } => "surrender",
            Self::Reinstated { .. } => "reinstatement",
            Self::Transferred { .. } => "transfer",
            Self::Converted { .. } => "conversion",
            Self::Listed { .. } => "creation list",
            Self::Assessed { .. } => "creation assessed",
            Self::Annulled { .. } => "annulment",
            Self::Corrected { .. } => "correction",
            _ => "other",
        }
    }

    /// True if it says how long a ban lasts.
    pub fn bans(&self) -> bool {
        matches!(self, Self::Revoked { ban: Some(_), .. })
    }

    pub fn is_repair(&self) -> bool {
        matches!(self, Self::Annulled { .. } | Self::Corrected { .. })
    }
}

fn text(word: &str) -> String {
    word.to_owned()
}

fn pb_date(day: Option<Date>) -> Option<pb::Date> {
    day.and_then(|day| date(&day.to_string()))
}

fn scope(scope: Option<bool>) -> i32 {
    match scope {
        None => pb::NoticeScope::Unspecified.into(),
        Some(false) => pb::NoticeScope::Decision.into(),
        Some(true) => pb::NoticeScope::Recommendation.into(),
    }
}

/// The message that says a fact, where each number was recorded. None if it names one that was not
/// recorded.
pub fn message(said: &Said, recorded: &dyn Fn(usize) -> Option<u64>) -> Option<pb::Event> {
    match &said.fact {
        Fact::Annulled { number } => return Some(annulled(recorded(*number)?)),
        Fact::Corrected { number, said } => {
            return Some(corrected(recorded(*number)?, message(said, recorded)?));
        }
        _ => {}
    }
    let fact = said.fact.titles().first().map_or_else(
        || subject_fact(&said.fact),
        |of| {
            let listed = listed_fact(&said.fact, *of).or_else(|| title_fact(&said.fact, *of));
            listed.or_else(|| resolution(&said.fact, *of, recorded))
        },
    )?;
    Some(event(said.issuer, said.who, &said.day.to_string(), fact))
}

/// Notices and designations, and the facts about notices without another number.
fn listed_fact(fact: &Fact, of: Of) -> Option<Pb> {
    let (programme, item) = (text(of.programme.id), text(of.item));
    Some(match fact {
        Fact::Noticed { batch, sublist, review, recommendation, until, supplement, .. } => {
            Pb::NoticeOpened(pb::NoticeOpened {
                programme,
                item,
                batch: text(batch),
                sublist: text(sublist),
                purpose: if *review { pb::NoticePurpose::Review } else { pb::NoticePurpose::New }
                    .into(),
                scope: scope(Some(*recommendation)),
                notice_to: pb_date(*until),
                supplement: *supplement,
                ..Default::default()
            })
        }
        Fact::Designated { batch, sublist, to, supplement, .. } => Pb::Designated(pb::Designated {
            programme,
            item,
            batch: text(batch),
            sublist: text(sublist),
            valid_to: pb_date(*to),
            supplement: *supplement,
            ..Default::default()
        }),
        Fact::Objected { batch, scope: step, .. } => Pb::ObjectionRaised(pb::ObjectionRaised {
            programme,
            item,
            batch: text(batch),
            scope: scope(*step),
        }),
        Fact::Withdrawn { batch, scope: step, .. } => Pb::NoticeWithdrawn(pb::NoticeWithdrawn {
            programme,
            item,
            batch: text(batch),
            reason: String::new(),
            scope: scope(*step),
        }),
        Fact::Listed { batch, .. } => {
            let batch = text(batch);
            Pb::CreationListed(pb::CreationListed { programme, item, batch, profile: None })
        }
        Fact::Assessed { batch, passed, .. } => {
            let (batch, passed) = (text(batch), *passed);
            Pb::CreationAssessed(pb::CreationAssessed { programme, item, batch, passed })
        }
        _ => return None,
    })
}

fn resolution(fact: &Fact, of: Of, recorded: &dyn Fn(usize) -> Option<u64>) -> Option<Pb> {
    let Fact::Resolved { batch, scope: step, upheld, objection, .. } = fact else { return None };
    let outcomes = [pb::ObjectionOutcome::Dismissed, pb::ObjectionOutcome::Upheld];
    Some(Pb::ObjectionResolved(pb::ObjectionResolved {
        programme: text(of.programme.id),
        item: text(of.item),
        batch: text(batch),
        outcome: outcomes[usize::from(*upheld)].into(),
        scope: scope(*step),
        objection: match objection {
            Some(number) => Some(recorded(*number)?),
            None => None,
        },
    }))
}

fn title_fact(fact: &Fact, of: Of) -> Option<Pb> {
    let (programme, item) = (text(of.programme.id), text(of.item));
    let batch = String::new();
    Some(match fact {
        Fact::ReviewOpened { round, .. } => {
            Pb::ReviewOpened(pb::ReviewOpened { programme, item, batch, round: text(round) })
        }
        Fact::Passed { batch, round, to, supplement, .. } => Pb::ReviewPassed(pb::ReviewPassed {
            programme,
            item,
            batch: text(batch),
            round: text(round),
            valid_to: pb_date(*to),
            valid_to_inferred: false,
            supplement: *supplement,
        }),
        Fact::Failed { round, cause, supplement, .. } => Pb::ReviewFailed(pb::ReviewFailed {
            programme,
            item,
            batch,
            round: text(round),
            cause: (*cause).into(),
            supplement: *supplement,
        }),
        Fact::Proposed { .. } => {
            let ground = pb::RevocationGround::Other.into();
            Pb::RevocationProposed(pb::RevocationProposed { programme, item, ground })
        }
        Fact::Rectify { .. } => {
            Pb::RectificationOrdered(pb::RectificationOrdered { programme, item, due: None })
        }
        Fact::Supported { round, .. } => {
            let (scheme, round) = (text("key-little-giant"), text(round));
            Pb::SupportGranted(pb::SupportGranted { programme, item, scheme, round })
        }
        Fact::Revoked { ground, ban, .. } => Pb::Revoked(pb::Revoked {
            programme,
            item,
            ground: (*ground).into(),
            ban_until: pb_date(*ban),
            ..Default::default()
        }),
        Fact::Surrendered { .. } => Pb::Surrendered(pb::Surrendered { programme, item }),
        Fact::Reinstated { .. } => {
            Pb::Reinstated(pb::Reinstated { programme, item, position: None })
        }
        Fact::Transferred { to, until, .. } => {
            let (successor, valid_to) = (text(to), pb_date(*until));
            Pb::TitleTransferred(pb::TitleTransferred { programme, item, successor, valid_to })
        }
        Fact::Converted { into, until, .. } => Pb::TitleConverted(pb::TitleConverted {
            from_programme: programme,
            to_programme: text(into.programme.id),
            from_item: item,
            to_item: text(into.item),
            valid_to: pb_date(*until),
        }),
        _ => return None,
    })
}

fn subject_fact(fact: &Fact) -> Option<Pb> {
    Some(match fact {
        Fact::Ended { cause } => Pb::SubjectEnded(pb::SubjectEnded { cause: (*cause).into() }),
        Fact::Restructured { kind, successors, ends } => Pb::Restructured(pb::Restructured {
            kind: (*kind).into(),
            successors: successors.iter().map(|id| text(id)).collect(),
            new_name: String::new(),
            ends: *ends,
        }),
        Fact::Linked { other, reason } => Pb::IdentifierChanged(pb::IdentifierChanged {
            new_designee: text(other),
            reason: (*reason).into(),
        }),
        Fact::Moved { confirmed } => Pb::Relocated(pb::Relocated {
            to_region: text("440305"),
            from_authority: text("440000"),
            to_authority: text("440300"),
            stage: match confirmed {
                true => pb::RelocationStage::Confirmed,
                false => pb::RelocationStage::Proposed,
            }
            .into(),
            ..Default::default()
        }),
        Fact::Reported { occurred } => Pb::MajorChangeReported(pb::MajorChangeReported {
            change: pb::MajorChange::Other.into(),
            occurred_on: pb_date(Some(*occurred)),
            ..Default::default()
        }),
        Fact::PoolEntered { pool } => {
            Pb::PoolEntered(pb::PoolEntered { pool: text(pool), profile: None })
        }
        Fact::PoolLeft { pool } => {
            Pb::PoolLeft(pb::PoolLeft { pool: text(pool), ..Default::default() })
        }
        Fact::Sealed { of, batch, sublist } => Pb::BatchSealed(pb::BatchSealed {
            programme: text(of.programme.id),
            batch: text(batch),
            sublist: text(sublist),
            ..Default::default()
        }),
        _ => return None,
    })
}
