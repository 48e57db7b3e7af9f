//! From events to rows: the parts of an event that the register keeps.

use crate::{
    domain::{
        AuthorityCode, DesigneeId, Name,
        event::{Event, Fact, FrameworkFact, Listed, SubjectFact, TitleFact, Validity},
        kind::ProgrammeId,
    },
    register::{
        Register,
        identity::Identity,
        rows::{
            DesigneeIndex, FactKindRow, FactRow, Link, Listing, NO_RULE, Rows, Sym, position32,
        },
    },
};

/// Gives the symbols of texts and the indexes of designees, and makes them on first mention.
pub(in crate::register) trait Symbols {
    /// The symbol of a text that is stored once.
    fn word(&mut self, text: &str) -> Sym;

    /// The symbol of a name of the designee that the event is about.
    fn name(&mut self, name: &Name) -> Sym;

    /// The designee with an identifier.
    fn designee(&mut self, id: &DesigneeId) -> DesigneeIndex;
}

impl Register {
    /// The row of an event, and the designee that it is about.
    pub(super) fn encode(&mut self, event: &Event) -> (Option<DesigneeIndex>, FactRow) {
        let about = event.fact.designee().map(|id| self.identity.intern(id));
        let last = about.and_then(|index| self.identity.last_event(index));
        let before = last.and_then(|position| self.rows.fact(position)?.name()).unwrap_or_default();
        let symbols = Recorded { rows: &mut self.rows, identity: &mut self.identity, before };
        (about, Encoder(symbols).fact(event))
    }
}

/// The symbols of the register itself.
struct Recorded<'a> {
    rows: &'a mut Rows,
    identity: &'a mut Identity,
    /// The name in the designee's last event, as far as it states one.
    before: Sym,
}

impl Symbols for Recorded<'_> {
    fn word(&mut self, text: &str) -> Sym {
        self.rows.intern_word(text)
    }

    /// The text of a name, stored anew unless the designee bore it just before.
    fn name(&mut self, name: &Name) -> Sym {
        self.rows.append_name(name, self.before)
    }

    fn designee(&mut self, id: &DesigneeId) -> DesigneeIndex {
        self.identity.intern(id)
    }
}

/// Writes the texts of an event, and gives its symbols.
pub(in crate::register) struct Encoder<S>(pub(in crate::register) S);

impl<S: Symbols> Encoder<S> {
    pub(in crate::register) fn fact(&mut self, event: &Event) -> FactRow {
        let mut row = FactRow {
            effective: event.effective,
            document: self.word(&event.document),
            row: event.row,
            item: Sym::EMPTY,
            programme: None,
            authority: event.issuer.authority(),
            issuer: event.issuer,
            rule: event.rule.unwrap_or(NO_RULE),
            kind: FactKindRow::CatalogueAdopted,
        };
        row.kind = match &event.fact {
            Fact::Title { title, fact, .. } => {
                row.programme = Some(title.programme);
                row.authority = Some(title.authority);
                row.item = self.word(&title.item);
                self.title(fact)
            }
            Fact::Subject { fact, .. } => {
                if let SubjectFact::InformationUpdated { programme, .. } = fact {
                    row.programme = *programme;
                }
                self.subject(fact)
            }
            Fact::Repair { position, replacement } => {
                let removes = replacement.is_none();
                FactKindRow::Repaired { target: position32(*position), removes }
            }
            Fact::Batch { batch, seals, declared, .. } => {
                row.programme = Some(batch.programme);
                row.authority = Some(batch.authority);
                let (sublist, declared) = (batch.sublist, *declared);
                let batch = self.word(&batch.batch);
                if *seals {
                    FactKindRow::BatchSealed { batch, sublist, declared }
                } else {
                    FactKindRow::BatchOpened { batch, sublist, declared }
                }
            }
            Fact::Framework(fact) => {
                row.programme = programme_of(fact);
                self.framework(fact)
            }
            Fact::Assessed { region, year, assessor } => FactKindRow::Assessed {
                region: *region,
                year: *year,
                assessor: self.word(assessor),
            },
        };
        row
    }

