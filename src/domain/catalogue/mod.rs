//! The programme catalogue: titles, the roles that may state facts about them, conditions,
//! validity. It is data: `data/catalogue.toml` explains every key.

mod adopted;
mod classes;
mod duties;
mod numbering;
mod references;
mod words;

use std::collections::BTreeMap;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

pub use self::{
    adopted::{Adoption, Catalogues},
    duties::{Duties, MonthDay},
    words::{Decider, Recommender, Renewal, Role, Unrenewed},
};
use self::{classes::Classes, numbering::Numbering};
use super::{
    AuthorityCode, CivilDate, PartialDate,
    fault::{Breach, Key, RuleId},
    kind::{HolderKind, Kind, ProgrammeId},
    text::echo,
};
use crate::limits::{
    CATALOGUE_BYTES_MAX, CATALOGUE_PROGRAMMES_MAX, CATALOGUE_RULES_MAX, ID_BYTES_MAX,
};

/// The catalogues that some version of the program came with, oldest first. The first one counts
/// for every log before its first adoption, so it never changes: a changed `data/catalogue.toml` is
/// added at the end, and the old text stays under another name.
const BUILT_IN: [&str; 1] = [include_str!("../../../data/catalogue.toml")];

/// The number under which `roles` keeps `recommendation`, a recommending authority's notice. No
/// kind has this number.
const RECOMMENDATION: u8 = 0;

/// The programmes, by id.
///
/// Its [`ProgrammeId`]s are numbers of its own. Within [`Catalogues`] they are numbers that all
/// catalogues of a log share.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Version that the file states.
    pub version: String,
    /// Duties of every holder, in any programme.
    pub duties: Duties,
    issuers: BTreeMap<String, Vec<Role>>,
    #[serde(default)]
    classes: Classes,
    #[serde(rename = "programme")]
    programmes: Vec<Programme>,
    /// SHA-256 of the file.
    #[serde(skip)]
    pub sha256: [u8; 32],
    /// The file.
    #[serde(skip)]
    text: String,
    /// The ids of `programmes`.
    #[serde(skip)]
    ids: Vec<ProgrammeId>,
    /// The programmes of all catalogues that share these ids, by id.
    #[serde(skip)]
    shared: Vec<String>,
    /// Roles by the number of a kind.
    #[serde(skip)]
    roles: Vec<Vec<Role>>,
    /// Kinds of the class `own`.
    #[serde(skip)]
    own: Vec<Kind>,
}

/// A programme: a kind of title.
#[derive(Clone, Debug, Deserialize)]
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
#[derive(Clone, Debug, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Deserialize)]
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
    #[serde(default, rename = "ban_covers")]
    stated_ban_covers: Option<Programmes>,
    /// Other programmes in which an application during a ban of this one gets a warning.
    #[serde(skip)]
    pub ban_covers: Programmes,
    /// A creation task must be passed first.
    #[serde(default)]
    pub creation_task: bool,
    /// Its number among all rule versions of the programme.
    #[serde(skip)]
    number: u8,
}

/// Programmes of which a title must be in force when recommending or designating.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Prerequisite {
    /// Any of them is enough.
    any_of: Programmes,
    /// Authorities that the entry is for; empty: all that no earlier entry names.
    #[serde(default)]
    authorities: Vec<String>,
}

