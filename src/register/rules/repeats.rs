//! A fact that is stated twice: under one identifier, which is refused, or under two identifiers of
//! one subject, which is not. Within one list the earlier one has no position yet at which a caller
//! could look it up, so its row tells where it is, or else its place in the request.

use super::{Case, with_rows};
use crate::{
    domain::{
        event::Event,
        fault::{Breach, Key, RuleId},
    },
    register::{identity::FactAt, rows::FactRow},
};

impl Case<'_> {
    /// Rejects a fact that an earlier event of the same commit states; true if one does.
    pub(super) fn reject_twice_in_list(
        &mut self,
        event: &Event,
        earlier: u32,
        earlier_row: u32,
    ) -> bool {
        if self.is_recorded_before(earlier) {
            return false;
        }
        let designee = event.fact.designee().map_or(String::new(), ToString::to_string);
        let named = self.unless_told_by_rows(earlier, event.row, earlier_row);
        let breach = Breach::from(RuleId::StatedTwiceInList).with_any(Key::Position, named);
        self.reject("designee", &designee, with_rows(breach, event.row, earlier_row), &[]);
        true
    }

    /// A fact on record that says the same: under this identifier, or else under another one of the
    /// subject. The link may come after both, so only the first can be refused.
    pub(super) fn twin(&self, says: impl Fn(&FactRow) -> bool) -> Option<FactAt> {
        let mut same = self.judge.cluster.own_facts().filter(|placed| says(&placed.fact)).copied();
        let first = same.next()?;
        let own = std::iter::once(first).chain(same).find(FactAt::is_under_the_identifier);
        Some(own.unwrap_or(first))
    }

    /// Warns that another identifier of the subject says the same; false if this one does.
    pub(super) fn warn_if_said_under_other(&mut self, event: &Event, twin: &FactAt) -> bool {
        let is_other = !twin.is_under_the_identifier();
        if is_other {
            let cause = "another identifier of the subject states the same";
            let value = event.effective.to_string();
            self.warn_of_nothing("effective_date", &value, cause, &[twin.position]);
        }
        is_other
    }

    pub(super) fn reject_already_recorded(&mut self, event: &Event, twin: &FactAt) {
        if self.warn_if_said_under_other(event, twin) {
            return;
        }
        let position = twin.position;
        let row = self.register.recorded(position).map_or(0, |fact| fact.row);
        if self.reject_twice_in_list(event, position, row) {
            return;
        }
        let breach = RuleId::AlreadyRecorded.with(Key::Position, position);
        let breach = with_rows(breach, event.row, row);
        self.reject("fact", event.fact.kind().name(), breach, &[position]);
    }
}
