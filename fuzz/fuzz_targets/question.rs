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
    cursors::Cursors,
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
    let api = api(Arc::clone(server.ledger()), cursors, ApiSettings::default(), &Phases::new()).unwrap();
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
