//! Titles over all days: of everybody, or of those whom some events may have changed.

use std::{ops::Range, sync::Arc};

use prost::Message as _;
use tonic::Status;

use super::{RegisterApi, sight_of};
use crate::{
    domain::{CivilDate, IndustryCode, event::BatchRef},
    ledger::{Ledger, Pace as _},
    limits::{CHANGED_EVENTS_MAX, PAGE_BYTES, VIEWS_SLICE},
    protocol::{
        pb::{self, google::r#type::Date},
        time::pb_date,
    },
    register::{
        DesigneeShown, Sight, Stretch, Timeline, TimelineReading, TitleView, Touched,
        TouchedReading,
    },
    service::{
        arrival::Named,
        as_of::answered,
        call::Call,
        convert, errors,
        page::{PageToken, page_size},
        questions::Turn,
    },
};

pub(super) async fn list(
    api: &RegisterApi,
    call: &Call,
    request: pb::ListTimelinesRequest,
) -> Result<pb::ListTimelinesResponse, Status> {
    let ledger = &*api.ledger;
    let size = page_size(request.page_size)?;
    let same =
        pb::ListTimelinesRequest { changed_from: request.changed_from, ..Default::default() };
    if let Some(position) = request.changed_from {
        // The log size that is asked for is this node's, unless the request states it.
        Named { field: "changed_from", position }.arrived(ledger, call).await?;
    }
    let token = PageToken::read(ledger, call, request.as_of, &request.page_token, &same).await?;
    let known_at = token.as_of.known_at;
    if let Some(from) = request.changed_from.filter(|from| *from > known_at) {
        return Err(errors::beyond_log("changed_from", from, known_at));
    }
    let changed = request.changed_from.map(|from| from..known_at);
    let sight = sight_of(ledger, call)?;
    let question = move |ledger: &Ledger, turn: &mut Turn| {
        let asking = Asking { ledger, sight, known_at, changed };
        asking.page(token, size, turn)
    };
    let (mut page, next) = api.ask(call, question).await?;
    page.next_page_token = next.map(|next| next.text(&same)).unwrap_or_default();
    page.as_of = answered(ledger, token.as_of);
    if let Some(as_of) = &mut page.as_of {
        as_of.valid_on = None;
    }
    Ok(page)
}

/// One question under way.
struct Asking<'a> {
    ledger: &'a Ledger,
    sight: Option<Arc<Sight>>,
    known_at: u64,
    /// The events whose changes are wanted; `None` for all subjects.
    changed: Option<Range<u64>>,
}

impl Asking<'_> {
    /// Reads a page: subject by subject, then batches and withheld events. A token counts the
    /// subjects, and the entries of the one that was cut.
    fn page(
        &self,
        token: PageToken,
        size: usize,
        turn: &mut Turn,
    ) -> Result<(pb::ListTimelinesResponse, Option<PageToken>), Status> {
        let wanted = self.wanted(turn)?;
        let mut page = Page { answer: pb::ListTimelinesResponse::default(), bytes: 0, entries: 0 };
        for number in token.next..=wanted.subjects() {
            let part = match wanted.subject(number) {
                Some(place) => self.part(place, turn)?,
                None => wanted.rest(self.ledger),
            };
            let skip = if number == token.next { token.skip } else { 0 };
            for (at, entry) in part.entries.into_iter().enumerate().skip(skip) {
                if page.entries == size || page.bytes >= PAGE_BYTES {
                    return Ok((page.answer, Some(PageToken { next: number, skip: at, ..token })));
                }
                page.add((&part.subject, part.is_known), entry);
            }
            if number % VIEWS_SLICE == 0 {
                turn.step()?;
            }
        }
        Ok((page.answer, None))
    }

    /// The wanted part: all, or the part that the events touch.
    fn wanted(&self, turn: &mut Turn) -> Result<Wanted, Status> {
        let few = self
            .changed
            .clone()
            .filter(|changed| changed.end.saturating_sub(changed.start) <= CHANGED_EVENTS_MAX);
        let Some(changed) = few else {
            let register = self.ledger.register();
            let seen = register.as_seen(self.sight.as_ref());
            let batches = seen.batch_names(self.known_at);
            let withheld = register.withheld_within(0, self.known_at);
            return Ok(Wanted::All { subjects: register.designee_count(), batches, withheld });
        };
        let mut reading = TouchedReading::new(changed);
        while reading.advance(self.ledger.register().as_seen(self.sight.as_ref())) {
            turn.step()?;
        }
        Ok(Wanted::Touched(reading.finish(&self.ledger.register())))
    }

    /// The timeline of the subject at a place as known at a log size.
    fn timeline(&self, place: usize, known_at: u64, turn: &mut Turn) -> Result<Timeline, Status> {
        let mut reading = TimelineReading::new(place, known_at);
        loop {
            let register = self.ledger.register();
            let seen = register.as_seen(self.sight.as_ref());
            if !reading.advance(seen, self.ledger.catalogues()) {
                return Ok(reading.finish(&register));
            }
            drop(register);
            turn.step()?;
        }
    }

    /// The entries about the subject at a place; none if another identifier represents it, or if
    /// the caller may not know it and could not know it before the events.
    fn part(&self, place: usize, turn: &mut Turn) -> Result<Part, Status> {
        let timeline = self.timeline(place, self.known_at, turn)?;
        if timeline.places.first() != Some(&place) {
            return Ok(Part::default());
        }
        let (mut is_known, mut batches) = (!timeline.designee.is_empty(), timeline.batches);
        if let (Some(_), Some(changed)) = (&self.sight, &self.changed) {
            for place in &timeline.places {
                let before = self.timeline(*place, changed.start, turn)?;
                is_known |= !before.designee.is_empty();
                batches.extend(before.batches);
            }
        }
        if !is_known {
            return Ok(Part::default());
        }
        let is_known = !timeline.designee.is_empty();
        let ids: Vec<String> = timeline.ids.iter().map(ToString::to_string).collect();
        let subject = ids.first().cloned().unwrap_or_default();
        let mut entries: Vec<Entry> = ids.into_iter().map(Entry::Identifier).collect();
        entries.extend(timeline.designee.into_iter().map(|s| Entry::Designee(designee(s))));
        let title = |stretch| Entry::Title(Box::new(title(self.ledger, stretch)));
        entries.extend(timeline.titles.into_iter().map(title));
        entries.extend(batches.iter().map(|batch| Entry::Batch(batch_name(self.ledger, batch))));
        Ok(Part { subject, is_known, entries })
    }
}

