//! HandOver: this node records nothing any more, and another one may.
//!
//! The order matters. First the writer refuses, then everything that it decided is durable, and
//! only then is the receipt: on the disk before anybody has it. A power loss before that leaves a
//! leader, and one after it a node that never records again in this epoch.

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use tokio::sync::Mutex;
use tonic::{Code, Status};

use super::errors;
use crate::{
    domain::fault::{Key, RuleId},
    handover::{self, NodeName, Part, Receipt, Standing, StandingError},
    ledger::{Durable, Ledger, run_blocking},
    limits::NODE_NAME_BYTES_MAX,
    protocol::pb::{self, ErrorReason},
};

/// The hand-over of one server.
pub(super) struct HandOvers {
    /// The data directory, if the log has one.
    directory: Option<PathBuf>,
    /// One at a time.
    turn: Mutex<()>,
}

impl HandOvers {
    pub(super) fn of(directory: Option<PathBuf>) -> Self {
        Self { directory, turn: Mutex::new(()) }
    }

    /// Answers HandOver. It goes on to its end, although the caller may have gone.
    pub(super) async fn hand_over(
        self: Arc<Self>,
        ledger: Arc<Ledger>,
        request: pb::HandOverRequest,
    ) -> Result<pb::HandOverResponse, Status> {
        let asked = &request.successor;
        let successor: NodeName = asked.parse().map_err(|_| bad_name(asked))?;
        let handing = tokio::spawn(async move { self.to(&ledger, successor).await });
        handing.await.map_err(errors::internal)?.map(|receipt| answer(&receipt))
    }

    async fn to(&self, ledger: &Arc<Ledger>, successor: NodeName) -> Result<Receipt, Status> {
        let _turn = self.turn.lock().await;
        let Some(directory) = self.directory.clone() else {
            return Err(errors::internal("the log has no data directory"));
        };
        let (log_id, epoch) = (ledger.log_id(), ledger.epoch());
        match read(directory.clone()).await?.part(log_id, epoch) {
            // It has not heard its leader yet, and no file tells that it follows.
            Part::Leader if ledger.is_following() => return Err(follower()),
            Part::Leader => {}
            Part::Follower(_) => return Err(follower()),
            Part::Retired(receipt) if receipt.successor == successor => {
                // The file is there, but the sync after its writing may have failed.
                retire(directory, &receipt).await?;
                return Ok(receipt);
            }
            Part::Retired(receipt) => return Err(retired(&receipt.successor, epoch)),
        }
        if let Some(other) = ledger.successor().filter(|other| **other != successor) {
            return Err(retired(other, epoch));
        }
        let drained = ledger.drain_to_hand_over(successor.clone()).await;
        let Durable { size, root, .. } = drained.map_err(errors::refusal)?;
        let receipt = Receipt { log_id, size, root, epoch, successor };
        retire(directory, &receipt).await?;
        tracing::warn!(successor = %receipt.successor, size, epoch, "the log is handed over");
        Ok(receipt)
    }
}

async fn read(directory: PathBuf) -> Result<Standing, Status> {
    let read = run_blocking(move || Standing::of(&directory)).await;
    read.map_err(errors::internal)?.map_err(|error| not_written(&error))
}

/// Retires the directory durably.
async fn retire(directory: PathBuf, receipt: &Receipt) -> Result<(), Status> {
    let receipt = receipt.clone();
    let retiring = run_blocking(move || handover::retire(&directory, &receipt));
    retiring.await.map_err(errors::internal)?.map_err(|error| not_written(&error))
}

/// The files of the data directory fail. Nothing is recorded, and the call may be repeated.
fn not_written(error: &StandingError) -> Status {
    let detail = format!("the hand-over is not written: {error:?}; ask again");
    let text = "the hand-over could not be written; nothing is recorded, and it may be asked again";
    errors::status(Code::Unavailable, ErrorReason::ReadOnly, text, [("detail", detail)])
}

fn bad_name(name: &str) -> Status {
    // The names of cursors have the same form, and as many characters.
    let breach = RuleId::CursorIdForm.with(Key::Limit, NODE_NAME_BYTES_MAX);
    errors::bad_field("successor", name, breach)
}

fn retired(successor: &NodeName, epoch: u64) -> Status {
    errors::retired(successor.to_string(), epoch)
}

fn follower() -> Status {
    let text = "this node follows another one, and has nothing to hand over";
    errors::status(Code::FailedPrecondition, ErrorReason::Follower, text, [])
}

fn answer(receipt: &Receipt) -> pb::HandOverResponse {
    pb::HandOverResponse {
        receipt: receipt.text(),
        log_id: receipt.log_id.to_string(),
        log_size: receipt.size,
        root_hash: Bytes::copy_from_slice(&receipt.root),
        epoch: receipt.epoch,
    }
}