/// A list of programmes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
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
        let [.., newest] = BUILT_IN;
        Self::compiled_in(newest)
    }

    /// The catalogues that some version came with, oldest first.
    pub fn all_built_in() -> impl Iterator<Item = Self> {
        BUILT_IN.into_iter().map(Self::compiled_in)
    }

    fn compiled_in(text: &str) -> Self {
        #[allow(clippy::expect_used)] // compiled in; the test below reads the same bytes
        Self::parse(text).expect("a built-in catalogue")
    }

    /// Reads a catalogue.
    ///
    /// # Errors
    /// [`CatalogueError`] with the line, or the programme, and the reason.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        if text.len() > CATALOGUE_BYTES_MAX {
            let (found, most) = (text.len(), CATALOGUE_BYTES_MAX);
            return Err(CatalogueError(format!("it has {found} bytes; {most} are allowed")));
        }
        let mut catalogue: Self =
            toml::from_str(text).map_err(|e| CatalogueError(e.to_string()))?;
        catalogue.sha256 = Self::digest(text.as_bytes());
        text.clone_into(&mut catalogue.text);
        catalogue.programmes.sort_by(|a, b| a.id.cmp(&b.id));
        catalogue.check().map_err(CatalogueError)?;
        catalogue.check_references().map_err(CatalogueError)?;
        catalogue.resolve_bans().map_err(CatalogueError)?;
        catalogue.resolve_roles().map_err(CatalogueError)?;
        catalogue.renumber(&mut Numbering::default()).map_err(CatalogueError)?;
        Ok(catalogue)
    }

    /// The digest under which a file is adopted.
    #[must_use]
    pub fn digest(file: &[u8]) -> [u8; 32] {
        Sha256::digest(file).into()
    }

    /// The file.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Finds the kinds that the file names.
    fn resolve_roles(&mut self) -> Result<(), String> {
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
        let required = |kind: &Kind| !kind.is_repair() && !kind.needs_later_format();
        if let Some(kind) = Kind::all().filter(required).find(|k| !roles.contains_key(&k.number()))
        {
            return Err(format!("issuers: {} is missing", kind.name()));
        }
        self.roles = (0..=u8::MAX).map(|kind| roles.remove(&kind).unwrap_or_default()).collect();
        self.own = self.classes.resolve()?;
        Ok(())
    }

    /// True if events of a kind are of the class `own`: not everybody may read them.
    #[must_use]
    pub fn is_own(&self, kind: Kind) -> bool {
        self.own.contains(&kind)
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
    /// [`RuleId::ProgrammeUnknown`].
    pub fn find(&self, id: &str) -> Result<ProgrammeId, Breach> {
        let place = self.programmes.binary_search_by(|programme| programme.id.as_str().cmp(id));
        let found = place.ok().and_then(|place| self.ids.get(place)).copied();
        found.ok_or(RuleId::ProgrammeUnknown.into())
    }

    /// The programme with an id, if this catalogue has it.
    #[must_use]
    pub fn programme(&self, id: ProgrammeId) -> Option<&Programme> {
        // In a log with one catalogue, the number of a programme is its place.
        let place = usize::from(id.index());
        if self.ids.get(place) == Some(&id) {
            return self.programmes.get(place);
        }
        let place = self.ids.iter().position(|own| *own == id)?;
        self.programmes.get(place)
    }

    /// The name under which the programme with an id is known to this catalogue, or to an earlier
    /// one of the same log.
    #[must_use]
    pub fn id_of(&self, id: ProgrammeId) -> &str {
        self.shared.get(usize::from(id.index())).map_or("", String::as_str)
    }

    /// The rule version of a programme with a number, if this catalogue has it.
    #[must_use]
    pub fn rule_at(&self, id: ProgrammeId, number: u8) -> Option<&RuleVersion> {
        self.programme(id)?.rules.iter().find(|rule| rule.number == number)
    }

    /// The ids of all programmes.
    pub fn ids(&self) -> impl Iterator<Item = ProgrammeId> {
        self.ids.iter().copied()
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

    /// The rule version named, with its number. For an empty name: the version in force on the day,
    /// or the oldest one before its first day.
    ///
    /// # Errors
    /// [`RuleId::RuleVersionUnknown`], with the versions there are.
    pub fn rule(&self, version: &str, on: CivilDate) -> Result<(u8, &RuleVersion), Breach> {
        let place = if version.is_empty() {
            self.rules.iter().rposition(|rule| rule.from <= on).or(Some(0))
        } else {
            self.rules.iter().position(|rule| rule.version == version)
        };
        let found = place.and_then(|place| self.rules.get(place));
        found.map(|rule| (rule.number, rule)).ok_or_else(|| {
            let known: Vec<_> = self.rules.iter().map(|rule| rule.version.as_str()).collect();
            let breach = RuleId::RuleVersionUnknown.with(Key::Programme, &self.id);
            breach.with(Key::Versions, known.join(", "))
        })
    }
}

impl<'de> Deserialize<'de> for CivilDate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let date = PartialDate::parse_iso(&text)
            .map_err(|breach| serde::de::Error::custom(format!("{:?} {breach}", echo(&text))))?;
        Ok(date.first_day())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_built_in_catalogue_never_changes() {
        // Keep its text under another name, and add a changed one to the end of `BUILT_IN`.
        let first = Catalogue::all_built_in().next().unwrap();
        let expected = "fa513d676d99d7f24cf7610e4101e75262f6c3cdd7147d5e7519c20f46109b6e";
        assert_eq!(crate::domain::text::hex(&first.sha256), expected);
        assert_eq!(Catalogues::built_in().in_use().sha256, first.sha256);
    }

    #[test]
    fn the_built_in_catalogue_has_the_eleven_programmes() {
        let catalogue = Catalogue::built_in();
        assert_eq!(catalogue.programmes().count(), 11);
        let little_giant = catalogue.programme(catalogue.find("little-giant").unwrap()).unwrap();
        let day = |iso| PartialDate::parse_iso(iso).unwrap().first_day();
        let version = |on| little_giant.rule("", day(on)).unwrap().1.version.as_str();
        assert_eq!(version("2019-06-05"), "2018");
        assert_eq!(version("2022-07-31"), "2018");
        assert_eq!(version("2022-08-01"), "2022");
        assert_eq!(version("2026-04-01"), "2026");
        let unknown = little_giant.rule("1999", day("2019-06-05")).unwrap_err();
        let message = "is not a rule version of little-giant, which has 2018, 2022, 2026";
        assert_eq!(unknown.message(), message);
        assert_eq!(catalogue.find("little-gaint"), Err(RuleId::ProgrammeUnknown.into()));
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
