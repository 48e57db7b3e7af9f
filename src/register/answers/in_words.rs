//! Facts and statuses in plain English, as explanations say them.

use super::{reading::Reading, view::TitleView};
use crate::{
    domain::{
        CivilDate,
        event::{Ground, ReviewFailureCause, SubjectEndCause},
    },
    register::{EndCause, Status, rows::FactKindRow},
};

/// A fact in words.
pub(super) fn fact_in_words(reading: &Reading<'_>, kind: &FactKindRow) -> String {
    let text = |sym| reading.register.text(sym);
    match *kind {
        FactKindRow::Noticed { batch, review, recommendation, supplement, .. } => {
            let purpose = if review { "review" } else { "new designation" };
            let (step, late) = (step(recommendation), by_supplement(supplement));
            format!("notice of a {purpose}{step}, batch {}{late}", text(batch))
        }
        FactKindRow::ObjectionRaised { batch, recommendation } => {
            format!("an objection was raised, batch {}{}", text(batch), step(recommendation))
        }
        FactKindRow::ObjectionResolved { batch, recommendation, upheld, objection } => {
            let facts = reading.subjects().facts();
            let which = match objection.position().map(|place| facts.source_of(place, &mut 0)) {
                Some(source) if !facts.may_read(source) => "an objection".to_owned(),
                Some(source) => format!("the objection at position {source}"),
                None => "the oldest open objection".to_owned(),
            };
            let outcome = if upheld { "upheld" } else { "dismissed" };
            format!("{which} was {outcome}, batch {}{}", text(batch), step(recommendation))
        }
        FactKindRow::NoticeWithdrawn { batch, recommendation } => {
            format!("the entry was withdrawn, batch {}{}", text(batch), step(recommendation))
        }
        FactKindRow::Designated { batch, to, inferred, supplement, .. } => {
            let late = by_supplement(supplement);
            format!("designated in batch {}{late}, {}", text(batch), until(to, inferred))
        }
        FactKindRow::ReviewOpened { round } => format!("review opened, round {}", text(round)),
        FactKindRow::ReviewPassed { round, to, inferred, supplement, .. } => {
            let late = by_supplement(supplement);
            format!("review passed in round {}{late}, {}", text(round), until(to, inferred))
        }
        FactKindRow::ReviewFailed { round, revokes, cause, supplement } => {
            let why = match cause {
                Some(ReviewFailureCause::NotUpToStandard) => ", not up to the standard",
                Some(ReviewFailureCause::NotSubmitted) => ", nothing submitted",
                None => "",
            };
            let follows = if revokes { "revoked for it" } else { "not renewed" };
            let late = by_supplement(supplement);
            format!("review failed in round {}{late}{why}: {follows}", text(round))
        }
        FactKindRow::Revoked { ground, ban_until, inferred } => {
            let ban = match ban_until {
                None => "without a ban".to_owned(),
                Some(last) => format!("banned {}", until(Some(last), inferred)),
            };
            format!("revoked for {}, {ban}", ground_in_words(ground))
        }
        FactKindRow::Transferred { successor, .. } => {
            format!("passed to {}", reading.register.id(successor))
        }
        FactKindRow::Converted { programme, .. } => {
            format!("converted into {}", reading.catalogues.id_of(programme))
        }
        FactKindRow::CreationListed { batch, .. } => {
            format!("listed for a creation task, batch {}", text(batch))
        }
        FactKindRow::SupportGranted { scheme, round } => {
            format!("support granted: {} {}", text(scheme), text(round))
        }
        _ => plain_fact_in_words(kind),
    }
}

/// A fact without a batch, in words.
fn plain_fact_in_words(kind: &FactKindRow) -> String {
    let words = match *kind {
        FactKindRow::RevocationProposed => "revocation proposed",
        FactKindRow::Surrendered => "given up by the holder",
        FactKindRow::Reinstated => "revocation undone",
        FactKindRow::CreationAssessed { passed: true, .. } => "creation task passed",
        FactKindRow::CreationAssessed { .. } => "creation task not passed",
        FactKindRow::RectificationOrdered { due: Some(due) } => {
            return format!("to rectify by {due}");
        }
        FactKindRow::RectificationOrdered { due: None } => "to rectify",
        FactKindRow::SubjectEnded { cause: Some(SubjectEndCause::Absorbed) } => {
            "another subject absorbed the subject"
        }
        FactKindRow::SubjectEnded { cause: Some(SubjectEndCause::Deregistered) } => {
            "the subject was deregistered"
        }
        FactKindRow::SubjectEnded { .. } => "the subject ceased to exist",
        FactKindRow::Restructured { .. } => "the subject ceased in a restructuring",
        _ => return kind.as_kind().name().replace('_', " "),
    };
    words.to_owned()
}

