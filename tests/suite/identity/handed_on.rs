//! Calls in somebody else's name: gateways and nodes alone may make them.

use tidu::protocol::pb;
use tonic::Code;

use super::{Filed, Road, recorder, refused, stated, who};
use crate::support::{Governed, principals::token_of, reason};

const GATEWAY: &str = "spiffe://gd.example/gateway";
const NODE: &str = "spiffe://gd.example/node";

fn principals() -> String {
    let without_token = |text: String| {
        let lines = text.lines().filter(|line| !line.starts_with("token_sha256"));
        lines.collect::<Vec<_>>().join("\n")
    };
    format!(
        "{}\n{}\ncertificate = \"{GATEWAY}\"\n{}certificate = \"{NODE}\"\n{}",
        recorder("gd.recorder"),
        without_token(stated("gd.gateway", "", "\"gateway\"")),
        stated("hq.node", "", "\"node\""),
        stated("gd.reader", "440000", "\"reader\""),
    )
}

#[tokio::test]
async fn a_gateway_and_a_node_name_the_principal_for_whom_they_call() {
    let filed = Filed::new(&principals());
    for (road, by) in [
        (Road::certified(&[GATEWAY], 1), "gd.gateway"),
        (Road::certified(&[NODE], 1), "hq.node"),
        (Road::socket(990), "unix:990"),
    ] {
        let named = [("tidu-on-behalf-of", "gd.recorder")];
        let answer = who(filed.over(road.clone(), &named)).await.unwrap();
        let principal = answer.principal.clone().unwrap();
        assert_eq!((principal.id.as_str(), answer.handed_on_by.as_str()), ("gd.recorder", by));
        assert_eq!(principal.roles, [pb::Role::Recorder as i32], "the rights of the first caller");
        assert_eq!(answer.credential(), pb::CredentialKind::HandedOn);
        // It may hand a token on instead of a name, or beside the name that the token proves.
        let token = format!("Bearer {}", token_of("gd.recorder"));
        let shown = [("authorization", token.as_str())];
        let answer = who(filed.over(road.clone(), &shown)).await.unwrap();
        assert_eq!((answer.credential(), &*answer.handed_on_by), (pb::CredentialKind::Token, by));
        let both = [shown[0], named[0]];
        assert_eq!(who(filed.over(road.clone(), &both)).await.unwrap().handed_on_by, by);
        for (headers, expected) in [
            (vec![("tidu-on-behalf-of", "gd.nobody")], "CREDENTIAL_INVALID"),
            (vec![("tidu-on-behalf-of", "server")], "CREDENTIAL_INVALID"),
            (vec![("tidu-on-behalf-of", "")], "CREDENTIAL_INVALID"),
            (vec![named[0], named[0]], "CREDENTIAL_INVALID"),
            (vec![("tidu-on-behalf-of", "gd.gateway")], "HANDED_IDENTITY_REFUSED"),
            (vec![("tidu-on-behalf-of", "hq.node")], "HANDED_IDENTITY_REFUSED"),
            (vec![shown[0], ("tidu-on-behalf-of", "gd.reader")], "HANDED_IDENTITY_REFUSED"),
        ] {
            let status = refused(filed.over(road.clone(), &headers)).await;
            assert_eq!(reason(&status), expected, "{by} {headers:?}");
        }
    }
}

#[tokio::test]
async fn anybody_else_with_a_name_is_refused() {
    let filed = Filed::new(&principals());
    let named = ("tidu-on-behalf-of", "gd.recorder");
    let of = |id: &str| format!("Bearer {}", token_of(id));
    let (reader, recorder, node) = (of("gd.reader"), of("gd.recorder"), of("hq.node"));
    for (road, headers) in [
        (Road::default(), vec![named]),
        (Road::tls(), vec![named]),
        (Road::default(), vec![named, ("authorization", reader.as_str())]),
        (Road::default(), vec![named, ("authorization", recorder.as_str())]),
        // A token can be copied: it makes nobody a node.
        (Road::tls(), vec![named, ("authorization", node.as_str())]),
    ] {
        let status = refused(filed.over(road, &headers)).await;
        assert_eq!(status.code(), Code::PermissionDenied);
        assert_eq!(reason(&status), "HANDED_IDENTITY_REFUSED", "{headers:?}");
    }
    // A server without principals hears nobody's name either.
    let open = Governed::open();
    let shown = vec![(named.0, named.1.to_owned())];
    assert_eq!(reason(&refused(open.showing(shown)).await), "HANDED_IDENTITY_REFUSED");
}

#[tokio::test]
async fn a_gateway_does_nothing_for_itself() {
    let filed = Filed::new(&principals());
    let status = refused(filed.over(Road::certified(&[GATEWAY], 1), &[])).await;
    assert_eq!(reason(&status), "NOT_ENTITLED");
    let status = refused(filed.over(Road::socket(990), &[])).await;
    assert_eq!(reason(&status), "CREDENTIAL_MISSING");
    let answer = who(filed.over(Road::certified(&[NODE], 1), &[])).await.unwrap();
    assert_eq!(answer.principal.unwrap().id, "hq.node");
}
