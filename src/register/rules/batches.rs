//! Rules for batches: opened once, sealed once, with what they hold.

use super::{Case, Objection};
use crate::{
    domain::{
        CivilDate,
        event::{BatchRef, Declared},
        fault::Reason,
    },
    register::query::Moment,
};

const RULE: &str = "a seal states what the publication holds";

impl Case<'_> {
    fn moment(&self) -> Moment {
        Moment { as_of: CivilDate::MAX, known_at: self.known_at() }
    }

    pub(super) fn batch_opened(&mut self, batch: &BatchRef) {
        let found = self.register.find_batch(batch).map(|(key, _)| key);
        let seal = found.and_then(|key| self.register.seal_of(key, batch.sublist, self.moment()));
        if let Some(seal) = seal.filter(|seal| Some(seal.position) != self.except) {
            self.sealed_already("batch_opened.batch", batch, seal.position);
        }
    }

    fn sealed_already(&mut self, field: &str, batch: &BatchRef, position: u32) {
        let objection = Objection {
            field,
            value: batch.batch.clone(),
            reason: Reason::BatchSealed,
            message: "is sealed already; annul the seal to reopen it".to_owned(),
            rule: RULE,
        };
        self.reject(objection, &[position]);
    }

    pub(super) fn batch_sealed(
        &mut self,
        batch: &BatchRef,
        declared: Declared,
        digest: Option<&[u8; 32]>,
    ) {
        let moment = self.moment();
        let found = self.register.find_batch(batch).map(|(key, _)| key);
        let seal = found.and_then(|key| self.register.seal_of(key, batch.sublist, moment));
        if let Some(seal) = seal.filter(|seal| Some(seal.position) != self.except) {
            return self.sealed_already("batch_sealed.batch", batch, seal.position);
        }
        let declares_nothing = (declared.designated.is_some() || declared.reviewed.is_some())
            && declared.designated.unwrap_or(0) == 0
            && declared.reviewed.unwrap_or(0) == 0;
        let Some(key) = found else {
            if !declares_nothing {
                let message =
                    "nothing was recorded of it; an empty one is sealed with designated = 0";
                let objection = Objection {
                    field: "batch_sealed.batch",
                    value: batch.batch.clone(),
                    reason: Reason::BatchUnknown,
                    message: message.to_owned(),
                    rule: RULE,
                };
                self.reject(objection, &[]);
            }
            return;
        };
        let content = self.register.content(key, moment);
        let counts = content.counts(batch.sublist, false);
        let declarations = [
            (
                "batch_sealed.declared.designated",
                declared.designated,
                counts.designated,
                "designations",
            ),
            (
                "batch_sealed.declared.reviewed",
                declared.reviewed,
                counts.reviewed,
                "passed reviews",
            ),
        ];
        for (field, declared, held, what) in declarations {
            let Some(declared) = declared.filter(|declared| u64::from(*declared) != held) else {
                continue;
            };
            let objection = Objection {
                field,
                value: declared.to_string(),
                reason: Reason::CountMismatch,
                message: format!("{held} {what} are recorded"),
                rule: RULE,
            };
            self.reject_expecting(objection, held.to_string());
        }
        let Some(digest) = digest else { return };
        let actual = content.digest(self.register, batch.sublist);
        if *digest != actual {
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
}
