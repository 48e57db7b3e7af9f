//! The rules: may this event be recorded, after everything recorded before it? A pure function from (facts, proposal)
//! to a verdict; nothing here changes the register.
//!
//! Who may state what, and on which conditions, stands in the catalogue; a rule here reads it, and never names a programme.
//! A rule that rests on absence (no such title on record) warns, because history may be loaded in any order, until the
//! authority has declared that part of its register complete; from that day on it rejects. Each rule names its source in
//! [`Fault::rule`].

mod batches;
mod designations;
mod issuers;
mod repairs;
mod subjects;
mod titles;

use super::{
    DesigneeIndex, Register,
    fold::{self, Folding},
    identity::Circle,
    query::Moment,
};
use crate::{
    domain::{
        AuthorityCode, CivilDate, DesigneeId,
        catalogue::{Catalogue, RuleVersion},
        event::{Event, Fact, FrameFact, Part},
        fault::{Demand, Fault, Reason, echo},
        kind::ProgrammeId,
    },
    limits::CONFLICTS_MAX,
};

/// What the rules say to one event.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Why it is rejected; empty if it is accepted.
    pub rejections: Vec<Fault>,
    /// What deserves a look.
    pub warnings: Vec<Fault>,
}

/// Judges event after event, and remembers what the events of one list have in common.
#[derive(Debug, Default)]
pub struct Judge {
    circle: Circle,
    folding: Folding,
    measures: Remembered<(AuthorityCode, ProgrammeId, CivilDate)>,
    complete: Remembered<(AuthorityCode, ProgrammeId, Part, CivilDate)>,
    /// What was said once for all events of the commit, with its value.
    said: Vec<(Reason, String)>,
}

/// The last answer to a question about the frame, and the size of the frame it stands on.
#[derive(Debug)]
struct Remembered<Q>(Option<(Q, usize, bool)>);

impl<Q> Default for Remembered<Q> {
    fn default() -> Self {
        Self(None)
    }
}

impl<Q: Copy + PartialEq> Remembered<Q> {
    fn ask(&mut self, register: &Register, question: Q, answer: impl FnOnce() -> bool) -> bool {
        // A repair may change the frame as well; each one changes the number of repairs.
        let size = register.frame_size() + register.repair_count;
        match self.0 {
            Some((asked, at, answer)) if asked == question && at == size => answer,
            _ => {
                let answer = answer();
                self.0 = Some((question, size, answer));
                answer
            }
        }
    }
}

impl Judge {
    /// Judges the event that would be applied next. `index` is its place in its commit.
    pub fn judge(
        &mut self,
        register: &Register,
        catalogue: &Catalogue,
        index: usize,
        event: &Event,
    ) -> Verdict {
        let verdict = Verdict::default();
        let mut case =
            Case { register, catalogue, judge: self, index, path: "", except: None, verdict };
        case.judge(event);
        case.verdict
    }
}

/// One event being judged.
struct Case<'a> {
    register: &'a Register,
    catalogue: &'a Catalogue,
    judge: &'a mut Judge,
    index: usize,
    /// `corrected.replacement.` inside a correction, otherwise empty.
    path: &'static str,
    /// The place whose present content a correction removes.
    except: Option<u32>,
    verdict: Verdict,
}

/// What a rule says no, or looks twice, with: the field, its value, the reason and the words.
struct Objection<'a> {
    field: &'a str,
    value: String,
    reason: Reason,
    message: String,
    rule: &'a str,
}

