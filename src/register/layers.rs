//! The register alone, or with the events of a trial over it. The rules read either in the same
//! way, so a trial gives the verdict that recording would give.

use super::{
    AsOf, DesigneeIndex, FoldRules, Overlay, Register, RulesBook, Seen, Sight,
    batches::BatchesAsOf,
    framework::FrameworkAsOf,
    identity::Subjects,
    repairs::Facts,
    rows::{FactRow, Sym},
};
use crate::domain::{DesigneeId, name::Beginning};

/// A register, and the events of a trial over it if there is one; or a register within the bounds
/// of a caller.
#[derive(Clone, Copy)]
pub struct Layers<'a> {
    base: &'a Register,
    overlay: Option<&'a Overlay>,
    /// Present only with bounds, or where events are withheld from everybody. The rules judge by
    /// the whole register, so a trial has none.
    seen: Option<&'a Seen<'a>>,
}

impl<'a> From<&'a Register> for Layers<'a> {
    fn from(base: &'a Register) -> Self {
        Self { base, overlay: None, seen: None }
    }
}

impl<'a> From<&'a Seen<'_>> for Layers<'a> {
    fn from(seen: &'a Seen<'_>) -> Self {
        let is_bounded = seen.sight.is_some() || seen.register.withheld.has_unshown();
        let bounded = is_bounded.then_some(seen);
        Self { base: seen.register, overlay: None, seen: bounded }
    }
}

impl<'a> Layers<'a> {
    pub(super) fn new(base: &'a Register, overlay: &'a Overlay) -> Self {
        Self { base, overlay: Some(overlay), seen: None }
    }

    /// The bounds of the caller, if it has any.
    pub(super) fn sight(self) -> Option<&'a Sight> {
        self.seen.and_then(|seen| seen.sight).map(|sight| &**sight)
    }

    /// The same without the bounds of a caller.
    pub(super) fn without_bounds(self) -> Self {
        Self { seen: None, ..self }
    }

    /// Number of events, with those of the trial.
    #[must_use]
    pub fn size(self) -> u64 {
        self.overlay.map_or(self.base.size(), Overlay::size)
    }

    /// The versions of the rules that it knows.
    pub(super) fn rules_book(self) -> RulesBook {
        self.base.rules_book()
    }

    /// The last adoption of rules below a log size: position and rules.
    pub(super) fn last_adoption(self, known_at: u64) -> Option<(u32, FoldRules)> {
        let Some(overlay) = self.overlay else { return self.base.adoptions.last_below(known_at) };
        let own = overlay.adoptions.last_below(known_at);
        own.or_else(|| self.base.adoptions.last_below(known_at.min(overlay.base_size())))
    }

    /// The rules in force at a log size.
    pub(super) fn rules_at(self, known_at: u64) -> FoldRules {
        self.last_adoption(known_at).map_or(FoldRules::FIRST, |(_, rules)| rules)
    }

    /// The rules in force for the next event.
    pub(super) fn rules_in_force(self) -> FoldRules {
        self.rules_at(self.size())
    }

    /// The event that withholds the one at a position from everybody. No trial does.
    pub(super) fn withheld_by(self, position: u32) -> Option<u32> {
        self.base.withheld.withheld_by(position)
    }

    /// The facts as known at a log size.
    pub(super) fn facts(self, known_at: u64) -> Facts<'a> {
        let facts = self.base.facts(known_at);
        if let Some(seen) = self.seen {
            return facts.through(seen);
        }
        match self.overlay {
            None => facts,
            Some(overlay) => facts.with_layer(&overlay.facts),
        }
    }

    /// The designees as known at a log size.
    pub(super) fn subjects(self, known_at: u64) -> Subjects<'a> {
        let subjects = Subjects::new(&self.base.identity, self.facts(known_at));
        match self.overlay {
            None => subjects,
            Some(overlay) => subjects.with_layer(&overlay.identity),
        }
    }

    /// The batches as of a day, as known at a log size.
    pub(super) fn batches_as_of(self, as_of: AsOf) -> BatchesAsOf<'a> {
        let subjects = self.subjects(as_of.known_at);
        let batches = BatchesAsOf::new(&self.base.batches, subjects, as_of.valid_on);
        match self.overlay {
            None => batches,
            Some(overlay) => batches.with_layer(&overlay.batches),
        }
    }

    /// The legal framework as of a day, as known at a log size.
    pub(super) fn framework_as_of(self, as_of: AsOf) -> FrameworkAsOf<'a> {
        let subjects = self.subjects(as_of.known_at);
        let framework = FrameworkAsOf::new(&self.base.framework, subjects, as_of.valid_on);
        match self.overlay {
            None => framework,
            Some(overlay) => framework.with_layer(&overlay.framework),
        }
    }

    /// Numbers of framework facts and of repairs. The framework changes only with one of them, as
    /// long as nothing is rolled back. In a trial only its own count: it knows of no later ones of
    /// the register.
    pub(super) fn framework_revision(self) -> (usize, usize) {
        match self.overlay {
            None => (self.base.framework.count(), self.base.repairs.count()),
            Some(overlay) => (overlay.framework.count(), overlay.facts.repairs.count()),
        }
    }

    /// True if events of a trial lie over the register: they never get a position.
    pub(super) fn is_trial(self) -> bool {
        self.overlay.is_some()
    }

    /// False if no fact about the framework was ever recorded.
    pub(super) fn has_framework_facts(self) -> bool {
        self.base.framework.count() > 0 || self.framework_revision().0 > 0
    }

    /// The fact that the event at a position states, before repairs.
    pub(super) fn recorded(self, position: u32) -> Option<&'a FactRow> {
        self.facts(u64::MAX).recorded(position)
    }

    /// The symbol of a word, if it was ever recorded.
    pub(super) fn find_word(self, text: &str) -> Option<Sym> {
        self.facts(u64::MAX).find_word(text)
    }

    pub(super) fn text(self, sym: Sym) -> &'a str {
        self.facts(u64::MAX).text(sym)
    }

    /// True if a name has this key.
    pub(super) fn is_name(self, sym: Sym, key: &str) -> bool {
        self.facts(u64::MAX).compare_name(sym, key) == Beginning::Same
    }

    /// The identifier of a designee.
    pub(super) fn id(self, index: DesigneeIndex) -> &'a DesigneeId {
        self.subjects(u64::MAX).id(index)
    }
}
