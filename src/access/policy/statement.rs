//! A whole policy, read from all its files: what is stated once, and by whom.

use std::{
    collections::HashMap,
    ops::Range,
    path::{Path, PathBuf},
};

use toml::Spanned;

use super::{
    entry::{self, Entry, Subject, require_name},
    fault::{Findings, Lines, Part, Place, PolicyError, PolicyFault},
    files::Document,
    reaches::{self, Known},
    text::{IssuerText, PolicyText},
};
use crate::{
    access::jwt::SignatureAlgorithm,
    domain::{
        Principal,
        access::{FourEyes, Role},
    },
    limits::{FOUR_EYES_MAX, JWT_ISSUERS_MAX, PRINCIPALS_MAX},
};

/// An issuer of JWTs, as the policy pins it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IssuerPin {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) algorithm: SignatureAlgorithm,
    /// The file of its keys.
    pub(crate) jwks: PathBuf,
}

/// What the files of a policy say.
#[derive(Debug, Default)]
pub(crate) struct Statement {
    pub(crate) entries: Vec<Entry>,
    pub(crate) issuers: Vec<IssuerPin>,
    pub(crate) four_eyes: Vec<FourEyes>,
    /// Parts that change nothing, which hardly anybody means.
    pub(crate) warnings: Vec<PolicyFault>,
}

/// Reads the files of a policy.
///
/// # Errors
/// [`PolicyError`] with all faults.
pub(crate) fn read(documents: &[Document], known: Known) -> Result<Statement, PolicyError> {
    let mut reading = Reading::default();
    for document in documents {
        reading.document(document, known);
    }
    reading.finish(documents)
}

/// What was read so far, with the places of it.
#[derive(Default)]
struct Reading {
    findings: Findings,
    entries: Vec<(Entry, Place)>,
    issuers: Vec<(IssuerPin, Place)>,
    four_eyes: Vec<(FourEyes, Place)>,
}

impl Reading {
    fn document(&mut self, document: &Document, known: Known) {
        let Document { path, text } = document;
        let lines = Lines::new(text);
        let stated: PolicyText = match toml::from_str(text) {
            Ok(stated) => stated,
            Err(error) => return self.findings.add(unreadable(path, text, &error)),
        };
        for principal in &stated.principal {
            let mut part = part_of(&mut self.findings, path, &lines);
            let place = place_of(&part, &principal.span());
            if let Some(managed_by) = &principal.get_ref().managed_by {
                let rule = "only the server writes this key, for the principals of delegates";
                part.refuse(&managed_by.span(), "managed_by", None, rule);
            }
            if let Some(entry) = entry::read(principal.get_ref(), known, &mut part) {
                self.entries.push((entry, place));
            }
        }
        for issuer in &stated.jwt_issuer {
            let mut part = part_of(&mut self.findings, path, &lines);
            let place = place_of(&part, &issuer.span());
            if let Some(pin) = read_issuer(issuer.get_ref(), &mut part) {
                self.issuers.push((pin, place));
            }
        }
        for entry in &stated.four_eyes {
            let mut part = part_of(&mut self.findings, path, &lines);
            let place = place_of(&part, &entry.span());
            if let Some(read) = reaches::four_eyes(entry.get_ref(), known, &mut part) {
                self.four_eyes.push((read, place));
            }
        }
    }

    fn finish(mut self, documents: &[Document]) -> Result<Statement, PolicyError> {
        self.require_counts(documents);
        self.reject_issuers_stated_twice();
        self.resolve_subjects();
        self.reject_principals_stated_twice();
        self.reject_strangers_in_namespaces();
        self.reject_shared_credentials();
        self.warn_of_idle_parts();
        let Self { findings, entries, issuers, four_eyes } = self;
        Ok(Statement {
            warnings: findings.finish()?,
            entries: entries.into_iter().map(|(entry, _)| entry).collect(),
            issuers: issuers.into_iter().map(|(pin, _)| pin).collect(),
            four_eyes: four_eyes.into_iter().map(|(entry, _)| entry).collect(),
        })
    }

