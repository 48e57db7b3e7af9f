//! The rules that hold after each step, and at the end.

use tidu::protocol::pb;
use tonic::Code;

use super::{
    network::{Fault, Network},
    node::{Node, Process, Shown},
    run::{NODES, Run},
};
use crate::support::{Caller, valid_on};

/// Why a node may stop when a message with leaves was left out or came twice.
const GAP: &[&str] = &["gap"];
/// Why it may stop when a bit was flipped.
const FLIP: &[&str] = &["gap", "root", "damaged", "log_id", "rights"];

impl Run {
    pub async fn check(&mut self) {
        self.check_but(None).await;
    }

    /// As [`Run::check`], while the disk of one node has failed.
    pub async fn check_failed(&mut self, node: usize) {
        self.check_but(Some(node)).await;
    }

    async fn check_but(&mut self, failed: Option<usize>) {
        let is_whole = |node: usize| failed != Some(node);
        self.answers().await;
        // What followers have comes first: the leader has had it before.
        let found = |node: &Node| {
            let shown = node.process.as_ref().map(|it| std::mem::take(&mut *it.shown.lock()));
            (shown.unwrap_or_default(), node.disk.size())
        };
        let found: Vec<_> = self.nodes.iter().map(found).collect();
        let leader = *self.leaders.values().next_back().unwrap();
        self.truth.learn(&self.nodes[leader].disk);
        for (node, (shown, size)) in found.into_iter().enumerate() {
            assert!(size <= self.truth.size(), "{node} has what the leader has not: {size}");
            assert!(self.truth.is_end(size), "{node} has a part of a commit");
            let span = (self.compared[node], size);
            self.truth.require_beginning(&format!("node {node}"), &self.nodes[node].disk, span);
            self.compared[node] = size;
            self.compare_shown(node, shown);
            self.note_places(node);
            let process = self.nodes[node].process.as_ref().filter(|_| is_whole(node));
            let failures = process.map(|it| it.failures.lock().clone()).unwrap_or_default();
            assert!(failures.is_empty(), "{node}: {failures:?}");
        }
        self.serve_while_stopped().await;
    }

    /// Whoever has stopped serves what it has.
    async fn serve_while_stopped(&mut self) {
        for node in 0..NODES {
            let process = self.nodes[node].process.as_ref();
            let Some(process) = process.filter(|it| it.stopped().is_some()) else { continue };
            let Some(last) = process.ledger.durable().size.checked_sub(1) else { continue };
            let asked = pb::GetEventRequest { position: Some(last), ..Default::default() };
            let answer = Caller::of(process.api.clone()).ledger.get_event(asked).await;
            assert!(answer.is_ok(), "{node} serves nothing: {answer:?}");
            self.counts.served_while_stopped += 1;
        }
    }

    /// Every size that was shown was durable, the end of a commit, and had the root of the model.
    fn compare_shown(&mut self, node: usize, shown: Vec<Shown>) {
        for (size, root, synced) in shown {
            assert!(size <= synced, "{node} shows {size}, and {synced} are durable");
            assert!(self.truth.is_end(size), "{node} shows a part of a commit: {size}");
            assert_eq!(root, self.truth.root(size), "{node} shows another root at {size}");
            self.counts.sizes_compared += 1;
        }
    }

