//! The words of an event: ids, dates, facts, the catalogue. Values are parsed at the edge and carry
//! their proof inside. Pure: no I/O, no clock, no randomness.

pub mod access;
mod authority;
mod body;
pub mod catalogue;
pub mod characters;
mod date;
mod designee;
mod divisions;
mod document;
pub mod escape;
pub mod event;
pub mod fault;
mod holdings;
mod holidays;
mod industry;
mod issuer;
pub mod kind;
pub mod name;
mod party;
pub mod personal;
mod principal;
pub mod region;
mod secret_url;
pub mod text;
mod uscc;
mod withheld;

pub use self::{
    authority::{Authority, AuthorityCode, AuthorityKind},
    body::{Body, BodyCode, BodyName},
    date::{CivilDate, PartialDate},
    designee::DesigneeId,
    document::DocumentNumber,
    holdings::{Claim, Holdings},
    industry::IndustryCode,
    issuer::Issuer,
    name::Name,
    party::Party,
    principal::Principal,
    region::{Region, RegionCode},
    secret_url::masked_url,
    uscc::Uscc,
    withheld::{Concerns, Withheld},
};

/// The first columns of a built-in CSV table, without its header. Rows are compiled in; tests count
/// them.
pub(crate) fn table<const COLUMNS: usize>(text: &'static str) -> Vec<[&'static str; COLUMNS]> {
    let row = |line: &'static str| {
        let mut cells = line.split(',').map(|cell| cell.trim_matches('"'));
        std::array::from_fn(|_| cells.next().unwrap_or(""))
    };
    text.lines().skip(1).filter(|line| !line.is_empty()).map(row).collect()
}
