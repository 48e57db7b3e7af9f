//! Leaders that are not the right one take its place, for one follower.

use tidu::limits::FOLLOW_SILENCE_MAX;
use uuid::Uuid;

use super::{
    network::Mood,
    node::{Node, Start},
    run::Run,
};
use crate::support::commit_under;

impl Run {
    /// Leads a follower to another leader until it has found out.
    pub async fn lead_astray(&mut self, node: usize) {
        self.take_stop(node);
        let Some(process) = &self.nodes[node].process else { return };
        if process.follows.is_empty() || process.ledger.durable().size == 0 {
            return;
        }
        process.hold(false);
        // Quiet, so that nothing but the impostor is found.
        self.network.set_mood(node, Mood::Calm);
        self.network.part(node, true);
        let process = self.nodes[node].process();
        let is_idle = |run: &Self| {
            let process = run.nodes[node].process();
            process.ledger.durable().size == run.nodes[node].disk.size()
                && ["connecting", "stopped"].contains(&process.state())
        };
        let has_others = process.follows.len() > 1;
        if !self.comes(is_idle).await {
            return;
        }
        // A session that was opening when the link was cut comes to its end, and no other begins.
        tokio::time::sleep(2 * FOLLOW_SILENCE_MAX).await;
        if !self.comes(is_idle).await {
            return;
        }
        self.take_stop(node);
        if self.nodes[node].process.is_none() {
            self.network.part(node, false);
            return;
        }
        let (size, fork) = (self.nodes[node].disk.size(), self.nodes[node].disk.end_below());
        let cause = ["log_id", "ahead", "root", "epoch"][self.random.usize(0..4)];
        self.check().await;
        let Some((impostor, cause)) = self.impostor(node, cause).await else {
            self.network.part(node, false);
            return;
        };
        self.note(&format!("{node} is led to an impostor: {cause}"));
        let target = impostor.process().target();
        self.network.lead_astray(node, Some(target));
        self.network.part(node, false);
        if has_others && cause == "epoch" {
            // It tries the next one, for ever.
            for _ in 0..20 {
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
            assert_eq!(self.nodes[node].process().stopped(), None);
        } else {
            let has_stopped = |run: &Self| run.nodes[node].process().stopped().is_some();
            let came = self.comes(has_stopped).await;
            let contact = self.nodes[node].process().contact();
            assert!(came, "{node} believes an impostor: {cause}: {contact:?}");
            let (found, why) = self.nodes[node].process().stopped().unwrap();
            assert_eq!(found, cause, "{why}");
            let parted = format!("the logs differ from position {fork} on");
            assert_eq!(why.contains(&parted), cause == "root", "{why}");
        }
        assert_eq!(
            self.nodes[node].process().ledger.durable().size,
            size,
            "it has taken something"
        );
        self.counts.impostors_found += 1;
        self.network.lead_astray(node, None);
        self.crash(node);
        drop(impostor);
    }

    /// A leader with another log, a shorter one, another history, or a lower epoch.
    async fn impostor(&mut self, node: usize, cause: &'static str) -> Option<(Node, &'static str)> {
        let own = &self.nodes[node].disk;
        let size = own.size();
        let below = own.end_below();
        // Nobody leads with the place of an erased event and without what annuls it.
        self.nodes[node].at_rest(own.copy_below(below))?;
        let disk = match cause {
            "log_id" | "epoch" => own.copy_below(size),
            _ => own.copy_below(below),
        };
        let known = self.nodes[node].process().ledger.epoch();
        match cause {
            "log_id" => disk.rename(Uuid::from_u128(7)),
            "epoch" if known == 0 => return None,
            "epoch" => disk.set_epoch(known - 1),
            _ => disk.set_epoch(known),
        }
        let mut impostor = Node::new(node, disk);
        (impostor.catalogues, impostor.rules) =
            (self.nodes[node].catalogues.clone(), self.nodes[node].rules);
        assert!(impostor.start_apart(&mut self.random, Start::Leading));
        while cause == "root" && impostor.process().ledger.durable().size < size {
            let events = self.events(1..20);
            let ledger = &impostor.process().ledger;
            ledger.append(commit_under(ledger.catalogue(), events)).await.unwrap();
        }
        Some((impostor, cause))
    }
}
