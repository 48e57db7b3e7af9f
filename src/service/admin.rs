//! AdminService: the state of the server and its log, and their verification.

use std::{pin::Pin, sync::Arc};

use bytes::Bytes;
use tokio_stream::Stream;
use tonic::Status;

use super::{
    Shares, adoption::PendingAdoption, call::Call, hand_over::HandOvers, recent::Recent, rules,
    state, verify::Verifications, withholding,
};
use crate::{
    access::{AccessControl, ReloadProblem},
    domain::access::Role,
    ledger::{Ledger, run_blocking},
    protocol::{pb, time::timestamp},
};

/// The answers to one Verify.
pub(super) type VerifyStream =
    Pin<Box<dyn Stream<Item = Result<pb::VerifyResponse, Status>> + Send>>;

/// The service.
#[derive(Clone)]
pub(crate) struct AdminApi {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) adoption: Arc<PendingAdoption>,
    pub(crate) started_micros: i64,
    /// See [`Streams::served`](super::subscribe::Streams::served).
    pub(crate) streams: Arc<Shares>,
    pub(crate) verifications: Verifications,
    pub(super) recent: Arc<Recent>,
    pub(super) tls_problem: Arc<ReloadProblem>,
    pub(super) access: Arc<AccessControl>,
    pub(super) hand_overs: Arc<HandOvers>,
}

impl AdminApi {
    pub(super) async fn get_status(
        &self,
        call: Call,
        _request: pb::GetStatusRequest,
    ) -> Result<pb::GetStatusResponse, Status> {
        let durable = self.ledger.durable();
        let (ledger, work) = (Arc::clone(&self.ledger), self.recent.work());
        // The file system may take its time.
        let state = run_blocking(move || state::of(&ledger, work)).await.unwrap_or_default();
        let policy = Some(self.access.policy()).filter(|policy| !policy.is_open());
        let trail = self.ledger.trail().map(|trail| trail.state());
        Ok(pb::GetStatusResponse {
            log_id: self.ledger.log_id().to_string(),
            log_size: durable.size,
            root_hash: Bytes::copy_from_slice(&durable.root),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            start_time: Some(timestamp(self.started_micros)),
            last_recorded_time: durable.recorded_micros.map(timestamp),
            designee_count: durable.designees as u64,
            subscriber_count: u32::try_from(self.streams.taken()).unwrap_or(u32::MAX),
            log_format: durable.format.into(),
            rules_version: self.ledger.rules_at(durable.size).number,
            newest_rules_version: self.ledger.rules_book().newest().number,
            tls_problem: self.tls_problem_for(&call),
            policy_generation: policy.as_ref().map(|policy| policy.generation),
            policy_problem: self.policy_problem_for(&call),
            principal_count: policy
                .map(|policy| u32::try_from(policy.principals().count()).unwrap_or(u32::MAX)),
            audit_lines: trail.as_ref().map(|trail| trail.lines),
            audit_anchored_lines: trail.as_ref().map(|trail| trail.anchored),
            erased_event_count: Some(self.ledger.register().erased_count()),
            audit_problem: trail
                .filter(|_| looks_after(&call))
                .map(|trail| trail.problem)
                .unwrap_or_default(),
            node: Some(self.node(&call)),
            ..state
        })
    }

    /// The part of this node.
    fn node(&self, call: &Call) -> pb::Node {
        let contact = self.ledger.contact();
        let contact = contact.borrow();
        let mut node = pb::Node {
            role: pb::NodeRole::Leader.into(),
            epoch: self.ledger.epoch(),
            ..Default::default()
        };
        if self.ledger.is_following() {
            node.role = pb::NodeRole::Follower.into();
            node.name.clone_from(&contact.name);
            node.leader.clone_from(&contact.leader);
            node.leader_size = contact.leader_size;
            node.last_contact = contact.heard_micros.map(timestamp);
            contact.state.as_str().clone_into(&mut node.state);
            if looks_after(call) {
                let stopped = contact.stop().map(|(_, why)| why);
                stopped.unwrap_or(&contact.loss).clone_into(&mut node.problem);
            }
        } else if let Some(successor) = self.ledger.successor() {
            node.role = pb::NodeRole::Retired.into();
            node.leader = successor.to_string();
        }
        node
    }

    /// The names of files are for those alone who look after the server.
    fn tls_problem_for(&self, call: &Call) -> String {
        if looks_after(call) { self.tls_problem.text() } else { String::new() }
    }

    fn policy_problem_for(&self, call: &Call) -> String {
        if looks_after(call) { self.access.problem().text() } else { String::new() }
    }

    pub(super) async fn adopt_rules(
        &self,
        _call: Call,
        request: pb::AdoptRulesRequest,
    ) -> Result<pb::AdoptRulesResponse, Status> {
        self.adoption.settle(&self.ledger).await?;
        rules::adopt(&self.ledger, request).await
    }

    pub(super) async fn hand_over(
        &self,
        _call: Call,
        request: pb::HandOverRequest,
    ) -> Result<pb::HandOverResponse, Status> {
        Arc::clone(&self.hand_overs).hand_over(Arc::clone(&self.ledger), request).await
    }

    pub(super) async fn withhold_event(
        &self,
        call: Call,
        request: pb::WithholdEventRequest,
    ) -> Result<pb::WithholdEventResponse, Status> {
        self.adoption.settle(&self.ledger).await?;
        withholding::withhold(&self.ledger, &call, request).await
    }

    pub(super) async fn verify(
        &self,
        call: Call,
        request: pb::VerifyRequest,
    ) -> Result<VerifyStream, Status> {
        let stream = self.verifications.open(&call, request).await?;
        Ok(Box::pin(stream))
    }
}

/// True for those who look after the server.
fn looks_after(call: &Call) -> bool {
    call.rights().roles.any(&[Role::Operator, Role::Auditor])
}
