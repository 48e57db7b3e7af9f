//! One fact on its way into the titles: it ends or moves them, or is folded into one.

use super::{Folded, Folding, Outcome, Status};
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

impl Step<'_> {
    pub(super) fn run(&mut self) {
        let FactAt { position, fact, .. } = *self.placed;
        let day = fact.effective;
        let Some(key) = fact.title() else {
            if fact.kind.ends_subject() && day <= self.valid_on {
                self.end_all(day, position);
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
                let (placed, rules, valid_on) = (self.placed, self.rules, self.valid_on);
                let outcome = self.title(self.subject, key).step(placed, rules, valid_on);
                self.note(self.subject, key, outcome);
                outcome
            }
        };
        self.tell(key, outcome);
    }

    fn tell(&mut self, key: TitleKey, outcome: Outcome) {
        if self.subject == 0 {
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

    /// Everything the subject holds ends with it.
    fn end_all(&mut self, day: CivilDate, position: u32) {
        let Self { folding, subject, placed, observe, .. } = self;
        for title in folding.titles.iter_mut().filter(|title| title.subject == *subject) {
            if title.end_with_subject(day, position) {
                title.positions.push(position);
                if *subject == 0 {
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
        let (placed, position) = (self.placed, self.placed.position);
        let receiver = self.cluster.place_of(successor).map(|place| self.cluster.subject_of(place));
        // A title cannot pass between identifiers of one subject.
        let receiver = receiver.filter(|receiver| *receiver != self.subject);
        let given = match receiver {
            Some(_) => self.title(self.subject, key).give_away(Status::Ended, placed),
            None => None,
        };
        let (outcome, receiver) = match (given, receiver) {
            (Some(given), Some(receiver)) => {
                let own = self.title(self.subject, key);
                own.successor = Some(successor);
                let outcome = self.title(receiver, key).receive(&given, placed, valid_to);
                // If both held the title, one remains.
                self.note(receiver, key, outcome);
                (Outcome::Applied, Some((receiver, outcome)))
            }
            _ => (Outcome::Superseded("there is no title to pass on"), None),
        };
        if self.subject != 0
            && let Some((0, outcome)) = receiver
        {
            (self.observe)(self.placed, key, outcome);
        }
        let title = self.title(self.subject, key);
        match outcome {
            Outcome::Applied => title.positions.push(position),
            _ => title.superseded.push(position),
        }
        outcome
    }

    /// The title becomes one of another programme, with its cohort.
    fn convert(&mut self, key: TitleKey, to: TitleKey, valid_to: Option<CivilDate>) -> Outcome {
        let placed = self.placed;
        let given = if to == key {
            None
        } else {
            self.title(self.subject, key).give_away(Status::Converted, placed)
        };
        let outcome = match given {
            Some(given) => {
                self.title(self.subject, key).converted_to = Some(to.programme);
                let received = self.title(self.subject, to).receive(&given, placed, valid_to);
                self.note(self.subject, to, received);
                self.tell(to, received);
                Outcome::Applied
            }
            _ => Outcome::Superseded("there is no title to convert"),
        };
        self.note(self.subject, key, outcome);
        outcome
    }
}
