//! Rules for facts about a designee itself: names, moves, mergers, identifiers, its end, its duties, cultivation pools.

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
        identity::Circle,
        row::What,
    },
};

const RENAME_RULE: &str = "工企业函〔2021〕171号";

impl Case<'_> {
    pub(super) fn subject_fact(
        &mut self,
        event: &Event,
        designee: &DesigneeId,
        fact: &SubjectFact,
    ) {
        match fact {
            SubjectFact::Renamed { old_name, new_name, simple } => {
                self.renamed(event, designee, old_name, new_name, *simple);
            }
            SubjectFact::Relocated {
                from_region, to_region, from_authority, to_authority, ..
            } => {
                self.relocated(*from_region, *to_region, *from_authority, *to_authority);
                self.not_stated_twice(event, |what| matches!(what, What::Relocated { .. }));
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
                self.not_stated_twice(event, |what| matches!(what, What::Restructured { .. }));
            }
            SubjectFact::IdentifierChanged { other, reason } => {
                self.linked(designee, other, *reason);
            }
            SubjectFact::Ended => self.ended(event),
            SubjectFact::InformationUpdated { year, programme } => {
                let year = *year;
                let programme = *programme;
                let twin = self.judge.circle.own_facts().find(|placed| {
                    placed.stated.what == What::InformationUpdated { year }
                        && placed.stated.programme == programme
                });
                if let Some(position) = twin.map(|placed| placed.position) {
                    self.already_recorded(event, position);
                }
            }
            SubjectFact::MajorChangeReported { occurred, reported } => {
                self.report_is_in_time(*occurred, *reported);
                let same = What::MajorChangeReported { occurred: *occurred, reported: *reported };
                self.not_stated_twice(event, |what| *what == same);
            }
            SubjectFact::PoolEntered { pool, listed } => {
                self.name_fits(event, listed.name.as_ref());
                self.pool(event, pool, true);
            }
            SubjectFact::PoolLeft { pool } => self.pool(event, pool, false),
        }
    }

    /// The same is stated once for one day.
    fn not_stated_twice(&mut self, event: &Event, same: impl Fn(&What) -> bool) {
        let twin = self.judge.circle.own_facts().find(|placed| {
            let stated = &placed.stated;
            stated.effective == event.effective
                && stated.issuer == event.authority
                && same(&stated.what)
        });
        // A proposal and its confirmation are two facts.
        if let Some(position) = twin.map(|placed| placed.position) {
            let confirms = matches!(
                (&event.fact, self.register.stated(position).map(|stated| stated.what)),
                (
                    Fact::Subject { fact: SubjectFact::Relocated { confirmed: true, .. }, .. },
                    Some(What::Relocated { confirmed: false, .. })
                )
            );
            if !confirms {
                self.already_recorded(event, position);
            }
        }
    }

    /// A simple rename (简单更名) changes nothing but the name.
    fn renamed(
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
        if self.judge.circle.own_facts().next().is_none() {
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
        let twin = |what: &What| matches!(what, What::Renamed { name, .. } if name::folded(register.text(*name)) == new_key);
        self.not_stated_twice(event, twin);
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

    /// A move leads to another authority or another region, and the receiving authority answers for the new one. Within
    /// one province it may cross authorities (Guangdong to Shenzhen), and between authorities it may change no region
    /// (Xinjiang and the corps).
    fn relocated(
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

    /// A code is lifelong; another one comes by re-registration or repair. An identifier that was replaced is never used for
    /// another subject, and two are linked once.
    fn linked(&mut self, designee: &DesigneeId, other: &DesigneeId, reason: LinkReason) {
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
        let circle = self.register.circle(index, self.known_at(), self.except);
        // The other one was given up for a third: it still names that subject.
        let replaced = circle.own_facts().find(|placed| {
            matches!(placed.stated.what, What::Linked { reason: LinkReason::Reregistered, .. })
                && circle.members.get(usize::from(placed.member)) == Some(&index)
        });
        if let Some(placed) = replaced {
            let message = "was replaced before, and is never used for another subject".to_owned();
            let objection = Objection { field, value, reason: invalid, message, rule: RULE };
            return self.reject(objection, &[placed.position]);
        }
        self.titles_collide(&circle, &value);
        self.circle_stays_small(other, field);
    }

    /// Everything that is tied together is folded together, so there is a bound to it.
    pub(super) fn circle_stays_small(&mut self, other: &DesigneeId, field: &str) {
        let Some(index) = self.known(other) else { return };
        let theirs = self.register.circle(index, self.known_at(), self.except);
        let count = self.judge.circle.members.len() + theirs.members.len();
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

    /// Both identifiers hold the same title over the same days: accepted, and flagged.
    fn titles_collide(&mut self, other: &Circle, value: &str) {
        let mut folding = Folding::default();
        let months = self.catalogue.duties.report_months;
        fold::fold(&mut folding, other, CivilDate::MAX, months);
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

    fn ended(&mut self, event: &Event) {
        let ends = |what: &What| {
            matches!(what, What::SubjectEnded | What::Restructured { ends: true, .. })
        };
        let before = self.judge.circle.own_facts().find(|placed| ends(&placed.stated.what));
        if let Some((position, on)) = before.map(|p| (p.position, p.stated.effective)) {
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
        if let Some(first) = later.first() {
            let objection = Objection {
                field: "effective_date",
                value: event.effective.to_string(),
                reason: Reason::Conflicts,
                message: format!("the event at position {first} takes effect later"),
                rule: "a title ends with its subject",
            };
            self.warn(objection, &later);
        }
    }

    fn report_is_in_time(&mut self, occurred: CivilDate, reported: CivilDate) {
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

    fn pool(&mut self, event: &Event, pool: &str, enters: bool) {
        let last = self.judge.circle.own_facts().rev().find_map(|placed| {
            let stated = &placed.stated;
            let (name, entered) = match stated.what {
                What::PoolEntered { pool, .. } => (pool, true),
                What::PoolLeft { pool } => (pool, false),
                _ => return None,
            };
            let here = stated.issuer == event.authority
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
