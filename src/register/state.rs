//! From events to rows: what of an event the register keeps.

use super::{
    DesigneeIndex, Register, narrow,
    row::{Link, Listing, NO_RULE, Stated, What},
    texts::Sym,
};
use crate::domain::{
    AuthorityCode,
    event::{Event, Fact, FrameFact, Listed, SubjectFact, TitleFact, Validity},
};

impl Register {
    /// The compact form of an event about a designee, or about none.
    pub(super) fn state(&mut self, event: &Event, about: Option<DesigneeIndex>) -> Stated {
        let before = self.name_before(about);
        let document = self.word(&event.document);
        let mut stated = Stated {
            effective: event.effective,
            document,
            row: event.row,
            item: Sym::EMPTY,
            programme: None,
            authority: event.authority,
            issuer: event.authority,
            rule: event.rule.unwrap_or(NO_RULE),
            what: What::CatalogueAdopted,
        };
        stated.what = match &event.fact {
            Fact::Title { title, fact, .. } => {
                stated.programme = Some(title.programme);
                stated.authority = title.authority;
                stated.item = self.word(&title.item);
                self.title_what(fact, before)
            }
            Fact::Subject { fact, .. } => {
                if let SubjectFact::InformationUpdated { programme, .. } = fact {
                    stated.programme = *programme;
                }
                self.subject_what(fact, before)
            }
            Fact::Repair { position, replacement } => {
                What::Repaired { target: narrow(*position), removes: replacement.is_none() }
            }
            Fact::Batch { batch, seals, declared, .. } => {
                stated.programme = Some(batch.programme);
                stated.authority = batch.authority;
                let (sublist, declared) = (batch.sublist, *declared);
                let batch = self.word(&batch.batch);
                if *seals {
                    What::BatchSealed { batch, sublist, declared }
                } else {
                    What::BatchOpened { batch, sublist, declared }
                }
            }
            Fact::Frame(fact) => {
                stated.programme = fact.programme();
                self.frame_what(fact)
            }
            Fact::Assessed { region, year, assessor } => {
                What::Assessed { region: *region, year: *year, assessor: self.word(assessor) }
            }
        };
        stated
    }

    fn title_what(&mut self, fact: &TitleFact, before: Sym) -> What {
        match fact {
            TitleFact::NoticeOpened {
                batch, sublist, review, recommendation, to, listed, ..
            } => What::Noticed {
                batch: self.word(batch),
                to: *to,
                review: *review,
                recommendation: *recommendation,
                listing: self.listing(listed, *sublist, before),
            },
            TitleFact::ObjectionRaised { batch } => {
                What::ObjectionRaised { batch: self.word(batch) }
            }
            TitleFact::ObjectionResolved { batch, upheld } => {
                What::ObjectionResolved { batch: self.word(batch), upheld: *upheld }
            }
            TitleFact::NoticeWithdrawn { batch } => {
                What::NoticeWithdrawn { batch: self.word(batch) }
            }
            TitleFact::Designated {
                batch, sublist, validity, supplement, renews, listed, ..
            } => {
                let Validity { to, inferred } = *validity;
                What::Designated {
                    batch: self.word(batch),
                    to,
                    inferred,
                    supplement: *supplement,
                    renews: *renews,
                    listing: self.listing(listed, *sublist, before),
                }
            }
            TitleFact::ReviewOpened { round, .. } => What::ReviewOpened { round: self.word(round) },
            TitleFact::ReviewPassed { round, validity: Validity { to, inferred }, .. } => {
                What::ReviewPassed { round: self.word(round), to: *to, inferred: *inferred }
            }
            TitleFact::ReviewFailed { round, revokes, .. } => {
                What::ReviewFailed { round: self.word(round), revokes: *revokes }
            }
            TitleFact::RevocationProposed => What::RevocationProposed,
            TitleFact::Revoked { ban_until, .. } => What::Revoked { ban_until: *ban_until },
            TitleFact::Surrendered => What::Surrendered,
            TitleFact::Reinstated { .. } => What::Reinstated,
            TitleFact::Transferred { successor, valid_to } => What::Transferred {
                successor: self.intern_designee(successor),
                valid_to: *valid_to,
            },
            TitleFact::Converted { to, valid_to } => What::Converted {
                programme: to.programme,
                authority: to.authority,
                item: self.word(&to.item),
                valid_to: *valid_to,
            },
            TitleFact::CreationListed { batch, listed } => What::CreationListed {
                batch: self.word(batch),
                listing: self.listing(listed, None, before),
            },
            TitleFact::CreationAssessed { batch, passed } => {
                What::CreationAssessed { batch: self.word(batch), passed: *passed }
            }
            TitleFact::RectificationOrdered { due } => What::RectificationOrdered { due: *due },
            TitleFact::SupportGranted { scheme, round } => {
                What::SupportGranted { scheme: self.word(scheme), round: self.word(round) }
            }
        }
    }

