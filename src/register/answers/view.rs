//! Answers about one designee, as of a day, as known at a log size.

use std::borrow::Cow;

use hashbrown::HashMap;

use super::reading::Reading;
use crate::{
    domain::{
        AuthorityCode, CivilDate, DesigneeId, IndustryCode, RegionCode, catalogue::Catalogues,
        event::Ground, kind::ProgrammeId,
    },
    register::{
        AsOf, DesigneeIndex, EndCause, Flags, Register, Seen, Status,
        fold::Folded,
        identity::FactAt,
        rows::{FactKindRow, Sym},
    },
};

/// A designee as of a day.
#[derive(Clone, Debug)]
pub struct DesigneeView {
    /// Identifier borne on the day.
    pub id: DesigneeId,
    /// All identifiers of the subject, in the order in which they were replaced; last those that
    /// never were. Empty if there is only one.
    pub ids: Vec<DatedId>,
    /// One more than the position of the last event about it.
    pub version: u64,
    /// Names with their first days, oldest first; the last one is borne on the day.
    pub names: Vec<DatedName>,
    /// Registered region or, without one, that of the responsible authority.
    pub region: Option<RegionCode>,
    /// True if the region is that of the responsible authority.
    pub region_inferred: bool,
    /// Industry.
    pub industry: Option<IndustryCode>,
    /// Responsible authority.
    pub responsible: Option<AuthorityCode>,
    /// Day on which it ceased to exist.
    pub ended_on: Option<CivilDate>,
    /// Titles.
    pub titles: Vec<TitleView>,
    /// Cultivation pools it is in.
    pub pools: Vec<Membership>,
    /// Positions of all events about it, oldest first.
    pub positions: Vec<u64>,
    /// Position of the event that carries the latest profile.
    pub profile_at: Option<u64>,
}

/// A name with the first day on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatedName {
    /// The name.
    pub name: String,
    /// The day.
    pub from: CivilDate,
}

/// An identifier with the day from which it is borne.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatedId {
    /// The identifier.
    pub id: DesigneeId,
    /// The day; `None` for the identifier that the subject began with.
    pub from: Option<CivilDate>,
    /// The event that says so.
    pub position: Option<u64>,
}

/// Membership of a cultivation pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Whose pool it is.
    pub authority: AuthorityCode,
    /// The pool.
    pub pool: String,
    /// Day of entry.
    pub entered_on: CivilDate,
}

/// Support granted to the holder of a title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupportView {
    /// Scheme.
    pub scheme: String,
    /// Round.
    pub round: String,
    /// The event.
    pub position: u64,
}

/// A title as of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TitleView {
    /// The programme.
    pub programme: ProgrammeId,
    /// The authority that decides on the title.
    pub authority: AuthorityCode,
    /// Type, site or product; empty if there is only one.
    pub item: String,
    /// The status.
    pub status: Status,
    /// Conditions that deserve attention.
    pub flags: Flags,
    /// First day of the current period.
    pub valid_from: Option<CivilDate>,
    /// Last day of the current period; `None` if no end is known.
    pub valid_to: Option<CivilDate>,
    /// True if the last day was inferred from the catalogue.
    pub inferred: bool,
    /// Cohort: the batch of the first designation or notice.
    pub batch: String,
    /// The sub-list of that batch.
    pub sublist: Option<AuthorityCode>,
    /// Round of the last passed review.
    pub round: String,
    /// Rule version under which the current period began.
    pub rule_version: String,
    /// The authority that recommended it.
    pub recommended_by: Option<AuthorityCode>,
    /// The authority responsible for the designee.
    pub responsible: Option<AuthorityCode>,
    /// Last day of a ban after a revocation.
    pub ban_until: Option<CivilDate>,
    /// True if the ban was inferred from the catalogue.
    pub ban_inferred: bool,
    /// The ground of the revocation that ended it.
    pub ground: Option<Ground>,
    /// The cause of its end.
    pub end_cause: Option<EndCause>,
    /// Day on which it ended early.
    pub ended_on: Option<CivilDate>,
    /// The event that ended it.
    pub ended_at: Option<u64>,
    /// True if the designee's region is that of the responsible authority.
    pub region_inferred: bool,
    /// The designee that it passed to.
    pub successor: Option<DesigneeId>,
    /// The programme that it was converted into.
    pub converted_to: Option<ProgrammeId>,
    /// Last day of a rectification that was ordered.
    pub rectify_by: Option<CivilDate>,
    /// Support granted to the holder.
    pub supports: Vec<SupportView>,
    /// Positions of the events that made it, in the order of the fold.
    pub positions: Vec<u64>,
    /// Positions of the events that could not apply.
    pub superseded: Vec<u64>,
}