/// The part that a question asks for.
enum Wanted {
    /// Everything, of so many designees.
    All {
        subjects: usize,
        batches: Vec<BatchRef>,
        withheld: Vec<u64>,
    },
    Touched(Touched),
}

impl Wanted {
    fn subjects(&self) -> usize {
        match self {
            Self::All { subjects, .. } => *subjects,
            Self::Touched(touched) => touched.subjects.len(),
        }
    }

    /// The place of a subject; `None` after the last one.
    fn subject(&self, number: usize) -> Option<usize> {
        match self {
            Self::All { subjects, .. } => (number < *subjects).then_some(number),
            Self::Touched(touched) => touched.subjects.get(number).copied(),
        }
    }

    /// The entries after the subjects.
    fn rest(&self, ledger: &Ledger) -> Part {
        let (batches, withheld) = match self {
            Self::All { batches, withheld, .. } => (batches, withheld),
            Self::Touched(touched) => (&touched.batches, &touched.withheld),
        };
        let batches = batches.iter().map(|batch| Entry::Batch(batch_name(ledger, batch)));
        let entries = batches.chain(withheld.iter().copied().map(Entry::Withheld)).collect();
        Part { entries, ..Part::default() }
    }
}

/// The entries of an answer about one subject, or about none.
#[derive(Default)]
struct Part {
    subject: String,
    /// False if the caller may not know the subject any more.
    is_known: bool,
    entries: Vec<Entry>,
}

/// One entry of an answer.
enum Entry {
    Identifier(String),
    Designee(pb::DesigneeStretch),
    Title(Box<pb::TitleStretch>),
    Batch(pb::BatchName),
    Withheld(u64),
}

/// A page that is being filled.
struct Page {
    answer: pb::ListTimelinesResponse,
    bytes: usize,
    entries: usize,
}

impl Page {
    fn add(&mut self, subject: (&str, bool), entry: Entry) {
        self.entries += 1;
        self.bytes += entry.bytes();
        let timeline = match entry {
            Entry::Batch(batch) => return self.answer.batches.push(batch),
            Entry::Withheld(position) => return self.answer.withheld_positions.push(position),
            _ => self.timeline(subject),
        };
        match entry {
            Entry::Identifier(id) => timeline.identifiers.push(id),
            Entry::Designee(stretch) => timeline.designee_stretches.push(stretch),
            Entry::Title(stretch) => timeline.title_stretches.push(*stretch),
            Entry::Batch(_) | Entry::Withheld(_) => {}
        }
    }

    /// The timeline of a subject: the last one of the page, or a new one.
    fn timeline(&mut self, (subject, is_known): (&str, bool)) -> &mut pb::Timeline {
        let timelines = &mut self.answer.timelines;
        if timelines.last().is_none_or(|last| last.subject != subject) {
            self.bytes += subject.len();
            let subject = subject.to_owned();
            timelines.push(pb::Timeline { subject, is_known, ..Default::default() });
        }
        #[allow(clippy::expect_used)] // pushed just above
        timelines.last_mut().expect("a timeline")
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        match self {
            Self::Identifier(id) => id.len(),
            Self::Designee(stretch) => stretch.encoded_len(),
            Self::Title(stretch) => stretch.encoded_len(),
            Self::Batch(batch) => batch.encoded_len(),
            Self::Withheld(_) => size_of::<u64>(),
        }
    }
}

/// The first and the last day of a stretch; absent where it has no end on record.
fn days<T>(stretch: &Stretch<T>) -> (Option<Date>, Option<Date>) {
    let from = Some(stretch.from).filter(|from| *from != CivilDate::MIN);
    let to = Some(stretch.to).filter(|to| *to != CivilDate::MAX);
    (from.map(pb_date), to.map(pb_date))
}

fn designee(stretch: Stretch<DesigneeShown>) -> pb::DesigneeStretch {
    let (from_date, to_date) = days(&stretch);
    let shown = stretch.value;
    pb::DesigneeStretch {
        from_date,
        to_date,
        designee: shown.id.to_string(),
        name: shown.name,
        region: shown.region.map(|region| region.to_string()).unwrap_or_default(),
        region_inferred: shown.region_inferred,
        industry: shown.industry.map_or("", IndustryCode::as_str).to_owned(),
        responsible_authority: convert::code(shown.responsible),
        ended_on: shown.ended_on.map(pb_date),
    }
}

fn title(ledger: &Ledger, stretch: Stretch<TitleView>) -> pb::TitleStretch {
    let (from_date, to_date) = days(&stretch);
    let title = Some(convert::title(stretch.value, ledger.catalogues()));
    pb::TitleStretch { from_date, to_date, title }
}

fn batch_name(ledger: &Ledger, batch: &BatchRef) -> pb::BatchName {
    pb::BatchName {
        programme: ledger.catalogues().id_of(batch.programme).to_owned(),
        authority: convert::code(Some(batch.authority)),
        batch: batch.batch.clone(),
    }
}
