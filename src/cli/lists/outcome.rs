//! What became of the commits of a run. Nothing is said to be recorded that was not, and nothing
//! that was is left out.

use super::{parts::Part, run::Run};
use crate::{
    cli::{CliError, print::eprint_line},
    protocol::pb,
};

/// The commits of a run: first those that were recorded, then those that were not yet.
pub(crate) struct Outcome<'a> {
    run: &'a Run,
    commits: &'a [Part<'a>],
    /// Sentences about the commits that were recorded.
    recorded: Vec<String>,
}

/// The positions of a commit in words.
pub(crate) fn positions(answer: &pb::AppendResponse) -> String {
    let first = answer.first_position.unwrap_or_default();
    match answer.next_position.saturating_sub(1) {
        last if last <= first => format!("position {first}"),
        last => format!("positions {first} to {last}"),
    }
}

impl<'a> Outcome<'a> {
    pub(crate) fn new(run: &'a Run, commits: &'a [Part<'a>]) -> Self {
        Self { run, commits, recorded: Vec::new() }
    }

    /// The commit that comes next, in front of a sentence; empty if it is the only one.
    pub(crate) fn name(&self) -> String {
        match self.commits.get(self.recorded.len()) {
            Some(commit) if self.commits.len() > 1 => format!("{}: ", self.run.named(&[*commit])),
            _ => String::new(),
        }
    }

    /// The next commit was recorded.
    pub(crate) fn recorded(&mut self, answer: &pb::AppendResponse) {
        let Some(commit) = self.commits.get(self.recorded.len()) else { return };
        let was = if answer.replayed { "had been recorded before" } else { "was recorded" };
        self.recorded.push(format!(
            "{} {was} at {}",
            self.run.named(&[*commit]),
            positions(answer)
        ));
    }

    /// The next commit was refused, and none after it was sent.
    pub(crate) fn refused(&self, why: &str) -> CliError {
        CliError::Refused(format!("{}: {why}", self.said()))
    }

    /// The next commit failed without being recorded.
    pub(crate) fn failed(&self, error: CliError) -> CliError {
        if self.commits.len() > 1 {
            eprint_line(&self.said());
        }
        error
    }

    /// It is not known whether the next commit was recorded.
    pub(crate) fn unknown(&self, error: CliError) -> CliError {
        let mut sentences = self.recorded.clone();
        if let Some((next, rest)) = self.rest().split_first() {
            let next = self.run.named(&[*next]);
            sentences.push(format!("it is not known whether {next} was recorded"));
            sentences.extend(self.not_recorded(rest));
        }
        eprint_line(&format!(
            "{}. Repeat the command with the same files and options: it records nothing twice",
            sentences.join("; ")
        ));
        error
    }

    /// Sentences about all commits.
    fn said(&self) -> String {
        if self.recorded.is_empty() {
            return "nothing was recorded".to_owned();
        }
        let mut sentences = self.recorded.clone();
        sentences.extend(self.not_recorded(self.rest()));
        sentences.join("; ")
    }

    /// The commits that were not recorded.
    fn rest(&self) -> &'a [Part<'a>] {
        self.commits.get(self.recorded.len()..).unwrap_or_default()
    }

    /// A sentence about commits that were not recorded: those of one file are one.
    fn not_recorded(&self, commits: &[Part<'_>]) -> Option<String> {
        let files = commits.chunk_by(|one, next| one.file == next.file);
        let named: Vec<String> = files.map(|commits| self.run.named(commits)).collect();
        match named.as_slice() {
            [] => None,
            [one] => Some(format!("{one} was not recorded")),
            [first @ .., last] => {
                Some(format!("{} and {last} were not recorded", first.join(", ")))
            }
        }
    }
}
