//! The model: slow and obvious, written from `docs/events.md` alone. No index, no cache; each
//! question works everything out anew from the list of events.

use std::collections::{BTreeMap, BTreeSet};

use tidu::{
    domain::{
        AuthorityCode, CivilDate, DesigneeId,
        event::{Event, Fact, SubjectFact, TitleFact},
        kind::ProgrammeId,
    },
    register::Status,
};

/// Everything that was said, by position.
pub(super) struct Model<'a> {
    pub(super) events: &'a [Event],
    pub(super) known_at: usize,
}

/// Whose title, and which.
pub(super) type Key = (DesigneeId, ProgrammeId, AuthorityCode, String);

#[derive(Clone, Debug, Default)]
pub(super) struct Title {
    /// First and last days in force.
    stretches: Vec<(CivilDate, Option<CivilDate>)>,
    /// The identifier that each was stated under.
    under: Vec<Option<DesigneeId>>,
    /// How it ended, when, and the last day it had.
    ended: Option<(Status, CivilDate, Option<CivilDate>)>,
    batch: String,
    round: String,
    notice: Option<Notice>,
    /// None, listed, passed, failed.
    creation: Option<Option<bool>>,
    review: Option<String>,
    given_away: bool,
    collision: bool,
    pub(super) applied: Vec<usize>,
    pub(super) superseded: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Notice {
    batch: String,
    from: CivilDate,
    raised: Option<CivilDate>,
    resolved: Option<CivilDate>,
    closed: bool,
}

/// What can be compared of a title.
pub(super) type Shown =
    (Status, Option<CivilDate>, Option<CivilDate>, String, String, Vec<u64>, Vec<u64>, Vec<bool>);

impl Model<'_> {
    fn target(&self, position: usize) -> Option<usize> {
        match &self.events[position].fact {
            Fact::Repair { position: target, .. } if (*target as usize) < position => {
                Some(*target as usize)
            }
            _ => None,
        }
    }

    fn removes(&self, position: usize) -> bool {
        matches!(&self.events[position].fact, Fact::Repair { replacement: None, .. })
    }

    /// The newest live repair of an event.
    fn repair_of(&self, position: usize) -> Option<usize> {
        let repairs = (0..self.known_at).filter(|r| self.target(*r) == Some(position));
        repairs.filter(|r| self.repair_of(*r).is_none_or(|again| !self.removes(again))).max()
    }

    /// What stands in the place of an event.
    fn content(&self, position: usize) -> Option<Event> {
        match self.repair_of(position) {
            Some(repair) if self.removes(repair) => None,
            Some(repair) => self.content(repair),
            None => match &self.events[position].fact {
                Fact::Repair { replacement, .. } => replacement.as_deref().cloned(),
                _ => Some(self.events[position].clone()),
            },
        }
    }

    /// The event that carries what stands in the place of an event.
    fn source(&self, position: usize) -> u64 {
        match self.repair_of(position) {
            Some(repair) if !self.removes(repair) => self.source(repair),
            _ => position as u64,
        }
    }

    /// Every fact that stands, with its place.
    fn facts(&self) -> Vec<(usize, Event)> {
        let is_repair = |p: &usize| matches!(self.events[*p].fact, Fact::Repair { .. });
        let roots = (0..self.known_at).filter(|p| !is_repair(p));
        roots.filter_map(|p| Some((p, self.content(p)?))).collect()
    }

    /// All identifiers of the subject that has this one.
    pub(super) fn subject(&self, id: &DesigneeId) -> BTreeSet<String> {
        let mut same = BTreeSet::from([id.to_string()]);
        loop {
            let before = same.len();
            for (_, event) in self.facts() {
                let Fact::Subject { designee, fact: SubjectFact::IdentifierChanged { other, .. } } =
                    &event.fact
                else {
                    continue;
                };
                let pair = [designee.to_string(), other.to_string()];
                if pair.iter().any(|id| same.contains(id)) {
                    same.extend(pair);
                }
            }
            if same.len() == before {
                return same;
            }
        }
    }

