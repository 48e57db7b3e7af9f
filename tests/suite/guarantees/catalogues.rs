//! The catalogue that counts for an event is the one adopted at its position: another one changes
//! no answer known before its adoption.

use std::sync::Arc;

use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed},
};
use tidu::{
    catalogue_files::CatalogueFiles,
    domain::{DesigneeId, Party, Principal, catalogue::Catalogue},
    ledger::{AppendError, Commit, Entitlement, Ledger, Proposal},
    limits::VERIFY_STEP_BYTES,
    log::{self, Appended, Chunk, CommitLog, HashBlock, LogError},
    merkle::Hash,
    protocol::{
        event,
        pb::{self, event::Fact},
    },
    register::{AsOf, Counting, Flag, Group, Interest, Stage, TitleView, Wanted},
};
use tokio::runtime::Builder;
use uuid::Uuid;

use crate::support::{
    A, B, DESIGNEES, MemoryLog, Step,
    catalogues::{BUILT_IN, fewer, more, open_under, other, parsed},
    corrected, date, day, event, little_giant, seed, steps,
};

const DAYS: [&str; 4] = ["2016-03-01", "2019-01-15", "2022-07-15", "2027-01-01"];

/// The built-in catalogue and the two that differ, with the place where all are found.
fn three() -> ([Arc<Catalogue>; 3], CatalogueFiles) {
    let all = [BUILT_IN, &other(), &fewer()].map(parsed);
    let files = all.iter().fold(CatalogueFiles::built_in(), |files, c| files.and(Arc::clone(c)));
    (all, files)
}

/// A log that gives one chunk at a time, so that a start decodes each commit as a batch of its own,
/// ahead of those before it.
#[derive(Clone, Default)]
struct OneByOne(MemoryLog);

impl CommitLog for OneByOne {
    fn id(&self) -> Uuid {
        self.0.id()
    }

    fn size(&self) -> u64 {
        self.0.size()
    }

    fn append(&self, base: u64, group: &log::Group) -> Result<Appended, LogError> {
        self.0.append(base, group)
    }

    fn read(&self, from: u64, _: usize) -> Result<Vec<Chunk>, LogError> {
        self.0.read(from, 1)
    }

    fn hashes(&self, first: u64) -> Result<Option<HashBlock>, LogError> {
        self.0.hashes(first)
    }

    fn mark(&self, size: u64, root: Hash) -> Result<(), LogError> {
        self.0.mark(size, root)
    }
}

async fn record(ledger: &Ledger, said: pb::Event) -> bool {
    let Ok(proposed) = event::proposal(ledger.catalogue(), 0, said) else { return false };
    let commit = Commit {
        proposals: vec![Proposal::new(0, proposed)],
        request: None,
        precondition: None,
        recorded_by: Principal::named("test").unwrap(),
        party: Party::Server,
        entitlement: Entitlement::default(),
    };
    match ledger.append(commit).await {
        Ok(_) => true,
        Err(AppendError::Rejected(_)) => false,
        Err(other) => panic!("{other}"),
    }
}

/// Everything that a log size answers, in words.
fn answers(ledger: &Ledger, known_at: u64) -> String {
    let (register, catalogues) = (ledger.register(), ledger.catalogues());
    let mut all = Vec::new();
    for valid_on in DAYS.map(day) {
        let as_of = AsOf { valid_on, known_at };
        for designee in DESIGNEES {
            let id = DesigneeId::parse(designee).unwrap();
            let Some(index) = register.find(&id, known_at) else { continue };
            all.push(format!("{:?}", register.view(catalogues, index, as_of)));
            for programme in catalogues.known_at(known_at).ids() {
                all.push(format!("{:?}", register.explain(catalogues, index, programme, as_of)));
            }
        }
        let every = (usize::MAX, usize::MAX);
        all.push(format!("{:?}", register.search(catalogues, &Wanted::default(), as_of, 0, every)));
        let groups = vec![Group::Programme, Group::Status];
        let mut counting = Counting::new(Wanted::default(), as_of, Stage::EverDesignated, groups);
        while counting.advance(&register, catalogues, 1) {}
        all.push(format!("{:?}", counting.groups(&register, catalogues)));
    }
    let programmes = catalogues.known_at(known_at).ids();
    let interests = programmes.map(|programme| {
        let mut interest = Interest::default();
        interest.programme(programme);
        register.matching(&interest, 0, known_at, usize::MAX).0
    });
    all.push(format!("{:?}", interests.collect::<Vec<_>>()));
    all.join("\n")
}

fn assert_same(ledger: &Ledger, kept: &[(u64, String)]) {
    for (known_at, before) in kept {
        let now = answers(ledger, *known_at);
        let other = now.lines().zip(before.lines()).find(|(now, before)| now != before);
        assert_eq!(other, None, "known at {known_at}");
        assert_eq!(now.len(), before.len(), "known at {known_at}");
    }
}

fn verify(ledger: &Ledger, from: u64) {
    let mut verification = ledger.verification(from).unwrap();
    while verification.step(VERIFY_STEP_BYTES).unwrap().is_some() {}
}

/// Records a third of a history under each catalogue. Gives the number of titles in the answers.
async fn live(history: &[Step]) -> usize {
    let (log, (catalogues, files)) = (OneByOne::default(), three());
    let mut kept: Vec<(u64, String)> = Vec::new();
    let third = history.len().div_ceil(3).max(1);
    let parts = history.chunks(third).zip(&catalogues);
    for (part, catalogue) in parts.chain([(&[][..], &catalogues[0])]) {
        let ledger = open_under(Arc::new(log.clone()), catalogue, &files).await.unwrap();
        assert_same(&ledger, &kept);
        let first = ledger.durable().size;
        for step in part {
            record(&ledger, step.event()).await;
        }
        assert_same(&ledger, &kept);
        let size = ledger.durable().size;
        kept.extend([first, first.midpoint(size), size].map(|at| (at, answers(&ledger, at))));
        verify(&ledger, 0);
        verify(&ledger, first);
        ledger.close();
    }
    kept.iter().map(|(_, answers)| answers.matches("TitleView").count()).sum()
}

