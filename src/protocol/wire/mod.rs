//! Counts what an encoded message would become, before anything of it is decoded.
//!
//! A decoder builds an element for each two bytes such as `22 00`, so a few bytes that unpack to
//! 16 MiB would cost half a gigabyte. A walk follows the wire format as the bytes arrive, in parts
//! of any length. It keeps no bytes and allocates nothing. It refuses a message at the element that
//! is too many.

mod shape;
#[cfg(test)]
mod tests;

use self::shape::Field;
pub use self::shape::Shape;
use crate::limits::MESSAGE_DEPTH_MAX;

/// Most elements of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Elements outside the items of the list.
    pub elements: u32,
    /// A list of the message itself whose items are counted one by one.
    pub list: Option<ListBounds>,
}

/// Bounds of a repeated message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListBounds {
    /// Number of the field.
    pub field: u32,
    /// Most items.
    pub items: u32,
    /// Most elements of one item.
    pub elements: u32,
}

/// What a message has. An element is a field, a value of a packed field, or the start of a message
/// or group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Elements outside the items of the list.
    pub elements: u32,
    /// Items of the list.
    pub items: u32,
    /// Elements of all items.
    pub of_items: u64,
}

/// Why a message is not to be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The bytes are not a message.
    #[error("{detail}")]
    Malformed {
        /// The fault, for people.
        detail: &'static str,
        /// The item of the list in which it is.
        item: Option<u32>,
    },
    /// The message has too many elements outside the list.
    #[error("the message has more than {0} elements")]
    Elements(u32),
    /// The list is too long.
    #[error("the list has more than {0} items")]
    Items(u32),
    /// An item has too many elements.
    #[error("item {item} has more than {limit} elements")]
    ItemElements {
        /// The item.
        item: u32,
        /// The bound.
        limit: u32,
    },
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Key,
    Number,
    Length,
    /// Bytes of a value that has no elements.
    Skip(u64),
    /// Bytes of a packed field, and whether the last one read ends its value.
    Packed(u64, bool),
}

/// A message or a group that has begun and has not ended.
#[derive(Clone, Copy, Debug)]
struct Open {
    shape: Shape,
    /// Position behind its last byte.
    end: u64,
    /// Number of the field, if it is a group.
    group: Option<u32>,
}

/// A walk over one message.
#[derive(Debug)]
pub struct Walk {
    bounds: Bounds,
    counts: Counts,
    /// True inside an item of the list.
    in_item: bool,
    /// Elements of the item at hand.
    item_elements: u32,
    /// Bytes read.
    position: u64,
    state: State,
    /// The number being read: its bits, and how many there are.
    number: u64,
    bits: u32,
    /// The field being read.
    field: u32,
    open: [Open; MESSAGE_DEPTH_MAX],
    depth: usize,
}

impl Walk {
    /// A walk over a message of a shape.
    #[must_use]
    pub fn new(shape: Shape, bounds: Bounds) -> Self {
        Self {
            bounds,
            counts: Counts::default(),
            in_item: false,
            item_elements: 0,
            position: 0,
            state: State::Key,
            number: 0,
            bits: 0,
            field: 0,
            open: [Open { shape, end: u64::MAX, group: None }; MESSAGE_DEPTH_MAX],
            depth: 0,
        }
    }

