//! Rules for batches: a batch is opened and sealed once, and a seal states what the batch contains.

use super::{Case, Judge};
use crate::{
    domain::{
        event::{BatchRef, Declared},
        fault::{Key, RuleId},
        text::hex,
    },
    register::batches::Content,
};

impl Case<'_> {
    pub(super) fn reject_sealed(&mut self, field: &str, batch: &BatchRef) -> bool {
        let batches = self.batches();
        let read = &mut self.judge.facts_read;
        let found = batches.find(batch);
        let seal = found.and_then(|key| batches.seal_of(key, batch.sublist, read));
        let Some(seal) = seal.filter(|seal| Some(seal.position) != self.except) else {
            return false;
        };
        self.reject(field, &batch.batch, RuleId::SealedAlready, &[seal.position]);
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
        self.require_room_for_list("batch_sealed.batch", batch);
        let batches = self.batches();
        let Some(key) = batches.find(batch) else {
            return self.require_declared_empty(batch, declared);
        };
        let Judge { sublists, facts_read, .. } = &mut *self.judge;
        let content = batches.content(key, sublists, facts_read);
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
        if !is_empty {
            self.reject("batch_sealed.batch", &batch.batch, RuleId::NothingToSeal, &[]);
        }
    }

    fn require_declared_counts(&mut self, batch: &BatchRef, declared: Declared, content: &Content) {
        let counts = content.counts(batch.sublist, false);
        let designated = ("batch_sealed.declared.designated", RuleId::DesignatedCount);
        let reviewed = ("batch_sealed.declared.reviewed", RuleId::ReviewedCount);
        for ((field, rule), declared, recorded) in [
            (designated, declared.designated, counts.designated),
            (reviewed, declared.reviewed, counts.reviewed),
        ] {
            if let Some(declared) = declared.filter(|declared| u64::from(*declared) != recorded) {
                let breach = rule.with(Key::Expected, recorded);
                self.reject(field, &declared.to_string(), breach, &[]);
            }
        }
    }

    fn require_digest(&mut self, batch: &BatchRef, digest: &[u8; 32], content: &Content) {
        let actual = content.digest(self.subjects(), batch.sublist);
        if *digest != actual {
            let breach = RuleId::BatchDigest.with(Key::Expected, hex(&actual));
            self.reject("batch_sealed.digest", "", breach, &[]);
        }
    }
}
