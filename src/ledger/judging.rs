//! The judgement of one commit: its precondition, and the verdicts on its events. The writer and a
//! trial judge in the same way.

use super::{AppendError, Commit, Precondition, Proposal, entitled::Entitled};
use crate::{
    domain::{
        DesigneeId,
        catalogue::Catalogues,
        fault::{Faults, echo},
    },
    limits::JUDGED_FACTS_MAX,
    register::{Layers, Register, rules::Judge},
};

/// Judges the events of a commit in turn, each against everything before it.
pub(super) struct Judging {
    /// It caches answers, which hold until something is rolled back; so each commit gets its own.
    judge: Judge,
    /// The rights to judge; `None` if everybody may record everything.
    entitled: Option<Entitled>,
    pub(super) rejections: Faults,
    pub(super) warnings: Faults,
}

impl Judging {
    pub(super) fn of(commit: &Commit, entitled: Option<Entitled>) -> Self {
        let judge = Judge::of(&commit.recorded_by);
        let (rejections, warnings) = (Faults::of_commit(), Faults::of_commit());
        Self { judge, entitled, rejections, warnings }
    }

    /// Number of facts read so far.
    pub(super) fn facts_read(&self) -> usize {
        self.judge.facts_read()
    }

    /// Judges the next event. True if it is accepted: it must be applied then.
    ///
    /// Others wait meanwhile, so it gives up a commit that reads too many facts. The last event is
    /// not refused for this: a commit of one event is always judged.
    pub(super) fn judge(
        &mut self,
        register: Layers<'_>,
        catalogues: &Catalogues,
        proposal: &Proposal,
    ) -> Result<bool, AppendError> {
        require_few_facts(self.facts_read())?;
        let catalogue = catalogues.in_use();
        if let Some(entitled) = &mut self.entitled {
            entitled.require(register, catalogue, proposal)?;
        }
        let Proposal { index, event, .. } = proposal;
        let verdict = self.judge.judge_over(register, catalogue, *index, event);
        let is_accepted = verdict.rejections.is_empty();
        self.rejections.add_event(verdict.rejections.into());
        self.warnings.add_event(verdict.warnings.into());
        Ok(is_accepted)
    }

    /// Ends the judgement of rights, once every event was judged.
    ///
    /// # Errors
    /// [`AppendError::NotEntitled`].
    pub(super) fn require_entitled(&self) -> Result<(), AppendError> {
        self.entitled.as_ref().map_or(Ok(()), Entitled::require_all_told)
    }
}

/// Refuses a commit once so many facts were read to judge it that the others must not wait longer.
fn require_few_facts(read: usize) -> Result<(), AppendError> {
    if read > JUDGED_FACTS_MAX { Err(AppendError::FactsToJudge) } else { Ok(()) }
}

/// Checks the precondition of a commit at a log size. `version_of` gives the version of a designee
/// at that size, and how many facts were read for it. It may end the check.
pub(super) fn require_precondition<E: From<AppendError>>(
    precondition: &Precondition,
    known_at: u64,
    mut version_of: impl FnMut(&DesigneeId) -> Result<(u64, usize), E>,
) -> Result<(), E> {
    match precondition {
        Precondition::LogSize(expected) if *expected != known_at => {
            Err(AppendError::SizeMoved { found: known_at, expected: *expected }.into())
        }
        Precondition::LogSize(_) => Ok(()),
        Precondition::Versions(versions) => {
            let mut all = 0;
            for (id, expected) in versions {
                require_few_facts(all)?;
                let (found, read) = version_of(id)?;
                all += read;
                if found != *expected {
                    let (designee, expected) = (echo(&id.to_string()), *expected);
                    return Err(AppendError::VersionMoved { designee, found, expected }.into());
                }
            }
            Ok(())
        }
    }
}

/// The version of a designee at a log size, and how many facts were read for it; 0 if nothing is
/// known about it.
pub(super) fn version_of(register: &Register, id: &DesigneeId, known_at: u64) -> (u64, usize) {
    let index = register.find(id, known_at);
    index.map_or((0, 0), |index| register.subject_version(index, known_at))
}
