//! Everything that a register answers and holds, as text, so that two registers can be compared.

use std::collections::BTreeSet;

use tidu::{domain::DesigneeId, register::Register};

use super::{DESIGNEES, day, interests, scopes, view};

/// All that a reader could ask about the designees of random stories.
pub fn answers_of(register: &Register, known_at: u64) -> String {
    let mut text = String::new();
    for designee in DESIGNEES {
        let id = DesigneeId::parse(designee).unwrap();
        let Some(index) = register.find(&id, known_at) else { continue };
        for year in [2014, 2017, 2020, 2023, 2030] {
            let view = view(register, index, day(&format!("{year}-06-30")), known_at);
            text.push_str(&format!("{view:?}\n"));
        }
    }
    // The scope of every event, and the designees that it concerns.
    for interest in scopes() {
        text.push_str(&format!("{:?}", register.matching(interest, 0, known_at, usize::MAX)));
    }
    for position in 0..known_at {
        let mut ids = BTreeSet::new();
        register.followed_as(position, position + 1, |id| {
            ids.insert(id.to_string());
        });
        text.push_str(&format!("{ids:?}"));
    }
    // The events that a filter gives below a size stay the same when the log grows.
    for interest in interests() {
        text.push_str(&format!("{:?}", register.matching(&interest, 0, known_at, usize::MAX)));
    }
    text
}

/// Every word and number in every part of a register, sorted, so that two registers can be
/// compared. Left out: undo records, caches, and what depends on random hashes.
pub fn traces(register: &Register) -> Vec<String> {
    let mut text = format!("{register:?}");
    let cuts = [
        ("steps: [", "]"),
        ("first: ", " }"),
        ("recent: [", "]"),
        ("half: ", ","),
        ("others: {", "}"),
        ("seed: ", " "),
        ("scratch: ", "batches: Batches"),
    ];
    for (from, to) in cuts {
        let mut parts = text.split(from);
        let mut kept = parts.next().unwrap().to_owned();
        for part in parts {
            kept.push_str(part.find(to).map_or(part, |end| &part[end..]));
        }
        text = kept;
    }
    let is_part = |c: char| !c.is_alphanumeric() && c != '_';
    let mut words: Vec<_> = text.split(is_part).map(str::to_owned).collect();
    words.sort();
    words
}
