//! Values of the register as bytes: little-endian numbers, an optional value behind a byte that is
//! 0 or 1, a variant behind its number.
//!
//! Every byte read is checked: a number that names nothing is an error. So whatever the bytes are,
//! no part of the register gets a handle that leads nowhere. The format belongs to one build alone
//! (see `ledger/snapshot/`), so nothing here is kept for other versions.

use crate::domain::{
    AuthorityCode, CivilDate, IndustryCode, Issuer, RegionCode,
    event::{
        Declared, Ground, LinkReason, Part, Restructuring, ReviewFailureCause, SubjectEndCause,
    },
    kind::{Kind, ProgrammeId},
};

/// Why bytes are not those of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub(in crate::register) &'static str);

impl Unfit {
    /// The reason.
    #[must_use]
    pub fn why(self) -> &'static str {
        self.0
    }
}

/// The ends of what handles may name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::register) struct Ends {
    /// Number of events.
    pub(in crate::register) size: u32,
    /// The first symbol after all texts.
    pub(in crate::register) texts: u32,
    /// Number of designees.
    pub(in crate::register) designees: u32,
}

/// Bytes that are being read.
#[derive(Debug)]
pub(in crate::register) struct Stream<'a> {
    bytes: &'a [u8],
    ends: Ends,
}

impl<'a> Stream<'a> {
    pub(in crate::register) fn new(bytes: &'a [u8], ends: Ends) -> Self {
        Self { bytes, ends }
    }

    pub(in crate::register) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(in crate::register) fn ends(&self) -> Ends {
        self.ends
    }

    /// The next bytes.
    pub(in crate::register) fn bytes(&mut self, length: usize) -> Result<&'a [u8], Unfit> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(CUT)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unfit> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or(CUT)?;
        self.bytes = rest;
        Ok(*taken)
    }

    /// All values that are left.
    pub(in crate::register) fn rest<T: Stored>(&mut self) -> Result<Vec<T>, Unfit> {
        let mut values = Vec::new();
        while !self.is_empty() {
            values.push(T::get(self)?);
        }
        Ok(values)
    }
}

const CUT: Unfit = Unfit("a value is cut off");
const UNKNOWN: Unfit = Unfit("a number names nothing");

/// A value that is stored.
pub(in crate::register) trait Stored: Sized {
    /// Adds it to some bytes.
    fn put(&self, out: &mut Vec<u8>);

    /// Reads it.
    ///
    /// # Errors
    /// [`Unfit`] if the bytes are not those of such a value.
    fn get(from: &mut Stream<'_>) -> Result<Self, Unfit>;
}

/// Adds the length of some bytes and the bytes. None of them is as long as 4 GiB.
pub(in crate::register) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).put(out);
    out.extend_from_slice(bytes);
}

/// Reads bytes behind their length.
pub(in crate::register) fn take_bytes<'a>(from: &mut Stream<'a>) -> Result<&'a [u8], Unfit> {
    let length = u32::get(from)?;
    from.bytes(length as usize)
}

macro_rules! stored_numbers {
    ($($number:ty),*) => {$(
        impl Stored for $number {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn get(from: &mut Stream<'_>) -> Result<Self, Unfit> {
                from.array().map(Self::from_le_bytes)
            }
        }
    )*};
}

stored_numbers!(u8, u16, u32, u64);

/// Values that have a number.
macro_rules! stored_by_number {
    ($($value:ty: $to:expr, $of:expr;)*) => {$(
        impl Stored for $value {
            fn put(&self, out: &mut Vec<u8>) {
                $to(*self).put(out);
            }

            fn get(from: &mut Stream<'_>) -> Result<Self, Unfit> {
                $of(Stored::get(from)?).ok_or(UNKNOWN)
            }
        }
    )*};
}

stored_by_number! {
    bool: u8::from, |number: u8| (number < 2).then_some(number == 1);
    CivilDate: CivilDate::number, CivilDate::of_number;
    AuthorityCode: AuthorityCode::index, AuthorityCode::of_index;
    ProgrammeId: ProgrammeId::index, ProgrammeId::of_index;
    RegionCode: RegionCode::number, RegionCode::of_number;
    IndustryCode: IndustryCode::index, IndustryCode::of_index;
    Kind: Kind::number, |number: u8| Kind::from_number(number.into());
}

impl Stored for Issuer {
    fn put(&self, out: &mut Vec<u8>) {
        self.authority().put(out);
    }

