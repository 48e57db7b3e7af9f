//! Rules for the names of designees.

use super::Case;
use crate::{
    domain::{
        DesigneeId, Name,
        event::Event,
        fault::{Key, RuleId},
    },
    register::identity::FactAt,
};

impl Case<'_> {
    /// Warns if a list writes the name differently from the name on record, or names nobody where
    /// the record has no name for the code either.
    pub(super) fn warn_if_name_differs(&mut self, event: &Event, listed: Option<&Name>) {
        let Some(listed) = listed else { return self.warn_if_nameless(event) };
        let Some((position, name)) = self.other_name_on_record(event, listed) else { return };
        let field = format!("{}.profile.name", event.fact.kind().name());
        let breach = RuleId::NameDiffers.with(Key::Name, name);
        self.warn(&field, listed.as_str(), breach, &[position]);
    }

    /// Warns of a code without a name, whatever the day of the names on record.
    fn warn_if_nameless(&mut self, event: &Event) {
        let Some(DesigneeId::Uscc(_)) = event.fact.designee() else { return };
        if self.judge.cluster.own_facts().any(|placed| placed.fact.name().is_some()) {
            return;
        }
        let field = format!("{}.profile.name", event.fact.kind().name());
        self.warn(&field, "", RuleId::DesigneeNameMissing, &[]);
    }

    /// Warns of a rename to the name that the designee bears on that day.
    pub(super) fn warn_if_name_is_borne(&mut self, event: &Event, name: &Name) {
        let Some(borne) = self.name_on_record(event) else { return };
        if borne.fact.name().is_some_and(|sym| self.register.text(sym) == name.as_str()) {
            let cause = "the designee bore the name already";
            self.warn_of_nothing("renamed.new_name", name.as_str(), cause, &[borne.position]);
        }
    }
}

impl<'a> Case<'a> {
    /// The name on record on the day of an event, if it is not this one, and the event that states
    /// it.
    pub(super) fn other_name_on_record(
        &self,
        event: &Event,
        stated: &Name,
    ) -> Option<(u32, &'a str)> {
        let placed = self.name_on_record(event)?;
        let on_record = placed.fact.name()?;
        let is_same = self.register.is_name(on_record, stated.key());
        (!is_same).then(|| (placed.position, self.register.text(on_record)))
    }

    /// The last fact that names the designee, on the day of an event.
    fn name_on_record(&self, event: &Event) -> Option<FactAt> {
        let begun = |placed: &&FactAt| placed.fact.effective <= event.effective;
        let mut facts = self.judge.cluster.own_facts().rev().filter(begun);
        facts.find(|placed| placed.fact.name().is_some()).copied()
    }
}
