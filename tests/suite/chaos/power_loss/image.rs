//! What a disk may hold after a power loss.
//!
//! Certain is what was written before a sync of the same file began that has ended, and an entry of
//! a directory that was made before such a sync of the directory. Of everything else each 4 KiB
//! page may stand as any of the writes to it left it, the file may have any size on the way (a
//! length set by truncation is kept or lost whole), and each entry may be there or not. That is
//! more than one file system does, and every state that ext4 can leave is among them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

use fastrand::Rng;

use super::disk::{Change, Disk, FileId, Tree, What};

const PAGE: usize = 4096;
const SECTOR: usize = 512;

type Pages = BTreeMap<usize, Vec<u8>>;

/// Which syncs count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cure {
    On,
    /// The syncs that the cure puts in the place of `sync_file_range` did not happen.
    Off,
}

/// A state of the disk after a power loss.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Image {
    directories: BTreeSet<PathBuf>,
    files: BTreeMap<PathBuf, Vec<u8>>,
    /// Pages that stand otherwise than the process left them: how much this image tests.
    pub pages_lost: usize,
    pub entries_lost: usize,
}

/// How much of what is not certain an image holds.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Nothing,
    Everything,
    /// The first so many changes, as a disk that keeps the order; the last one in part.
    Prefix,
    /// Each page and each entry for itself.
    Scattered,
    /// Everything but one page.
    OneLost,
}

impl Disk {
    /// One of the states that a power loss just before the moment `cut` may leave.
    pub fn image(&self, cut: usize, cure: Cure, random: &mut Rng) -> Image {
        let begun = || self.changes.iter().filter(move |change| change.began < cut);
        let mut file_syncs: HashMap<FileId, usize> = HashMap::new();
        let mut directory_syncs: HashMap<&Path, usize> = HashMap::new();
        for change in begun().filter(|change| change.done < cut) {
            let latest = match &change.what {
                What::SyncFile { by_cure: true, .. } if cure == Cure::Off => continue,
                What::SyncFile { file, .. } => file_syncs.entry(*file).or_default(),
                What::SyncDirectory { path } => directory_syncs.entry(path).or_default(),
                _ => continue,
            };
            *latest = (*latest).max(change.began);
        }

        let mut image = Image {
            directories: BTreeSet::new(),
            files: BTreeMap::new(),
            pages_lost: 0,
            entries_lost: 0,
        };
        let tree = self.entries(cut, &directory_syncs, random, &mut image.entries_lost);
        for (path, file) in &tree.files {
            let synced = file_syncs.get(file).copied();
            let (content, lost) = self.content(*file, cut, synced, random);
            image.pages_lost += lost;
            image.files.insert(self.relative(path), content);
        }
        image.directories = tree.directories.iter().map(|path| self.relative(path)).collect();
        image
    }

    fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap().to_owned()
    }

    fn entries(
        &self,
        cut: usize,
        syncs: &HashMap<&Path, usize>,
        random: &mut Rng,
        lost: &mut usize,
    ) -> Tree {
        let pending = self.pending_entries(cut, syncs);
        let kept: BTreeSet<usize> = match fate(random) {
            Fate::Nothing => BTreeSet::new(),
            Fate::Everything => pending.iter().copied().collect(),
            Fate::Prefix => pending.iter().copied().take(random.usize(0..=pending.len())).collect(),
            Fate::Scattered => pending.iter().copied().filter(|_| random.bool()).collect(),
            Fate::OneLost => {
                let one = random.usize(0..pending.len().max(1));
                let kept = pending.iter().enumerate().filter(|(i, _)| *i != one);
                kept.map(|(_, change)| *change).collect()
            }
        };
        *lost += pending.len() - kept.len();
        self.tree(cut, &pending, &kept)
    }

    /// The changes of names before `cut` that no sync of their directory has made certain.
    fn pending_entries(&self, cut: usize, syncs: &HashMap<&Path, usize>) -> Vec<usize> {
        let parent = |change: &Change| match &change.what {
            What::Link { path, .. }
            | What::MakeDirectory { path }
            | What::Unlink { path }
            | What::Rename { to: path, .. } => path.parent().map(Path::to_owned),
            _ => None,
        };
        let certain = |change: &Change, parent: &Path| {
            syncs.get(parent).is_some_and(|sync| change.done < *sync)
        };
        let begun = self.changes.iter().enumerate().filter(|(_, change)| change.began < cut);
        let pending = begun
            .filter(|(_, change)| parent(change).is_some_and(|parent| !certain(change, &parent)));
        pending.map(|(i, _)| i).collect()
    }

    /// The names after the changes before `cut`, of the pending ones only those that are kept.
    fn tree(&self, cut: usize, pending: &[usize], kept: &BTreeSet<usize>) -> Tree {
        let pending: BTreeSet<usize> = pending.iter().copied().collect();
        let mut tree = self.base.clone();
        for (i, change) in self.changes.iter().enumerate() {
            if change.began >= cut || (pending.contains(&i) && !kept.contains(&i)) {
                continue;
            }
            match &change.what {
                What::Link { path, file } => drop(tree.files.insert(path.clone(), *file)),
                What::MakeDirectory { path } => drop(tree.directories.insert(path.clone())),
                What::Unlink { path } => drop(tree.remove(path)),
                What::Rename { from, to } => tree.rename(from, to),
                _ => {}
            }
        }
        // What stands in a directory that is not there, is not there.
        let directories = tree.directories.clone();
        let reached = |path: &Path| {
            path == self.root
                || path
                    .ancestors()
                    .skip(1)
                    .take_while(|above| above.starts_with(&self.root))
                    .all(|above| directories.contains(above))
        };
        tree.directories.retain(|path| reached(path));
        tree.files.retain(|path, _| reached(path));
        tree
    }

    /// An image for each state of the names that a power loss just before `cut` may leave. The
    /// content of the files is as the process left it: only the names are tried.
    pub fn images_of_names(&self, cut: usize) -> Vec<Image> {
        let mut syncs: HashMap<&Path, usize> = HashMap::new();
        for change in self.changes.iter().filter(|change| change.done < cut) {
            if let What::SyncDirectory { path } = &change.what {
                let latest = syncs.entry(path).or_default();
                *latest = (*latest).max(change.began);
            }
        }
        let pending = self.pending_entries(cut, &syncs);
        assert!(pending.len() <= 12, "{} changes of names without a sync", pending.len());
        let mut trees: BTreeSet<(Vec<_>, Vec<_>)> = BTreeSet::new();
        for choice in 0..1_u32 << pending.len() {
            let kept = pending.iter().enumerate().filter(|(bit, _)| choice >> bit & 1 == 1);
            let tree = self.tree(cut, &pending, &kept.map(|(_, change)| *change).collect());
            trees
                .insert((tree.directories.into_iter().collect(), tree.files.into_iter().collect()));
        }
        let image = |(directories, files): (Vec<PathBuf>, Vec<(PathBuf, FileId)>)| Image {
            directories: directories.iter().map(|path| self.relative(path)).collect(),
            files: files
                .iter()
                .map(|(path, file)| (self.relative(path), self.written(*file, cut)))
                .collect(),
            pages_lost: 0,
            entries_lost: pending.len(),
        };
        trees.into_iter().map(image).collect()
    }

    /// A file as the process had written it before `cut`.
    fn written(&self, file: FileId, cut: usize) -> Vec<u8> {
        let base = self.base_content.get(&file).map_or(&[][..], Vec::as_slice);
        let (mut size, mut pages) = (base.len(), Pages::new());
        put(&mut pages, 0, base, |_| true);
        for change in self.changes.iter().filter(|change| change.done < cut) {
            let touches = matches!(&change.what,
                What::Write { file: f, .. } | What::SetLength { file: f, .. } if *f == file);
            if touches {
                apply(&mut pages, &change.what, |_| true);
                size = size_after(size, &change.what);
            }
        }
        flat(&pages, size)
    }

    /// The bytes of a file, and how many of its pages stand otherwise than the process left them.
    fn content(
        &self,
        file: FileId,
        cut: usize,
        synced: Option<usize>,
        random: &mut Rng,
    ) -> (Vec<u8>, usize) {
        let base = self.base_content.get(&file).map_or(&[][..], Vec::as_slice);
        let mut size = base.len();
        let mut pages: Pages = Pages::new();
        put(&mut pages, 0, base, |_| true);
        let mut pending = Vec::new();
        for change in self.changes.iter().filter(|change| change.began < cut) {
            let touches = matches!(&change.what,
                What::Write { file: f, .. } | What::SetLength { file: f, .. } if *f == file);
            if !touches {
                continue;
            }
            if synced.is_some_and(|sync| change.done < sync) {
                apply(&mut pages, &change.what, |_| true);
                size = size_after(size, &change.what);
            } else {
                pending.push(change);
            }
        }
        if pending.is_empty() {
            return (flat(&pages, size), 0);
        }
        self.uncertain(&mut pages, size, &pending, random)
    }

    fn uncertain(
        &self,
        pages: &mut Pages,
        durable_size: usize,
        pending: &[&Change],
        random: &mut Rng,
    ) -> (Vec<u8>, usize) {
        let mut sizes = vec![durable_size];
        for change in pending {
            sizes.push(size_after(*sizes.last().unwrap(), &change.what));
        }
        let mut everything = pages.clone();
        pending.iter().for_each(|change| apply(&mut everything, &change.what, |_| true));
        let newest = *sizes.last().unwrap();
        let fate = fate(random);
        match fate {
            Fate::Nothing => {}
            Fate::Everything => *pages = everything.clone(),
            Fate::Prefix => {
                let whole = random.usize(0..=pending.len());
                pending[..whole].iter().for_each(|change| apply(pages, &change.what, |_| true));
                if let Some(change) = pending.get(whole) {
                    let mut in_part = random.fork();
                    apply(pages, &change.what, |_| in_part.bool());
                }
                sizes.truncate(whole + 1);
            }
            Fate::Scattered => scatter(pages, pending, random),
            Fate::OneLost => {
                let lost = *random.choice(&touched(pending)).unwrap_or(&0);
                pending.iter().for_each(|change| apply(pages, &change.what, |page| page != lost));
            }
        }
        let size = match fate {
            Fate::Nothing => durable_size,
            Fate::Everything => newest,
            Fate::Prefix => *sizes.last().unwrap(),
            Fate::Scattered | Fate::OneLost => match random.u8(0..4) {
                0 => durable_size,
                1 => between(&sizes, pending, random),
                _ => newest,
            },
        };
        let differing =
            touched(pending).iter().filter(|p| pages.get(p) != everything.get(p)).count();
        (flat(pages, size), differing)
    }
}