    /// One identifier for the subject.
    pub(super) fn root(&self, id: &DesigneeId) -> DesigneeId {
        DesigneeId::parse(self.subject(id).first().unwrap()).unwrap()
    }

    /// The first day on which a batch is sealed.
    fn seal(&self, programme: ProgrammeId, batch: &str, as_of: CivilDate) -> Option<CivilDate> {
        self.facts().into_iter().find_map(|(_, event)| match event.fact {
            Fact::Batch { batch: sealed, seals: true, .. }
                if sealed.programme == programme
                    && sealed.batch == batch
                    && event.effective <= as_of =>
            {
                Some(event.effective)
            }
            _ => None,
        })
    }

    pub(super) fn titles(&self, as_of: CivilDate) -> BTreeMap<String, (Key, Title)> {
        let mut facts = self.facts();
        facts.sort_by_key(|(place, event)| (event.effective, precedence(&event.fact), *place));
        let mut titles: BTreeMap<String, (Key, Title)> = BTreeMap::new();
        for (place, event) in facts {
            match &event.fact {
                Fact::Title { designee, title, fact } => {
                    let key =
                        (self.root(designee), title.programme, title.authority, title.item.clone());
                    self.step(&mut titles, key, designee, (place, &event), fact, as_of);
                }
                Fact::Subject { designee, fact } if event.effective <= as_of => {
                    let ends = matches!(
                        fact,
                        SubjectFact::Ended { .. } | SubjectFact::Restructured { ends: true, .. }
                    );
                    let root = self.root(designee);
                    for (key, title) in titles.values_mut().filter(|_| ends) {
                        if key.0 == root {
                            title.end_with_subject(event.effective, place);
                        }
                    }
                }
                _ => {}
            }
        }
        titles
    }

    fn step(
        &self,
        titles: &mut BTreeMap<String, (Key, Title)>,
        key: Key,
        under: &DesigneeId,
        (place, event): (usize, &Event),
        fact: &TitleFact,
        as_of: CivilDate,
    ) {
        let on = event.effective;
        if on > as_of && !matches!(fact, TitleFact::Designated { .. }) {
            return;
        }
        let goes = match fact {
            TitleFact::Transferred { successor, valid_to } => {
                let to = (self.root(successor), key.1, key.2, key.3.clone());
                Some((to, *valid_to, Status::Ended))
            }
            TitleFact::Converted { to, valid_to } => {
                let to = (key.0.clone(), to.programme, to.authority, to.item.clone());
                Some((to, *valid_to, Status::Converted))
            }
            _ => None,
        };
        let Some((to, valid_to, status)) = goes else {
            let title = &mut titles.entry(format!("{key:?}")).or_insert((key, Title::default())).1;
            match title.step(under, place, on, fact, as_of) {
                Some(true) => title.applied.push(place),
                Some(false) => title.superseded.push(place),
                None => {}
            }
            return;
        };
        let title =
            &mut titles.entry(format!("{key:?}")).or_insert((key.clone(), Title::default())).1;
        let last = title.stretches.last().map(|(_, to)| *to);
        // To oneself nothing is passed on.
        let possible = to != key && title.end(status, on);
        let batch = title.batch.clone();
        if possible {
            title.applied.push(place);
            title.given_away = status == Status::Ended;
        } else {
            title.superseded.push(place);
        }
        if possible {
            let receiver = &mut titles.entry(format!("{to:?}")).or_insert((to, Title::default())).1;
            let holds = receiver.ended.is_none() && receiver.holds(on).is_some();
            if holds {
                receiver.superseded.push(place);
            } else {
                receiver.begin(on, valid_to.or(last.flatten()), None);
                receiver.batch = batch;
                receiver.applied.push(place);
            }
        }
    }

