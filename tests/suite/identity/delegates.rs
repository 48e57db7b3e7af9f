//! Delegates manage principals of their authority, and give nothing that they do not have.

use std::fs;

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use tidu::{
    domain::{
        AuthorityCode, Principal, RegionCode,
        access::{Matter, Rights},
        kind::Kind,
    },
    limits::DELEGATED_PRINCIPALS_MAX,
    protocol::pb,
};
use tonic::{Code, Status};

use super::{Filed, id_of, recorder, refused, stated, who};
use crate::support::{directory, principals::token_of, reason};

const DELEGATE: &str = "gd.delegate";
const MANAGED: &str = "gd.delegate/recorder";

fn principals() -> String {
    format!(
        "{}{}{}{}",
        stated(DELEGATE, "440000", "\"delegate\""),
        stated("zj.delegate", "330000", "\"delegate\""),
        stated("hq.operator", "", "\"operator\""),
        recorder("gd.recorder"),
    )
}

fn entry(id: &str) -> pb::PrincipalEntry {
    pb::PrincipalEntry {
        id: id.to_owned(),
        authority: "440000".to_owned(),
        roles: vec![pb::Role::Recorder.into()],
        token_sha256: Sha256::digest(token_of(id)).to_vec().into(),
        ..Default::default()
    }
}

async fn put(filed: &Filed, delegate: &str, entry: pb::PrincipalEntry) -> Result<u64, Status> {
    let request = pb::PutPrincipalRequest { principal: Some(entry) };
    let answer = filed.as_principal(delegate).access.put_principal(request).await?;
    Ok(answer.into_inner().policy_generation)
}

async fn delete(filed: &Filed, delegate: &str, id: &str) -> Result<u64, Status> {
    let request = pb::DeletePrincipalRequest { id: id.to_owned() };
    let answer = filed.as_principal(delegate).access.delete_principal(request).await?;
    Ok(answer.into_inner().policy_generation)
}

async fn listed(filed: &Filed, caller: &str) -> Vec<String> {
    let (mut ids, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListPrincipalsRequest { page_size: 2, page_token };
        let answer = filed.as_principal(caller).access.list_principals(request).await.unwrap();
        let answer = answer.into_inner();
        ids.extend(answer.principals.into_iter().map(|entry| entry.id));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return ids;
        }
    }
}

#[tokio::test]
async fn a_delegate_adds_replaces_and_removes_principals() {
    let filed = Filed::new(&principals());
    let begun = filed.access.policy().generation;
    assert_eq!(put(&filed, DELEGATE, entry(MANAGED)).await.unwrap(), begun + 1);
    assert_eq!(id_of(filed.as_principal(MANAGED)).await, MANAGED);
    assert_eq!(put(&filed, DELEGATE, entry(MANAGED)).await.unwrap(), begun + 1, "as it was");
    put(
        &filed,
        "zj.delegate",
        pb::PrincipalEntry { authority: "330000".to_owned(), ..entry("zj.delegate/recorder") },
    )
    .await
    .unwrap();
    assert_eq!(listed(&filed, DELEGATE).await, [MANAGED]);
    let all = ["gd.delegate", MANAGED, "gd.recorder", "hq.operator", "zj.delegate"];
    let all: Vec<_> =
        all.iter().chain(&["zj.delegate/recorder"]).map(ToString::to_string).collect();
    assert_eq!(listed(&filed, "hq.operator").await, all);
    // Another token takes the place of the first one at once.
    let next = pb::PrincipalEntry {
        token_sha256: Sha256::digest(token_of("next")).to_vec().into(),
        ..entry(MANAGED)
    };
    put(&filed, DELEGATE, next).await.unwrap();
    assert_eq!(reason(&refused(filed.as_principal(MANAGED)).await), "CREDENTIAL_INVALID");
    assert_eq!(id_of(filed.with_token(&token_of("next"))).await, MANAGED);
    // What the delegate has done is on the disk, for this user alone.
    let path = filed.dir.path().join("delegated.toml");
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!fs::read_to_string(&path).unwrap().contains(&token_of("next")));
    let Filed { dir, .. } = filed;
    let filed = Filed::at(dir);
    assert_eq!(id_of(filed.with_token(&token_of("next"))).await, MANAGED);
    let before = filed.access.policy().generation;
    assert_eq!(delete(&filed, DELEGATE, MANAGED).await.unwrap(), before + 1);
    assert_eq!(reason(&refused(filed.with_token(&token_of("next"))).await), "CREDENTIAL_INVALID");
    for (delegate, id) in
        [(DELEGATE, MANAGED), (DELEGATE, "zj.delegate/recorder"), (DELEGATE, "gd.recorder")]
    {
        let status = delete(&filed, delegate, id).await.unwrap_err();
        assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "PRINCIPAL_INVALID"));
    }
}

