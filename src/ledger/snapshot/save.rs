//! Writes a snapshot while the writer goes on: the register is read in slices, each in a hold of
//! its own, and the file is synced piece by piece.

use std::{io, path::Path, time::Duration};

use super::{
    binding::{Header, RULES_BUILD, adopted_below, rules_digest},
    file::{REQUESTS, SnapshotWriter, number_of},
};
use crate::{
    ledger::{Durable, Shared},
    limits::{SNAPSHOT_REQUESTS, SNAPSHOT_SECTION_BYTES},
    log::DiskLow,
    merkle::Frontier,
    register::{ImageWriter, Part, Unfit},
};

/// The durable state of the log, and what its snapshot needs beside the register.
#[derive(Clone, Debug)]
pub(in crate::ledger) struct Written {
    pub(in crate::ledger) durable: Durable,
    pub(in crate::ledger) frontier: Frontier,
    /// Bytes of the chunks of the log.
    pub(in crate::ledger) stored_bytes: u64,
}

/// A snapshot that was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Saved {
    pub(super) bytes: u64,
}

/// Why no snapshot was written.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotSaved {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    DiskLow(#[from] DiskLow),
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// There was no time left, or the process ends.
    #[error("there was no time left")]
    Stopped,
}

/// Goes on or stops between two slices, the last of which took so long.
pub(super) type Pace<'a> = &'a mut dyn FnMut(Duration) -> Result<(), NotSaved>;

/// Writes a snapshot of the register at a size that is durable. `pace` is asked after each slice,
/// and `marked` waits until the high-water mark has reached that size.
pub(super) fn save(
    shared: &Shared,
    path: &Path,
    written: &Written,
    pace: Pace<'_>,
    marked: &mut dyn FnMut() -> Result<(), NotSaved>,
) -> Result<Saved, NotSaved> {
    let Durable { extent, recorded_micros, format, size, .. } = written.durable;
    let mut image = ImageWriter::new(extent);
    let (begun_with, adopted) = adopted_below(shared.catalogues.now(), size);
    let header = {
        let register = shared.read_register();
        Header {
            build: RULES_BUILD,
            rules: rules_digest(register.rules_book()),
            log_id: shared.log.id(),
            copy_id: shared.log.copy_id(),
            begun_with,
            adopted,
            frontier: written.frontier.clone(),
            recorded_micros,
            format,
            stored_bytes: written.stored_bytes,
            image: image.head(&register),
        }
    };
    require_room(shared, 0)?;
    let mut sections = Sections {
        shared,
        file: SnapshotWriter::begin(path, &header.bytes())?,
        part: number_of(Part::Rows),
        section: Vec::new(),
    };
    loop {
        let (began, length) = (shared.clock.monotonic(), sections.section.len());
        let part = image.slice(&shared.read_register(), &mut sections.section)?;
        let took = shared.clock.monotonic().saturating_sub(began);
        let Some(part) = part else { break };
        sections.take(number_of(part), length)?;
        pace(took)?;
    }
    let mut taken = 0;
    loop {
        let keys = shared.requests.keys_below(size, taken, SNAPSHOT_REQUESTS);
        if keys.is_empty() {
            break;
        }
        taken += keys.len();
        let length = sections.section.len();
        for (hash, position) in keys {
            sections.section.extend(hash.to_le_bytes());
            sections.section.extend(position.to_le_bytes());
        }
        sections.take(REQUESTS, length)?;
        pace(Duration::ZERO)?;
    }
    let file = sections.finish()?;
    marked()?;
    Ok(Saved { bytes: file.commit()? })
}

/// Sections that are being filled.
struct Sections<'a> {
    shared: &'a Shared,
    file: SnapshotWriter,
    part: u32,
    section: Vec<u8>,
}

impl Sections<'_> {
    /// Takes a slice of a part, which begins at `from`. A section ends with the part, and when it
    /// is large enough.
    fn take(&mut self, part: u32, from: usize) -> Result<(), NotSaved> {
        if part != self.part {
            let slice = self.section.split_off(from);
            self.end()?;
            (self.part, self.section) = (part, slice);
        }
        if self.section.len() >= SNAPSHOT_SECTION_BYTES { self.end() } else { Ok(()) }
    }

    fn end(&mut self) -> Result<(), NotSaved> {
        if !self.section.is_empty() {
            require_room(self.shared, self.section.len())?;
            self.file.add(self.part, &self.section)?;
            self.section.clear();
        }
        Ok(())
    }

    fn finish(mut self) -> Result<SnapshotWriter, NotSaved> {
        self.end()?;
        Ok(self.file)
    }
}

/// The reserve of the disk is for the log.
fn require_room(shared: &Shared, bytes: usize) -> Result<(), DiskLow> {
    let wanted = bytes.max(SNAPSHOT_SECTION_BYTES) as u64;
    shared.log.low(wanted).map_or(Ok(()), Err)
}
