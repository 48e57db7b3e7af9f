//! Reading a part of the log as it is stored: for archives.

use bytes::Bytes;
use uuid::Uuid;

use super::{CliError, client::Client};
use crate::{
    offline::Header,
    pb::{self, subscribe_request::Start, subscribe_response::Payload},
};

/// What the log is now, from a position on.
pub(super) async fn header(client: &mut Client, first: u64) -> Result<Header, CliError> {
    let status = client.admin.get_status(pb::GetStatusRequest {}).await?.into_inner();
    let said = |what: &str| CliError::Said(format!("the server gives no {what} for its log"));
    let log_id: Uuid = status.log_id.parse().map_err(|_| said("id"))?;
    let root = status.root_hash.as_ref().try_into().map_err(|_| said("root hash"))?;
    Ok(Header { log_id, first, next: status.log_size, root })
}

/// Gives the leaves of that part to `take`, in order.
pub(super) async fn leaves(
    client: &mut Client,
    header: &Header,
    mut take: impl FnMut(Bytes) -> Result<(), CliError>,
) -> Result<(), CliError> {
    if header.first == header.next {
        return Ok(());
    }
    let request = pb::SubscribeRequest {
        start: Some(Start::FromPosition(header.first)),
        stop_position: Some(header.next),
        log_id: header.log_id.to_string(),
        raw: true,
        ..Default::default()
    };
    let mut stream = client.ledger.subscribe(request).await?.into_inner();
    while let Some(message) = stream.message().await? {
        if let Some(Payload::RawEvents(batch)) = message.payload {
            batch.leaves.into_iter().try_for_each(&mut take)?;
        }
    }
    Ok(())
}
