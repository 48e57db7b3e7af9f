//! One fact on its way into the titles: it ends or moves them, or is folded into one.

use super::{
    ASKED_FOR, EndCause, Folded, Folding, Obstacle, Outcome, Status,
    ends::SubjectEnd,
    notices::{Closed, Decision, Entry, EntryKey},
    title::{Creation, Incoming, SUBJECT_CEASED, Task},
};
use crate::{
    domain::CivilDate,
    register::{
        identity::{FactAt, IdentityCluster},
        rows::{DesigneeIndex, FactKindRow, TitleKey},
        versions::FoldRules,
    },
};

/// One fact on its way into the titles.
pub(super) struct Step<'a> {
    pub(super) folding: &'a mut Folding,
    pub(super) cluster: &'a IdentityCluster,
    pub(super) placed: &'a FactAt,
    /// The subject that the fact is about.
    pub(super) subject: u16,
    pub(super) rules: FoldRules,
    pub(super) valid_on: CivilDate,
    pub(super) observe: &'a mut dyn FnMut(&FactAt, TitleKey, Outcome),
}

impl<'a> Step<'a> {
    pub(super) fn run(&mut self) {
        let fact = self.placed.fact;
        let day = fact.effective;
        let Some(key) = fact.title() else {
            if let Some(cause) = EndCause::of_subject(&fact.kind).filter(|_| day <= self.valid_on) {
                self.end_subject(day, cause);
            }
            return;
        };
        if day > self.valid_on && !matches!(fact.kind, FactKindRow::Designated { .. }) {
            return self.tell(key, Outcome::Later);
        }
        let outcome = match fact.kind {
            FactKindRow::Transferred { successor, valid_to } => {
                self.transfer(key, successor, valid_to)
            }
            FactKindRow::Converted { programme, authority, item, valid_to } => {
                self.convert(key, TitleKey { programme, authority, item }, valid_to)
            }
            _ => {
                let incoming = self.incoming(self.subject);
                let outcome = self.title(self.subject, key).step(&incoming);
                self.note(self.subject, key, outcome);
                outcome
            }
        };
        self.tell(key, outcome);
    }

    /// The fact as it reaches a title of a subject.
    fn incoming(&self, subject: u16) -> Incoming<'a> {
        Incoming {
            placed: self.placed,
            rules: self.rules,
            valid_on: self.valid_on,
            subject_end: self.folding.end_of(subject),
        }
    }

    fn tell(&mut self, key: TitleKey, outcome: Outcome) {
        if self.subject == ASKED_FOR {
            (self.observe)(self.placed, key, outcome);
        }
    }

    /// The title, made on first mention.
    fn title(&mut self, subject: u16, key: TitleKey) -> &mut Folded {
        let titles = &mut self.folding.titles;
        let place = match titles.binary_search_by_key(&(subject, key), |t| (t.subject, t.key)) {
            Ok(place) => place,
            Err(place) => {
                titles.insert(place, Folded::new(subject, key));
                place
            }
        };
        #[allow(clippy::indexing_slicing)] // found or inserted just above
        &mut titles[place]
    }

    fn note(&mut self, subject: u16, key: TitleKey, outcome: Outcome) {
        let position = self.placed.position;
        let title = self.title(subject, key);
        match outcome {
            Outcome::Applied => title.positions.push(position),
            Outcome::Superseded(_) => title.superseded.push(position),
            Outcome::Later => {}
        }
    }

    /// Everything the subject holds ends with it. The earliest end counts.
    fn end_subject(&mut self, day: CivilDate, cause: EndCause) {
        let Self { folding, subject, placed, observe, .. } = self;
        if folding.end_of(*subject).is_some() {
            return;
        }
        let end = SubjectEnd { subject: *subject, day, cause, position: placed.position };
        folding.subject_ends.push(end);
        for title in folding.titles.iter_mut().filter(|title| title.subject == *subject) {
            if title.end_with_subject(end) {
                title.positions.push(end.position);
                if *subject == ASKED_FOR {
                    observe(placed, title.key, Outcome::Applied);
                }
            }
        }
    }

    /// The title goes to a successor: it ends here and continues there with its cohort, unless the
    /// successor holds it too.
    fn transfer(
        &mut self,
        key: TitleKey,
        successor: DesigneeIndex,
        valid_to: Option<CivilDate>,
    ) -> Outcome {
        let outcome = self.pass_on(key, successor, valid_to);
        self.note(self.subject, key, outcome);
        outcome
    }

    fn pass_on(
        &mut self,
        key: TitleKey,
        successor: DesigneeIndex,
        valid_to: Option<CivilDate>,
    ) -> Outcome {
        let (giver, cluster) = (self.subject, self.cluster);
        let receiver = cluster.place_of(successor).map(|place| cluster.subject_of(place));
        let Some(receiver) = receiver.filter(|receiver| *receiver != giver) else {
            return Outcome::Superseded(Obstacle::OneSubject);
        };
        let is_successor = cluster.may_succeed(giver, receiver, self.placed.fact.effective);
        let incoming = self.incoming(giver);
        let own = self.title(giver, key);
        let given = match own.give_away(Status::Ended, &incoming, is_successor) {
            Ok(given) => given,
            Err(outcome) => return outcome,
        };
        own.successor = Some(successor);
        let incoming = self.incoming(receiver);
        let validity = given.validity_capped(valid_to);
        // If both held the title, one remains.
        let received = self.title(receiver, key).receive(&given, validity, &incoming);
        self.note(receiver, key, received);
        if receiver == ASKED_FOR {
            (self.observe)(self.placed, key, received);
        }
        Outcome::Applied
    }

    /// The title becomes one of another programme, with its cohort.
    fn convert(&mut self, key: TitleKey, to: TitleKey, valid_to: Option<CivilDate>) -> Outcome {
        let outcome = self.turn_into(key, to, valid_to);
        self.note(self.subject, key, outcome);
        outcome
    }

    fn turn_into(&mut self, key: TitleKey, to: TitleKey, valid_to: Option<CivilDate>) -> Outcome {
        if to == key {
            return Outcome::Superseded(Obstacle::OneTitle);
        }
        let incoming = self.incoming(self.subject);
        let own = self.title(self.subject, key);
        let given = match own.give_away(Status::Converted, &incoming, false) {
            Ok(given) => given,
            Err(outcome) => return outcome,
        };
        own.converted_to = Some(to.programme);
        let validity = given.validity_or(valid_to);
        let received = self.title(self.subject, to).receive(&given, validity, &incoming);
        self.note(self.subject, to, received);
        self.tell(to, received);
        Outcome::Applied
    }
}

