//! What a run sends: chosen from its seed.

use std::collections::HashSet;

use bytes::Bytes;
use tidu::ledger::Precondition;

use super::{
    super::model::{Asked, Said, digest},
    PRINCIPALS, Run, Sent,
};

impl Run {
    /// What is sent next: new, a repeat, or something to refuse.
    pub(super) fn choose(&mut self) -> Asked {
        let random = &mut self.random;
        let size = match random.u8(0..40) {
            0..3 => random.usize(80..260),
            3..6 => random.usize(10..40),
            _ => random.usize(1..5),
        };
        let mut said: Vec<Said> = Vec::with_capacity(size);
        let mut taken = HashSet::new();
        while said.len() < size {
            let who = random.usize(0..2_000);
            if !taken.insert(who) {
                continue;
            }
            let known = self.model.version(who) > 0;
            said.push(if known || random.u8(0..5) == 0 {
                match random.u16(..) {
                    number if number % 8 == 0 => Said::Reported(who, number),
                    round => Said::Supported(who, round),
                }
            } else {
                Said::Designated(who)
            });
        }
        let place = random.usize(0..size);
        match random.u8(0..12) {
            0 => said[place] = Said::NotEntitled(said[place].enterprise()),
            1 => said.push(said[place]),
            _ => {}
        }
        let by = PRINCIPALS[random.usize(0..PRINCIPALS.len())];
        let mut asked = Asked { said, request: None, precondition: None, validate_only: false, by };
        if random.bool() {
            self.ids += 1;
            let id = Bytes::from(format!("request-{}", self.ids));
            asked.request = Some((id, digest(&asked.said)));
        }
        asked.precondition = self.precondition(&asked.said);
        asked.validate_only = self.random.u8(0..12) == 0;
        self.repeat(asked)
    }

    /// Now and then a condition, about as often true as moved.
    pub(super) fn precondition(&mut self, said: &[Said]) -> Option<Precondition> {
        let off = u64::from(self.random.bool());
        match self.random.u8(0..10) {
            0 => Some(Precondition::LogSize(self.model.size() + off)),
            1 => {
                let versions = said.iter().take(3).map(|said| {
                    let who = said.enterprise();
                    (self.model.world.id(who), self.model.version(who) + off)
                });
                Some(Precondition::Versions(versions.collect()))
            }
            _ => None,
        }
    }

    /// Now and then the request id of an earlier commit: recorded, in flight, or refused.
    pub(super) fn repeat(&mut self, asked: Asked) -> Asked {
        let earlier: Option<Asked> = match self.random.u8(0..10) {
            0 if !self.model.commits.is_empty() => {
                let place = self.random.usize(0..self.model.commits.len());
                Some(self.model.commits[place].asked.clone())
            }
            1 => {
                let flying: Vec<&Sent> = self.group.iter().chain(&self.queue).collect();
                self.random.choice(flying).map(|sent| sent.asked.clone())
            }
            _ => None,
        };
        let Some((earlier, Some((id, was)))) = earlier.map(|asked| (asked.clone(), asked.request))
        else {
            return asked;
        };
        if self.random.u8(0..3) == 0 {
            // Other content under the same id.
            return Asked { request: Some((id, digest(&asked.said))), ..asked };
        }
        // A true repeat wins over a precondition that has moved.
        let precondition = asked.precondition.or(earlier.precondition);
        let validate_only = asked.validate_only;
        Asked { request: Some((id, was)), precondition, validate_only, ..earlier }
    }
}
