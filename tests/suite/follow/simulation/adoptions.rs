//! Adoptions of catalogues and rules by the leader, at hand or not at its followers.

use std::sync::Arc;

use tidu::{
    domain::{catalogue::Catalogue, text::hex},
    protocol::pb::{self, event::Fact},
    register::RulesBook,
};

use super::run::{NODES, Run};
use crate::support::{
    BOTH_RULES, Caller,
    catalogues::{more, parsed},
};

/// Catalogues beside the built-in one.
const CATALOGUES: usize = 3;
/// The programme that all of them have, and the built-in one lacks.
const PROGRAMME: &str = "more-0";

/// The catalogues that leaders may adopt.
pub fn catalogues() -> Vec<Arc<Catalogue>> {
    let others = (1..=CATALOGUES).map(|count| parsed(&more(count)));
    [Arc::new(Catalogue::built_in())].into_iter().chain(others).collect()
}

/// Lets some events be about a programme that a catalogue has, and the built-in one has not.
pub fn fitted(catalogue: &Catalogue, mut events: Vec<pb::Event>) -> Vec<pb::Event> {
    if catalogue.find(PROGRAMME).is_ok() {
        for event in events.iter_mut().step_by(3) {
            if let Some(Fact::Designated(fact)) = &mut event.fact {
                PROGRAMME.clone_into(&mut fact.programme);
            }
        }
    }
    events
}

fn has(all: &[Arc<Catalogue>], one: &Catalogue) -> bool {
    all.iter().any(|known| known.sha256 == one.sha256)
}

fn knows_both(rules: RulesBook) -> bool {
    rules.newest().number == BOTH_RULES.newest().number
}

impl Run {
    /// The leader is started with another catalogue, which is at hand at some followers only.
    pub fn adopt_catalogue(&mut self) {
        let Some(leader) = self.leader else { return };
        if self.nodes[leader].disk.size() == 0 {
            return;
        }
        let chosen = Arc::clone(self.random.choice(&self.catalogues).unwrap());
        self.note(&format!("{leader} is started with the catalogue {}", hex(&chosen.sha256)));
        for node in 0..NODES {
            if node == leader || self.random.u8(0..3) > 0 {
                self.give(node, &chosen);
            }
        }
        self.crash(leader);
        self.nodes[leader].wanted = Some(chosen);
        assert!(self.start_leading(leader));
        self.nodes[leader].wanted = None;
    }

    /// A machine gets a catalogue; its process knows it after the next start.
    fn give(&mut self, node: usize, catalogue: &Arc<Catalogue>) {
        let at_hand = &mut self.nodes[node].catalogues;
        if !has(at_hand, catalogue) {
            at_hand.push(Arc::clone(catalogue));
        }
    }

    /// Somebody asks for the newer rules, at any node.
    pub fn adopt_rules(&mut self, node: usize) {
        let Some(process) = &self.nodes[node].process else { return };
        self.note(&format!("{node} is asked to adopt rules"));
        let mut admin = Caller::of(process.api.clone()).admin;
        let version = Some(BOTH_RULES.newest().number);
        tokio::spawn(async move {
            let asked = pb::AdoptRulesRequest { version, ..Default::default() };
            let _ = admin.adopt_rules(asked).await;
        });
    }

    /// Removes the cause of a stop at an adoption: false if it was none, or none was needed.
    pub fn take_adoption(&mut self, node: usize, cause: &str, why: &str) -> bool {
        match cause {
            "catalogue" => {
                let named = |one: &&Arc<Catalogue>| why.contains(&hex(&one.sha256));
                let Some(missing) = self.catalogues.iter().find(named).cloned() else {
                    return false;
                };
                let is_needed = !has(&self.nodes[node].process().catalogues, &missing);
                self.counts.catalogue_stops += 1;
                self.give(node, &missing);
                is_needed
            }
            "newer" => {
                let is_old = !knows_both(self.nodes[node].rules);
                self.nodes[node].rules = BOTH_RULES;
                self.counts.rules_stops += 1;
                is_old && why.contains("newer rules version 2")
            }
            _ => false,
        }
    }
}