/// Gives the number of titles compared.
fn live_all(config: &Config) -> usize {
    let titles = std::cell::Cell::new(0);
    proptest!(config.clone(), |(history in steps())| {
        let history = history.concat();
        let runtime = Builder::new_current_thread().build().unwrap();
        titles.set(titles.get() + runtime.block_on(live(&history)));
    });
    titles.into_inner()
}

#[test]
fn another_catalogue_changes_no_answer_known_before() {
    let fixed =
        Config { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..Config::with_cases(12) };
    let titles = live_all(&fixed);
    assert!(titles > 1_000, "{titles}");
    let random = u32::try_from(seed::count("TIDU_CATALOGUE_CASES", 12)).unwrap();
    println!("{}", live_all(&Config::with_cases(random)));
}

fn title(ledger: &Ledger, designee: &str, on: &str, known_at: u64) -> TitleView {
    let register = ledger.register();
    let index = register.find(&DesigneeId::parse(designee).unwrap(), known_at).unwrap();
    let as_of = AsOf { valid_on: day(on), known_at };
    register.view(ledger.catalogues(), index, as_of).titles.remove(0)
}

fn reported(designee: &str) -> pb::Event {
    let fact = pb::MajorChangeReported {
        change: pb::MajorChange::Other.into(),
        occurred_on: date("2020-01-01"),
        reported_on: date("2020-02-15"),
    };
    event("100000", designee, "2020-02-15", Fact::MajorChangeReported(fact))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fact_counts_by_the_catalogue_of_its_position() {
    let (log, (catalogues, files)) = (MemoryLog::default(), three());
    let open =
        async |catalogue| open_under(Arc::new(log.reopen()), catalogue, &files).await.unwrap();
    let ledger = open(&catalogues[0]).await;
    assert!(record(&ledger, little_giant(A, "1", "2019-06-05")).await);
    assert!(record(&ledger, reported(A)).await);
    ledger.close();
    let ledger = open(&catalogues[1]).await;
    assert!(record(&ledger, little_giant(B, "1", "2019-06-05")).await);
    assert!(record(&ledger, reported(B)).await);
    // A correction counts by the catalogue of its own position.
    let third = DESIGNEES[2];
    assert!(record(&ledger, corrected(0, little_giant(third, "1", "2019-06-05"))).await);
    let size = ledger.durable().size;
    ledger.close();
    // Also read again, and under a third catalogue.
    let ledger = open(&catalogues[2]).await;
    for (designee, known_at, years, late) in
        [(A, 2, 3, false), (A, size - 1, 3, false), (B, size, 2, true), (third, size, 2, false)]
    {
        let shown = title(&ledger, designee, "2020-06-01", known_at);
        let end = day("2019-06-05").plus_years_minus_day(years);
        assert_eq!(shown.valid_to, Some(end), "{designee} known at {known_at}");
        assert_eq!(shown.flags.contains(Flag::ReportOverdue), late, "{designee}");
        assert_eq!(shown.rule_version, "2018");
    }
    let find = |id| ledger.catalogues().find(id);
    let new = find("advanced-sme").unwrap();
    assert_eq!((new.index(), ledger.catalogues().id_of(new)), (11, "advanced-sme"));
    assert!(ledger.catalogue().programme(new).is_none(), "the third one lacks it");
    assert!(ledger.catalogue().find("innovative-sme").is_err() && find("innovative-sme").is_ok());
    ledger.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_built_in_catalogue_breaks_no_log() {
    let log = MemoryLog::default();
    let open = async |built_in: &[&str]| {
        let built_in: Vec<_> = built_in.iter().map(|text| parsed(text)).collect();
        let files = CatalogueFiles::coming_with(built_in.clone());
        open_under(Arc::new(log.reopen()), built_in.last().unwrap(), &files).await.unwrap()
    };
    let ledger = open(&[BUILT_IN]).await;
    assert!(record(&ledger, little_giant(A, "1", "2019-06-05")).await);
    assert_eq!(ledger.durable().size, 1, "the first built-in catalogue needs no adoption");
    let kept = [(1, answers(&ledger, 1))];
    ledger.close();
    // Later versions of the program come with another one, and with one more.
    for (built_in, size) in [(&[BUILT_IN, &other()][..], 2), (&[BUILT_IN, &other(), &fewer()], 3)] {
        for _ in 0..2 {
            let ledger = open(built_in).await;
            assert_same(&ledger, &kept);
            assert_eq!(ledger.durable().size, size, "it is adopted once");
            ledger.close();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn catalogues_with_too_many_programmes_are_refused() {
    let (log, many) = (MemoryLog::default(), parsed(&more(21)));
    let (one, files) = (parsed(&other()), CatalogueFiles::built_in());
    let ledger = open_under(Arc::new(log.reopen()), &one, &files).await.unwrap();
    assert!(record(&ledger, little_giant(A, "1", "2019-06-05")).await);
    ledger.close();
    let files = files.and(one);
    // 32 of its own, and one that only the catalogue before has.
    let refused = open_under(Arc::new(log.reopen()), &many, &files).await;
    let Err(LogError::Catalogue { position: 2, detail }) = refused else { panic!() };
    assert!(detail.contains("33 programmes; 32 are allowed"), "{detail}");
    assert_eq!(log.size(), 2);
}
