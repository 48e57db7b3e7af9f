//! The titles of a subject over all days, read in slices: stretches of days on which they are the
//! same. Each stretch is folded like any other answer; nothing here knows how titles change.

use hashbrown::HashSet;

use super::{reading::Reading, view::TitleView};
use crate::{
    domain::{
        AuthorityCode, CivilDate, DesigneeId, IndustryCode, RegionCode, catalogue::Catalogues,
        event::BatchRef,
    },
    limits::QUESTION_SLICE_FACTS,
    register::{
        AsOf, DesigneeIndex, Flags, Register, Seen,
        batches::BatchKey,
        rows::{FactKindRow, FactRow, TitleKey},
    },
};

/// Days in a row on which something is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch<T> {
    /// The first day.
    pub from: CivilDate,
    /// The last day; [`CivilDate::MAX`] if nothing on record changes it.
    pub to: CivilDate,
    /// The same on each of them.
    pub value: T,
}

/// A subject on a day, without its titles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesigneeShown {
    /// Identifier borne on the day.
    pub id: DesigneeId,
    /// Name borne on the day; empty before the first.
    pub name: String,
    /// Registered region or, without one, that of the responsible authority.
    pub region: Option<RegionCode>,
    /// True if the region is that of the responsible authority.
    pub region_inferred: bool,
    /// Industry.
    pub industry: Option<IndustryCode>,
    /// Responsible authority.
    pub responsible: Option<AuthorityCode>,
    /// Day on which it ceased to exist, if it has by the day.
    pub ended_on: Option<CivilDate>,
}

/// A subject over all days, as known at one log size.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// All its identifiers, in the order in which the log names them.
    pub ids: Vec<DesigneeId>,
    /// Their places in that order.
    pub places: Vec<usize>,
    /// The subject, day by day. Empty if the caller may not know it.
    pub designee: Vec<Stretch<DesigneeShown>>,
    /// Its titles, without flags, supports, positions and what `designee` has.
    pub titles: Vec<Stretch<TitleView>>,
    /// The batches in which these titles have entries. Only for a caller with bounds: for it the
    /// counts of a batch follow from the titles that it may know.
    pub batches: Vec<BatchRef>,
}

/// The timeline of one subject under way.
#[derive(Debug)]
pub struct TimelineReading {
    index: DesigneeIndex,
    known_at: u64,
    /// The days that begin a stretch and are still to be read, the next one last. `None` before
    /// the first slice.
    days: Option<Vec<CivilDate>>,
    ids: Vec<DesigneeIndex>,
    designee: Vec<Stretch<DesigneeShown>>,
    titles: Vec<(TitleKey, Stretch<TitleView>)>,
    /// The stretches of titles that reach the day before the next one.
    open: Vec<usize>,
    batches: HashSet<(TitleKey, BatchKey)>,
}

impl TimelineReading {
    /// The timeline of the subject of the designee at a place, as known at a log size.
    #[must_use]
    pub fn new(place: usize, known_at: u64) -> Self {
        Self {
            index: DesigneeIndex::of_place(place),
            known_at,
            days: None,
            ids: Vec::new(),
            designee: Vec::new(),
            titles: Vec::new(),
            open: Vec::new(),
            batches: HashSet::new(),
        }
    }

    /// Reads some more days: as many as [`QUESTION_SLICE_FACTS`] allow. True if some are left.
    pub fn advance(&mut self, seen: Seen<'_>, catalogues: &Catalogues) -> bool {
        let as_of = AsOf { valid_on: CivilDate::MIN, known_at: self.known_at };
        let mut reading = Reading::new(&seen, catalogues, as_of);
        reading.read_one(self.index);
        reading.count(reading.cluster.facts_read());
        if self.days.is_none() {
            self.begin(&reading);
        }
        while let Some(day) = self.days.as_mut().and_then(Vec::pop) {
            reading.fold_on(day);
            let next = self.days.as_ref().and_then(|days| days.last());
            let to = next.and_then(|next| next.previous()).unwrap_or(CivilDate::MAX);
            self.note(&reading, day, to);
            if reading.facts_read() >= QUESTION_SLICE_FACTS {
                break;
            }
        }
        self.days.as_ref().is_some_and(|days| !days.is_empty())
    }

    fn begin(&mut self, reading: &Reading<'_>) {
        self.ids = reading.cluster.same_subject().collect();
        self.ids.sort_unstable();
        let subjects = reading.subjects();
        let is_known = |index: &DesigneeIndex| subjects.events_of(*index).next().is_some();
        let days = self.ids.iter().any(is_known).then(|| reading.days_of_change());
        self.days = Some(days.unwrap_or_default());
        if reading.register.sight().is_some() {
            let keys = reading
                .cluster
                .own_facts()
                .filter_map(|placed| Some((placed.fact.title()?, placed.fact.batch_key()?)));
            self.batches = keys.collect();
        }
    }