    /// Takes in what became of appends: at most one node records in each epoch.
    async fn answers(&mut self) {
        let (done, open): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.sent).into_iter().partition(|sent| sent.answer.is_finished());
        self.sent = open;
        for sent in done {
            let answer = sent.answer.await.unwrap();
            if let Some((id, events)) = sent.handed_on {
                self.counts.handed_on += usize::from(answer.is_some());
                self.handed_on.push((id, events, answer));
                continue;
            }
            match answer {
                Some((_, next)) => {
                    self.counts.appends += 1;
                    let leader = self.leaders[&sent.epoch];
                    assert_eq!(leader, sent.node, "it has recorded in epoch {}", sent.epoch);
                    let closed = self.receipts.iter().find(|one| one.epoch == sent.epoch);
                    let size = closed.map_or(u64::MAX, |receipt| receipt.size);
                    assert!(next <= size, "{leader} has recorded after its hand-over");
                    let synced = self.nodes[leader].disk.size();
                    assert!(next <= synced, "{next} is acknowledged, and {synced} are durable");
                }
                None => self.counts.refused_appends += 1,
            }
        }
    }

    /// A node that has stopped has the right cause. It is stopped, and may start again.
    pub fn take_stop(&mut self, node: usize) {
        let process = self.nodes[node].process.as_ref();
        let Some((cause, why)) = process.and_then(Process::stopped) else { return };
        self.note(&format!("{node} has stopped: {cause}: {why}"));
        let injected = self.network.injected(node);
        let has = |fault| injected.contains_key(&fault);
        let by_gap = (has(Fault::Dropped) || has(Fault::Twice)) && GAP.contains(&cause);
        let by_flip = has(Fault::Flipped) && FLIP.contains(&cause);
        let by_adoption = self.take_adoption(node, cause, &why);
        assert!(
            by_gap || by_flip || by_adoption,
            "{node} has stopped after {injected:?}: {cause}: {why}"
        );
        self.counts.stops += 1;
        self.counts.gaps_found += usize::from(by_gap);
        self.counts.flips_found += usize::from(by_flip && !by_gap);
        self.nodes[node].crash(&self.network, &mut self.random);
    }

    /// Quiet: whoever can record does, all have everything, and what was acknowledged is there.
    pub async fn end(&mut self) {
        self.note("quiet");
        self.heal();
        for node in 0..NODES {
            self.take_stop(node);
            if self.nodes[node].process.is_none() {
                self.start(node);
            }
        }
        while let Some((receipt, _)) = self.receipt.clone() {
            let successor = self.nodes.iter().position(|node| node.name() == receipt.successor);
            let successor = successor.unwrap();
            self.follow_again(successor);
            let is_there = |run: &Self| {
                let process = run.nodes[successor].process();
                process.ledger.durable().size >= receipt.size || process.stopped().is_some()
            };
            assert!(self.comes(is_there).await, "the successor does not catch up");
            self.promote();
            self.check().await;
        }
        for node in 0..NODES {
            self.take_stop(node);
            let process = self.nodes[node].process.as_ref();
            let knows_leader = process.is_some_and(|process| {
                let leader = Network::url(self.leader.unwrap());
                process.follows.contains(&leader)
            });
            // An old leader may go on to serve what it has. Whoever knows the new one leaves it.
            let serves_on = self.leads_no_more(node) && self.random.bool();
            if !knows_leader && !serves_on {
                self.follow_again(node);
            }
        }
        let sent_all = |run: &Self| run.sent.iter().all(|sent| sent.answer.is_finished());
        assert!(self.comes(sent_all).await, "an append hangs");
        self.answers().await;
        self.repeat_what_was_handed_on().await;
        let leader = self.leader.unwrap();
        let durable = self.nodes[leader].process().ledger.durable();
        let same = |run: &Self| {
            run.nodes.iter().filter(|node| !run.leads_no_more(node.number)).all(|node| {
                let of = node.process().ledger.durable();
                (of.size, of.root) == (durable.size, durable.root)
            })
        };
        let mut came = false;
        while !came {
            let has_stopped = |run: &Self| {
                let mut processes = run.nodes.iter().filter_map(|node| node.process.as_ref());
                processes.any(|process| process.stopped().is_some())
            };
            assert!(self.comes(|run| same(run) || has_stopped(run)).await, "not all come");
            came = !has_stopped(self);
            // The last message that was changed may be found only now.
            for node in 0..NODES {
                self.take_stop(node);
                if self.nodes[node].process.is_none() {
                    self.start_following(node);
                }
            }
        }
        let contacts = self.nodes.iter().map(|node| {
            let process = node.process();
            (process.ledger.durable().size, process.contact())
        });
        assert!(came, "not all have {}: {:#?}", durable.size, contacts.collect::<Vec<_>>());
        self.check().await;
        self.same_answers().await;
        (0..NODES).for_each(|node| self.require_replay(node));
    }

    /// It has handed over, and does not follow.
    fn leads_no_more(&self, node: usize) -> bool {
        let process = self.nodes[node].process.as_ref();
        self.leader != Some(node) && process.is_some_and(|process| process.follows.is_empty())
    }

    /// What was handed on is recorded once, and a repeat gets the first answer.
    async fn repeat_what_was_handed_on(&mut self) {
        let leader = self.nodes[self.leader.unwrap()].process();
        let mut caller = Caller::of(leader.api.clone()).ledger;
        for (request_id, events, answer) in std::mem::take(&mut self.handed_on) {
            let request = pb::AppendRequest { events, request_id, ..Default::default() };
            let again = loop {
                // Time runs: a deadline may pass while the disk takes its time.
                match caller.append(request.clone()).await {
                    Ok(answer) => break answer.into_inner(),
                    Err(status) => assert_eq!(status.code(), Code::DeadlineExceeded, "{status}"),
                }
            };
            if let Some(first) = answer {
                assert!(again.replayed, "an acknowledged append is not there");
                assert_eq!((again.first_position.unwrap(), again.next_position), first);
            }
        }
    }

    /// The registers are the same.
    async fn same_answers(&mut self) {
        let mut first = None;
        for node in (0..NODES).filter(|node| !self.leads_no_more(*node)) {
            let mut caller = Caller::of(self.nodes[node].process().api.clone());
            let as_of = valid_on("2024-06-01");
            let asked = pb::ListTitlesRequest { as_of, ..Default::default() };
            let answers = caller.register.list_titles(asked).await.unwrap().into_inner().titles;
            assert!(!answers.is_empty());
            assert_eq!(*first.get_or_insert(answers.clone()), answers, "node {node}");
        }
    }
}
