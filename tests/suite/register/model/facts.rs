//! The facts in force, whose they are, and their order.

use std::collections::BTreeSet;

use jiff::civil::Date;
use tidu::protocol::pb;

use crate::support::stories::{Fact, Of, Said, precedence};

/// Everything that was said, by position.
pub(super) struct Model<'a> {
    pub(super) said: &'a [Said],
    /// Where each number of the story was recorded.
    pub(super) recorded: &'a [Option<u64>],
    /// The order of the catalogue.
    programmes: &'a [&'a str],
    in_force: Vec<(usize, Said)>,
}

/// A fact in force: where, and what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed<'a> {
    pub(super) place: usize,
    pub(super) said: &'a Said,
}

/// The end of a subject.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gone {
    pub(super) on: Date,
    pub(super) cause: Cause,
    pub(super) place: usize,
}

/// Why a title ended, by the number of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Cause {
    None = 0,
    Lapsed = 1,
    NotUpToStandard = 2,
    NotSubmitted = 3,
    Revoked = 4,
    Surrendered = 5,
    Deregistered = 6,
    Absorbed = 7,
    Restructured = 8,
    Transferred = 9,
    Converted = 10,
    Withdrawn = 11,
    Upheld = 12,
    NotOnFinalList = 13,
    CreationFailed = 14,
}

impl<'a> Model<'a> {
    pub(super) fn new(
        said: &'a [Said],
        recorded: &'a [Option<u64>],
        programmes: &'a [&'a str],
    ) -> Self {
        let mut model = Self { said, recorded, programmes, in_force: Vec::new() };
        model.in_force = model.find_in_force();
        model
    }

    fn target(&self, position: usize) -> Option<usize> {
        match &self.said[position].fact {
            Fact::Annulled { number } | Fact::Corrected { number, .. } => {
                self.recorded[*number].map(|at| at as usize).filter(|at| *at < position)
            }
            _ => None,
        }
    }

    fn removes(&self, position: usize) -> bool {
        matches!(self.said[position].fact, Fact::Annulled { .. })
    }

    /// The newest live repair of an event.
    fn repair_of(&self, position: usize) -> Option<usize> {
        let repairs = (0..self.said.len()).filter(|r| self.target(*r) == Some(position));
        repairs.filter(|r| self.repair_of(*r).is_none_or(|again| !self.removes(again))).max()
    }

    /// What holds in the place of an event.
    fn content(&self, position: usize) -> Option<&Said> {
        match self.repair_of(position) {
            Some(repair) if self.removes(repair) => None,
            Some(repair) => self.content(repair),
            None => match &self.said[position].fact {
                Fact::Corrected { said, .. } => Some(said),
                _ => Some(&self.said[position]),
            },
        }
    }

    /// The event that carries what holds in the place of an event.
    pub(super) fn source(&self, position: usize) -> u64 {
        match self.repair_of(position) {
            Some(repair) if !self.removes(repair) => self.source(repair),
            _ => position as u64,
        }
    }

    /// Every fact in force, in the order in which facts are read.
    fn find_in_force(&self) -> Vec<(usize, Said)> {
        let roots = (0..self.said.len()).filter(|at| !self.said[*at].fact.is_repair());
        let mut facts: Vec<_> =
            roots.filter_map(|place| Some((place, self.content(place)?.clone()))).collect();
        facts.sort_by_key(|(place, said)| {
            let title = said.fact.titles().first().map(|of: &Of| {
                let programme = self.programmes.iter().position(|id| *id == of.programme.id);
                (programme, of.authority)
            });
            (said.day, precedence(&said.fact), title, *place)
        });
        facts
    }

    pub(super) fn facts(&self) -> impl Iterator<Item = Placed<'_>> {
        self.in_force.iter().map(|(place, said)| Placed { place: *place, said })
    }

    /// All identifiers of the subject that has this one.
    pub(super) fn subject(&self, id: &'static str) -> BTreeSet<&'static str> {
        let mut same = BTreeSet::from([id]);
        loop {
            let before = same.len();
            for Placed { said, .. } in self.facts() {
                let Fact::Linked { other, .. } = said.fact else { continue };
                if same.contains(said.who) || same.contains(other) {
                    same.extend([said.who, other]);
                }
            }
            if same.len() == before {
                return same;
            }
        }
    }

    /// One identifier for the subject.
    pub(super) fn root(&self, id: &'static str) -> &'static str {
        self.subject(id).first().copied().unwrap()
    }

    /// The days of the seals of a batch that close a sub-list of it, or the whole.
    pub(super) fn seals(&self, title: Of, batch: &str, sublist: &str, as_of: Date) -> Vec<Date> {
        let seals = self.facts().filter_map(|Placed { said, .. }| match said.fact {
            Fact::Sealed { of, batch: sealed, sublist: part } => {
                let same = (of.programme.id, of.authority) == (title.programme.id, title.authority)
                    && sealed == batch
                    && (part.is_empty() || part == sublist);
                (same && said.day <= as_of).then_some(said.day)
            }
            _ => None,
        });
        seals.collect()
    }

    /// The end of a subject, as a fact says it.
    pub(super) fn end_of(placed: Placed<'_>) -> Option<Gone> {
        let cause = match &placed.said.fact {
            Fact::Ended { cause: pb::SubjectEndCause::LicenceRevoked } => return None,
            Fact::Ended { cause: pb::SubjectEndCause::Absorbed } => Cause::Absorbed,
            Fact::Ended { .. } => Cause::Deregistered,
            Fact::Restructured { kind: pb::RestructuringKind::Absorption, ends: true, .. } => {
                Cause::Absorbed
            }
            Fact::Restructured { ends: true, .. } => Cause::Restructured,
            _ => return None,
        };
        Some(Gone { on: placed.said.day, cause, place: placed.place })
    }
}
