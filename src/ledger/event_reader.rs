//! Reads stored events in order, each with the catalogue that counts at its position.

use std::sync::Arc;

use crate::{
    catalogue_files::CatalogueFiles,
    domain::{
        catalogue::{Catalogue, Catalogues},
        event::{Event, Fact, FrameworkFact},
    },
    limits::REBUILD_BATCH_BYTES,
    log::{Chunk, CommitLog, LogError},
    protocol::{
        event::{self, Unreadable},
        leaf::Leaf,
    },
    register::RulesBook,
};

/// Reads stored events in order. At an adoption it goes on with the catalogue adopted.
#[derive(Clone, Debug)]
pub struct EventReader {
    catalogues: Arc<Catalogues>,
    /// The one that counts for the next event.
    current: Arc<Catalogue>,
    files: CatalogueFiles,
    /// The versions of the rules that the log may have adopted.
    rules: RulesBook,
}

impl EventReader {
    /// Reads from the first event on, with catalogues that are found in `files`.
    #[must_use]
    pub fn new(files: CatalogueFiles, rules: RulesBook) -> Self {
        let catalogues = Arc::new(files.before_any_adoption());
        Self { current: Arc::clone(catalogues.in_use()), catalogues, files, rules }
    }

    /// Reads a log of which all adoptions are known.
    #[must_use]
    pub fn knowing(catalogues: Arc<Catalogues>, rules: RulesBook) -> Self {
        let current = Arc::clone(catalogues.at(0));
        Self { catalogues, current, files: CatalogueFiles::built_in(), rules }
    }

    /// Goes on after the adoptions of these catalogues; later ones are found in `files`.
    #[must_use]
    pub fn after(catalogues: Arc<Catalogues>, files: CatalogueFiles, rules: RulesBook) -> Self {
        let current = Arc::clone(catalogues.in_use());
        Self { catalogues, current, files, rules }
    }

    /// The catalogues adopted so far.
    #[must_use]
    pub fn catalogues(&self) -> &Arc<Catalogues> {
        &self.catalogues
    }

    /// Where catalogues are found.
    #[must_use]
    pub fn files(&self) -> &CatalogueFiles {
        &self.files
    }

    /// The catalogue that counts for the next event.
    #[must_use]
    pub fn current(&self) -> &Arc<Catalogue> {
        &self.current
    }

    /// Continues at a position, below which every adoption is known.
    pub fn seek(&mut self, position: u64) {
        self.current = Arc::clone(self.catalogues.at(position));
    }

    /// Finds the adoptions below a position, and continues there. Other events are not read.
    ///
    /// # Errors
    /// [`LogError`]
    pub fn skip_to(&mut self, log: &dyn CommitLog, position: u64) -> Result<(), LogError> {
        let mut next = 0;
        while next < position {
            let chunks = log.read(next, REBUILD_BATCH_BYTES)?;
            let leaves = chunks.iter().flat_map(Chunk::leaves);
            let leaves = leaves.filter(|leaf| !leaf.withheld);
            for found in leaves.filter(|leaf| (next..position).contains(&leaf.position)) {
                let leaf: Result<Leaf, _> = prost::Message::decode(found.bytes);
                let adopted = leaf.ok().and_then(|leaf| event::stored_adoption(&leaf.event));
                if let Some(sha256) = adopted {
                    self.adopt(found.position, &sha256)?;
                }
            }
            let Some(last) = chunks.last() else { break };
            next = last.next();
        }
        Ok(())
    }

    /// Reads the body of the event at the next position.
    ///
    /// # Errors
    /// [`LogError::Damaged`] or [`LogError::NewerFact`]; [`LogError::Catalogue`] if it adopts one
    /// that is not at hand; [`LogError::NewerRules`].
    pub fn read(&mut self, position: u64, body: &[u8]) -> Result<Event, LogError> {
        let event =
            event::stored_event(&self.current, body).map_err(|e| unreadable(position, e))?;
        self.require_known_rules(&event)?;
        if let Some(sha256) = event.fact.adopted_catalogue() {
            self.adopt(position, sha256)?;
        }
        Ok(event)
    }

    /// Refuses an event that adopts rules which this version lacks. The log is not damaged: a newer
    /// version wrote it.
    pub(super) fn require_known_rules(&self, event: &Event) -> Result<(), LogError> {
        let Fact::Framework(FrameworkFact::RulesAdopted { version: found }) = event.fact else {
            return Ok(());
        };
        if self.rules.find(found).is_none() {
            return Err(LogError::NewerRules { found, known: self.rules.newest().number });
        }
        Ok(())
    }

    /// Learns that the event at a position adopts the catalogue with a digest, and goes on with it.
    ///
    /// # Errors
    /// [`LogError::Catalogue`].
    pub fn adopt(&mut self, position: u64, sha256: &[u8; 32]) -> Result<(), LogError> {
        if self.current.sha256 == *sha256 {
            return Ok(());
        }
        if self.catalogues.at(position).sha256 != *sha256 {
            let unfit = |detail: String| LogError::Catalogue { position, detail };
            let found = self.files.find(sha256).map_err(|e| unfit(e.to_string()))?;
            let catalogues = Arc::make_mut(&mut self.catalogues);
            catalogues.adopt(position, &found).map_err(|e| unfit(e.to_string()))?;
        }
        self.seek(position);
        Ok(())
    }
}

/// The error for an event at a position that cannot be read.
pub(super) fn unreadable(position: u64, error: Unreadable) -> LogError {
    match error {
        Unreadable::NewerFact(number) => LogError::NewerFact { position, number },
        Unreadable::Damaged(detail) => LogError::damaged(position, detail),
    }
}
