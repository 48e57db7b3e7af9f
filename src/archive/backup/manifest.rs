//! The manifest of a generation: its archives with their measures, and where its log ends.
//!
//! It has what a backup needs to add to a generation without reading it. Two lines of text: an
//! object of JSON, and its SHA-256 in hexadecimal digits.
//!
//! ```json
//! {"version":1,"log_id":"…","archives":[{"file":"…","bytes":1,"sha256":"…","first":0,"next":1,
//!  "root":"…","written_micros":1}],"tip":{"size":1,"frontier":["…"],"recorded_micros":1,
//!  "catalogues":[{"position":0,"sha256":"…"}]},"cursors":{"file":"…","bytes":1,"sha256":"…"}}
//! ```

use std::{io, path::Path};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    archive::{Action, ArchiveError, Measure},
    domain::text::{hex, unhex},
    files,
    lang::{say, word},
    limits::BACKUP_MANIFEST_BYTES_MAX,
    merkle::{Frontier, Hash},
};

/// The name of a manifest in its generation.
pub(super) const NAME: &str = "MANIFEST";
/// The version of a manifest without an epoch.
const FIRST_VERSION: u64 = 1;
const VERSION: u64 = 2;

/// The content of a generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Its archives, in order; each begins where the one before ends.
    pub archives: Vec<Listed>,
    /// Where they end.
    pub tip: Tip,
    /// The highest epoch in which it was copied.
    pub epoch: u64,
    /// The file with the cursors, if they were backed up.
    pub cursors: Option<CursorFile>,
}

/// Where a log ends, and what is needed to continue it without the events below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The log id.
    pub log_id: Uuid,
    /// The right frontier of its tree.
    pub frontier: Frontier,
    /// When its last event was recorded, in microseconds since 1970.
    pub recorded_micros: Option<i64>,
    /// Positions at which it adopted a catalogue, with the digests, oldest first.
    pub adoptions: Vec<(u64, Hash)>,
}

/// An archive of a generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Its name in the directory of the generation.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256.
    #[serde(with = "hash_text")]
    pub sha256: Hash,
    /// Position of its first event.
    pub first: u64,
    /// One more than the position of its last event.
    pub next: u64,
    /// Merkle root of the log at `next`.
    #[serde(with = "hash_text")]
    pub root: Hash,
    /// When it was written, in microseconds since 1970.
    pub written_micros: i64,
}

