//! Room for commits: the writer asks for it before it decides one, because a decided commit cannot
//! be refused any more, only lost with the process.
//!
//! The log promises room for a number of bytes. The promise covers the commits that are decided and
//! not durable yet, and some to come. It is renewed for each group, so a disk that fills while
//! nothing is recorded is noticed by the next commit.

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
};

use super::{AppendError, Commit, Ledger, Shared};
use crate::{
    limits::{ENVELOPE_BYTES_MAX, GROUP_READY_BYTES, LEAF_OVERHEAD_BYTES},
    log::DiskLow,
    trail::Trail,
};

/// The writer's account of promised room.
#[derive(Debug, Default)]
pub(super) struct PromisedRoom {
    /// Commits that may not be durable yet: the size of the log after each, and its bytes.
    undurable: VecDeque<(u64, u64)>,
    undurable_bytes: u64,
    /// Bytes that the log has promised beyond those.
    promised: u64,
}

impl PromisedRoom {
    /// Refuses a commit of at most `bytes` if there is no room for it. `is_first` tells whether it
    /// begins a group.
    pub(super) fn require(
        &mut self,
        shared: &Shared,
        is_first: bool,
        bytes: u64,
    ) -> Result<(), AppendError> {
        shared.epoch.require_open(shared.log.epoch())?;
        if let Some(why) = shared.read_only.get() {
            return Err(AppendError::ReadOnly(why.clone()));
        }
        if let Some(why) = shared.trail.get().and_then(|trail| trail.refusal()) {
            return Err(AppendError::AuditFailed(why));
        }
        self.require_disk(shared, is_first, bytes)
    }

    /// As [`PromisedRoom::require`], for leaves that were recorded elsewhere: no trail tells of
    /// them.
    pub(super) fn require_to_apply(
        &mut self,
        shared: &Shared,
        is_first: bool,
        bytes: u64,
    ) -> Result<(), AppendError> {
        match shared.read_only.get() {
            Some(why) => Err(AppendError::ReadOnly(why.clone())),
            None => self.require_disk(shared, is_first, bytes),
        }
    }

    fn require_disk(
        &mut self,
        shared: &Shared,
        is_first: bool,
        bytes: u64,
    ) -> Result<(), AppendError> {
        if !is_first && bytes <= self.promised {
            return Ok(());
        }
        self.settle(shared.written.lock().durable.size);
        let wanted = bytes.max(GROUP_READY_BYTES as u64);
        match shared.log.reserve(self.undurable_bytes.saturating_add(wanted)) {
            Ok(()) => {
                if shared.told_low.swap(false, Ordering::Relaxed) {
                    tracing::info!("the disk has room again; appends are accepted");
                }
                self.promised = wanted;
                Ok(())
            }
            Err(low) => {
                shared.tell_low(&low);
                Err(AppendError::DiskLow(low))
            }
        }
    }

    /// Notes that a commit was decided, after which the log has the size `next`.
    pub(super) fn use_up(&mut self, commit_bytes: u64, next: u64) {
        self.promised = self.promised.saturating_sub(commit_bytes);
        self.undurable_bytes += commit_bytes;
        self.undurable.push_back((next, commit_bytes));
    }

    fn settle(&mut self, durable: u64) {
        while let Some((_, bytes)) = self.undurable.pop_front_if(|(next, _)| *next <= durable) {
            self.undurable_bytes -= bytes;
        }
    }
}

/// Most bytes of a commit in the log, with its leaf hashes.
pub(super) fn bytes_max(commit: &Commit) -> u64 {
    let name = commit.recorded_by.name().len();
    let leaf = |body: usize| body + name + LEAF_OVERHEAD_BYTES;
    let leaves = commit.proposals.iter().map(|proposal| leaf(proposal.body.len()));
    (leaves.sum::<usize>() + ENVELOPE_BYTES_MAX) as u64
}

impl Shared {
    /// Says that the disk is low, once until it has room again.
    fn tell_low(&self, low: &DiskLow) {
        if !self.told_low.swap(true, Ordering::Relaxed) {
            tracing::warn!(%low, "appends are refused until the disk has room; reads are served");
        }
    }
}

impl Ledger {
    /// Says that the disk is low if it is, so that a start tells it before the first append does.
    pub fn warn_of_low_disk(&self) {
        if let Some(low) = self.disk_low() {
            self.shared.tell_low(&low);
        }
    }

    /// Serves reads alone from now on. `why` is shown to callers, with the way out.
    pub fn serve_reads_only(&self, why: String) {
        // The first reason counts.
        let _ = self.shared.read_only.set(why);
    }

    /// Records nothing while no sink of this trail takes lines, from now on.
    pub fn audit_by(&self, trail: Arc<Trail>) {
        // The first one counts.
        let _ = self.shared.trail.set(trail);
    }

    /// The audit trail, if there is one.
    #[must_use]
    pub fn trail(&self) -> Option<&Arc<Trail>> {
        self.shared.trail.get()
    }

    /// Why no sink of the audit trail takes lines, if none does. Waits for no disk.
    #[must_use]
    pub fn audit_failure(&self) -> Option<String> {
        self.shared.trail.get()?.refusal()
    }

    /// The reason why appends are refused just now, if they are: the server serves reads only, no
    /// sink of the audit trail takes lines, or the disk is low.
    #[must_use]
    pub fn appends_refused(&self) -> Option<String> {
        if let Err(retired) = self.shared.epoch.require_open(self.shared.log.epoch()) {
            return Some(retired.to_string());
        }
        if let Some(why) = self.shared.read_only.get() {
            return Some(why.clone());
        }
        if let Some(why) = self.audit_failure() {
            return Some(AppendError::AuditFailed(why).to_string());
        }
        self.disk_low().map(|low| low.to_string())
    }

    /// The free space, if it is too little to record something just now. Asks the file system,
    /// which may take long, and changes nothing on it.
    #[must_use]
    pub fn disk_low(&self) -> Option<DiskLow> {
        self.shared.log.low(GROUP_READY_BYTES as u64)
    }
}
