//! Reads an image. Sections are read one by one, in any order and on any thread; the register is
//! made of all of them.

use super::{ImageHead, Part};
use crate::register::{
    Register, RulesBook, Unfit,
    batches::Batches,
    framework::Framework,
    identity::{DesigneeRecord, Identity, NameRead, Ties},
    index::{Index, Scope, SetRead},
    repairs::{Facts, Repairs, Replacement},
    rows::{
        DesigneeIndex, FactKindRow, FactRow, Link, Owner, Row, Rows, RowsRead, Sym, Texts,
        position32, take_pages,
    },
    stored::{Stored as _, Stream},
    versions::Adoptions,
    withheld::{WithheldPlaces, WithheldRead},
};

/// A section that was read.
#[derive(Debug)]
pub struct SectionRead(Section);

#[derive(Debug)]
enum Section {
    Rows(Vec<Vec<Row>>),
    Texts(Vec<Vec<u8>>),
    Words(Vec<Sym>),
    Keys(Vec<(Sym, Sym)>),
    Designees(Vec<Vec<DesigneeRecord>>),
    Names(Vec<NameRead>),
    Ties(Vec<TiesRead>),
    Scopes(Vec<Scope>),
    Sets(Vec<SetRead>),
    Withheld(WithheldRead),
}

/// The ties of the event at a position, and the fact that it puts into the place of another one.
type TiesRead = (u32, (Ties, Option<(Owner, FactRow)>));

impl SectionRead {
    /// Reads a section of a part.
    ///
    /// # Errors
    /// [`Unfit`] if the bytes are not those of such a section.
    pub fn read(head: &ImageHead, part: Part, bytes: &[u8]) -> Result<Self, Unfit> {
        let from = &mut Stream::new(bytes, head.ends);
        let section = match part {
            Part::Rows => Section::Rows(take_pages(from)?),
            Part::Texts => Section::Texts(Texts::take_pages(from)?),
            Part::Words => Section::Words(from.rest()?),
            Part::Keys => Section::Keys(from.rest()?),
            Part::Designees => Section::Designees(take_pages(from)?),
            Part::Names => Section::Names(from.rest()?),
            Part::Ties => Section::Ties(from.rest()?),
            Part::Scopes => Section::Scopes(from.rest()?),
            Part::Sets => Section::Sets(from.rest()?),
            Part::Withheld => Section::Withheld(WithheldRead::get(from)?),
        };
        from.is_empty().then_some(Self(section)).ok_or(Unfit("a section is too long"))
    }
}

/// The sections of an image, gathered in their order.
#[derive(Debug)]
pub struct Image {
    head: ImageHead,
    rows: RowsRead,
    designees: Vec<Vec<DesigneeRecord>>,
    names: Vec<Vec<NameRead>>,
    ties: Vec<TiesRead>,
    scopes: Vec<Scope>,
    sets: Vec<SetRead>,
    withheld: WithheldPlaces,
}

/// Runs two pieces of work, at the same time if it can.
pub type Both<'a> = &'a dyn Fn(&mut (dyn FnMut() + Send), &mut (dyn FnMut() + Send));

impl Image {
    /// An image without sections.
    #[must_use]
    pub fn new(head: ImageHead) -> Self {
        Self {
            head,
            rows: RowsRead::default(),
            designees: Vec::new(),
            names: Vec::new(),
            ties: Vec::new(),
            scopes: Vec::new(),
            sets: Vec::new(),
            withheld: WithheldPlaces::default(),
        }
    }

    /// Adds the next section.
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn add(&mut self, SectionRead(section): SectionRead) -> Result<(), Unfit> {
        match section {
            Section::Rows(pages) => self.rows.add_rows(pages),
            Section::Texts(pages) => self.rows.add_texts(pages),
            Section::Words(words) => self.rows.add_words(words),
            Section::Keys(keys) => self.rows.add_keys(keys),
            Section::Designees(pages) => self.designees.extend(pages),
            Section::Names(names) => self.names.push(names),
            Section::Ties(ties) => self.ties.extend(ties),
            Section::Scopes(scopes) => self.scopes.extend(scopes),
            Section::Sets(sets) => self.sets.extend(sets),
            Section::Withheld(places) => self.withheld.restore(places)?,
        }
        Ok(())
    }

