//! The principals that delegates manage: their file, and what a delegate may give.
//!
//! The ids of a delegate's principals begin with its own id and a slash, so that no two delegates
//! name the same one. The files of the policy go before: what a delegate has added never keeps them
//! from coming into force.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
};

use toml::Spanned;

use super::{
    control::AccessControl,
    known::Known,
    policy::{
        Action, Document, Entry, Findings, Part, PolicyError, PolicyFault, PolicyText,
        PrincipalText, read_delegated, read_entry, resolve, unplaced,
    },
    source::Source,
};
use crate::{
    domain::{
        Principal,
        access::{Reach, Rights, Role},
        catalogue::Catalogues,
    },
    files,
    limits::{DELEGATED_PRINCIPALS_MAX, POLICY_BYTES_MAX, PRINCIPALS_MAX},
};

/// The file in the data directory.
const FILE: &str = "delegated.toml";

/// Why a delegate cannot add, replace or remove a principal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManageError {
    /// The server has no files of principals.
    #[error("the server runs without principals")]
    NoPrincipals,
    /// The principal cannot be used.
    #[error("{0}")]
    Invalid(PolicyFault),
    /// The delegate may not give so much.
    #[error("{text}")]
    Beyond { key: &'static str, value: String, text: String },
    /// There are as many principals as there may be.
    #[error("{0} principals are managed; no more are allowed")]
    Full(usize),
    /// The delegate manages no such principal.
    #[error("the delegate manages no principal of this id")]
    NotManaged,
    /// The file cannot be written.
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// The principals that delegates manage, as their file states them.
pub(super) struct Delegated {
    path: PathBuf,
    principals: Vec<Spanned<PrincipalText>>,
}

impl Delegated {
    pub(super) fn at(data_dir: &Path) -> Self {
        Self { path: data_dir.join(FILE), principals: Vec::new() }
    }

    /// Reads the file, if there is one.
    pub(super) fn read(&mut self) -> Result<(), PolicyFault> {
        let text = match files::read_text(&self.path, POLICY_BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                return Err(PolicyFault::of_file(&self.path, format!("cannot be read: {error}")));
            }
            Ok(text) => text,
        };
        self.principals = read_delegated(&Document { path: self.path.clone(), text })?;
        Ok(())
    }

    /// Enters the principals among those of the files, as far as their delegates and the files
    /// leave a place for them. Returns why others are left out.
    pub(super) fn enter_into(
        &self,
        entries: &mut Vec<Entry>,
        issuers: &[String],
        catalogues: Option<&Catalogues>,
    ) -> Vec<PolicyFault> {
        let mut place = Entered::of(entries, issuers, catalogues);
        let mut left_out = Vec::new();
        for stated in &self.principals {
            match place.enter(stated.get_ref()) {
                Ok(entry) => entries.push(entry),
                Err(rule) => left_out.push(PolicyFault {
                    principal: stated.get_ref().id.get_ref().clone(),
                    ..PolicyFault::of_file(&self.path, format!("left out: {rule}"))
                }),
            }
        }
        left_out
    }

    fn place_of(&self, id: &str) -> Option<usize> {
        self.principals.iter().position(|stated| stated.get_ref().id.get_ref() == id)
    }

    /// Writes other principals, durably, and takes them.
    fn replace(&mut self, principals: Vec<Spanned<PrincipalText>>) -> Result<(), ManageError> {
        let stated = PolicyText { principal: principals, ..PolicyText::default() };
        let failed = |source| ManageError::Io { path: self.path.clone(), source };
        let text = toml::to_string(&stated).map_err(|error| failed(io::Error::other(error)))?;
        files::replace(&self.path, text.as_bytes()).map_err(failed)?;
        self.principals = stated.principal;
        Ok(())
    }
}

/// The ids and credentials that are taken, while the principals of delegates are entered.
struct Entered<'a> {
    ids: HashSet<String>,
    credentials: HashSet<String>,
    delegates: Vec<(Principal, Rights)>,
    issuers: &'a [String],
    catalogues: Option<&'a Catalogues>,
}

impl<'a> Entered<'a> {
    fn of(entries: &[Entry], issuers: &'a [String], catalogues: Option<&'a Catalogues>) -> Self {
        let delegates = entries.iter().filter(|entry| entry.rights.has(Role::Delegate));
        Self {
            ids: entries.iter().map(|entry| entry.id.as_str().to_owned()).collect(),
            credentials: entries.iter().flat_map(credentials_of).collect(),
            delegates: delegates.map(|entry| (entry.id.clone(), entry.rights.clone())).collect(),
            issuers,
            catalogues,
        }
    }

