//! Guarantee 1 against power loss: whatever a disk may have kept of a running server, nothing
//! acknowledged is gone.
//!
//! A process with the real log and ledger is recorded under strace. From the record, states are
//! built that a power loss may have left behind, each is opened for real, and compared with what
//! had been acknowledged by then.
//!
//! `TIDU_POWER_LOSS_IMAGES` sets how many images are tried, `TIDU_POWER_LOSS_SEED` repeats the
//! choices of a run. The record itself differs a little from run to run, as threads do, so an image
//! that fails is kept and its place printed.

mod disk;
mod image;
mod record;
mod redaction;
mod trace;

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    ops::Range,
    path::Path,
    sync::Arc,
};

use fastrand::Rng;

use self::{
    disk::Disk,
    image::{Cure, Image},
    record::{model, record, run_apart, strace_is_there},
};
use crate::support::{
    directory,
    history::{History, Verdict, cursor_verdict, verdict},
    seed,
    workload::Place,
};

/// Images of a usual run, over all tests of this file.
const IMAGES: usize = 240;
/// Of this many images one goes on with an append and is opened again.
const GO_ON_EVERY: usize = 4;
/// Rounds over all phases in which a run may still show what it has not shown.
const MORE_MAX: usize = 100;
/// Images of a recovery that is itself cut off.
const IMAGES_PER_RECOVERY: usize = 10;

/// Images of one test that has a share of so many per cent.
fn images(share: usize) -> usize {
    let all = seed::count("TIDU_POWER_LOSS_IMAGES", IMAGES);
    (all * share).div_ceil(100)
}

fn seeded() -> Rng {
    seed::random("TIDU_POWER_LOSS_SEED")
}

/// A record with what was acknowledged in it.
struct Recorded {
    disk: Disk,
    history: Arc<History>,
    /// What had been acknowledged before the record begins.
    before: u64,
}

impl Recorded {
    /// Runs the plans one after another in a process each, all on one disk.
    fn new(place: &Place, before: u64, plans: &[&str]) -> Self {
        let mut disk = model(place);
        plans.iter().for_each(|plan| record(place, &mut disk, plan));
        Self { disk, history: Arc::new(History::new(place.leaves())), before }
    }

    /// Events acknowledged before a power loss at this moment.
    fn acknowledged(&self, cut: usize) -> u64 {
        let before = self.disk.said.iter().filter(|said| said.moment < cut);
        let sizes = before.filter_map(|said| said.line.strip_prefix("ack "));
        sizes.map(|size| size.parse().unwrap()).max().unwrap_or(0).max(self.before)
    }

    /// The phases that the workload named, with their moments.
    fn phases(&self) -> Vec<(String, Range<usize>)> {
        let begins = self.disk.said.iter().filter_map(|said| {
            said.line.strip_prefix("phase ").map(|name| (name.to_owned(), said.moment))
        });
        let begins: Vec<_> = begins.collect();
        let ends = begins.iter().skip(1).map(|(_, moment)| *moment).chain([self.disk.end]);
        begins.iter().zip(ends).map(|((name, from), to)| (name.clone(), *from..to)).collect()
    }

    /// A moment in the phase: after a write mostly, at a sync or a change of names, after an
    /// acknowledgement, or any.
    fn cut(&self, phase: &Range<usize>, random: &mut Rng) -> usize {
        let acknowledgements = || {
            let moments = self.disk.said.iter().map(|said| said.moment + 1);
            moments.filter(|moment| phase.contains(moment)).collect()
        };
        let moments = match random.u8(0..6) {
            0..3 => self.disk.after_writes(phase),
            3 => self.disk.turning_points(phase),
            4 => acknowledgements(),
            _ => Vec::new(),
        };
        random.choice(moments).unwrap_or_else(|| random.usize(phase.clone()))
    }

