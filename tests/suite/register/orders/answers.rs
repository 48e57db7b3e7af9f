//! All answers about all designees, in words that do not depend on positions.

use std::collections::BTreeMap;

use jiff::civil::Date;
use tidu::{
    domain::{DesigneeId, catalogue::Catalogues},
    register::{AsOf, Register},
};

use crate::support::{day, stories::PEOPLE};

/// What was answered about a designee on a day: each title, and the rest.
#[derive(Debug, Default)]
pub(super) struct Answers {
    parts: BTreeMap<(&'static str, Date), Vec<String>>,
    pub(super) superseded: usize,
}

impl Answers {
    /// The first answers that differ.
    pub(super) fn difference(&self, other: &Self) -> Option<(String, String)> {
        let mut keys = self.parts.keys().chain(other.parts.keys());
        let key = keys.find(|key| self.parts.get(*key) != other.parts.get(*key))?;
        let none = Vec::new();
        let [one, two] = [self, other].map(|answers| answers.parts.get(key).unwrap_or(&none));
        let only = |own: &[String], others: &[String]| {
            let own: Vec<&String> = own.iter().filter(|part| !others.contains(part)).collect();
            format!("  {key:?} {own:?}")
        };
        Some((only(one, two), only(two, one)))
    }
}

pub(super) fn answers(
    catalogues: &Catalogues,
    register: &Register,
    days: &[Date],
    places: &[Option<u64>],
) -> Answers {
    let number = |position: &mut u64| {
        let at = places.iter().position(|place| *place == Some(*position));
        *position = at.unwrap() as u64;
    };
    let mut answers = Answers::default();
    let known_at = register.size();
    for who in PEOPLE {
        let id = DesigneeId::parse(who).unwrap();
        let Some(index) = register.find(&id, known_at) else { continue };
        for on in days {
            let as_of = AsOf { valid_on: day(&on.to_string()), known_at };
            let mut view = register.view(catalogues, index, as_of);
            view.positions.iter_mut().for_each(number);
            view.positions.sort_unstable();
            view.ids.iter_mut().filter_map(|id| id.position.as_mut()).for_each(number);
            view.profile_at.iter_mut().for_each(number);
            view.version = 0;
            for title in &mut view.titles {
                title.positions.iter_mut().for_each(number);
                title.superseded.iter_mut().for_each(number);
                title.ended_at.iter_mut().for_each(number);
                title.supports.iter_mut().for_each(|support| number(&mut support.position));
            }
            let titles = std::mem::take(&mut view.titles);
            answers.superseded += titles.iter().map(|title| title.superseded.len()).sum::<usize>();
            let titles = titles.iter().map(|title| format!("{title:?}"));
            let parts = titles.chain([format!("{view:?}")]).collect();
            answers.parts.insert((who, *on), parts);
        }
    }
    answers
}
