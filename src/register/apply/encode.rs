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
        use {FactKindRow as Row, TitleFact as T};
        match *fact {
            T::NoticeOpened {
                ref batch,
                sublist,
                review,
                recommendation,
                supplement,
                to,
                ref listed,
                ..
            } => {
                let (batch, listing) = (self.word(batch), self.listing(listed, sublist));
                Row::Noticed { batch, to, review, recommendation, supplement, listing }
            }
            T::ObjectionRaised { ref batch, recommendation } => {
                Row::ObjectionRaised { batch: self.word(batch), recommendation }
            }
            T::ObjectionResolved { ref batch, recommendation, upheld, objection } => {
                let (batch, objection) = (self.word(batch), link(objection));
                Row::ObjectionResolved { batch, recommendation, upheld, objection }
            }
            T::NoticeWithdrawn { ref batch, recommendation } => {
                Row::NoticeWithdrawn { batch: self.word(batch), recommendation }
            }
            T::Designated {
                ref batch, sublist, validity, supplement, renews, ref listed, ..
            } => {
                let Validity { to, inferred } = validity;
                let (batch, listing) = (self.word(batch), self.listing(listed, sublist));
                Row::Designated { batch, to, inferred, supplement, renews, listing }
            }
            T::ReviewOpened { ref round, .. } => Row::ReviewOpened { round: self.word(round) },
            T::ReviewPassed { ref batch, ref round, validity, supplement } => {
                let Validity { to, inferred } = validity;
                let (cohort, round) = (self.word(batch), self.word(round));
                Row::ReviewPassed { cohort, round, to, inferred, supplement }
            }
            T::ReviewFailed { ref round, revokes, cause, supplement, .. } => {
                Row::ReviewFailed { round: self.word(round), revokes, cause, supplement }
            }
            T::RevocationProposed => Row::RevocationProposed,
            T::Revoked { ground, ban_until, inferred } => {
                Row::Revoked { ground, ban_until, inferred }
            }
            T::Surrendered => Row::Surrendered,
            T::Reinstated { .. } => Row::Reinstated,
            T::Transferred { ref successor, valid_to } => {
                Row::Transferred { successor: self.0.designee(successor), valid_to }
            }
            T::Converted { ref to, valid_to } => {
                let (programme, authority) = (to.programme, to.authority);
                Row::Converted { programme, authority, item: self.word(&to.item), valid_to }
            }
            T::CreationListed { ref batch, ref listed } => {
                Row::CreationListed { batch: self.word(batch), listing: self.listing(listed, None) }
            }
            T::CreationAssessed { ref batch, passed } => {
                Row::CreationAssessed { batch: self.word(batch), passed }
            }
            T::RectificationOrdered { due } => Row::RectificationOrdered { due },
            T::SupportGranted { ref scheme, ref round } => {
                Row::SupportGranted { scheme: self.word(scheme), round: self.word(round) }
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
            SubjectFact::Restructured { kind, new_name, ends, .. } => FactKindRow::Restructured {
                kind: *kind,
                name: self.name(new_name.as_ref()),
                ends: *ends,
            },
            SubjectFact::IdentifierChanged { other, reason } => {
                FactKindRow::Linked { other: self.0.designee(other), reason: *reason }
            }
            SubjectFact::Ended { cause } => FactKindRow::SubjectEnded { cause: *cause },
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
            FrameworkFact::MeasuresIssued { from, to, bodies, amends, .. } => {
                let codes: Vec<_> = bodies.iter().map(|body| body.as_str()).collect();
                FactKindRow::MeasuresIssued {
                    from: *from,
                    to: *to,
                    bodies: self.word(&codes.join(",")),
                    amends: self.word(amends),
                }
            }
            FrameworkFact::MeasuresRepealed { position, repealed } => {
                FactKindRow::MeasuresRepealed {
                    target: link(*position),
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
            FrameworkFact::EventWithheld { position } => {
                FactKindRow::EventWithheld { target: position32(*position) }
            }
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

fn link(position: Option<u64>) -> Link {
    position.map_or(Link::NONE, |position| Link::to(position32(position)))
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
        | FrameworkFact::AuthorityKeyRevoked { .. }
        | FrameworkFact::EventWithheld { .. } => None,
    }
}
