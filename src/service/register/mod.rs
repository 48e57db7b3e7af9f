//! RegisterService: answers derived from the events.

mod batches;
mod catalogues;
mod changes;
mod counts;
mod designee;
mod framework;
mod lists;
mod members;
mod name_index;
mod names;
mod rules;
mod sets;
mod timelines;

use std::{pin::Pin, sync::Arc};

use tokio_stream::Stream;
use tonic::Status;

pub(super) use self::name_index::NameIndex;
use super::{
    as_of::{answered, resolve},
    call::Call,
    convert,
    entitled::not_entitled,
    ledger::decode,
    questions::{Questions, Turn},
};
use crate::{
    ledger::{Ledger, Pace as _, ReadError},
    limits::QUESTION_SLICE_DESIGNEES,
    log::LeafAt,
    protocol::pb::{self, event::Fact},
    register::Sight,
};

/// The messages of one ExportRegister.
pub(super) type ExportRegisterStream =
    Pin<Box<dyn Stream<Item = Result<pb::ExportRegisterResponse, Status>> + Send>>;

/// The service.
#[derive(Clone)]
pub(crate) struct RegisterApi {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) questions: Questions,
    /// The gate of work that is long now and then.
    pub(crate) reading: Questions,
    pub(crate) names: Arc<NameIndex>,
}

impl RegisterApi {
    pub(super) async fn get_designee(
        &self,
        call: Call,
        request: pb::GetDesigneeRequest,
    ) -> Result<pb::GetDesigneeResponse, Status> {
        designee::designee(self, &call, request).await
    }

    pub(super) async fn explain_title(
        &self,
        call: Call,
        request: pb::ExplainTitleRequest,
    ) -> Result<pb::ExplainTitleResponse, Status> {
        designee::explain(self, &call, request).await
    }

    pub(super) async fn list_designees(
        &self,
        call: Call,
        request: pb::ListDesigneesRequest,
    ) -> Result<pb::ListDesigneesResponse, Status> {
        lists::designees(self, &call, request).await
    }

    pub(super) async fn list_titles(
        &self,
        call: Call,
        request: pb::ListTitlesRequest,
    ) -> Result<pb::ListTitlesResponse, Status> {
        lists::titles(self, &call, request).await
    }

    pub(super) async fn export_register(
        &self,
        call: Call,
        request: pb::ExportRegisterRequest,
    ) -> Result<ExportRegisterStream, Status> {
        let stream = lists::export(self, call, request).await?;
        Ok(Box::pin(stream))
    }

    pub(super) async fn diff_rules(
        &self,
        call: Call,
        request: pb::DiffRulesRequest,
    ) -> Result<pb::DiffRulesResponse, Status> {
        require_everything(&call)?;
        rules::diff(self, &call, request).await
    }

    pub(super) async fn list_changes(
        &self,
        call: Call,
        request: pb::ListChangesRequest,
    ) -> Result<pb::ListChangesResponse, Status> {
        changes::list(self, &call, request).await
    }

    pub(super) async fn list_timelines(
        &self,
        call: Call,
        request: pb::ListTimelinesRequest,
    ) -> Result<pb::ListTimelinesResponse, Status> {
        timelines::list(self, &call, request).await
    }

    pub(super) async fn compare_batches(
        &self,
        call: Call,
        request: pb::CompareBatchesRequest,
    ) -> Result<pb::CompareBatchesResponse, Status> {
        sets::compare(self, &call, request).await
    }

    pub(super) async fn count_titles(
        &self,
        call: Call,
        request: pb::CountTitlesRequest,
    ) -> Result<pb::CountTitlesResponse, Status> {
        counts::count(self, &call, request).await
    }

    pub(super) async fn list_batches(
        &self,
        call: Call,
        request: pb::ListBatchesRequest,
    ) -> Result<pb::ListBatchesResponse, Status> {
        batches::batches(self, &call, request).await
    }

    pub(super) async fn get_batch(
        &self,
        call: Call,
        request: pb::GetBatchRequest,
    ) -> Result<pb::GetBatchResponse, Status> {
        batches::batch(self, &call, request).await
    }

    pub(super) async fn list_pools(
        &self,
        call: Call,
        request: pb::ListPoolsRequest,
    ) -> Result<pb::ListPoolsResponse, Status> {
        framework::pools(self, &call, request).await
    }

    pub(super) async fn list_pool_members(
        &self,
        call: Call,
        request: pb::ListPoolMembersRequest,
    ) -> Result<pb::ListPoolMembersResponse, Status> {
        members::list(self, &call, request).await
    }

    pub(super) async fn list_measures(
        &self,
        call: Call,
        request: pb::ListMeasuresRequest,
    ) -> Result<pb::ListMeasuresResponse, Status> {
        framework::measures(self, &call, request).await
    }

    pub(super) async fn list_assessments(
        &self,
        call: Call,
        request: pb::ListAssessmentsRequest,
    ) -> Result<pb::ListAssessmentsResponse, Status> {
        framework::assessments(self, &call, request).await
    }

    pub(super) async fn list_authorities(
        &self,
        _call: Call,
        _request: pb::ListAuthoritiesRequest,
    ) -> Result<pb::ListAuthoritiesResponse, Status> {
        let authorities = framework::authorities();
        Ok(pb::ListAuthoritiesResponse { authorities })
    }

    pub(super) async fn list_bodies(
        &self,
        _call: Call,
        _request: pb::ListBodiesRequest,
    ) -> Result<pb::ListBodiesResponse, Status> {
        Ok(pb::ListBodiesResponse { bodies: framework::bodies() })
    }

