//! A receipt that is asked for again.

use std::fs;

use tidu::{handover::RETIRED_FILE, protocol::pb};
use tonic::Code;

use super::{NODE, Pair, tidu};
use crate::support::{Client, Server, coded, done, reason, text};

async fn hand_over(client: &mut Client, successor: &str) -> Result<String, (Code, String)> {
    let request = pb::HandOverRequest { successor: successor.to_owned() };
    let answer = client.admin.hand_over(request).await;
    answer.map(|it| it.into_inner().receipt).map_err(|it| (it.code(), reason(&it)))
}

fn refused(code: Code, reason: &str) -> Result<String, (Code, String)> {
    Err((code, reason.to_owned()))
}

/// A disk that fails in between may have the file and not its name. Whoever gives the receipt out
/// again has written it again.
#[tokio::test]
async fn no_receipt_is_given_that_cannot_be_written_again() {
    let pair = Pair::of(3).await;
    let carried = fs::read_to_string(pair.handed_over()).unwrap();
    let leader = pair.leader();
    // The name under which the file is begun: nothing can be written there.
    let blocked = leader.join(format!("{RETIRED_FILE}.new"));
    let offline = ["handover", NODE, "--data-dir", text(&leader)];
    fs::create_dir(&blocked).unwrap();
    coded(&tidu(&offline), 10, &[RETIRED_FILE]);
    let server = Server::start(&leader);
    let mut client = server.client().await;
    let unwritten = hand_over(&mut client, NODE).await;
    assert_eq!(unwritten, refused(Code::Unavailable, "READ_ONLY"));
    fs::remove_dir(&blocked).unwrap();
    assert_eq!(hand_over(&mut client, NODE).await.as_ref(), Ok(&carried));
    assert_eq!(server.terminate(), Some(0));
    assert_eq!(done(&tidu(&offline)), carried);
}
