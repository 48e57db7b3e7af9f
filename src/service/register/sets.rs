//! Two sets of titles compared by their holders: two batches, or two programmes.

use tonic::Status;

use super::{RegisterApi, sight_of};
use crate::{
    domain::fault::RuleId,
    ledger::{Ledger, Pace as _},
    limits::QUESTION_SLICE_DESIGNEES,
    protocol::pb,
    register::{Compared, ComparisonPart, PartCounts, SetsReading, TitleView, Wanted},
    service::{
        as_of::answered,
        call::Call,
        consistent::require_consistent,
        convert, errors, filter,
        page::{PageToken, page_size},
        questions::Turn,
        room::Room,
    },
};

pub(super) async fn compare(
    api: &RegisterApi,
    call: &Call,
    request: pb::CompareBatchesRequest,
) -> Result<pb::CompareBatchesResponse, Status> {
    let ledger = &*api.ledger;
    let first = wanted(ledger, "first", request.first.clone())?;
    let second = wanted(ledger, "second", request.second.clone())?;
    let parts = filter::numbers("parts", &request.parts, part_from)?;
    let size = page_size(request.page_size)?;
    let same = pb::CompareBatchesRequest {
        first: request.first,
        second: request.second,
        parts: request.parts,
        ..Default::default()
    };
    let token = PageToken::read(ledger, call, request.as_of, &request.page_token, &same).await?;
    let at = token.as_of;
    require_consistent("first", &first, None, at.valid_on)?;
    require_consistent("second", &second, None, at.valid_on)?;
    let mut reading = SetsReading::new([first, second], parts, at);
    reading.sight = sight_of(ledger, call)?;
    // The first page counts all designees, whatever it lists.
    let counts_all = request.page_token.is_empty();
    let question = move |ledger: &Ledger, turn: &mut Turn| {
        let catalogues = ledger.catalogues();
        let (mut designees, mut room, mut cut) = (Vec::new(), Room::of_page(), None);
        let mut next = Some(token.next);
        while let Some(from) = next.filter(|_| counts_all || cut.is_none()) {
            let most = if cut.is_some() { 0 } else { size - designees.len() };
            let bounds = (most, QUESTION_SLICE_DESIGNEES);
            let (found, after) = reading.advance(&ledger.register(), catalogues, from, bounds);
            next = after;
            for compared in found {
                let place = compared.next;
                let designee = convert_designee(ledger, compared);
                // The first designee of a page fits, whatever it is.
                if !room.takes(&designee) {
                    cut = Some(place - 1);
                    break;
                }
                designees.push(designee);
            }
            if designees.len() == size {
                cut = cut.or(next);
            }
            turn.step()?;
        }
        Ok((designees, cut, reading.counts()))
    };
    let (designees, next, counts) = api.ask(call, question).await?;
    Ok(pb::CompareBatchesResponse {
        designees,
        next_page_token: next
            .map(|next| PageToken { next, ..token }.text(&same))
            .unwrap_or_default(),
        counts: counts_all.then_some(part_counts(counts)),
        as_of: answered(ledger, at),
    })
}

/// Reads one of the two filters. An absent one would compare with everything.
fn wanted(
    ledger: &Ledger,
    field: &'static str,
    filter: Option<pb::TitleFilter>,
) -> Result<Wanted, Status> {
    let Some(filter) = filter else {
        return Err(errors::bad_field(field, "", RuleId::FieldRequired));
    };
    filter::wanted_in(field, ledger.catalogues(), &filter)
}

/// All parts, with their numbers in the protocol.
const PARTS: [(ComparisonPart, pb::ComparisonPart); 3] = [
    (ComparisonPart::Both, pb::ComparisonPart::Both),
    (ComparisonPart::OnlyFirst, pb::ComparisonPart::OnlyFirst),
    (ComparisonPart::OnlySecond, pb::ComparisonPart::OnlySecond),
];

fn part_from(number: i32) -> Option<ComparisonPart> {
    PARTS.iter().find(|(_, known)| i32::from(*known) == number).map(|(part, _)| *part)
}

fn part_number(part: ComparisonPart) -> i32 {
    let found = PARTS.iter().find(|(known, _)| *known == part);
    found.map_or(pb::ComparisonPart::Unspecified, |(_, number)| *number).into()
}

fn part_counts(counts: PartCounts) -> pb::ComparisonCounts {
    let PartCounts { both, only_first, only_second } = counts;
    pb::ComparisonCounts { both, only_first, only_second }
}

fn convert_designee(ledger: &Ledger, compared: Compared) -> pb::ComparedDesignee {
    let [(first, first_count), (second, second_count)] = compared.sides;
    let title = |view: TitleView| convert::title(view, ledger.catalogues());
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    pb::ComparedDesignee {
        designee: compared.id.to_string(),
        name: compared.name,
        part: part_number(compared.part),
        first_title: first.map(title),
        second_title: second.map(title),
        first_count: count(first_count),
        second_count: count(second_count),
    }
}
