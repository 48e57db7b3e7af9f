//! Titles over all days, and what events touch: compared with the answers for single days, on
//! random histories. A copy of the register rests on both; the seeds are printed.

use std::collections::BTreeMap;

use fastrand::Rng;
use tidu::{
    domain::{
        CivilDate, DesigneeId,
        catalogue::{Catalogue, Catalogues},
        event::{BatchRef, Event},
    },
    protocol::{event, pb},
    register::{
        AsOf, BatchView, DesigneeIndex, DesigneeView, Flags, Register, Stretch, Timeline,
        TimelineReading, TitleView, Touched, TouchedReading,
    },
};

use crate::support::{
    BOTH_RULES, DESIGNEES, OTHERS, Step, day, notice, passed, rules_adopted,
    seed::{count, replayed, seed},
};

/// Histories of a run; each is compared at some sizes.
const HISTORIES: &str = "TIDU_TIMELINES";
const SEED: &str = "TIDU_TIMELINES_SEED";

/// The next event. The first one repairs nothing: there is nothing before it.
fn step(random: &mut Rng, size: u64) -> pb::Event {
    let (who, also, on) = (random.usize(0..4), random.usize(0..4), random.u8(0..130));
    let earlier = random.u64(0..size.max(1));
    let step = match random.u8(0..24) {
        16.. if size == 0 => Step::Designate(who, 1, on),
        0..5 => Step::Designate(who, random.u8(0..4), on),
        5..8 => Step::Notice(who, random.u8(0..3), on),
        8 => Step::Pass(who, on),
        9 => Step::Fail(who, on),
        10 => Step::Revoke(who, on),
        11..16 => Step::Other(random.u8(0..OTHERS), who, also, on),
        16 => Step::CorrectWith(earlier, random.u8(0..OTHERS), who, also, on),
        17 => Step::Correct(earlier, who, on),
        18..21 => Step::Annul(earlier),
        21 => return in_sublist(random, who, on),
        _ => Step::Seal(random.u8(0..3), on),
    };
    step.event()
}

/// A designation or notice in a sub-list, or a review of such a title.
fn in_sublist(random: &mut Rng, who: usize, on: u8) -> pb::Event {
    use pb::event::Fact;
    let mut event = match random.u8(0..3) {
        0 => Step::Designate(who, random.u8(0..3), on).event(),
        1 => notice(DESIGNEES[who], "1", "2019-04-01"),
        _ => return passed(DESIGNEES[who], "2021-05-01"),
    };
    let sublist = ["440000", "330000"][random.usize(0..2)].to_owned();
    match &mut event.fact {
        Some(Fact::Designated(fact)) => fact.sublist = sublist,
        Some(Fact::NoticeOpened(fact)) => fact.sublist = sublist,
        _ => {}
    }
    event
}

fn parsed(catalogue: &Catalogue, event: pb::Event) -> Option<Event> {
    event::proposal(catalogue, 0, event).ok().map(|proposed| proposed.event)
}

fn history(random: &mut Rng, catalogue: &Catalogue) -> Register {
    let mut register = Register::with_rules(BOTH_RULES);
    let (size, adoption) = (random.u64(5..60), random.u64(0..120));
    while register.size() < size {
        if register.size() == adoption {
            register.apply(&parsed(catalogue, rules_adopted(2)).unwrap());
        }
        if let Some(event) = parsed(catalogue, step(random, register.size())) {
            register.apply(&event);
        }
    }
    register
}

fn timeline(register: &Register, catalogues: &Catalogues, place: usize, known_at: u64) -> Timeline {
    let mut reading = TimelineReading::new(place, known_at);
    while reading.advance(register.as_seen(None), catalogues) {}
    reading.finish(register)
}

/// All timelines at a log size, by the identifier that names their subject.
fn timelines(
    register: &Register,
    catalogues: &Catalogues,
    known_at: u64,
) -> BTreeMap<usize, Timeline> {
    let all = (0..register.designee_count())
        .map(|place| (place, timeline(register, catalogues, place, known_at)));
    all.filter(|(place, timeline)| timeline.places.first() == Some(place)).collect()
}

fn on<T>(stretches: &[Stretch<T>], day: CivilDate) -> Vec<&T> {
    let on_day = stretches.iter().filter(|s| s.from <= day && day <= s.to);
    on_day.map(|stretch| &stretch.value).collect()
}

/// A title as stretches have it.
fn bare(mut title: TitleView) -> TitleView {
    title.flags = Flags::default();
    (title.positions, title.superseded, title.supports) = Default::default();
    (title.responsible, title.region_inferred) = Default::default();
    title
}

fn title_key(title: &TitleView) -> String {
    format!("{:?} {:?} {}", title.programme, title.authority, title.item)
}

/// Every day on which something may change, the days beside it, and some others.
fn days(timelines: &BTreeMap<usize, Timeline>, random: &mut Rng) -> Vec<CivilDate> {
    let mut days = vec![CivilDate::MIN, CivilDate::MAX];
    for timeline in timelines.values() {
        let stretches = timeline.titles.iter().map(|s| (s.from, s.to));
        let stretches = stretches.chain(timeline.designee.iter().map(|s| (s.from, s.to)));
        for (from, to) in stretches {
            days.extend([Some(from), from.previous(), Some(to), to.next()].into_iter().flatten());
        }
    }
    for _ in 0..200 {
        let (year, month) = (random.u32(2013..2032), random.u8(1..13));
        days.push(day(&format!("{year}-{month:02}-{:02}", random.u8(1..29))));
    }
    days.sort_unstable();
    days.dedup();
    days
}

