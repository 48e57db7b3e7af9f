//! The catalogues of a ledger that is open. A leader adopts none while it runs; a follower meets
//! the adoptions of its leader at any time.

use std::sync::{Arc, OnceLock};

use super::Ledger;
use crate::domain::catalogue::{Catalogue, Catalogues};

/// The catalogues that the log has adopted, and last the one in use. Each adoption adds a link, and
/// whoever reads with an earlier one may go on. A log adopts few.
#[derive(Debug)]
pub(super) struct Adopted {
    catalogues: Arc<Catalogues>,
    later: OnceLock<Box<Adopted>>,
}

impl Adopted {
    pub(super) fn new(catalogues: Arc<Catalogues>) -> Self {
        Self { catalogues, later: OnceLock::new() }
    }

    /// Those that count now.
    pub(super) fn now(&self) -> &Arc<Catalogues> {
        let mut last = self;
        while let Some(later) = last.later.get() {
            last = later;
        }
        &last.catalogues
    }

    /// From now on these count. To be called by one thread, the writer.
    pub(super) fn follow(&self, catalogues: &Arc<Catalogues>) {
        let mut last = self;
        while let Some(later) = last.later.get() {
            last = later;
        }
        if !Arc::ptr_eq(&last.catalogues, catalogues) {
            last.later.get_or_init(|| Box::new(Self::new(Arc::clone(catalogues))));
        }
    }
}

impl Ledger {
    /// The catalogue in use.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        self.catalogues().in_use()
    }

    /// The catalogues that the log has adopted, and last the one in use.
    #[must_use]
    pub fn catalogues(&self) -> &Arc<Catalogues> {
        self.shared.catalogues.now()
    }

    /// True if the log has adopted another catalogue last than the one in use, which the next event
    /// must then adopt. A ledger that follows another one adopts nothing by itself.
    #[must_use]
    pub fn needs_adoption(&self) -> bool {
        let last = self.catalogues().adoptions().last();
        let is_to_come = |at| at >= self.durable().size;
        !self.is_following() && last.is_some_and(|last| last.position.is_some_and(is_to_come))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogues_that_came_last_count_and_earlier_ones_stay() {
        let all = [(); 3].map(|()| Arc::new(Catalogues::built_in()));
        let adopted = Adopted::new(Arc::clone(&all[0]));
        let before = adopted.now();
        for catalogues in &all {
            adopted.follow(catalogues);
            adopted.follow(catalogues);
            assert!(Arc::ptr_eq(adopted.now(), catalogues));
        }
        assert!(Arc::ptr_eq(before, &all[0]));
        assert!(adopted.later.get().unwrap().later.get().unwrap().later.get().is_none());
    }
}
