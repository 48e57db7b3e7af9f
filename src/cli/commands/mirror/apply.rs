//! The database's side of a mirror: takes steps in order, and ends each transaction with a place.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::mpsc::Receiver;

use super::super::follow::tell;
use crate::{
    cli::print::Progress,
    lang::{say, word},
    mirror::{
        Database, MirrorError, Place, Row,
        schema::{ANSWERED, COPIED, Table},
    },
};

/// A step of a transaction.
#[derive(Debug)]
pub(super) enum Step {
    /// Replace the rows of a table that have one of some keys.
    Replace(&'static Table, Vec<Row>, Vec<Row>),
    /// Delete the answers that were known at another log size.
    Sweep(u64),
    /// End the transaction at a place.
    Commit(Box<Place>),
}

/// Brings steps into a database.
pub(super) struct Applier {
    /// The place in the database.
    before: Option<Place>,
    /// Rows that are there are deleted first.
    clears: bool,
    begin: Place,
    log_size: Arc<AtomicU64>,
    /// Shown until the copy has caught up for the first time.
    progress: Option<Progress>,
}

impl Applier {
    pub(super) fn new(
        before: Option<Place>,
        begin: Place,
        clears: bool,
        (size, log_size): (u64, Arc<AtomicU64>),
    ) -> Self {
        log_size.fetch_max(size, Ordering::SeqCst);
        let what = word!(en: "mirroring", zh: "正在同步");
        let unit = word!(en: "events", zh: "个事件");
        let progress = Some(Progress::new(what, unit, size));
        Self { before, clears, begin, log_size, progress }
    }

    /// Takes steps until there are no more. Without a commit after it, a step leaves no trace.
    pub(super) async fn run(
        mut self,
        database: &mut impl Database,
        mut steps: Receiver<Step>,
    ) -> Result<(), MirrorError> {
        if self.clears {
            database.begin().await?;
            for table in COPIED {
                database.clear(table).await?;
            }
            let begin = self.begin.clone();
            self.commit(database, begin).await?;
        }
        self.note(&self.begin.clone());
        let mut is_open = false;
        while let Some(step) = steps.recv().await {
            if !is_open {
                database.begin().await?;
                is_open = true;
            }
            match step {
                Step::Replace(table, keys, rows) => database.replace(table, &keys, &rows).await?,
                Step::Sweep(known_at) => {
                    for table in ANSWERED {
                        database.sweep(table, known_at).await?;
                    }
                }
                Step::Commit(place) => {
                    self.commit(database, (*place).clone()).await?;
                    self.note(&place);
                    is_open = false;
                }
            }
        }
        Ok(())
    }

    async fn commit(
        &mut self,
        database: &mut impl Database,
        place: Place,
    ) -> Result<(), MirrorError> {
        if database.commit(self.before.as_ref(), &place).await? {
            self.before = Some(place);
            return Ok(());
        }
        let at = self.before.as_ref().map_or(0, |before| before.next_position);
        Err(MirrorError::Refused(say!(
            en: "the copy is not at position {at} any more: somebody else writes to it; end the \
                 other one",
            zh: "副本已不在位置 {at}：另有程序在写入；请先结束另一个程序"
        )))
    }

    /// Shows how far the copy is, and says once that it has caught up.
    fn note(&mut self, place: &Place) {
        let Some(progress) = &self.progress else { return };
        let (next, size) = (place.next_position, self.log_size.load(Ordering::SeqCst));
        progress.set_total(size);
        progress.set(next);
        if next >= size && place.loading.is_none() {
            progress.finish();
            self.progress = None;
            tell(&say!(en: "caught up at position {next}", zh: "已追上，位置 {next}"));
        }
    }
}
