//! The register under rights. Each answer is that of a register in which the events that do not
//! count for the caller were never recorded, filtered by a second writing of the rights. Random
//! histories and rights; the seed is printed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use fastrand::Rng;
use tidu::{
    domain::{DesigneeId, RegionCode},
    register::{
        AsOf, ComparisonPart, Counting, DesigneeView, Explanation, Group, NameParts, NameWanted,
        SetsReading, Stage, Status, SuspectsWanted, TitleView, Wanted,
    },
};

use super::story::{Expected, Story, comparable, each_story, moment, title_key};
use crate::support::DESIGNEES;

#[test]
fn a_designee_and_its_titles_follow_the_events_that_count() {
    let (mut shown, mut hidden, mut fewer) = (0, 0, 0);
    each_story(|random, story| {
        for _ in 0..8 {
            let as_of = moment(random, story.whole.size());
            for id in DESIGNEES {
                let parsed = DesigneeId::parse(id).unwrap();
                let found = story.seen().find(&story.catalogues, &parsed, as_of);
                let view = found.map(|index| {
                    let view = story.seen().view(&story.catalogues, index, as_of);
                    view.unwrap_or_else(|| panic!("{id} is found at {as_of:?}"))
                });
                match story.expected(id, as_of) {
                    Expected::RepairsOnly => {
                        assert!(view.is_none_or(|view| view.titles.is_empty()));
                    }
                    Expected::Nothing => {
                        assert!(view.is_none(), "{id} at {as_of:?} {:?}", story.rights);
                        hidden += 1;
                    }
                    Expected::Shown(expected) => {
                        let view = view.unwrap_or_else(|| panic!("{id} at {as_of:?}"));
                        assert_eq!(
                            comparable(&view),
                            comparable(&expected),
                            "{id} at {as_of:?} {:?} {:?}",
                            story.rights,
                            story.messages
                        );
                        assert!(view.profile_at.is_none_or(|at| story.reads(at)));
                        shown += 1;
                        let whole = story.whole.view(&story.catalogues, found.unwrap(), as_of);
                        fewer += usize::from(whole.titles != view.titles);
                    }
                }
            }
        }
    });
    println!("{shown} shown, {hidden} hidden, {fewer} with other titles than to everybody");
    assert!(shown > 500 && hidden > 300 && fewer > 100, "{shown} {hidden} {fewer}");
}

#[test]
fn an_explanation_tells_only_events_that_may_be_read() {
    let (mut told, mut left_out) = (0, 0);
    each_story(|random, story| {
        let as_of = moment(random, story.whole.size());
        for id in DESIGNEES {
            let Expected::Shown(view) = story.expected(id, as_of) else { continue };
            let (index, known) =
                (story.index(&story.whole, id).unwrap(), story.index(&story.known, id).unwrap());
            for programme in ["little-giant", "innovative-sme", "national-platform"] {
                let programme = story.catalogues.find(programme).unwrap();
                let explained = story.seen().explain(&story.catalogues, index, programme, as_of);
                let all = story.known.explain(&story.catalogues, known, programme, as_of);
                let mut expected: Vec<Explanation> =
                    all.into_iter().filter(|told| story.shows(&told.title, view.region)).collect();
                for told in &mut expected {
                    let before = told.steps.len();
                    for step in &mut told.steps {
                        step.position = story.said(step.position);
                        let differs = |at: &u64| *at != step.position && story.reads(*at);
                        step.corrected_position = step.corrected_position.filter(differs);
                        step.message = readable(story, &step.message);
                    }
                    told.steps.retain(|step| story.reads(step.position));
                    left_out += before - told.steps.len();
                    story.leave_out(&mut told.title);
                }
                told += explained.len();
                assert_eq!(format!("{explained:?}"), format!("{expected:?}"));
            }
        }
    });
    println!("{told} titles explained, {left_out} steps left out");
    assert!(told > 100 && left_out > 2, "{told} {left_out}");
}

/// A text without the position of an objection that may not be read.
fn readable(story: &Story, message: &str) -> String {
    let objection = "the objection at position ";
    let Some(rest) = message.strip_prefix(objection) else { return message.to_owned() };
    let (at, after) = rest.split_once(' ').unwrap();
    let at = story.said(at.parse().unwrap());
    if story.reads(at) {
        format!("{objection}{at} {after}")
    } else {
        format!("an objection {after}")
    }
}

