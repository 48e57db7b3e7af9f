//! Verifies the files of a trail: the chain over all of them, and the anchors on the log.
//!
//! Files may be given in any order, and two sinks of one server may be given together: the same
//! line in both is one line. A line that is in one of them only counts too.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::{Path, PathBuf},
};

use super::{
    Line,
    lines::{Read, TrailLines},
};
use crate::merkle::Hash;

/// Digits of the number in the name of a file that was set aside: such names are in order.
const NUMBER_DIGITS: usize = 12;

/// The head of the trail as the log has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The position of the anchor on the log.
    pub position: u64,
    /// The number of lines so far.
    pub lines: u64,
    /// The hash of the last of them.
    pub head: Hash,
}

/// The place and the cause of a break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// The file.
    pub file: PathBuf,
    /// The line in the file, from 1; 0 for the file as a whole.
    pub at: u64,
    /// The cause.
    pub cause: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, at, cause } = self;
        match at {
            0 => write!(f, "{}: {cause}", file.display()),
            at => write!(f, "{} line {at}: {cause}", file.display()),
        }
    }
}

/// Why a trail is not verified.
#[derive(Debug, thiserror::Error)]
pub enum TrailError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The files have no line.
    #[error("there is no line in {0}")]
    Empty(String),
    /// The chain does not hold.
    #[error("{0}")]
    Broken(Break),
}

/// A trail whose chain holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The number of the first line.
    pub first: u64,
    /// The number of the last line.
    pub last: u64,
    /// Its hash.
    pub head: Hash,
    /// Anchors that cover lines of these files, or the line before them.
    pub anchors: usize,
    /// Lines behind the last anchor: nothing outside of the files protects them yet.
    pub unanchored: u64,
}

/// The name of a file that is set aside, by the number of its first line.
#[must_use]
pub(super) fn rotated_name(path: &Path, first: u64) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path
        .extension()
        .map_or_else(String::new, |ending| format!(".{}", ending.to_string_lossy()));
    path.with_file_name(format!("{stem}-{first:0NUMBER_DIGITS$}{ending}"))
}

/// The files that were set aside beside a file, in the order of their lines.
///
/// # Errors
/// If the directory cannot be read.
pub fn rotated_beside(path: &Path) -> io::Result<Vec<PathBuf>> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut numbered = Vec::new();
    for entry in std::fs::read_dir(parent.unwrap_or(Path::new(".")))? {
        let found = path.with_file_name(entry?.file_name());
        let stem = found.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let number = stem.rsplit_once('-').and_then(|(_, digits)| digits.parse().ok());
        if let Some(number) = number
            && rotated_name(path, number) == found
        {
            numbered.push((number, found));
        }
    }
    numbered.sort();
    Ok(numbered.into_iter().map(|(_, path)| path).collect())
}

/// Verifies files, in any order. Without `anchors` the chain alone is verified, and it may begin
/// with any line. With them, it begins with line 1 or behind an anchor.
///
/// # Errors
/// [`TrailError`]: the first break.
pub fn verify(files: &[PathBuf], anchors: Option<&[Anchor]>) -> Result<Verified, TrailError> {
    let mut open = files.iter().map(|path| Input::open(path)).collect::<Result<Vec<_>, _>>()?;
    let mut chain = Chain::new(anchors);
    while let Some(line) = take(&mut open, chain.due())? {
        chain.add(line)?;
    }
    let Some(last) = chain.last else {
        let names: Vec<_> = files.iter().map(|path| path.display().to_string()).collect();
        return Err(TrailError::Empty(names.join(", ")));
    };
    chain.end(last)
}

/// A file, and its next line.
struct Input {
    path: PathBuf,
    lines: TrailLines,
    next: Option<Line>,
}

impl Input {
    fn open(path: &Path) -> Result<Self, TrailError> {
        let failed = |source| TrailError::Read { path: path.to_path_buf(), source };
        let lines = TrailLines::open(path).map_err(failed)?;
        let mut input = Self { path: path.to_path_buf(), lines, next: None };
        input.advance()?;
        Ok(input)
    }

    fn advance(&mut self) -> Result<(), TrailError> {
        let failed = |source| TrailError::Read { path: self.path.clone(), source };
        self.next = match self.lines.read().map_err(failed)? {
            None => None,
            Some(Read::Line(line)) => Some(*line),
            Some(Read::Odd(cause)) => return Err(self.broken(cause)),
            Some(Read::Torn(bytes)) => {
                return Err(self.broken(format!(
                    "it is not whole: {bytes} bytes without a line break; a server that ended \
                     while it wrote cuts it at its next start"
                )));
            }
        };
        Ok(())
    }

    fn broken(&self, cause: String) -> TrailError {
        TrailError::Broken(Break { file: self.path.clone(), at: self.lines.at(), cause })
    }
}

