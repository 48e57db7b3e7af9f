//! The policy in force, which changes while the server serves.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

use super::{
    Identified, Presented, ReloadProblem,
    known::Known,
    policy::{PolicyError, PolicyFault},
    refusal::Refusal,
    seal::{KeyError, Seal},
    source::Source,
};
use crate::domain::{Principal, access::Policy, catalogue::Catalogues};

/// Microseconds since 1970.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Where the policy of a server comes from.
#[derive(Clone)]
pub struct AccessSettings {
    /// The file of the policy, or the directory of its files.
    pub policy: PathBuf,
    /// The data directory, which has the principals that delegates manage.
    pub data_dir: PathBuf,
    /// The clock by which credentials end.
    pub now: Now,
}

type BeforeChange = Box<dyn Fn(Arc<Policy>) + Send + Sync>;

/// The principals of a server and the policy in force, which changes while it serves.
pub struct AccessControl {
    known: RwLock<Arc<Known>>,
    policy: watch::Sender<Arc<Policy>>,
    now: Now,
    /// The tokens of a server that has them from no file.
    tokens: Vec<([u8; 32], Principal)>,
    seal: OnceLock<Seal>,
    /// Hears of a policy before anybody is identified by it.
    before_change: OnceLock<BeforeChange>,
    /// The files. Whoever changes the policy holds it; `None` if there are no files.
    pub(super) source: Option<Mutex<Source>>,
    problem: Arc<ReloadProblem>,
}

impl fmt::Debug for AccessControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessControl").field("policy", &self.policy()).finish_non_exhaustive()
    }
}

impl AccessControl {
    /// Of a server without principals.
    #[must_use]
    pub fn open() -> Arc<Self> {
        Self::of_tokens(Policy::open(), [])
    }

    /// Of a server whose callers prove themselves by tokens, of which it knows the SHA-256.
    #[must_use]
    pub fn of_tokens(
        policy: Policy,
        tokens: impl IntoIterator<Item = ([u8; 32], Principal)>,
    ) -> Arc<Self> {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let known = Known::of_tokens(policy, &tokens);
        Arc::new(Self { tokens, ..Self::of(known, Arc::new(|| 0), None) })
    }

    /// Of a server whose principals are in files. Until [`AccessControl::resolve`], nobody's rights
    /// to programmes are known, and delegates manage nobody.
    ///
    /// # Errors
    /// [`PolicyError`] names files, lines, keys, values and rules.
    pub fn load(settings: AccessSettings) -> Result<Arc<Self>, PolicyError> {
        let AccessSettings { policy, data_dir, now } = settings;
        let mut source = Source::new(policy, &data_dir);
        let known = source.read(0)?;
        Ok(Arc::new(Self::of(known, now, Some(Mutex::new(source)))))
    }

    fn of(known: Known, now: Now, source: Option<Mutex<Source>>) -> Self {
        let policy = watch::Sender::new(Arc::clone(&known.policy));
        let known = RwLock::new(Arc::new(known));
        Self {
            known,
            policy,
            now,
            tokens: Vec::new(),
            seal: OnceLock::new(),
            before_change: OnceLock::new(),
            source,
            problem: Arc::default(),
        }
    }

    /// Reads the files again, with the programmes of an open log and the principals that delegates
    /// manage. Returns the warnings about them.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn resolve(&self, catalogues: &Arc<Catalogues>) -> Result<Vec<PolicyFault>, PolicyError> {
        let Some(source) = &self.source else { return Ok(Vec::new()) };
        let mut source = source.lock();
        source.catalogues = Some(Arc::clone(catalogues));
        source.read_delegated()?;
        // Connections may have kept callers whose rights lack the programmes.
        let known = source.read(self.known().policy.generation + 1)?;
        self.swap(known);
        Ok(source.warnings())
    }

    /// Tells somebody of the policy in force, and of each later one before anybody is identified by
    /// it. The first one to ask is told.
    pub fn tell(&self, before_change: impl Fn(Arc<Policy>) + Send + Sync + 'static) {
        let before_change = self.before_change.get_or_init(|| Box::new(before_change));
        before_change(self.policy());
    }

    /// Brings another policy into force. Its generation is the next one. Callers keep their tokens.
    pub fn adopt(&self, mut policy: Policy) {
        policy.generation = self.known().policy.generation + 1;
        self.swap(Known::of_tokens(policy, &self.tokens));
    }

    /// The caller of a server without principals.
    #[must_use]
    pub fn anonymous(&self) -> Arc<Identified> {
        Arc::clone(&self.known().anonymous)
    }

    /// Finds out who calls.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn identify(&self, presented: Presented) -> Result<Arc<Identified>, Refusal> {
        self.known().identify(presented, || (self.now)())
    }

    /// Takes the key of a data directory to seal with, before anything is sealed.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn take_key_of(&self, directory: &Path) -> Result<(), KeyError> {
        let seal = Seal::of_directory(directory)?;
        let taken = self.seal.set(seal);
        assert!(taken.is_ok(), "something was sealed with a key that nobody keeps");
        Ok(())
    }

    /// Seals what the server gives out and takes back.
    pub fn seal(&self) -> &Seal {
        self.seal.get_or_init(Seal::in_memory)
    }

    /// True if a caller that was let in would be let in again: its principal may be known, and the
    /// token that proved it be another one's now, or nobody's.
    #[must_use]
    pub fn still_proves(&self, who: &Identified) -> bool {
        self.known().still_proves(who)
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.borrow())
    }

    /// Tells of each policy that comes into force.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Policy>> {
        self.policy.subscribe()
    }

    /// Parts of the files that change nothing, which hardly anybody means.
    #[must_use]
    pub fn warnings(&self) -> Vec<PolicyFault> {
        self.source.as_ref().map(|source| source.lock().warnings()).unwrap_or_default()
    }

    /// Why the files cannot be used as they are now; the policy before them is in force.
    #[must_use]
    pub fn problem(&self) -> &ReloadProblem {
        &self.problem
    }

    /// True if callers may prove who they are without a client certificate.
    #[must_use]
    pub fn takes_other_credentials(&self) -> bool {
        self.known().takes_tokens()
    }

    pub(super) fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read())
    }

    /// Brings principals into force: whoever judges hears of their rights first.
    pub(super) fn swap(&self, known: Known) {
        let policy = Arc::clone(&known.policy);
        if let Some(before_change) = self.before_change.get() {
            before_change(Arc::clone(&policy));
        }
        *self.known.write() = Arc::new(known);
        // The watchers of the same policy have nothing to do.
        self.policy.send_if_modified(|held| {
            let is_other = !Arc::ptr_eq(held, &policy);
            *held = policy;
            is_other
        });
    }
}