fn filter(random: &mut Rng, story: &Story) -> Wanted {
    let mut wanted = Wanted::default();
    match random.u8(0..5) {
        0 => wanted.statuses = vec![Status::Active],
        1 => wanted.programmes = vec![story.catalogues.find("little-giant").unwrap()],
        2 => wanted.batches = vec!["1".to_owned(), "2".to_owned()],
        3 => wanted.region_under = Some(RegionCode::parse("440000").unwrap()),
        _ => {}
    }
    wanted
}

/// The titles that match by an answer to somebody who knows everything of the known register.
fn matching(story: &Story, wanted: &Wanted, as_of: AsOf) -> BTreeSet<(String, String)> {
    let every = (usize::MAX, usize::MAX);
    let found = story.known.search(&story.catalogues, wanted, as_of, 0, every).0;
    let titles = found.into_iter().flat_map(|found| {
        let shown = found.titles.into_iter().filter(move |t| story.shows(t, found.region));
        shown.map(move |title| (found.id.to_string(), title_key(&title)))
    });
    titles.collect()
}

#[test]
fn lists_counts_and_comparisons_have_the_titles_that_are_shown() {
    let mut listed = 0;
    each_story(|random, story| {
        let as_of = moment(random, story.whole.size());
        let wanted = [filter(random, story), filter(random, story)];
        let [first, second] = &wanted;
        let (mut found, mut ids, mut next) = (BTreeSet::new(), BTreeSet::new(), Some(0));
        while let Some(from) = next {
            let page = story.seen().search(&story.catalogues, first, as_of, from, (2, 2));
            for one in page.0 {
                assert!(ids.insert(one.id.to_string()), "a designee is listed once");
                for title in one.titles {
                    assert!(title.positions.iter().all(|at| story.reads(*at)));
                    found.insert((one.id.to_string(), title_key(&title)));
                }
            }
            next = page.1;
        }
        let expected = matching(story, first, as_of);
        listed += expected.len();
        assert_eq!(found, expected, "{as_of:?} {first:?} {:?}", story.rights);
        if first.wants_any_designee() {
            let shown: BTreeSet<String> = story.subjects(as_of).into_keys().collect();
            let is_ghost =
                |id: &&String| matches!(story.expected(id, as_of), Expected::RepairsOnly);
            let ids: BTreeSet<String> = ids.iter().filter(|id| !is_ghost(id)).cloned().collect();
            assert_eq!(ids, shown, "{as_of:?} {:?} {:?}", story.rights, story.messages);
        }
        for by_designee in [false, true] {
            let groups = vec![Group::Programme, Group::Authority];
            let mut counting = Counting::new(first.clone(), as_of, Stage::Any, groups);
            (counting.sight, counting.by_designee) = (Some(Arc::clone(&story.sight)), by_designee);
            while counting.advance(&story.whole, &story.catalogues, 2) {}
            let holders: BTreeSet<_> = expected.iter().map(|(id, _)| id).collect();
            let count = if by_designee { holders.len() } else { expected.len() };
            assert_eq!(counting.total(), count as u64);
            let groups = counting.groups(&story.whole, &story.catalogues);
            assert!(groups.iter().all(|group| group.count > 0), "no group is empty");
            if !by_designee {
                assert_eq!(groups.iter().map(|group| group.count).sum::<u64>(), count as u64);
            }
        }
        let holders = |wanted: &Wanted| -> BTreeSet<String> {
            matching(story, wanted, as_of).into_iter().map(|(id, _)| id).collect()
        };
        let (one, two) = (holders(first), holders(second));
        let mut sets = SetsReading::new(wanted.clone(), vec![ComparisonPart::Both], as_of);
        sets.sight = Some(Arc::clone(&story.sight));
        let every = (usize::MAX, usize::MAX);
        let both = sets.advance(&story.whole, &story.catalogues, 0, every).0;
        let both: BTreeSet<String> = both.into_iter().map(|one| one.id.to_string()).collect();
        assert_eq!(both, &one & &two);
        let counts = sets.counts();
        let parts = [(&one - &two).len() as u64, (&two - &one).len() as u64];
        assert_eq!([counts.only_first, counts.only_second], parts);
    });
    assert!(listed > 60, "{listed}");
}

