//! Requests to append, through the whole API over a ledger in memory.

use std::sync::Arc;

use parking_lot::Mutex;
use prost::Message as _;
use tempfile::TempDir;
use tidu::{
    cursors::Cursors,
    ledger::Ledger,
    protocol::pb::{
        self, ledger_service_client::LedgerServiceClient,
        register_service_client::RegisterServiceClient,
    },
    service::{Api, ApiSettings, Phases, api},
};
use tokio::runtime::Runtime;
use tonic::Code;

use super::{corpus, fuzz, mutate::mutate, protobuf::mutate_message};
use crate::support::{Hands, MemoryLog, directory, open};

/// Requests that one ledger gets in a case.
const REQUESTS: usize = 24;

#[derive(Debug, Default)]
struct Counts {
    undecodable: usize,
    refused: usize,
    accepted: usize,
    events: usize,
}

/// A ledger in memory behind the API.
pub struct Served {
    log: MemoryLog,
    ledger: Arc<Ledger>,
    failures: Arc<Mutex<Vec<String>>>,
    api: Api,
    client: LedgerServiceClient<Api>,
    register: RegisterServiceClient<Api>,
    _dir: TempDir,
}

pub async fn serve(log: MemoryLog) -> Served {
    let failures = Arc::<Mutex<Vec<String>>>::default();
    let clock = Arc::<Hands>::default();
    let ledger = Arc::new(open(Arc::new(log.clone()), clock, Arc::clone(&failures)));
    let dir = directory();
    let cursors = Arc::new(Cursors::open(dir.path()).unwrap());
    let api = api(Arc::clone(&ledger), cursors, ApiSettings::default(), &Phases::new()).unwrap();
    let (client, register) =
        (LedgerServiceClient::new(api.clone()), RegisterServiceClient::new(api.clone()));
    Served { log, ledger, failures, api, client, register, _dir: dir }
}

impl Served {
    /// What the clients call.
    pub fn api(&self) -> Api {
        self.api.clone()
    }

    pub async fn record(&mut self, events: Vec<pb::Event>) {
        let request = pb::AppendRequest { events, ..Default::default() };
        self.client.append(request).await.unwrap();
    }

    /// Appends the request that the bytes are, if they are one. What is accepted can be read.
    async fn take(&mut self, bytes: &[u8], counts: &mut Counts) {
        let Ok(request) = pb::AppendRequest::decode(bytes) else {
            counts.undecodable += 1;
            return;
        };
        let (size, only_asked) = (self.ledger.durable().size, request.validate_only);
        let events = request.events.clone();
        let answer = match self.client.append(request).await {
            Ok(answer) => answer.into_inner(),
            Err(status) => {
                let broken = [Code::Internal, Code::Unknown, Code::DataLoss, Code::Unavailable];
                assert!(!broken.contains(&status.code()), "{status:?} {:?}", self.failures.lock());
                counts.refused += 1;
                return;
            }
        };
        if only_asked {
            assert_eq!(self.ledger.durable().size, size, "only asked, and recorded");
            return;
        }
        counts.accepted += 1;
        if answer.replayed {
            return;
        }
        counts.events += events.len();
        assert_eq!(answer.first_position, Some(size));
        assert_eq!(answer.next_position, size + events.len() as u64);
        for (position, sent) in (size..).zip(&events) {
            self.check(position, sent).await;
        }
    }

    /// The event stands at its position, and its designee can be asked for.
    async fn check(&mut self, position: u64, sent: &pb::Event) {
        let request = pb::GetEventRequest { position: Some(position), raw: true };
        let answer = self.client.get_event(request).await.unwrap().into_inner();
        let recorded = answer.event.unwrap();
        assert_eq!(recorded.encode_to_vec(), answer.leaf, "a leaf is in the canonical encoding");
        assert_eq!(recorded.position, Some(position));
        let event = recorded.event.unwrap();
        let kind = |event: &pb::Event| event.fact.as_ref().map(std::mem::discriminant);
        assert_eq!(kind(&event), kind(sent));
        if !event.designee.is_empty() {
            let designee = event.designee;
            let request = pb::GetDesigneeRequest { designee, ..Default::default() };
            self.register.get_designee(request).await.unwrap();
        }
    }

    /// A start over what was recorded finds the same.
    async fn start_again(self) -> Served {
        let before = self.ledger.durable();
        self.ledger.close();
        assert!(self.failures.lock().is_empty(), "{:?}", self.failures.lock());
        let again = serve(self.log).await;
        assert_eq!(again.ledger.durable(), before);
        again
    }
}

#[test]
fn a_request_of_any_bytes_is_refused_or_recorded_and_read_back() {
    let corpus = corpus("request");
    let runtime = Runtime::new().unwrap();
    let fixed = fuzz("request", 40, |random| {
        runtime.block_on(async {
            let mut counts = Counts::default();
            let mut served = serve(MemoryLog::default()).await;
            // A history to stand on.
            for (_, request) in &corpus {
                if random.u8(0..3) > 0 {
                    served.take(request, &mut Counts::default()).await;
                }
            }
            for _ in 0..REQUESTS {
                let (input, donor) = super::two(random, &corpus);
                let bytes = match random.u8(0..8) {
                    0 => mutate(random, input, donor),
                    _ => mutate_message(random, input, donor),
                };
                served.take(&bytes, &mut counts).await;
            }
            served.start_again().await.ledger.close();
            [counts.undecodable, counts.refused, counts.accepted, counts.events]
        })
    });
    let [_, _, accepted, _] = fixed.sums;
    assert!(accepted * 50 >= fixed.cases * REQUESTS, "too few are accepted: {:?}", fixed.sums);
}