fn fate(random: &mut Rng) -> Fate {
    match random.u8(0..10) {
        0 => Fate::Nothing,
        1 => Fate::Everything,
        2..5 => Fate::Prefix,
        5..8 => Fate::Scattered,
        _ => Fate::OneLost,
    }
}

/// A size on the way: a write at the end may have come part of the way, a length that was set is
/// kept or lost whole.
fn between(sizes: &[usize], pending: &[&Change], random: &mut Rng) -> usize {
    let steps = sizes.windows(2).zip(pending);
    let mut ranges: Vec<_> = steps
        .filter(|(_, change)| matches!(change.what, What::Write { .. }))
        .map(|(step, _)| step[0]..=step[1])
        .collect();
    ranges.extend(sizes.iter().map(|size| *size..=*size));
    let one = random.usize(..ranges.len());
    random.usize(ranges.swap_remove(one))
}

fn size_after(size: usize, what: &What) -> usize {
    match what {
        What::Write { offset, data, .. } => size.max(offset + data.len()),
        What::SetLength { length, .. } => *length,
        _ => size,
    }
}

/// Pages that any of these changes touches.
fn touched(changes: &[&Change]) -> Vec<usize> {
    let pages: BTreeSet<usize> = changes
        .iter()
        .filter_map(|change| match &change.what {
            What::Write { offset, data, .. } if !data.is_empty() => Some((offset, data)),
            _ => None,
        })
        .flat_map(|(offset, data)| offset / PAGE..(offset + data.len()).div_ceil(PAGE))
        .collect();
    pages.into_iter().collect()
}

/// Each page as some number of the writes to it left it; now and then each sector of the page for
/// itself.
fn scatter(pages: &mut Pages, pending: &[&Change], random: &mut Rng) {
    for page in touched(pending) {
        let begin = page * PAGE;
        let meets = |change: &&&Change| match &change.what {
            What::Write { offset, data, .. } => {
                *offset < begin + PAGE && begin < offset + data.len()
            }
            What::SetLength { length, .. } => *length < begin + PAGE,
            _ => false,
        };
        let changes: Vec<_> = pending.iter().filter(meets).collect();
        let mut states = vec![pages.get(&page).cloned().unwrap_or_else(|| vec![0; PAGE])];
        for change in changes {
            let mut single = Pages::from([(page, states.last().unwrap().clone())]);
            apply(&mut single, &change.what, |p| p == page);
            states.push(single.remove(&page).unwrap_or_else(|| vec![0; PAGE]));
        }
        let mut state = random.choice(&states).unwrap().clone();
        if random.u8(0..8) == 0 {
            for at in (0..PAGE).step_by(SECTOR) {
                let sector = &random.choice(&states).unwrap()[at..at + SECTOR];
                state[at..at + SECTOR].copy_from_slice(sector);
            }
        }
        pages.insert(page, state);
    }
}

