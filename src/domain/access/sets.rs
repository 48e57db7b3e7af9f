//! Authorities, programmes and kinds as sets, a bit each.

use crate::domain::{
    AuthorityCode,
    kind::{Kind, ProgrammeId},
};

macro_rules! set {
    ($(#[$doc:meta])* $name:ident, $bits:ty, $item:ty, $place:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name($bits);

        impl $name {
            /// The set with these bits.
            #[must_use]
            pub const fn from_bits(bits: $bits) -> Self {
                Self(bits)
            }

            /// The bits.
            #[must_use]
            pub const fn bits(self) -> $bits {
                self.0
            }

            /// Adds an item.
            pub fn insert(&mut self, item: $item) {
                self.0 |= 1 << $place(item);
            }

            /// True if an item is in it.
            #[must_use]
            pub fn contains(self, item: $item) -> bool {
                self.0 & (1 << $place(item)) != 0
            }

            /// True without items.
            #[must_use]
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// True if some item is in both.
            #[must_use]
            pub const fn intersects(self, other: Self) -> bool {
                self.0 & other.0 != 0
            }

            /// True if every item of it is in the other one.
            #[must_use]
            pub const fn is_within(self, other: Self) -> bool {
                self.0 & !other.0 == 0
            }
        }

        impl FromIterator<$item> for $name {
            fn from_iter<I: IntoIterator<Item = $item>>(items: I) -> Self {
                let mut all = Self::default();
                items.into_iter().for_each(|item| all.insert(item));
                all
            }
        }
    };
}

set!(
    /// Some authorities.
    AuthoritySet,
    u64,
    AuthorityCode,
    |authority: AuthorityCode| authority.index()
);
set!(
    /// Some programmes.
    ProgrammeSet,
    u32,
    ProgrammeId,
    |programme: ProgrammeId| programme.index()
);
set!(
    /// Some kinds of facts.
    KindSet,
    u128,
    Kind,
    |kind: Kind| kind.number()
);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_set_holds_what_was_put_into_it() {
        let code = |text| AuthorityCode::parse(text).unwrap();
        let some: AuthoritySet = [code("100000"), code("440000")].into_iter().collect();
        assert!(some.contains(code("440000")) && !some.contains(code("330000")));
        let one: AuthoritySet = [code("440000")].into_iter().collect();
        assert!(one.is_within(some) && !some.is_within(one) && one.intersects(some));
        assert!(AuthoritySet::default().is_within(one) && AuthoritySet::default().is_empty());
        let kinds: KindSet = Kind::all().collect();
        assert!(Kind::all().all(|kind| kinds.contains(kind)));
        assert_eq!(AuthoritySet::from_bits(some.bits()), some);
    }
}
