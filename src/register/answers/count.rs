//! Counts of titles or designees at a stage, by group, answered in slices.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::{
    query::{Matcher, Wanted},
    reading::Reading,
};
use crate::{
    domain::{AuthorityCode, IndustryCode, RegionCode, catalogue::Catalogues, kind::ProgrammeId},
    limits::QUESTION_SLICE_FACTS,
    register::{AsOf, EndCause, Flags, Register, Sight, Status, fold::Folded, rows::Sym},
};

/// The stage that a title must have reached to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Recommended in a notice.
    Recommended,
    /// In a public notice of a designation.
    Noticed,
    /// Designated on or before the day.
    EverDesignated,
    /// A review was passed.
    Reviewed,
    /// In force on the day.
    Active,
    /// On record, whatever the status.
    Any,
}

/// An attribute by which counts are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The programme.
    Programme,
    /// The authority that decides on the title.
    Authority,
    /// The authority responsible for the designee.
    Responsible,
    /// The authority that recommended the title.
    RecommendedBy,
    /// The province of the designee.
    Region,
    /// The status.
    Status,
    /// The batch of the first designation or notice.
    Cohort,
    /// The round of the last passed review.
    Round,
    /// The section of the designee's industry.
    Industry,
    /// The month of the last day of validity.
    ValidToMonth,
    /// The year of the last day of validity.
    ValidToYear,
    /// The cause of the end.
    EndCause,
    /// The type, site or product.
    Item,
}

/// A value that a title is grouped under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    None,
    Programme(ProgrammeId),
    Authority(AuthorityCode),
    Region(RegionCode),
    Status(Status),
    Text(Sym),
    Section(&'static str),
    Month(i16, i8),
    Year(i16),
    Cause(EndCause),
}

/// One group of a count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    /// The keys, written as in the protocol.
    pub keys: Vec<String>,
    /// Number of titles or designees.
    pub count: u64,
    /// Of these, with an inferred region.
    pub inferred: u64,
}

/// Numbers of one group.
#[derive(Clone, Copy, Debug, Default)]
struct Numbers {
    count: u64,
    inferred: u64,
}

impl Numbers {
    fn add(&mut self, inferred: bool) {
        self.count += 1;
        self.inferred += u64::from(inferred);
    }
}

/// A count under way.
#[derive(Debug)]
pub struct Counting {
    /// The titles to count.
    pub wanted: Wanted,
    /// The day and log size of the count.
    pub as_of: AsOf,
    /// Counts designees rather than titles.
    pub by_designee: bool,
    /// The stage to count.
    pub stage: Stage,
    /// The groups, at most three.
    pub groups: Vec<Group>,
    /// The bounds of the caller, if it has any.
    pub sight: Option<Arc<Sight>>,
    total: u64,
    counts: HashMap<[Key; 3], Numbers>,
    next: usize,
}

impl Counting {
    /// A count that has not begun.
    #[must_use]
    pub fn new(wanted: Wanted, as_of: AsOf, stage: Stage, groups: Vec<Group>) -> Self {
        Self {
            wanted,
            as_of,
            by_designee: false,
            stage,
            groups,
            sight: None,
            total: 0,
            counts: HashMap::new(),
            next: 0,
        }
    }

    /// The total.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Number of groups so far.
    #[must_use]
    pub fn group_count(&self) -> usize {
        self.counts.len()
    }

    /// Reads the next designees, fewer if much is on record about them; true if there are more.
    pub fn advance(
        &mut self,
        register: &Register,
        catalogues: &Catalogues,
        designees: usize,
    ) -> bool {
        let seen = register.as_seen(self.sight.as_ref());
        let mut reading = Reading::new(&seen, catalogues, self.as_of);
        let matcher = Matcher::new(&register.rows, &self.wanted);
        let end = register.designee_count().min(self.next.saturating_add(designees));
        let mut keys: HashSet<[Key; 3]> = HashSet::new();
        let by_region = self.groups.contains(&Group::Region);
        for place in self.next..end {
            if reading.facts_read() >= QUESTION_SLICE_FACTS {
                self.next = place;
                return true;
            }
            let Some(index) = reading.read(place) else { continue };
            if !matcher.name_matches(&reading, index) {
                continue;
            }
            keys.clear();
            let mut counted = false;
            let is_inferred = by_region && reading.located().is_some_and(|at| at.inferred);
            for title in reading.own_titles() {
                let status = reading.status(title);
                if !self.is_at_stage(title, status) {
                    continue;
                }
                let needs_flags = !self.wanted.flags.is_empty();
                let flags =
                    if needs_flags { reading.flags(title, status) } else { Flags::default() };
                if !matcher.matches(&reading, title, status, flags) {
                    continue;
                }
                let key = self.key(&reading, title, status);
                counted = true;
                if self.by_designee {
                    keys.insert(key);
                } else {
                    self.total += 1;
                    self.counts.entry(key).or_default().add(is_inferred);
                }
            }
            if self.by_designee {
                self.total += u64::from(counted);
                keys.iter().for_each(|key| self.counts.entry(*key).or_default().add(is_inferred));
            }
        }
        self.next = end;
        end < register.designee_count()
    }

