//! Rules for facts about a designee itself: names, moves, mergers, identifiers, its end, its
//! duties, cultivation pools.

use std::cmp::Reverse;

use super::{Case, with_document, with_rows};
use crate::{
    domain::{
        AuthorityCode, CivilDate, DesigneeId, Name, RegionCode,
        event::{Event, Fact, LinkReason, SubjectEndCause, SubjectFact},
        fault::{Breach, Key, RuleId},
    },
    register::{
        fold::{self, Folding},
        identity::{FactAt, IdentityCluster},
        rows::{DesigneeIndex, FactKindRow, FactRow},
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
            SubjectFact::Relocated { .. } => self.judge_relocation(event, fact),
            SubjectFact::Restructured { successors, ends, .. } => {
                if successors.contains(designee) {
                    let (field, value) = ("restructured.successors", designee.to_string());
                    self.reject(field, &value, RuleId::SuccessorIsDesignee, &[]);
                }
                self.reject_stated_twice(event, |what| {
                    matches!(what, FactKindRow::Restructured { .. })
                });
                if *ends {
                    self.warn_if_ended(event);
                }
            }
            SubjectFact::IdentifierChanged { other, reason } => {
                self.judge_link(event, designee, other, *reason);
            }
            SubjectFact::Ended { cause } => self.judge_end(event, *cause),
            SubjectFact::InformationUpdated { year, programme } => {
                let year = *year;
                let programme = *programme;
                let twin = self.twin(|stated| {
                    stated.kind == FactKindRow::InformationUpdated { year }
                        && stated.programme == programme
                });
                if let Some(twin) = twin {
                    self.reject_already_recorded(event, &twin);
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
                self.judge_pool_step(event, pool, true);
            }
            SubjectFact::PoolLeft { pool } => {
                self.require_room_for_pool(event, pool);
                self.judge_pool_step(event, pool, false);
            }
        }
    }

    /// A fact about a designee is stated once by an authority for one day.
    fn reject_stated_twice(&mut self, event: &Event, same: impl Fn(&FactKindRow) -> bool) {
        let twin = self.twin(|stated| {
            stated.effective == event.effective
                && stated.issuer == event.issuer
                && same(&stated.kind)
        });
        // A proposal and its confirmation are two facts.
        if let Some(twin) = twin {
            let position = twin.position;
            let confirms = matches!(
                (&event.fact, self.register.recorded(position).map(|fact| fact.kind)),
                (
                    Fact::Subject { fact: SubjectFact::Relocated { confirmed: true, .. }, .. },
                    Some(FactKindRow::Relocated { confirmed: false, .. })
                )
            );
            if !confirms {
                self.reject_already_recorded(event, &twin);
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
        self.warn_if_name_is_borne(event, new_name);
        if let Some((position, name)) = self.other_name_on_record(event, old_name) {
            let breach = RuleId::OldNameDiffers.with(Key::Name, name);
            self.warn("renamed.old_name", old_name.as_str(), breach, &[position]);
        }
    }

    fn judge_relocation(&mut self, event: &Event, fact: &SubjectFact) {
        let SubjectFact::Relocated {
            from_region,
            to_region,
            from_authority,
            to_authority,
            confirmed,
        } = fact
        else {
            return;
        };
        self.judge_move(*from_region, *to_region, *from_authority, *to_authority);
        if *confirmed {
            self.warn_if_there(event, *to_region, *to_authority);
        }
        self.reject_stated_twice(event, |what| matches!(what, FactKindRow::Relocated { .. }));
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

    /// A confirmed move changes nothing if the designee was there on that day, without a proposal
    /// that it would decide.
    fn warn_if_there(&mut self, event: &Event, region: RegionCode, authority: AuthorityCode) {
        let subject = self.fold_until(event.effective).subject;
        let is_there = (subject.region, subject.responsible) == (Some(region), Some(authority));
        if is_there && !subject.relocation_proposed {
            let places = |fact: &FactRow| match fact.kind {
                FactKindRow::Relocated { confirmed, .. } => confirmed,
                _ => fact.listing().is_some_and(|listing| listing.region.is_some()),
            };
            let begun = self.judge.cluster.own_facts().rev();
            let by: Vec<u32> = begun
                .filter(|placed| placed.fact.effective <= event.effective && places(&placed.fact))
                .map(|placed| placed.position)
                .take(1)
                .collect();
            let (value, cause) = (region.to_string(), "the designee was there on that day");
            self.warn_of_nothing("relocated.to_region", &value, cause, &by);
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
        let mut theirs = Folding::default();
        let rules = self.register.rules_in_force();
        fold::fold(&mut theirs, &cluster, rules, CivilDate::MAX);
        self.reject_ban_across(other, &cluster, &theirs);
        self.warn_if_titles_collide(&theirs, other);
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
    fn warn_if_titles_collide(&mut self, folding: &Folding, other: &DesigneeId) {
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

    /// A subject ends once. A withdrawn licence ends nothing, so it may come before the end; and a
    /// restructuring may end the subject that is deregistered later.
    fn judge_end(&mut self, event: &Event, cause: Option<SubjectEndCause>) {
        let ends = cause != Some(SubjectEndCause::LicenceRevoked);
        let value = event.effective.to_string();
        let before = self.twin(|stated| {
            matches!(stated.kind, FactKindRow::SubjectEnded { cause }
                if (cause != Some(SubjectEndCause::LicenceRevoked)) == ends)
        });
        match before {
            Some(other) if ends && !other.is_under_the_identifier() => self.warn_if_ended(event),
            Some(FactAt { position, fact, .. }) if ends => {
                let breach = RuleId::SubjectEndedTwice.with(Key::Day, fact.effective);
                self.reject("effective_date", &value, breach, &[position]);
            }
            Some(twin) if twin.fact.effective == event.effective => {
                self.reject_already_recorded(event, &twin);
            }
            Some(FactAt { position, fact, .. }) => {
                let cause = "the licence was withdrawn before";
                self.warn_if_idle(event, (fact.effective, position), cause);
            }
            None if ends => self.warn_if_ended(event),
            None => {}
        }
    }

    /// Of several ends of a subject the first one counts.
    fn warn_if_ended(&mut self, event: &Event) {
        let own = self.judge.cluster.own_facts();
        let ends = own.filter(|placed| placed.fact.kind.ends_subject());
        let first = ends.map(|placed| (placed.fact.effective, placed.position)).min();
        if let Some(first) = first {
            self.warn_if_idle(event, first, "the subject had ceased to exist");
        }
    }

    /// Of two facts that say the same, the one that takes effect first counts.
    fn warn_if_idle(&mut self, event: &Event, other: (CivilDate, u32), cause: &'static str) {
        let (day, position) = other;
        let value = event.effective.to_string();
        if day <= event.effective {
            self.warn_of_nothing("effective_date", &value, cause, &[position]);
        } else {
            self.warn_of_lost("effective_date", &value, &[position]);
        }
    }

    fn warn_if_report_late(&mut self, occurred: CivilDate, reported: CivilDate) {
        let duties = &self.catalogue.duties;
        let due = occurred.plus_months(duties.report_months);
        if reported > due {
            let breach = with_document(RuleId::ReportLate.with(Key::Day, due), &duties.document);
            self.warn("major_change_reported.reported_on", &reported.to_string(), breach, &[]);
        }
    }

    /// A designee is in a pool or it is not. It enters or leaves it once on a day. On other days
    /// the step changes nothing until the one between is on record.
    fn judge_pool_step(&mut self, event: &Event, pool: &str, enters: bool) {
        let steps: Vec<PoolStep> = self.pool_steps(event, pool);
        let field = format!("{}.pool", event.fact.kind().name());
        let same = |step: &&PoolStep| step.on == event.effective && step.enters == enters;
        let twin = steps.iter().find(|step| step.is_own && same(step));
        if let Some(twin) = twin {
            if self.reject_twice_in_list(event, twin.position, twin.row) {
                return;
            }
            let breach = self.pool_breach(event, enters, Some(twin));
            return self.reject(&field, pool, breach, &[twin.position]);
        }
        let before = steps.iter().rev().find(|step| step.on <= event.effective);
        let is_idle = before.map_or(!enters, |before| before.enters == enters);
        if is_idle {
            let conflicts: Vec<u32> = before.iter().map(|step| step.position).collect();
            let breach = self.pool_breach(event, enters, before);
            return self.warn(&field, pool, breach, &conflicts);
        }
        let after = steps.iter().find(|step| step.on > event.effective);
        if let Some(after) = after.filter(|after| after.enters == enters) {
            let value = event.effective.to_string();
            self.warn_of_lost("effective_date", &value, &[after.position]);
        }
    }

    fn pool_breach(&mut self, event: &Event, enters: bool, other: Option<&PoolStep>) -> Breach {
        let Some(other) = other else { return RuleId::PoolNotEntered.into() };
        let source = self.source_of(other.position);
        if !enters {
            return RuleId::PoolLeftTwice.with(Key::Position, source);
        }
        with_rows(RuleId::PoolEnteredTwice.with(Key::Position, source), event.row, other.row)
    }

    /// The entries into a pool and departures from it on record, in the order of their days.
    fn pool_steps(&self, event: &Event, pool: &str) -> Vec<PoolStep> {
        let steps = self.judge.cluster.own_facts().filter_map(|placed| {
            let FactRow { effective: on, row, issuer, kind, .. } = placed.fact;
            let (name, enters) = match kind {
                FactKindRow::PoolEntered { pool, .. } => (pool, true),
                FactKindRow::PoolLeft { pool } => (pool, false),
                _ => return None,
            };
            let here = issuer == event.issuer && self.register.text(name) == pool;
            let is_own = placed.is_under_the_identifier();
            here.then_some(PoolStep { on, position: placed.position, enters, row, is_own })
        });
        steps.collect()
    }
}

/// An entry into a pool or a departure from it.
struct PoolStep {
    on: CivilDate,
    position: u32,
    enters: bool,
    row: u32,
    /// Stated under the identifier of the event.
    is_own: bool,
}
