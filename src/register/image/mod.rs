//! The register as bytes: written in slices while it goes on growing, and read in sections, several
//! at a time.
//!
//! An image shows the register at one size that is never taken back. Nearly everything in it only
//! grows, with positions: an image has what lies below its size. The rest follows from that, is
//! left out, and made again when the image is read: previous events, hash tables, lists by
//! designee, batches, the framework, adopted rules. Undo records are left out: nothing goes back
//! below the size.
//!
//! The bytes are those of one build of the rules. Whoever keeps them says of which.

mod read;
mod write;

pub use self::{
    read::{Both, Image, SectionRead},
    write::ImageWriter,
};
use super::{
    Extent,
    identity::Secret,
    stored::{Ends, Stored, Stream, Unfit},
};

/// The parts of an image, in the order in which they are written. Each consists of sections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::FromRepr)]
#[repr(u8)]
pub enum Part {
    /// Rows, in pages.
    Rows = 1,
    /// Texts, in pages.
    Texts = 2,
    /// The texts that are stored once.
    Words = 3,
    /// The kept keys of names.
    Keys = 4,
    /// Identifiers of designees, in pages.
    Designees = 5,
    /// Hashes of their names.
    Names = 6,
    /// Ties of events to other designees, and the facts of corrections.
    Ties = 7,
    /// Scopes.
    Scopes = 8,
    /// Sets of positions.
    Sets = 9,
    /// Withheld places.
    Withheld = 10,
}

impl Part {
    /// Its number in a file.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }
}

/// The head by which the sections of an image are read.
#[derive(Clone, Copy, Debug)]
pub struct ImageHead {
    ends: Ends,
    secret: Secret,
    /// Number of names, each counted once: room to make.
    borne: u64,
}

impl ImageHead {
    /// Number of events.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.ends.size.into()
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let Ends { size, texts, designees } = self.ends;
        let mut out = Vec::new();
        [size, texts, designees].iter().for_each(|end| end.put(&mut out));
        self.secret.put(&mut out);
        self.borne.put(&mut out);
        out
    }

    /// Reads the bytes that [`ImageHead::bytes`] gave.
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn read(bytes: &[u8]) -> Result<Self, Unfit> {
        let mut from = Stream::new(bytes, Ends::default());
        let (size, texts, designees) =
            (u32::get(&mut from)?, u32::get(&mut from)?, u32::get(&mut from)?);
        let secret = Secret::get(&mut from)?;
        let head =
            Self { ends: Ends { size, texts, designees }, secret, borne: u64::get(&mut from)? };
        from.is_empty().then_some(head).ok_or(Unfit("the head is too long"))
    }
}

impl Extent {
    fn ends(self) -> Ends {
        self.rows.ends(u32::try_from(self.designees).unwrap_or(u32::MAX))
    }
}