    /// Reads the next bytes of the message.
    ///
    /// # Errors
    /// [`WireError`], at the element that is too many. The walk is over then.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), WireError> {
        while !bytes.is_empty() {
            match self.state {
                State::Skip(left) => bytes = self.skip(left, bytes),
                State::Packed(left, _) => bytes = self.packed(left, bytes)?,
                State::Key | State::Number | State::Length => {
                    let (number, rest) = self.number(bytes)?;
                    bytes = rest;
                    let Some(number) = number else { break };
                    match self.state {
                        State::Key => self.key(number)?,
                        State::Length => self.length(number)?,
                        _ => self.state = State::Key,
                    }
                }
            }
            self.close()?;
        }
        Ok(())
    }

    /// Ends the message.
    ///
    /// # Errors
    /// [`WireError::Malformed`] if it is cut short.
    pub fn finish(self) -> Result<Counts, WireError> {
        if self.state != State::Key || self.bits > 0 || self.depth > 0 {
            return Err(self.malformed("the message is cut short"));
        }
        Ok(self.counts)
    }

    /// The number that begins here, if it ends in these bytes, and the bytes behind it.
    fn number<'a>(&mut self, bytes: &'a [u8]) -> Result<(Option<u64>, &'a [u8]), WireError> {
        for (index, byte) in bytes.iter().enumerate() {
            self.position += 1;
            if self.bits == 63 && *byte > 1 {
                return Err(self.malformed("a number has more than 64 bits"));
            }
            self.number |= u64::from(byte & 0x7F) << self.bits;
            self.bits += 7;
            if byte & 0x80 == 0 {
                self.bits = 0;
                let number = std::mem::take(&mut self.number);
                return Ok((Some(number), bytes.get(index + 1..).unwrap_or_default()));
            }
        }
        Ok((None, &[]))
    }

    fn key(&mut self, key: u64) -> Result<(), WireError> {
        let Ok(key) = u32::try_from(key) else {
            return Err(self.malformed("a key is too large"));
        };
        self.field = key >> 3;
        if self.field == 0 {
            return Err(self.malformed("a field has the number 0"));
        }
        const END_OF_GROUP: u32 = 4;
        if key & 7 == END_OF_GROUP {
            return self.end_group();
        }
        const LENGTH: u32 = 2;
        if key & 7 == LENGTH && self.begins_item() {
            self.state = State::Length;
            return self.begin_item();
        }
        self.count(1)?;
        match key & 7 {
            0 => self.state = State::Number,
            1 => self.begin_skip(8)?,
            LENGTH => self.state = State::Length,
            3 => {
                let end = self.top().end;
                self.begin(Open { shape: Shape::OPAQUE, end, group: Some(self.field) })?;
            }
            5 => self.begin_skip(4)?,
            _ => return Err(self.malformed("a field has an unknown type")),
        }
        Ok(())
    }

    fn length(&mut self, length: u64) -> Result<(), WireError> {
        let end = self.require_room(length)?;
        match self.top().shape.field(self.field) {
            Field::Message(shape) => {
                self.state = State::Key;
                self.begin(Open { shape, end, group: None })
            }
            Field::Packed if length > 0 => {
                self.state = State::Packed(length, true);
                Ok(())
            }
            Field::PackedFixed(width) => {
                self.count(u32::try_from(length / u64::from(width)).unwrap_or(u32::MAX))?;
                self.begin_skip(length)
            }
            Field::Packed | Field::Opaque => self.begin_skip(length),
        }
    }

    fn begins_item(&self) -> bool {
        self.depth == 0 && self.bounds.list.is_some_and(|list| list.field == self.field)
    }

    fn begin_item(&mut self) -> Result<(), WireError> {
        let most = self.bounds.list.map_or(0, |list| list.items);
        if self.counts.items == most {
            return Err(WireError::Items(most));
        }
        self.counts.items += 1;
        (self.in_item, self.item_elements) = (true, 0);
        Ok(())
    }

    fn begin(&mut self, open: Open) -> Result<(), WireError> {
        let Some(place) = self.open.get_mut(self.depth + 1) else {
            return Err(self.malformed("messages are nested too deep"));
        };
        *place = open;
        self.depth += 1;
        Ok(())
    }

    fn end_group(&mut self) -> Result<(), WireError> {
        if self.top().group != Some(self.field) {
            return Err(self.malformed("a group ends that has not begun"));
        }
        self.depth -= 1;
        Ok(())
    }

    /// Closes the messages that end here.
    fn close(&mut self) -> Result<(), WireError> {
        while self.state == State::Key && self.bits == 0 && self.position == self.top().end {
            if self.top().group.is_some() {
                return Err(self.malformed("a group does not end"));
            }
            self.depth -= 1;
            self.in_item &= self.depth > 0;
        }
        if self.position >= self.top().end {
            return Err(self.malformed("a field is longer than its message"));
        }
        Ok(())
    }

    /// Counts elements of the item at hand, or of the message.
    fn count(&mut self, elements: u32) -> Result<(), WireError> {
        if let (Some(list), Some(item)) = (self.bounds.list, self.item()) {
            self.counts.of_items += u64::from(elements);
            self.item_elements = self.item_elements.saturating_add(elements);
            if self.item_elements > list.elements {
                return Err(WireError::ItemElements { item, limit: list.elements });
            }
            return Ok(());
        }
        self.counts.elements = self.counts.elements.saturating_add(elements);
        if self.counts.elements > self.bounds.elements {
            return Err(WireError::Elements(self.bounds.elements));
        }
        Ok(())
    }

    fn begin_skip(&mut self, bytes: u64) -> Result<(), WireError> {
        self.require_room(bytes)?;
        self.state = if bytes == 0 { State::Key } else { State::Skip(bytes) };
        Ok(())
    }

    /// The position behind so many bytes, which must be inside the message.
    fn require_room(&self, bytes: u64) -> Result<u64, WireError> {
        let end = self.position.checked_add(bytes).filter(|end| *end <= self.top().end);
        end.ok_or_else(|| self.malformed("a field is longer than its message"))
    }

    fn skip<'a>(&mut self, left: u64, bytes: &'a [u8]) -> &'a [u8] {
        let (here, rest) = split(bytes, left);
        self.position += here.len() as u64;
        let left = left - here.len() as u64;
        self.state = if left == 0 { State::Key } else { State::Skip(left) };
        rest
    }

    /// Counts the values that end in the bytes of a packed field.
    fn packed<'a>(&mut self, left: u64, bytes: &'a [u8]) -> Result<&'a [u8], WireError> {
        let (here, rest) = split(bytes, left);
        self.position += here.len() as u64;
        let left = left - here.len() as u64;
        let values = here.iter().filter(|byte| **byte & 0x80 == 0).count();
        self.count(u32::try_from(values).unwrap_or(u32::MAX))?;
        let ended = here.last().is_some_and(|byte| byte & 0x80 == 0);
        if left == 0 && !ended {
            return Err(self.malformed("a field is longer than its message"));
        }
        self.state = if left == 0 { State::Key } else { State::Packed(left, ended) };
        Ok(rest)
    }

    fn top(&self) -> Open {
        self.open.get(self.depth).copied().unwrap_or(TOP)
    }

    /// The item of the list at hand.
    fn item(&self) -> Option<u32> {
        self.in_item.then(|| self.counts.items.saturating_sub(1))
    }

    fn malformed(&self, detail: &'static str) -> WireError {
        WireError::Malformed { detail, item: self.item() }
    }
}

/// A place that no walk leaves.
const TOP: Open = Open { shape: Shape::OPAQUE, end: u64::MAX, group: None };

/// At most so many bytes, and the rest.
fn split(bytes: &[u8], at_most: u64) -> (&[u8], &[u8]) {
    let at = usize::try_from(at_most).map_or(bytes.len(), |at| at.min(bytes.len()));
    bytes.split_at_checked(at).unwrap_or((bytes, &[]))
}

/// Counts the elements of a whole message.
///
/// # Errors
/// [`WireError`].
pub fn count(shape: Shape, bounds: Bounds, message: &[u8]) -> Result<Counts, WireError> {
    let mut walk = Walk::new(shape, bounds);
    walk.push(message)?;
    walk.finish()
}
