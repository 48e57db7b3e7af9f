//! Rules for batches: a batch is opened and sealed once, and a seal states what the batch contains.

use super::{Case, Objection};
use crate::{
    domain::{
        event::{BatchRef, Declared},
        fault::Reason,
    },
    register::batches::Content,
};

const RULE: &str = "a seal states what the publication holds";

impl Case<'_> {
    pub(super) fn reject_sealed(&mut self, field: &str, batch: &BatchRef) -> bool {
        let batches = self.batches();
        let seal = batches.find(batch).and_then(|key| batches.seal_of(key, batch.sublist));
        let Some(seal) = seal.filter(|seal| Some(seal.position) != self.except) else {
            return false;
        };
        let objection = Objection {
            field,
            value: batch.batch.clone(),
            reason: Reason::BatchSealed,
            message: "is sealed already; annul the seal to reopen it".to_owned(),
            rule: RULE,
        };
        self.reject(objection, &[seal.position]);
        true
    }

    pub(super) fn judge_seal(
        &mut self,
        batch: &BatchRef,
        declared: Declared,
        digest: Option<&[u8; 32]>,
    ) {
        if self.reject_sealed("batch_sealed.batch", batch) {
            return;
        }
        let batches = self.batches();
        let Some(key) = batches.find(batch) else {
            return self.require_declared_empty(batch, declared);
        };
        let content = batches.content(key);
        self.require_declared_counts(batch, declared, &content);
        if let Some(digest) = digest {
            self.require_digest(batch, digest, &content);
        }
    }

    /// Only an empty batch is sealed without any entry or opening on record.
    fn require_declared_empty(&mut self, batch: &BatchRef, declared: Declared) {
        let is_empty = (declared.designated.is_some() || declared.reviewed.is_some())
            && declared.designated.unwrap_or(0) == 0
            && declared.reviewed.unwrap_or(0) == 0;
        if is_empty {
            return;
        }
        let message = "nothing was recorded of it; an empty one is sealed with designated = 0";
        let objection = Objection {
            field: "batch_sealed.batch",
            value: batch.batch.clone(),
            reason: Reason::BatchUnknown,
            message: message.to_owned(),
            rule: RULE,
        };
        self.reject(objection, &[]);
    }

    fn require_declared_counts(&mut self, batch: &BatchRef, declared: Declared, content: &Content) {
        let counts = content.counts(batch.sublist, false);
        let designated = ("batch_sealed.declared.designated", "designations");
        let reviewed = ("batch_sealed.declared.reviewed", "passed reviews");
        for ((field, entries), declared, recorded) in [
            (designated, declared.designated, counts.designated),
            (reviewed, declared.reviewed, counts.reviewed),
        ] {
            let Some(declared) = declared.filter(|declared| u64::from(*declared) != recorded)
            else {
                continue;
            };
            let objection = Objection {
                field,
                value: declared.to_string(),
                reason: Reason::CountMismatch,
                message: format!("{recorded} {entries} are recorded"),
                rule: RULE,
            };
            self.reject_expecting(objection, recorded.to_string());
        }
    }

    fn require_digest(&mut self, batch: &BatchRef, digest: &[u8; 32], content: &Content) {
        let actual = content.digest(self.subjects(), batch.sublist);
        if *digest == actual {
            return;
        }
        let hex: String = actual.iter().map(|byte| format!("{byte:02x}")).collect();
        let objection = Objection {
            field: "batch_sealed.digest",
            value: String::new(),
            reason: Reason::DigestMismatch,
            message: format!("what is recorded has the digest {hex}"),
            rule: RULE,
        };
        self.reject(objection, &[]);
    }
}
