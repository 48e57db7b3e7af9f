//! A policy that changes while the server serves.

use std::fs;

use sha2::{Digest as _, Sha256};
use tidu::{access::Reloaded, domain::text::hex, protocol::pb};
use tonic::Code;

use super::{Filed, id_of, recorder, refused, stated, who};
use crate::support::{in_time, principals::token_of, reason};

#[tokio::test]
async fn another_file_is_in_force_when_two_looks_have_found_it() {
    let filed = Filed::new(&recorder("gd.recorder"));
    let begun = filed.access.policy().generation;
    assert_eq!(filed.access.look(false), Ok(Reloaded::Unchanged));
    // A file that is being written is not taken as it is.
    filed.write(&recorder("gd.half"));
    assert_eq!(filed.access.look(false), Ok(Reloaded::Unchanged));
    filed.write(&format!("{}{}", recorder("gd.half"), recorder("gd.recorder")));
    assert_eq!(filed.access.look(false), Ok(Reloaded::Unchanged));
    assert!(who(filed.as_principal("gd.half")).await.is_err());
    assert_eq!(filed.access.look(false), Ok(Reloaded::Changed(begun + 1)));
    assert_eq!(id_of(filed.as_principal("gd.half")).await, "gd.half");
    // Other words that say the same change nothing.
    filed.write(&format!("# a\n{}{}", recorder("gd.recorder"), recorder("gd.half")));
    assert_eq!(filed.access.look(true), Ok(Reloaded::SaysTheSame));
    assert_eq!(filed.access.policy().generation, begun + 1);
    assert_eq!(id_of(filed.as_principal("gd.half")).await, "gd.half");
}

#[tokio::test]
async fn a_broken_file_changes_nothing_and_says_so() {
    let text = format!("{}{}", recorder("gd.recorder"), stated("hq.operator", "", "\"operator\""));
    let filed = Filed::new(&text);
    let begun = filed.access.policy().generation;
    let problem = async |id: &str| {
        let mut caller = filed.as_principal(id);
        let request = tidu::protocol::pb::GetStatusRequest {};
        caller.admin.get_status(request).await.unwrap().into_inner().policy_problem
    };
    for broken in ["", "[[principal]", "[[principal]]\nid = \"GD\"\nroles = [\"reader\"]"] {
        filed.write(broken);
        filed.access.look(false).ok();
        let error = filed.access.look(false).unwrap_err().to_string();
        assert!(error.contains("principals.toml"), "{error}");
        assert_eq!(id_of(filed.as_principal("gd.recorder")).await, "gd.recorder");
        assert_eq!(problem("hq.operator").await, error);
        assert_eq!(problem("gd.recorder").await, "", "names of files are for operators");
    }
    fs::remove_file(filed.path()).unwrap();
    assert!(filed.access.look(false).unwrap_err().to_string().contains("cannot be read"));
    filed.write(&text);
    assert_eq!(filed.access.look(false), Ok(Reloaded::Unchanged));
    assert_eq!(filed.access.look(false), Ok(Reloaded::Unchanged));
    assert_eq!(problem("hq.operator").await, "");
    assert_eq!(filed.access.policy().generation, begun);
}

#[tokio::test]
async fn a_removed_principal_is_nobody_and_the_ledger_knows_it_first() {
    let filed = Filed::new(&format!("{}{}", recorder("gd.recorder"), recorder("gd.other")));
    let mut seen = filed.access.watch();
    assert_eq!(id_of(filed.as_principal("gd.recorder")).await, "gd.recorder");
    filed.write(&recorder("gd.other"));
    filed.access.look(true).unwrap();
    let status = refused(filed.as_principal("gd.recorder")).await;
    assert_eq!(reason(&status), "CREDENTIAL_INVALID");
    assert!(seen.has_changed().unwrap());
    let generation = seen.borrow_and_update().generation;
    assert_eq!(filed.ledger.policy().generation, generation);
    let name = tidu::domain::Principal::named("gd.recorder").unwrap();
    assert!(filed.ledger.policy().rights_of(&name).is_none());
}

#[test]
fn the_files_of_a_directory_are_one_policy() {
    let dir = crate::support::directory();
    let policy = dir.path().join("principals.d");
    fs::create_dir(&policy).unwrap();
    let load = || {
        tidu::access::AccessControl::load(tidu::access::AccessSettings {
            policy: policy.clone(),
            data_dir: dir.path().to_path_buf(),
            now: std::sync::Arc::new(|| 0),
        })
    };
    assert!(load().unwrap_err().to_string().contains("no file *.toml"));
    fs::write(policy.join("20.toml"), recorder("gd.other")).unwrap();
    fs::write(policy.join("10.toml"), recorder("gd.recorder")).unwrap();
    fs::write(policy.join(".30.toml"), "hidden").unwrap();
    fs::write(policy.join("note.txt"), "not a policy").unwrap();
    assert_eq!(load().unwrap().policy().principals().count(), 2);
    fs::write(policy.join("30.toml"), recorder("gd.recorder")).unwrap();
    let error = load().unwrap_err().to_string();
    assert!(error.contains("30.toml:1: gd.recorder: id: stated twice"), "{error}");
    assert!(error.contains("10.toml:1"), "{error}");
}

#[tokio::test]
async fn a_stream_ends_when_its_token_is_nobodys_any_more() {
    let filed = Filed::new(&recorder("gd.recorder"));
    let mut caller = filed.as_principal("gd.recorder");
    let request = pb::SubscribeRequest::default();
    let mut stream = caller.ledger.subscribe(request).await.unwrap().into_inner();
    let other = hex(&Sha256::digest(token_of("gd.other")));
    let own = hex(&Sha256::digest(token_of("gd.recorder")));
    filed.write(&recorder("gd.recorder").replace(&own, &other));
    filed.access.look(true).unwrap();
    let ended = async {
        loop {
            if let Err(status) = stream.message().await {
                return status;
            }
        }
    };
    let status = in_time("the end of the stream", ended).await;
    assert_eq!((status.code(), &*reason(&status)), (Code::Unauthenticated, "CREDENTIAL_INVALID"));
    assert_eq!(id_of(filed.with_token(&token_of("gd.other"))).await, "gd.recorder");
}
