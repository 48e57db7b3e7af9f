//! The rules: may this event be recorded, after everything recorded before it? A pure function from
//! (facts, proposal) to a verdict. Rules never change the register.
//!
//! The catalogue says who may state a fact, and on which conditions; a rule reads it and never
//! names a programme. History may be loaded in any order. So a rule rejects only what no fact still
//! to come could put right, and then in both orders of recording. Everything else it accepts with
//! a warning. Once the authority has declared that part of its register complete, it rejects that
//! as well. [`RuleId`] lists the rules, each with its source.

mod bans;
mod batches;
mod designations;
mod effect;
mod framework;
mod growth;
mod issuers;
mod memory;
mod names;
mod notices;
mod outcome;
mod repairs;
mod repeats;
mod subjects;
mod titles;

use self::{batches::Held, memory::Answers};
use super::{
    AsOf, DesigneeIndex, Layers, Register,
    batches::{BatchKey, BatchesAsOf, SublistsFound},
    fold::{self, Folding},
    framework::FrameworkAsOf,
    identity::{IdentityCluster, Subjects},
};
use crate::{
    domain::{
        AuthorityCode, CivilDate, DesigneeId, Issuer, Principal,
        catalogue::{Catalogue, RuleVersion},
        event::{Event, Fact, Part},
        fault::{Breach, Fault, Key, RuleId},
        kind::ProgrammeId,
    },
    limits::CONFLICTS_MAX,
};

/// The result of judging one event.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Reasons to reject it. If there are none, it is accepted.
    pub rejections: Vec<Fault>,
    /// Warnings. They never reject the event.
    pub warnings: Vec<Fault>,
}

/// Judges the events of one commit in turn, and remembers answers that several of them need. It
/// must be dropped when the register is rolled back.
#[derive(Debug, Default)]
pub struct Judge {
    cluster: IdentityCluster,
    folding: Folding,
    /// Room for a fold with the proposal at its place.
    after: Folding,
    measures: Answers<(AuthorityCode, ProgrammeId, CivilDate), bool>,
    /// The day from which a part of a register is complete: one fact may ask about many days.
    complete_from: Answers<(AuthorityCode, ProgrammeId, Part), Option<CivilDate>>,
    /// The sub-lists of reviewed titles, for the seals of a batch that follow one another.
    sublists: SublistsFound,
    /// The numbers of entries in sealed lists, for the repairs that follow one another.
    held: Vec<((BatchKey, Option<AuthorityCode>), Held)>,
    /// The server itself records the commit.
    is_server: bool,
    /// Position of the first event of the commit.
    first: Option<u64>,
    /// Indexes of the events of the commit that are applied, and of the one being judged: from the
    /// first position on.
    indexes: Vec<usize>,
    /// Number of facts read so far.
    facts_read: usize,
    /// Warnings that are given once for all events of the commit, with their values.
    said: Vec<(RuleId, String)>,
}

impl Judge {
    /// A judge of a commit that a principal records.
    #[must_use]
    pub fn of(recorded_by: &Principal) -> Self {
        Self { is_server: *recorded_by == Principal::SERVER, ..Self::default() }
    }

    /// Number of facts, or events in their place, that were read to judge the events so far.
    #[must_use]
    pub fn facts_read(&self) -> usize {
        self.facts_read
    }

    /// Judges the event that would be applied next. `index` is its place in its commit.
    pub fn judge(
        &mut self,
        register: &Register,
        catalogue: &Catalogue,
        index: usize,
        event: &Event,
    ) -> Verdict {
        self.judge_over(register.into(), catalogue, index, event)
    }

    /// As [`Judge::judge`], also over the events of a trial.
    pub fn judge_over(
        &mut self,
        register: Layers<'_>,
        catalogue: &Catalogue,
        index: usize,
        event: &Event,
    ) -> Verdict {
        self.note_place(register.size(), index);
        let verdict = Verdict::default();
        let mut case = Case {
            register,
            catalogue,
            judge: self,
            index,
            path: "",
            except: None,
            corrected_by: None,
            verdict,
        };
        case.judge(event);
        let mut verdict = case.verdict;
        // The events of the commit get their positions only if it is recorded.
        let first = self.first.unwrap_or_default();
        let warnings = verdict.warnings.iter_mut().filter(|_| register.is_trial());
        for fault in verdict.rejections.iter_mut().chain(warnings) {
            fault.conflicts.retain(|position| *position < first);
        }
        verdict
    }

