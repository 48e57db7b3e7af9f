//! Options as a person types them, and values of events as text.

use clap::ValueEnum as _;
use tidu::{
    import::{FactKind, Options, ReadOrSkip},
    protocol::pb::{self, event::Fact},
};

/// The options of a list, from the arguments of `record`.
pub fn options(text: &str) -> Options {
    let mut options = Options::default();
    let mut words = text.split_whitespace();
    while let Some(option) = words.next() {
        if option == "--supplement" {
            options.supplement = true;
            continue;
        }
        let value = words.next().unwrap_or_else(|| panic!("{option} has no value"));
        let target = match option {
            "--fact" => {
                options.fact = Some(FactKind::from_str(value, false).unwrap());
                continue;
            }
            "--column" => {
                let (field, header) = value.split_once('=').unwrap();
                options.columns.push((field.to_owned(), header.to_owned()));
                continue;
            }
            "--hidden" => {
                options.hidden = Some(ReadOrSkip::from_str(value, false).unwrap());
                continue;
            }
            "--authority" => &mut options.authority,
            "--programme" => &mut options.programme,
            "--batch" => &mut options.batch,
            "--date" => &mut options.date,
            "--valid-to" => &mut options.valid_to,
            "--round" => &mut options.round,
            "--reason" => &mut options.reason,
            "--sheet" => &mut options.sheet,
            _ => panic!("{option} is not known here"),
        };
        *target = Some(value.to_owned());
    }
    options
}

/// The kind of an event: `review-passed`.
pub fn kind(event: &pb::Event) -> String {
    let fact = format!("{:?}", event.fact.as_ref().unwrap());
    let name = fact.split('(').next().unwrap();
    let mut kind = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !kind.is_empty() {
            kind.push('-');
        }
        kind.push(character.to_ascii_lowercase());
    }
    kind
}

/// A value of an event as text.
pub fn value(event: &pb::Event, field: &str) -> String {
    let day = |date: Option<pb::Date>| match date {
        None => String::new(),
        Some(pb::Date { year, month: 0, .. }) => format!("{year}"),
        Some(pb::Date { year, month, day: 0 }) => format!("{year}-{month:02}"),
        Some(pb::Date { year, month, day }) => format!("{year}-{month:02}-{day:02}"),
    };
    let (batch, valid_to, profile) = match event.fact.as_ref().unwrap() {
        Fact::Designated(fact) => {
            (fact.batch.clone(), fact.valid_to, fact.profile.clone().unwrap_or_default())
        }
        Fact::ReviewPassed(fact) => (fact.batch.clone(), fact.valid_to, pb::Profile::default()),
        Fact::ReviewFailed(fact) => (fact.batch.clone(), None, pb::Profile::default()),
        _ => Default::default(),
    };
    match field {
        "designee" => event.designee.clone(),
        "date" => day(event.effective_date),
        "valid_to" => day(valid_to),
        "batch" => batch,
        "name" => profile.name,
        "region" => profile.registered_region,
        _ => panic!("{field} is not known here"),
    }
}
