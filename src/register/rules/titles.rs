//! Rules for facts about a title.

use super::Case;
use crate::{
    domain::{
        AuthorityCode, CivilDate, DesigneeId,
        event::{BatchRef, Event, Listed, TitleFact, TitleRef, Validity},
        fault::Reason,
        limits::{BAN_YEARS_MIN, NOTICE_WORKING_DAYS_MIN},
        name,
    },
    register::{
        Register,
        fact::{Stated, TitleKey, TitleWhat, What},
        fold::{self, Folded},
    },
};

const HELD_RULE: &str = "one designee holds a title once at a time";

impl Case<'_> {
    pub(super) fn title_fact(
        &mut self,
        event: &Event,
        designee: &DesigneeId,
        title: &TitleRef,
        fact: &TitleFact,
    ) {
        self.title_issuer(event, title, fact);
        let facts = self.known(designee).map(|index| self.facts(index)).unwrap_or_default();
        let key = self.register.find_title(title);
        let folded = fold::fold(&facts, CivilDate::MAX);
        let same = folded.iter().find(|folded| Some(folded.key) == key);
        match fact {
            TitleFact::NoticeOpened { batch, review, recommendation, from, to, listed, .. } => {
                self.name_fits(event, listed, &facts);
                self.not_twice_in_notice(&facts, key, batch, *review, *recommendation);
                self.notice_length(*from, *to);
                if !review {
                    self.not_banned(&folded, title, *from, "notice_opened.notice_from");
                }
            }
            TitleFact::Designated { batch, sublist, validity, supplement, listed } => {
                self.name_fits(event, listed, &facts);
                self.batch_is_open(title, batch, *sublist, *supplement);
                self.not_held(same, event.effective, *validity);
                self.not_banned(&folded, title, event.effective, "effective_date");
            }
            TitleFact::ReviewPassed { .. } => self.held(same, event, "review_passed"),
            TitleFact::ReviewFailed { .. } => {
                self.held(same, event, "review_failed");
                self.nothing_later(same, event.effective);
            }
            TitleFact::Revoked { serious, ban_until } => {
                self.held(same, event, "revoked");
                self.nothing_later(same, event.effective);
                self.ban_is_long_enough(event.effective, *serious, *ban_until);
            }
        }
    }

    /// The catalogue says who decides; a recommendation may be noticed by any provincial-level authority.
    fn title_issuer(&mut self, event: &Event, title: &TitleRef, fact: &TitleFact) {
        let programme = self.catalogue.programme(title.programme);
        let recommends = matches!(fact, TitleFact::NoticeOpened { recommendation: true, .. });
        // The version in force on the day; before the first one, the first.
        let Ok(rule) = programme.rule("", event.effective) else { return };
        if !recommends && !rule.decided_by.includes(event.authority) {
            return self.not_entitled(event.authority, &programme.id, rule.decided_by);
        }
        // A city with independent planning status answers for itself, and so does the corps.
        let region = fact.listed().and_then(|listed| listed.region);
        let Some(region) = region.filter(|_| !event.authority.is_ministry()) else { return };
        if !event.authority.answers_for(region) {
            let message = format!("does not answer for region {region}");
            let rule = "each of the 37 authorities decides for its own region; a city with \
                        independent planning status and the XPCC for themselves";
            let code = event.authority.as_str();
            let fault = self.fault("authority", code, Reason::IssuerNotEntitled, message, rule);
            self.reject(fault, &[]);
        }
    }

    /// A list may write a name otherwise than the register has it; that deserves a look.
    fn name_fits(&mut self, event: &Event, listed: &Listed, facts: &[Stated]) {
        let Some(listed_name) = &listed.name else { return };
        let on_record = self.register.name_on(facts, event.effective);
        let differs = |name: &&str| name::folded(name) != listed_name.key();
        if let Some(on_record) = on_record.filter(differs) {
            let message = format!("the name on record on that day is {on_record}");
            let rule = "names change by renamed";
            let fault = self.fault(
                "profile.name",
                listed_name.as_str(),
                Reason::NameDiffers,
                message,
                rule,
            );
            self.warn(fault, &[]);
        }
    }

    fn not_twice_in_notice(
        &mut self,
        facts: &[Stated],
        key: Option<TitleKey>,
        batch: &str,
        review: bool,
        recommendation: bool,
    ) {
        let twin = facts.iter().find(|stated| match stated.what {
            What::Title(
                k,
                TitleWhat::Noticed { batch: b, review: r, recommendation: step, .. },
            ) => {
                Some(k) == key
                    && self.register.text(b) == batch
                    && (r, step) == (review, recommendation)
            }
            _ => false,
        });
        if let Some(twin) = twin {
            let position = twin.position;
            let message = format!("stands in this notice already, at position {position}");
            let rule = "a list names a designee once";
            let fault = self.fault("designee", batch, Reason::DuplicateInList, message, rule);
            self.reject(fault, &[position]);
        }
    }

    /// Five working days are the practice of published notices; holidays are not known here, so weekends only.
    fn notice_length(&mut self, from: CivilDate, to: Option<CivilDate>) {
        let Some(to) = to else { return };
        let days = from.working_days_to(to);
        if days < NOTICE_WORKING_DAYS_MIN {
            let message = format!("the notice is open on {days} working days");
            let rule = "published notices run for five working days";
            let fault = self.fault(
                "notice_opened.notice_to",
                to.to_string(),
                Reason::NoticeShort,
                message,
                rule,
            );
            self.warn(fault, &[]);
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
        let found = self.register.find_batch(&batch);
        if supplement && found.is_none() {
            let message = "there is no such batch to supplement".to_owned();
            let rule = "a supplement keeps the number of its batch";
            let fault =
                self.fault("designated.batch", &batch.batch, Reason::BatchUnknown, message, rule);
            return self.reject(fault, &[]);
        }
        let Some((key, _)) = found.filter(|_| !supplement) else { return };
        if let Some(seal) = self.register.seal_of(key, sublist, CivilDate::MAX, self.known_at()) {
            let message = "the batch is sealed; a later publication sets supplement".to_owned();
            let rule = "a sealed batch is complete";
            let fault =
                self.fault("designated.batch", &batch.batch, Reason::BatchSealed, message, rule);
            self.reject(fault, &[seal.position]);
        }
    }

    fn not_held(&mut self, same: Option<&Folded>, from: CivilDate, validity: Validity) {
        let periods = same.map_or(&[][..], |title| title.periods.as_slice());
        let overlapping: Vec<u64> = periods
            .iter()
            .filter(|period| period.overlaps(from, validity.to))
            .map(|period| period.position)
            .collect();
        let Some(first) = overlapping.first() else { return };
        let message = format!("the title is held in that time already, since position {first}");
        let fault = self.fault(
            "effective_date",
            from.to_string(),
            Reason::TitleAlreadyHeld,
            message,
            HELD_RULE,
        );
        self.reject(fault, &overlapping);
    }

    fn not_banned(&mut self, folded: &[Folded], title: &TitleRef, on: CivilDate, field: &str) {
        let ban = folded
            .iter()
            .filter(|other| other.key.programme == title.programme)
            .filter_map(|other| other.ban_until.zip(other.positions.last()))
            .find(|(until, _)| on <= *until);
        if let Some((until, position)) = ban {
            let message = format!("the subject may not apply again before the end of {until}");
            let rule = "工信部企业〔2022〕63号";
            let fault = self.fault(field, on.to_string(), Reason::Banned, message, rule);
            self.reject(fault, &[*position]);
        }
    }

    /// A review or a revocation acts on a title. None on record may mean that it was not loaded yet; one that was
    /// revoked before cannot be acted on.
    fn held(&mut self, same: Option<&Folded>, event: &Event, field: &str) {
        let held = |title: &&Folded| !title.periods.is_empty();
        let Some(title) = same.filter(held) else {
            let message = "no such title is on record".to_owned();
            let fault = self.fault(
                &format!("{field}.programme"),
                "",
                Reason::TitleNotOnRecord,
                message,
                HELD_RULE,
            );
            return self.warn(fault, &[]);
        };
        if let Some(position) = title.revoked_by(event.effective) {
            let message = format!("the title was revoked before, at position {position}");
            let fault = self.fault(
                "effective_date",
                event.effective.to_string(),
                Reason::TitleNotHeld,
                message,
                HELD_RULE,
            );
            self.reject(fault, &[position]);
        }
    }

    /// An end that is recorded after a later beginning makes that beginning void, or is made void by it.
    fn nothing_later(&mut self, same: Option<&Folded>, day: CivilDate) {
        let later: Vec<u64> =
            same.map(|title| title.periods_after(day).collect()).unwrap_or_default();
        let Some(first) = later.first() else { return };
        let message = format!("the event at position {first} takes effect later");
        let rule = "facts count in the order of their effective dates";
        let fault = self.fault("effective_date", day.to_string(), Reason::Conflicts, message, rule);
        self.warn(fault, &later);
    }

    fn ban_is_long_enough(&mut self, from: CivilDate, serious: bool, until: Option<CivilDate>) {
        let Some(until) = until.filter(|_| serious) else { return };
        let least = from.plus_years_minus_day(BAN_YEARS_MIN);
        if until < least {
            let message = format!("this ground carries a ban of three years, to {least} at least");
            let rule = "工信部企业〔2022〕63号";
            let fault = self.fault(
                "revoked.ban_until",
                until.to_string(),
                Reason::BanTooShort,
                message,
                rule,
            );
            self.reject(fault, &[]);
        }
    }
}

impl Register {
    fn find_title(&self, title: &TitleRef) -> Option<TitleKey> {
        let item = self.names.find(&title.item)?;
        Some(TitleKey { programme: title.programme, authority: title.authority, item })
    }

    /// Designations that stand in a batch or sub-list.
    pub(super) fn designations_in(&self, batch: &BatchRef, known_at: u64) -> u64 {
        let Some((key, record)) = self.find_batch(batch) else { return 0 };
        let mut roots = record.entries.clone();
        roots.sort_unstable();
        roots.dedup();
        let counts = |root: &u64| {
            let standing = self.standing(*root, self.recorded(*root), known_at);
            match standing.map(|(_, stated)| stated.what) {
                Some(What::Title(title, TitleWhat::Designated { batch: b, sublist, .. })) => {
                    (title.programme, title.authority, b)
                        == (key.programme, key.authority, key.name)
                        && (batch.sublist.is_none() || sublist == batch.sublist)
                }
                _ => false,
            }
        };
        roots.iter().filter(|root| counts(root)).count() as u64
    }
}
