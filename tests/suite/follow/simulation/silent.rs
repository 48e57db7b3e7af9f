//! A node whose streams say nothing any more, while it answers all other calls.

use tidu::limits::FOLLOW_SILENCE_MAX;
use tokio::time::{Duration, Instant, sleep};

use super::{
    network::{Fault, Mood, Network},
    paused,
    run::Run,
};
use crate::support::commit;

/// The steps of a wait.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// Silences until a status must have come beside one.
const SILENCES_MAX: usize = 20;

impl Run {
    /// The node that somebody follows falls silent: it is left.
    pub async fn fall_silent(&mut self, node: usize) {
        self.take_stop(node);
        let Some(process) = &self.nodes[node].process else { return };
        if process.follows.is_empty() || process.state() == "connecting" {
            return;
        }
        let url = process.contact().leader;
        let Some(silent) = (0..self.nodes.len()).find(|of| Network::url(*of).to_string() == url)
        else {
            return;
        };
        self.note(&format!("{silent} says nothing more to {node}"));
        // Nothing else ends the stream, so it is the silence that does.
        self.network.set_mood(node, Mood::Calm);
        self.network.silence(node, Some(silent));
        let has_left = move |run: &Self| {
            let process = run.nodes[node].process();
            process.contact().leader != url || process.state() != "following"
        };
        let left = self.comes(has_left).await;
        assert!(left, "{node} stays with {silent}, which is silent");
        self.counts.silences += 1;
        self.network.silence(node, None);
    }
}

/// The last node hears nothing more from the one that it follows, and leaves it in time. Returns
/// the address of that one.
async fn silence_the_leader(run: &Run) -> String {
    let leader = run.nodes[2].process().contact().leader;
    run.network.silence(2, (0..2).find(|of| Network::url(*of).to_string() == leader));
    let began = Instant::now();
    while run.nodes[2].process().state() != "connecting" {
        let waited = began.elapsed();
        assert!(waited < FOLLOW_SILENCE_MAX + LOOK_INTERVAL, "it stays: {waited:?}");
        sleep(LOOK_INTERVAL).await;
    }
    leader
}

/// The answers to GetStatus keep nobody with a node whose stream says nothing.
#[test]
fn a_silent_stream_is_left_though_statuses_are_answered() {
    paused(async {
        let mut run = Run::new(1);
        assert!(run.start_leading(0));
        run.follow(1, &[0]);
        run.follow(2, &[0, 1]);
        let events = run.events(5..6);
        run.nodes[0].process().ledger.append(commit(events)).await.unwrap();
        let is_at = |run: &Run, node: usize, size| {
            let process = run.nodes[node].process();
            process.ledger.durable().size == size && process.state() == "following"
        };
        assert!(run.comes(|run| is_at(run, 1, 5) && is_at(run, 2, 5)).await);
        // Until a status was answered meanwhile, which the moment of the silence decides.
        let mut silent = String::new();
        for turn in 0.. {
            assert!(turn < SILENCES_MAX, "nothing was answered meanwhile");
            // Between two heartbeats, and each time elsewhere between two statuses.
            sleep(Duration::from_millis(2_500)).await;
            silent = silence_the_leader(&run).await;
            if run.network.faults().contains_key(&Fault::StatusBesideSilence) {
                break;
            }
            run.network.silence(2, None);
            assert!(run.comes(|run| is_at(run, 2, 5)).await);
        }
        // The next one has everything, too.
        let events = run.events(3..4);
        run.nodes[0].process().ledger.append(commit(events)).await.unwrap();
        let has_gone_on =
            |run: &Run| is_at(run, 2, 8) && run.nodes[2].process().contact().leader != silent;
        assert!(run.comes(has_gone_on).await, "{:?}", run.nodes[2].process().contact());
    });
}