/// A line and where it was.
struct Taken {
    line: Line,
    file: PathBuf,
    at: u64,
}

/// Takes the next line: the one that is due, from every file that has it, or else the lowest one.
/// `None` at the end of all files.
fn take(open: &mut [Input], due: Option<u64>) -> Result<Option<Taken>, TrailError> {
    let number = |input: &Input| input.next.as_ref().map(|line| line.number);
    // One that is out of order must come up, or it would wait to the end of the others.
    let below = |number: &u64| due.is_some_and(|due| *number < due);
    let lowest = open.iter().filter_map(number).min();
    let Some(wanted) = lowest
        .filter(below)
        .or_else(|| open.iter().filter_map(number).find(|number| Some(*number) == due).or(lowest))
    else {
        return Ok(None);
    };
    let mut taken: Option<Taken> = None;
    for input in open.iter_mut().filter(|input| number(input) == Some(wanted)) {
        let Some(line) = input.next.take() else { continue };
        match &taken {
            None => taken = Some(Taken { line, file: input.path.clone(), at: input.lines.at() }),
            Some(first) if first.line.hash == line.hash => {}
            Some(first) => {
                let place = format!("{} line {}", first.file.display(), first.at);
                return Err(input.broken(format!("line {wanted} differs from the one in {place}")));
            }
        }
        input.advance()?;
    }
    Ok(taken)
}

/// The chain so far.
struct Chain<'a> {
    anchors: Option<&'a [Anchor]>,
    by_lines: BTreeMap<u64, Vec<Anchor>>,
    first: Option<u64>,
    last: Option<(u64, Hash)>,
    /// Where the last line was.
    place: Option<(PathBuf, u64)>,
    met: usize,
    /// Lines that an anchor covers.
    covered: u64,
}

impl<'a> Chain<'a> {
    fn new(anchors: Option<&'a [Anchor]>) -> Self {
        let mut by_lines = BTreeMap::<u64, Vec<Anchor>>::new();
        for anchor in anchors.unwrap_or_default() {
            by_lines.entry(anchor.lines).or_default().push(*anchor);
        }
        Self { anchors, by_lines, first: None, last: None, place: None, met: 0, covered: 0 }
    }

    /// The number of the line that comes next.
    fn due(&self) -> Option<u64> {
        self.last.map(|(last, _)| last.saturating_add(1))
    }

    fn add(&mut self, taken: Taken) -> Result<(), TrailError> {
        let Taken { line, file, at } = taken;
        let fits = match self.last {
            Some((last, head)) => line.require_after(last, &head),
            None => self.require_beginning(&line),
        };
        let fits = fits.and_then(|()| self.require_anchors(line.number, &line.hash));
        self.first.get_or_insert(line.number);
        self.last = Some((line.number, line.hash));
        let place = (file, at);
        fits.map_err(|cause| {
            let (file, at) = place.clone();
            TrailError::Broken(Break { file, at, cause })
        })?;
        self.place = Some(place);
        Ok(())
    }

    /// Refuses a first line whose beginning nothing vouches for.
    fn require_beginning(&mut self, line: &Line) -> Result<(), String> {
        let number = line.number;
        if number <= 1 {
            let is_first = number == 1 && line.previous == Hash::default();
            return if is_first { Ok(()) } else { Err("it is not the first line".to_owned()) };
        }
        let before = number - 1;
        self.require_anchors(before, &line.previous)?;
        if self.anchors.is_some() && self.covered != before {
            return Err(format!(
                "lines 1 to {before} are in none of the files, and no anchor on the log vouches \
                 for line {before}"
            ));
        }
        Ok(())
    }

    /// Compares a line with the anchors that cover it last.
    fn require_anchors(&mut self, number: u64, hash: &Hash) -> Result<(), String> {
        let Some(anchors) = self.by_lines.remove(&number) else { return Ok(()) };
        for Anchor { position, head, .. } in &anchors {
            if head != hash {
                return Err(format!(
                    "line {number} has another hash than the log anchors at position {position}: \
                     the trail was written anew"
                ));
            }
        }
        self.met += anchors.len();
        self.covered = number;
        Ok(())
    }

    fn end(self, (last, head): (u64, Hash)) -> Result<Verified, TrailError> {
        if let Some((lines, anchors)) = self.by_lines.range(last.saturating_add(1)..).next_back() {
            let position = anchors.first().map_or(0, |anchor| anchor.position);
            let (file, at) = self.place.unwrap_or_default();
            let cause = format!(
                "line {last} is the last, and the log anchors {lines} lines at position \
                 {position}: the end is gone"
            );
            return Err(TrailError::Broken(Break { file, at, cause }));
        }
        let unanchored = last.saturating_sub(self.covered);
        let first = self.first.unwrap_or(last);
        let unanchored = unanchored.min(last - first + 1);
        Ok(Verified { first, last, head, anchors: self.met, unanchored })
    }
}
