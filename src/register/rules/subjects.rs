//! Rules for facts about a designee itself: names, moves, mergers, identifiers, its end, its
//! duties, cultivation pools.

use std::cmp::Reverse;

use super::{Case, with_document, with_rows};
use crate::{
    domain::{
        AuthorityCode, CivilDate, DesigneeId, Name, RegionCode,
        event::{Event, Fact, LinkReason, SubjectFact},
        fault::{Key, RuleId},
    },
    register::{
        fold::{self, Folding},
        identity::IdentityCluster,
        rows::{DesigneeIndex, FactKindRow},
    },
};

impl Case<'_> {
    pub(super) fn judge_subject_fact(
        &mut self,
        event: &Event,
        designee: &DesigneeId,
        fact: &SubjectFact,
    ) {
        match fact {
            SubjectFact::Renamed { old_name, new_name, simple } => {
                self.judge_rename(event, designee, old_name, new_name, *simple);
            }
            SubjectFact::Relocated {
                from_region, to_region, from_authority, to_authority, ..
            } => {
                self.judge_move(*from_region, *to_region, *from_authority, *to_authority);
                self.reject_stated_twice(event, |what| {
                    matches!(what, FactKindRow::Relocated { .. })
                });
            }
            SubjectFact::Restructured { successors, .. } => {
                if successors.contains(designee) {
                    let (field, value) = ("restructured.successors", designee.to_string());
                    self.reject(field, &value, RuleId::SuccessorIsDesignee, &[]);
                }
                self.reject_stated_twice(event, |what| {
                    matches!(what, FactKindRow::Restructured { .. })
                });
            }
            SubjectFact::IdentifierChanged { other, reason } => {
                self.judge_link(event, designee, other, *reason);
            }
            SubjectFact::Ended { .. } => self.judge_end(event),
            SubjectFact::InformationUpdated { year, programme } => {
                let year = *year;
                let programme = *programme;
                let twin = self.judge.cluster.own_facts().find(|placed| {
                    placed.fact.kind == FactKindRow::InformationUpdated { year }
                        && placed.fact.programme == programme
                });
                if let Some(position) = twin.map(|placed| placed.position) {
                    self.reject_already_recorded(event, position);
                }
            }
            SubjectFact::MajorChangeReported { occurred, reported, .. } => {
                self.warn_if_report_late(*occurred, *reported);
                let days = (*occurred, *reported);
                self.reject_stated_twice(event, |what| {
                    matches!(
                        *what,
                        FactKindRow::MajorChangeReported { occurred, reported, .. }
                            if (occurred, reported) == days
                    )
                });
            }
            SubjectFact::PoolEntered { pool, listed } => {
                self.warn_if_name_differs(event, listed.name.as_ref());
                self.require_room_for_pool(event, pool);
                self.judge_pool_event(event, pool, true);
            }
            SubjectFact::PoolLeft { pool } => {
                self.require_room_for_pool(event, pool);
                self.judge_pool_event(event, pool, false);
            }
        }
    }

    /// A fact about a designee is stated once by an authority for one day.
    fn reject_stated_twice(&mut self, event: &Event, same: impl Fn(&FactKindRow) -> bool) {
        let twin = self.judge.cluster.own_facts().find(|placed| {
            let stated = &placed.fact;
            stated.effective == event.effective
                && stated.issuer == event.issuer
                && same(&stated.kind)
        });
        // A proposal and its confirmation are two facts.
        if let Some(position) = twin.map(|placed| placed.position) {
            let confirms = matches!(
                (&event.fact, self.register.recorded(position).map(|fact| fact.kind)),
                (
                    Fact::Subject { fact: SubjectFact::Relocated { confirmed: true, .. }, .. },
                    Some(FactKindRow::Relocated { confirmed: false, .. })
                )
            );
            if !confirms {
                self.reject_already_recorded(event, position);
            }
        }
    }

    /// A simple rename (简单更名) changes nothing but the name.
    fn judge_rename(
        &mut self,
        event: &Event,
        designee: &DesigneeId,
        old_name: &Name,
        new_name: &Name,
        simple: bool,
    ) {
        if !simple {
            self.reject("renamed.simple", "false", RuleId::RenameNotSimple, &[]);
        }
        if self.judge.cluster.own_facts().next().is_none() {
            return self.warn("designee", &designee.to_string(), RuleId::DesigneeNotOnRecord, &[]);
        }
        let register = self.register;
        let new_key = new_name.key();
        let twin = |kind: &FactKindRow| match kind {
            FactKindRow::Renamed { name, .. } => register.is_name(*name, new_key),
            _ => false,
        };
        self.reject_stated_twice(event, twin);
        if let Some(on_record) = self.other_name_on_record(event, old_name) {
            let breach = RuleId::OldNameDiffers.with(Key::Name, on_record);
            self.warn("renamed.old_name", old_name.as_str(), breach, &[]);
        }
    }

    /// A move leads to another authority or another region, and the receiving authority answers for
    /// the new region. A move within one province may change the authority (Guangdong to Shenzhen).
    /// A move between authorities may keep the region (Xinjiang and the corps).
    fn judge_move(
        &mut self,
        from_region: Option<RegionCode>,
        to_region: RegionCode,
        from_authority: AuthorityCode,
        to_authority: AuthorityCode,
    ) {
        if from_authority == to_authority && from_region == Some(to_region) {
            let value = to_region.to_string();
            self.reject("relocated.to_region", &value, RuleId::MoveToItself, &[]);
        }
        if !to_authority.answers_for(to_region) {
            let breach = RuleId::MoveToOtherRegion.with(Key::Region, to_region);
            self.reject("relocated.to_authority", to_authority.as_str(), breach, &[]);
        }
    }

    /// A code is lifelong; another one comes by re-registration or repair. A code that was replaced
    /// never becomes another subject's new code, and two identifiers are linked once. A designee
    /// known by name may turn out to be one whose code was replaced since.
    fn judge_link(
        &mut self,
        event: &Event,
        designee: &DesigneeId,
        other: &DesigneeId,
        reason: LinkReason,
    ) {
        let field = "identifier_changed.new_designee";
        let known = self.known(other);
        if designee == other || known.is_some_and(|index| self.is_same_subject(index)) {
            return self.reject(field, &other.to_string(), RuleId::LinkedAlready, &[]);
        }
        let by_code = |id: &DesigneeId| matches!(id, DesigneeId::Uscc(_));
        let fits = match reason {
            LinkReason::Identified => !by_code(designee),
            LinkReason::Reregistered | LinkReason::Duplicate => by_code(designee) && by_code(other),
        };
        if !fits {
            let rule = match reason {
                LinkReason::Identified => RuleId::LinkOfCode,
                LinkReason::Reregistered | LinkReason::Duplicate => RuleId::LinkWithoutCode,
            };
            return self.reject("designee", &designee.to_string(), rule, &[]);
        }
        if !self.require_room_to_tie(event, other, field) {
            return;
        }
        self.reject_used_later(event, designee);
        let Some(index) = known else { return };
        let cluster = self.cluster_of(index);
        if reason != LinkReason::Identified {
            self.reject_replaced_before(event, other, (&cluster, index));
        }
        self.warn_if_titles_collide(&cluster, other);
    }

    /// A third identifier replaced the other one on an earlier day: it still names that subject.
    fn reject_replaced_before(
        &mut self,
        event: &Event,
        other: &DesigneeId,
        (cluster, index): (&IdentityCluster, DesigneeIndex),
    ) {
        let away = cluster.links().filter(|link| link.from == index);
        let first = away.min_by_key(|link| (link.day, link.position));
        if let Some(link) = first.filter(|link| link.day < event.effective) {
            let breach = RuleId::IdentifierReplaced.with(Key::Day, link.day);
            let breach = breach.with(Key::Designee, self.register.id(link.to));
            let (field, value) = ("identifier_changed.new_designee", other.to_string());
            self.reject(field, &value, breach, &[link.position]);
        }
    }

    /// The mirror of it: the designee becomes the new code of a third one on a later day.
    fn reject_used_later(&mut self, event: &Event, designee: &DesigneeId) {
        let Some(index) = self.judge.cluster.members.first().copied() else { return };
        let links = self.judge.cluster.links();
        let uses = links.filter(|link| link.to == index && link.reason != LinkReason::Identified);
        let last = uses.max_by_key(|link| (link.day, Reverse(link.position)));
        if let Some(link) = last.filter(|link| event.effective < link.day) {
            let breach = RuleId::IdentifierUsedLater.with(Key::Day, link.day);
            let breach = breach.with(Key::Designee, self.register.id(link.from));
            self.reject("designee", &designee.to_string(), breach, &[link.position]);
        }
    }

    /// Both identifiers hold the same title over the same days: accepted with a flag.
    fn warn_if_titles_collide(&mut self, cluster: &IdentityCluster, other: &DesigneeId) {
        let mut folding = Folding::default();
        let rules = self.register.rules_in_force();
        fold::fold(&mut folding, cluster, rules, CivilDate::MAX);
        let mut conflicts: Vec<u32> = Vec::new();
        for theirs in folding.titles.iter().filter(|title| title.subject == 0) {
            let Some(ours) = self.folded(Some(theirs.key)) else { continue };
            for (a, b) in
                ours.periods.iter().flat_map(|a| theirs.periods.iter().map(move |b| (a, b)))
            {
                if a.overlaps(b.from, b.validity.to) {
                    conflicts.extend([a.position, b.position]);
                }
            }
        }
        if !conflicts.is_empty() {
            let field = "identifier_changed.new_designee";
            self.warn(field, &other.to_string(), RuleId::TitlesCollide, &conflicts);
        }
    }

    fn judge_end(&mut self, event: &Event) {
        let before = self.judge.cluster.own_facts().find(|placed| placed.fact.kind.ends_subject());
        if let Some((position, on)) = before.map(|p| (p.position, p.fact.effective)) {
            let (value, breach) = (event.effective.to_string(), RuleId::SubjectEndedTwice);
            return self.reject("effective_date", &value, breach.with(Key::Day, on), &[position]);
        }
        let later: Vec<u32> = self
            .judge
            .folding
            .titles
            .iter()
            .filter(|title| title.subject == 0)
            .flat_map(|title| title.periods_after(event.effective).collect::<Vec<_>>())
            .collect();
        self.warn_of_later_periods(event, &later, RuleId::PeriodAfterSubject);
    }

    fn warn_if_report_late(&mut self, occurred: CivilDate, reported: CivilDate) {
        let duties = &self.catalogue.duties;
        let due = occurred.plus_months(duties.report_months);
        if reported > due {
            let breach = with_document(RuleId::ReportLate.with(Key::Day, due), &duties.document);
            self.warn("major_change_reported.reported_on", &reported.to_string(), breach, &[]);
        }
    }

    fn judge_pool_event(&mut self, event: &Event, pool: &str, enters: bool) {
        let last = self.judge.cluster.own_facts().rev().find_map(|placed| {
            let stated = &placed.fact;
            let (name, entered) = match stated.kind {
                FactKindRow::PoolEntered { pool, .. } => (pool, true),
                FactKindRow::PoolLeft { pool } => (pool, false),
                _ => return None,
            };
            let here = stated.issuer == event.issuer
                && stated.effective <= event.effective
                && self.register.text(name) == pool;
            here.then_some((placed.position, entered, stated.row))
        });
        match last {
            Some((position, true, row)) if enters => {
                let breach = RuleId::PoolEnteredTwice.with(Key::Position, position);
                let breach = with_rows(breach, event.row, row);
                self.reject("pool_entered.pool", pool, breach, &[position]);
            }
            Some((position, false, _)) if !enters => {
                let breach = RuleId::PoolLeftTwice.with(Key::Position, position);
                self.reject("pool_left.pool", pool, breach, &[position]);
            }
            None if !enters => self.warn("pool_left.pool", pool, RuleId::PoolNotEntered, &[]),
            _ => {}
        }
    }
}