    fn enter(&mut self, stated: &PrincipalText) -> Result<Entry, String> {
        let entry = read_stated(stated, self.issuers, self.catalogues)
            .map_err(|fault| format!("{}: {}", fault.key, fault.rule))?;
        let delegate = entry.managed_by.as_ref();
        let delegate = self.delegates.iter().find(|(id, _)| Some(id) == delegate);
        let Some((id, rights)) = delegate else {
            return Err("its delegate is not known".to_owned());
        };
        if entry.rights.authority != rights.authority {
            return Err("its delegate has another authority".to_owned());
        }
        if !is_of(&entry.id, id) || !has_delegable_roles(&entry) {
            return Err("its delegate may not manage it".to_owned());
        }
        let taken: Vec<_> = credentials_of(&entry).collect();
        if taken.iter().any(|credential| self.credentials.contains(credential)) {
            return Err("another principal has its credential".to_owned());
        }
        if self.ids.len() >= PRINCIPALS_MAX || !self.ids.insert(entry.id.as_str().to_owned()) {
            return Err("another principal has its id, or there are too many".to_owned());
        }
        self.credentials.extend(taken);
        Ok(entry)
    }
}

fn credentials_of(entry: &Entry) -> impl Iterator<Item = String> {
    entry.credentials.all().map(|(_, credential)| format!("{credential:?}"))
}

fn has_delegable_roles(entry: &Entry) -> bool {
    entry.rights.roles.iter().all(Role::is_delegable)
}

/// True for an id that a delegate may give.
fn is_of(id: &Principal, delegate: &Principal) -> bool {
    let rest = id.name().strip_prefix(delegate.name().as_ref());
    rest.is_some_and(|rest| rest.len() > 1 && rest.starts_with(b"/"))
}

/// Reads a principal of no file, and gives its subject an issuer.
fn read_stated(
    stated: &PrincipalText,
    issuers: &[String],
    catalogues: Option<&Catalogues>,
) -> Result<Entry, PolicyFault> {
    let mut findings = Findings::default();
    let mut part = Part {
        findings: &mut findings,
        file: Path::new(""),
        lines: None,
        principal: String::new(),
    };
    let read = read_entry(stated, catalogues, &mut part);
    if let Err(PolicyError { faults, .. }) = findings.finish()
        && let Some(first) = faults.into_iter().next()
    {
        return Err(first);
    }
    let unreadable = || fault("", None, "it cannot be read");
    let mut entry = read.ok_or_else(unreadable)?;
    if let Some(subject) = &mut entry.credentials.subject {
        let name = subject.name.clone();
        resolve(subject, issuers).map_err(|rule| fault("jwt", Some(name), rule))?;
    }
    Ok(entry)
}

fn fault(key: &str, value: Option<String>, rule: &str) -> PolicyFault {
    let key = key.into();
    PolicyFault { key, value, ..PolicyFault::of_file(Path::new(""), rule) }
}

impl AccessControl {
    /// Adds a principal of a delegate, or replaces the one with its id. It is on the disk and in
    /// force when this returns; the generation is that of the policy that has it. It writes a file:
    /// call it on a thread that may block.
    ///
    /// # Errors
    /// [`ManageError`]; nothing has changed.
    pub(crate) fn put(
        &self,
        delegate: &Principal,
        stated: PrincipalText,
    ) -> Result<u64, ManageError> {
        let source = self.source.as_ref().ok_or(ManageError::NoPrincipals)?;
        let mut source = source.lock();
        let known = self.known();
        let stated =
            PrincipalText { managed_by: Some(unplaced(delegate.as_str().to_owned())), ..stated };
        let issuers = source.issuers();
        let entry = read_stated(&stated, &issuers, source.catalogues.as_deref());
        let entry = entry.map_err(ManageError::Invalid)?;
        require_within(&known, delegate, &entry, &stated)?;
        require_own_credentials(&known, &entry)?;
        if known.entries.get(entry.id.as_str()) == Some(&entry) {
            return Ok(known.policy.generation);
        }
        let mut principals = source.delegated.principals.clone();
        let stated = Spanned::new(0..0, stated);
        match source.delegated.place_of(stated.get_ref().id.get_ref()) {
            Some(place) => {
                if let Some(held) = principals.get_mut(place) {
                    *held = stated;
                }
            }
            None => {
                require_room(&known, delegate)?;
                principals.push(stated);
            }
        }
        self.replace_delegated(&mut source, principals)
    }

