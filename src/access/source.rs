//! The files of a policy: read, and read again when they change.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    control::AccessControl,
    delegated::Delegated,
    jwt::{Issuer, read_keys},
    known::Known,
    policy::{Document, PolicyError, PolicyFault, Statement, digest, read_files, read_statement},
};
use crate::domain::catalogue::Catalogues;

/// The files, and what they said when they could last be used.
pub(super) struct Source {
    policy: PathBuf,
    pub(super) delegated: Delegated,
    /// The programmes of the log; `None` until it is open.
    pub(super) catalogues: Option<Arc<Catalogues>>,
    statement: Statement,
    issuers: Arc<[Issuer]>,
    /// Principals of delegates that the files leave no place for.
    suspended: Vec<PolicyFault>,
    /// The digest of the files in force.
    used: [u8; 32],
    /// The digest of the files when they were last looked at.
    seen: [u8; 32],
}

/// What became of a look at the files.
#[derive(Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// They are as they were, or have been seen once.
    Unchanged,
    /// They changed, and say the same.
    SaysTheSame,
    /// Another policy is in force, of this generation.
    Changed(u64),
}

/// The files as they are now.
struct Found {
    documents: Vec<Document>,
    digest: [u8; 32],
}

impl Source {
    pub(super) fn new(policy: PathBuf, data_dir: &Path) -> Self {
        Self {
            policy,
            delegated: Delegated::at(data_dir),
            catalogues: None,
            statement: Statement::default(),
            issuers: Arc::new([]),
            suspended: Vec::new(),
            used: [0; 32],
            seen: [0; 32],
        }
    }

    /// Parts that change nothing, which hardly anybody means.
    pub(super) fn warnings(&self) -> Vec<PolicyFault> {
        self.statement.warnings.iter().chain(&self.suspended).cloned().collect()
    }

    /// Reads the principals that delegates manage.
    pub(super) fn read_delegated(&mut self) -> Result<(), PolicyError> {
        Ok(self.delegated.read()?)
    }

    /// Reads the files and takes what they say.
    pub(super) fn read(&mut self, generation: u64) -> Result<Known, PolicyError> {
        let found = self.find()?;
        self.take(&found, generation)
    }

    /// The files of the policy, with the digest of all that it depends on. The names of the files
    /// of keys are those of the policy in force: another name changes the policy itself.
    fn find(&self) -> Result<Found, PolicyError> {
        let documents = read_files(&self.policy)?;
        let pins = &self.statement.issuers;
        let keys = pins.iter().map(read_keys).collect::<Result<Vec<_>, _>>();
        // A file of keys that is missing now is told of when the policy is read.
        let digest = digest(&documents, &keys.unwrap_or_default());
        Ok(Found { documents, digest })
    }

    fn take(&mut self, found: &Found, generation: u64) -> Result<Known, PolicyError> {
        let statement = read_statement(&found.documents, self.catalogues.as_deref())?;
        let (mut issuers, mut keys) = (Vec::new(), Vec::new());
        for pin in &statement.issuers {
            let bytes = read_keys(pin)?;
            issuers.push(Issuer::new(pin.clone(), &bytes)?);
            keys.push(bytes);
        }
        self.statement = statement;
        self.issuers = issuers.into();
        // Of the bytes that were read, with the keys that this policy names.
        self.used = digest(&found.documents, &keys);
        self.seen = self.used;
        Ok(self.build(generation))
    }

    /// The principals of the files, and those that delegates manage as far as there is place.
    pub(super) fn build(&mut self, generation: u64) -> Known {
        let mut entries = self.statement.entries.clone();
        let issuers: Vec<_> = self.statement.issuers.iter().map(|p| p.issuer.clone()).collect();
        let catalogues = self.catalogues.as_deref();
        self.suspended = self.delegated.enter_into(&mut entries, &issuers, catalogues);
        let four_eyes = self.statement.four_eyes.clone();
        Known::new(entries, Arc::clone(&self.issuers), four_eyes, generation)
    }

    /// The issuers of JWTs that the policy pins.
    pub(super) fn issuers(&self) -> Vec<String> {
        self.statement.issuers.iter().map(|pin| pin.issuer.clone()).collect()
    }
}

impl AccessControl {
    /// Looks at the files. A new content comes into force if the look before has found it as well,
    /// or `at_once`. It reads files: call it on a thread that may block.
    ///
    /// # Errors
    /// [`PolicyError`]; the policy before stays in force.
    pub fn look(&self, at_once: bool) -> Result<Reloaded, PolicyError> {
        let Some(source) = &self.source else { return Ok(Reloaded::Unchanged) };
        let mut source = source.lock();
        let looked = self.look_at(&mut source, at_once);
        match &looked {
            Ok(Reloaded::Unchanged) if source.seen != source.used => {}
            Ok(_) => self.problem().set(String::new()),
            Err(error) => self.problem().set(error.to_string()),
        }
        looked
    }

    fn look_at(&self, source: &mut Source, at_once: bool) -> Result<Reloaded, PolicyError> {
        let found = source.find()?;
        let is_settled = at_once || found.digest == source.seen;
        source.seen = found.digest;
        if found.digest == source.used && !at_once || !is_settled {
            return Ok(Reloaded::Unchanged);
        }
        let before = self.known();
        let generation = before.policy.generation;
        let mut known = source.take(&found, generation)?;
        if known.says_the_same(&before) {
            // Keys of issuers may be others; the policy is not.
            known.policy = Arc::clone(&before.policy);
            self.swap(known);
            return Ok(Reloaded::SaysTheSame);
        }
        self.swap(source.build(generation + 1));
        Ok(Reloaded::Changed(generation + 1))
    }
}