    fn get(from: &mut Stream<'_>) -> Result<Self, Unfit> {
        Ok(Option::<AuthorityCode>::get(from)?.map_or(Self::Service, Self::Authority))
    }
}

impl<T: Stored> Stored for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn get(from: &mut Stream<'_>) -> Result<Self, Unfit> {
        bool::get(from)?.then(|| T::get(from)).transpose()
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_all(self, out);
    }

    fn get(from: &mut Stream<'_>) -> Result<Self, Unfit> {
        let length = u32::get(from)?;
        // It grows as its values are found, so a length alone takes no memory.
        (0..length).map(|_| T::get(from)).collect()
    }
}

/// Adds the number of some values and the values.
pub(in crate::register) fn put_all<T: Stored>(values: &[T], out: &mut Vec<u8>) {
    u32::try_from(values.len()).unwrap_or(u32::MAX).put(out);
    values.iter().for_each(|value| value.put(out));
}

/// Adds some values, and gives their number.
pub(in crate::register) fn put_each<'a, T: Stored + 'a>(
    values: impl Iterator<Item = &'a T>,
    out: &mut Vec<u8>,
) -> usize {
    let mut count = 0;
    for value in values {
        value.put(out);
        count += 1;
    }
    count
}

impl<A: Stored, B: Stored> Stored for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn get(from: &mut Stream<'_>) -> Result<Self, Unfit> {
        Ok((A::get(from)?, B::get(from)?))
    }
}

/// A structure: its fields in this order.
macro_rules! stored_struct {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl Stored for $name {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$field.put(out);)*
            }

            fn get(from: &mut Stream<'_>) -> Result<Self, Unfit> {
                Ok(Self { $($field: Stored::get(from)?),* })
            }
        }
    };
}

/// An enumeration: the number of the variant and its fields in this order. A variant that is
/// missing here does not compile.
macro_rules! stored_enum {
    ($name:ident { $($number:literal = $variant:ident $({ $($field:ident),* $(,)? })?,)* }) => {
        impl Stored for $name {
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $({ $($field),* })? => {
                        out.push($number);
                        $($($field.put(out);)*)?
                    })*
                }
            }

            fn get(from: &mut Stream<'_>) -> Result<Self, Unfit> {
                match u8::get(from)? {
                    $($number => Ok(Self::$variant $({ $($field: Stored::get(from)?),* })?),)*
                    _ => Err(Unfit("a variant is not known")),
                }
            }
        }
    };
}

pub(in crate::register) use {stored_enum, stored_struct};

stored_struct!(Declared { designated, reviewed });
stored_enum!(Part { 0 = Titles, 1 = Measures, 2 = Notices, 3 = InformationUpdates, });
stored_enum!(Restructuring { 0 = Merger, 1 = Absorption, 2 = Division, 3 = Reorganisation, });
stored_enum!(SubjectEndCause { 0 = Deregistered, 1 = LicenceRevoked, 2 = Absorbed, });
stored_enum!(LinkReason { 0 = Identified, 1 = Reregistered, 2 = Duplicate, });
stored_enum!(ReviewFailureCause { 0 = NotUpToStandard, 1 = NotSubmitted, });
stored_enum!(Ground {
    0 = BelowStandard,
    1 = SafetyAccident,
    2 = QualityAccident,
    3 = PollutionAccident,
    4 = Dishonesty,
    5 = TaxEvasion,
    6 = Falsification,
    7 = DutyNotMet,
    8 = ReviewNotSubmitted,
    9 = Other,
});

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Stored>(bytes: &[u8]) -> Result<T, Unfit> {
        T::get(&mut Stream::new(bytes, Ends::default()))
    }

    #[test]
    fn values_come_back_and_others_are_refused() {
        let mut bytes = Vec::new();
        let value = (Some(CivilDate::MAX), vec![Kind::Renamed, Kind::Corrected]);
        value.put(&mut bytes);
        assert_eq!(read(&bytes), Ok(value));
        for cut in 0..bytes.len() {
            assert!(read::<(Option<CivilDate>, Vec<Kind>)>(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        assert_eq!(read::<bool>(&[2]), Err(UNKNOWN));
        assert_eq!(read::<Kind>(&[1]), Err(UNKNOWN));
        assert_eq!(read::<AuthorityCode>(&[38]), Err(UNKNOWN));
        assert_eq!(read::<CivilDate>(&[0; 4]), Err(UNKNOWN));
        assert_eq!(read::<Vec<u8>>(&[255; 4]), Err(CUT), "a length alone takes no memory");
        assert!(read::<Ground>(&[99]).is_err());
    }
}