    /// Notes the place that the event to be judged gets. One that was rejected leaves its place to
    /// the next.
    fn note_place(&mut self, at: u64, index: usize) {
        let first = *self.first.get_or_insert(at);
        let before = usize::try_from(at.saturating_sub(first)).unwrap_or(usize::MAX);
        self.indexes.truncate(before);
        self.indexes.push(index);
    }

    /// The path in the request of the event that gets a position, if the commit itself holds it.
    fn path_of(&self, position: u64) -> Option<String> {
        let at = usize::try_from(position.checked_sub(self.first?)?).ok()?;
        self.indexes.get(at).map(|index| format!("events[{index}]"))
    }
}

/// One event being judged.
struct Case<'a> {
    register: Layers<'a>,
    catalogue: &'a Catalogue,
    judge: &'a mut Judge,
    index: usize,
    /// `corrected.replacement.` inside a correction, otherwise empty. Prefixes every field.
    path: &'static str,
    /// The root of the event that a correction replaces: its fact in force is ignored.
    except: Option<u32>,
    /// The issuer of that correction.
    corrected_by: Option<Issuer>,
    verdict: Verdict,
}

impl Case<'_> {
    fn judge(&mut self, event: &Event) {
        if !matches!(event.fact, Fact::Batch { .. }) {
            self.judge.sublists.clear();
        }
        if self.except.is_none() && !matches!(event.fact, Fact::Repair { .. }) {
            self.judge.held.clear();
        }
        match &event.fact {
            Fact::Title { designee, title, fact } => {
                self.read_designee(designee);
                self.require_entitled_issuer(event);
                if self.require_room(event, designee) {
                    self.fold_designee();
                    self.judge_title_fact(event, title, fact);
                    self.judge_title_effect(event, designee, title, fact);
                }
            }
            Fact::Subject { designee, fact } => {
                self.read_designee(designee);
                self.require_entitled_issuer(event);
                if self.require_room(event, designee) {
                    self.fold_designee();
                    self.judge_subject_fact(event, designee, fact);
                    self.judge_subject_effect(event, designee);
                }
            }
            Fact::Repair { position, replacement: Some(replacement) } => {
                self.judge_correction(event, *position, replacement);
            }
            Fact::Repair { position, replacement: None } => self.judge_annulment(event, *position),
            Fact::Batch { batch, seals, declared, digest } => {
                self.require_entitled_issuer(event);
                if *seals {
                    self.judge_seal(batch, *declared, digest.as_ref());
                } else {
                    self.reject_sealed("batch_opened.batch", batch);
                    self.require_room_for_list("batch_opened.batch", batch);
                }
            }
            Fact::Framework(fact) => {
                self.require_entitled_issuer(event);
                self.judge_framework_fact(event, fact);
            }
            Fact::Assessed { region, year, assessor } => {
                self.require_entitled_issuer(event);
                self.judge_assessment(event, *region, *year, assessor);
            }
        }
    }

    fn known_at(&self) -> u64 {
        self.register.size()
    }

    /// True if an event was recorded before this commit. The positions of the others are not given
    /// out if the commit is rejected.
    fn is_recorded_before(&self, position: u32) -> bool {
        self.judge.first.is_some_and(|first| u64::from(position) < first)
    }

    /// The position of an earlier event, unless it is one of this commit and the rows of the two
    /// tell where they are.
    fn unless_told_by_rows(&self, position: u32, row: u32, earlier: u32) -> Option<u32> {
        let is_told = !self.is_recorded_before(position) && are_rows_apart(row, earlier);
        (!is_told).then_some(position)
    }

    /// Rejects the event, because a value breaks a rule.
    fn reject(&mut self, field: &str, value: &str, breach: impl Into<Breach>, conflicts: &[u32]) {
        let fault = self.fault(field, value, breach, conflicts);
        self.verdict.rejections.push(fault);
    }

    fn warn(&mut self, field: &str, value: &str, breach: impl Into<Breach>, conflicts: &[u32]) {
        let fault = self.fault(field, value, breach, conflicts);
        self.verdict.warnings.push(fault);
    }

    /// Objects that something is not on record: rejects if the record is complete, and warns if it
    /// may still come.
    fn reject_if_complete(
        &mut self,
        complete: bool,
        field: &str,
        value: &str,
        breach: impl Into<Breach>,
    ) {
        self.reject_or_warn(complete, field, value, breach, &[]);
    }

    /// As [`Case::reject_if_complete`], with the events concerned.
    fn reject_or_warn(
        &mut self,
        complete: bool,
        field: &str,
        value: &str,
        breach: impl Into<Breach>,
        conflicts: &[u32],
    ) {
        if complete {
            self.reject(field, value, breach, conflicts);
        } else {
            self.warn(field, value, breach, conflicts);
        }
    }

    /// Notes a warning that holds for all events of a list. True the first time in the commit.
    fn note_once(&mut self, rule: RuleId, value: &str) -> bool {
        let is_new = !self.judge.said.iter().any(|(r, v)| *r == rule && v == value);
        if is_new {
            self.judge.said.push((rule, value.to_owned()));
        }
        is_new
    }

    /// A fault. It names the events of the commit itself by their paths: if the commit is rejected,
    /// nothing ever has their positions.
    fn fault(
        &mut self,
        field: &str,
        value: &str,
        breach: impl Into<Breach>,
        conflicts: &[u32],
    ) -> Fault {
        let breach = breach.into().with_paths(|position| self.judge.path_of(position));
        let conflicts = conflicts.iter().take(CONFLICTS_MAX);
        let conflicts = conflicts.map(|position| self.source_of(*position)).collect();
        let field = format!("{}{field}", self.path);
        Fault { conflicts, ..Fault::new(self.index, field, value, breach) }
    }

    /// The event that carries the fact in force in the place of another one.
    fn source_of(&mut self, position: u32) -> u64 {
        let facts = self.register.facts(self.known_at());
        facts.source_of(position, &mut self.judge.facts_read).into()
    }

    /// Reads every fact in force about a designee, whatever its day.
    fn read_designee(&mut self, designee: &DesigneeId) {
        let subjects = self.subjects();
        let Judge { cluster, facts_read, .. } = &mut *self.judge;
        match subjects.find(designee) {
            Some(index) => subjects.cluster_into(cluster, index, self.except),
            None => cluster.clear(),
        }
        *facts_read += cluster.facts_read();
    }

    /// Folds the facts that were read.
    fn fold_designee(&mut self) {
        let rules = self.register.rules_in_force();
        let Judge { cluster, folding, .. } = &mut *self.judge;
        fold::fold(folding, cluster, rules, CivilDate::MAX);
    }

    fn known(&self, designee: &DesigneeId) -> Option<DesigneeIndex> {
        self.subjects().find(designee)
    }

    /// True if the authority has declared a part of its register complete, on a day.
    fn is_complete(
        &mut self,
        authority: AuthorityCode,
        programme: ProgrammeId,
        part: Part,
        on: CivilDate,
    ) -> bool {
        self.complete_from(authority, programme, part).is_some_and(|from| from <= on)
    }

    /// The first day on which the authority has declared a part of its register complete.
    fn complete_from(
        &mut self,
        authority: AuthorityCode,
        programme: ProgrammeId,
        part: Part,
    ) -> Option<CivilDate> {
        let as_of = AsOf { valid_on: CivilDate::MAX, known_at: self.known_at() };
        let register = self.register;
        let Judge { complete_from, facts_read, .. } = &mut *self.judge;
        complete_from.ask(register, (authority, programme, part), || {
            let framework = register.framework_as_of(as_of);
            framework.complete_from(authority, programme, part, facts_read)
        })
    }
}

