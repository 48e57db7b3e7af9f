//! The rules: may this event be recorded, after everything recorded before it? A pure function from (facts, proposal)
//! to a verdict; nothing here changes the register.
//!
//! A rule that rests on absence (no such title on record) only warns, because history may be loaded in any order. Each
//! rule names its source in [`Fault::rule`].

mod repairs;
mod titles;

use super::{DesigneeIndex, Register, fact::Stated};
use crate::domain::{
    AuthorityCode, DesigneeId, Name,
    catalogue::{Catalogue, Decider},
    event::{BatchRef, Event, Fact},
    fault::{Fault, Reason, echo},
    limits::CONFLICTS_MAX,
    name,
};

/// What the rules say to one event.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Why it is rejected; empty if it is accepted.
    pub rejections: Vec<Fault>,
    /// What deserves a look.
    pub warnings: Vec<Fault>,
}

/// One event being judged.
struct Case<'a> {
    register: &'a Register,
    catalogue: &'a Catalogue,
    index: usize,
    /// `corrected.replacement.` inside a correction, otherwise empty.
    path: &'static str,
    /// The place whose present content a correction removes.
    except: Option<u64>,
    verdict: Verdict,
}

/// Judges the event that would be applied next. `index` is its place in its commit.
#[must_use]
pub fn judge(register: &Register, catalogue: &Catalogue, index: usize, event: &Event) -> Verdict {
    let mut case =
        Case { register, catalogue, index, path: "", except: None, verdict: Verdict::default() };
    case.judge(event);
    case.verdict
}

