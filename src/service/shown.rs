//! What an answer to Append tells its caller: nothing of events that it may not read, nor of
//! withheld ones.

use tonic::Status;

use super::{call::Call, errors};
use crate::{
    domain::fault::Faults,
    ledger::{AppendError, Ledger, Receipt},
    log::FORMAT_WITHHOLDING,
    register::Sight,
};

/// The bounds of the caller of an Append.
pub(super) struct Shown<'a> {
    ledger: &'a Ledger,
    call: &'a Call,
    sight: Sight,
}

impl<'a> Shown<'a> {
    pub(super) fn to(ledger: &'a Ledger, call: &'a Call) -> Self {
        Self { ledger, call, sight: call.sight(ledger) }
    }

    /// True if the caller gets every event.
    fn is_all(&self) -> bool {
        self.sight.sees_all() && self.ledger.durable().format < FORMAT_WITHHOLDING
    }

    /// The faults, of which those that rest on events that the caller does not get tell little.
    /// Events from `first` on are its own.
    pub(super) fn faults(&self, faults: Faults, first: u64) -> Faults {
        if faults.is_empty() || self.is_all() {
            return faults;
        }
        let register = self.ledger.register();
        faults.shown(|position| position >= first || register.shows(&self.sight, position))
    }

    /// An accepted commit, or a trial.
    pub(super) fn receipt(&self, receipt: Receipt) -> Receipt {
        if self.is_all() {
            return receipt;
        }
        let mut receipt = receipt;
        let first = receipt.first;
        receipt.warnings = self.faults(receipt.warnings, first);
        receipt.rejections = self.faults(receipt.rejections, first);
        if !self.sight.sees_all() {
            let rights = self.call.rights();
            receipt.changes.retain(|(_, change)| rights.may_read(&change.matter));
            receipt.change_count = receipt.changes.len();
        }
        receipt
    }

    /// The status of a commit that was not recorded.
    pub(super) fn refusal(&self, refused: AppendError) -> Status {
        match refused {
            AppendError::Rejected(faults) => errors::rejected(&self.faults(faults, u64::MAX)),
            // The version is a position, perhaps of an event that the caller may not read.
            AppendError::VersionMoved { designee, expected, .. } if !self.sight.sees_all() => {
                errors::version_moved(designee, expected)
            }
            refused => errors::refusal(refused),
        }
    }
}
