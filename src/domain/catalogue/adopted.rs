//! The catalogues of a log, in the order of their adoption.

use std::sync::Arc;

use super::{Catalogue, CatalogueError, Numbering, RuleVersion};
use crate::{
    domain::{
        fault::{Breach, RuleId},
        kind::ProgrammeId,
    },
    limits::CATALOGUE_ADOPTIONS_MAX,
};

/// The catalogues that a log has adopted. For an event, the one counts that was adopted last at or
/// below its position. Before the first adoption that is the first built-in one.
///
/// A [`ProgrammeId`] and the number of a rule version mean the same in all of them, so the register
/// keeps only these numbers.
#[derive(Clone, Debug)]
pub struct Catalogues {
    /// The one that counts for a log without events.
    begun_with: Arc<Catalogue>,
    first: Adoption,
    /// In the order of their positions.
    later: Vec<Adoption>,
    numbering: Numbering,
}

/// A catalogue with the event from which on it counts.
#[derive(Clone, Debug)]
pub struct Adoption {
    /// Position of the event; `None` if the catalogue counts from the start without one.
    pub position: Option<u64>,
    /// The catalogue.
    pub catalogue: Arc<Catalogue>,
}

impl Catalogues {
    /// The catalogues of a log that has adopted none: `first` counts.
    #[must_use]
    pub fn new(first: Arc<Catalogue>) -> Self {
        let mut numbering = Numbering::default();
        let mut catalogue = Arc::unwrap_or_clone(first);
        // A catalogue that was read fits into a numbering of its own.
        let _ = catalogue.renumber(&mut numbering);
        let catalogue = Arc::new(catalogue);
        let first = Adoption { position: None, catalogue: Arc::clone(&catalogue) };
        Self { begun_with: catalogue, first, later: Vec::new(), numbering }
    }

    /// The catalogues of a log that has adopted none.
    #[must_use]
    pub fn built_in() -> Self {
        let first = Catalogue::all_built_in().next().unwrap_or_else(Catalogue::built_in);
        Self::new(Arc::new(first))
    }

    /// Adds the catalogue that the event at a position adopts. It changes nothing if that catalogue
    /// counts already. Positions only grow.
    ///
    /// # Errors
    /// [`CatalogueError`] if all catalogues together have too many programmes, rule versions or
    /// adoptions; nothing is changed then.
    pub fn adopt(&mut self, position: u64, catalogue: &Catalogue) -> Result<(), CatalogueError> {
        if catalogue.sha256 == self.in_use().sha256 {
            return Ok(());
        }
        if position == 0 {
            // The first catalogue has counted for nothing, so its programmes take up no numbers.
            let begun_with = Arc::clone(&self.begun_with);
            *self = Self { begun_with, ..Self::new(Arc::new(catalogue.clone())) };
            self.first.position = Some(0);
            return Ok(());
        }
        if self.later.len() + 1 >= CATALOGUE_ADOPTIONS_MAX {
            let most = CATALOGUE_ADOPTIONS_MAX;
            return Err(CatalogueError(format!("a log adopts at most {most} catalogues")));
        }
        let (mut numbering, mut catalogue) = (self.numbering.clone(), catalogue.clone());
        catalogue.renumber(&mut numbering).map_err(CatalogueError)?;
        self.numbering = numbering;
        self.later.push(Adoption { position: Some(position), catalogue: Arc::new(catalogue) });
        Ok(())
    }

    /// The catalogue that counts for the event at a position.
    #[must_use]
    pub fn at(&self, position: u64) -> &Arc<Catalogue> {
        let adopted = |adoption: &&Adoption| adoption.position.is_some_and(|at| at <= position);
        &self.later.iter().rfind(adopted).unwrap_or(&self.first).catalogue
    }

    /// The catalogue that counts for every event, if there is one.
    #[must_use]
    pub fn only(&self) -> Option<&Arc<Catalogue>> {
        self.later.is_empty().then_some(&self.first.catalogue)
    }

    /// The catalogue adopted last, as known at a log size.
    #[must_use]
    pub fn known_at(&self, size: u64) -> &Arc<Catalogue> {
        size.checked_sub(1).map_or(&self.begun_with, |last| self.at(last))
    }

    /// The catalogue adopted last.
    #[must_use]
    pub fn in_use(&self) -> &Arc<Catalogue> {
        &self.later.last().unwrap_or(&self.first).catalogue
    }

    /// All adoptions, oldest first.
    pub fn adoptions(&self) -> impl Iterator<Item = &Adoption> {
        [&self.first].into_iter().chain(&self.later)
    }