    /// Notes the subject as it is from a day to another one.
    fn note(&mut self, reading: &Reading<'_>, from: CivilDate, to: CivilDate) {
        let open = std::mem::take(&mut self.open);
        if !reading.is_shown() {
            return;
        }
        let value = reading.designee_shown();
        let last = self.designee.last_mut();
        match last.filter(|last| last.to.next() == Some(from) && last.value == value) {
            Some(last) => last.to = to,
            None => self.designee.push(Stretch { from, to, value }),
        }
        for title in reading.own_titles() {
            let mut view = reading.title_view(title, reading.status(title), Flags::default());
            // These have stretches of their own, or change with events that change no title.
            (view.positions, view.superseded, view.supports) = Default::default();
            (view.responsible, view.region_inferred) = Default::default();
            let same = open.iter().copied().find(|at| {
                let known = self.titles.get(*at);
                known.is_some_and(|(key, known)| *key == title.key && known.value == view)
            });
            let at = same.unwrap_or_else(|| {
                self.titles.push((title.key, Stretch { from, to, value: view }));
                self.titles.len() - 1
            });
            if let Some((_, known)) = self.titles.get_mut(at) {
                known.to = to;
            }
            self.open.push(at);
        }
    }

    /// The timeline, once all days were read.
    #[must_use]
    pub fn finish(self, register: &Register) -> Timeline {
        let known: HashSet<TitleKey> = self.titles.iter().map(|(key, _)| *key).collect();
        let batches = self.batches.into_iter().filter(|(title, _)| known.contains(title));
        let mut batches: Vec<BatchKey> = batches.map(|(_, batch)| batch).collect();
        batches.sort_unstable();
        batches.dedup();
        let id = |index: &DesigneeIndex| register.id(*index).clone();
        Timeline {
            places: self.ids.iter().map(|index| index.place()).collect(),
            ids: self.ids.iter().map(id).collect(),
            designee: self.designee,
            titles: self.titles.into_iter().map(|(_, stretch)| stretch).collect(),
            batches: batches.into_iter().map(|key| register.batch_ref(key)).collect(),
        }
    }
}

impl Register {
    /// A batch by its name.
    pub(super) fn batch_ref(&self, key: BatchKey) -> BatchRef {
        let BatchKey { programme, authority, name } = key;
        BatchRef { programme, authority, batch: self.text(name).to_owned(), sublist: None }
    }
}

impl Reading<'_> {
    fn designee_shown(&self) -> DesigneeShown {
        let (subject, located) = (&self.folding.subject, self.located());
        DesigneeShown {
            id: self.current_id(),
            name: self.register.text(subject.name).to_owned(),
            region: located.map(|located| located.region),
            region_inferred: located.is_some_and(|located| located.inferred),
            industry: subject.industry,
            responsible: subject.responsible,
            ended_on: subject.ended_on,
        }
    }

    /// The days on which anything about the subject may change, and the first day of all; the
    /// last one first. A fold differs from that of the day before only where a fact or the seal of
    /// a notice takes effect, or where a validity that a fact states is past.
    fn days_of_change(&self) -> Vec<CivilDate> {
        let (mut days, mut batches) = (vec![CivilDate::MIN], HashSet::new());
        for placed in &self.cluster.facts {
            days.push(placed.fact.effective);
            days.extend(placed.fact.last_day().and_then(CivilDate::next));
            if let FactKindRow::Noticed { .. } = placed.fact.kind {
                batches.extend(placed.fact.batch_key());
            }
        }
        let at_last = AsOf { valid_on: CivilDate::MAX, ..self.as_of };
        let all = self.register.batches_as_of(at_last);
        let mut read = 0;
        for batch in batches {
            days.extend(all.seals(batch, &mut read).map(|seal| seal.effective));
        }
        self.count(read);
        days.sort_unstable_by(|one, other| other.cmp(one));
        days.dedup();
        days
    }
}

impl FactRow {
    /// The last day of the validity that the fact states.
    fn last_day(&self) -> Option<CivilDate> {
        match self.kind {
            FactKindRow::Designated { to, .. } | FactKindRow::ReviewPassed { to, .. } => to,
            FactKindRow::Transferred { valid_to, .. } | FactKindRow::Converted { valid_to, .. } => {
                valid_to
            }
            _ => None,
        }
    }
}