fn step(recommendation: bool) -> &'static str {
    if recommendation { " (recommendation)" } else { "" }
}

fn by_supplement(supplement: bool) -> &'static str {
    if supplement { ", by a supplement" } else { "" }
}

fn until(to: Option<CivilDate>, inferred: bool) -> String {
    match to {
        None => "without a stated end".to_owned(),
        Some(to) if inferred => format!("to {to}, inferred from the catalogue"),
        Some(to) => format!("to {to}"),
    }
}

fn ground_in_words(ground: Option<Ground>) -> &'static str {
    match ground {
        Some(Ground::BelowStandard) => "being below the standard",
        Some(Ground::SafetyAccident) => "a major safety accident",
        Some(Ground::QualityAccident) => "a major quality accident",
        Some(Ground::PollutionAccident) => "a pollution accident",
        Some(Ground::Dishonesty) => "serious dishonesty",
        Some(Ground::TaxEvasion) => "tax evasion",
        Some(Ground::Falsification) => "falsified data",
        Some(Ground::DutyNotMet) => "a duty not met",
        Some(Ground::ReviewNotSubmitted) => "not submitting to a review",
        Some(Ground::Other) => "another ground",
        None => "a ground that is not stated",
    }
}

/// The status of a title in words, with the cause of its end.
pub(super) fn conclusion(title: &TitleView, day: CivilDate) -> String {
    let last = title.valid_to.map(|to| to.to_string()).unwrap_or_default();
    let first = title.valid_from.map(|from| from.to_string()).unwrap_or_default();
    let because = title.end_cause.map_or("", cause_in_words);
    let ended = title.ended_on.map(|on| format!(" on {on}")).unwrap_or_default();
    let words = match title.status {
        Status::Pending => format!("pending: validity begins on {first}, after {day}"),
        Status::Noticed => {
            "noticed: in a public notice or on a creation list, not designated".into()
        }
        Status::NotDesignated => format!("not designated: {because}"),
        Status::Active => {
            let renewal = if because.is_empty() { "" } else { "; not renewed: " };
            let days = if last.is_empty() {
                format!("active since {first}; no end is known")
            } else {
                format!("active: {first} to {last}, both days included")
            };
            format!("{days}{renewal}{because}")
        }
        Status::Expired if title.ended_on.is_some() => format!("expired{ended}: {because}"),
        Status::Expired => {
            format!("expired: {last} was its last day, to midnight in Asia/Shanghai; {because}")
        }
        Status::Revoked if title.end_cause == Some(EndCause::Revoked) => {
            format!("revoked{ended} for {}", ground_in_words(title.ground))
        }
        Status::Revoked => format!("revoked{ended}: {because}"),
        Status::Surrendered => format!("given up by the holder{ended}"),
        Status::Ended => format!("ended{ended}: {because}"),
        Status::Converted => format!("converted{ended}"),
        Status::NotOnRecord => "not on record: the facts on record cannot apply".to_owned(),
    };
    match title.ban_until {
        Some(until) => format!("{words}; banned to {until}"),
        None => words,
    }
}

fn cause_in_words(cause: EndCause) -> &'static str {
    match cause {
        EndCause::Lapsed => "nothing renewed it",
        EndCause::ReviewNotUpToStandard => "its review found the holder not up to the standard",
        EndCause::ReviewNotSubmitted => "the holder did not submit to its review",
        EndCause::ReviewFailed => "its review failed",
        EndCause::Revoked => "it was revoked",
        EndCause::Surrendered => "the holder gave it up",
        EndCause::SubjectDeregistered => "its subject ceased to exist",
        EndCause::SubjectAbsorbed => "another subject absorbed its subject",
        EndCause::SubjectRestructured => "its subject ceased in a restructuring",
        EndCause::Transferred => "it passed to a successor",
        EndCause::Converted => "it became a title of another programme",
        EndCause::NoticeWithdrawn => "the entry was withdrawn from the notice",
        EndCause::ObjectionUpheld => "an objection was upheld",
        EndCause::NotOnFinalList => "the list was sealed without it",
        EndCause::CreationFailed => "the creation task was not passed",
    }
}