    /// A policy without principals would lock everybody out: an empty file is a mistake.
    fn require_counts(&mut self, documents: &[Document]) {
        let file = documents.first().map_or_else(PathBuf::new, |first| first.path.clone());
        let counts = [
            ("principals", self.entries.len(), PRINCIPALS_MAX),
            ("issuers of JWTs", self.issuers.len(), JWT_ISSUERS_MAX),
            ("entries of four_eyes", self.four_eyes.len(), FOUR_EYES_MAX),
        ];
        for (things, count, most) in counts {
            if count > most {
                let rule = format!("{count} {things} in all; at most {most} are allowed");
                self.findings.add(PolicyFault::of_file(&file, rule));
            }
        }
        if self.entries.is_empty() && self.findings.is_clean() {
            let rule = "no principal is stated, so nobody could call";
            self.findings.add(PolicyFault::of_file(&file, rule));
        }
    }

    fn reject_issuers_stated_twice(&mut self) {
        let mut first: HashMap<&str, &Place> = HashMap::new();
        for (pin, place) in &self.issuers {
            if let Some(other) = first.insert(&pin.issuer, place) {
                let fault = at(place, "", "jwt_issuer.issuer", Some(&pin.issuer), twice(other));
                self.findings.add(fault);
            }
        }
    }

    /// Gives each subject its issuer.
    fn resolve_subjects(&mut self) {
        let issuers: Vec<_> = self.issuers.iter().map(|(pin, _)| pin.issuer.clone()).collect();
        for (entry, place) in &mut self.entries {
            if let Some(subject) = &mut entry.credentials.subject
                && let Err(rule) = resolve(subject, &issuers)
            {
                let key = if subject.issuer.is_some() { "jwt_issuer" } else { "jwt" };
                let value = subject.issuer.as_ref().unwrap_or(&subject.name);
                let id = entry.id.as_str().to_owned();
                self.findings.add(at(place, &id, key, Some(value), rule));
            }
        }
    }

    fn reject_principals_stated_twice(&mut self) {
        let mut first: HashMap<&Principal, &Place> = HashMap::new();
        for (entry, place) in &self.entries {
            if let Some(other) = first.insert(&entry.id, place) {
                let id = entry.id.as_str().to_owned();
                self.findings.add(at(place, &id, "id", None, twice(other)));
            }
        }
    }

    /// The ids that begin with a delegate's own belong to the principals that it manages.
    fn reject_strangers_in_namespaces(&mut self) {
        let delegates = self.entries.iter().filter(|(entry, _)| entry.rights.has(Role::Delegate));
        let delegates: std::collections::HashSet<_> =
            delegates.map(|(entry, _)| entry.id.as_str().to_owned()).collect();
        for (entry, place) in &self.entries {
            let id = entry.id.as_str().to_owned();
            let mut parents = id.match_indices('/').filter_map(|(slash, _)| id.get(..slash));
            if let Some(delegate) = parents.find(|parent| delegates.contains(*parent)) {
                let rule = format!("the delegate {delegate} alone names principals that begin so");
                self.findings.add(at(place, &id, "id", None, rule));
            }
        }
    }

    fn reject_shared_credentials(&mut self) {
        let mut first: HashMap<_, &(Entry, Place)> = HashMap::new();
        for holder in &self.entries {
            let (entry, place) = holder;
            for (key, credential) in entry.credentials.all() {
                let Some((other, _)) = first.insert(credential, holder) else { continue };
                let rule = format!("{} has the same one", other.id.as_str());
                self.findings.add(at(place, entry.id.as_str(), key, None, rule));
            }
        }
    }

    fn warn_of_idle_parts(&mut self) {
        let hands_on = |entry: &Entry| Role::all().any(|r| r.hands_on() && entry.rights.has(r));
        let has_gateway = self.entries.iter().any(|(entry, _)| hands_on(entry));
        for (entry, place) in &self.entries {
            if entry.credentials.is_empty() && !has_gateway {
                let rule = "no credential: only the socket of a gateway can call for it";
                self.findings.warn(at(place, entry.id.as_str(), "", None, rule));
            }
        }
        let subjects = || self.entries.iter().filter_map(|(e, _)| e.credentials.subject.as_ref());
        for (pin, place) in &self.issuers {
            let is_used = subjects().any(|own| own.issuer.as_ref() == Some(&pin.issuer));
            let may_be_used = self.entries.iter().any(|(e, _)| e.rights.has(Role::Delegate));
            if !is_used && !may_be_used {
                let rule = "changes nothing: no principal has such a jwt";
                self.findings.warn(at(place, "", "jwt_issuer.issuer", Some(&pin.issuer), rule));
            }
        }
        let may_approve = self.entries.iter().any(|(entry, _)| !entry.rights.approve.is_empty());
        if let Some((_, place)) = self.four_eyes.first().filter(|_| !may_approve) {
            let rule = "nobody may approve, so nobody records such events";
            self.findings.warn(at(place, "", "four_eyes", None, rule));
        }
    }
}

