//! Searches by name: a part of it, and names that several designees bear.

use tonic::Status;

use super::{RegisterApi, sight_of};
use crate::{
    domain::{
        AuthorityCode,
        fault::{Breach, Key, RuleId},
        name::folded,
    },
    ledger::Ledger,
    limits::{NAME_CHARS_MAX, NAME_PART_CHARS_MIN, SUSPECT_BEARERS_MAX},
    protocol::pb,
    register::{Bearer, NameFound, NameShared, NameWanted, SuspectsWanted},
    service::{
        as_of::answered,
        call::Call,
        convert, errors, filter,
        page::{PageToken, page_size},
        room::Room,
    },
};

/// Bearers of a name that take the room of one name in a page.
const BEARERS_OF_NAME: usize = 8;

pub(super) async fn designees(
    api: &RegisterApi,
    call: &Call,
    request: pb::FindDesigneesRequest,
) -> Result<pb::FindDesigneesResponse, Status> {
    let ledger = &*api.ledger;
    filter::require_short("text", &request.text)?;
    let part = part(&request.text).map_err(|b| errors::bad_field("text", &request.text, b))?;
    let wanted = NameWanted { part, is_whole: request.whole_name };
    let size = page_size(request.page_size)?;
    let pb::FindDesigneesRequest { text, whole_name, .. } = request;
    let same = pb::FindDesigneesRequest { text, whole_name, ..Default::default() };
    let token = PageToken::read(ledger, call, request.as_of, &request.page_token, &same).await?;
    let (at, parts, sight) = (token.as_of, api.names.parts(), sight_of(ledger, call)?);
    api.names.grow(api);
    let slice = move |ledger: &Ledger, from: usize, (most, _): (usize, usize)| {
        let (register, from) = (ledger.register(), from as u64);
        let seen = register.as_seen(sight.as_ref());
        let read = seen.find_names(ledger.catalogues(), &parts, &wanted, at, from, most);
        (read.found, read.next.and_then(|next| usize::try_from(next).ok()))
    };
    // One more than the page takes, and those that earlier pages took.
    let most = size + 1 + token.skipped();
    let found = api.in_slices(call, token.next, most, |_: &NameFound| 1, slice).await?;
    let placed = |found: NameFound| (found.place, found_designee(found));
    let found = (found.0.into_iter().map(placed).collect(), found.1);
    let (mut room, mut count) = (Room::of_page(), 0);
    let fits = |(_, designee): &(u64, pb::FoundDesignee)| {
        count += 1;
        count <= size && room.takes(designee)
    };
    let place = |(place, _): &(u64, pb::FoundDesignee)| usize::try_from(*place).unwrap_or(0);
    let (designees, next) = token.page(found, place, fits);
    Ok(pb::FindDesigneesResponse {
        designees: designees.into_iter().map(|(_, designee)| designee).collect(),
        next_page_token: next.map(|next| next.text(&same)).unwrap_or_default(),
        as_of: answered(ledger, at),
    })
}

/// The folded form of a part of a name.
fn part(text: &str) -> Result<String, Breach> {
    let part = folded(text);
    let count = part.chars().count();
    if count < NAME_PART_CHARS_MIN {
        let breach = RuleId::NamePartShort.with(Key::Count, count);
        return Err(breach.with(Key::Least, NAME_PART_CHARS_MIN));
    }
    if count > NAME_CHARS_MAX {
        let breach = RuleId::NameFoldedLength.with(Key::Count, count);
        return Err(breach.with(Key::Limit, NAME_CHARS_MAX));
    }
    if !part.chars().any(char::is_alphanumeric) {
        return Err(RuleId::NamePartWithoutLetter.into());
    }
    Ok(part)
}