    /// Tries `count` images spread over the phases.
    fn try_images(&self, count: usize, cure: Cure, random: &mut Rng, report: &mut Report) {
        let phases = self.phases();
        for i in 0..count {
            let (name, moments) = &phases[i % phases.len()];
            let cut = self.cut(moments, random);
            let seed = random.u64(..);
            let image = self.disk.image(cut, cure, &mut Rng::with_seed(seed));
            // Not on the disk of the build: in an image syncs need not be real.
            let dir = tempfile::tempdir().unwrap();
            let bytes = image.write(dir.path());
            let acknowledged = self.acknowledged(cut);
            let goes_on = i.is_multiple_of(GO_ON_EVERY);
            let verdict = verdict(&dir.path().join("data"), &self.history, acknowledged, goes_on);
            report.add(name, &image, bytes, &verdict);
            if cure == Cure::On && !matches!(verdict, Verdict::Same(_)) {
                // The open has changed the directory; keep it as the power loss left it.
                drop(dir);
                let kept = directory().keep();
                image.write(&kept);
                panic!(
                    "{verdict:?}: {acknowledged} events had been acknowledged; phase {name}, \
                     moment {cut}, image seed {seed}, kept in {}",
                    kept.display()
                );
            }
        }
    }
}

impl Recorded {
    /// Goes on, within bounds, until the images have shown what they are there to show.
    fn try_until(
        &self,
        shown: impl Fn(&Report) -> bool,
        cure: Cure,
        random: &mut Rng,
        report: &mut Report,
    ) {
        for _ in 0..MORE_MAX {
            if shown(report) {
                return;
            }
            self.try_images(self.phases().len(), cure, random, report);
        }
        report.print("after all");
        panic!("the images do not lose what they should");
    }

    /// Records the recovery from an image and tries images of that.
    fn recover(&self, phase: Option<&str>, random: &mut Rng, report: &mut Report) {
        let phases = self.phases().into_iter();
        let phases = phases.filter(|(name, _)| phase.is_none_or(|phase| phase == name));
        let (_, moments) = random.choice(phases.collect::<Vec<_>>()).unwrap();
        let cut = self.cut(&moments, random);
        let dir = directory();
        let place = Place::new(dir.path());
        self.disk.image(cut, Cure::On, random).write(&place.disk());
        let plan = "phase:recovery open phase:after-recovery small:4 close";
        let second = Self::new(&place, self.acknowledged(cut), &[plan]);
        second.try_images(IMAGES_PER_RECOVERY, Cure::On, random, report);
    }
}

/// What was tried, by phase.
#[derive(Default)]
struct Report {
    phases: BTreeMap<String, Counts>,
}

#[derive(Default)]
struct Counts {
    images: usize,
    bytes: usize,
    with_pages_lost: usize,
    with_entries_lost: usize,
    same: usize,
    lost: usize,
    otherwise: usize,
}

impl Report {
    fn add(&mut self, phase: &str, image: &Image, bytes: usize, verdict: &Verdict) {
        let counts = self.phases.entry(phase.to_owned()).or_default();
        counts.images += 1;
        counts.bytes += bytes;
        counts.with_pages_lost += usize::from(image.pages_lost > 0);
        counts.with_entries_lost += usize::from(image.entries_lost > 0);
        match verdict {
            Verdict::Same(_) => counts.same += 1,
            Verdict::Lost { .. } => counts.lost += 1,
            _ => counts.otherwise += 1,
        }
    }

    fn sum(&self, count: impl Fn(&Counts) -> usize) -> usize {
        self.phases.values().map(count).sum()
    }

    fn print(&self, title: &str) {
        println!("{title}: {} images", self.sum(|counts| counts.images));
        for (phase, c) in &self.phases {
            println!(
                "  {phase:22} {:5} images, {:6.1} MiB, pages lost in {:5}, names lost in {:5}: \
                 {:5} same, {} lost, {} refused or otherwise",
                c.images,
                c.bytes as f64 / f64::from(1 << 20),
                c.with_pages_lost,
                c.with_entries_lost,
                c.same,
                c.lost,
                c.otherwise
            );
        }
    }
}

