//! The programme catalogue: titles, the roles that may state facts about them, conditions,
//! validity. It is data: `data/catalogue.toml` explains every key.

mod words;

use std::collections::BTreeMap;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

pub use self::words::{Decider, Recommender, Renewal, Role, Unrenewed};
use super::{
    AuthorityCode, CivilDate, PartialDate,
    fault::{ParseError, Reason},
    kind::{HolderKind, Kind, ProgrammeId},
    text::echo,
};
use crate::limits::{CATALOGUE_PROGRAMMES_MAX, CATALOGUE_RULES_MAX, ID_BYTES_MAX};

/// The number under which `roles` keeps `recommendation`, a recommending authority's notice. No
/// kind has this number.
const RECOMMENDATION: u8 = 0;

/// The programmes, by id.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Version that the file states.
    pub version: String,
    /// Duties of every holder, in any programme.
    pub duties: Duties,
    issuers: BTreeMap<String, Vec<Role>>,
    #[serde(rename = "programme")]
    programmes: Vec<Programme>,
    /// SHA-256 of the file.
    #[serde(skip)]
    pub sha256: [u8; 32],
    /// Roles by the number of a kind.
    #[serde(skip)]
    roles: Vec<Vec<Role>>,
}

/// Duties of every holder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duties {
    /// Last month and day for the yearly information update.
    pub update_by: MonthDay,
    /// Months within which a major change is reported.
    pub report_months: u32,
    /// The document behind it.
    pub document: String,
}

/// A day of every year: `04-30`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct MonthDay(i32, i32);

impl MonthDay {
    /// The day in a year.
    #[must_use]
    pub fn of_year(self, year: i16) -> Option<CivilDate> {
        let parts = PartialDate::parse_parts(year.into(), self.0, self.1);
        parts.ok().map(PartialDate::first_day)
    }
}

impl TryFrom<String> for MonthDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts = text
            .split_once('-')
            .and_then(|(month, day)| Some(Self(month.parse().ok()?, day.parse().ok()?)));
        let day = parts.filter(|day| day.of_year(2023).is_some());
        day.ok_or_else(|| format!("{text:?} is not a month and a day like 04-30"))
    }
}

/// A programme: a kind of title.
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

/// The rules of one measure about a programme.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleVersion {
    /// Version: `2022`.
    pub version: String,
    /// First day in force.
    pub from: CivilDate,
    /// The official document; empty if it is not a single one.
    pub document: String,
    /// The deciders.
    pub decided_by: Decider,
    /// The recommenders.
    #[serde(default)]
    pub recommended_by: Recommender,
    /// Validity of a title in years; 0: stated in each decision.
    pub validity_years: u32,
    /// The way it is renewed.
    pub renewal: Renewal,
    /// The effect of a failed review.
    pub unrenewed: Unrenewed,
    /// Kinds of subject that may hold it; empty: any.
    #[serde(default)]
    pub holders: Vec<HolderKind>,
    #[serde(default)]
    prerequisites: Vec<Prerequisite>,
    /// Programmes whose holders are not designated.
    #[serde(default)]
    pub excludes: Programmes,
    /// Programmes whose titles may be converted into this one.
    #[serde(default)]
    pub succeeds: Programmes,
    /// A notice on fewer working days gets a warning.
    #[serde(default)]
    pub notice_days: u32,
    /// Years of ban that the serious grounds carry; 0: none.
    #[serde(default)]
    pub ban_years: u32,
    /// A creation task must be passed first.
    #[serde(default)]
    pub creation_task: bool,
}

/// Programmes of which a title must be in force when recommending or designating.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Prerequisite {
    /// Any of them is enough.
    any_of: Programmes,
    /// Authorities that the entry is for; empty: all that no earlier entry names.
    #[serde(default)]
    authorities: Vec<String>,
}

/// A list of programmes.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Vec<String>")]
pub struct Programmes {
    names: Vec<String>,
    ids: Vec<ProgrammeId>,
}

impl From<Vec<String>> for Programmes {
    fn from(names: Vec<String>) -> Self {
        Self { names, ids: Vec::new() }
    }
}

impl Programmes {
    /// Their names, as the file has them.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The programmes.
    #[must_use]
    pub fn ids(&self) -> &[ProgrammeId] {
        &self.ids
    }
}

