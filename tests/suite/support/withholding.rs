//! Registers of random stories, some of whose events are withheld.

use std::collections::{BTreeMap, BTreeSet};

use tidu::{
    domain::{
        Withheld,
        catalogue::Catalogue,
        event::{Event, Fact},
    },
    protocol::event,
    register::{Register, rules::Judge},
};

/// The withheld places of a log.
pub type Places = BTreeMap<u64, Withheld>;

/// The events that a log can hold: the rules refuse many repairs, so what follows from those is of
/// no matter.
pub fn recordable(proposed: impl IntoIterator<Item = tidu::protocol::pb::Event>) -> Vec<Event> {
    let catalogue = Catalogue::built_in();
    let mut register = Register::default();
    let mut events = Vec::new();
    for proposed in proposed {
        let Ok(proposal) = event::proposal(&catalogue, 0, proposed) else { continue };
        let is_repair = matches!(proposal.event.fact, Fact::Repair { .. });
        let judge = |event| Judge::default().judge(&register, &catalogue, 0, event);
        if is_repair && !judge(&proposal.event).rejections.is_empty() {
            continue;
        }
        register.apply(&proposal.event);
        events.push(proposal.event);
    }
    events
}

pub fn applied(events: &[Event], places: &Places) -> Register {
    let mut register = Register::default();
    for (position, event) in (0..).zip(events) {
        match places.get(&position) {
            Some(withheld) => register.apply_withheld(withheld),
            None => register.apply(event),
        }
    }
    register
}

/// Withholds one event more, as a redaction does.
pub fn withhold(events: &[Event], places: &Places, position: u64) -> Places {
    let before = applied(events, places);
    let erased: BTreeSet<u64> = places.keys().copied().chain([position]).collect();
    let renamed = |(at, place): (&u64, &Withheld)| (*at, before.renamed(*at, place, &erased));
    let mut places: Places = places.iter().map(renamed).collect();
    let concerns = before.concerns(position, &erased).unwrap();
    places.insert(position, Withheld { concerns: concerns.clone(), derived: Vec::new() });
    let derived = before.derived_concerns(&applied(events, &places), &erased);
    places.insert(position, Withheld { concerns, derived });
    places
}

/// The events that a redaction may withhold.
pub fn redactable(register: &Register) -> Vec<u64> {
    let may_be = |at: &u64| {
        let is_annulled = register.annulled_at(*at).is_some();
        is_annulled && !register.is_annulment(*at) && !register.corrects_a_link(*at)
    };
    (0..register.size()).filter(may_be).collect()
}
