//! The list of a batch, as the log states it: every designation and every result of a review in
//! force, in the order of recording, each as its newest correction has it.

use std::collections::{HashMap, HashSet};

use super::{
    CliError,
    client::Client,
    paged::paged,
    repairs::{InForce, Repairs},
    tables::{Entry, writes_kind},
};
use crate::{
    domain::kind::Kind,
    limits::SORTED_TITLES_MAX,
    protocol::pb::{self, event::Fact},
};

/// A batch and the moment of knowledge at which its list is read.
pub(super) struct Wanted<'a> {
    pub(super) programme: &'a str,
    pub(super) authority: &'a str,
    pub(super) batch: &'a str,
    /// Events from here on are not known.
    pub(super) known_at: u64,
    /// The day that the caller asked for. Facts that take effect later are left out.
    pub(super) on: Option<pb::Date>,
}

/// Reads the list and hands on its rows.
pub(super) async fn read(
    client: &mut Client,
    wanted: &Wanted<'_>,
    mut take: impl FnMut(&Entry) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let names = names(client, wanted).await?;
    let repairs = Repairs::read_until(client, wanted.known_at).await?;
    let mut corrected = HashSet::new();
    let mut hand_on = |event: &pb::Event| {
        if !wanted.has(event) {
            return Ok(());
        }
        let name = match &event.fact {
            Some(Fact::Designated(fact)) => fact.profile.as_ref().map(|profile| &profile.name),
            _ => names.get(&event.designee),
        };
        take(&Entry { event: event.clone(), name: name.cloned().unwrap_or_default() })
    };
    let fetch = async |page_size, page_token| {
        let request = wanted.request(page_size, page_token);
        let page = client.ledger.list_events(request).await?.into_inner();
        Ok((page.events, page.next_page_token))
    };
    let each = |recorded: &pb::RecordedEvent| {
        let position = recorded.position.unwrap_or_default();
        match (repairs.in_force(position), &recorded.event) {
            (InForce::Recorded, Some(event)) => hand_on(event),
            (InForce::Corrected(correction), _) => {
                corrected.insert(position);
                hand_on(&correction.replacement)
            }
            _ => Ok(()),
        }
    };
    paged(usize::MAX, fetch, each).await?;
    // A correction can bring an event of another batch into this one.
    for (position, replacement) in repairs.replacements() {
        if !corrected.contains(&position) {
            hand_on(&replacement)?;
        }
    }
    Ok(())
}

impl Wanted<'_> {
    fn request(&self, page_size: i32, page_token: String) -> pb::ListEventsRequest {
        let kinds = Kind::all().filter(|kind| writes_kind(*kind));
        let filter = pb::EventFilter {
            programmes: vec![self.programme.to_owned()],
            authorities: vec![self.authority.to_owned()],
            batches: vec![self.batch.to_owned()],
            kinds: kinds.map(|kind| kind.number().into()).collect(),
            ..Default::default()
        };
        pb::ListEventsRequest {
            filter: Some(filter),
            page_size,
            page_token,
            to_position: Some(self.known_at),
            ..Default::default()
        }
    }

    /// Whether an event is in the list. A filter also finds the batches of authorities that an
    /// event only concerns.
    fn has(&self, event: &pb::Event) -> bool {
        let day = |date: &pb::Date| (date.year, date.month, date.day);
        let is_later = match (&self.on, &event.effective_date) {
            (Some(on), Some(date)) => day(date) > day(on),
            _ => false,
        };
        event.authority == self.authority
            && Entry::batch_of(event) == Some((self.programme, self.batch))
            && !is_later
    }
}

/// Names of the holders of reviewed titles, by the identifiers that they bear. A review states no
/// name, and nobody reads a list without one.
async fn names(
    client: &mut Client,
    wanted: &Wanted<'_>,
) -> Result<HashMap<String, String>, CliError> {
    let own = pb::TitleFilter {
        programmes: vec![wanted.programme.to_owned()],
        authorities: vec![wanted.authority.to_owned()],
        ..Default::default()
    };
    let passed = pb::TitleFilter { rounds: vec![wanted.batch.to_owned()], ..own.clone() };
    let causes = [pb::EndCause::ReviewNotUpToStandard, pb::EndCause::ReviewNotSubmitted];
    let failed = pb::TitleFilter { end_causes: causes.map(i32::from).to_vec(), ..own };
    let known = pb::as_of::Known::KnownAt(wanted.known_at);
    let as_of = pb::AsOf { valid_on: wanted.on, known: Some(known) };
    let mut names = HashMap::new();
    for filter in [passed, failed] {
        let fetch = async |page_size, page_token| {
            let request = pb::ListTitlesRequest {
                filter: Some(filter.clone()),
                as_of: Some(as_of),
                page_size,
                page_token,
            };
            let page = client.register.list_titles(request).await?.into_inner();
            Ok((page.titles, page.next_page_token))
        };
        let keep = |row: &pb::DesigneeTitle| {
            names.insert(row.designee.clone(), row.name.clone());
            Ok(())
        };
        // Beyond the bound, names are left out: the identifier is what counts.
        paged(SORTED_TITLES_MAX, fetch, keep).await?;
    }
    Ok(names)
}
