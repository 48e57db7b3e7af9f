//! A disk as a process changes it, read from the record of its calls.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use super::trace::{Argument, Call};

pub(super) type FileId = usize;

#[derive(Debug)]
pub(super) enum What {
    Write { file: FileId, offset: usize, data: Vec<u8> },
    SetLength { file: FileId, length: usize },
    SyncFile { file: FileId, by_cure: bool },
    Link { path: PathBuf, file: FileId },
    MakeDirectory { path: PathBuf },
    Rename { from: PathBuf, to: PathBuf },
    Unlink { path: PathBuf },
    SyncDirectory { path: PathBuf },
}

#[derive(Debug)]
pub(super) struct Change {
    pub(super) began: usize,
    pub(super) done: usize,
    pub(super) what: What,
}

/// What the process under trace says about itself, with the moment at which it began to say so.
#[derive(Debug, Clone)]
pub struct Said {
    pub moment: usize,
    pub line: String,
}

/// A tree of files.
#[derive(Clone, Default)]
pub(super) struct Tree {
    pub(super) directories: BTreeSet<PathBuf>,
    pub(super) files: BTreeMap<PathBuf, FileId>,
}

impl Tree {
    /// Removes a file or a directory; true if it was there. A removed directory was empty, so it
    /// takes along what an image kept in it: its name may come back with another directory.
    pub(super) fn remove(&mut self, path: &Path) -> bool {
        if self.files.remove(path).is_some() {
            return true;
        }
        let is_there = self.directories.remove(path);
        self.directories.retain(|other| !other.starts_with(path));
        self.files.retain(|other, _| !other.starts_with(path));
        is_there
    }

    /// Gives a file, or a directory with all that is in it, another name.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) {
        let renamed = |path: &Path| match path.strip_prefix(from) {
            Ok(rest) if rest.as_os_str().is_empty() => to.to_owned(),
            Ok(rest) => to.join(rest),
            Err(_) => path.to_owned(),
        };
        let Self { directories, files } = std::mem::take(self);
        // What is renamed replaces what had the name before.
        let (moved, others): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|(path, _)| path.starts_with(from));
        self.files = others.into_iter().collect();
        self.files.extend(moved.into_iter().map(|(path, file)| (renamed(&path), file)));
        self.directories = directories.iter().map(|path| renamed(path)).collect();
    }
}

#[derive(Clone)]
enum Descriptor {
    File { file: FileId, append: bool, at: usize },
    Directory(PathBuf),
    Voice,
}

/// What a process has open.
#[derive(Default)]
struct Process {
    descriptors: HashMap<u64, Descriptor>,
}

impl Process {
    /// A path that a call names, which may stand relative to the directory whose descriptor comes
    /// before it.
    fn path(&self, call: &Call, at: usize) -> Option<PathBuf> {
        let path = PathBuf::from(std::str::from_utf8(call.arguments[at].text()).unwrap());
        let before = at.checked_sub(1).and_then(|before| match &call.arguments[before] {
            Argument::Word(word) => self.descriptors.get(&word.parse().ok()?),
            Argument::Text(_) => None,
        });
        match before {
            Some(Descriptor::Directory(directory)) => Some(directory.join(path)),
            _ => path.is_absolute().then_some(path),
        }
    }

    fn copy(&mut self, call: &Call) -> Option<What> {
        let copies = call.name == "dup" || call.arguments[1].word().starts_with("F_DUPFD");
        let original = self.descriptors.get(&call.arguments[0].number()).cloned();
        if let Some(original) = original.filter(|_| copies) {
            self.descriptors.insert(u64::try_from(call.result).unwrap(), original);
        }
        None
    }
}

/// A disk with the history of its changes.
pub struct Disk {
    /// Where the traced process saw it.
    pub(super) root: PathBuf,
    /// File to which the process writes what it says.
    voice: PathBuf,
    /// What was there for certain at the beginning.
    pub(super) base: Tree,
    pub(super) base_content: HashMap<FileId, Vec<u8>>,
    pub(super) changes: Vec<Change>,
    pub said: Vec<Said>,
    now: Tree,
    files: usize,
    /// First moment after the last trace.
    pub end: usize,
}