fn print_activity(disk: &Disk) {
    let (bytes, syncs, again) = disk.activity();
    println!("recorded: {bytes} bytes written, {syncs} syncs, {again} writes over older content");
}

const SMALL: [&str; 3] = [
    "phase:first-start open phase:small-commits small:30 mark small:15 mark small:5 \
     phase:close close",
    "phase:restart open phase:after-restart small:20 mark phase:format-raised own:3 small:5 leave",
    "phase:restart-after-kill open phase:after-kill small:10 close",
];

#[test]
fn small_commits_and_restarts_survive_a_power_loss() {
    if !strace_is_there() {
        return;
    }
    let mut random = seeded();
    let dir = directory();
    let recorded = Recorded::new(&Place::new(dir.path()), 0, &SMALL);
    print_activity(&recorded.disk);
    let mut report = Report::default();
    recorded.try_images(images(50), Cure::On, &mut random, &mut report);
    report.print("small commits and restarts");
    let loses = |report: &Report| report.sum(|c| c.with_pages_lost) * 10 > report.sum(|c| c.images);
    recorded.try_until(loses, Cure::On, &mut random, &mut report);
}

/// A commit of several sync windows, which a power loss can leave without its end.
const LARGE: [&str; 2] = [
    "phase:before-large open small:3 phase:large-commit large:3000 phase:after-large \
     small:5 mark phase:larger-commit \
     large:10000 small:3 close",
    "phase:large-restart open phase:large-again large:2000 small:2 leave",
];

#[test]
fn commits_of_many_sync_windows_survive_a_power_loss() {
    if !strace_is_there() {
        return;
    }
    let mut random = seeded();
    let dir = directory();
    let recorded = Recorded::new(&Place::new(dir.path()), 0, &LARGE);
    print_activity(&recorded.disk);
    let mut report = Report::default();
    recorded.try_images(images(10), Cure::On, &mut random, &mut report);
    report.print("large commits");
}

#[test]
fn a_recovery_survives_another_power_loss() {
    if !strace_is_there() {
        return;
    }
    let mut random = seeded();
    let mut report = Report::default();
    // After a large commit was cut off, the recovery removes its beginning: that must not be cut
    // off badly either.
    let torn = "phase:before-large open small:3 phase:large-commit large:3000 leave";
    for (plans, phase, share) in [(&SMALL[..], None, 15), (&[torn], Some("large-commit"), 15)] {
        let dir = directory();
        let first = Recorded::new(&Place::new(dir.path()), 0, plans);
        for _ in 0..images(share).div_ceil(IMAGES_PER_RECOVERY) {
            first.recover(phase, &mut random, &mut report);
        }
    }
    report.print("a second power loss");
}

/// The store as a power loss left it in the field: its snapshot has 57 of its 69 bytes, and nothing
/// was acknowledged. Of its log the first `bytes` are there; the snapshot covers 0x60.
fn torn_snapshot(store: &Path, snapshot: &str, bytes: usize) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/torn-snapshot");
    fs::create_dir_all(store.join("blobs")).unwrap();
    fs::copy(fixture.join("conf"), store.join("conf")).unwrap();
    fs::copy(fixture.join("snap.0000000000000060"), store.join(snapshot)).unwrap();
    // The recovery had filled the rest of the segment with zeros, up to its last byte.
    let mut content = fs::read(fixture.join("db.head")).unwrap();
    content.truncate(bytes);
    content.resize((512 << 10) - 1, 0);
    fs::write(store.join("db"), content).unwrap();
}

#[test]
fn a_torn_snapshot_that_the_log_replaces_stops_no_start() {
    let dir = directory();
    let data = dir.path().join("data");
    torn_snapshot(&data.join("log"), "snap.0000000000000060", usize::MAX);
    let history = Arc::new(History::new(Vec::new()));
    assert_eq!(verdict(&data, &history, 0, true), Verdict::Same(0));
}

