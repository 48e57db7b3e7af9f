//! The frame: measures in force, what is declared complete, cultivation pools, assessments.

use hashbrown::HashMap;

use super::{
    DesigneeIndex, Register, Undo,
    query::Moment,
    row::{Link, Stated, What},
    texts::Sym,
};
use crate::domain::{AuthorityCode, CivilDate, RegionCode, event::Part, kind::ProgrammeId};

/// A legal instrument as of a day. Its words stand in the event.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // as documented in tidu.v1.MeasureSummary
pub struct MeasureView {
    pub authority: AuthorityCode,
    pub programme: Option<ProgrammeId>,
    pub document: String,
    pub in_force_from: CivilDate,
    pub in_force_to: Option<CivilDate>,
    pub in_force: bool,
    /// The event that counts.
    pub position: u64,
    pub repeal: Option<u64>,
}

/// Which instruments.
#[derive(Clone, Debug, Default)]
pub struct MeasuresWanted {
    /// Issuers; empty: all.
    pub authorities: Vec<AuthorityCode>,
    /// Programmes; empty: all. What governs the whole system matches every programme.
    pub programmes: Vec<ProgrammeId>,
    /// Only those in force on the day.
    pub in_force_only: bool,
}

/// A cultivation pool as of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolView {
    /// Whose it is.
    pub authority: AuthorityCode,
    /// Its id.
    pub pool: String,
    /// Subjects in it.
    pub entries: u64,
}

/// An assessment. Its indicators stand in the event.
#[derive(Clone, Debug)]
pub struct AssessmentView {
    /// Who recorded it.
    pub authority: AuthorityCode,
    /// Which region.
    pub region: RegionCode,
    /// Which year.
    pub year: u16,
    /// The event that counts.
    pub position: u64,
}

impl Register {
    /// Facts of the frame that stand as known at a log size, with their places.
    fn frame_facts(&self, known_at: u64) -> impl Iterator<Item = (u32, Stated)> {
        let known = self.frame.iter().copied().filter(move |p| u64::from(*p) < known_at);
        known.filter_map(move |place| self.standing(place, known_at).map(|(_, s)| (place, s)))
    }

    /// Number of facts of the frame: what follows from them changes only when it does.
    pub(super) fn frame_size(&self) -> usize {
        self.frame.len()
    }

    /// The event by which a catalogue was adopted last, as known at a log size.
    #[must_use]
    pub fn last_adoption(&self, known_at: u64) -> Option<u64> {
        let adoptions = self.frame_facts(known_at);
        let last = adoptions.filter(|(_, stated)| stated.what == What::CatalogueAdopted).last();
        last.map(|(place, _)| self.source_of(place, known_at).into())
    }

    /// True if a part of an authority's register is declared complete on a day.
    pub(super) fn complete(
        &self,
        authority: AuthorityCode,
        programme: ProgrammeId,
        part: Part,
        moment: Moment,
    ) -> bool {
        let declares = |stated: &Stated| {
            matches!(stated.what, What::CompletenessDeclared { part: declared } if declared == part)
                && stated.issuer == authority
                && stated.programme.is_none_or(|declared| declared == programme)
                && stated.effective <= moment.as_of
        };
        self.frame_facts(moment.known_at).any(|(_, stated)| declares(&stated))
    }

    /// True if an instrument of the authority, or of the ministry, governs the programme on a day.
    pub(super) fn has_measures(
        &self,
        authority: AuthorityCode,
        programme: ProgrammeId,
        moment: Moment,
    ) -> bool {
        let wanted = MeasuresWanted {
            authorities: vec![authority],
            programmes: vec![programme],
            in_force_only: true,
        };
        !self.measures(&wanted, moment).is_empty()
    }

    /// The instruments that match, in the order of the log.
    #[must_use]
    pub fn measures(&self, wanted: &MeasuresWanted, moment: Moment) -> Vec<MeasureView> {
        let facts: Vec<_> = self.frame_facts(moment.known_at).collect();
        let repeals: Vec<_> = facts
            .iter()
            .filter_map(|(place, stated)| match stated.what {
                What::MeasuresRepealed { target, document } => {
                    Some((*place, stated, target, document))
                }
                _ => None,
            })
            .collect();
        let mut found = Vec::new();
        for (place, stated) in &facts {
            let What::MeasuresIssued { from, to } = stated.what else { continue };
            let governs = |wanted: &ProgrammeId| stated.programme.is_none_or(|own| own == *wanted);
            if !(wanted.authorities.is_empty() || wanted.authorities.contains(&stated.issuer))
                || !(wanted.programmes.is_empty() || wanted.programmes.iter().any(governs))
                || stated.effective > moment.as_of
            {
                continue;
            }
            let repeal = repeals
                .iter()
                .filter(|(_, repeal, target, document)| {
                    let same_document = target.position().is_none()
                        && !document.is_empty()
                        && *document == stated.document;
                    (*target == Link::to(*place) || same_document)
                        && repeal.issuer == stated.issuer
                        && repeal.effective <= moment.as_of
                })
                .min_by_key(|(_, repeal, ..)| repeal.effective);
            let last = repeal.and_then(|(_, repeal, ..)| repeal.effective.previous());
            let to = to.into_iter().chain(last).min();
            let in_force = from <= moment.as_of && to.is_none_or(|to| moment.as_of <= to);
            if wanted.in_force_only && !in_force {
                continue;
            }
            found.push(MeasureView {
                authority: stated.issuer,
                programme: stated.programme,
                document: self.text(stated.document).to_owned(),
                in_force_from: from,
                in_force_to: to,
                in_force,
                position: self.source_of(*place, moment.known_at).into(),
                repeal: repeal.map(|(place, ..)| self.source_of(*place, moment.known_at).into()),
            });
        }
        found
    }

