#![allow(clippy::unwrap_used)]

use std::sync::{Arc, mpsc};

use parking_lot::Mutex as Plain;
use tonic::Code;

use super::*;
use crate::{access::Identified, limits::QUESTIONS_BEGUN_MAX};

fn call(party: Party) -> Call {
    let who = Arc::new(Identified::anonymous());
    Call { who, access: None, peer: None, party, deadline: None, memory: None, arrivals: None }
}

fn local(port: u16) -> Call {
    call(Party::of(([127, 0, 0, 1], port).into()))
}

/// A question of a task, which holds its slot until it is told to end.
struct Held {
    end: mpsc::Sender<()>,
    answered: tokio::task::JoinHandle<Result<(), Status>>,
}

/// Asks a question that notes its name when it begins.
async fn hold(questions: &Questions, call: Call, name: &'static str, begun: &Begun) -> Held {
    let (end, ends) = mpsc::channel();
    let (gate, begun) = (questions.clone(), Arc::clone(begun));
    let answered = tokio::spawn(async move {
        let question = move |_: &mut Turn| {
            begun.lock().push(name);
            ends.recv().ok();
            Ok(())
        };
        gate.ask(&call, question).await
    });
    // The runtime has one thread: the task has entered the line when this one goes on.
    tokio::task::yield_now().await;
    Held { end, answered }
}

type Begun = Arc<Plain<Vec<&'static str>>>;

impl Held {
    async fn end(self) -> Result<(), Status> {
        self.end.send(()).ok();
        self.answered.await.unwrap()
    }

    async fn leave(self) {
        self.answered.abort();
        self.answered.await.unwrap_err();
    }
}

fn waiting(questions: &Questions) -> usize {
    questions.0.line.lock().counts().2
}

#[tokio::test]
async fn parties_take_turns_and_one_that_left_never_runs() {
    let (questions, begun) = (Questions::new(1, &Metrics::new()), Begun::default());
    let first = hold(&questions, local(1), "1a", &begun).await;
    let again = hold(&questions, local(1), "1b", &begun).await;
    let left = hold(&questions, local(1), "gone", &begun).await;
    let third = hold(&questions, local(1), "1c", &begun).await;
    let other = hold(&questions, local(2), "2a", &begun).await;
    assert_eq!(waiting(&questions), 4);
    left.leave().await;
    assert_eq!(waiting(&questions), 3);
    for held in [first, other, again, third] {
        held.end().await.unwrap();
    }
    assert_eq!(*begun.lock(), ["1a", "2a", "1b", "1c"]);
    assert_eq!(questions.0.line.lock().counts(), (0, 0, 0));
}

#[tokio::test]
async fn the_earliest_deadline_of_a_party_comes_first() {
    let (questions, begun) = (Questions::new(1, &Metrics::new()), Begun::default());
    let now = tokio::time::Instant::now();
    let due = |seconds| Call {
        deadline: Some(now + std::time::Duration::from_secs(seconds)),
        ..local(1)
    };
    let first = hold(&questions, local(1), "first", &begun).await;
    let never = hold(&questions, local(1), "never", &begun).await;
    let late = hold(&questions, due(90), "late", &begun).await;
    let soon = hold(&questions, due(60), "soon", &begun).await;
    for held in [first, soon, late, never] {
        held.end().await.unwrap();
    }
    assert_eq!(*begun.lock(), ["first", "soon", "late", "never"]);
}

#[tokio::test]
async fn a_full_line_refuses_the_newest_question_of_the_party_with_the_most() {
    let (questions, begun) = (Questions::new(1, &Metrics::new()), Begun::default());
    let mut flood = Vec::new();
    for _ in 0..=QUESTIONS_WAITING_MAX {
        flood.push(hold(&questions, local(1), "flood", &begun).await);
    }
    assert_eq!(waiting(&questions), QUESTIONS_WAITING_MAX);
    // One more of the flood is refused itself.
    let refused = questions.ask(&local(1), |_| Ok(())).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    // Another party is served, and the flood pays.
    let other = hold(&questions, local(2), "other", &begun).await;
    let newest = flood.pop().unwrap().answered.await.unwrap().unwrap_err();
    assert_eq!(newest.code(), Code::ResourceExhausted);
    assert_eq!(waiting(&questions), QUESTIONS_WAITING_MAX);
    flood.remove(0).end().await.unwrap();
    other.end().await.unwrap();
    assert_eq!(begun.lock().get(1), Some(&"other"));
    for held in flood {
        held.leave().await;
    }
}

