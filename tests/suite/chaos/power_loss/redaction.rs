//! Redactions that a power loss cuts off: the next start shows the old log or the redacted one,
//! under the same root. Once it shows the redacted one, the erased text is in no file.

use std::{collections::HashSet, path::Path, sync::Arc};

use fastrand::Rng;

use super::{
    Cure, IMAGES_PER_RECOVERY, Recorded,
    image::Image,
    images,
    record::{model, record, run_apart, strace_is_there},
    seeded,
};
use crate::support::{
    directory, history,
    redacted::{Redacted, redact},
    workload::Place,
};

const POSITION: usize = 3;

/// A recorded redaction, with what a start may show after it.
struct Cut {
    recorded: Recorded,
    redacted: Redacted,
}

#[derive(Default, Debug)]
struct Shown {
    old: usize,
    redacted: usize,
    pages_lost: usize,
    entries_lost: usize,
    begun_anew: usize,
}

impl Cut {
    fn new(place: &Place) -> Self {
        run_apart(place, &format!("open small:20 annul:{POSITION} small:5 close"));
        let before = place.leaves();
        let plan = format!(
            "phase:redaction redact:{POSITION} phase:redacted open small:5 \
             phase:close close phase:restart open small:3 leave"
        );
        let mut disk = model(place);
        record(place, &mut disk, &plan);
        let redacted = Redacted::new(POSITION, &before, place.leaves());
        let history = Arc::clone(&redacted.history);
        Self { recorded: Recorded { disk, history, before: before.len() as u64 }, redacted }
    }

    /// The start over an image, recorded.
    fn start(&self, place: &Place, before: u64) -> Recorded {
        let mut disk = model(place);
        record(place, &mut disk, "phase:recovery open leave");
        Recorded { disk, history: Arc::clone(&self.redacted.history), before }
    }

    /// Opens an image as the next start does. If `goes_on`, redacts, records and looks again.
    /// True if the first look shows the redacted log.
    fn look(&self, recorded: &Recorded, cut: usize, image: &Image, goes_on: bool) -> bool {
        let mut said = recorded.disk.said.iter();
        let reported = said.any(|said| said.moment < cut && said.line == "redacted");
        let acknowledged = recorded.acknowledged(cut);
        let look = |data: &Path| {
            let (size, is_redacted) = self.redacted.open(data).map_err(|e| format!("{e:?}"))?;
            if size < acknowledged || (reported && !is_redacted) {
                return Err(format!("{size} of {acknowledged} events, redacted: {is_redacted}"));
            }
            if !goes_on {
                return Ok(is_redacted);
            }
            if !is_redacted {
                redact(data, POSITION as u64);
                let again = self.redacted.open(data).map_err(|e| format!("{e:?}"))?;
                assert_eq!(again, (size, true), "redacted at the second try");
            }
            let more = history::go_on(data).map_err(|e| e.to_string())?.len() as u64;
            let (places, _) = history::places(data).map_err(|e| e.to_string())?;
            assert_eq!(places.len() as u64, size + more);
            assert!(places[POSITION].withheld && self.redacted.holding(data).is_empty());
            Ok::<_, String>(is_redacted)
        };
        let dir = tempfile::tempdir().unwrap();
        image.write(dir.path());
        look(&dir.path().join("data")).unwrap_or_else(|why| {
            let kept = directory().keep();
            image.write(&kept);
            panic!("{why}: moment {cut}, kept in {}", kept.display())
        })
    }

    /// Tries random images of a record, in its phases by turns.
    fn try_images(&self, recorded: &Recorded, count: usize, random: &mut Rng, shown: &mut Shown) {
        let phases = recorded.phases();
        for i in 0..count {
            // The redaction itself is every other one.
            let phase = if i % 2 == 0 { 0 } else { i / 2 % phases.len() };
            let cut = recorded.cut(&phases[phase].1, random);
            let image = recorded.disk.image(cut, Cure::On, random);
            let goes_on = i % 4 < 2;
            let is_redacted = self.look(recorded, cut, &image, goes_on);
            shown.redacted += usize::from(is_redacted);
            shown.old += usize::from(!is_redacted);
            shown.begun_anew += usize::from(goes_on && !is_redacted);
            shown.pages_lost += usize::from(image.pages_lost > 0);
            shown.entries_lost += usize::from(image.entries_lost > 0);
        }
    }
}

#[test]
fn a_redaction_cut_off_leaves_the_old_log_or_the_new() {
    if !strace_is_there() {
        return;
    }
    let mut random = seeded();
    let dir = directory();
    let cut = Cut::new(&Place::new(dir.path()));
    let mut shown = Shown::default();
    cut.try_images(&cut.recorded, images(25), &mut random, &mut shown);
    // Goes on, within bounds, until both outcomes and a second try have been seen.
    let complete = |s: &Shown| s.old > 4 && s.redacted > 4 && s.begun_anew > 0 && s.pages_lost > 4;
    for _ in 0..20 {
        if !complete(&shown) {
            cut.try_images(&cut.recorded, 8, &mut random, &mut shown);
        }
    }
    println!("redactions cut off: {shown:?}");
    assert!(complete(&shown), "{shown:?}");
}

#[test]
fn a_redaction_opens_after_each_order_of_names() {
    if !strace_is_there() {
        return;
    }
    let dir = directory();
    let cut = Cut::new(&Place::new(dir.path()));
    let recorded = &cut.recorded;
    let (mut tried, mut old) = (HashSet::new(), 0);
    let (_, redaction) = &recorded.phases()[0];
    for moment in recorded.disk.turning_points(redaction) {
        for image in recorded.disk.images_of_names(moment) {
            if tried.insert(image.clone()) {
                old += usize::from(!cut.look(recorded, moment, &image, false));
            }
        }
    }
    println!("{} orders of names, {old} of the old log", tried.len());
    assert!(old > 4 && tried.len() - old > 4, "{old} of {}", tried.len());
}

/// The start that finishes or undoes a redaction is itself cut off.
#[test]
fn a_settled_redaction_survives_another_power_loss() {
    if !strace_is_there() {
        return;
    }
    let mut random = seeded();
    let dir = directory();
    let cut = Cut::new(&Place::new(dir.path()));
    let mut shown = Shown::default();
    let (_, redaction) = &cut.recorded.phases()[0];
    let moments = cut.recorded.disk.turning_points(redaction);
    for _ in 0..images(15).div_ceil(IMAGES_PER_RECOVERY) {
        // Late in the redaction, where the old store is removed.
        let moment = moments[random.usize(moments.len() * 3 / 4..moments.len())];
        let dir = directory();
        let place = Place::new(dir.path());
        cut.recorded.disk.image(moment, Cure::On, &mut random).write(&place.disk());
        let acknowledged = cut.recorded.acknowledged(moment);
        let second = cut.start(&place, acknowledged);
        cut.try_images(&second, IMAGES_PER_RECOVERY, &mut random, &mut shown);
    }
    println!("settled and cut off: {shown:?}");
    assert!(shown.redacted > 0, "{shown:?}");
}
