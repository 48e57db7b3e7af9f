//! One designee, and the explanation of a title.

use tonic::{Code, Status};

use super::{RegisterApi, sight_of, stated_at};
use crate::{
    domain::{
        DesigneeId,
        catalogue::Catalogues,
        fault::{Breach, echo},
        name,
    },
    ledger::Ledger,
    limits::{DESIGNEE_NAMESAKES_MAX, LONG_RECORD_FACTS, NAMESAKES_BYTES_MAX},
    protocol::pb::{self, ErrorReason, event::Fact},
    register::{AsOf, DesigneeIndex, DesigneeView, Namesakes, Register, Seen},
    service::{
        as_of::{answered, resolve},
        call::Call,
        convert, errors, filter,
    },
};

pub(super) async fn designee(
    api: &RegisterApi,
    call: &Call,
    request: pb::GetDesigneeRequest,
) -> Result<pb::GetDesigneeResponse, Status> {
    let ledger = &*api.ledger;
    filter::require_short("designee", &request.designee)?;
    let asked = Asked::read(request.designee);
    let at = resolve(ledger, call, request.as_of).await?;
    let sight = sight_of(ledger, call)?;
    let (found, is_long) = find_record(ledger, &asked, at, sight.is_some())?;
    let question = move |ledger: &Ledger| {
        let register = ledger.register();
        let seen = register.as_seen(sight.as_ref());
        let view = asked.view(seen, ledger.catalogues(), found, at)?.1;
        drop(register);
        let profile_at = view.profile_at;
        Ok((profile_at, convert::designee(view, ledger.catalogues(), true)))
    };
    let (profile_at, mut designee) = api.ask_if(is_long, call, question).await?;
    if let Some(position) = profile_at {
        designee.profile = profile(ledger, position).await?;
    }
    Ok(pb::GetDesigneeResponse { designee: Some(designee), as_of: answered(ledger, at) })
}

pub(super) async fn explain(
    api: &RegisterApi,
    call: &Call,
    request: pb::ExplainTitleRequest,
) -> Result<pb::ExplainTitleResponse, Status> {
    let ledger = &*api.ledger;
    filter::require_short("designee", &request.designee)?;
    filter::require_short("item", &request.item)?;
    let at = resolve(ledger, call, request.as_of).await?;
    let catalogues = ledger.catalogues();
    let id = request.programme.as_str();
    let found = catalogues.find(id);
    let programme = found.map_err(|breach| errors::bad_field("programme", id, breach))?;
    let authority = filter::optional_authority("authority", &request.authority)?;
    let asked = Asked::read(request.designee);
    let sight = sight_of(ledger, call)?;
    let (found, is_long) = find_record(ledger, &asked, at, sight.is_some())?;
    let item = request.item;
    let question = move |ledger: &Ledger| {
        let (catalogues, register) = (ledger.catalogues(), ledger.register());
        let seen = register.as_seen(sight.as_ref());
        let (index, view) = asked.view(seen, catalogues, found, at)?;
        let mut titles = seen.explain(catalogues, index, programme, at);
        drop(register);
        titles.retain(|explained| {
            authority.is_none_or(|authority| explained.title.authority == authority)
                && (item.is_empty() || explained.title.item == item)
        });
        let all = titles.len();
        Ok((view, convert::explanations(titles, catalogues), all))
    };
    let (view, explanations, all) = api.ask_if(is_long, call, question).await?;
    if all == 0 {
        let redacted = ledger.register().redacted_positions(at.known_at);
        let what = format!("a title of {} for this designee", echo(id));
        return Err(errors::not_found(ErrorReason::TitleNotFound, &what, id, &redacted));
    }
    Ok(pb::ExplainTitleResponse {
        omitted_explanation_count: u32::try_from(all - explanations.len()).unwrap_or(u32::MAX),
        explanations,
        designee: view.id.to_string(),
        name: view.names.last().map(|dated| dated.name.clone()).unwrap_or_default(),
        as_of: answered(ledger, at),
    })
}

/// Finds a designee; true if an answer about it takes long. Within the bounds of a caller already
/// the search does, so that it is left to the answer.
fn find_record(
    ledger: &Ledger,
    asked: &Asked,
    at: AsOf,
    has_bounds: bool,
) -> Result<(Option<DesigneeIndex>, bool), Status> {
    if has_bounds {
        return Ok((None, true));
    }
    let register = ledger.register();
    let index = asked.find(register.as_seen(None), ledger.catalogues(), at)?;
    Ok((Some(index), register.has_long_record(index, at.known_at, LONG_RECORD_FACTS)))
}