#[test]
fn names_lead_to_the_designees_that_are_shown() {
    let (mut searched, mut shared) = (0, 0);
    each_story(|random, story| {
        let as_of = moment(random, story.whole.size());
        let subjects = story.subjects(as_of);
        let members = |view: &DesigneeView| -> BTreeSet<String> {
            let ids = view.ids.iter().map(|dated| dated.id.to_string());
            ids.chain([view.id.to_string()]).collect()
        };
        let bearers = |at: u64, fits: &dyn Fn(&str) -> bool| -> BTreeSet<String> {
            let names = story.names(at).into_iter().filter(|(_, name)| fits(name));
            let owners: BTreeSet<String> = names.map(|(owner, _)| owner).collect();
            let bears = |view: &DesigneeView| !members(view).is_disjoint(&owners);
            subjects.iter().filter(|(_, view)| bears(view)).map(|(id, _)| id.clone()).collect()
        };
        let wanted = NameWanted { part: "示例".to_owned(), is_whole: false };
        let parts = NameParts::default();
        let read =
            story.seen().find_names(&story.catalogues, &parts, &wanted, as_of, 0, usize::MAX);
        let mut found = BTreeMap::new();
        for one in read.found {
            assert!(found.insert(one.bearer.id.to_string(), one.position).is_none());
        }
        let mut expected = BTreeMap::new();
        for at in (0..as_of.known_at).filter(|at| story.counts(*at) && story.reads(*at)) {
            for id in bearers(at, &|name| name.contains("示例")) {
                expected.entry(id).or_insert(at);
            }
        }
        searched += expected.len();
        assert_eq!(found, expected, "{as_of:?} {:?}", story.rights);

        let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for at in (0..as_of.known_at).filter(|at| story.counts(*at)) {
            for (_, name) in story.names(at) {
                let ids = bearers(at, &|other| *other == *name);
                names.entry(name).or_default().extend(ids);
            }
        }
        names.retain(|_, ids| ids.len() > 1);
        let all = SuspectsWanted::default();
        let every = (usize::MAX, usize::MAX);
        let read = story.seen().suspects(&story.catalogues, &all, as_of, 0, every);
        let found: BTreeMap<String, BTreeSet<String>> = read
            .found
            .into_iter()
            .map(|one| (one.name, one.bearers.into_iter().map(|b| b.id.to_string()).collect()))
            .collect();
        shared += names.len();
        assert_eq!(found, names, "{as_of:?} {:?}", story.rights);
    });
    println!("{searched} found, {shared} names shared");
    assert!(searched > 60 && shared > 10, "{searched} {shared}");
}

#[test]
fn changes_are_those_of_titles_that_are_shown_at_either_moment() {
    let mut told = 0;
    each_story(|random, story| {
        let (one, two) = (moment(random, story.whole.size()), moment(random, story.whole.size()));
        let from = AsOf {
            valid_on: one.valid_on.min(two.valid_on),
            known_at: one.known_at.min(two.known_at),
        };
        let to = AsOf {
            valid_on: one.valid_on.max(two.valid_on),
            known_at: one.known_at.max(two.known_at),
        };
        let every = (usize::MAX, usize::MAX);
        let wanted = Wanted { statuses: Status::LISTED.to_vec(), ..Wanted::default() };
        let all = story.seen().changes_between(&story.catalogues, &wanted, (from, to), 0, every).0;
        let mut found: BTreeMap<String, BTreeMap<String, _>> = BTreeMap::new();
        for changed in all {
            for change in changed.titles {
                assert!(change.positions.iter().all(|at| story.reads(*at)));
                let key = title_key(change.after.as_ref().or(change.before.as_ref()).unwrap());
                let status = |side: Option<TitleView>| side.map(|title| title.status);
                let statuses = (status(change.before), status(change.after));
                found.entry(changed.id.to_string()).or_default().insert(key, statuses);
                told += 1;
            }
        }
        for id in DESIGNEES {
            let Expected::Shown(after) = story.expected(id, to) else { continue };
            let before = match story.expected(id, from) {
                Expected::Shown(before) => Some(before),
                _ => None,
            };
            if !after.ids.is_empty() || before.as_ref().is_some_and(|b| !b.ids.is_empty()) {
                continue;
            }
            let statuses = |view: Option<&DesigneeView>| -> BTreeMap<String, Status> {
                let titles = view.into_iter().flat_map(|view| &view.titles);
                titles.map(|title| (title_key(title), title.status)).collect()
            };
            let (old, new) = (statuses(before.as_deref()), statuses(Some(&after)));
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let none = BTreeMap::new();
            let reported = found.get(id).unwrap_or(&none);
            for key in keys {
                let sides = (old.get(key).copied(), new.get(key).copied());
                let listed =
                    [sides.0, sides.1].into_iter().flatten().any(|s| s != Status::NotOnRecord);
                let expected = (sides.0 != sides.1 && listed).then_some(sides);
                assert_eq!(
                    reported.get(key).copied(),
                    expected,
                    "{id} {key} {from:?} {to:?} {:?} {:?}",
                    story.rights,
                    story.messages
                );
            }
        }
    });
    assert!(told > 60, "{told}");
}