/// The file with the cursors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CursorFile {
    /// Its name in the directory of the generation.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256.
    #[serde(with = "hash_text")]
    pub sha256: Hash,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestText {
    version: u64,
    log_id: String,
    archives: Vec<Listed>,
    tip: TipText,
    /// Since version 2.
    #[serde(default, skip_serializing_if = "is_first")]
    epoch: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cursors: Option<CursorFile>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands a reference
fn is_first(epoch: &u64) -> bool {
    *epoch == 0
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TipText {
    size: u64,
    #[serde(with = "hash_texts")]
    frontier: Vec<Hash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recorded_micros: Option<i64>,
    catalogues: Vec<AdoptionText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdoptionText {
    position: u64,
    #[serde(with = "hash_text")]
    sha256: Hash,
}

impl Manifest {
    /// Reads the manifest of a directory; `None` if it has none.
    ///
    /// # Errors
    /// [`ArchiveError::Backup`] if a byte of it is wrong, or if what it lists does not fit
    /// together; [`ArchiveError::NewerBackup`]; [`ArchiveError::Io`].
    pub fn read(directory: &Path) -> Result<Option<Self>, ArchiveError> {
        let path = directory.join(NAME);
        let bytes = match files::read(&path, BACKUP_MANIFEST_BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|e| ArchiveError::io(Action::Read, &path, e))?,
        };
        let damaged = |detail: &str| ArchiveError::backup(&path, detail);
        let line = checked(&bytes).ok_or_else(|| {
            damaged(word!(
                en: "its checksum, the second line, does not match its first line",
                zh: "第二行的校验和与第一行不符"
            ))
        })?;
        let unreadable = |e: serde_json::Error| damaged(&e.to_string());
        let value: serde_json::Value = serde_json::from_str(line).map_err(unreadable)?;
        let version = value.get("version").and_then(serde_json::Value::as_u64).unwrap_or_default();
        if version > VERSION {
            return Err(ArchiveError::NewerBackup { path, found: version, known: VERSION });
        }
        let text = serde_json::from_value(value).map_err(unreadable)?;
        let manifest = Self::of(text).ok_or_else(|| {
            damaged(word!(
                en: "the archives that it lists do not follow one another up to its tip",
                zh: "所列的备份文件未能首尾相接到所写的末尾"
            ))
        })?;
        Ok(Some(manifest))
    }

    /// Writes it durably, in the place of the one before.
    ///
    /// # Errors
    /// [`ArchiveError::Io`]; the one before is there then.
    pub fn write(&self, directory: &Path) -> Result<(), ArchiveError> {
        let path = directory.join(NAME);
        let failed = |e| ArchiveError::io(Action::Write, &path, e);
        let line = serde_json::to_string(&self.text()).map_err(|e| failed(e.into()))?;
        let digest = hex(&Measure::of(line.as_bytes()).sha256);
        files::replace(&path, format!("{line}\n{digest}\n").as_bytes()).map_err(failed)
    }

    /// The size of the log at its end.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.tip.frontier.size()
    }

    /// When its last archive was written, in microseconds since 1970.
    #[must_use]
    pub fn written_micros(&self) -> Option<i64> {
        self.archives.last().map(|archive| archive.written_micros)
    }

    /// True if it lists a file.
    pub(super) fn lists(&self, name: &str) -> bool {
        self.archives.iter().any(|archive| archive.file == name)
            || self.cursors.as_ref().is_some_and(|cursors| cursors.file == name)
    }

    fn of(text: ManifestText) -> Option<Self> {
        let ManifestText { version: _, log_id, archives, tip, epoch, cursors } = text;
        let TipText { size, frontier, recorded_micros, catalogues } = tip;
        let (log_id, frontier) = (log_id.parse().ok()?, Frontier::of(size, frontier)?);
        let mut next = 0;
        for archive in &archives {
            if archive.first != next || archive.next < archive.first || !is_name(&archive.file) {
                return None;
            }
            next = archive.next;
        }
        let ends = archives.last().is_some_and(|last| last.root == frontier.root());
        let is_named = cursors.as_ref().is_none_or(|cursors| is_name(&cursors.file));
        if !ends || next != size || !is_named {
            return None;
        }
        let adoptions = catalogues.into_iter().map(|adopted| (adopted.position, adopted.sha256));
        let tip = Tip { log_id, frontier, recorded_micros, adoptions: adoptions.collect() };
        Some(Self { archives, tip, epoch, cursors })
    }

    fn text(&self) -> ManifestText {
        let Tip { log_id, frontier, recorded_micros, adoptions } = &self.tip;
        let adopted = |(position, sha256): &(u64, Hash)| AdoptionText {
            position: *position,
            sha256: *sha256,
        };
        ManifestText {
            version: if is_first(&self.epoch) { FIRST_VERSION } else { VERSION },
            log_id: log_id.to_string(),
            archives: self.archives.clone(),
            tip: TipText {
                size: frontier.size(),
                frontier: frontier.subtrees().to_vec(),
                recorded_micros: *recorded_micros,
                catalogues: adoptions.iter().map(adopted).collect(),
            },
            epoch: self.epoch,
            cursors: self.cursors.clone(),
        }
    }
}

impl Listed {
    /// Its length and digest.
    #[must_use]
    pub fn measure(&self) -> Measure {
        Measure { bytes: self.bytes, sha256: self.sha256 }
    }
}

impl CursorFile {
    /// Its length and digest.
    #[must_use]
    pub fn measure(&self) -> Measure {
        Measure { bytes: self.bytes, sha256: self.sha256 }
    }
}

/// A file that differs from its measure.
pub(super) fn differs(path: &Path, stated: Measure, found: Measure) -> ArchiveError {
    let detail = if stated.bytes == found.bytes {
        let (stated, found) = (hex(&stated.sha256), hex(&found.sha256));
        say!(
            en: "it has SHA-256 {found}, and its manifest states {stated}",
            zh: "SHA-256 为 {found}，而清单所写为 {stated}"
        )
    } else {
        let (stated, found) = (stated.bytes, found.bytes);
        say!(
            en: "it has {found} bytes, and its manifest states {stated}",
            zh: "有 {found} 字节，而清单所写为 {stated} 字节"
        )
    };
    ArchiveError::backup(path, detail)
}

/// The first line, if the second one is its digest and nothing follows.
fn checked(bytes: &[u8]) -> Option<&str> {
    let text = str::from_utf8(bytes).ok()?;
    let (line, digest) = text.strip_suffix('\n')?.split_once('\n')?;
    (unhex(digest)? == Measure::of(line.as_bytes()).sha256 && digest == digest.to_lowercase())
        .then_some(line)
}

/// True for the name of a file in the directory itself.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains('/')
}

