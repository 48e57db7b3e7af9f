//! Protocol values in words for people: dates, instants, flags and ends of titles, bytes.

use super::{
    cells::{Cell, Tone},
    enums::Worded,
};
use crate::{
    lang::{Lang, say, word},
    protocol::pb,
};

/// The status of a title in a word for programs: `not-designated`.
pub(crate) fn title_status(status: pb::TitleStatus) -> String {
    status.machine()
}

/// The flags of a title in words for programs.
pub(crate) fn flags(title: &pb::Title) -> String {
    let flags: Vec<_> = title.flags().map(Worded::machine).collect();
    flags.join(" ")
}

/// The cell of a title's flags.
pub(crate) fn flags_cell(title: &pb::Title) -> Cell {
    let human: Vec<_> = title.flags().map(Worded::human).collect();
    let apart = word!(en: " ", zh: "、");
    Cell::of(flags(title), human.join(apart)).tone(Tone::Warning)
}

/// The end of a title in words for programs: its cause, the ground of a revocation, and the ban.
pub(crate) fn end(title: &pb::Title) -> String {
    let inferred = if title.ban_until_inferred { " (inferred)" } else { "" };
    let ban = title.ban_until.as_ref();
    let ban = ban.map_or_else(String::new, |day| format!("ban to {}{inferred}", date(Some(day))));
    let stated = |machine: String, unstated: bool| if unstated { String::new() } else { machine };
    let (cause, ground) = (title.end_cause(), title.ground());
    let cause = stated(cause.machine(), cause == pb::EndCause::Unspecified);
    let ground = stated(ground.machine(), ground == pb::RevocationGround::Unspecified);
    joined([cause, ground, ban], ", ")
}

/// The cell of a title's end.
pub(crate) fn end_cell(title: &pb::Title) -> Cell {
    let machine = end(title);
    if Lang::current() == Lang::En {
        return machine.into();
    }
    let inferred = if title.ban_until_inferred { "（推算）" } else { "" };
    let ban = title.ban_until.as_ref();
    let ban =
        ban.map_or_else(String::new, |day| format!("{} 前不得再次申报{inferred}", date(Some(day))));
    let human = joined([title.end_cause().human(), title.ground().human(), ban], "，");
    Cell::of(machine, human)
}

fn joined(parts: [String; 3], between: &str) -> String {
    let known: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    known.join(between)
}

/// An ISO date; an empty text if there is none.
pub(crate) fn date(date: Option<&pb::Date>) -> String {
    let Some(pb::Date { year, month, day }) = date else { return String::new() };
    match (month, day) {
        (0, _) => format!("{year:04}"),
        (_, 0) => format!("{year:04}-{month:02}"),
        _ => format!("{year:04}-{month:02}-{day:02}"),
    }
}

/// The day and the log size that an answer is for, and the events that it lacks by now.
pub(crate) fn as_of(answer: Option<&pb::AnswerAsOf>) -> String {
    let day = day(answer);
    let size = answer.map_or(0, pb::AnswerAsOf::known_at);
    let redacted = match answer.map_or(&[][..], |answer| &answer.redacted_positions) {
        [] => String::new(),
        [position] => say!(
            en: ", without event {position}, which was redacted since",
            zh: "，不含此后被抹除的事件 {position}"
        ),
        [first, .., last] => say!(
            en: ", without events redacted since, from position {first} to {last}",
            zh: "，不含此后被抹除的事件（位置 {first} 至 {last}）"
        ),
    };
    say!(
        en: "as of {day}, as known at log size {size}{redacted}",
        zh: "截至 {day}，依据日志前 {size} 个事件{redacted}"
    )
}

/// The day that an answer is for.
fn day(answer: Option<&pb::AnswerAsOf>) -> String {
    date(answer.and_then(|answer| answer.valid_on.as_ref()))
}

/// An instant as local time in Shanghai, to the second.
pub(crate) fn instant(timestamp: Option<&prost_types::Timestamp>) -> String {
    let read = timestamp.and_then(|t| jiff::Timestamp::new(t.seconds, t.nanos).ok());
    read.map_or_else(String::new, |instant| {
        let local = jiff::tz::Offset::constant(8).to_datetime(instant);
        format!("{} {:02}:{:02}:{:02}", local.date(), local.hour(), local.minute(), local.second())
    })
}

/// Bytes for people: `1.5 GiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return say!(en: "{bytes} bytes", zh: "{bytes} 字节");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut units = UNITS.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    while value >= 1024.0
        && let Some(next) = units.next()
    {
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_the_unit_that_fits() {
        for (count, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (1_610_612_736, "1.5 GiB"),
            (u64::MAX, "16777216.0 TiB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }
}