/// Each state of the names at each moment of two recoveries: one finds a half-written snapshot, the
/// other an older one and a log of many segments.
#[test]
fn a_start_opens_after_each_order_of_names() {
    if !strace_is_there() {
        return;
    }
    let dir = directory();
    let place = Place::new(dir.path());
    // With so much of the log the recovery writes a snapshot of the same name.
    torn_snapshot(&place.disk().join("data/log"), "snap.0000000000000060.generating", 0x60);
    let first = Recorded::new(&place, 0, &["phase:recovery open close"]);

    let dir = directory();
    let place = Place::new(dir.path());
    for plan in ["open large:2500 close", "open small:10 large:2500 small:3 leave"] {
        run_apart(&place, plan);
    }
    let before = History::new(place.leaves()).size();
    let second = Recorded::new(&place, before, &["phase:recovery open leave"]);

    for recorded in [first, second] {
        let mut tried = HashSet::new();
        for cut in recorded.disk.turning_points(&(0..recorded.disk.end)) {
            for image in recorded.disk.images_of_names(cut) {
                if !tried.insert(image.clone()) {
                    continue;
                }
                let dir = tempfile::tempdir().unwrap();
                image.write(dir.path());
                let acknowledged = recorded.acknowledged(cut);
                let data = dir.path().join("data");
                let verdict = verdict(&data, &recorded.history, acknowledged, false);
                if !matches!(verdict, Verdict::Same(_)) {
                    let kept = directory().keep();
                    image.write(&kept);
                    panic!("{verdict:?}: moment {cut}, kept in {}", kept.display());
                }
            }
        }
        println!("{} orders of names", tried.len());
        assert!(tried.len() > 10, "hardly any names were uncertain");
    }
}

/// First start, advances, and restarts after a close.
const CURSORS: &str =
    "phase:cursors-first cursors:12 phase:cursors-restart cursors:12 phase:cursors-again cursors:3";

#[test]
fn a_cursor_advanced_before_a_power_loss_stands_there_after_it() {
    if !strace_is_there() {
        return;
    }
    let mut random = seeded();
    let dir = directory();
    let place = Place::new(dir.path());
    let mut disk = model(&place);
    record(&place, &mut disk, CURSORS);
    print_activity(&disk);
    let recorded = Recorded { disk, history: Arc::new(History::new(Vec::new())), before: 0 };
    let mut report = Report::default();
    let phases = recorded.phases();
    let loses = |report: &Report| report.sum(|c| c.with_pages_lost) * 10 > report.sum(|c| c.images);
    let mut tried = 0;
    // Goes on, within bounds, until enough images have lost pages.
    while tried < images(25) || (tried < 10 * images(25) && !loses(&report)) {
        let (name, moments) = &phases[tried % phases.len()];
        tried += 1;
        let cut = recorded.cut(moments, &mut random);
        let seed = random.u64(..);
        let image = recorded.disk.image(cut, Cure::On, &mut Rng::with_seed(seed));
        let dir = tempfile::tempdir().unwrap();
        let bytes = image.write(dir.path());
        let acknowledged = recorded.acknowledged(cut);
        let verdict = cursor_verdict(&dir.path().join("data"), acknowledged, 27);
        assert!(
            matches!(verdict, Verdict::Same(_)),
            "{verdict:?}: {acknowledged} was acknowledged; phase {name}, \
             moment {cut}, image seed {seed}"
        );
        report.add(name, &image, bytes, &verdict);
    }
    report.print("cursors");
    assert!(loses(&report), "hardly anything lost");
}

/// The control: the same method sees the fault that the cure is there for.
#[test]
fn without_the_cure_the_same_images_lose_acknowledged_events() {
    if !strace_is_there() {
        return;
    }
    let mut random = seeded();
    let dir = directory();
    let recorded = Recorded::new(&Place::new(dir.path()), 0, &SMALL);
    let mut report = Report::default();
    recorded.try_images(images(10), Cure::Off, &mut random, &mut report);
    report.print("with the cure off");
    recorded.try_until(|report| report.sum(|c| c.lost) > 0, Cure::Off, &mut random, &mut report);
}