impl Case<'_> {
    fn judge(&mut self, event: &Event) {
        match &event.fact {
            Fact::Title { designee, title, fact } => {
                self.look_up(designee);
                self.may_state(event);
                self.title_fact(event, title, fact);
            }
            Fact::Subject { designee, fact } => {
                self.look_up(designee);
                self.may_state(event);
                self.subject_fact(event, designee, fact);
            }
            Fact::Repair { position, replacement: Some(replacement) } => {
                self.corrected(event, *position, replacement);
            }
            Fact::Repair { position, replacement: None } => self.annulled(event, *position),
            Fact::Batch { batch, seals, declared, digest } => {
                self.may_state(event);
                if *seals {
                    self.batch_sealed(batch, *declared, digest.as_ref());
                } else {
                    self.batch_opened(batch);
                }
            }
            Fact::Frame(fact) => {
                self.may_state(event);
                self.frame_fact(event, fact);
            }
            Fact::Assessed { region, year, assessor } => {
                self.may_state(event);
                let same = self.register.assessment_of(*region, *year, assessor);
                if let Some(place) = same.filter(|place| Some(*place) != self.except) {
                    self.reject(
                        Objection {
                            field: "environment_assessed.year",
                            value: year.to_string(),
                            reason: Reason::AlreadyRecorded,
                            message: format!("{assessor} assessed {region} for {year} already"),
                            rule: "a region is assessed once a year by one assessor",
                        },
                        &[place],
                    );
                }
            }
        }
    }

    fn frame_fact(&mut self, event: &Event, fact: &FrameFact) {
        match fact {
            FrameFact::CatalogueAdopted { sha256 } if *sha256 != self.catalogue.sha256 => {
                self.reject(
                    Objection {
                        field: "catalogue_adopted.sha256",
                        value: String::new(),
                        reason: Reason::ReferenceInvalid,
                        message: format!(
                            "the catalogue in use, version {}, has another digest",
                            self.catalogue.version
                        ),
                        rule: "a catalogue is adopted while it is in use",
                    },
                    &[],
                );
            }
            FrameFact::MeasuresRepealed { position, repealed } => {
                if self.register.instrument_exists(*position, repealed) {
                    return;
                }
                let rule = "what is repealed was issued";
                if let Some(position) = position {
                    let message = "no instrument was recorded there".to_owned();
                    let (field, value) = ("measures_repealed.position", position.to_string());
                    let reason = Reason::ReferenceInvalid;
                    return self.reject(Objection { field, value, reason, message, rule }, &[]);
                }
                let objection = Objection {
                    field: "measures_repealed.document_number",
                    value: repealed.clone(),
                    reason: Reason::MeasuresMissing,
                    message: "no instrument with this number is on record".to_owned(),
                    rule,
                };
                // Which programmes an unknown instrument governed is not known either.
                let complete = self.catalogue.ids().all(|programme| {
                    self.is_complete(event.authority, programme, Part::Measures, event.effective)
                });
                self.absent(complete, objection);
            }
            _ => {}
        }
    }

    fn known_at(&self) -> u64 {
        self.register.size()
    }

    /// True if this was said of an earlier event of the commit; otherwise it is now. For what says the same of every event
    /// of a list.
    fn said_before(&mut self, reason: Reason, value: &str) -> bool {
        let said = self.judge.said.iter().any(|(r, v)| *r == reason && v == value);
        if !said {
            self.judge.said.push((reason, value.to_owned()));
        }
        said
    }

    fn reject(&mut self, objection: Objection<'_>, conflicts: &[u32]) {
        let fault = self.fault(objection, conflicts);
        self.verdict.rejections.push(fault);
    }

    /// As [`Case::reject`], with the one value that would be right.
    fn reject_expecting(&mut self, objection: Objection<'_>, expected: String) {
        let demand = Some(Demand::Expected(expected));
        let fault = Fault { demand, ..self.fault(objection, &[]) };
        self.verdict.rejections.push(fault);
    }

    fn warn(&mut self, objection: Objection<'_>, conflicts: &[u32]) {
        let fault = self.fault(objection, conflicts);
        self.verdict.warnings.push(fault);
    }

    /// Something that should be on record is not: an error where the record is complete, a warning where it may still come.
    fn absent(&mut self, complete: bool, objection: Objection<'_>) {
        if complete { self.reject(objection, &[]) } else { self.warn(objection, &[]) }
    }

    fn fault(&self, objection: Objection<'_>, conflicts: &[u32]) -> Fault {
        let Objection { field, value, reason, message, rule } = objection;
        let source = |place: &u32| u64::from(self.register.source_of(*place, self.known_at()));
        Fault {
            index: self.index,
            field: format!("{}{field}", self.path),
            value: echo(&value),
            reason,
            message,
            rule: rule.to_owned(),
            conflicts: conflicts.iter().take(CONFLICTS_MAX).map(source).collect(),
            demand: None,
        }
    }

    /// Folds everything that stands about a designee, as far as the facts reach.
    fn look_up(&mut self, designee: &DesigneeId) {
        let known_at = self.known_at();
        let months = self.catalogue.duties.report_months;
        let Judge { circle, folding, .. } = &mut *self.judge;
        match self.register.find(designee, known_at) {
            Some(index) => self.register.circle_into(circle, index, known_at, self.except),
            None => *circle = Circle::default(),
        }
        fold::fold(folding, circle, CivilDate::MAX, months);
    }

    fn known(&self, designee: &DesigneeId) -> Option<DesigneeIndex> {
        self.register.find(designee, self.known_at())
    }

    fn is_complete(
        &mut self,
        authority: AuthorityCode,
        programme: ProgrammeId,
        part: Part,
        on: CivilDate,
    ) -> bool {
        let (register, moment) = (self.register, Moment { as_of: on, known_at: self.known_at() });
        let question = (authority, programme, part, on);
        let answer = || register.complete(authority, programme, part, moment);
        self.judge.complete.ask(register, question, answer)
    }
}

impl<'a> Case<'a> {
    fn rule(&self, event: &Event, programme: ProgrammeId) -> Option<&'a RuleVersion> {
        self.catalogue.rule_at(programme, event.rule?)
    }
}