    pub(super) async fn list_regions(
        &self,
        _call: Call,
        _request: pb::ListRegionsRequest,
    ) -> Result<pb::ListRegionsResponse, Status> {
        Ok(pb::ListRegionsResponse { regions: framework::regions() })
    }

    pub(super) async fn list_programmes(
        &self,
        call: Call,
        request: pb::ListProgrammesRequest,
    ) -> Result<pb::ListProgrammesResponse, Status> {
        let at = resolve(&self.ledger, &call, request.as_of).await?;
        let catalogue = self.ledger.catalogues().known_at(at.known_at);
        let programmes = catalogue.programmes().map(convert::programme).collect();
        Ok(pb::ListProgrammesResponse { programmes, as_of: answered(&self.ledger, at) })
    }

    pub(super) async fn find_designees(
        &self,
        call: Call,
        request: pb::FindDesigneesRequest,
    ) -> Result<pb::FindDesigneesResponse, Status> {
        names::designees(self, &call, request).await
    }

    pub(super) async fn list_suspects(
        &self,
        call: Call,
        request: pb::ListSuspectsRequest,
    ) -> Result<pb::ListSuspectsResponse, Status> {
        names::suspects(self, &call, request).await
    }

    pub(super) async fn list_catalogues(
        &self,
        _call: Call,
        _request: pb::ListCataloguesRequest,
    ) -> Result<pb::ListCataloguesResponse, Status> {
        Ok(catalogues::adoptions(&self.ledger))
    }

    pub(super) async fn get_catalogue(
        &self,
        _call: Call,
        request: pb::GetCatalogueRequest,
    ) -> Result<pb::GetCatalogueResponse, Status> {
        catalogues::catalogue(&self.ledger, &request)
    }
}

impl RegisterApi {
    /// Asks a long question when it is its turn, on a thread of its own, so that it delays no other
    /// call.
    async fn ask<T: Send + 'static>(
        &self,
        call: &Call,
        question: impl FnOnce(&Ledger, &mut Turn) -> Result<T, Status> + Send + 'static,
    ) -> Result<T, Status> {
        let ledger = Arc::clone(&self.ledger);
        self.questions.ask(call, move |turn| question(&ledger, turn)).await
    }

    /// Asks a question that takes long for some records only. A short one is answered at once.
    async fn ask_if<T: Send + 'static>(
        &self,
        is_long: bool,
        call: &Call,
        question: impl FnOnce(&Ledger) -> Result<T, Status> + Send + 'static,
    ) -> Result<T, Status> {
        let ledger = Arc::clone(&self.ledger);
        self.reading.ask_if(is_long, call, move |_| question(&ledger)).await
    }

    /// Asks about designees, starting at one, until there are enough answers. Also gives the
    /// designee to continue with. Between slices it gives up the register's lock, so that the
    /// writer gets it.
    ///
    /// `slice` is given the first designee, the most answers and the most designees of a slice.
    /// `count` tells how much of the answer an item fills, so that no more is kept than is sent.
    async fn in_slices<T: Send + 'static>(
        &self,
        call: &Call,
        first: usize,
        most: usize,
        count: impl Fn(&T) -> usize + Send + 'static,
        slice: impl Fn(&Ledger, usize, (usize, usize)) -> (Vec<T>, Option<usize>) + Send + 'static,
    ) -> Result<(Vec<T>, Option<usize>), Status> {
        let question = move |ledger: &Ledger, turn: &mut Turn| {
            let (mut found, mut filled, mut next) = (Vec::new(), 0, Some(first));
            while let Some(from) = next.filter(|_| filled < most) {
                let bounds = (most - filled, QUESTION_SLICE_DESIGNEES);
                let (more, after) = slice(ledger, from, bounds);
                filled += more.iter().map(&count).sum::<usize>();
                found.extend(more);
                next = after;
                turn.step()?;
            }
            Ok((found, next))
        };
        self.ask(call, question).await
    }
}

/// The bounds within which the caller of a question knows the register; `None` without any.
fn sight_of(ledger: &Ledger, call: &Call) -> Result<Option<Arc<Sight>>, Status> {
    if !call.rights().may_ask_the_register() {
        let text = "each of its rights to read names kinds, and the register follows from all";
        return Err(not_entitled(call.name(), "read", text, []));
    }
    let sight = call.sight(ledger);
    Ok(Some(sight).filter(|sight| !sight.sees_all()).map(Arc::new))
}

/// Refuses a caller that may not read everything, of both classes.
fn require_everything(call: &Call) -> Result<(), Status> {
    if call.rights().reads_everything() {
        return Ok(());
    }
    let text = "this question needs a right to read that has no bounds, with the class own";
    Err(not_entitled(call.name(), "read", text, []))
}

/// The fact that the event at a position states; for a correction, the replacement. `None` if its
/// content is erased.
pub(super) async fn stated_at(ledger: &Ledger, position: u64) -> Result<Option<Fact>, ReadError> {
    stated_by(&ledger.leaf(position).await?)
}

/// As [`stated_at`], for a question on a thread of its own.
fn stated_here(ledger: &Ledger, position: u64) -> Result<Option<Fact>, ReadError> {
    stated_by(&ledger.leaf_here(position)?)
}

fn stated_by(leaf: &LeafAt) -> Result<Option<Fact>, ReadError> {
    if leaf.withheld {
        return Ok(None);
    }
    let fact = decode(leaf.position, &leaf.bytes)?.event.and_then(|event| event.fact);
    Ok(match fact {
        Some(Fact::Corrected(corrected)) => {
            corrected.replacement.and_then(|replacement| replacement.fact)
        }
        fact => fact,
    })
}
