//! The catalogues of a log, in the order of their adoption.

use std::sync::Arc;

use super::{Catalogue, CatalogueError, Numbering, RuleVersion};
use crate::{
    domain::{
        fault::{Breach, RuleId},
        kind::ProgrammeId,
    },
    limits::CATALOGUE_ADOPTIONS_MAX,
};

/// The catalogues that a log has adopted. For an event, the one counts that was adopted last at or
/// below its position. Before the first adoption that is the first built-in one.
///
/// A [`ProgrammeId`] and the number of a rule version mean the same in all of them, so the register
/// keeps only these numbers.
#[derive(Clone, Debug)]
pub struct Catalogues {
    first: Adoption,
    /// In the order of their positions.
    later: Vec<Adoption>,
    numbering: Numbering,
}

/// A catalogue with the event from which on it counts.
#[derive(Clone, Debug)]
pub struct Adoption {
    /// Position of the event; `None` if the catalogue counts from the start without one.
    pub position: Option<u64>,
    /// The catalogue.
    pub catalogue: Arc<Catalogue>,
}

impl Catalogues {
    /// The catalogues of a log that has adopted none: `first` counts.
    #[must_use]
    pub fn new(first: Arc<Catalogue>) -> Self {
        let mut numbering = Numbering::default();
        let mut catalogue = Arc::unwrap_or_clone(first);
        // A catalogue that was read fits into a numbering of its own.
        let _ = catalogue.renumber(&mut numbering);
        let first = Adoption { position: None, catalogue: Arc::new(catalogue) };
        Self { first, later: Vec::new(), numbering }
    }

    /// The catalogues of a log that has adopted none.
    #[must_use]
    pub fn built_in() -> Self {
        let first = Catalogue::all_built_in().next().unwrap_or_else(Catalogue::built_in);
        Self::new(Arc::new(first))
    }

    /// Adds the catalogue that the event at a position adopts. It changes nothing if that catalogue
    /// counts already. Positions only grow.
    ///
    /// # Errors
    /// [`CatalogueError`] if all catalogues together have too many programmes, rule versions or
    /// adoptions; nothing is changed then.
    pub fn adopt(&mut self, position: u64, catalogue: &Catalogue) -> Result<(), CatalogueError> {
        if catalogue.sha256 == self.in_use().sha256 {
            return Ok(());
        }
        if position == 0 {
            // The first catalogue has counted for nothing, so its programmes take up no numbers.
            *self = Self::new(Arc::new(catalogue.clone()));
            self.first.position = Some(0);
            return Ok(());
        }
        if self.later.len() + 1 >= CATALOGUE_ADOPTIONS_MAX {
            let most = CATALOGUE_ADOPTIONS_MAX;
            return Err(CatalogueError(format!("a log adopts at most {most} catalogues")));
        }
        let (mut numbering, mut catalogue) = (self.numbering.clone(), catalogue.clone());
        catalogue.renumber(&mut numbering).map_err(CatalogueError)?;
        self.numbering = numbering;
        self.later.push(Adoption { position: Some(position), catalogue: Arc::new(catalogue) });
        Ok(())
    }

    /// The catalogue that counts for the event at a position.
    #[must_use]
    pub fn at(&self, position: u64) -> &Arc<Catalogue> {
        let adopted = |adoption: &&Adoption| adoption.position.is_some_and(|at| at <= position);
        &self.later.iter().rfind(adopted).unwrap_or(&self.first).catalogue
    }

    /// The catalogue adopted last, as known at a log size.
    #[must_use]
    pub fn known_at(&self, size: u64) -> &Arc<Catalogue> {
        self.at(size.saturating_sub(1))
    }

    /// The catalogue adopted last.
    #[must_use]
    pub fn in_use(&self) -> &Arc<Catalogue> {
        &self.later.last().unwrap_or(&self.first).catalogue
    }

    /// All adoptions, oldest first.
    pub fn adoptions(&self) -> impl Iterator<Item = &Adoption> {
        [&self.first].into_iter().chain(&self.later)
    }

    /// The catalogues of all adoptions, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Catalogue>> {
        self.adoptions().map(|adoption| &adoption.catalogue)
    }

    /// The catalogue with a digest.
    #[must_use]
    pub fn with_digest(&self, sha256: &[u8]) -> Option<&Arc<Catalogue>> {
        self.iter().find(|catalogue| catalogue.sha256 == sha256)
    }

    /// Finds a programme that any of the catalogues has.
    ///
    /// # Errors
    /// [`RuleId::ProgrammeUnknown`].
    pub fn find(&self, id: &str) -> Result<ProgrammeId, Breach> {
        self.numbering.find(id).ok_or(RuleId::ProgrammeUnknown.into())
    }

    /// The name of the programme with an id.
    #[must_use]
    pub fn id_of(&self, id: ProgrammeId) -> &str {
        self.numbering.programmes().get(usize::from(id.index())).map_or("", String::as_str)
    }

    /// The rule version of a programme with a number.
    #[must_use]
    pub fn rule_at(&self, id: ProgrammeId, number: u8) -> Option<&RuleVersion> {
        self.numbering.rule(id, number)
    }
}
