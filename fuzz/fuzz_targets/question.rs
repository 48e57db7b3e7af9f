//! Questions to a log without events: what is tried is the reading of requests.

#![no_main]

#[path = "../targets.rs"]
#[allow(dead_code)] // each target is one of them
mod targets;

use std::{
    path::Path,
    sync::{Arc, LazyLock, Mutex},
};

use targets::{Questioned, question};
use tidu::{
    access::AccessControl,
    cursors::Cursors,
    limits::{IN_FLIGHT_BYTES_MAX, SLOW_COMMIT_DEFAULT},
    protocol::pb::{
        ledger_service_client::LedgerServiceClient,
        register_service_client::RegisterServiceClient,
    },
    register::RulesBook,
    server::{
        Server,
        config::{Config, OperationsListen},
    },
    service::{ApiSettings, Phases, api},
};
use tokio::runtime::Runtime;

static SERVED: LazyLock<(Runtime, Mutex<Questioned>)> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap().keep();
    let runtime = Runtime::new().unwrap();
    let questioned = runtime.block_on(serve(&directory));
    (runtime, Mutex::new(questioned))
});

async fn serve(directory: &Path) -> Questioned {
    let config = Config {
        data_dir: directory.join("data"),
        listen: ([127, 0, 0, 1], 0).into(),
        operations_listen: OperationsListen::Off,
        ..Config::default()
    };
    let failed = |why: &_| panic!("{why}");
    let server = Server::open(&config, RulesBook::RELEASED, failed).await.unwrap();
    let cursors = Arc::new(Cursors::open(directory).unwrap());
    let settings = ApiSettings {
        access: AccessControl::open(),
        tls_problem: Arc::default(),
        web_origins: Vec::new(),
        local_hosts: None,
        questions: 1,
        in_flight_bytes: IN_FLIGHT_BYTES_MAX,
        events_per_second: None,
        slow_commit: SLOW_COMMIT_DEFAULT,
        sampling: None,
    };
    let api = api(Arc::clone(server.ledger()), cursors, settings, &Phases::new()).unwrap();
    std::mem::forget(server);
    Questioned {
        ledger: LedgerServiceClient::new(api.clone()),
        register: RegisterServiceClient::new(api),
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (runtime, questioned) = &*SERVED;
    runtime.block_on(question(&mut questioned.lock().unwrap(), bytes));
});
