//! A fact as the register keeps it: compact, with texts as symbols.

use super::{Register, names::Sym};
use crate::domain::{
    AuthorityCode, CivilDate,
    catalogue::ProgrammeId,
    event::{Event, Fact, Listed, TitleFact, TitleRef, Validity},
};

/// A fact about a designee, in place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stated {
    pub(super) position: u64,
    pub(super) effective: CivilDate,
    pub(super) issuer: AuthorityCode,
    pub(super) what: What,
}

/// What a designee's fact says.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// About one title.
    Title(TitleKey, TitleWhat),
    /// The designee bears this name from then on.
    Renamed { name: Sym },
}

/// Names a title of a given designee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TitleKey {
    pub(super) programme: ProgrammeId,
    pub(super) authority: AuthorityCode,
    pub(super) item: Sym,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum TitleWhat {
    Noticed {
        batch: Sym,
        sublist: Option<AuthorityCode>,
        review: bool,
        recommendation: bool,
        recommended_by: Option<AuthorityCode>,
        name: Sym,
    },
    Designated {
        batch: Sym,
        sublist: Option<AuthorityCode>,
        validity: Validity,
        recommended_by: Option<AuthorityCode>,
        name: Sym,
    },
    ReviewPassed {
        round: Sym,
        validity: Validity,
    },
    ReviewFailed {
        revokes: bool,
    },
    Revoked {
        ban_until: Option<CivilDate>,
    },
}

impl Stated {
    /// Where the fact stands among others of the same day: notices first, revocations last.
    pub(super) fn precedence(&self) -> u8 {
        match self.what {
            What::Title(_, TitleWhat::Noticed { .. }) => 10,
            What::Title(_, TitleWhat::Designated { .. }) => 20,
            What::Title(_, TitleWhat::ReviewPassed { .. } | TitleWhat::ReviewFailed { .. }) => 60,
            What::Renamed { .. } => 80,
            What::Title(_, TitleWhat::Revoked { .. }) => 90,
        }
    }

    /// The name that the fact states for the designee.
    pub(super) fn name(&self) -> Option<Sym> {
        let name = match self.what {
            What::Renamed { name }
            | What::Title(
                _,
                TitleWhat::Noticed { name, .. } | TitleWhat::Designated { name, .. },
            ) => name,
            What::Title(..) => Sym::EMPTY,
        };
        (name != Sym::EMPTY).then_some(name)
    }

    /// The recommending authority that the fact states.
    pub(super) fn recommended_by(&self) -> Option<AuthorityCode> {
        match self.what {
            What::Title(
                _,
                TitleWhat::Noticed { recommended_by, .. }
                | TitleWhat::Designated { recommended_by, .. },
            ) => recommended_by,
            _ => None,
        }
    }
}

impl TitleFact {
    /// What the list says, where the fact comes from a list.
    #[must_use]
    pub fn listed(&self) -> Option<&Listed> {
        match self {
            Self::NoticeOpened { listed, .. } | Self::Designated { listed, .. } => Some(listed),
            _ => None,
        }
    }
}

impl Register {
    /// The compact form of an event about a designee; none for the others.
    pub(super) fn state(&mut self, position: u64, event: &Event) -> Option<Stated> {
        let what = match &event.fact {
            Fact::Title { title, fact, .. } => {
                What::Title(self.title_key(title), self.title_what(fact))
            }
            Fact::Renamed { new_name, .. } => What::Renamed { name: self.sym(new_name.as_str()) },
            _ => return None,
        };
        Some(Stated { position, effective: event.effective, issuer: event.authority, what })
    }

    pub(super) fn title_key(&mut self, title: &TitleRef) -> TitleKey {
        let item = self.sym(&title.item);
        TitleKey { programme: title.programme, authority: title.authority, item }
    }

    fn listed_name(&mut self, listed: &Listed) -> Sym {
        listed.name.as_ref().map_or(Sym::EMPTY, |name| self.sym(name.as_str()))
    }

    fn title_what(&mut self, fact: &TitleFact) -> TitleWhat {
        match fact {
            TitleFact::NoticeOpened { batch, sublist, review, recommendation, listed, .. } => {
                TitleWhat::Noticed {
                    batch: self.sym(batch),
                    sublist: *sublist,
                    review: *review,
                    recommendation: *recommendation,
                    recommended_by: listed.recommended_by,
                    name: self.listed_name(listed),
                }
            }
            TitleFact::Designated { batch, sublist, validity, listed, .. } => {
                TitleWhat::Designated {
                    batch: self.sym(batch),
                    sublist: *sublist,
                    validity: *validity,
                    recommended_by: listed.recommended_by,
                    name: self.listed_name(listed),
                }
            }
            TitleFact::ReviewPassed { round, validity } => {
                TitleWhat::ReviewPassed { round: self.sym(round), validity: *validity }
            }
            TitleFact::ReviewFailed { revokes } => TitleWhat::ReviewFailed { revokes: *revokes },
            TitleFact::Revoked { ban_until, .. } => TitleWhat::Revoked { ban_until: *ban_until },
        }
    }
}