/// A hash as hexadecimal digits.
mod hash_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    use super::{Hash, hex, unhex};

    pub(super) fn serialize<S: Serializer>(hash: &Hash, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex(hash))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Hash, D::Error> {
        let digits = String::deserialize(from)?;
        unhex(&digits).ok_or_else(|| D::Error::custom("not 64 hexadecimal digits"))
    }
}

/// Hashes as lists of hexadecimal digits.
mod hash_texts {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    use super::{Hash, hex, unhex};

    pub(super) fn serialize<S: Serializer>(hashes: &[Hash], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(hashes.iter().map(|hash| hex(hash)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Hash>, D::Error> {
        let all = Vec::<String>::deserialize(from)?;
        let hashes: Option<_> = all.iter().map(|digits| unhex(digits)).collect();
        hashes.ok_or_else(|| D::Error::custom("not 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::merkle::leaf_hash;

    fn manifest() -> Manifest {
        let mut frontier = Frontier::default();
        (0..5_u8).for_each(|n| frontier.push(leaf_hash(&[n])));
        let root = frontier.root();
        let listed = |file: &str, first, next, root| Listed {
            file: file.to_owned(),
            bytes: 9,
            sha256: [1; 32],
            first,
            next,
            root,
            written_micros: 7,
        };
        Manifest {
            archives: vec![listed("a.tidu", 0, 3, [2; 32]), listed("b.tidu", 3, 5, root)],
            tip: Tip {
                log_id: Uuid::from_u128(7),
                frontier,
                recorded_micros: Some(11),
                adoptions: vec![(0, [3; 32])],
            },
            epoch: 0,
            cursors: Some(CursorFile { file: "c.jsonl".to_owned(), bytes: 2, sha256: [4; 32] }),
        }
    }

    #[test]
    fn a_manifest_reads_back_and_no_changed_or_missing_byte_passes() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::read(dir.path()).unwrap(), None);
        manifest().write(dir.path()).unwrap();
        assert_eq!(Manifest::read(dir.path()).unwrap(), Some(manifest()));
        let path = dir.path().join(NAME);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).unwrap();
            assert!(Manifest::read(dir.path()).is_err(), "byte {at} changed");
            fs::write(&path, &whole[..at]).unwrap();
            assert!(Manifest::read(dir.path()).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn what_a_manifest_lists_fits_together() {
        let dir = tempfile::tempdir().unwrap();
        let refused = |change: &dyn Fn(&mut Manifest)| {
            let mut changed = manifest();
            change(&mut changed);
            changed.write(dir.path()).unwrap();
            Manifest::read(dir.path()).unwrap_err().to_string()
        };
        let cases: [&dyn Fn(&mut Manifest); 7] = [
            &|manifest| manifest.archives.clear(),
            &|manifest| drop(manifest.archives.remove(0)),
            &|manifest| drop(manifest.archives.pop()),
            &|manifest| manifest.archives[1].root = [0; 32],
            &|manifest| manifest.archives[0].file = "../a.tidu".to_owned(),
            &|manifest| manifest.tip.frontier.push([0; 32]),
            &|manifest| manifest.cursors.iter_mut().for_each(|cursors| cursors.file.clear()),
        ];
        for case in cases {
            let error = refused(case);
            assert!(error.contains("do not follow one another"), "{error}");
        }
    }

    #[test]
    fn a_newer_manifest_is_named_as_such() {
        let dir = tempfile::tempdir().unwrap();
        let line = r#"{"version":3,"anything":[]}"#;
        let digest = hex(&Measure::of(line.as_bytes()).sha256);
        fs::write(dir.path().join(NAME), format!("{line}\n{digest}\n")).unwrap();
        let error = Manifest::read(dir.path()).unwrap_err();
        assert!(error.to_string().contains("has version 3, this version reads 2"), "{error}");
    }

    /// An earlier version would lose the epoch, and need not refuse a backup without one.
    #[test]
    fn only_a_manifest_with_an_epoch_is_of_the_second_version() {
        let dir = tempfile::tempdir().unwrap();
        for (epoch, version) in [(0, 1), (3, 2)] {
            let manifest = Manifest { epoch, ..manifest() };
            manifest.write(dir.path()).unwrap();
            assert_eq!(Manifest::read(dir.path()).unwrap(), Some(manifest));
            let text = fs::read_to_string(dir.path().join(NAME)).unwrap();
            assert!(text.starts_with(&format!("{{\"version\":{version},")), "{text}");
            assert_eq!(text.contains("epoch"), epoch > 0);
        }
    }
}