    pub(super) fn show(&self, key: &Key, title: &Title, as_of: CivilDate) -> Shown {
        let status = self.status(key, title, as_of);
        let (from, to) =
            title.stretches.last().map_or((None, None), |(from, to)| (Some(*from), *to));
        let noticed = status == Status::Noticed;
        let contested =
            title.notice.as_ref().is_some_and(|n| n.raised.is_some() && n.resolved.is_none());
        let lives = matches!(status, Status::Active | Status::Pending);
        let past = status == Status::Expired && title.ended.is_none();
        let unsealed = |round: &String| self.seal(key.1, round, as_of).is_none();
        let flags = vec![
            noticed && contested,
            lives && title.review.is_some(),
            past && title.review.as_ref().is_some_and(unsealed),
            title.collision,
            title.creation == Some(None),
        ];
        let sources = |places: &[usize]| places.iter().map(|place| self.source(*place)).collect();
        let (applied, superseded) = (sources(&title.applied), sources(&title.superseded));
        (status, from, to, title.batch.clone(), title.round.clone(), applied, superseded, flags)
    }

    fn status(&self, key: &Key, title: &Title, as_of: CivilDate) -> Status {
        let lapsed = match (title.ended, title.stretches.last()) {
            (Some((Status::Expired, on, _)), _) => Some(on),
            (Some((status, ..)), _) => return status,
            (None, Some((from, _))) if *from > as_of => return Status::Pending,
            (None, Some((_, to))) if to.is_none_or(|to| as_of <= to) => return Status::Active,
            (None, Some((_, to))) => *to,
            (None, None) => None,
        };
        if let Some(Notice { batch, from, raised, resolved, closed }) = &title.notice {
            let sealed = self.seal(key.1, batch, as_of);
            let contested = |seal: CivilDate| {
                raised.is_some_and(|on| on <= seal) && !resolved.is_some_and(|on| on <= seal)
            };
            let open = !closed && sealed.is_none_or(contested);
            if open && lapsed.is_none_or(|on| *from >= on) {
                return Status::Noticed;
            }
        }
        match (lapsed, title.creation) {
            (Some(_), _) => Status::Expired,
            (None, Some(None | Some(true))) => Status::Noticed,
            _ => Status::NotDesignated,
        }
    }
}

impl Title {
    fn holds(&self, on: CivilDate) -> Option<usize> {
        self.stretches.iter().position(|(from, to)| *from <= on && to.is_none_or(|to| on <= to))
    }

    fn begin(&mut self, from: CivilDate, to: Option<CivilDate>, under: Option<DesigneeId>) {
        self.stretches.push((from, to));
        self.under.push(under);
        (self.ended, self.notice, self.review, self.given_away) = (None, None, None, false);
    }

    fn cut(&mut self, on: CivilDate) {
        if let Some((from, to)) = self.stretches.last_mut()
            && (*from > on || to.is_none_or(|to| on <= to))
        {
            *to = on.previous();
        }
    }

    fn end(&mut self, status: Status, on: CivilDate) -> bool {
        let last = self.stretches.last().map(|(_, to)| *to);
        let had = match (last, self.ended) {
            (None, _) => return false,
            (Some(last), None) => last,
            (Some(_), Some((Status::Expired, _, had))) if status != Status::Expired => had,
            _ => return false,
        };
        self.cut(on);
        self.ended = Some((status, on, had));
        self.review = None;
        true
    }

    fn end_with_subject(&mut self, on: CivilDate, place: usize) {
        let mut closes = false;
        if let Some(notice) = &mut self.notice
            && !notice.closed
        {
            notice.closed = true;
            closes = true;
        }
        let lives = self.stretches.iter().any(|(_, to)| to.is_none_or(|to| on <= to));
        if (lives && self.ended.is_none() && self.end(Status::Ended, on)) || closes {
            self.applied.push(place);
        }
    }

