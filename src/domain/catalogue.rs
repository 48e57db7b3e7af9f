//! The programme catalogue: what can be held, who decides it, for how long. Data, not code: see `data/catalogue.toml`.

use serde::Deserialize;

use super::{
    AuthorityCode, CivilDate, PartialDate,
    fault::{ParseError, Reason, echo},
    limits::{CATALOGUE_PROGRAMMES_MAX, ID_BYTES_MAX},
};

/// A programme, by its place in the catalogue in use. Valid for one catalogue; never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProgrammeId(u8);

impl ProgrammeId {
    /// Its place, below 32.
    #[must_use]
    pub fn index(self) -> u8 {
        self.0
    }
}

/// The programmes, by id.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// What the file calls itself.
    pub version: String,
    #[serde(rename = "programme")]
    programmes: Vec<Programme>,
}

/// What can be held.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Programme {
    /// Id: `little-giant`.
    pub id: String,
    /// Names, oldest first.
    pub names: Vec<ProgrammeName>,
    /// Rule versions, oldest first.
    pub rules: Vec<RuleVersion>,
}

/// A dated name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgrammeName {
    /// First day.
    pub from: CivilDate,
    /// Official name.
    pub name: String,
    /// English gloss.
    pub name_en: String,
}

/// What one measure says about a programme.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleVersion {
    /// Version: `2022`.
    pub version: String,
    /// First day in force.
    pub from: CivilDate,
    /// The official document; empty where there is no single one.
    pub document: String,
    /// Who decides.
    pub decided_by: Decider,
    /// Validity of a title in years; 0: stated in each decision.
    pub validity_years: u32,
    /// What a failed review means.
    pub unrenewed: Unrenewed,
}

/// Who decides on a title.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decider {
    /// Only the ministry.
    Ministry,
    /// One of the 37 provincial-level authorities, for itself.
    Provincial,
    /// Either.
    Any,
}

impl Decider {
    /// The catalogue's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ministry => "ministry",
            Self::Provincial => "provincial",
            Self::Any => "any",
        }
    }

    /// True if the authority may decide.
    #[must_use]
    pub fn includes(self, authority: AuthorityCode) -> bool {
        match self {
            Self::Ministry => authority.is_ministry(),
            Self::Provincial => !authority.is_ministry(),
            Self::Any => true,
        }
    }
}

/// What a failed review means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unrenewed {
    /// The title lapses.
    Lapses,
    /// The title is revoked.
    Revoked,
}

/// A catalogue that cannot be used; says where and why.
#[derive(Debug, thiserror::Error)]
#[error("the catalogue cannot be used: {0}")]
pub struct CatalogueError(String);

impl Catalogue {
    /// The catalogue that comes with this version.
    #[must_use]
    pub fn built_in() -> Self {
        #[allow(clippy::expect_used)] // compiled in; the test below reads the same bytes
        Self::parse(include_str!("../../data/catalogue.toml")).expect("the built-in catalogue")
    }

    /// Reads a catalogue.
    ///
    /// # Errors
    /// [`CatalogueError`] with the line, or the programme, and the reason.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        let mut catalogue: Self =
            toml::from_str(text).map_err(|e| CatalogueError(e.to_string()))?;
        catalogue.programmes.sort_by(|a, b| a.id.cmp(&b.id));
        catalogue.check().map_err(CatalogueError)?;
        Ok(catalogue)
    }

    fn check(&self) -> Result<(), String> {
        let count = self.programmes.len();
        if count == 0 || count > CATALOGUE_PROGRAMMES_MAX {
            return Err(format!("{count} programmes; 1 to {CATALOGUE_PROGRAMMES_MAX} are allowed"));
        }
        for pair in self.programmes.windows(2) {
            if let [a, b] = pair
                && a.id == b.id
            {
                return Err(format!("programme {} stands twice", a.id));
            }
        }
        self.programmes.iter().try_for_each(Programme::check)
    }

    /// Finds a programme by its id.
    ///
    /// # Errors
    /// [`Reason::ProgrammeUnknown`], with the ids there are.
    pub fn find(&self, id: &str) -> Result<ProgrammeId, ParseError> {
        let found = self.programmes.binary_search_by(|programme| programme.id.as_str().cmp(id));
        found.ok().and_then(|index| u8::try_from(index).ok()).map(ProgrammeId).ok_or_else(|| {
            let known: Vec<_> = self.programmes.iter().map(|p| p.id.as_str()).collect();
            let message = format!("no programme {:?}; there are {}", echo(id), known.join(", "));
            ParseError::new(Reason::ProgrammeUnknown, message, "the programme catalogue")
        })
    }

    /// The programme with an id that this catalogue gave out.
    #[must_use]
    pub fn programme(&self, id: ProgrammeId) -> &Programme {
        #[allow(clippy::indexing_slicing)] // only `find` makes ids, from this list
        &self.programmes[usize::from(id.0)]
    }

    /// All programmes, by id.
    pub fn programmes(&self) -> impl Iterator<Item = &Programme> {
        self.programmes.iter()
    }
}