pub(super) async fn suspects(
    api: &RegisterApi,
    call: &Call,
    request: pb::ListSuspectsRequest,
) -> Result<pb::ListSuspectsResponse, Status> {
    let ledger = &*api.ledger;
    let catalogues = ledger.catalogues();
    let wanted = SuspectsWanted {
        authorities: filter::each("authorities", &request.authorities, AuthorityCode::parse)?,
        region_under: filter::region("region_under", &request.region_under)?,
        programmes: filter::each("programmes", &request.programmes, |id| catalogues.find(id))?,
    };
    let size = page_size(request.page_size)?;
    let pb::ListSuspectsRequest { authorities, region_under, programmes, .. } = request;
    let same =
        pb::ListSuspectsRequest { authorities, region_under, programmes, ..Default::default() };
    let token = PageToken::read(ledger, call, request.as_of, &request.page_token, &same).await?;
    let (at, sight) = (token.as_of, sight_of(ledger, call)?);
    let slice = move |ledger: &Ledger, from, bounds| {
        let register = ledger.register();
        let seen = register.as_seen(sight.as_ref());
        let read = seen.suspects(ledger.catalogues(), &wanted, at, from, bounds);
        (read.found, read.next)
    };
    let most = size + 1 + token.skipped();
    // Names with many bearers fill a page sooner.
    let fills = |shared: &NameShared| shared.bearers.len().div_ceil(BEARERS_OF_NAME);
    let found = api.in_slices(call, token.next, most, fills, slice).await?;
    let (mut room, mut count) = (Room::of_page(), 0);
    let named = |shared: NameShared| (shared.place, shared_name(shared));
    let found = (found.0.into_iter().map(named).collect(), found.1);
    let fits = |(_, shared): &(usize, pb::SharedName)| {
        count += 1;
        count <= size && room.takes(shared)
    };
    let (names, next) = token.page(found, |(place, _)| *place, fits);
    Ok(pb::ListSuspectsResponse {
        names: names.into_iter().map(|(_, shared)| shared).collect(),
        next_page_token: next.map(|next| next.text(&same)).unwrap_or_default(),
        as_of: answered(ledger, at),
    })
}

fn found_designee(found: NameFound) -> pb::FoundDesignee {
    let NameFound { position, matched, bearer: of, .. } = found;
    pb::FoundDesignee { matched_name: matched, position, bearer: Some(bearer(of)) }
}

fn shared_name(shared: NameShared) -> pb::SharedName {
    let NameShared { name, bearers, is_cut, .. } = shared;
    let bearers = bearers.into_iter().map(bearer);
    let (bearers, omitted) = Room::of_page().fill(SUSPECT_BEARERS_MAX, bearers);
    pb::SharedName { name, bearers, has_more_bearers: is_cut || omitted > 0 }
}

fn bearer(bearer: Bearer) -> pb::NameBearer {
    let Bearer { id, name, region, region_inferred, responsible, titles_in_force } = bearer;
    pb::NameBearer {
        designee: id.to_string(),
        name,
        region: region.map(|region| region.to_string()).unwrap_or_default(),
        region_inferred,
        responsible_authority: convert::code(responsible),
        titles_in_force_count: u32::try_from(titles_in_force).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::{
        domain::DesigneeId,
        limits::{ANSWER_REST_BYTES, LEAF_BYTES_MAX, PAGE_BYTES, RESPONSE_BYTES_MAX},
    };

    /// A bearer with the longest texts that events can hold.
    fn longest() -> Bearer {
        let text = "t".repeat(LEAF_BYTES_MAX - 64);
        Bearer {
            id: DesigneeId::recorded(&format!("local:440000/{text}")).unwrap(),
            name: text,
            region: None,
            region_inferred: true,
            responsible: Some(AuthorityCode::ministry()),
            titles_in_force: usize::MAX,
        }
    }

    #[test]
    fn the_largest_designee_found_fits_a_response() {
        let bearer = longest();
        let matched = bearer.name.clone();
        let found = found_designee(NameFound { place: 0, position: u64::MAX, matched, bearer });
        assert!(found.encoded_len() > 2 * LEAF_BYTES_MAX);
        assert!(PAGE_BYTES + found.encoded_len() < RESPONSE_BYTES_MAX);
    }

    #[test]
    fn the_largest_shared_name_fits_a_response() {
        let bearers = vec![longest(); SUSPECT_BEARERS_MAX];
        let name = bearers[0].name.clone();
        let shared = NameShared { place: 0, name, bearers, is_cut: false };
        let shared = shared_name(shared);
        assert!(shared.has_more_bearers && shared.bearers.len() > 1);
        // It has a page of its own.
        assert!(shared.encoded_len() + ANSWER_REST_BYTES < RESPONSE_BYTES_MAX);
        let bearers = vec![Bearer { name: String::new(), ..longest() }; 2];
        let name = String::new();
        let shared = shared_name(NameShared { place: 0, name, bearers, is_cut: false });
        assert_eq!((shared.has_more_bearers, shared.bearers.len()), (false, 2));
    }

    #[test]
    fn a_part_is_folded_and_has_two_characters_that_matter() {
        assert_eq!(part(" （ａb） ").unwrap(), "AB");
        assert_eq!(part("甲1").unwrap(), "甲1");
        let rule = |text: &str| part(text).unwrap_err().rule();
        for short in ["", " ", "甲", "（甲）", "“”《》【】"] {
            assert_eq!(rule(short), RuleId::NamePartShort, "{short}");
        }
        assert_eq!(rule("、、。-"), RuleId::NamePartWithoutLetter);
        assert!(part(&"甲".repeat(NAME_CHARS_MAX)).is_ok());
        assert_eq!(rule(&"甲".repeat(NAME_CHARS_MAX + 1)), RuleId::NameFoldedLength);
    }
}
