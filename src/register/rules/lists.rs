//! A fact that one list states twice. The earlier one has no position yet at which a caller could
//! look it up, so its row tells where it is.

use super::{Case, with_rows};
use crate::domain::{
    event::Event,
    fault::{Breach, RuleId},
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
        let breach = Breach::from(RuleId::StatedTwiceInList);
        self.reject("designee", &designee, with_rows(breach, event.row, earlier_row), &[]);
        true
    }
}
