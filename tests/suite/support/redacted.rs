//! A log of which one event is redacted, beside what it held before.

use std::{fs, path::Path, sync::Arc};

use bytes::Bytes;
use prost::Message as _;
use tidu::{
    archive::redaction::Redaction,
    catalogue_files::CatalogueFiles,
    domain::Principal,
    ledger::Commit,
    protocol::{leaf::Leaf, pb, pb::event::Fact},
};

use super::{
    events::event,
    history::{self, History},
    ledger::commit,
};

/// The annulment of a made-up designation.
pub fn annulment(position: u64) -> pb::Event {
    let fact = pb::Annulled { position: Some(position), reason: "listed by mistake".to_owned() };
    event("440000", "", "2024-06-01", Fact::Annulled(fact))
}

/// The fact of the service that withholds an event.
pub fn withholding(position: u64) -> pb::Event {
    let fact = pb::EventWithheld {
        position: Some(position),
        reason: "a court order".to_owned(),
        requested_by: "ministry.operator".to_owned(),
        approved_by: "ministry.auditor".to_owned(),
    };
    pb::Event { evidence: None, ..event("service", "", "2026-01-01", Fact::EventWithheld(fact)) }
}

/// Its commit, as the server records it.
pub fn withheld_by_server(position: u64) -> Commit {
    Commit { recorded_by: Principal::SERVER, ..commit(vec![withholding(position)]) }
}

/// Erases an annulled event of a log that nobody has open.
pub fn redact(data: &Path, position: u64) {
    let reason = "the list named a natural person";
    let files = CatalogueFiles::built_in();
    Redaction::prepare(files, data, position, reason, &[]).unwrap().run().unwrap();
}

/// What a log with a redaction may show.
pub struct Redacted {
    /// As if nothing had been redacted.
    pub history: Arc<History>,
    pub position: usize,
    /// What the log holds in the place of the event, once it is redacted.
    place: Bytes,
    /// Texts that only the erased event has.
    secrets: Vec<Vec<u8>>,
}

impl Redacted {
    /// From all leaves before the redaction, and all after it.
    pub fn new(position: usize, before: &[Bytes], mut after: Vec<Bytes>) -> Self {
        let leaf = before[position].clone();
        let place = std::mem::replace(&mut after[position], leaf.clone());
        assert_ne!(place, leaf, "the event was not redacted");
        let event = Leaf::decode(leaf).unwrap().event;
        let event = pb::Event::decode(event).unwrap();
        let secrets = vec![event.designee.clone().into_bytes(), event.encode_to_vec()];
        for secret in &secrets {
            let holding: Vec<_> = (0..after.len()).filter(|i| holds(&after[*i], secret)).collect();
            assert_eq!(holding, [position], "a text that only the event has");
        }
        Self { history: Arc::new(History::new(after)), position, place, secrets }
    }

    /// Opens `data` as a start does. Gives its size, and true if the event is redacted; an error if
    /// it is refused, or is neither the old log nor the redacted one.
    pub fn open(&self, data: &Path) -> Result<(u64, bool), Fault> {
        let read = history::places(data).map_err(|error| Fault::Refused(error.to_string()))?;
        let (places, root) = read;
        let size = places.len() as u64;
        let wrong = |what: String| Err(Fault::Wrong(what));
        if self.history.root(size) != Some(root) {
            return wrong(format!("another root for {size} events"));
        }
        let mut is_redacted = false;
        for (position, place) in places.iter().enumerate() {
            is_redacted |= place.withheld;
            let expected = match place.withheld {
                true if position == self.position => &self.place,
                true => return wrong(format!("event {position} is withheld")),
                false => self.history.leaf(position),
            };
            if place.bytes != *expected {
                return wrong(format!("event {position} is not as recorded"));
            }
        }
        match self.holding(data) {
            found if is_redacted && !found.is_empty() => {
                wrong(format!("the erased text is still in {found:?}"))
            }
            found if !is_redacted && found.is_empty() => wrong("the text is gone".to_owned()),
            _ => Ok((size, is_redacted)),
        }
    }

    /// Every file under a directory that holds a text of the erased event.
    pub fn holding(&self, directory: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(self.holding(&path));
            } else {
                let bytes = fs::read(&path).unwrap();
                let is_there = self.secrets.iter().any(|secret| holds(&bytes, secret));
                found.extend(is_there.then(|| path.display().to_string()));
            }
        }
        found
    }
}

/// What is wrong with a log.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// It was refused with this error.
    Refused(String),
    /// It opened with something that was not recorded.
    Wrong(String),
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|part| part == text)
}