impl<'a> Case<'a> {
    fn subjects(&self) -> Subjects<'a> {
        self.register.subjects(self.known_at())
    }

    /// The batches with all events recorded so far, whatever their day.
    fn batches(&self) -> BatchesAsOf<'a> {
        let as_of = AsOf { valid_on: CivilDate::MAX, known_at: self.known_at() };
        self.register.batches_as_of(as_of)
    }

    fn framework(&self, on: CivilDate) -> FrameworkAsOf<'a> {
        self.register.framework_as_of(AsOf { valid_on: on, known_at: self.known_at() })
    }

    fn rule(&self, event: &Event, programme: ProgrammeId) -> Option<&'a RuleVersion> {
        self.catalogue.rule_at(programme, event.rule?)
    }
}

/// Adds the row of an event and that of an earlier one, if they tell the two apart.
fn with_rows(breach: Breach, row: u32, earlier: u32) -> Breach {
    if !are_rows_apart(row, earlier) {
        return breach;
    }
    breach.with(Key::Row, row).with(Key::EarlierRow, earlier)
}

/// True if both events have rows of one list. Equal rows are those of two lists.
fn are_rows_apart(row: u32, earlier: u32) -> bool {
    row != 0 && earlier != 0 && row != earlier
}

/// Adds the official document behind a rule of the catalogue, if it is a single one.
fn with_document(breach: impl Into<Breach>, document: &str) -> Breach {
    breach.into().with_any(Key::Document, Some(document).filter(|document| !document.is_empty()))
}
