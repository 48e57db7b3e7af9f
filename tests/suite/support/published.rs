//! The published history of the gradient, with a line about each part.

use tidu::{cli::history, domain::PartialDate, protocol::pb};

pub use tidu::cli::history::{PARTS_OF_BATCH_3, little_giants_by_authority};

/// The history as lists of events, each with a line about it.
pub fn published_chapters() -> Vec<(String, Vec<pb::Event>)> {
    let titled = |(chapter, events): (history::Chapter, Vec<pb::Event>)| {
        let history::Chapter { what, programme, batch, stage, count, .. } = chapter;
        let [basis, _] = chapter.basis;
        (format!("{what} {programme} {batch} {stage}: {count} ({basis})"), events)
    };
    history::chapters().map(titled).collect()
}

pub fn published_date(text: &str) -> pb::Date {
    let (year, month, day) = PartialDate::parse_iso(text).unwrap().parts();
    pb::Date { year, month, day }
}
