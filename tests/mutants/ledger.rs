//! In the place of the ledger: the judge, and the register that it asks. Nothing is stored.

use std::sync::Arc;

use parking_lot::{RwLock, RwLockReadGuard};

use crate::{
    domain::{Principal, catalogue::Catalogue, event::Event, fault::Fault},
    register::{Register, rules::Judge},
};

#[derive(Debug)]
pub struct Commit {
    pub events: Vec<(usize, Event)>,
    pub recorded_by: Principal,
}

#[derive(Debug)]
pub struct Receipt {
    pub first: u64,
    pub warnings: Vec<Fault>,
}

#[derive(Debug)]
pub enum AppendError {
    Rejected(Vec<Fault>),
}

#[derive(Debug)]
pub struct Ledger {
    register: RwLock<Register>,
    catalogue: Arc<Catalogue>,
}

/// The extent of the record.
#[derive(Debug)]
pub struct Durable {
    pub size: u64,
}

impl Ledger {
    pub fn new() -> Self {
        Self { register: RwLock::default(), catalogue: Arc::new(Catalogue::built_in()) }
    }

    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue)
    }

    pub fn register(&self) -> RwLockReadGuard<'_, Register> {
        self.register.read()
    }

    pub fn durable(&self) -> Durable {
        Durable { size: self.register().size() }
    }

    /// Records all events, or none of them.
    ///
    /// # Errors
    /// The reasons for none.
    pub async fn append(&self, commit: Commit) -> Result<Receipt, AppendError> {
        let mut register = self.register.write();
        let (savepoint, first) = (register.savepoint(), register.size());
        let mut judge = Judge::of(&commit.recorded_by);
        let (mut warnings, mut rejections) = (Vec::new(), Vec::new());
        for (index, event) in commit.events {
            let verdict = judge.judge(&register, &self.catalogue, index, &event);
            warnings.extend(verdict.warnings);
            if verdict.rejections.is_empty() {
                register.apply(&event);
            }
            rejections.extend(verdict.rejections);
        }
        if rejections.is_empty() {
            return Ok(Receipt { first, warnings });
        }
        register.rollback_to(&savepoint);
        Err(AppendError::Rejected(rejections))
    }
}