impl RuleVersion {
    /// The programmes of which one must be held, for candidates of an authority; empty: none.
    #[must_use]
    pub fn prerequisites(&self, authority: Option<AuthorityCode>) -> &[ProgrammeId] {
        let code = authority.map_or("", AuthorityCode::as_str);
        let fits = |entry: &&Prerequisite| {
            entry.authorities.is_empty() || entry.authorities.iter().any(|known| known == code)
        };
        self.prerequisites.iter().find(fits).map_or(&[], |entry| entry.any_of.ids())
    }

    /// All programmes that are a prerequisite somewhere.
    pub fn prerequisite_names(&self) -> impl Iterator<Item = &String> {
        self.prerequisites.iter().flat_map(|entry| entry.any_of.names())
    }
}

/// A catalogue that cannot be used, with the place and the reason.
#[derive(Debug, thiserror::Error)]
#[error("the catalogue cannot be used: {0}")]
pub struct CatalogueError(String);

impl Catalogue {
    /// The catalogue that comes with this version.
    #[must_use]
    pub fn built_in() -> Self {
        #[allow(clippy::expect_used)] // compiled in; the test below reads the same bytes
        Self::parse(include_str!("../../../data/catalogue.toml")).expect("the built-in catalogue")
    }

    /// Reads a catalogue.
    ///
    /// # Errors
    /// [`CatalogueError`] with the line, or the programme, and the reason.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        let mut catalogue: Self =
            toml::from_str(text).map_err(|e| CatalogueError(e.to_string()))?;
        catalogue.sha256 = Sha256::digest(text.as_bytes()).into();
        catalogue.programmes.sort_by(|a, b| a.id.cmp(&b.id));
        catalogue.check().map_err(CatalogueError)?;
        catalogue.resolve().map_err(CatalogueError)?;
        Ok(catalogue)
    }

    /// Finds the programmes and kinds that the file names.
    fn resolve(&mut self) -> Result<(), String> {
        let known: Vec<String> = self.programmes.iter().map(|p| p.id.clone()).collect();
        for programme in &mut self.programmes {
            for rule in &mut programme.rules {
                let version = format!("programme {}, rule version {}", programme.id, rule.version);
                let RuleVersion { prerequisites, excludes, succeeds, .. } = rule;
                let lists = prerequisites.iter_mut().map(|entry| &mut entry.any_of);
                for list in lists.chain([excludes, succeeds]) {
                    for name in &list.names {
                        let place = known.binary_search(name).ok().and_then(ProgrammeId::at);
                        let id =
                            place.ok_or_else(|| format!("{version}: no programme {name:?}"))?;
                        list.ids.push(id);
                    }
                }
                for code in prerequisites.iter().flat_map(|entry| &entry.authorities) {
                    let known = AuthorityCode::parse(code);
                    known.map_err(|error| format!("{version}: authority {code:?} {error}"))?;
                }
            }
        }
        let mut roles = BTreeMap::new();
        for (name, stated) in &self.issuers {
            let kind = match name.as_str() {
                "recommendation" => Some(RECOMMENDATION),
                name => Kind::from_name(name).map(Kind::number),
            };
            let kind = kind.ok_or_else(|| format!("issuers: there is no fact {name:?}"))?;
            roles.insert(kind, stated.clone());
        }
        // Kinds that came later may be missing, so that every older catalogue is read for ever.
        let required = |kind: &Kind| !kind.is_repair() && !kind.needs_second_format();
        if let Some(kind) = Kind::all().filter(required).find(|k| !roles.contains_key(&k.number()))
        {
            return Err(format!("issuers: {} is missing", kind.name()));
        }
        self.roles = (0..=u8::MAX).map(|kind| roles.remove(&kind).unwrap_or_default()).collect();
        Ok(())
    }

    /// Authorities that may state facts of a kind.
    #[must_use]
    pub fn roles(&self, kind: Kind) -> &[Role] {
        self.roles_of(kind.number())
    }

    /// Authorities that may open a recommending authority's notice.
    #[must_use]
    pub fn roles_of_recommendation(&self) -> &[Role] {
        self.roles_of(RECOMMENDATION)
    }

    fn roles_of(&self, kind: u8) -> &[Role] {
        self.roles.get(usize::from(kind)).map_or(&[], Vec::as_slice)
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
                return Err(format!("programme {} is listed twice", a.id));
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
        found.ok().and_then(ProgrammeId::at).ok_or_else(|| {
            let known: Vec<_> = self.programmes.iter().map(|p| p.id.as_str()).collect();
            let message = format!("no programme {:?}; there are {}", echo(id), known.join(", "));
            ParseError::new(Reason::ProgrammeUnknown, message, "the programme catalogue")
        })
    }

    /// The programme with an id that this catalogue gave out.
    #[must_use]
    pub fn programme(&self, id: ProgrammeId) -> &Programme {
        #[allow(clippy::indexing_slicing)] // ids are made from places in this list
        &self.programmes[usize::from(id.index())]
    }

    /// The rule version at a place among a programme's.
    #[must_use]
    pub fn rule_at(&self, id: ProgrammeId, place: u8) -> Option<&RuleVersion> {
        self.programme(id).rules.get(usize::from(place))
    }

    /// The ids of all programmes.
    pub fn ids(&self) -> impl Iterator<Item = ProgrammeId> {
        (0..self.programmes.len()).filter_map(ProgrammeId::at)
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
            return Err(format!("programme {id}: names are required, oldest first"));
        }
        let sorted = self.rules.is_sorted_by(|a, b| a.from < b.from);
        if self.rules.is_empty() || self.rules.len() > CATALOGUE_RULES_MAX || !sorted {
            return Err(format!(
                "programme {id}: rules are required, oldest first, at most {CATALOGUE_RULES_MAX}"
            ));
        }
        for (place, rule) in self.rules.iter().enumerate() {
            let version = &rule.version;
            let well_formed = version.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            if version.is_empty() || version.len() > ID_BYTES_MAX || !well_formed {
                return Err(format!(
                    "programme {id}: rule version {version:?} must be letters, digits and hyphens"
                ));
            }
            if self.rules.iter().skip(place + 1).any(|other| other.version == *version) {
                return Err(format!("programme {id}: rule version {version} is listed twice"));
            }
        }
        Ok(())
    }

    /// The rule version named. For an empty name: the version in force on the day, or the oldest
    /// one before its first day.
    ///
    /// # Errors
    /// [`Reason::RuleVersionUnknown`], with the versions there are.
    pub fn rule(&self, version: &str, on: CivilDate) -> Result<(u8, &RuleVersion), ParseError> {
        let place = if version.is_empty() {
            self.rules.iter().rposition(|rule| rule.from <= on).or(Some(0))
        } else {
            self.rules.iter().position(|rule| rule.version == version)
        };
        let found =
            place.and_then(|place| Some((u8::try_from(place).ok()?, self.rules.get(place)?)));
        found.ok_or_else(|| {
            let known: Vec<_> = self.rules.iter().map(|rule| rule.version.as_str()).collect();
            let known = known.join(", ");
            let message = format!("{} has no rule version {version:?}; it has {known}", self.id);
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
        let version = |on| little_giant.rule("", day(on)).unwrap().1.version.as_str();
        assert_eq!(version("2019-06-05"), "2018");
        assert_eq!(version("2022-07-31"), "2018");
        assert_eq!(version("2022-08-01"), "2022");
        assert_eq!(version("2026-04-01"), "2026");
        let unknown = little_giant.rule("1999", day("2019-06-05")).unwrap_err();
        assert_eq!(
            unknown.message,
            "little-giant has no rule version \"1999\"; it has 2018, 2022, 2026"
        );
        let unknown = catalogue.find("little-gaint").unwrap_err();
        assert!(unknown.message.contains("little-giant"), "{unknown}");
    }

    #[test]
    fn a_broken_catalogue_is_refused_with_its_place() {
        let built_in = include_str!("../../../data/catalogue.toml");
        let cases = [
            (built_in.replace("\"ministry\"", "\"nobody\""), "line"),
            (built_in.replace("2018-01-01", "2018-02-30"), "2018-02-30"),
            (built_in.replace("id = \"tech-sme\"", "id = \"little-giant\""), "twice"),
            (built_in.replace("id = \"tech-sme\"", "id = \"Tech SME\""), "lower-case"),
            (built_in.replace("[\"specialised-sme\"]", "[\"specialised\"]"), "no programme"),
            (built_in.replace("subject_ended =", "subject_gone ="), "subject_gone"),
            (built_in.replace("subject_ended =", "# subject_ended ="), "subject_ended is missing"),
            (built_in.replace("\"04-30\"", "\"04-31\""), "04-31"),
        ];
        for (text, expected) in cases {
            let error = Catalogue::parse(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{expected}: {error}");
        }
    }
}
