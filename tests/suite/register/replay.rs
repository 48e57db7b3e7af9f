//! A register depends on the events alone: replayed, cut or taken back, it answers the same.

use std::sync::Arc;

use proptest::{prelude::*, test_runner::Config};
use tidu::{domain::catalogue::Catalogue, ledger::Ledger, protocol::event, register::Register};

use crate::support::{Book, Step, answers_of, open, steps, traces};

/// All that a reader could ask, as text.
fn answers(ledger: &Ledger, known_at: u64) -> String {
    answers_of(&ledger.register(), known_at)
}

/// Designees are numbered in order of appearance, which a rejected commit must not disturb.
#[test]
fn a_replay_gives_the_writers_register_at_every_size() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    proptest!(Config::with_cases(200), |(history in steps())| {
        runtime.block_on(async {
            let book = Book::new();
            let mut sizes = vec![0];
            let mut then = vec![answers(&book.ledger, 0)];
            for step in &history {
                let events = step.iter().map(Step::event).collect();
                let before = answers(&book.ledger, *sizes.last().unwrap());
                match book.record(events).await {
                    Ok(first) => {
                        let size = first + step.len() as u64;
                        sizes.push(size);
                        then.push(answers(&book.ledger, size));
                    }
                    Err(_) => {
                        // A rejected commit leaves no trace.
                        prop_assert_eq!(answers(&book.ledger, *sizes.last().unwrap()), before);
                    }
                }
            }
            let again = open(Arc::new(book.log.clone()), Arc::default(), Arc::default());
            prop_assert_eq!(again.durable().root, book.ledger.durable().root);
            let count = again.register().designee_count();
            prop_assert_eq!(count, book.ledger.register().designee_count());
            for (size, expected) in sizes.iter().zip(&then) {
                prop_assert_eq!(&answers(&again, *size), expected, "known at {}", size);
                prop_assert_eq!(&answers(&book.ledger, *size), expected, "known at {}", size);
            }
            Ok(())
        })?;
    });
}

/// The fold is total: also of events that the rules would refuse, such as transfers in a circle.
#[test]
fn known_at_is_the_log_cut_there_and_rollback_leaves_no_trace() {
    let catalogue = Catalogue::built_in();
    proptest!(Config::with_cases(150), |(history in steps(), cut in 0..30_usize)| {
        let events: Vec<_> = history
            .iter()
            .flatten()
            .enumerate()
            .filter_map(|(i, step)| event::proposal(&catalogue, i, step.event()).ok())
            .map(|proposed| proposed.event)
            .collect();
        let mut whole = Register::default();
        let mut cuts = vec![answers_of(&whole, 0)];
        for event in &events {
            whole.apply(event);
            cuts.push(answers_of(&whole, whole.size()));
        }
        for (size, expected) in (0..).zip(&cuts) {
            prop_assert_eq!(&answers_of(&whole, size), expected, "known at {}", size);
        }
        let cut = cut.min(events.len());
        let mut taken_back = Register::default();
        events[..cut].iter().for_each(|event| taken_back.apply(event));
        let savepoint = taken_back.savepoint();
        events[cut..].iter().for_each(|event| taken_back.apply(event));
        taken_back.rollback_to(&savepoint);
        let size = taken_back.size();
        prop_assert_eq!(&answers_of(&taken_back, size), &cuts[cut]);
        // And what is applied afterwards goes on as if nothing had been.
        events[cut..].iter().for_each(|event| taken_back.apply(event));
        prop_assert_eq!(answers_of(&taken_back, taken_back.size()), cuts.pop().unwrap());
        prop_assert_eq!(taken_back.designee_count(), whole.designee_count());
    });
}

/// Savepoints nest, the oldest are given up, and commits go on in between, as in the writer.
#[test]
fn savepoints_nest_and_every_part_is_as_rebuilt() {
    #[derive(Clone, Copy, Debug)]
    enum Action {
        Apply(usize),
        Save,
        Rollback(usize),
        Commit(usize),
    }
    let action = prop_oneof![
        3 => (1..4_usize).prop_map(Action::Apply),
        3 => Just(Action::Save),
        2 => (0..4_usize).prop_map(Action::Rollback),
        1 => (0..4_usize).prop_map(Action::Commit),
    ];
    let actions = prop::collection::vec(action, 1..40);
    let catalogue = Catalogue::built_in();
    proptest!(Config::with_cases(150), |(history in steps(), actions in actions)| {
        let events: Vec<_> = history
            .iter()
            .flatten()
            .enumerate()
            .filter_map(|(i, step)| event::proposal(&catalogue, i, step.event()).ok())
            .map(|proposed| proposed.event)
            .collect();
        let mut coming = events.iter().cycle();
        prop_assume!(!events.is_empty());
        let (mut register, mut applied) = (Register::default(), Vec::new());
        let mut saved = std::collections::VecDeque::new();
        for action in &actions {
            match *action {
                Action::Apply(count) => for event in coming.by_ref().take(count) {
                    register.apply(event);
                    applied.push(event);
                },
                Action::Save => saved.push_back((register.savepoint(), applied.len())),
                Action::Rollback(back) => {
                    let Some(at) = saved.len().checked_sub(back + 1) else { continue };
                    let (savepoint, size) = saved[at];
                    saved.truncate(at + 1);
                    register.rollback_to(&savepoint);
                    applied.truncate(size);
                }
                Action::Commit(oldest) => {
                    let Some((savepoint, _)) = saved.get(oldest) else { continue };
                    register.commit_before(savepoint);
                    saved.drain(..oldest);
                }
            }
        }
        let mut rebuilt = Register::default();
        applied.iter().for_each(|event| rebuilt.apply(event));
        prop_assert!(traces(&register) == traces(&rebuilt), "{register:?}\n\n{rebuilt:?}");
        let size = register.size();
        prop_assert_eq!(answers_of(&register, size), answers_of(&rebuilt, size));
    });
}
