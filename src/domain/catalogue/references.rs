//! The programmes and authorities that rule versions name.

use super::{Catalogue, Programmes, RuleVersion};
use crate::domain::AuthorityCode;

/// The three tiers of small and medium enterprises. A ban in one of them covers the other two, as
/// the measures are remembered; it is not established by a document.
const TIERS: [&str; 3] = ["innovative-sme", "specialised-sme", "little-giant"];

impl Catalogue {
    /// Checks the programmes and authorities that rule versions name.
    pub(super) fn check_references(&self) -> Result<(), String> {
        for programme in &self.programmes {
            for rule in &programme.rules {
                let version = format!("programme {}, rule version {}", programme.id, rule.version);
                let RuleVersion { prerequisites, excludes, succeeds, stated_ban_covers, .. } = rule;
                let lists = prerequisites.iter().map(|entry| &entry.any_of);
                let lists = lists.chain([excludes, succeeds]).chain(stated_ban_covers);
                for name in lists.flat_map(Programmes::names) {
                    if !self.programmes.iter().any(|known| known.id == *name) {
                        return Err(format!("{version}: no programme {name:?}"));
                    }
                }
                for code in prerequisites.iter().flat_map(|entry| &entry.authorities) {
                    let known = AuthorityCode::parse(code);
                    known.map_err(|error| format!("{version}: authority {code:?} {error}"))?;
                }
            }
        }
        Ok(())
    }

    /// Finds the programmes that a ban covers. A catalogue that names none, like every one from
    /// before the key, has the usual ones.
    pub(super) fn resolve_bans(&mut self) -> Result<(), String> {
        let known: Vec<String> = self.programmes.iter().map(|known| known.id.clone()).collect();
        for programme in &mut self.programmes {
            let usual = Programmes::from(usual_bans(&programme.id, &known));
            for rule in &mut programme.rules {
                let covers = rule.stated_ban_covers.take().unwrap_or_else(|| usual.clone());
                if covers.names().contains(&programme.id) {
                    let (id, version) = (&programme.id, &rule.version);
                    return Err(format!(
                        "programme {id}, rule version {version}: ban_covers names other programmes"
                    ));
                }
                rule.ban_covers = covers;
            }
        }
        Ok(())
    }
}

/// The programmes that a ban of a programme covers where its rule versions do not say.
fn usual_bans(programme: &str, known: &[String]) -> Vec<String> {
    if !TIERS.contains(&programme) {
        return Vec::new();
    }
    let others = TIERS.into_iter().filter(|tier| *tier != programme);
    others.filter(|tier| known.iter().any(|id| id == tier)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILT_IN: &str = include_str!("../../../data/catalogue.toml");

    fn covered<'c>(catalogue: &'c Catalogue, id: &str) -> Vec<&'c [String]> {
        let programme = catalogue.programme(catalogue.find(id).unwrap()).unwrap();
        programme.rules.iter().map(|rule| rule.ban_covers.names()).collect()
    }

    #[test]
    fn the_tiers_cover_each_other_where_a_catalogue_does_not_say() {
        let catalogue = Catalogue::built_in();
        let others = ["innovative-sme", "specialised-sme"];
        assert_eq!(covered(&catalogue, "little-giant"), [others; 3]);
        assert_eq!(covered(&catalogue, "innovative-sme")[0], ["specialised-sme", "little-giant"]);
        for id in ["tech-sme", "single-item-champion", "national-platform"] {
            assert!(covered(&catalogue, id).iter().all(|names| names.is_empty()), "{id}");
        }
        let giant = catalogue.programme(catalogue.find("little-giant").unwrap()).unwrap();
        let ids = others.map(|id| catalogue.find(id).unwrap());
        assert_eq!(giant.rules[0].ban_covers.ids(), ids, "they are found by number too");
    }

    #[test]
    fn a_catalogue_says_for_each_rule_version_which_programmes_a_ban_covers() {
        let with = |stated: &str| {
            let (from, to) =
                ("ban_years = 3 },", format!("ban_years = 3, ban_covers = {stated} }},"));
            Catalogue::parse(&BUILT_IN.replacen(from, &to, 1))
        };
        let first = with("[\"tech-sme\"]").unwrap();
        let all = |catalogue: &Catalogue| {
            let all = catalogue.programmes().flat_map(|programme| &programme.rules);
            all.filter(|rule| rule.ban_covers.names() == ["tech-sme"]).count()
        };
        assert_eq!((all(&first), all(&Catalogue::built_in())), (1, 0));
        let none = with("[]").unwrap();
        let banned = |rule: &&RuleVersion| rule.ban_years > 0 && rule.ban_covers.names().is_empty();
        let rules = |catalogue: &Catalogue| {
            let all = catalogue.programmes().flat_map(|programme| &programme.rules);
            all.filter(banned).count()
        };
        assert_eq!(rules(&none), rules(&Catalogue::built_in()) + 1);
        let refused = with("[\"tech\"]").unwrap_err().to_string();
        assert!(refused.contains("no programme \"tech\""), "{refused}");
        let own = Catalogue::built_in();
        let own = own.programmes().find(|programme| programme.rules[0].ban_years > 0).unwrap();
        let refused = with(&format!("[\"{}\"]", own.id)).unwrap_err().to_string();
        assert!(refused.contains("ban_covers names other programmes"), "{refused}");
    }

    #[test]
    fn a_catalogue_without_a_tier_covers_the_others() {
        let blocks: Vec<_> = BUILT_IN.split("[[programme]]").collect();
        let kept = blocks.iter().filter(|block| !block.starts_with("\nid = \"innovative-sme\""));
        let text = kept.copied().collect::<Vec<_>>().join("[[programme]]");
        let text = text.replace("[{ any_of = [\"innovative-sme\"] }]", "[]");
        let text = text.replace("[\"innovative-sme\", \"tech-sme\"]", "[\"tech-sme\"]");
        let catalogue = Catalogue::parse(&text).unwrap();
        assert_eq!(covered(&catalogue, "little-giant")[0], ["specialised-sme"]);
    }
}