#[tokio::test]
async fn a_remote_address_has_few_questions_at_once() {
    let (questions, begun) = (Questions::new(1, &Metrics::new()), Begun::default());
    let remote = |port| call(Party::of(([192, 0, 2, 7], port).into()));
    let mut held = Vec::new();
    for port in 0..4 {
        held.push(hold(&questions, remote(port), "remote", &begun).await);
    }
    let refused = questions.ask(&remote(9), |_| Ok(())).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.message().contains("address"), "{}", refused.message());
    let other = hold(&questions, call(Party::of(([192, 0, 2, 8], 1).into())), "other", &begun);
    let other = other.await;
    held.remove(0).end().await.unwrap();
    let again = hold(&questions, remote(9), "again", &begun).await;
    other.end().await.unwrap();
    for held in held.into_iter().chain([again]) {
        held.end().await.unwrap();
    }
}

#[tokio::test]
async fn a_long_question_gives_way_to_another_party_and_ends_when_its_caller_goes() {
    let questions = Questions::new(1, &Metrics::new());
    let (stepped, mut steps) = tokio::sync::mpsc::unbounded_channel();
    let (gate, caller) = (questions.clone(), local(1));
    let long = tokio::spawn(async move {
        let question = move |turn: &mut Turn| -> Result<(), Status> {
            loop {
                stepped.send(()).ok();
                turn.step()?;
            }
        };
        gate.ask(&caller, question).await
    });
    steps.recv().await.unwrap();
    // The only slot is taken by a question that never ends by itself.
    assert_eq!(questions.ask(&local(2), |_| Ok(7)).await.unwrap(), 7);
    steps.recv().await.unwrap();
    long.abort();
    long.await.unwrap_err();
    // Its end closes the channel.
    while steps.recv().await.is_some() {}
    assert_eq!(questions.ask(&local(2), |_| Ok(8)).await.unwrap(), 8);
    // Its place is free just after its answer.
    while questions.0.line.lock().counts() != (0, 0, 0) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn few_questions_have_begun_at_once() {
    let (questions, begun) = (Questions::new(1, &Metrics::new()), Begun::default());
    let (more, parties) = (QUESTIONS_BEGUN_MAX + 2, Arc::new(Plain::new(Vec::new())));
    let rounds = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let first = hold(&questions, local(99), "first", &begun).await;
    let mut all = Vec::new();
    for port in 0..more {
        let (gate, caller) = (questions.clone(), local(u16::try_from(port).unwrap()));
        let (parties, rounds) = (Arc::clone(&parties), Arc::clone(&rounds));
        all.push(tokio::spawn(async move {
            let question = move |turn: &mut Turn| {
                parties.lock().push(port);
                // A loaded machine may give a question its 500 turns before the eighth begins.
                while parties.lock().len() < QUESTIONS_BEGUN_MAX
                    || rounds.fetch_add(1, Ordering::SeqCst) < 500
                {
                    turn.step()?;
                }
                Ok(parties.lock().len())
            };
            gate.ask(&caller, question).await
        }));
        tokio::task::yield_now().await;
    }
    first.end().await.unwrap();
    let mut ended = Vec::new();
    for question in all {
        ended.push(question.await.unwrap().unwrap());
    }
    // The first one that ended had so many beside it.
    assert_eq!(ended.iter().min(), Some(&QUESTIONS_BEGUN_MAX));
    assert_eq!(parties.lock().len(), more);
    assert_eq!(questions.0.line.lock().counts(), (0, 0, 0));
}

#[tokio::test]
async fn every_question_is_told_and_ends_once() {
    let (metrics, begun) = (Metrics::new(), Begun::default());
    let questions = Questions::new(1, &metrics);
    let told = || (metrics.questions_running.get(), metrics.questions_waiting.get());
    let ends = || {
        let outcomes = ["answered", "cancelled", "expired", "refused"];
        outcomes.map(|outcome| metrics.questions_total.with([outcome]).get())
    };
    let first = hold(&questions, local(1), "first", &begun).await;
    let left = hold(&questions, local(1), "left", &begun).await;
    let past = Call { deadline: Some(tokio::time::Instant::now()), ..local(1) };
    let late = hold(&questions, past, "late", &begun).await;
    assert_eq!((told(), ends()), ((1, 2), [0; 4]));
    left.leave().await;
    late.leave().await;
    assert_eq!((told(), ends()), ((1, 0), [0, 1, 1, 0]));
    let remote = |port| call(Party::of(([192, 0, 2, 7], port).into()));
    let mut held = Vec::new();
    for port in 0..4 {
        held.push(hold(&questions, remote(port), "remote", &begun).await);
    }
    questions.ask(&remote(9), |_| Ok(())).await.unwrap_err();
    assert_eq!((told(), ends()), ((1, 4), [0, 1, 1, 1]));
    first.end().await.unwrap();
    for held in held {
        held.end().await.unwrap();
    }
    let failed = |_: &mut Turn| Err::<(), _>(GivenUp.into());
    questions.ask(&local(1), failed).await.unwrap_err();
    assert_eq!((told(), ends()), ((0, 0), [6, 1, 1, 1]), "an error is an answer too");
}