impl Disk {
    /// A disk that holds what `root` holds now, all of it for certain.
    pub fn new(root: &Path, voice: &Path) -> Self {
        let mut disk = Self {
            root: root.to_owned(),
            voice: voice.to_owned(),
            base: Tree::default(),
            base_content: HashMap::new(),
            changes: Vec::new(),
            said: Vec::new(),
            now: Tree::default(),
            files: 0,
            end: 0,
        };
        disk.load(root);
        disk.now = disk.base.clone();
        disk
    }

    fn load(&mut self, directory: &Path) {
        self.base.directories.insert(directory.to_owned());
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.load(&path);
            } else {
                self.base_content.insert(self.files, fs::read(&path).unwrap());
                self.base.files.insert(path, self.files);
                self.files += 1;
            }
        }
    }

    /// Goes on with the calls of one process, whose moments begin at `self.end`.
    pub fn follow(&mut self, calls: &[Call], end: usize) {
        let mut process = Process::default();
        // A call that gives a descriptor counts from its end, one that uses it from its begin.
        let gives =
            |call: &Call| matches!(call.name.as_str(), "openat" | "creat" | "dup" | "fcntl");
        let mut order: Vec<&Call> = calls.iter().filter(|call| call.result >= 0).collect();
        order.sort_by_key(|call| if gives(call) { call.done } else { call.began });
        for call in order {
            let what = match call.name.as_str() {
                "openat" | "creat" => self.open(call, &mut process),
                "close" => {
                    process.descriptors.remove(&call.arguments[0].number());
                    None
                }
                "dup" | "fcntl" => process.copy(call),
                "mkdir" | "mkdirat" | "rename" | "renameat" | "renameat2" | "unlink"
                | "unlinkat" | "rmdir" => self.change_names(call, &process),
                _ => self.change_content(call, &mut process),
            };
            if let Some(what) = what {
                self.push(call, what);
            }
        }
        self.end = end;
    }

    fn open(&mut self, call: &Call, process: &mut Process) -> Option<What> {
        let at = usize::from(call.name == "openat");
        let path = process.path(call, at);
        let flags = call.arguments[at + 1].word();
        let mut what = None;
        let opened = match path {
            Some(path) if path == self.voice => Some(Descriptor::Voice),
            Some(path) if self.now.directories.contains(&path) => Some(Descriptor::Directory(path)),
            Some(path) if path.starts_with(&self.root) => {
                let known = self.now.files.get(&path).copied();
                let file = known.unwrap_or_else(|| {
                    let file = self.files;
                    self.files += 1;
                    self.now.files.insert(path.clone(), file);
                    self.push(call, What::Link { path, file });
                    file
                });
                if flags.contains("O_TRUNC") {
                    what = Some(What::SetLength { file, length: 0 });
                }
                Some(Descriptor::File { file, append: flags.contains("O_APPEND"), at: 0 })
            }
            _ => None,
        };
        let number = u64::try_from(call.result).unwrap();
        process.descriptors.remove(&number);
        if let Some(opened) = opened {
            process.descriptors.insert(number, opened);
        }
        what
    }

    fn change_names(&mut self, call: &Call, process: &Process) -> Option<What> {
        let ours = |at| process.path(call, at).filter(|path| path.starts_with(&self.root));
        let relative = usize::from(call.name.ends_with("at") || call.name.ends_with("at2"));
        let path = ours(relative)?;
        Some(match call.name.as_str() {
            "mkdir" | "mkdirat" => {
                self.now.directories.insert(path.clone());
                What::MakeDirectory { path }
            }
            "unlink" | "unlinkat" | "rmdir" => {
                assert!(self.now.remove(&path), "{} was not known", path.display());
                What::Unlink { path }
            }
            _ => {
                let to = ours(2 * relative + 1).expect("nothing is renamed out of the disk");
                self.now.rename(&path, &to);
                What::Rename { from: path, to }
            }
        })
    }

    fn change_content(&mut self, call: &Call, process: &mut Process) -> Option<What> {
        let number = call.arguments[0].number();
        let argument = |at: usize| usize::try_from(call.arguments[at].number()).unwrap();
        let file = match process.descriptors.get_mut(&number)? {
            Descriptor::Voice => {
                let text = String::from_utf8(call.arguments[1].text().to_vec()).unwrap();
                let moment = call.began;
                self.said.extend(text.lines().map(|line| Said { moment, line: line.to_owned() }));
                return None;
            }
            Descriptor::Directory(path) => {
                assert_eq!(call.name, "fsync", "a call on a directory that is not modelled");
                return Some(What::SyncDirectory { path: path.clone() });
            }
            Descriptor::File { append: true, .. } => panic!("an append is not modelled"),
            Descriptor::File { file, at, .. } => {
                if call.name == "write" {
                    let (file, offset, data) = (*file, *at, written(call));
                    *at += data.len();
                    return Some(What::Write { file, offset, data });
                }
                *file
            }
        };
        if call.name == "fallocate" && call.arguments[1].word() == "FALLOC_FL_KEEP_SIZE" {
            // Blocks behind the end change neither content nor length. Whether they are there is
            // seen by nobody who reads.
            return None;
        }
        Some(match call.name.as_str() {
            // The file that keeps room: it has been emptied just before.
            "fallocate" => {
                assert_eq!((call.arguments[1].word(), argument(2)), ("0", 0), "not modelled");
                What::SetLength { file, length: argument(3) }
            }
            "pwrite64" => What::Write { file, offset: argument(3), data: written(call) },
            "ftruncate" => What::SetLength { file, length: argument(1) },
            "fsync" | "fdatasync" => {
                let store =
                    self.now.files.iter().any(|(path, f)| *f == file && path.ends_with("db"));
                What::SyncFile { file, by_cure: store && call.name == "fdatasync" }
            }
            // A call that this model does not know must not pass unseen.
            other => panic!("a call on the disk that is not modelled: {other}"),
        })
    }

    fn push(&mut self, call: &Call, what: What) {
        self.changes.push(Change { began: call.began, done: call.done, what });
    }

    /// Moments of a range just after a write, where most is uncertain.
    pub fn after_writes(&self, range: &Range<usize>) -> Vec<usize> {
        let writes = |change: &&Change| matches!(change.what, What::Write { .. });
        let moments = self.changes.iter().filter(writes).map(|change| change.done + 1);
        moments.filter(|moment| range.contains(moment)).collect()
    }

    /// Moments of a range at which something is decided: begins and ends of syncs, changes of names
    /// and lengths.
    pub fn turning_points(&self, range: &Range<usize>) -> Vec<usize> {
        let turns = |change: &&Change| !matches!(change.what, What::Write { .. });
        let changes = self.changes.iter().filter(turns);
        let moments = changes.flat_map(|change| [change.began + 1, change.done, change.done + 1]);
        moments.filter(|moment| range.contains(moment)).collect()
    }

    /// Bytes written, syncs done, and writes to a place of the store that held something else
    /// before.
    pub fn activity(&self) -> (usize, usize, usize) {
        let (mut bytes, mut syncs, mut again) = (0, 0, 0);
        let mut ends: HashMap<FileId, usize> = HashMap::new();
        for change in &self.changes {
            match &change.what {
                What::Write { file, offset, data } => {
                    bytes += data.len();
                    let end = ends.entry(*file).or_default();
                    again += usize::from(*offset < *end);
                    *end = (*end).max(offset + data.len());
                }
                What::SyncFile { .. } | What::SyncDirectory { .. } => syncs += 1,
                _ => {}
            }
        }
        (bytes, syncs, again)
    }
}

fn written(call: &Call) -> Vec<u8> {
    let mut data = call.arguments[1].text().to_vec();
    data.truncate(usize::try_from(call.result).unwrap());
    data
}
