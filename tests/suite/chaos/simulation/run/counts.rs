//! Counts of what happened in a run, and the least that must have happened.

/// What really happened.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub commits: usize,
    pub events: usize,
    pub appends_synced: usize,
    pub appends_of_several_commits: usize,
    pub crashes: usize,
    pub crashes_at_the_gate: usize,
    pub survivors_of_crashes: usize,
    pub torn_writes: usize,
    pub incomplete_commits_removed: usize,
    pub failed_appends: usize,
    pub clean_closes: usize,
    pub repeats: usize,
    pub repeats_in_flight: usize,
    pub reused_ids: usize,
    pub moved_preconditions: usize,
    pub only_decided: usize,
    /// Trials while more was decided than is durable.
    pub tried_behind: usize,
    pub rejections: usize,
    pub clock_refusals: usize,
    pub times_held: usize,
    pub unknown_outcomes: usize,
    pub callers_gone: usize,
    pub reads: usize,
    pub reads_at_the_gate: usize,
    pub events_read: usize,
    pub resumptions: usize,
    pub free_events_read: usize,
    pub comparisons: usize,
}

impl Counts {
    fn fields(&mut self) -> [(&'static str, &mut usize, usize); 28] {
        // With each the least that a run must have had on average.
        [
            ("commits", &mut self.commits, 60),
            ("events", &mut self.events, 200),
            ("appends synced", &mut self.appends_synced, 30),
            ("appends of several commits", &mut self.appends_of_several_commits, 10),
            ("crashes", &mut self.crashes, 4),
            ("crashes at the gate", &mut self.crashes_at_the_gate, 1),
            ("commits that survived unanswered", &mut self.survivors_of_crashes, 0),
            ("torn writes", &mut self.torn_writes, 1),
            ("values removed at a start", &mut self.incomplete_commits_removed, 3),
            ("failed appends", &mut self.failed_appends, 1),
            ("clean closes", &mut self.clean_closes, 1),
            ("repeats", &mut self.repeats, 10),
            ("repeats in flight", &mut self.repeats_in_flight, 1),
            ("reused ids", &mut self.reused_ids, 5),
            ("moved preconditions", &mut self.moved_preconditions, 5),
            ("only decided", &mut self.only_decided, 5),
            ("tried behind", &mut self.tried_behind, 5),
            ("rejections", &mut self.rejections, 10),
            ("clock refusals", &mut self.clock_refusals, 1),
            ("recorded times held against the clock", &mut self.times_held, 2),
            ("unknown outcomes", &mut self.unknown_outcomes, 5),
            ("callers gone", &mut self.callers_gone, 1),
            ("reads", &mut self.reads, 200),
            ("reads at the gate", &mut self.reads_at_the_gate, 50),
            ("events read", &mut self.events_read, 500),
            ("resumptions", &mut self.resumptions, 2),
            ("events read freely", &mut self.free_events_read, 50),
            ("comparisons", &mut self.comparisons, 5_000),
        ]
    }

    pub fn add(&mut self, mut other: Self) {
        for ((_, sum, _), (_, more, _)) in self.fields().into_iter().zip(other.fields()) {
            *sum += *more;
        }
    }

    /// The gates: what has happened too seldom in so many runs, if anything.
    pub fn too_few(&mut self, runs: usize) -> Option<String> {
        let (what, count, least) =
            self.fields().into_iter().find(|(_, count, least)| **count < least * runs)?;
        Some(format!("{what}: only {count}, not {least} a run"))
    }
}