fn apply(pages: &mut Pages, what: &What, chosen: impl FnMut(usize) -> bool) {
    match what {
        What::Write { offset, data, .. } => put(pages, *offset, data, chosen),
        What::SetLength { length, .. } => {
            let mut chosen = chosen;
            pages.retain(|page, _| page * PAGE < *length || !chosen(*page));
            if let Some(last) = pages.get_mut(&(length / PAGE)) {
                last[length % PAGE..].fill(0);
            }
        }
        _ => {}
    }
}

fn put(pages: &mut Pages, offset: usize, data: &[u8], mut chosen: impl FnMut(usize) -> bool) {
    let mut at = 0;
    while at < data.len() {
        let (page, within) = ((offset + at) / PAGE, (offset + at) % PAGE);
        let length = (PAGE - within).min(data.len() - at);
        if chosen(page) {
            let content = pages.entry(page).or_insert_with(|| vec![0; PAGE]);
            content[within..within + length].copy_from_slice(&data[at..at + length]);
        }
        at += length;
    }
}

fn flat(pages: &Pages, size: usize) -> Vec<u8> {
    let mut content = vec![0; size];
    for (page, bytes) in pages {
        let begin = (page * PAGE).min(size);
        let end = (begin + PAGE).min(size);
        content[begin..end].copy_from_slice(&bytes[..end - begin]);
    }
    content
}

impl Image {
    /// Writes the image under a directory and gives its bytes.
    pub fn write(&self, directory: &Path) -> usize {
        for path in &self.directories {
            fs::create_dir_all(directory.join(path)).unwrap();
        }
        for (path, content) in &self.files {
            fs::write(directory.join(path), content).unwrap();
        }
        self.files.values().map(Vec::len).sum()
    }
}

/// The model itself: what was synced is in every image, what was not is in some and missing in
/// others.
#[test]
fn synced_pages_and_names_are_certain_and_others_are_not() {
    use super::trace;

    let dir = crate::support::directory();
    let root = dir.path().canonicalize().unwrap();
    let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |t, b| t + &format!("\\x{b:02x}"));
    let path = |name: &str| hex(root.join(name).to_str().unwrap().as_bytes());
    let page = |byte: u8| hex(&[byte; PAGE]);
    let calls = [
        format!("1 openat(AT_FDCWD, \"{}\", O_RDONLY) = 3", hex(root.to_str().unwrap().as_bytes())),
        format!("1 openat(AT_FDCWD, \"{}\", O_RDWR|O_CREAT, 0666) = 4", path("file.new")),
        format!("1 pwrite64(4, \"{}\", 4096, 0) = 4096", page(1)),
        "1 fdatasync(4) = 0".to_owned(),
        "1 fsync(3) = 0".to_owned(),
        format!("1 pwrite64(4, \"{}\", 4096, 0) = 4096", page(2)),
        // This sync begins before the write ends, so it covers the first page only.
        format!("2 pwrite64(4, \"{}\", 4096, 4096 <unfinished ...>", page(3)),
        "1 fdatasync(4) = 0".to_owned(),
        "2 <... pwrite64 resumed>) = 4096".to_owned(),
        format!("1 rename(\"{}\", \"{}\") = 0", path("file.new"), path("file")),
    ];
    let mut disk = Disk::new(&root, &root.join("voice"));
    disk.follow(&trace::read(&calls.join("\n"), 0), calls.len());

    let (mut names, mut sizes, mut seconds) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for seed in 0..200 {
        let image = disk.image(disk.end, Cure::On, &mut Rng::with_seed(seed));
        assert_eq!(image.files.len(), 1, "one name or the other");
        let (name, content) = image.files.first_key_value().unwrap();
        assert_eq!(content[..PAGE], [2; PAGE], "seed {seed}: synced");
        names.insert(name.to_str().unwrap().to_owned());
        sizes.insert(content.len() > PAGE);
        seconds.insert(content.get(PAGE).copied());
    }
    assert_eq!(names.len(), 2);
    assert_eq!(sizes.len(), 2);
    assert_eq!(seconds, BTreeSet::from([None, Some(0), Some(3)]), "missing, not written, written");
    for cut in [2, 3] {
        let before_the_sync = |seed| disk.image(cut, Cure::On, &mut Rng::with_seed(seed));
        assert!(
            (0..200).any(|seed| before_the_sync(seed).files.is_empty()),
            "a name without a sync"
        );
    }
}