    /// Some(true): applied; Some(false): superseded; none: does not count yet.
    fn step(
        &mut self,
        under: &DesigneeId,
        _place: usize,
        on: CivilDate,
        fact: &TitleFact,
        as_of: CivilDate,
    ) -> Option<bool> {
        let held = !self.stretches.is_empty() && self.ended.is_none();
        Some(match fact {
            TitleFact::NoticeOpened { review: true, batch, .. } => {
                self.review = Some(batch.clone());
                true
            }
            TitleFact::NoticeOpened { batch, .. } => {
                let (raised, resolved, closed) = (None, None, false);
                self.notice =
                    Some(Notice { batch: batch.clone(), from: on, raised, resolved, closed });
                if self.stretches.is_empty() {
                    self.batch.clone_from(batch);
                }
                true
            }
            TitleFact::ObjectionRaised { .. } => {
                self.notice.as_mut().map(|notice| notice.raised = Some(on)).is_some()
            }
            TitleFact::ObjectionResolved { upheld, .. } => {
                let change = |notice: &mut Notice| {
                    notice.resolved = Some(on);
                    notice.closed |= *upheld;
                };
                self.notice.as_mut().map(change).is_some()
            }
            TitleFact::NoticeWithdrawn { .. } => {
                self.notice.as_mut().map(|notice| notice.closed = true).is_some()
            }
            TitleFact::CreationListed { batch, .. } => {
                self.creation = Some(None);
                if self.stretches.is_empty() {
                    self.batch.clone_from(batch);
                }
                true
            }
            TitleFact::CreationAssessed { passed, .. } => {
                self.creation = Some(Some(*passed));
                true
            }
            TitleFact::Designated { batch, validity, renews, .. } => {
                if on > as_of && !self.stretches.is_empty() {
                    return None;
                }
                if let Some(place) = self.holds(on).filter(|_| self.ended.is_none()) {
                    if !(*renews && self.stretches[place].0 < on) {
                        self.collision |= self.under[place].as_ref() != Some(under);
                        return Some(false);
                    }
                    self.cut(on);
                } else if matches!(self.ended, Some((Status::Ended, ..))) && !self.given_away {
                    return Some(false);
                }
                self.begin(on, validity.to, Some(under.clone()));
                self.batch.clone_from(batch);
                self.round.clear();
                self.creation = None;
                true
            }
            TitleFact::ReviewOpened { round, .. } => {
                if held {
                    self.review = Some(round.clone());
                }
                held
            }
            TitleFact::ReviewPassed { round, validity, .. } => {
                if held {
                    self.cut(on);
                    self.begin(on, validity.to, Some(under.clone()));
                    self.round.clone_from(round);
                }
                held
            }
            TitleFact::ReviewFailed { revokes, .. } => {
                self.end(if *revokes { Status::Revoked } else { Status::Expired }, on)
            }
            TitleFact::Revoked { .. } => self.end(Status::Revoked, on),
            TitleFact::Surrendered => self.end(Status::Surrendered, on),
            TitleFact::Reinstated { .. } => match self.ended {
                Some((Status::Revoked, _, had)) => {
                    self.begin(on, had, Some(under.clone()));
                    true
                }
                _ => false,
            },
            TitleFact::RevocationProposed | TitleFact::RectificationOrdered { .. } => held,
            TitleFact::SupportGranted { .. } => true,
            TitleFact::Transferred { .. } | TitleFact::Converted { .. } => {
                unreachable!("seen before")
            }
        })
    }
}

/// The table of `docs/events.md`.
pub(super) fn precedence(fact: &Fact) -> u8 {
    match fact {
        Fact::Title { fact, .. } => match fact {
            TitleFact::CreationListed { .. } => 5,
            TitleFact::CreationAssessed { .. } => 8,
            TitleFact::NoticeOpened { review: false, .. } => 10,
            TitleFact::ObjectionRaised { .. } => 12,
            TitleFact::ObjectionResolved { .. } => 14,
            TitleFact::NoticeWithdrawn { .. } => 16,
            TitleFact::Designated { .. } => 20,
            TitleFact::Converted { .. } => 24,
            TitleFact::Transferred { .. } => 26,
            TitleFact::ReviewOpened { .. } => 30,
            TitleFact::NoticeOpened { review: true, .. } => 40,
            TitleFact::SupportGranted { .. } => 45,
            TitleFact::ReviewPassed { .. } | TitleFact::ReviewFailed { .. } => 60,
            TitleFact::RectificationOrdered { .. } | TitleFact::RevocationProposed => 85,
            TitleFact::Surrendered | TitleFact::Revoked { .. } => 90,
            TitleFact::Reinstated { .. } => 92,
        },
        Fact::Subject {
            fact: SubjectFact::Ended { .. } | SubjectFact::Restructured { .. },
            ..
        } => 95,
        _ => 80,
    }
}