    fn title(&mut self, fact: &TitleFact) -> FactKindRow {
        match fact {
            TitleFact::NoticeOpened {
                batch, sublist, review, recommendation, to, listed, ..
            } => FactKindRow::Noticed {
                batch: self.word(batch),
                to: *to,
                review: *review,
                recommendation: *recommendation,
                listing: self.listing(listed, *sublist),
            },
            TitleFact::ObjectionRaised { batch } => {
                FactKindRow::ObjectionRaised { batch: self.word(batch) }
            }
            TitleFact::ObjectionResolved { batch, upheld } => {
                FactKindRow::ObjectionResolved { batch: self.word(batch), upheld: *upheld }
            }
            TitleFact::NoticeWithdrawn { batch } => {
                FactKindRow::NoticeWithdrawn { batch: self.word(batch) }
            }
            TitleFact::Designated {
                batch, sublist, validity, supplement, renews, listed, ..
            } => FactKindRow::Designated {
                batch: self.word(batch),
                to: validity.to,
                inferred: validity.inferred,
                supplement: *supplement,
                renews: *renews,
                listing: self.listing(listed, *sublist),
            },
            TitleFact::ReviewOpened { round, .. } => {
                FactKindRow::ReviewOpened { round: self.word(round) }
            }
            TitleFact::ReviewPassed { round, validity: Validity { to, inferred }, .. } => {
                FactKindRow::ReviewPassed { round: self.word(round), to: *to, inferred: *inferred }
            }
            TitleFact::ReviewFailed { round, revokes, .. } => {
                FactKindRow::ReviewFailed { round: self.word(round), revokes: *revokes }
            }
            TitleFact::RevocationProposed => FactKindRow::RevocationProposed,
            TitleFact::Revoked { ban_until, .. } => FactKindRow::Revoked { ban_until: *ban_until },
            TitleFact::Surrendered => FactKindRow::Surrendered,
            TitleFact::Reinstated { .. } => FactKindRow::Reinstated,
            TitleFact::Transferred { successor, valid_to } => FactKindRow::Transferred {
                successor: self.0.designee(successor),
                valid_to: *valid_to,
            },
            TitleFact::Converted { to, valid_to } => FactKindRow::Converted {
                programme: to.programme,
                authority: to.authority,
                item: self.word(&to.item),
                valid_to: *valid_to,
            },
            TitleFact::CreationListed { batch, listed } => FactKindRow::CreationListed {
                batch: self.word(batch),
                listing: self.listing(listed, None),
            },
            TitleFact::CreationAssessed { batch, passed } => {
                FactKindRow::CreationAssessed { batch: self.word(batch), passed: *passed }
            }
            TitleFact::RectificationOrdered { due } => {
                FactKindRow::RectificationOrdered { due: *due }
            }
            TitleFact::SupportGranted { scheme, round } => {
                FactKindRow::SupportGranted { scheme: self.word(scheme), round: self.word(round) }
            }
        }
    }

    fn subject(&mut self, fact: &SubjectFact) -> FactKindRow {
        match fact {
            SubjectFact::Renamed { old_name, new_name, .. } => FactKindRow::Renamed {
                old_name: self.0.name(old_name),
                name: self.0.name(new_name),
            },
            SubjectFact::Relocated {
                to_region, from_authority, to_authority, confirmed, ..
            } => FactKindRow::Relocated {
                region: *to_region,
                from: *from_authority,
                to: *to_authority,
                confirmed: *confirmed,
            },
            SubjectFact::Restructured { new_name, ends, .. } => {
                FactKindRow::Restructured { name: self.name(new_name.as_ref()), ends: *ends }
            }
            SubjectFact::IdentifierChanged { other, reason } => {
                FactKindRow::Linked { other: self.0.designee(other), reason: *reason }
            }
            SubjectFact::Ended => FactKindRow::SubjectEnded,
            SubjectFact::InformationUpdated { year, .. } => {
                FactKindRow::InformationUpdated { year: *year }
            }
            SubjectFact::MajorChangeReported { occurred, reported, late } => {
                let (occurred, reported, late) = (*occurred, *reported, *late);
                FactKindRow::MajorChangeReported { occurred, reported, late }
            }
            SubjectFact::PoolEntered { pool, listed } => FactKindRow::PoolEntered {
                pool: self.word(pool),
                listing: self.listing(listed, None),
            },
            SubjectFact::PoolLeft { pool } => FactKindRow::PoolLeft { pool: self.word(pool) },
        }
    }

    fn framework(&mut self, fact: &FrameworkFact) -> FactKindRow {
        match fact {
            FrameworkFact::CatalogueAdopted { .. } => FactKindRow::CatalogueAdopted,
            FrameworkFact::CompletenessDeclared { part, .. } => {
                FactKindRow::CompletenessDeclared { part: *part }
            }
            FrameworkFact::MeasuresIssued { from, to, .. } => {
                FactKindRow::MeasuresIssued { from: *from, to: *to }
            }
            FrameworkFact::MeasuresRepealed { position, repealed } => {
                FactKindRow::MeasuresRepealed {
                    target: position.map_or(Link::NONE, |position| Link::to(position32(position))),
                    document: self.word(repealed),
                }
            }
            FrameworkFact::RulesAdopted { version } => {
                FactKindRow::RulesAdopted { version: *version }
            }
            FrameworkFact::FormatRaised => FactKindRow::FormatRaised,
            FrameworkFact::AuditAnchored => FactKindRow::AuditAnchored,
            FrameworkFact::AuthorityKeyRegistered { .. } => FactKindRow::AuthorityKeyRegistered,
            FrameworkFact::AuthorityKeyRevoked { .. } => FactKindRow::AuthorityKeyRevoked,
        }
    }

    fn listing(&mut self, listed: &Listed, sublist: Option<AuthorityCode>) -> Listing {
        let Listed { name, region, industry, recommended_by, .. } = listed;
        Listing {
            name: self.name(name.as_ref()),
            region: *region,
            industry: *industry,
            recommended_by: *recommended_by,
            sublist,
        }
    }

    fn name(&mut self, name: Option<&Name>) -> Sym {
        name.map_or(Sym::EMPTY, |name| self.0.name(name))
    }

    fn word(&mut self, text: &str) -> Sym {
        self.0.word(text)
    }
}

fn programme_of(fact: &FrameworkFact) -> Option<ProgrammeId> {
    match fact {
        FrameworkFact::CompletenessDeclared { programme, .. }
        | FrameworkFact::MeasuresIssued { programme, .. } => *programme,
        FrameworkFact::CatalogueAdopted { .. }
        | FrameworkFact::MeasuresRepealed { .. }
        | FrameworkFact::RulesAdopted { .. }
        | FrameworkFact::FormatRaised
        | FrameworkFact::AuditAnchored
        | FrameworkFact::AuthorityKeyRegistered { .. }
        | FrameworkFact::AuthorityKeyRevoked { .. } => None,
    }
}