#[tokio::test]
async fn whatever_is_beyond_a_delegate_is_refused() {
    let filed = Filed::new(&principals());
    let right = |action: pb::RightAction, right: pb::Right| pb::PrincipalEntry {
        rights: vec![pb::Right { action: action.into(), ..right }],
        roles: vec![pb::Role::Recorder.into(), pb::Role::Signer.into()],
        ..entry(MANAGED)
    };
    use pb::RightAction::{Read, Record};
    let everything = pb::Right { own: true, ..Default::default() };
    let of = |code: &str| pb::Right { authorities: vec![code.to_owned()], ..Default::default() };
    for (odd, code, expected, field) in [
        (entry("gd.other"), Code::PermissionDenied, "NOT_ENTITLED", "principal.id"),
        (entry("zj.delegate/a"), Code::PermissionDenied, "NOT_ENTITLED", "principal.id"),
        (entry("gd.delegate/"), Code::PermissionDenied, "NOT_ENTITLED", "principal.id"),
        (
            pb::PrincipalEntry { authority: "330000".to_owned(), ..entry(MANAGED) },
            Code::PermissionDenied,
            "NOT_ENTITLED",
            "principal.authority",
        ),
        (
            pb::PrincipalEntry { roles: vec![pb::Role::Auditor.into()], ..entry(MANAGED) },
            Code::PermissionDenied,
            "NOT_ENTITLED",
            "principal.roles",
        ),
        (right(Read, everything), Code::PermissionDenied, "NOT_ENTITLED", "principal.rights"),
        (
            right(Read, pb::Right { own: true, ..of("330000") }),
            Code::PermissionDenied,
            "NOT_ENTITLED",
            "principal.rights",
        ),
        (
            right(Record, of("330000")),
            Code::InvalidArgument,
            "PRINCIPAL_INVALID",
            "principal.rights[0].authorities",
        ),
        (entry("gd.delegate/A"), Code::InvalidArgument, "PRINCIPAL_INVALID", "principal.id"),
        (
            pb::PrincipalEntry { managed_by: "zj.delegate".to_owned(), ..entry(MANAGED) },
            Code::InvalidArgument,
            "PRINCIPAL_INVALID",
            "principal.managed_by",
        ),
        (
            pb::PrincipalEntry { key_sha256: vec![1].into(), ..entry(MANAGED) },
            Code::InvalidArgument,
            "PRINCIPAL_INVALID",
            "principal.key_sha256",
        ),
        (
            pb::PrincipalEntry { roles: vec![99], ..entry(MANAGED) },
            Code::InvalidArgument,
            "ENUM_UNKNOWN",
            "principal.roles[0]",
        ),
        // The credential of somebody else.
        (
            pb::PrincipalEntry {
                token_sha256: Sha256::digest(token_of("gd.recorder")).to_vec().into(),
                ..entry(MANAGED)
            },
            Code::InvalidArgument,
            "PRINCIPAL_INVALID",
            "principal.token_sha256",
        ),
    ] {
        let status = put(&filed, DELEGATE, odd.clone()).await.unwrap_err();
        assert_eq!((status.code(), &*reason(&status)), (code, expected), "{odd:?}: {status:?}");
        use tonic_types::StatusExt as _;
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.metadata.get("field").map(String::as_str), Some(field), "{status:?}");
    }
    let status = put(&filed, "gd.recorder", entry(MANAGED)).await.unwrap_err();
    assert_eq!(reason(&status), "NOT_ENTITLED", "it is no delegate");
    assert_eq!(listed(&filed, DELEGATE).await, Vec::<String>::new(), "nothing has changed");
}