impl Folded {
    /// Folds one fact into the title.
    fn step(&mut self, incoming: &Incoming<'_>) -> Outcome {
        let (day, position) = (incoming.day(), incoming.position());
        let outcome = match incoming.placed.fact.kind {
            FactKindRow::Noticed { .. } => self.open_notice(incoming),
            FactKindRow::ObjectionRaised { batch, recommendation } => {
                self.notices.object(EntryKey { batch, recommendation }, day, position)
            }
            FactKindRow::ObjectionResolved { batch, recommendation, upheld, objection } => {
                let objection = objection.position();
                let decision = Decision { day, objection, upheld, position };
                self.notices.decide(EntryKey { batch, recommendation }, decision)
            }
            FactKindRow::NoticeWithdrawn { batch, recommendation } => {
                self.notices.withdraw(EntryKey { batch, recommendation }, day, position)
            }
            FactKindRow::CreationListed { .. } => self.begin_task(incoming),
            FactKindRow::CreationAssessed { passed, .. } => self.assess_task(incoming, passed),
            FactKindRow::Designated { .. } => return self.designate(incoming),
            FactKindRow::ReviewOpened { round } => {
                self.while_held(|title| title.review = Some(round))
            }
            FactKindRow::ReviewPassed { .. } => return self.pass_review(incoming),
            FactKindRow::ReviewFailed { revokes, cause, .. } => {
                self.fail_review(incoming, revokes, cause)
            }
            FactKindRow::Revoked { .. } => self.revoke(incoming),
            FactKindRow::Surrendered => self.surrender(incoming),
            FactKindRow::Reinstated => return self.reinstate(incoming),
            FactKindRow::RevocationProposed => {
                self.while_held(|title| title.revocation_proposed = true)
            }
            FactKindRow::RectificationOrdered { due } => {
                self.while_held(|title| title.rectify = Some(due))
            }
            FactKindRow::SupportGranted { scheme, round } => {
                self.supports.push((scheme, round, position));
                Outcome::Applied
            }
            // Not about one title. The caller applies transfers and conversions.
            _ => Outcome::Later,
        };
        self.note_listing(incoming, outcome)
    }

    fn open_notice(&mut self, incoming: &Incoming<'_>) -> Outcome {
        let FactKindRow::Noticed { batch, review, recommendation, supplement, listing, .. } =
            incoming.placed.fact.kind
        else {
            return Outcome::Later;
        };
        if review {
            self.review = Some(batch);
            return Outcome::Applied;
        }
        if incoming.subject_end.is_some() {
            return SUBJECT_CEASED;
        }
        let outcome = self.notices.open(Entry {
            key: EntryKey { batch, recommendation },
            sublist: listing.sublist,
            from: incoming.day(),
            supplement,
            closed: None,
        });
        if outcome == Outcome::Applied {
            self.stages.recommended |= recommendation;
            self.stages.noticed |= !recommendation;
            self.join_cohort(batch, listing.sublist);
        }
        outcome
    }

    fn begin_task(&mut self, incoming: &Incoming<'_>) -> Outcome {
        let FactKindRow::CreationListed { batch, listing } = incoming.placed.fact.kind else {
            return Outcome::Later;
        };
        if incoming.subject_end.is_some() {
            return SUBJECT_CEASED;
        }
        self.creation = Some(Creation::Open);
        self.task = Some(Task { listed: incoming.day(), closed: None });
        self.join_cohort(batch, listing.sublist);
        Outcome::Applied
    }

    fn assess_task(&mut self, incoming: &Incoming<'_>, passed: bool) -> Outcome {
        let Some(task) = &mut self.task else {
            return Outcome::Superseded(Obstacle::NoCreationTask);
        };
        if incoming.subject_end.is_some() {
            return SUBJECT_CEASED;
        }
        let (day, cause) = (incoming.day(), EndCause::CreationFailed);
        let failed = Closed { day, cause, position: incoming.position() };
        task.closed = (!passed).then_some(failed);
        self.creation = Some(if passed { Creation::Passed } else { Creation::Failed });
        Outcome::Applied
    }
}
