//! Rules for facts about a designee itself: names, moves, mergers, identifiers, its end, its
//! duties, cultivation pools.

use super::{Case, Objection};
use crate::{
    domain::{
        AuthorityCode, CivilDate, DesigneeId, Name, RegionCode,
        event::{Event, Fact, LinkReason, SubjectFact},
        fault::Reason,
        name,
    },
    limits::CIRCLE_DESIGNEES_MAX,
    register::{
        fold::{self, Folding},
        identity::IdentityCluster,
        rows::FactKindRow,
    },
};

const RENAME_RULE: &str = "工企业函〔2021〕171号";

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
                    let objection = Objection {
                        field: "restructured.successors",
                        value: designee.to_string(),
                        reason: Reason::FieldInvalid,
                        message: "names the designee itself".to_owned(),
                        rule: "successors are other subjects",
                    };
                    self.reject(objection, &[]);
                }
                self.reject_stated_twice(event, |what| {
                    matches!(what, FactKindRow::Restructured { .. })
                });
            }
            SubjectFact::IdentifierChanged { other, reason } => {
                self.judge_link(designee, other, *reason);
            }
            SubjectFact::Ended => self.judge_end(event),
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
                self.judge_pool_event(event, pool, true);
            }
            SubjectFact::PoolLeft { pool } => self.judge_pool_event(event, pool, false),
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
                (&event.fact, self.register.rows.fact(position).map(|fact| fact.kind)),
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
            let objection = Objection {
                field: "renamed.simple",
                value: "false".to_owned(),
                reason: Reason::RenameNotSimple,
                message:
                    "a rename with a merger, division, restructuring or change of business is \
                          recorded as restructured"
                        .to_owned(),
                rule: RENAME_RULE,
            };
            self.reject(objection, &[]);
        }
        if self.judge.cluster.own_facts().next().is_none() {
            let objection = Objection {
                field: "designee",
                value: designee.to_string(),
                reason: Reason::TitleNotOnRecord,
                message: "nothing is recorded about this designee yet".to_owned(),
                rule: RENAME_RULE,
            };
            return self.warn(objection, &[]);
        }
        let register = self.register;
        let new_key = new_name.key();
        let twin = |kind: &FactKindRow| match kind {
            FactKindRow::Renamed { name, .. } => name::folded(register.text(*name)) == new_key,
            _ => false,
        };
        self.reject_stated_twice(event, twin);
        if let Some(on_record) = self.other_name_on_record(event, old_name) {
            let objection = Objection {
                field: "renamed.old_name",
                value: old_name.as_str().to_owned(),
                reason: Reason::NameDiffers,
                message: format!("the name on record on that day is {on_record}"),
                rule: RENAME_RULE,
            };
            self.warn(objection, &[]);
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
        let rule = "a move leads to another authority or another region";
        let reason = Reason::RelocationInvalid;
        if from_authority == to_authority && from_region == Some(to_region) {
            let message = "neither the authority nor the region changes".to_owned();
            let (field, value) = ("relocated.to_region", to_region.to_string());
            self.reject(Objection { field, value, reason, message, rule }, &[]);
        }
        if !to_authority.answers_for(to_region) {
            let message = format!("does not answer for region {to_region}");
            let (field, value) = ("relocated.to_authority", to_authority.as_str().to_owned());
            self.reject(Objection { field, value, reason, message, rule }, &[]);
        }
    }

    /// A code is lifelong; another one comes by re-registration or repair. An identifier that was
    /// replaced is never used for another subject, and two identifiers are linked once.
    fn judge_link(&mut self, designee: &DesigneeId, other: &DesigneeId, reason: LinkReason) {
        const RULE: &str = "GB 32100-2015: a code is unique, lifelong and never reused";
        let field = "identifier_changed.new_designee";
        let value = other.to_string();
        let invalid = Reason::IdentifierLinkInvalid;
        let known = self.known(other);
        if designee == other || known.is_some_and(|index| self.is_same_subject(index)) {
            let message = "names the same subject already".to_owned();
            let objection = Objection { field, value, reason: invalid, message, rule: RULE };
            return self.reject(objection, &[]);
        }
        let by_code = |id: &DesigneeId| matches!(id, DesigneeId::Uscc(_));
        let fits = match reason {
            LinkReason::Identified => !by_code(designee),
            LinkReason::Reregistered | LinkReason::Duplicate => by_code(designee) && by_code(other),
        };
        if !fits {
            let message = match reason {
                LinkReason::Identified => "a code is identified by no other identifier",
                _ => "both identifiers of a changed code are codes",
            };
            let (value, message) = (designee.to_string(), message.to_owned());
            let (field, rule) = ("designee", RULE);
            self.reject(Objection { field, value, reason: invalid, message, rule }, &[]);
            return;
        }
        let Some(index) = known else { return };
        let cluster = self.subjects().cluster(index, self.except);
        // The other one was replaced by a third before: it still names that subject.
        let replaced = cluster.own_facts().find(|placed| {
            matches!(placed.fact.kind, FactKindRow::Linked { reason: LinkReason::Reregistered, .. })
                && cluster.members.get(usize::from(placed.member)) == Some(&index)
        });
        if let Some(placed) = replaced {
            let message = "was replaced before, and is never used for another subject".to_owned();
            let objection = Objection { field, value, reason: invalid, message, rule: RULE };
            return self.reject(objection, &[placed.position]);
        }
        self.warn_if_titles_collide(&cluster, &value);
        self.reject_large_cluster(other, field);
    }

    /// Identifiers that are tied together are folded together, so their number is bounded.
    pub(super) fn reject_large_cluster(&mut self, other: &DesigneeId, field: &str) {
        let Some(index) = self.known(other) else { return };
        let theirs = self.subjects().cluster(index, self.except);
        let count = self.judge.cluster.members.len() + theirs.members.len();
        if count > CIRCLE_DESIGNEES_MAX {
            let objection = Objection {
                field,
                value: other.to_string(),
                reason: Reason::IdentifierLinkInvalid,
                message: format!(
                    "would tie {count} identifiers together; {CIRCLE_DESIGNEES_MAX} are allowed"
                ),
                rule: "links and transfers tie identifiers together",
            };
            self.reject(objection, &[]);
        }
    }

    /// Both identifiers hold the same title over the same days: accepted with a flag.
    fn warn_if_titles_collide(&mut self, other: &IdentityCluster, value: &str) {
        let mut folding = Folding::default();
        fold::fold(&mut folding, other, CivilDate::MAX);
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
            let objection = Objection {
                field: "identifier_changed.new_designee",
                value: value.to_owned(),
                reason: Reason::IdentityCollision,
                message: "both identifiers hold the same title over the same days".to_owned(),
                rule: "one designee holds a title once at a time",
            };
            self.warn(objection, &conflicts);
        }
    }

    fn judge_end(&mut self, event: &Event) {
        let before = self.judge.cluster.own_facts().find(|placed| placed.fact.kind.ends_subject());
        if let Some((position, on)) = before.map(|p| (p.position, p.fact.effective)) {
            let objection = Objection {
                field: "effective_date",
                value: event.effective.to_string(),
                reason: Reason::SubjectEnded,
                message: format!("the subject ceased to exist on {on} already"),
                rule: "a subject ends once; correct the event that says so",
            };
            self.reject(objection, &[position]);
            return;
        }
        let later: Vec<u32> = self
            .judge
            .folding
            .titles
            .iter()
            .filter(|title| title.subject == 0)
            .flat_map(|title| title.periods_after(event.effective).collect::<Vec<_>>())
            .collect();
        self.warn_of_later_periods(event, &later, "a title ends with its subject");
    }

    fn warn_if_report_late(&mut self, occurred: CivilDate, reported: CivilDate) {
        let duties = &self.catalogue.duties;
        let due = occurred.plus_months(duties.report_months);
        if reported > due {
            let objection = Objection {
                field: "major_change_reported.reported_on",
                value: reported.to_string(),
                reason: Reason::ReportLate,
                message: format!("was due by {due}"),
                rule: &duties.document,
            };
            self.warn(objection, &[]);
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
        let rule = "a designee is in a pool or it is not";
        match last {
            Some((position, true, row)) if enters => {
                let objection = Objection {
                    field: "pool_entered.pool",
                    value: pool.to_owned(),
                    reason: Reason::PoolMembership,
                    message: format!(
                        "is in the pool already, since position {position}{}",
                        super::titles::rows(event.row, row)
                    ),
                    rule,
                };
                self.reject(objection, &[position]);
            }
            Some((position, false, _)) if !enters => {
                let objection = Objection {
                    field: "pool_left.pool",
                    value: pool.to_owned(),
                    reason: Reason::PoolMembership,
                    message: format!("has left the pool already, at position {position}"),
                    rule,
                };
                self.reject(objection, &[position]);
            }
            None if !enters => {
                let objection = Objection {
                    field: "pool_left.pool",
                    value: pool.to_owned(),
                    reason: Reason::PoolMembership,
                    message: "no entry into this pool is on record".to_owned(),
                    rule,
                };
                self.warn(objection, &[]);
            }
            _ => {}
        }
    }
}
