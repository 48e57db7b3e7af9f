//! A service with principals, without a socket: each caller is a principal that shows a token.

#![allow(dead_code)] // rooms take what they need

use std::{collections::HashMap, sync::Arc};

use http::Request;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tidu::{
    access::AccessControl,
    cursors::Cursors,
    domain::{
        AuthorityCode, Principal,
        access::{AuthoritySet, FourEyes, Policy, Reach, Rights, Role, Roles},
    },
    ledger::Ledger,
    protocol::pb::{
        access_service_client::AccessServiceClient, admin_service_client::AdminServiceClient,
        cursor_service_client::CursorServiceClient, ledger_service_client::LedgerServiceClient,
        proof_service_client::ProofServiceClient, register_service_client::RegisterServiceClient,
    },
    service::{self, Api, ApiSettings, Phases},
};
use tonic::body::Body;
use tower::{ServiceExt as _, util::BoxCloneSyncService};

use super::{Hands, MemoryLog, directory, open};

/// The token that a principal of these tests shows.
pub fn token_of(name: &str) -> String {
    // As long as a token must be, and without the dots of a JWT.
    format!("{:-<64}", format!("token-of-{name}").replace('.', "_"))
}

/// Some authorities.
pub fn authorities(codes: &[&str]) -> AuthoritySet {
    codes.iter().map(|code| AuthorityCode::parse(code).unwrap()).collect()
}

/// The reach of some authorities.
pub fn of_authorities(codes: &[&str]) -> Reach {
    Reach { authorities: authorities(codes), ..Reach::default() }
}

/// The usual rights of a role.
pub fn rights(role: Role, authority: Option<&str>) -> Rights {
    let own = || authority.map(|code| of_authorities(&[code])).into_iter();
    let reads = || {
        let own = own().map(|reach| Reach { own: true, ..reach });
        [Reach::default()].into_iter().chain(own).collect::<Vec<_>>()
    };
    let everything = || vec![Reach::everything()];
    let (record, approve, read) = match role {
        Role::Recorder => (own().collect(), Vec::new(), reads()),
        Role::Signer => (Vec::new(), own().collect(), reads()),
        Role::Reader => (Vec::new(), Vec::new(), reads()),
        Role::Auditor | Role::Node => (Vec::new(), Vec::new(), everything()),
        Role::Operator => (Vec::new(), Vec::new(), vec![Reach::default()]),
        Role::Delegate => (own().collect(), own().collect(), reads()),
        Role::Gateway => (Vec::new(), Vec::new(), Vec::new()),
    };
    Rights {
        roles: Roles::from_iter([role]),
        authority: authority.map(|code| AuthorityCode::parse(code).unwrap()),
        record,
        approve,
        read,
        ..Rights::default()
    }
}

/// A policy of principals with these rights, and of the one that records what tests hand to the
/// ledger itself.
pub fn policy(principals: &[(&str, Rights)], four_eyes: Vec<FourEyes>) -> Policy {
    let named = |(name, rights): &(&str, Rights)| {
        (Principal::named(name).unwrap(), Arc::new(rights.clone()))
    };
    let everything = Rights { read: Vec::new(), ..Rights::everything() };
    let all = [("test", everything)];
    let all = all.iter().chain(principals).map(named).collect::<HashMap<_, _>>();
    Policy::of(all, four_eyes)
}

/// A service over a log in memory, whose callers are principals.
pub struct Governed {
    pub api: Api,
    pub access: Arc<AccessControl>,
    pub ledger: Arc<Ledger>,
    pub hands: Arc<Hands>,
    pub phases: Phases,
    _dir: TempDir,
}

impl Governed {
    /// Without principals.
    pub fn open() -> Self {
        Self::open_over(MemoryLog::default())
    }

    /// Without principals, over a log that has events.
    pub fn open_over(log: MemoryLog) -> Self {
        Self::with(AccessControl::open(), log, |_, _| {})
    }

    /// Without principals, with other settings.
    pub fn open_with(settings: ApiSettings) -> Self {
        Self::assembled(settings, MemoryLog::default(), |_, _| {})
    }