    /// True if an instrument stands at a position, or with a document number.
    pub(super) fn instrument_exists(&self, position: Option<u64>, document: &str) -> bool {
        let document = self.texts.find(document);
        self.frame_facts(self.size()).any(|(place, stated)| {
            matches!(stated.what, What::MeasuresIssued { .. })
                && match position {
                    Some(position) => u64::from(place) == position,
                    None => Some(stated.document) == document,
                }
        })
    }

    /// The assessments of regions under one, in the order of the log.
    #[must_use]
    pub fn assessments(
        &self,
        under: Option<RegionCode>,
        years: &[u16],
        moment: Moment,
    ) -> Vec<AssessmentView> {
        let facts = self.frame_facts(moment.known_at);
        let view = |(place, stated): (u32, Stated)| {
            let What::Assessed { region, year, .. } = stated.what else { return None };
            let wanted = under.is_none_or(|under| region.is_under(under))
                && (years.is_empty() || years.contains(&year))
                && stated.effective <= moment.as_of;
            let position = self.source_of(place, moment.known_at).into();
            wanted.then_some(AssessmentView { authority: stated.issuer, region, year, position })
        };
        facts.filter_map(view).collect()
    }

    /// The place of an assessment of a region and year by an assessor, if one stands.
    pub(super) fn assessment_of(
        &self,
        region: RegionCode,
        year: u16,
        assessor: &str,
    ) -> Option<u32> {
        let assessor = self.texts.find(assessor)?;
        let same = What::Assessed { region, year, assessor };
        self.frame_facts(self.size())
            .find(|(_, stated)| stated.what == same)
            .map(|(place, _)| place)
    }

    pub(super) fn note_pool_event(&mut self, stated: &Stated, place: u32) {
        let (What::PoolEntered { pool, .. } | What::PoolLeft { pool }) = stated.what else {
            return;
        };
        let key = (stated.issuer, pool);
        self.pools.entry(key).or_default().push(place);
        self.undo.push(Undo::Pool(key.0, key.1));
    }

    /// The pools of authorities (none named: of all), by authority and id.
    #[must_use]
    pub fn pools(&self, authorities: &[AuthorityCode], moment: Moment) -> Vec<PoolView> {
        let wanted = |authority| authorities.is_empty() || authorities.contains(&authority);
        let keys = self.pools.iter().filter(|((authority, _), _)| wanted(*authority));
        let view = |(&(authority, pool), places): (&(AuthorityCode, Sym), &Vec<u32>)| {
            let known = places.iter().any(|place| u64::from(*place) < moment.known_at);
            let entries = self.pool_members(authority, pool, places, moment);
            let pool = self.text(pool).to_owned();
            known.then_some(PoolView { authority, pool, entries })
        };
        let mut views: Vec<_> = keys.filter_map(view).collect();
        views.sort_by(|a, b| (a.authority, &a.pool).cmp(&(b.authority, &b.pool)));
        views
    }

    fn pool_members(
        &self,
        authority: AuthorityCode,
        pool: Sym,
        places: &[u32],
        moment: Moment,
    ) -> u64 {
        // By subject: the last thing that happened by the day.
        let mut last: HashMap<DesigneeIndex, ((CivilDate, u8, u32), bool)> = HashMap::new();
        for place in places.iter().filter(|place| u64::from(**place) < moment.known_at) {
            let Some((owner, stated)) = self.standing(*place, moment.known_at) else { continue };
            let entered = match stated.what {
                What::PoolEntered { pool: entered, .. } if entered == pool => true,
                What::PoolLeft { pool: left } if left == pool => false,
                _ => continue,
            };
            if stated.issuer != authority || stated.effective > moment.as_of {
                continue;
            }
            let order = (stated.effective, stated.precedence(), *place);
            let subject = self.subject_of(owner, moment.known_at);
            let known = last.entry(subject).or_insert((order, entered));
            if known.0 <= order {
                *known = (order, entered);
            }
        }
        last.values().filter(|(_, entered)| *entered).count() as u64
    }

    /// One identifier that stands for all of a subject.
    fn subject_of(&self, index: DesigneeIndex, known_at: u64) -> DesigneeIndex {
        if !self.has_ties(index, known_at) {
            return index;
        }
        let circle = self.circle(index, known_at, None);
        circle.own_members().min().unwrap_or(index)
    }

    fn has_ties(&self, index: DesigneeIndex, known_at: u64) -> bool {
        self.designee(index).also
            || self.events_of(index, known_at).any(|position| {
                let what = self.stated(position).map(|stated| stated.what);
                matches!(what, Some(What::Linked { .. } | What::Repaired { .. }))
            })
    }
}
