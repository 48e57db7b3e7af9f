//! Which events concern an authority, a programme, a kind, a region, a batch or a designee.
//!
//! The scope of an event follows from the event and from earlier ones, never from later ones: every
//! reader at every time gets the same events.

mod interest;
mod postings;
mod scope;
mod search;
mod sight;
mod stored;

pub use self::{
    interest::{EventScope, Interest, Terms},
    sight::Sight,
};
pub(super) use self::{
    postings::Index,
    scope::{Located, Scope, ScopeBuilder, authority_bit, located, programme_bit},
    search::{Search, any_identifier},
    stored::{SetName, SetRead},
};