/// The profile in the event at a position.
async fn profile(ledger: &Ledger, position: u64) -> Result<Option<pb::Profile>, Status> {
    Ok(match stated_at(ledger, position).await? {
        Some(Fact::Designated(fact)) => fact.profile,
        Some(Fact::NoticeOpened(fact)) => fact.profile,
        Some(Fact::CreationListed(fact)) => fact.profile,
        Some(Fact::PoolEntered(fact)) => fact.profile,
        _ => None,
    })
}

/// The designee that a question is about: an identifier or, if the text does not parse as one, a
/// name. The text is parsed and folded before the register is locked, because that can take long.
struct Asked {
    text: String,
    id: Result<DesigneeId, Breach>,
    /// The key of the name; empty for an identifier.
    key: String,
    /// The local identifiers of a code with a wrong check character; otherwise empty.
    locals: Vec<DesigneeId>,
}

impl Asked {
    fn read(text: String) -> Self {
        let id = DesigneeId::parse(&text);
        let key = if id.is_ok() { String::new() } else { name::folded(&text) };
        let locals = DesigneeId::of_odd_code(&text).map_or_else(|_| Vec::new(), Iterator::collect);
        Self { text, id, key, locals }
    }

    /// The designee, which may have been found before, and what the caller may know of it.
    fn view(
        &self,
        seen: Seen<'_>,
        catalogues: &Catalogues,
        found: Option<DesigneeIndex>,
        at: AsOf,
    ) -> Result<(DesigneeIndex, DesigneeView), Status> {
        let index = found.map_or_else(|| self.find(seen, catalogues, at), Ok)?;
        let view = seen.view(catalogues, index, at);
        let view = view.ok_or_else(|| not_found(seen.register(), &self.text, at.known_at))?;
        Ok((index, view))
    }

    fn find(
        &self,
        seen: Seen<'_>,
        catalogues: &Catalogues,
        at: AsOf,
    ) -> Result<DesigneeIndex, Status> {
        let (text, register, known_at) = (self.text.as_str(), seen.register(), at.known_at);
        let breach = match &self.id {
            Ok(id) => {
                let found = seen.find(catalogues, id, at);
                return found.ok_or_else(|| not_found(register, text, known_at));
            }
            Err(breach) => breach,
        };
        let mut local: Vec<_> =
            self.locals.iter().filter_map(|id| seen.find(catalogues, id, at)).collect();
        local.dedup();
        match local.as_slice() {
            [] => {}
            [only] => return Ok(*only),
            several => return Err(ambiguous(register, text, several, false)),
        }
        let Namesakes { subjects, is_cut } = seen.find_by_key(catalogues, &self.key, at);
        match subjects.as_slice() {
            [only] if !is_cut => Ok(*only),
            // An ASCII text is a wrong code rather than an unknown name.
            [] if text.is_ascii() => Err(errors::bad_field("designee", text, breach.clone())),
            [] if !is_cut => Err(not_found(register, text, known_at)),
            several => Err(ambiguous(register, text, several, is_cut)),
        }
    }
}

fn ambiguous(register: &Register, text: &str, several: &[DesigneeIndex], is_cut: bool) -> Status {
    let ids = several.iter().take(DESIGNEE_NAMESAKES_MAX);
    let mut designees = String::new();
    for id in ids.map(|index| register.id(*index).to_string()) {
        if designees.len() + 2 + id.len() > NAMESAKES_BYTES_MAX {
            break;
        }
        let separator = if designees.is_empty() { "" } else { ", " };
        designees.extend([separator, &id]);
    }
    let count = match several.len() {
        _ if !is_cut => several.len().to_string(),
        0 => "many".to_owned(),
        count => format!("{count} or more"),
    };
    errors::status(
        Code::FailedPrecondition,
        ErrorReason::NameAmbiguous,
        format!("{count} designees bear or bore this name or code: {designees}"),
        [("value", echo(text)), ("designees", designees)],
    )
}

fn not_found(register: &Register, text: &str, known_at: u64) -> Status {
    let redacted = register.redacted_positions(known_at);
    errors::not_found(ErrorReason::DesigneeNotFound, &echo(text), text, &redacted)
}