impl Programme {
    fn check(&self) -> Result<(), String> {
        let id = &self.id;
        let well_formed =
            id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if id.is_empty() || id.len() > ID_BYTES_MAX || !well_formed {
            return Err(format!(
                "programme id {id:?}: lower-case letters, digits and hyphens only"
            ));
        }
        if self.names.is_empty() || !self.names.is_sorted_by(|a, b| a.from < b.from) {
            return Err(format!("programme {id}: names must be there, oldest first"));
        }
        if self.rules.is_empty() || !self.rules.is_sorted_by(|a, b| a.from < b.from) {
            return Err(format!("programme {id}: rules must be there, oldest first"));
        }
        Ok(())
    }

    /// The rule version named, or, for an empty name, the one in force on the day (the oldest before its first day).
    ///
    /// # Errors
    /// [`Reason::RuleVersionUnknown`], with the versions there are.
    pub fn rule(&self, version: &str, on: CivilDate) -> Result<&RuleVersion, ParseError> {
        let found = if version.is_empty() {
            self.rules.iter().rfind(|rule| rule.from <= on).or(self.rules.first())
        } else {
            self.rules.iter().find(|rule| rule.version == version)
        };
        found.ok_or_else(|| {
            let known: Vec<_> = self.rules.iter().map(|rule| rule.version.as_str()).collect();
            let message =
                format!("{} has no rule version; there are {}", self.id, known.join(", "));
            ParseError::new(Reason::RuleVersionUnknown, message, "the programme catalogue")
        })
    }
}

impl<'de> Deserialize<'de> for CivilDate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let date = PartialDate::parse_iso(&text).map_err(serde::de::Error::custom)?;
        Ok(date.first_day())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_catalogue_has_the_eleven_programmes() {
        let catalogue = Catalogue::built_in();
        assert_eq!(catalogue.programmes().count(), 11);
        let little_giant = catalogue.programme(catalogue.find("little-giant").unwrap());
        let day = |iso| PartialDate::parse_iso(iso).unwrap().first_day();
        let version = |on| little_giant.rule("", day(on)).unwrap().version.as_str();
        assert_eq!(version("2019-06-05"), "2018");
        assert_eq!(version("2022-07-31"), "2018");
        assert_eq!(version("2022-08-01"), "2022");
        assert_eq!(version("2026-04-01"), "2026");
        assert!(little_giant.rule("1999", day("2019-06-05")).is_err());
        let unknown = catalogue.find("little-gaint").unwrap_err();
        assert!(unknown.message.contains("little-giant"), "{unknown}");
    }

    #[test]
    fn a_broken_catalogue_is_refused_with_its_place() {
        let built_in = include_str!("../../data/catalogue.toml");
        let cases = [
            (built_in.replace("\"ministry\"", "\"nobody\""), "line"),
            (built_in.replace("2018-01-01", "2018-02-30"), "2018-02-30"),
            (built_in.replace("id = \"tech-sme\"", "id = \"little-giant\""), "twice"),
            (built_in.replace("id = \"tech-sme\"", "id = \"Tech SME\""), "lower-case"),
            (String::from("version = \"1\"\nprogramme = []"), "0 programmes"),
        ];
        for (text, expected) in cases {
            let error = Catalogue::parse(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{expected}: {error}");
        }
    }
}