impl Register {
    /// The designee as of a day, as known at a log size.
    #[must_use]
    pub fn view(&self, catalogues: &Catalogues, index: DesigneeIndex, as_of: AsOf) -> DesigneeView {
        let mut reading = Reading::new(self, catalogues, as_of);
        reading.read_one(index);
        reading.designee_view()
    }
}

impl Seen<'_> {
    /// The designee as of a day, as known at a log size; none if the caller may not know it.
    #[must_use]
    pub fn view(
        &self,
        catalogues: &Catalogues,
        index: DesigneeIndex,
        as_of: AsOf,
    ) -> Option<DesigneeView> {
        let mut reading = Reading::new(self, catalogues, as_of);
        reading.read_one(index);
        reading.is_shown().then(|| reading.designee_view())
    }
}

impl Reading<'_> {
    fn designee_view(&self) -> DesigneeView {
        let (subjects, facts) = (self.subjects(), self.subjects().facts());
        let (subject, located) = (&self.folding.subject, self.located());
        let view = |title: &Folded| {
            let status = self.status(title);
            self.title_view(title, status, self.flags(title, status))
        };
        let members = self.cluster.same_subject();
        let mut positions: Vec<u64> =
            members.flat_map(|member| subjects.events_of(member).map(u64::from)).collect();
        let is_bounded = self.register.sight().is_some();
        let unbounded = positions.iter().max().copied().filter(|_| !is_bounded);
        positions.retain(|position| self.may_read(*position));
        positions.sort_unstable();
        positions.dedup();
        // An event that is withheld from everybody still counts: preconditions name the version.
        let last = unbounded.or_else(|| positions.last().copied());
        let mut begun =
            self.cluster.own_facts().rev().filter(|p| p.fact.effective <= self.as_of.valid_on);
        let source = |placed: &FactAt| u64::from(facts.source_of(placed.position, &mut 0));
        let profiled = begun.find(|placed| {
            placed.fact.listing().is_some_and(|l| !l.name.is_empty())
                && self.may_read(source(placed))
        });
        DesigneeView {
            id: self.current_id(),
            ids: self.ids(),
            version: last.map_or(0, |last| last + 1),
            names: self.names(),
            region: located.map(|located| located.region),
            region_inferred: located.is_some_and(|located| located.inferred),
            industry: subject.industry,
            responsible: subject.responsible,
            ended_on: subject.ended_on,
            titles: self.own_titles().map(view).collect(),
            pools: self.pools(),
            positions,
            profile_at: profiled.map(source),
        }
    }

    fn names(&self) -> Vec<DatedName> {
        let facts = self.subjects().facts();
        let mut names: Vec<DatedName> = Vec::new();
        let mut last = (Sym::EMPTY, Cow::Borrowed(""));
        for placed in self.cluster.own_facts() {
            let fact = &placed.fact;
            let Some(word) = fact.name().filter(|_| fact.effective <= self.as_of.valid_on) else {
                continue;
            };
            // Most facts repeat the name of the one before.
            if word == last.0 {
                continue;
            }
            let key = facts.name_key(word);
            if names.is_empty() || key != last.1 {
                names.push(DatedName { name: facts.text(word).to_owned(), from: fact.effective });
            }
            last = (word, key);
        }
        names
    }

    fn pools(&self) -> Vec<Membership> {
        // Each with the number of the fact by which it was entered.
        let mut pools: HashMap<(AuthorityCode, Sym), (usize, CivilDate)> = HashMap::new();
        let facts = self.cluster.own_facts().map(|placed| &placed.fact);
        let begun = facts.filter(|fact| fact.effective <= self.as_of.valid_on);
        for (number, fact) in begun.enumerate() {
            let Some(issuer) = fact.issuer.authority() else { continue };
            match fact.kind {
                FactKindRow::PoolEntered { pool, .. } => {
                    pools.entry((issuer, pool)).or_insert((number, fact.effective));
                }
                FactKindRow::PoolLeft { pool } => {
                    pools.remove(&(issuer, pool));
                }
                _ => {}
            }
        }
        let mut pools: Vec<_> = pools.into_iter().collect();
        let is_known = |authority| self.register.sight().is_none_or(|s| s.shows_pools(authority));
        pools.retain(|((authority, _), _)| is_known(*authority));
        pools.sort_unstable_by_key(|(_, (number, _))| *number);
        let membership = |((authority, pool), (_, entered_on))| Membership {
            authority,
            pool: self.register.text(pool).to_owned(),
            entered_on,
        };
        pools.into_iter().map(membership).collect()
    }

    /// The cause for which a title ended.
    pub(super) fn end_cause(&self, title: &Folded, status: Status) -> Option<EndCause> {
        self.end_of(title, status).map(|end| end.cause)
    }

    /// A title, with the positions that the caller may read.
    pub(super) fn title_view(&self, title: &Folded, status: Status, flags: Flags) -> TitleView {
        let mut view = self.whole_view(title, status, flags);
        self.leave_out_unread(&mut view);
        view
    }

    /// Leaves out the events that the caller may not read.
    pub(super) fn leave_out_unread(&self, view: &mut TitleView) {
        if self.subjects().facts().sieve().is_none() {
            return;
        }
        view.positions.retain(|position| self.may_read(*position));
        view.superseded.retain(|position| self.may_read(*position));
        view.supports.retain(|support| self.may_read(support.position));
        view.ended_at = view.ended_at.filter(|position| self.may_read(*position));
    }

    /// A title with all its positions.
    pub(super) fn whole_view(&self, title: &Folded, status: Status, flags: Flags) -> TitleView {
        let (register, facts) = (self.register, self.subjects().facts());
        let source = |place: u32| {
            let mut read = 0;
            let source = facts.source_of(place, &mut read);
            self.count(read);
            u64::from(source)
        };
        let text = |sym: Sym| register.text(sym).to_owned();
        let sources = |places: &[u32]| places.iter().map(|place| source(*place)).collect();
        let (end, ban) = (self.end_of(title, status), title.bans.last());
        let validity = title.current().map(|period| period.validity).unwrap_or_default();
        let rule = self.catalogues.rule_at(title.key.programme, title.rule);
        let support = |(scheme, round, place): &(Sym, Sym, u32)| SupportView {
            scheme: text(*scheme),
            round: text(*round),
            position: source(*place),
        };
        TitleView {
            programme: title.key.programme,
            authority: title.key.authority,
            item: text(title.key.item),
            status,
            flags,
            valid_from: title.current().map(|period| period.from),
            valid_to: validity.to,
            inferred: validity.inferred,
            batch: text(title.batch),
            sublist: title.sublist,
            round: text(title.round),
            rule_version: rule.map_or("", |rule| rule.version.as_str()).to_owned(),
            recommended_by: title.recommended_by,
            responsible: self.folding.subject.responsible,
            ban_until: ban.map(|ban| ban.until),
            ban_inferred: ban.is_some_and(|ban| ban.inferred),
            ground: title.ground(),
            end_cause: end.map(|end| end.cause),
            ended_on: title.ended.map(|ended| ended.day),
            ended_at: end.and_then(|end| end.position).map(source),
            region_inferred: self.located().is_some_and(|located| located.inferred),
            successor: title.successor.map(|index| register.id(index).clone()),
            converted_to: title.converted_to,
            rectify_by: title.rectify.flatten(),
            supports: title.supports.iter().map(support).collect(),
            positions: sources(&title.positions),
            superseded: sources(&title.superseded),
        }
    }
}
