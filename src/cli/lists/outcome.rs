//! What became of the commits of a run. Nothing is said to be recorded that was not, and nothing
//! that was is left out.

use super::{parts::Part, run::Run};
use crate::{
    cli::{CliError, print::eprint_line},
    lang::{joined, say, word},
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
        last if last <= first => say!(en: "position {first}", zh: "位置 {first}"),
        last => say!(en: "positions {first} to {last}", zh: "位置 {first} 至 {last}"),
    }
}

impl<'a> Outcome<'a> {
    pub(crate) fn new(run: &'a Run, commits: &'a [Part<'a>]) -> Self {
        Self { run, commits, recorded: Vec::new() }
    }

    /// The commit that comes next, in front of a sentence; empty if it is the only one.
    pub(crate) fn name(&self) -> String {
        match self.commits.get(self.recorded.len()) {
            Some(commit) if self.commits.len() > 1 => {
                let name = self.run.named(&[*commit]);
                say!(en: "{name}: ", zh: "{name}：")
            }
            _ => String::new(),
        }
    }

    /// The next commit was recorded.
    pub(crate) fn recorded(&mut self, answer: &pb::AppendResponse) {
        let Some(commit) = self.commits.get(self.recorded.len()) else { return };
        let (name, at) = (self.run.named(&[*commit]), positions(answer));
        self.recorded.push(match answer.replayed {
            true => say!(
                en: "{name} had been recorded before at {at}",
                zh: "{name} 此前已记录，在{at}"
            ),
            false => say!(en: "{name} was recorded at {at}", zh: "{name} 已记录，在{at}"),
        });
    }

    /// The next commit was refused, and none after it was sent.
    pub(crate) fn refused(&self, why: &str) -> CliError {
        let said = self.said();
        CliError::Refused(say!(en: "{said}: {why}", zh: "{said}：{why}"))
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
            sentences.push(say!(
                en: "it is not known whether {next} was recorded",
                zh: "不能确定 {next} 是否已记录"
            ));
            sentences.extend(self.not_recorded(rest));
        }
        let sentences = sentences.join(word!(en: "; ", zh: "；"));
        eprint_line(&say!(
            en: "{sentences}. Repeat the command with the same files and options: it records \
                 nothing twice",
            zh: "{sentences}。请用相同的文件和选项再运行一次：不会重复记录"
        ));
        error
    }

    /// Sentences about all commits.
    fn said(&self) -> String {
        if self.recorded.is_empty() {
            return word!(en: "nothing was recorded", zh: "没有记录任何内容").to_owned();
        }
        let mut sentences = self.recorded.clone();
        sentences.extend(self.not_recorded(self.rest()));
        sentences.join(word!(en: "; ", zh: "；"))
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
            [one] => Some(say!(en: "{one} was not recorded", zh: "{one} 没有记录")),
            several => {
                let several = joined(several, ["and", "和"]);
                Some(say!(en: "{several} were not recorded", zh: "{several} 没有记录"))
            }
        }
    }
}
