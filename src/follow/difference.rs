//! Where two logs part: the first position at which a leader has another event than this log.
//!
//! The roots over the events below a size are equal up to there, and different from there on. So a
//! few of them find it, each asked for with a stream that is left after its first message.

use std::sync::Arc;

use tokio::time::timeout;

use super::{
    session::{Road, raw_stream, road},
    stop::Ended,
};
use crate::{
    ledger::Ledger,
    limits::FOLLOW_SILENCE_MAX,
    merkle::Hash,
    protocol::pb::{ledger_service_client::LedgerServiceClient, subscribe_response::Payload},
    service::Way,
};

/// The first position below `size` that differs, if one does and the leader tells its roots. Both
/// logs have `size` events.
pub(super) async fn first(ledger: &Arc<Ledger>, way: &Way, size: u64) -> Option<u64> {
    let mut client = LedgerServiceClient::new(road(way.clone()));
    if same_below(ledger, &mut client, size).await? {
        return None;
    }
    let (mut same, mut other) = (0, size);
    while other - same > 1 {
        let middle = same + (other - same) / 2;
        match same_below(ledger, &mut client, middle).await? {
            true => same = middle,
            false => other = middle,
        }
    }
    Some(same)
}

/// True if both logs have the same events below a size.
async fn same_below(
    ledger: &Arc<Ledger>,
    client: &mut LedgerServiceClient<Road>,
    size: u64,
) -> Option<bool> {
    let asked = timeout(FOLLOW_SILENCE_MAX, root_of(client, ledger.log_id().to_string(), size));
    let theirs = asked.await.ok()?.ok()??;
    let ledger = Arc::clone(ledger);
    let ours = tokio::task::spawn_blocking(move || ledger.root_at(size)).await.ok()?.ok()?;
    Some(theirs == ours)
}

/// The root of the leader over the events below a size, which its first message tells.
async fn root_of(
    client: &mut LedgerServiceClient<Road>,
    log_id: String,
    size: u64,
) -> Result<Option<Hash>, Ended> {
    let first = client.subscribe(raw_stream(log_id, size)).await?.into_inner().message().await?;
    let Some(Payload::Progress(progress)) = first.and_then(|message| message.payload) else {
        return Ok(None);
    };
    Ok(progress.delivered_root.as_ref().try_into().ok().filter(|_| progress.next_position == size))
}