impl Case<'_> {
    fn judge(&mut self, event: &Event) {
        match &event.fact {
            Fact::Title { designee, title, fact } => {
                self.title_fact(event, designee, title, fact);
            }
            Fact::Renamed { designee, old_name, simple, .. } => {
                self.renamed(event, designee, old_name, *simple);
            }
            Fact::Corrected { position, replacement } => {
                self.corrected(event, *position, replacement);
            }
            Fact::Annulled { position } => self.annulled(event, *position),
            Fact::BatchOpened(batch) => self.batch_event(event, batch),
            Fact::BatchSealed { batch, designated } => {
                self.batch_event(event, batch);
                self.batch_sealed(batch, *designated);
            }
        }
    }

    fn known_at(&self) -> u64 {
        self.register.size()
    }

    fn fault(
        &self,
        field: &str,
        value: impl Into<String>,
        reason: Reason,
        message: String,
        rule: &'static str,
    ) -> Fault {
        Fault {
            index: self.index,
            field: format!("{}{field}", self.path),
            value: echo(&value.into()),
            reason,
            message,
            rule,
            conflicts: Vec::new(),
        }
    }

    fn reject(&mut self, fault: Fault, conflicts: &[u64]) {
        let conflicts = conflicts.iter().take(CONFLICTS_MAX).copied().collect();
        self.verdict.rejections.push(Fault { conflicts, ..fault });
    }

    fn warn(&mut self, fault: Fault, conflicts: &[u64]) {
        let conflicts = conflicts.iter().take(CONFLICTS_MAX).copied().collect();
        self.verdict.warnings.push(Fault { conflicts, ..fault });
    }

    fn known(&self, designee: &DesigneeId) -> Option<DesigneeIndex> {
        self.register.find(designee, self.known_at())
    }

    fn facts(&self, index: DesigneeIndex) -> Vec<Stated> {
        self.register.standing_facts(index, self.known_at(), self.except)
    }

    /// A simple rename (简单更名) is stated by the ministry or by an authority that holds or recommended a title.
    fn renamed(&mut self, event: &Event, designee: &DesigneeId, old_name: &Name, simple: bool) {
        const RULE: &str = "工企业函〔2021〕171号";
        if !simple {
            let message =
                "a rename with a merger, division, restructuring or change of business is \
                           recorded as restructured"
                    .to_owned();
            let fault =
                self.fault("renamed.simple", "false", Reason::RenameNotSimple, message, RULE);
            self.reject(fault, &[]);
        }
        let Some(index) = self.known(designee) else {
            let message = "nothing is recorded about this designee yet".to_owned();
            let id = designee.to_string();
            let fault = self.fault("designee", id, Reason::TitleNotOnRecord, message, RULE);
            return self.warn(fault, &[]);
        };
        let facts = self.facts(index);
        let involved = |stated: &Stated| {
            stated.issuer == event.authority || stated.recommended_by() == Some(event.authority)
        };
        if !event.authority.is_ministry() && !facts.is_empty() && !facts.iter().any(involved) {
            let message =
                "neither decided on a title of this designee nor recommended it".to_owned();
            let code = event.authority.as_str();
            let fault = self.fault("authority", code, Reason::IssuerNotEntitled, message, RULE);
            self.reject(fault, &[]);
        }
        let on_record = self.register.name_on(&facts, event.effective);
        if let Some(on_record) =
            on_record.filter(|on_record| name::folded(on_record) != old_name.key())
        {
            let message = format!("the name on record on that day is {on_record}");
            let fault = self.fault(
                "renamed.old_name",
                old_name.as_str(),
                Reason::NameDiffers,
                message,
                RULE,
            );
            self.warn(fault, &[]);
        }
    }

    /// A batch is opened and sealed by whoever decides in its programme, or by the authority of the sub-list.
    fn batch_event(&mut self, event: &Event, batch: &BatchRef) {
        let programme = self.catalogue.programme(batch.programme);
        let decides = programme.rules.iter().any(|rule| rule.decided_by.includes(event.authority));
        if !decides && batch.sublist != Some(event.authority) {
            let decider = programme.rules.first().map_or(Decider::Any, |rule| rule.decided_by);
            self.not_entitled(event.authority, &programme.id, decider);
        }
    }

    fn batch_sealed(&mut self, batch: &BatchRef, declared: Option<u32>) {
        const RULE: &str = "a seal states what the publication holds";
        let found = self.register.find_batch(batch);
        let known_at = self.known_at();
        let seal = found.and_then(|(key, _)| {
            let last_day = crate::domain::CivilDate::MAX;
            self.register.seal_of(key, batch.sublist, last_day, known_at)
        });
        if let Some(seal) = seal {
            let message = "is sealed already; annul the seal to reopen it".to_owned();
            let name = &batch.batch;
            let fault = self.fault("batch_sealed.batch", name, Reason::BatchSealed, message, RULE);
            return self.reject(fault, &[seal.position]);
        }
        let held = self.register.designations_in(batch, known_at);
        if found.is_none() && declared != Some(0) {
            let message =
                "nothing was recorded of it; an empty one is sealed with designated = 0".to_owned();
            let name = &batch.batch;
            let fault = self.fault("batch_sealed.batch", name, Reason::BatchUnknown, message, RULE);
            return self.reject(fault, &[]);
        }
        if let Some(declared) = declared.filter(|declared| u64::from(*declared) != held) {
            let message = format!("{held} designations are recorded");
            let field = "batch_sealed.declared.designated";
            let fault =
                self.fault(field, declared.to_string(), Reason::CountMismatch, message, RULE);
            self.reject(fault, &[]);
        }
    }

    fn not_entitled(&mut self, issuer: AuthorityCode, programme: &str, decider: Decider) {
        let who = match decider {
            Decider::Ministry => "only the ministry (100000) decides on it",
            Decider::Provincial => "only a provincial-level authority decides on it",
            Decider::Any => "it does not decide on it",
        };
        let message = format!("may not state this for {programme}: {who}");
        let rule = "the programme catalogue, decided_by";
        let code = issuer.as_str();
        let fault = self.fault("authority", code, Reason::IssuerNotEntitled, message, rule);
        self.reject(fault, &[]);
    }
}
