//! Numbers for programmes and rule versions that all catalogues of a log share.
//!
//! A number is given out once and keeps its meaning, so a row that holds it is read without knowing
//! the catalogue of its position.

use std::sync::Arc;

use super::{Catalogue, Programmes, RuleVersion};
use crate::{
    domain::kind::ProgrammeId,
    limits::{CATALOGUE_PROGRAMMES_MAX, CATALOGUE_RULES_OF_LOG_MAX},
};

/// The numbers given out so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbering {
    /// The ids of all programmes, each at its number.
    programmes: Vec<String>,
    /// For each programme its rule versions, each at its number.
    rules: Vec<Vec<Arc<RuleVersion>>>,
}

impl Numbering {
    pub(super) fn find(&self, id: &str) -> Option<ProgrammeId> {
        let place = self.programmes.iter().position(|known| known == id)?;
        ProgrammeId::at(place)
    }

    pub(super) fn programmes(&self) -> &[String] {
        &self.programmes
    }

    pub(super) fn rule(&self, id: ProgrammeId, number: u8) -> Option<&RuleVersion> {
        let rules = self.rules.get(usize::from(id.index()))?;
        rules.get(usize::from(number)).map(Arc::as_ref)
    }

    fn programme(&mut self, id: &str) -> Option<ProgrammeId> {
        if let Some(found) = self.find(id) {
            return Some(found);
        }
        self.programmes.push(id.to_owned());
        self.rules.push(Vec::new());
        ProgrammeId::at(self.programmes.len() - 1)
    }

    /// The number of a rule version. A version that is the same in two catalogues has one number.
    fn number(&mut self, id: ProgrammeId, rule: &mut RuleVersion) -> Result<(), String> {
        let Some(rules) = self.rules.get_mut(usize::from(id.index())) else { return Ok(()) };
        for (number, known) in (0..).zip(rules.iter()) {
            rule.number = number;
            if **known == *rule {
                return Ok(());
            }
        }
        if rules.len() >= CATALOGUE_RULES_OF_LOG_MAX {
            return Err(format!(
                "with the catalogues adopted before, a programme has more than \
                 {CATALOGUE_RULES_OF_LOG_MAX} different rule versions"
            ));
        }
        rule.number = u8::try_from(rules.len()).unwrap_or(u8::MAX);
        rules.push(Arc::new(rule.clone()));
        Ok(())
    }
}

impl Catalogue {
    /// Gives its programmes and rule versions the numbers that they have in `numbering`, which gets
    /// those that are new.
    pub(super) fn renumber(&mut self, numbering: &mut Numbering) -> Result<(), String> {
        let ids = self.programmes.iter().filter_map(|programme| numbering.programme(&programme.id));
        self.ids = ids.collect();
        let count = numbering.programmes.len();
        if count > CATALOGUE_PROGRAMMES_MAX {
            return Err(format!(
                "with the catalogues adopted before, there are {count} programmes; \
                 {CATALOGUE_PROGRAMMES_MAX} are allowed"
            ));
        }
        self.shared.clone_from(&numbering.programmes);
        for (programme, id) in self.programmes.iter_mut().zip(&self.ids) {
            for rule in &mut programme.rules {
                let RuleVersion { prerequisites, excludes, succeeds, ban_covers, .. } = rule;
                let lists = prerequisites.iter_mut().map(|entry| &mut entry.any_of);
                let lists = lists.chain([excludes, succeeds, ban_covers]);
                lists.for_each(|list| list.renumber(numbering));
                numbering
                    .number(*id, rule)
                    .map_err(|e| format!("programme {}: {e}", programme.id))?;
            }
        }
        Ok(())
    }
}

impl Programmes {
    fn renumber(&mut self, numbering: &Numbering) {
        self.ids = self.names.iter().filter_map(|name| numbering.find(name)).collect();
    }
}
