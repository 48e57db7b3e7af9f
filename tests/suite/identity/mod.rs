//! Who calls: every credential, what a stranger learns, how a policy changes, and what delegates
//! may give.

mod credentials;
mod delegates;
mod handed_on;
mod reloads;

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
};

use http::Request;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tidu::{
    access::{AccessControl, AccessSettings, Channel, PeerCertificate},
    cursors::Cursors,
    domain::text::hex,
    ledger::Ledger,
    protocol::pb,
    service::{self, Api, ApiSettings, Peer, Phases},
};
use tonic::{Status, body::Body};
use tower::{ServiceExt as _, util::BoxCloneSyncService};

use crate::{
    api::error_details::assert_complete,
    support::{
        Governed, MemoryLog, directory, open,
        principals::{Caller, token_of},
        reason,
    },
};

/// The reasons that are provoked here; [`reasons_bring_their_documented_metadata`] sees to it.
pub(crate) const REASONS: [&str; 6] = [
    "CREDENTIAL_MISSING",
    "CREDENTIAL_INVALID",
    "CREDENTIAL_EXPIRED",
    "HANDED_IDENTITY_REFUSED",
    "PRINCIPAL_INVALID",
    "PRINCIPALS_NEEDED",
];

/// The clock of these tests, in seconds since 1970.
const NOW: i64 = 1_800_000_000;

/// A principal with a token, in the form of a file.
fn stated(id: &str, authority: &str, roles: &str) -> String {
    let sha256 = hex(&Sha256::digest(token_of(id)));
    let authority = match authority {
        "" => String::new(),
        code => format!("authority = \"{code}\"\n"),
    };
    format!(
        "[[principal]]\nid = \"{id}\"\n{authority}roles = [{roles}]\ntoken_sha256 = \"{sha256}\"\n"
    )
}

fn recorder(id: &str) -> String {
    stated(id, "440000", "\"recorder\"")
}

/// A service whose principals are in a file.
struct Filed {
    api: Api,
    access: Arc<AccessControl>,
    ledger: Arc<Ledger>,
    now: Arc<AtomicI64>,
    dir: TempDir,
    _cursors: TempDir,
}

impl Filed {
    fn new(text: &str) -> Self {
        let dir = directory();
        fs::write(dir.path().join("principals.toml"), text).unwrap();
        Self::at(dir)
    }

    /// With the file, and the principals of delegates, of a directory.
    fn at(dir: TempDir) -> Self {
        let now = Arc::new(AtomicI64::new(NOW));
        let clock = Arc::clone(&now);
        let access = AccessControl::load(AccessSettings {
            policy: dir.path().join("principals.toml"),
            data_dir: dir.path().to_path_buf(),
            now: Arc::new(move || clock.load(SeqCst) * 1_000_000),
        });
        let access = access.unwrap_or_else(|error| panic!("{error}"));
        let ledger = Arc::new(open(Arc::new(MemoryLog::default()), Arc::default(), Arc::default()));
        access.resolve(ledger.catalogues()).unwrap();
        let kept = directory();
        let cursors = Arc::new(Cursors::open(kept.path()).unwrap());
        let settings = ApiSettings { access: Arc::clone(&access), ..ApiSettings::default() };
        let api = service::api(Arc::clone(&ledger), cursors, settings, &Phases::new()).unwrap();
        Self { api, access, ledger, now, dir, _cursors: kept }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("principals.toml")
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
    }

    /// The service over a connection, with these headers.
    fn over(&self, road: Road, headers: &[(&'static str, &str)]) -> Caller {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let api = self.api.clone().map_request(move |mut request: Request<Body>| {
            for (name, value) in &headers {
                request.headers_mut().append(*name, value.parse().unwrap());
            }
            if let Some(channel) = &road.channel {
                request.extensions_mut().insert(Arc::clone(channel));
            }
            if let Some(peer) = road.peer {
                request.extensions_mut().insert(Peer(peer));
            }
            request
        });
        Caller::of(BoxCloneSyncService::new(api))
    }

    fn with_token(&self, token: &str) -> Caller {
        self.over(Road::default(), &[("authorization", &format!("Bearer {token}"))])
    }

    fn as_principal(&self, id: &str) -> Caller {
        self.with_token(&token_of(id))
    }
}

/// A connection, as the server tells its requests of it.
#[derive(Clone, Default)]
struct Road {
    channel: Option<Arc<Channel>>,
    peer: Option<SocketAddr>,
}

impl Road {
    fn tls() -> Self {
        Self { channel: Some(Channel::tls(None)), peer: "198.51.100.7:1".parse().ok() }
    }

    fn certified(uris: &[&str], key: u8) -> Self {
        Self::certified_until(uris, key, NOW + 3_600)
    }

    fn certified_until(uris: &[&str], key: u8, end: i64) -> Self {
        let certificate = PeerCertificate {
            uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
            key_sha256: [key; 32],
            not_after_micros: end * 1_000_000,
            serial: "a1".to_owned(),
        };
        Self { channel: Some(Channel::tls(Some(certificate))), ..Self::tls() }
    }

    fn socket(user: u32) -> Self {
        Self { channel: Some(Channel::gateway_socket(user)), peer: None }
    }

    fn plain_from(peer: &str) -> Self {
        Self { channel: None, peer: peer.parse().ok() }
    }
}

async fn who(mut caller: Caller) -> Result<pb::WhoAmIResponse, Status> {
    Ok(caller.access.who_am_i(pb::WhoAmIRequest {}).await?.into_inner())
}

async fn id_of(caller: Caller) -> String {
    who(caller).await.unwrap().principal.unwrap().id
}

async fn refused(caller: Caller) -> Status {
    who(caller).await.unwrap_err()
}

#[tokio::test]
async fn reasons_bring_their_documented_metadata() {
    let text = format!(
        "{}token_expires = 2020-01-01T00:00:00Z\n{}",
        recorder("gd.expired"),
        stated("gd.delegate", "440000", "\"delegate\""),
    );
    let filed = Filed::new(&text);
    let request = pb::PutPrincipalRequest::default();
    let delegate = async |filed: &Filed| {
        filed.as_principal("gd.delegate").access.put_principal(request.clone()).await.unwrap_err()
    };
    let open = Governed::open();
    let mut stranger = open.as_stranger();
    let listed = stranger.access.list_principals(pb::ListPrincipalsRequest::default());
    let refusals = [
        refused(filed.over(Road::default(), &[])).await,
        refused(filed.as_principal("gd.nobody")).await,
        refused(filed.as_principal("gd.expired")).await,
        refused(filed.over(Road::default(), &[("tidu-on-behalf-of", "gd.expired")])).await,
        delegate(&filed).await,
        listed.await.unwrap_err(),
    ];
    for (status, expected) in refusals.iter().zip(REASONS) {
        assert_eq!(reason(status), expected);
        assert_complete(status);
    }
}
