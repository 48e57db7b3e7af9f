//! The events of a trial over a register that others go on changing.
//!
//! An overlay reads the register at the size at which the trial began, and holds only what its own
//! events add. The register may grow meanwhile, and may take back what is not durable: the overlay
//! knows nothing recorded since, and nothing of it is ever in the register. Whom its events
//! concern is left out, because no rule asks for it.

use super::{
    Layers, Register,
    apply::{Encoder, Symbols},
    batches::Batches,
    framework::Framework,
    identity::{Identity, IdentityLayer},
    repairs::FactsLayer,
    rows::{
        DesigneeIndex, FactRow, Link, NOBODY, Row, Rows, RowsEnd, RowsLayer, ScopeIndex, Sym,
        position32,
    },
    versions::Adoptions,
};
use crate::domain::{
    DesigneeId, Name,
    event::{Event, Fact},
};

/// How far a register reaches at a log size that is never taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    pub(super) rows: RowsEnd,
    pub(super) designees: usize,
}

impl Extent {
    /// Number of events.
    #[must_use]
    pub fn size(self) -> u64 {
        self.rows.size()
    }

    /// Number of designees that the events name.
    #[must_use]
    pub fn designees(self) -> usize {
        self.designees
    }
}

/// What the events of a trial add to a register.
#[derive(Debug)]
pub struct Overlay {
    base: Extent,
    pub(super) facts: FactsLayer,
    pub(super) identity: IdentityLayer,
    pub(super) batches: Batches,
    pub(super) framework: Framework,
    pub(super) adoptions: Adoptions,
}

impl Register {
    /// How far it reaches now.
    #[must_use]
    pub fn extent(&self) -> Extent {
        Extent { rows: self.rows.end(), designees: self.identity.len() }
    }
}

impl Overlay {
    /// An overlay without events, over a register as it was at an extent. Every question must be
    /// asked over that register.
    #[must_use]
    pub fn new(base: Extent, register: &Register) -> Self {
        Self {
            base,
            facts: FactsLayer::after(base.rows),
            identity: IdentityLayer::over(base.designees),
            batches: Batches::default(),
            framework: Framework::default(),
            adoptions: Adoptions::new(register.rules_book()),
        }
    }

    /// Number of events, with those of the register that it knows of.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.facts.rows.size()
    }

    /// The size of the register that it knows of.
    pub(super) fn base_size(&self) -> u64 {
        self.base.size()
    }

    /// The overlay with its register below.
    #[must_use]
    pub fn over<'a>(&'a self, register: &'a Register) -> Layers<'a> {
        Layers::new(register, self)
    }

    /// Applies the next event, as [`Register::apply`] would.
    pub fn apply(&mut self, register: &Register, event: &Event) {
        let position = position32(self.size());
        let (about, fact) = self.encode(register, event);
        if let Some(index) = about {
            self.identity.apply(&register.identity, index, position, &event.fact);
        }
        self.batches.apply(&fact, position, position);
        self.framework.apply(&fact, position, position);
        self.adoptions.apply(&fact, position);
        let mut designee = about.unwrap_or(NOBODY);
        if let Fact::Repair { position: target, replacement } = &event.fact {
            designee = self.repair(register, position, *target, replacement.as_deref());
        }
        if designee != NOBODY {
            self.identity.append_event(designee, position);
        }
        let (scope, previous) = (ScopeIndex::NONE, Link::NONE);
        self.facts.rows.push(Row { scope, designee, previous, fact });
    }

    fn encode(&mut self, register: &Register, event: &Event) -> (Option<DesigneeIndex>, FactRow) {
        let about = event.fact.designee().map(|id| self.identity.intern(&register.identity, id));
        let symbols = OfTrial {
            below: (&register.rows, &register.identity),
            rows: &mut self.facts.rows,
            identity: &mut self.identity,
        };
        (about, Encoder(symbols).fact(event))
    }

    /// Applies a repair, also to the designees that it moves a fact to. Gives the first of these.
    fn repair(
        &mut self,
        register: &Register,
        position: u32,
        target: u64,
        replacement: Option<&Event>,
    ) -> DesigneeIndex {
        let target = position32(target);
        let subjects = self.over(register).subjects(self.size());
        let root = subjects.facts().root_of(target);
        let concerned = subjects.concerned_along(target);
        let mut first = NOBODY;
        for index in concerned {
            self.concern(&mut first, index, position);
        }
        let replacement = replacement.map(|event| {
            let (about, fact) = self.encode(register, event);
            self.batches.apply(&fact, root, position);
            self.framework.apply(&fact, root, position);
            let Some(index) = about else { return (NOBODY, fact) };
            self.identity.apply(&register.identity, index, position, &event.fact);
            self.concern(&mut first, index, position);
            (index, fact)
        });
        self.facts.repairs.apply(position, target, replacement);
        first
    }

    /// A repair is chained among the events of the first designee; the others only note it.
    fn concern(&mut self, first: &mut DesigneeIndex, index: DesigneeIndex, position: u32) {
        if *first == NOBODY {
            *first = index;
        } else if index != NOBODY && *first != index {
            self.identity.concern(index, position);
        }
    }
}

/// The symbols of a trial: those of the register that it knows of, and its own.
struct OfTrial<'a> {
    below: (&'a Rows, &'a Identity),
    rows: &'a mut RowsLayer,
    identity: &'a mut IdentityLayer,
}

impl Symbols for OfTrial<'_> {
    fn word(&mut self, text: &str) -> Sym {
        self.rows.intern_word(self.below.0, text)
    }

    fn name(&mut self, name: &Name) -> Sym {
        self.rows.append_name(name)
    }

    fn designee(&mut self, id: &DesigneeId) -> DesigneeIndex {
        self.identity.intern(self.below.1, id)
    }
}