    /// Removes a principal of a delegate, as [`AccessControl::put`] adds one.
    ///
    /// # Errors
    /// [`ManageError`]; nothing has changed.
    pub(crate) fn remove(&self, delegate: &Principal, id: &str) -> Result<u64, ManageError> {
        let source = self.source.as_ref().ok_or(ManageError::NoPrincipals)?;
        let mut source = source.lock();
        let is_managed = |stated: &PrincipalText| {
            stated.managed_by.as_ref().is_some_and(|by| *by.get_ref() == delegate.as_str())
        };
        let place = source.delegated.place_of(id).ok_or(ManageError::NotManaged)?;
        let mut principals = source.delegated.principals.clone();
        if !is_managed(principals.remove(place).get_ref()) {
            return Err(ManageError::NotManaged);
        }
        self.replace_delegated(&mut source, principals)
    }

    fn replace_delegated(
        &self,
        source: &mut Source,
        principals: Vec<Spanned<PrincipalText>>,
    ) -> Result<u64, ManageError> {
        source.delegated.replace(principals)?;
        let generation = self.known().policy.generation + 1;
        self.swap(source.build(generation));
        Ok(generation)
    }

    /// The delegate that manages a principal, if one does.
    pub(crate) fn manager_of(&self, id: &str) -> Option<String> {
        self.known().entries.get(id)?.managed_by.as_ref().map(|by| by.as_str().to_owned())
    }

    /// The principals in the order of their ids, from after one of them on: those that a delegate
    /// manages, or all.
    pub(crate) fn list(
        &self,
        after: &str,
        delegate: Option<&Principal>,
        most: usize,
    ) -> Vec<Entry> {
        let known = self.known();
        let is_shown = |entry: &&Entry| {
            delegate.is_none_or(|delegate| entry.managed_by.as_ref() == Some(delegate))
        };
        let later = known.entries.iter().filter(|(id, _)| id.as_str() > after);
        later.map(|(_, entry)| entry).filter(is_shown).take(most).cloned().collect()
    }
}

/// Refuses whatever the delegate does not have itself.
fn require_within(
    known: &Known,
    delegate: &Principal,
    entry: &Entry,
    stated: &PrincipalText,
) -> Result<(), ManageError> {
    let beyond = |key, value: String, text: &str| {
        Err(ManageError::Beyond { key, value, text: text.to_owned() })
    };
    let rights = known.policy.rights_of(delegate).filter(|rights| rights.has(Role::Delegate));
    let Some(rights) = rights else {
        return beyond("id", entry.id.as_str().to_owned(), "the caller is no longer a delegate");
    };
    if !is_of(&entry.id, delegate) {
        let text = format!("the ids of its principals begin with {}/", delegate.as_str());
        return beyond("id", entry.id.as_str().to_owned(), &text);
    }
    if let Some(role) = entry.rights.roles.iter().find(|role| !role.is_delegable()) {
        let text = "a delegate manages recorders, signers and readers";
        return beyond("roles", role.name().to_owned(), text);
    }
    if entry.rights.authority != rights.authority {
        let value = entry.rights.authority.map_or("", |code| code.as_str()).to_owned();
        return beyond("authority", value, "it manages the principals of its own authority");
    }
    let of_action = [Action::Record, Action::Approve, Action::Read];
    for action in of_action.into_iter().filter(|action| states(stated, *action)) {
        let own = action.reaches(rights);
        let is_beyond = |reach: &Reach| !own.iter().any(|own| reach.is_within(own));
        if action.reaches(&entry.rights).iter().any(is_beyond) {
            let text = "it gives no rights that it does not have";
            return beyond("right", action.name().to_owned(), text);
        }
    }
    Ok(())
}

/// True if rights for an action are stated. Those that follow from roles are bounded in any case.
fn states(stated: &PrincipalText, action: Action) -> bool {
    stated.right.iter().any(|right| right.get_ref().action.get_ref() == action.name())
}

/// Refuses a credential by which another principal is known.
fn require_own_credentials(known: &Known, entry: &Entry) -> Result<(), ManageError> {
    for (key, credential) in entry.credentials.all() {
        let has_same = |other: &Entry| {
            other.id != entry.id && other.credentials.all().any(|(_, own)| own == credential)
        };
        if known.entries.values().any(has_same) {
            let rule = "another principal is known by it";
            return Err(ManageError::Invalid(fault(key, None, rule)));
        }
    }
    Ok(())
}

fn require_room(known: &Known, delegate: &Principal) -> Result<(), ManageError> {
    let managed =
        known.entries.values().filter(|entry| entry.managed_by.as_ref() == Some(delegate));
    if managed.count() >= DELEGATED_PRINCIPALS_MAX {
        return Err(ManageError::Full(DELEGATED_PRINCIPALS_MAX));
    }
    if known.entries.len() >= PRINCIPALS_MAX {
        return Err(ManageError::Full(PRINCIPALS_MAX));
    }
    Ok(())
}
