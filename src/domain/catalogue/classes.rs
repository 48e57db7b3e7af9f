//! The classes of kinds: which events everybody may read. A catalogue that names none has the usual
//! ones.

use serde::Deserialize;

use crate::domain::kind::Kind;

/// The classes of kinds. A kind that is not listed is public.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Classes {
    /// Only the parties of such an event may read it.
    own: Vec<String>,
}

impl Default for Classes {
    /// Objections, duties and proposals.
    fn default() -> Self {
        let own = [
            Kind::ObjectionRaised,
            Kind::ObjectionResolved,
            Kind::RevocationProposed,
            Kind::InformationUpdated,
            Kind::MajorChangeReported,
        ];
        Self { own: own.map(|kind| kind.name().to_owned()).to_vec() }
    }
}

impl Classes {
    /// The kinds of the class `own`.
    pub(super) fn resolve(&self) -> Result<Vec<Kind>, String> {
        let mut own = Vec::with_capacity(self.own.len());
        for name in &self.own {
            let kind = Kind::from_name(name);
            let kind = kind.ok_or_else(|| format!("classes: there is no fact {name:?}"))?;
            if kind == Kind::Corrected {
                return Err("classes: a correction has the class of its replacement".to_owned());
            }
            if own.contains(&kind) {
                return Err(format!("classes: {name} is listed twice"));
            }
            own.push(kind);
        }
        Ok(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalogue::Catalogue;

    #[test]
    fn the_classes_of_kinds_are_those_of_the_file_or_the_usual_ones() {
        let text = include_str!("../../../data/catalogue.toml");
        let own = |catalogue: &Catalogue| {
            Kind::all().filter(|kind| catalogue.is_own(*kind)).map(Kind::number).collect::<Vec<_>>()
        };
        assert_eq!(own(&Catalogue::built_in()), [41, 42, 54, 80, 81]);
        let with = |classes: &str| Catalogue::parse(&format!("{text}\n[classes]\n{classes}\n"));
        assert_eq!(own(&with("own = []").unwrap()), Vec::<u8>::new());
        assert_eq!(own(&with("own = [\"renamed\", \"annulled\"]").unwrap()), [70, 91]);
        for (classes, expected) in [
            ("own = [\"renaming\"]", "no fact \"renaming\""),
            ("own = [\"renamed\", \"renamed\"]", "renamed is listed twice"),
            ("own = [\"corrected\"]", "the class of its replacement"),
            ("public = []", "public"),
            ("", "own"),
        ] {
            let error = with(classes).unwrap_err().to_string();
            assert!(error.contains(expected), "{expected}: {error}");
        }
    }
}