    /// The register, which knows these versions of the rules. Nothing can be taken back in it.
    ///
    /// # Errors
    /// [`Unfit`] if the sections do not make a register together.
    pub fn finish(self, book: RulesBook, both: Both<'_>) -> Result<Register, Unfit> {
        let Self { head, rows, designees, names, ties, scopes, sets, withheld } = self;
        let mut rows = rows.finish(head.ends)?;
        let mut identity = Identity::of_pages(designees, head.ends.designees, head.secret)?;
        let mut index = Index::of_scopes(scopes)?;
        sets.into_iter().for_each(|set| index.restore_set(set));
        let mut last = vec![Link::NONE; identity.len()];
        let mut derived = Derived::new(book, withheld);
        let borne = usize::try_from(head.borne).unwrap_or(usize::MAX);
        let (mut of_rows, mut indexed) = (Ok(()), Ok(()));
        both(
            &mut || {
                rows.link(&mut last);
                rows.index_words();
                of_rows = derived.of_rows(&rows, &index, &ties);
            },
            &mut || indexed = identity.index(&names, borne),
        );
        of_rows.and(indexed)?;
        identity.restore_last(last);
        for (position, (ties, _)) in ties {
            identity.restore_ties(position, ties);
        }
        let Derived { repairs, batches, framework, adoptions, withheld, tying } = derived;
        for (position, owner, fact) in tying {
            identity.restore_tie(owner, &fact, position);
        }
        Ok(Register { rows, identity, repairs, index, batches, framework, adoptions, withheld })
    }
}

/// The parts that follow from rows.
struct Derived {
    repairs: Repairs,
    batches: Batches,
    framework: Framework,
    adoptions: Adoptions,
    withheld: WithheldPlaces,
    /// Facts that may tie their designee to others, each with the event that states it.
    tying: Vec<(u32, DesigneeIndex, FactRow)>,
}

impl Derived {
    fn new(book: RulesBook, withheld: WithheldPlaces) -> Self {
        Self {
            repairs: Repairs::default(),
            batches: Batches::default(),
            framework: Framework::default(),
            adoptions: Adoptions::new(book),
            withheld,
            tying: Vec::new(),
        }
    }

    /// Applies every row, as [`Register::apply`] did.
    fn of_rows(&mut self, rows: &Rows, index: &Index, ties: &[TiesRead]) -> Result<(), Unfit> {
        let mut ties = ties.iter().peekable();
        for position in 0..position32(rows.size()) {
            let Some(row) = rows.get(position) else { break };
            if !index.has_scope(row.scope) {
                return Err(Unfit("an event names a scope that is not there"));
            }
            let tied = ties.next_if(|(at, _)| *at == position);
            let replacement = tied.and_then(|(_, (_, replaced))| *replaced);
            self.apply(rows, position, row, replacement.map(|(Owner(owner), fact)| (owner, fact)));
        }
        ties.next().is_none().then_some(()).ok_or(Unfit("ties of an event that is not there"))
    }

    fn apply(&mut self, rows: &Rows, position: u32, row: &Row, replacement: Option<Replacement>) {
        self.batches.apply(&row.fact, position, position);
        self.framework.apply(&row.fact, position, position);
        self.adoptions.apply(&row.fact, position);
        self.withheld.withhold(&row.fact, position);
        self.note_tying(position, row.designee, &row.fact);
        if let FactKindRow::Repaired { target, .. } = row.fact.kind {
            if let Some((owner, fact)) = &replacement {
                let root = Facts::new(rows, &self.repairs, rows.size()).root_of(target);
                self.batches.apply(fact, root, position);
                self.framework.apply(fact, root, position);
                self.note_tying(position, *owner, fact);
            }
            self.repairs.apply(position, target, replacement);
        }
        // Nothing goes back here, and the steps back must not take memory.
        self.batches.commit_before(self.batches.savepoint());
        self.framework.commit_before(self.framework.savepoint());
        self.repairs.commit_before(self.repairs.savepoint());
    }

    fn note_tying(&mut self, position: u32, owner: DesigneeIndex, fact: &FactRow) {
        if let FactKindRow::Transferred { .. }
        | FactKindRow::Linked { .. }
        | FactKindRow::Restructured { .. } = fact.kind
        {
            self.tying.push((position, owner, *fact));
        }
    }
}