fn view(
    register: &Register,
    catalogues: &Catalogues,
    id: &DesigneeId,
    as_of: AsOf,
) -> Option<(DesigneeIndex, DesigneeView)> {
    let index = register.find(id, as_of.known_at)?;
    Some((index, register.view(catalogues, index, as_of)))
}

#[test]
fn a_stretch_is_the_answer_of_each_of_its_days() {
    let catalogues = Catalogues::built_in();
    let first = seed(SEED);
    let (mut compared, mut stretches) = (0_usize, 0_usize);
    let histories = if replayed(SEED).is_some() { 1 } else { count(HISTORIES, 60) };
    for number in 0..histories as u64 {
        let mut random = Rng::with_seed(first.wrapping_add(number));
        let register = history(&mut random, catalogues.in_use());
        let known_at = random.u64(0..=register.size());
        let all = timelines(&register, &catalogues, known_at);
        stretches += all.values().map(|timeline| timeline.titles.len()).sum::<usize>();
        for on_day in days(&all, &mut random) {
            let as_of = AsOf { valid_on: on_day, known_at };
            for timeline in all.values() {
                let shown = on(&timeline.designee, on_day);
                for id in &timeline.ids {
                    let Some((_, view)) = view(&register, &catalogues, id, as_of) else {
                        assert_eq!(timeline.ids.len(), 1, "seed {}", first.wrapping_add(number));
                        assert!(shown.is_empty(), "{id} is not known");
                        continue;
                    };
                    let at = || format!("seed {}, {as_of:?}, {id}", first.wrapping_add(number));
                    assert_eq!(shown.len(), 1, "{}", at());
                    let name = view.names.last().map(|dated| dated.name.clone());
                    assert_eq!(shown[0].id, view.id, "{}", at());
                    assert_eq!(shown[0].name, name.unwrap_or_default(), "{}", at());
                    assert_eq!(shown[0].region, view.region, "{}", at());
                    assert_eq!(shown[0].responsible, view.responsible, "{}", at());
                    assert_eq!(shown[0].ended_on, view.ended_on, "{}", at());
                    let mut titles: Vec<TitleView> =
                        on(&timeline.titles, on_day).into_iter().cloned().collect();
                    let mut wanted: Vec<_> = view.titles.into_iter().map(bare).collect();
                    titles.sort_by_key(title_key);
                    wanted.sort_by_key(title_key);
                    assert_eq!(titles, wanted, "{}", at());
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > histories * 200, "{compared} days were compared");
    assert!(stretches > histories * 4, "{stretches} stretches");
}

fn touched(register: &Register, from: u64, to: u64) -> Touched {
    let mut reading = TouchedReading::new(from..to);
    while reading.advance(register.as_seen(None)) {}
    reading.finish(register)
}

/// Every batch at a log size, with all that is on record.
fn batches(register: &Register, known_at: u64) -> Vec<(String, BatchView)> {
    let as_of = AsOf { valid_on: CivilDate::MAX, known_at };
    let in_full = |view: BatchView| {
        let BatchView { programme, authority, ref batch, .. } = view;
        let key = BatchRef { programme, authority, batch: batch.clone(), sublist: None };
        (batch_key(&key), register.batch(&key, as_of, true).unwrap())
    };
    register.batches(0, as_of).map(|(_, view)| in_full(view)).collect()
}

fn batch_key(batch: &BatchRef) -> String {
    format!("{:?} {:?} {}", batch.programme, batch.authority, batch.batch)
}

/// Unless other rules were adopted in between, which touches everything.
#[test]
fn whoever_no_event_touches_is_the_same_before_and_after() {
    let catalogues = Catalogues::built_in();
    let first = seed(SEED);
    let (mut untouched, mut changed) = (0_usize, 0_usize);
    let histories = if replayed(SEED).is_some() { 1 } else { count(HISTORIES, 60) };
    for number in 0..histories as u64 {
        let number = first.wrapping_add(number);
        let mut random = Rng::with_seed(number);
        let register = history(&mut random, catalogues.in_use());
        for _ in 0..6 {
            let from = random.u64(0..register.size());
            let to = (from + random.u64(1..4)).min(register.size());
            if register.rules_at(from).number != register.rules_at(to).number {
                continue;
            }
            let touched = touched(&register, from, to);
            let before = timelines(&register, &catalogues, from);
            let after = timelines(&register, &catalogues, to);
            // As a copy does it: what is touched goes, under each identifier, and comes anew.
            let mut copy = before.clone();
            for place in &touched.subjects {
                let timeline = &after[place];
                timeline.places.iter().for_each(|place| drop(copy.remove(place)));
                copy.insert(*place, timeline.clone());
            }
            untouched += after.len().saturating_sub(touched.subjects.len());
            let known = |timelines: &BTreeMap<usize, Timeline>| {
                let known = timelines.iter().filter(|(_, timeline)| !timeline.designee.is_empty());
                known.map(|(place, timeline)| (*place, format!("{timeline:?}"))).collect::<Vec<_>>()
            };
            changed += usize::from(known(&before) != known(&after));
            assert_eq!(known(&copy), known(&after), "seed {number}, from {from} to {to}");
            let mut copied = batches(&register, from);
            let names: Vec<String> = touched.batches.iter().map(batch_key).collect();
            let fresh = batches(&register, to);
            copied.retain(|(key, _)| !names.contains(key));
            copied.extend(fresh.iter().filter(|(key, _)| names.contains(key)).cloned());
            let text = |mut all: Vec<(String, BatchView)>| {
                all.sort_by(|one, other| one.0.cmp(&other.0));
                all.into_iter().map(|batch| format!("{batch:?}")).collect::<Vec<_>>()
            };
            assert_eq!(text(copied), text(fresh), "seed {number}, from {from} to {to}");
        }
    }
    assert!(untouched > histories && changed > histories, "{untouched} and {changed}");
}