/// Gives a subject its issuer: the one that it names, or the only one.
///
/// # Errors
/// The rule that it breaks.
pub(crate) fn resolve(subject: &mut Subject, issuers: &[String]) -> Result<(), &'static str> {
    match (&subject.issuer, issuers) {
        (Some(stated), issuers) if issuers.contains(stated) => Ok(()),
        (Some(_), _) => Err("no jwt_issuer of the policy has this name"),
        (None, [only]) => {
            subject.issuer = Some(only.clone());
            Ok(())
        }
        (None, []) => Err("the policy pins no issuer of JWTs: state a [[jwt_issuer]]"),
        (None, _) => Err("the policy pins several issuers: name one with jwt_issuer"),
    }
}

fn read_issuer(stated: &IssuerText, part: &mut Part) -> Option<IssuerPin> {
    let fields = [("issuer", &stated.issuer), ("audience", &stated.audience)];
    let all = fields.map(|(key, text)| {
        require_name(text.get_ref(), &text.span(), &format!("jwt_issuer.{key}"), part)
    });
    let algorithm = stated.algorithm.get_ref().parse().ok();
    if algorithm.is_none() {
        let rule = "not one of ES256, RS256, PS256 and EdDSA";
        let (span, value) = (stated.algorithm.span(), stated.algorithm.get_ref());
        part.refuse(&span, "jwt_issuer.algorithm", Some(value), rule);
    }
    if all.contains(&false) {
        return None;
    }
    let beside = part.file.parent().unwrap_or(Path::new(""));
    Some(IssuerPin {
        issuer: stated.issuer.get_ref().clone(),
        audience: stated.audience.get_ref().clone(),
        algorithm: algorithm?,
        jwks: beside.join(stated.jwks.get_ref()),
    })
}

/// A file that is not TOML, or has other keys or types. The text of the error names no values of
/// unknown keys: somebody may have put a secret there.
fn unreadable(path: &Path, text: &str, error: &toml::de::Error) -> PolicyFault {
    let line = error.span().map(|span| Lines::new(text).of(span.start));
    PolicyFault { line, ..PolicyFault::of_file(path, error.message().replace('\n', ", ")) }
}

fn part_of<'a>(findings: &'a mut Findings, file: &'a Path, lines: &'a Lines) -> Part<'a> {
    Part { findings, file, lines: Some(lines), principal: String::new() }
}

fn place_of(part: &Part, span: &Range<usize>) -> Place {
    Place { file: part.file.to_path_buf(), line: part.line(span) }
}

fn twice(first: &Place) -> String {
    let line = first.line.map(|line| format!(":{line}")).unwrap_or_default();
    format!("stated twice, first at {}{line}", first.file.display())
}

fn at(
    place: &Place,
    principal: &str,
    key: &str,
    value: Option<&str>,
    rule: impl std::fmt::Display,
) -> PolicyFault {
    PolicyFault {
        line: place.line,
        principal: principal.to_owned(),
        key: key.into(),
        value: value.map(crate::domain::fault::echo),
        ..PolicyFault::of_file(&place.file, rule)
    }
}

/// The principals that delegates manage, as their file states them.
///
/// # Errors
/// [`PolicyFault`] for a file that the server did not write.
pub(crate) fn read_delegated(
    document: &Document,
) -> Result<Vec<Spanned<super::text::PrincipalText>>, PolicyFault> {
    let Document { path, text } = document;
    let stated: PolicyText = toml::from_str(text).map_err(|e| unreadable(path, text, &e))?;
    Ok(stated.principal)
}
