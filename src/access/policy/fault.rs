//! What is wrong with a policy: file, line, key, value and rule.

use std::{
    fmt::{self, Display},
    ops::Range,
    path::{Path, PathBuf},
};

use crate::{domain::fault::echo, limits::POLICY_FAULTS_MAX};

/// One fault, or one warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFault {
    /// The file.
    pub file: PathBuf,
    /// Its line; `None` for the file as a whole.
    pub line: Option<usize>,
    /// The principal, if it is about one.
    pub principal: String,
    /// The key, such as `right[0].region`; empty for the file or the principal as a whole.
    pub key: Box<str>,
    /// The value, unless it may be a secret.
    pub value: Option<String>,
    /// The rule that it breaks.
    pub rule: Box<str>,
}

impl PolicyFault {
    /// A fault of a whole file.
    pub(crate) fn of_file(file: &Path, rule: impl Display) -> Self {
        Self {
            file: file.to_path_buf(),
            line: None,
            principal: String::new(),
            key: Box::default(),
            value: None,
            rule: rule.to_string().into(),
        }
    }
}

impl Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.principal.is_empty() {
            write!(f, ": {}", self.principal)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        if let Some(value) = &self.value {
            write!(f, " {value:?}")?;
        }
        write!(f, ": {}", self.rule)
    }
}

/// A policy that cannot be used. It has a fault at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// The first faults.
    pub faults: Vec<PolicyFault>,
    /// Faults beside them.
    pub more: usize,
}

impl std::error::Error for PolicyError {}

impl Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, fault) in self.faults.iter().enumerate() {
            if place > 0 {
                f.write_str("; ")?;
            }
            fault.fmt(f)?;
        }
        if self.more > 0 { write!(f, "; and {} more", self.more) } else { Ok(()) }
    }
}

impl From<PolicyFault> for PolicyError {
    fn from(fault: PolicyFault) -> Self {
        Self { faults: vec![fault], more: 0 }
    }
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    pub(crate) line: Option<usize>,
}

/// Collects the faults and the warnings of a policy.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    faults: Vec<PolicyFault>,
    more: usize,
    pub(crate) warnings: Vec<PolicyFault>,
}

impl Findings {
    pub(crate) fn add(&mut self, fault: PolicyFault) {
        if self.faults.len() < POLICY_FAULTS_MAX {
            self.faults.push(fault);
        } else {
            self.more += 1;
        }
    }

    pub(crate) fn warn(&mut self, warning: PolicyFault) {
        if self.warnings.len() < POLICY_FAULTS_MAX {
            self.warnings.push(warning);
        }
    }

    /// True without a fault.
    pub(crate) fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    /// The warnings, if there is no fault.
    pub(crate) fn finish(self) -> Result<Vec<PolicyFault>, PolicyError> {
        let Self { faults, more, warnings } = self;
        if faults.is_empty() { Ok(warnings) } else { Err(PolicyError { faults, more }) }
    }
}

/// Where the lines of a text end.
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(place, _)| place).collect())
    }

    /// The line of a byte, from 1.
    pub(crate) fn of(&self, byte: usize) -> usize {
        1 + self.0.partition_point(|end| *end < byte)
    }
}

/// The findings about one part of a file: a principal, an issuer, or an entry of the four-eyes
/// rule.
pub(crate) struct Part<'a> {
    pub(crate) findings: &'a mut Findings,
    pub(crate) file: &'a Path,
    /// The lines of the file; `None` for a principal that came in a request.
    pub(crate) lines: Option<&'a Lines>,
    pub(crate) principal: String,
}

impl Part<'_> {
    /// The line of a place in the text.
    pub(crate) fn line(&self, span: &Range<usize>) -> Option<usize> {
        self.lines.map(|lines| lines.of(span.start))
    }

    /// A value that breaks a rule.
    pub(crate) fn refuse(
        &mut self,
        span: &Range<usize>,
        key: &str,
        value: Option<&str>,
        rule: impl Display,
    ) {
        let fault = self.finding(span, key, value, rule);
        self.findings.add(fault);
    }

    /// A value that is not what somebody can have meant.
    pub(crate) fn warn(
        &mut self,
        span: &Range<usize>,
        key: &str,
        value: Option<&str>,
        rule: impl Display,
    ) {
        let warning = self.finding(span, key, value, rule);
        self.findings.warn(warning);
    }

    fn finding(
        &self,
        span: &Range<usize>,
        key: &str,
        value: Option<&str>,
        rule: impl Display,
    ) -> PolicyFault {
        PolicyFault {
            file: self.file.to_path_buf(),
            line: self.line(span),
            principal: self.principal.clone(),
            key: key.into(),
            value: value.map(echo),
            rule: rule.to_string().into(),
        }
    }
}