    /// With these principals from the start; later policies may use the same names.
    pub fn new(principals: &[(&str, Rights)]) -> Self {
        Self::under(principals, Vec::new())
    }

    /// As [`Governed::new`], with events that need two principals.
    pub fn under(principals: &[(&str, Rights)], four_eyes: Vec<FourEyes>) -> Self {
        Self::over(MemoryLog::default(), principals, four_eyes)
    }

    /// As [`Governed::under`], over a log that has events.
    pub fn over(log: MemoryLog, principals: &[(&str, Rights)], four_eyes: Vec<FourEyes>) -> Self {
        Self::prepared(log, principals, four_eyes, |_, _| {})
    }

    /// As [`Governed::over`], with a ledger that is prepared before it is served.
    pub fn prepared(
        log: MemoryLog,
        principals: &[(&str, Rights)],
        four_eyes: Vec<FourEyes>,
        prepare: impl FnOnce(&Arc<Ledger>, &Arc<Hands>),
    ) -> Self {
        let hash = |name: &str| <[u8; 32]>::from(Sha256::digest(token_of(name)));
        let tokens =
            principals.iter().map(|(name, _)| (hash(name), Principal::named(name).unwrap()));
        Self::with(AccessControl::of_tokens(policy(principals, four_eyes), tokens), log, prepare)
    }

    fn with(
        access: Arc<AccessControl>,
        log: MemoryLog,
        prepare: impl FnOnce(&Arc<Ledger>, &Arc<Hands>),
    ) -> Self {
        Self::assembled(ApiSettings { access, ..ApiSettings::default() }, log, prepare)
    }

    fn assembled(
        settings: ApiSettings,
        log: MemoryLog,
        prepare: impl FnOnce(&Arc<Ledger>, &Arc<Hands>),
    ) -> Self {
        let (dir, access) = (directory(), Arc::clone(&settings.access));
        let hands = Arc::<Hands>::default();
        let ledger = Arc::new(open(Arc::new(log), Arc::clone(&hands), Arc::default()));
        prepare(&ledger, &hands);
        let cursors = Arc::new(Cursors::open(dir.path()).unwrap());
        let phases = Phases::new();
        let api = service::api(Arc::clone(&ledger), cursors, settings, &phases).unwrap();
        Self { api, access, ledger, hands, phases, _dir: dir }
    }

    /// The service as somebody sees it who shows these headers.
    pub fn showing(&self, headers: Vec<(&'static str, String)>) -> Caller {
        let api = self.api.clone().map_request(move |mut request: Request<Body>| {
            for (name, value) in &headers {
                request.headers_mut().insert(*name, value.parse().unwrap());
            }
            request
        });
        Caller::of(BoxCloneSyncService::new(api))
    }

    /// The service as a principal sees it.
    pub fn as_principal(&self, name: &str) -> Caller {
        self.showing(vec![("authorization", format!("Bearer {}", token_of(name)))])
    }

    /// The service as somebody sees it who shows no credential.
    pub fn as_stranger(&self) -> Caller {
        self.showing(Vec::new())
    }
}

/// One client of each service.
#[derive(Clone)]
pub struct Caller {
    pub api: Api,
    pub ledger: LedgerServiceClient<Api>,
    pub register: RegisterServiceClient<Api>,
    pub admin: AdminServiceClient<Api>,
    pub cursors: CursorServiceClient<Api>,
    pub proof: ProofServiceClient<Api>,
    pub access: AccessServiceClient<Api>,
}

impl Caller {
    pub fn of(api: Api) -> Self {
        Self {
            ledger: LedgerServiceClient::new(api.clone()),
            register: RegisterServiceClient::new(api.clone()),
            admin: AdminServiceClient::new(api.clone()),
            cursors: CursorServiceClient::new(api.clone()),
            proof: ProofServiceClient::new(api.clone()),
            access: AccessServiceClient::new(api.clone()),
            api,
        }
    }
}