    fn is_at_stage(&self, title: &Folded, status: Status) -> bool {
        match self.stage {
            Stage::Recommended => title.stages.recommended,
            Stage::Noticed => title.stages.noticed,
            Stage::EverDesignated => title.periods.iter().any(|p| p.from <= self.as_of.valid_on),
            Stage::Reviewed => title.stages.reviewed,
            Stage::Active => status == Status::Active,
            Stage::Any => true,
        }
    }

    fn key(&self, reading: &Reading<'_>, title: &Folded, status: Status) -> [Key; 3] {
        let subject = &reading.folding.subject;
        let last = title.current().and_then(|period| period.validity.to);
        let authority = |code: Option<AuthorityCode>| code.map_or(Key::None, Key::Authority);
        let section = |industry: IndustryCode| Key::Section(industry.section());
        let mut groups = self.groups.iter();
        std::array::from_fn(|_| match groups.next() {
            None => Key::None,
            Some(Group::Programme) => Key::Programme(title.key.programme),
            Some(Group::Authority) => Key::Authority(title.key.authority),
            Some(Group::Responsible) => authority(subject.responsible),
            Some(Group::RecommendedBy) => authority(title.recommended_by),
            Some(Group::Region) => {
                reading.located().map_or(Key::None, |at| Key::Region(at.region.province()))
            }
            Some(Group::Status) => Key::Status(status),
            Some(Group::Cohort) => Key::Text(title.batch),
            Some(Group::Round) => Key::Text(title.round),
            Some(Group::Industry) => subject.industry.map_or(Key::None, section),
            Some(Group::ValidToMonth) => {
                last.map_or(Key::None, |day| Key::Month(day.year(), day.month()))
            }
            Some(Group::ValidToYear) => last.map_or(Key::None, |day| Key::Year(day.year())),
            Some(Group::EndCause) => reading.end_cause(title, status).map_or(Key::None, Key::Cause),
            Some(Group::Item) => Key::Text(title.key.item),
        })
    }

    /// The groups by their keys, which are written as in the protocol.
    #[must_use]
    pub fn groups(&self, register: &Register, catalogues: &Catalogues) -> Vec<Counted> {
        let text = |key: &Key| match key {
            Key::None => String::new(),
            Key::Programme(id) => catalogues.id_of(*id).to_owned(),
            Key::Authority(code) => code.as_str().to_owned(),
            Key::Region(code) => code.to_string(),
            Key::Status(status) => status.as_str().to_owned(),
            Key::Text(sym) => register.text(*sym).to_owned(),
            Key::Section(section) => (*section).to_owned(),
            Key::Month(year, month) => format!("{year:04}-{month:02}"),
            Key::Year(year) => format!("{year:04}"),
            Key::Cause(cause) => cause.as_str().to_owned(),
        };
        let keys = |key: &[Key; 3]| key.iter().take(self.groups.len()).map(text).collect();
        let counted = |(key, numbers): (&[Key; 3], &Numbers)| {
            let Numbers { count, inferred } = *numbers;
            Counted { keys: keys(key), count, inferred }
        };
        let mut rows: Vec<Counted> = self.counts.iter().map(counted).collect();
        rows.sort();
        rows
    }
}

impl Status {
    /// Those that a question which names none asks for: all but [`Status::NotOnRecord`].
    pub const LISTED: [Self; 9] = [
        Self::Pending,
        Self::Noticed,
        Self::NotDesignated,
        Self::Active,
        Self::Expired,
        Self::Revoked,
        Self::Surrendered,
        Self::Ended,
        Self::Converted,
    ];

    /// The status in lower case, as in the protocol's groups.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Noticed => "noticed",
            Self::NotDesignated => "not_designated",
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Surrendered => "surrendered",
            Self::Ended => "ended",
            Self::Converted => "converted",
            Self::NotOnRecord => "not_on_record",
        }
    }
}
