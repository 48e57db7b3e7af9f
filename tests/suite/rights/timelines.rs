//! Titles over all days as a reader with bounds is given them: each day as its lists show it, and a
//! copy that follows what the events may have changed is the same as a new one.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use tidu::protocol::pb::{self, as_of::Known, google::r#type::Date};
use tonic::Code;

use super::{
    oracle,
    story::{DAYS, Story},
};
use crate::support::{Governed, MemoryLog, date, encoded, principals::Caller, record, seed};

const RUNS: &str = "TIDU_KNOWN_TIMELINES";
const SEED: &str = "TIDU_KNOWN_TIMELINES_SEED";

/// A copy: timelines by the identifier that names them, and batches by their names.
#[derive(Debug, Default, PartialEq)]
struct Copied {
    timelines: BTreeMap<String, pb::Timeline>,
    batches: BTreeMap<String, pb::GetBatchResponse>,
}

fn known_at(size: u64, day: Option<&str>) -> Option<pb::AsOf> {
    let known = Some(Known::KnownAt(size));
    Some(pb::AsOf { valid_on: day.and_then(date), known })
}

impl Copied {
    /// Brings what the events from a position on, below a size, may have changed.
    async fn follow(
        &mut self,
        caller: &mut Caller,
        changed_from: Option<u64>,
        size: u64,
        page_size: i32,
    ) {
        let mut page_token = String::new();
        loop {
            let as_of = known_at(size, None);
            let request = pb::ListTimelinesRequest { changed_from, as_of, page_size, page_token };
            let page = caller.register.list_timelines(request).await.unwrap().into_inner();
            for timeline in page.timelines {
                self.take(timeline);
            }
            for name in page.batches {
                self.ask(caller, name, size).await;
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return;
            }
        }
    }

    fn take(&mut self, part: pb::Timeline) {
        for id in &part.identifiers {
            self.timelines.remove(id);
        }
        if part.is_known {
            let known = self.timelines.entry(part.subject.clone()).or_default();
            known.subject = part.subject;
            known.is_known = true;
            known.identifiers.extend(part.identifiers);
            known.designee_stretches.extend(part.designee_stretches);
            known.title_stretches.extend(part.title_stretches);
        }
    }

    async fn ask(&mut self, caller: &mut Caller, name: pb::BatchName, size: u64) {
        let key = format!("{name:?}");
        let pb::BatchName { programme, authority, batch } = name;
        let as_of = known_at(size, Some("2199-12-31"));
        let request = pb::GetBatchRequest { programme, authority, batch, as_of };
        match caller.register.get_batch(request).await {
            Ok(answer) => {
                let mut answer = answer.into_inner();
                answer.as_of = None;
                self.batches.insert(key, answer);
            }
            Err(status) => {
                assert_eq!(status.code(), Code::NotFound, "{status:?}");
                self.batches.remove(&key);
            }
        }
    }
}

fn parts(date: Option<Date>, otherwise: (i32, i32, i32)) -> (i32, i32, i32) {
    date.map_or(otherwise, |date| (date.year, date.month, date.day))
}

fn holds(from: Option<Date>, to: Option<Date>, day: &str) -> bool {
    let day = parts(date(day), (0, 0, 0));
    parts(from, (0, 0, 0)) <= day && day <= parts(to, (9_999, 0, 0))
}

/// The titles of a day by a copy: holder, name, programme, authority, status.
fn on_day(copy: &Copied, day: &str) -> BTreeSet<String> {
    let mut titles = BTreeSet::new();
    for timeline in copy.timelines.values() {
        let mut designee = timeline.designee_stretches.iter();
        let Some(designee) = designee.find(|s| holds(s.from_date, s.to_date, day)) else {
            continue;
        };
        for stretch in &timeline.title_stretches {
            let title = stretch.title.as_ref().unwrap();
            if holds(stretch.from_date, stretch.to_date, day) {
                titles.insert(shown(&designee.designee, &designee.name, &designee.region, title));
            }
        }
    }
    titles
}

fn shown(designee: &str, name: &str, region: &str, title: &pb::Title) -> String {
    let bare = pb::Title {
        positions: Vec::new(),
        superseded_positions: Vec::new(),
        flags: Vec::new(),
        supports: Vec::new(),
        responsible_authority: String::new(),
        region_inferred: false,
        ..title.clone()
    };
    format!("{designee} {name} {region} {bare:?}")
}

async fn listed(caller: &mut Caller, day: &str, size: u64) -> BTreeSet<String> {
    let filter = Some(pb::TitleFilter { statuses: (1..=10).collect(), ..Default::default() });
    let as_of = known_at(size, Some(day));
    let request = pb::ListTitlesRequest { filter, as_of, page_size: 1_000, ..Default::default() };
    let page = caller.register.list_titles(request).await.unwrap().into_inner();
    let row = |row: &pb::DesigneeTitle| {
        shown(&row.designee, &row.name, &row.region, row.title.as_ref().unwrap())
    };
    page.titles.iter().map(row).collect()
}

async fn listed_batches(caller: &mut Caller, size: u64) -> usize {
    let as_of = known_at(size, Some("2199-12-31"));
    let request = pb::ListBatchesRequest { as_of, page_size: 1_000, ..Default::default() };
    caller.register.list_batches(request).await.unwrap().into_inner().batches.len()
}

#[tokio::test]
async fn a_copy_under_rights_is_what_the_lists_show() {
    let first = seed::seed(SEED);
    let (mut titles, mut followed) = (0, 0_u64);
    let runs = seed::count(RUNS, 10) as u64;
    for number in 0..runs {
        let mut random = Rng::with_seed(first.wrapping_add(number));
        let story = Story::tell(&mut random);
        let mut rights = oracle::served(&story.rights);
        if !rights.may_ask_the_register() {
            rights = crate::support::rights(tidu::domain::access::Role::Reader, Some("440000"));
        }
        let log = MemoryLog::default();
        record(&log, &encoded(&story.messages));
        let governed = Governed::over(log, &[("reader", rights)], Vec::new());
        let mut caller = governed.as_principal("reader");
        let (mut copy, mut size) = (Copied::default(), 0);
        while size < story.messages.len() as u64 {
            let from = size;
            size = (size + random.u64(1..8)).min(story.messages.len() as u64);
            copy.follow(&mut caller, Some(from), size, random.i32(1..40)).await;
            let mut anew = Copied::default();
            anew.follow(&mut caller, None, size, 1_000).await;
            let seed = first.wrapping_add(number);
            assert_eq!(copy, anew, "seed {seed}, from {from} to {size}");
            followed += 1;
        }
        for day in DAYS {
            let list = listed(&mut caller, day, size).await;
            assert_eq!(on_day(&copy, day), list, "seed {}, {day}", first.wrapping_add(number));
            titles += list.len();
        }
        assert_eq!(copy.batches.len(), listed_batches(&mut caller, size).await);
    }
    assert!(titles as u64 > runs && followed > runs * 5, "{titles} and {followed}");
}