    fn subject_what(&mut self, fact: &SubjectFact, before: Sym) -> What {
        match fact {
            SubjectFact::Renamed { old_name, new_name, .. } => What::Renamed {
                old_name: self.name_text(old_name.as_str(), before),
                name: self.name_text(new_name.as_str(), before),
            },
            SubjectFact::Relocated {
                to_region, from_authority, to_authority, confirmed, ..
            } => What::Relocated {
                region: *to_region,
                from: *from_authority,
                to: *to_authority,
                confirmed: *confirmed,
            },
            SubjectFact::Restructured { new_name, ends, .. } => {
                let name = new_name.as_ref().map_or("", |name| name.as_str());
                What::Restructured { name: self.name_text(name, before), ends: *ends }
            }
            SubjectFact::IdentifierChanged { other, reason } => {
                What::Linked { other: self.intern_designee(other), reason: *reason }
            }
            SubjectFact::Ended => What::SubjectEnded,
            SubjectFact::InformationUpdated { year, .. } => {
                What::InformationUpdated { year: *year }
            }
            SubjectFact::MajorChangeReported { occurred, reported } => {
                What::MajorChangeReported { occurred: *occurred, reported: *reported }
            }
            SubjectFact::PoolEntered { pool, listed } => What::PoolEntered {
                pool: self.word(pool),
                listing: self.listing(listed, None, before),
            },
            SubjectFact::PoolLeft { pool } => What::PoolLeft { pool: self.word(pool) },
        }
    }

    fn frame_what(&mut self, fact: &FrameFact) -> What {
        match fact {
            FrameFact::CatalogueAdopted { .. } => What::CatalogueAdopted,
            FrameFact::CompletenessDeclared { part, .. } => {
                What::CompletenessDeclared { part: *part }
            }
            FrameFact::MeasuresIssued { from, to, .. } => {
                What::MeasuresIssued { from: *from, to: *to }
            }
            FrameFact::MeasuresRepealed { position, repealed } => What::MeasuresRepealed {
                target: position.map_or(Link::NONE, |position| Link::to(narrow(position))),
                document: self.word(repealed),
            },
        }
    }

    fn listing(&mut self, listed: &Listed, sublist: Option<AuthorityCode>, before: Sym) -> Listing {
        let Listed { name, region, industry, recommended_by, .. } = listed;
        let name = name.as_ref().map_or("", |name| name.as_str());
        Listing {
            name: self.name_text(name, before),
            region: *region,
            industry: *industry,
            recommended_by: *recommended_by,
            sublist,
        }
    }

    /// A name's text, kept anew only if the designee did not bear it just before.
    fn name_text(&mut self, name: &str, before: Sym) -> Sym {
        if self.texts.is(before, name) { before } else { self.texts.append(name) }
    }

    /// The name in the designee's event before, as far as it states one.
    fn name_before(&self, index: Option<DesigneeIndex>) -> Sym {
        let last = index.and_then(|index| self.designee(index).last.position());
        last.and_then(|position| self.stated(position)?.name()).unwrap_or_default()
    }
}

impl FrameFact {
    fn programme(&self) -> Option<crate::domain::kind::ProgrammeId> {
        match self {
            Self::CompletenessDeclared { programme, .. }
            | Self::MeasuresIssued { programme, .. } => *programme,
            Self::CatalogueAdopted { .. } | Self::MeasuresRepealed { .. } => None,
        }
    }
}