#[tokio::test]
async fn a_principal_loses_what_its_delegate_loses() {
    let filed = Filed::new(&principals());
    put(&filed, DELEGATE, entry(MANAGED)).await.unwrap();
    let without = principals().replace(&stated(DELEGATE, "440000", "\"delegate\""), "");
    for text in [
        without.clone(),
        format!("{without}{}", stated(DELEGATE, "330000", "\"delegate\"")),
        format!("{without}{}", stated(DELEGATE, "440000", "\"recorder\"")),
    ] {
        filed.write(&text);
        filed.access.look(true).unwrap();
        assert!(who(filed.as_principal(MANAGED)).await.is_err());
        let warnings = filed.access.warnings();
        assert!(warnings.iter().any(|warning| warning.principal == MANAGED), "{warnings:?}");
        filed.write(&principals());
        filed.access.look(true).unwrap();
        assert_eq!(id_of(filed.as_principal(MANAGED)).await, MANAGED, "it is back");
    }
    // A file takes the credential: the policy comes into force, and the managed one is left out.
    let sha256 = tidu::domain::text::hex(&Sha256::digest(token_of(MANAGED)));
    let taken = recorder("gd.taken")
        .replace(&tidu::domain::text::hex(&Sha256::digest(token_of("gd.taken"))), &sha256);
    filed.write(&format!("{}{taken}", principals()));
    filed.access.look(true).unwrap();
    assert_eq!(id_of(filed.as_principal(MANAGED)).await, "gd.taken");
}

#[tokio::test]
async fn a_delegate_manages_as_many_principals_as_it_may_and_no_more() {
    let dir = directory();
    let managed = |n: usize| {
        let id = format!("{DELEGATE}/{n}");
        format!("{}managed_by = \"{DELEGATE}\"\n", recorder(&id))
    };
    let all: String = (1..DELEGATED_PRINCIPALS_MAX).map(managed).collect();
    fs::write(dir.path().join("delegated.toml"), all).unwrap();
    fs::write(dir.path().join("principals.toml"), principals()).unwrap();
    let filed = Filed::at(dir);
    put(&filed, DELEGATE, entry(MANAGED)).await.unwrap();
    let status = put(&filed, DELEGATE, entry("gd.delegate/more")).await.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::ResourceExhausted, "LIMIT_EXCEEDED"));
    let another = pb::PrincipalEntry { roles: vec![pb::Role::Reader.into()], ..entry(MANAGED) };
    put(&filed, DELEGATE, another).await.unwrap();
    assert_eq!(listed(&filed, DELEGATE).await.len(), DELEGATED_PRINCIPALS_MAX);
}

/// A right of a delegate or of its principal, drawn at random.
fn any_right() -> impl Strategy<Value = (pb::RightAction, pb::Right)> {
    let action = prop::sample::select(vec![
        pb::RightAction::Record,
        pb::RightAction::Approve,
        pb::RightAction::Read,
    ]);
    let authority = prop::sample::select(vec!["", "440000", "440000", "330000"]);
    let region = prop::sample::select(vec!["", "440000", "440300", "440305", "330100"]);
    let programme = prop::sample::select(vec!["", "little-giant", "specialised-sme"]);
    let kind = prop::sample::select(vec![None, Some(Kind::Designated), Some(Kind::Revoked)]);
    (action, authority, region, programme, kind, any::<bool>()).prop_map(
        |(action, authority, region, programme, kind, own)| {
            let some = |text: &str| if text.is_empty() { vec![] } else { vec![text.to_owned()] };
            let kinds = kind.map(|kind| i32::from(kind.number())).into_iter().collect();
            let right = pb::Right {
                action: action.into(),
                authorities: some(authority),
                region: region.to_owned(),
                programmes: some(programme),
                kinds,
                own: own && action == pb::RightAction::Read,
            };
            (action, right)
        },
    )
}

