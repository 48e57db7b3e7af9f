//! Rules for what comes from a list: notices, designations, creation tasks.

use super::{Case, Objection, titles::rows};
use crate::{
    domain::{
        AuthorityCode, CivilDate,
        catalogue::{Renewal, RuleVersion},
        event::{BatchRef, Event, Listed, Part, TitleFact, TitleRef},
        fault::Reason,
    },
    register::{
        fold::{Creation, Folded},
        query::Moment,
        row::{TitleKey, What},
    },
};

impl Case<'_> {
    pub(super) fn listed_fact(
        &mut self,
        event: &Event,
        title: &TitleRef,
        key: Option<TitleKey>,
        rule: &RuleVersion,
        fact: &TitleFact,
    ) {
        if let Some(listed) = event.fact.listed() {
            self.holder_fits(event, rule, listed);
            self.name_fits(event, listed.name.as_ref());
        }
        match fact {
            TitleFact::NoticeOpened { review, recommendation, from, to, listed, .. } => {
                self.not_twice_in_notice(event, key, fact);
                self.notice_length(rule, *from, *to);
                if !review {
                    self.not_banned(rule, title, *from, "notice_opened.notice_from");
                }
                if *recommendation {
                    let by = Some(event.authority);
                    self.prerequisite_holds(rule, by, *from, "notice_opened.programme");
                    self.not_excluded(rule, *from, "notice_opened.programme");
                } else if listed.recommended_by.is_some() && !review {
                    self.not_excluded(rule, *from, "notice_opened.programme");
                }
            }
            TitleFact::Designated {
                batch,
                sublist,
                validity,
                supplement,
                recommended_on,
                listed,
                ..
            } => {
                let (from, to) = (event.effective, validity.to);
                self.batch_is_open(title, batch, *sublist, *supplement);
                self.not_held(event, key, rule, (from, to));
                self.not_banned(rule, title, from, "effective_date");
                let judged_on = recommended_on.unwrap_or(from);
                let own = Some(event.authority).filter(|issuer| !issuer.is_ministry());
                let by = listed.recommended_by.or(*sublist).or(own);
                self.prerequisite_holds(rule, by, judged_on, "designated.programme");
                self.not_excluded(rule, judged_on, "designated.programme");
                self.creation_was_passed(event, title, key, rule);
                self.stood_in_notice(event, title, key, batch, *supplement);
                self.measures_are_in_force(event, title);
            }
            TitleFact::CreationListed { .. } => {
                self.not_banned(rule, title, event.effective, "effective_date");
            }
            _ => {}
        }
    }

    fn holder_fits(&mut self, event: &Event, rule: &RuleVersion, listed: &Listed) {
        let Some(holder) = listed.kind else { return };
        if rule.holders.is_empty() || rule.holders.contains(&holder) {
            return;
        }
        let kind = event.fact.kind().name();
        let may: Vec<_> = rule.holders.iter().map(|holder| holder.as_str()).collect();
        let objection = Objection {
            field: &format!("{kind}.profile.kind"),
            value: holder.as_str().to_owned(),
            reason: Reason::HolderNotEligible,
            message: format!("may not hold it; {} may", may.join(", ")),
            rule: document(rule),
        };
        self.reject(objection, &[]);
    }

    fn not_twice_in_notice(&mut self, event: &Event, key: Option<TitleKey>, fact: &TitleFact) {
        let TitleFact::NoticeOpened { batch, review, recommendation, .. } = fact else { return };
        let twin = self.judge.circle.own_facts().find(|placed| match placed.stated.what {
            What::Noticed { batch: b, review: r, recommendation: step, .. } => {
                placed.stated.title() == key
                    && self.register.text(b) == batch
                    && (r, step) == (*review, *recommendation)
            }
            _ => false,
        });
        let Some(placed) = twin else { return };
        let (position, row) = (placed.position, placed.stated.row);
        let objection = Objection {
            field: "designee",
            value: event.fact.designee().map_or(String::new(), ToString::to_string),
            reason: Reason::DuplicateInList,
            message: format!(
                "stands in the notice of batch {batch} already, at position {position}{}",
                rows(event.row, row)
            ),
            rule: "a list names a designee once, and so do the sub-lists of a batch together",
        };
        self.reject(objection, &[position]);
    }

    /// Published notices run for five working days; holidays are not known here, so weekends only.
    fn notice_length(&mut self, rule: &RuleVersion, from: CivilDate, to: Option<CivilDate>) {
        let Some(to) = to else { return };
        let days = from.working_days_to(to);
        if days < rule.notice_days && !self.said_before(Reason::NoticeShort, &to.to_string()) {
            let objection = Objection {
                field: "notice_opened.notice_to",
                value: to.to_string(),
                reason: Reason::NoticeShort,
                message: format!("the notice is open on {days} working days"),
                rule: "the programme catalogue, notice_days",
            };
            self.warn(objection, &[]);
        }
    }

    fn batch_is_open(
        &mut self,
        title: &TitleRef,
        batch: &str,
        sublist: Option<AuthorityCode>,
        supplement: bool,
    ) {
        let batch = BatchRef {
            programme: title.programme,
            authority: title.authority,
            batch: batch.to_owned(),
            sublist,
        };
        let found = self.register.find_batch(&batch).map(|(key, _)| key);
        let (field, value) = ("designated.batch", batch.batch.clone());
        let Some(key) = found else {
            if supplement {
                let message = "there is no such batch to supplement".to_owned();
                let rule = "a supplement keeps the number of its batch";
                let reason = Reason::BatchUnknown;
                self.reject(Objection { field, value, reason, message, rule }, &[]);
            }
            return;
        };
        let moment = Moment { as_of: CivilDate::MAX, known_at: self.known_at() };
        let seal = self.register.seal_of(key, sublist, moment).filter(|_| !supplement);
        if let Some(seal) = seal {
            let message = "the batch is sealed; a later publication sets supplement".to_owned();
            let (rule, reason) = ("a sealed batch is complete", Reason::BatchSealed);
            self.reject(Objection { field, value, reason, message, rule }, &[seal.position]);
        }
    }

    /// One designee holds a title once at a time. Where a programme renews by a fresh designation, one may be stated in the
    /// calendar year of the old title's end.
    fn not_held(
        &mut self,
        event: &Event,
        key: Option<TitleKey>,
        rule: &RuleVersion,
        (from, to): (CivilDate, Option<CivilDate>),
    ) {
        let Some(folded) = self.folded(key) else { return };
        let renews = |end: Option<CivilDate>| {
            rule.renewal == Renewal::Designation
                && end.is_some_and(|end| end.year() == from.year() || end < from)
        };
        let overlapping: Vec<u32> = folded
            .periods
            .iter()
            .filter(|period| period.overlaps(from, to))
            .filter(|period| !(period.from < from && renews(period.validity.to)))
            .map(|period| period.position)
            .collect();
        let Some(first) = overlapping.first().copied() else { return };
        let old = self.register.stated(first);
        let same_list = old.is_some_and(|old| {
            old.listing().is_some() && old.effective == from && old.issuer == event.authority
        });
        let (rows, sublist) = (
            rows(event.row, old.map_or(0, |old| old.row)),
            old.and_then(|old| old.listing()?.sublist).map(AuthorityCode::as_str),
        );
        let list = sublist.filter(|_| same_list).map(|code| format!(", sub-list {code}"));
        let objection = Objection {
            field: "effective_date",
            value: from.to_string(),
            reason: Reason::TitleAlreadyHeld,
            message: format!(
                "the title is held in that time already, since position {first}{rows}{}",
                list.unwrap_or_default()
            ),
            rule: "one designee holds a title once at a time; a list, and the sub-lists of a batch \
                   together, name it once",
        };
        self.reject(objection, &overlapping);
    }

    fn not_banned(&mut self, rule: &RuleVersion, title: &TitleRef, on: CivilDate, field: &str) {
        let own = |other: &&Folded| other.subject == 0 && other.key.programme == title.programme;
        let bans = self.judge.folding.titles.iter().filter(own).filter_map(|other| {
            let revoked = other.ended?;
            Some((other.ban_until.filter(|until| on <= *until)?, revoked))
        });
        // What took effect before the revocation is no new application.
        let ban = bans.into_iter().find(|(_, revoked)| revoked.day <= on);
        if let Some((until, revoked)) = ban {
            let objection = Objection {
                field,
                value: on.to_string(),
                reason: Reason::Banned,
                message: format!("the subject may not apply again before the end of {until}"),
                rule: document(rule),
            };
            self.reject(objection, &[revoked.position]);
        }
    }

    /// A prerequisite title is in force on the day of the recommendation. It never ends what it led to.
    fn prerequisite_holds(
        &mut self,
        rule: &RuleVersion,
        candidate_of: Option<AuthorityCode>,
        on: CivilDate,
        field: &str,
    ) {
        let needed = rule.prerequisites(candidate_of);
        let in_force = |title: &Folded| {
            title.subject == 0
                && needed.contains(&title.key.programme)
                && title.periods.iter().any(|period| period.holds_on(on))
        };
        if needed.is_empty() || self.judge.folding.titles.iter().any(in_force) {
            return;
        }
        let complete = candidate_of.is_some_and(|authority| {
            needed.iter().all(|id| self.is_complete(authority, *id, Part::Titles, on))
        });
        let names: Vec<_> =
            needed.iter().map(|id| self.catalogue.programme(*id).id.as_str()).collect();
        let names = names.join(" or ");
        let objection = Objection {
            field,
            value: names.clone(),
            reason: Reason::PrerequisiteMissing,
            message: format!("no title of {names} is on record as in force on {on}"),
            rule: document(rule),
        };
        self.absent(complete, objection);
    }

    fn not_excluded(&mut self, rule: &RuleVersion, on: CivilDate, field: &str) {
        let excluded = rule.excludes.ids();
        let holds = |title: &&Folded| {
            title.subject == 0
                && excluded.contains(&title.key.programme)
                && title.periods.iter().any(|period| period.holds_on(on))
        };
        let Some(title) = self.judge.folding.titles.iter().find(holds) else { return };
        let position = title.current().map(|period| period.position);
        let id = self.catalogue.programme(title.key.programme).id.clone();
        let objection = Objection {
            field,
            message: format!("holders of {id} are not designated here"),
            value: id,
            reason: Reason::ExcludedByTitle,
            rule: document(rule),
        };
        let conflicts: Vec<u32> = position.into_iter().collect();
        self.reject(objection, &conflicts);
    }

    fn creation_was_passed(
        &mut self,
        event: &Event,
        title: &TitleRef,
        key: Option<TitleKey>,
        rule: &RuleVersion,
    ) {
        let creation = self.folded(key).and_then(|title| title.creation);
        if !rule.creation_task || creation == Some(Creation::Passed) {
            return;
        }
        let failed = creation == Some(Creation::Failed);
        let (programme, authority) = (title.programme, title.authority);
        let complete = self.is_complete(authority, programme, Part::Titles, event.effective);
        let objection = Objection {
            field: "designated.programme",
            value: self.catalogue.programme(programme).id.clone(),
            reason: Reason::CreationNotPassed,
            message: if failed {
                "the creation task was not passed".to_owned()
            } else {
                "no passed creation task is on record".to_owned()
            },
            rule: document(rule),
        };
        self.absent(failed || complete, objection);
    }

    /// A designation follows a notice of the same batch.
    fn stood_in_notice(
        &mut self,
        event: &Event,
        title: &TitleRef,
        key: Option<TitleKey>,
        batch: &str,
        supplement: bool,
    ) {
        let noticed = self.judge.circle.own_facts().any(|placed| match placed.stated.what {
            What::Noticed { batch: b, review: false, .. } => {
                placed.stated.title() == key && (supplement || self.register.text(b) == batch)
            }
            _ => false,
        });
        if noticed {
            return;
        }
        let complete = self.notices_are_complete(event, title);
        if !complete && self.said_before(Reason::NoticeMissing, batch) {
            return;
        }
        let objection = Objection {
            field: "designated.batch",
            value: batch.to_owned(),
            reason: Reason::NoticeMissing,
            message: "no notice of this batch is on record for the designee".to_owned(),
            rule: "a designation follows a public notice",
        };
        self.absent(complete, objection);
    }

    /// A provincial-level authority designates under measures of its own.
    fn measures_are_in_force(&mut self, event: &Event, title: &TitleRef) {
        let (authority, programme) = (title.authority, title.programme);
        if authority.is_ministry() {
            return;
        }
        let moment = Moment { as_of: event.effective, known_at: self.known_at() };
        let register = self.register;
        let question = (authority, programme, event.effective);
        let answer = || register.has_measures(authority, programme, moment);
        if self.judge.measures.ask(register, question, answer) {
            return;
        }
        let complete = self.is_complete(authority, programme, Part::Measures, event.effective);
        if !complete && self.said_before(Reason::MeasuresMissing, authority.as_str()) {
            return;
        }
        let objection = Objection {
            field: "authority",
            value: authority.as_str().to_owned(),
            reason: Reason::MeasuresMissing,
            message: format!(
                "no measures of this authority are on record as in force on {}",
                event.effective
            ),
            rule: "a provincial-level authority designates under its measures",
        };
        self.absent(complete, objection);
    }
}

/// The document of a rule, or, where there is no single one, where the rule stands.
pub(super) fn document(rule: &RuleVersion) -> &str {
    if rule.document.is_empty() { "the programme catalogue" } else { &rule.document }
}