    /// The catalogues of all adoptions, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Catalogue>> {
        self.adoptions().map(|adoption| &adoption.catalogue)
    }

    /// The catalogue with a digest.
    #[must_use]
    pub fn with_digest(&self, sha256: &[u8]) -> Option<&Arc<Catalogue>> {
        self.iter().find(|catalogue| catalogue.sha256 == sha256)
    }

    /// Finds a programme that any of the catalogues has.
    ///
    /// # Errors
    /// [`RuleId::ProgrammeUnknown`].
    pub fn find(&self, id: &str) -> Result<ProgrammeId, Breach> {
        self.numbering.find(id).ok_or(RuleId::ProgrammeUnknown.into())
    }

    /// The name of the programme with an id.
    #[must_use]
    pub fn id_of(&self, id: ProgrammeId) -> &str {
        self.numbering.programmes().get(usize::from(id.index())).map_or("", String::as_str)
    }

    /// The rule version of a programme with a number.
    #[must_use]
    pub fn rule_at(&self, id: ProgrammeId, number: u8) -> Option<&RuleVersion> {
        self.numbering.rule(id, number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The built-in catalogue in another version, with other texts in place of some.
    fn changed(version: &str, changes: &[(&str, &str)]) -> Catalogue {
        let text =
            Catalogue::built_in().text().replace("2026-04-01\"\n", &format!("{version}\"\n"));
        let text = changes.iter().fold(text, |text, (from, to)| text.replace(from, to));
        Catalogue::parse(&text).unwrap()
    }

    fn numbers(catalogue: &Catalogue, id: &str) -> Vec<u8> {
        let programme = catalogue.programme(catalogue.find(id).unwrap()).unwrap();
        programme.rules.iter().map(|rule| rule.number).collect()
    }

    #[test]
    fn a_catalogue_counts_from_its_position_on() {
        let mut all = Catalogues::built_in();
        assert!(all.only().is_some());
        all.adopt(7, &changed("2027", &[])).unwrap();
        all.adopt(9, &changed("2027", &[])).unwrap();
        all.adopt(12, &Catalogue::built_in()).unwrap();
        let version = |position| all.at(position).version.clone();
        let found = [0, 6, 7, 9, 11, 12, 99].map(version);
        let first = "2026-04-01";
        assert_eq!(found, [first, first, "2027", "2027", "2027", first, first]);
        assert_eq!(
            [7, 8, 12, 13].map(|size| &all.known_at(size).version[..4]),
            ["2026", "2027", "2027", "2026"]
        );
        let positions: Vec<_> = all.adoptions().map(|adoption| adoption.position).collect();
        assert_eq!(positions, [None, Some(7), Some(12)], "the same again is not an adoption");
        assert!(all.only().is_none());
    }

    #[test]
    fn the_first_event_replaces_the_catalogue_that_counted_for_none() {
        let mut all = Catalogues::built_in();
        let rest = [("id = \"zone-carrier\"", "id = \"a-zone\"")];
        all.adopt(0, &changed("2027", &rest)).unwrap();
        assert_eq!(all.find("a-zone").unwrap().index(), 0);
        assert!(all.find("zone-carrier").is_err());
        assert_eq!(all.adoptions().count(), 1);
        // Answers known before it stay.
        assert_eq!([0, 1].map(|size| &all.known_at(size).version[..4]), ["2026", "2027"]);
    }

    #[test]
    fn numbers_keep_their_meaning() {
        let mut all = Catalogues::built_in();
        let other = [
            ("id = \"zone-carrier\"", "id = \"a-zone\""),
            (
                "version = \"2022\", from = \"2022-08-01\"",
                "version = \"2022\", from = \"2022-07-01\"",
            ),
        ];
        all.adopt(5, &changed("2027", &other)).unwrap();
        for id in ["zone-carrier", "a-zone", "little-giant"] {
            let programme = all.find(id).unwrap();
            assert_eq!(all.id_of(programme), id);
            assert_eq!(all.in_use().id_of(programme), id);
        }
        assert_eq!(all.find("a-zone").unwrap().index(), 11, "it comes after the first ones");
        // Of three rule versions the second differs.
        assert_eq!(numbers(all.at(0), "little-giant"), [0, 1, 2]);
        assert_eq!(numbers(all.at(5), "little-giant"), [0, 3, 2]);
        let giant = all.find("little-giant").unwrap();
        let from = |number| all.rule_at(giant, number).unwrap().from.to_string();
        assert_eq!([from(1), from(3)], ["2022-08-01", "2022-07-01"]);
    }

    #[test]
    fn what_goes_beyond_a_bound_changes_nothing() {
        let mut all = Catalogues::built_in();
        // Two versions of each programme differ each time, or one of two.
        let refused = (1..=CATALOGUE_ADOPTIONS_MAX as u64).find_map(|at| {
            let days = format!("validity_years = {}", at + 3);
            all.adopt(at, &changed(&at.to_string(), &[("validity_years = 3", &days)])).err()
        });
        let refused = refused.unwrap().to_string();
        assert!(refused.contains("more than 254 different rule versions"), "{refused}");
        let count = all.adoptions().count();
        assert_eq!(all.in_use().version, (count - 1).to_string());

        let mut all = Catalogues::built_in();
        let [one, two] = ["a", "b"].map(|version| changed(version, &[]));
        let refused =
            (1..).find_map(|at| all.adopt(at, if at % 2 == 0 { &one } else { &two }).err());
        assert!(refused.unwrap().to_string().contains("at most 1024 catalogues"));
        assert_eq!(all.adoptions().count(), CATALOGUE_ADOPTIONS_MAX);
    }
}