/// A right as a file states it.
fn right_text((action, right): &(pb::RightAction, pb::Right)) -> String {
    let name = match action {
        pb::RightAction::Record => "record",
        pb::RightAction::Approve => "approve",
        _ => "read",
    };
    let mut text = format!("[[principal.right]]\naction = \"{name}\"\nown = {}\n", right.own);
    // A delegate has no rights to record for others.
    let authorities = if *action == pb::RightAction::Read { &right.authorities[..] } else { &[] };
    if let Some(authority) = authorities.first() {
        text.push_str(&format!("authorities = [\"{authority}\"]\n"));
    }
    if !right.region.is_empty() {
        text.push_str(&format!("region = \"{}\"\n", right.region));
    }
    if let Some(programme) = right.programmes.first() {
        text.push_str(&format!("programmes = [\"{programme}\"]\n"));
    }
    if let Some(kind) = right.kinds.first().and_then(|kind| Kind::from_number(*kind)) {
        text.push_str(&format!("kinds = [\"{}\"]\n", kind.name()));
    }
    text
}

fn matters(filed: &Filed) -> Vec<Matter> {
    let mut all = Vec::new();
    for authority in ["440000", "330000"] {
        for region in ["440300", "440305", "330100"] {
            for programme in ["little-giant", "specialised-sme"] {
                for kind in [Kind::Designated, Kind::Revoked, Kind::Renamed] {
                    for own in [false, true] {
                        all.push(Matter {
                            authorities: [AuthorityCode::parse(authority).unwrap()]
                                .into_iter()
                                .collect(),
                            regions: [RegionCode::parse(region).unwrap()].into_iter().collect(),
                            programmes: [filed.ledger.catalogues().find(programme).unwrap()]
                                .into_iter()
                                .collect(),
                            kind: Some(kind),
                            own,
                        });
                    }
                }
            }
        }
    }
    all
}

/// No matter is within the rights of a principal and beyond those of its delegate.
fn assert_within(filed: &Filed) {
    let policy = filed.access.policy();
    let rights = |id: &str| policy.rights_of(&Principal::named(id).unwrap()).cloned();
    let (Some(delegate), Some(managed)) = (rights(DELEGATE), rights(MANAGED)) else { return };
    type May = fn(&Rights, &Matter) -> bool;
    for may in [Rights::may_record as May, Rights::may_approve, Rights::may_read] {
        for matter in matters(filed) {
            assert!(!may(&managed, &matter) || may(&delegate, &matter), "{matter:?}\n{managed:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_principal_has_more_than_its_delegate(
        first in prop::collection::vec(any_right(), 0..4),
        given in prop::collection::vec(any_right(), 0..4),
        later in prop::collection::vec(any_right(), 0..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let with = |rights: &[(pb::RightAction, pb::Right)]| {
                let rights: String = rights.iter().map(right_text).collect();
                format!("{}{rights}", stated(DELEGATE, "440000", "\"delegate\""))
            };
            let filed = Filed::new(&with(&first));
            let roles = [pb::Role::Recorder, pb::Role::Signer];
            let asked = pb::PrincipalEntry {
                roles: roles.map(i32::from).to_vec(),
                rights: given.into_iter().map(|(_, right)| right).collect(),
                ..entry(MANAGED)
            };
            if put(&filed, DELEGATE, asked).await.is_err() {
                // Rights that follow from roles are always taken, and bounded.
                let roles = roles.map(i32::from).to_vec();
                let usual = pb::PrincipalEntry { roles, ..entry(MANAGED) };
                put(&filed, DELEGATE, usual).await.unwrap();
            }
            assert_within(&filed);
            filed.write(&with(&later));
            filed.access.look(true).unwrap();
            assert_within(&filed);
        });
    }
}
