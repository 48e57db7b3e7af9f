//! The settings of the services.

use std::{num::NonZeroU32, path::PathBuf, sync::Arc, time::Duration};

use super::{Sampling, Writes};
use crate::{
    access::{AccessControl, ReloadProblem},
    limits::{IN_FLIGHT_BYTES_MAX, SLOW_COMMIT_DEFAULT},
};

/// Who may call, and how much.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// The principals, and what they may do.
    pub access: Arc<AccessControl>,
    /// The data directory, if the log has one.
    pub directory: Option<PathBuf>,
    /// Why the files of TLS as they are now cannot be used.
    pub tls_problem: Arc<ReloadProblem>,
    /// Origins of the web pages that may call.
    pub web_origins: Vec<http::HeaderValue>,
    /// For a server that only its machine reaches: hosts that requests may name beside localhost
    /// and addresses. `None`: requests may name any host and come from any page.
    pub local_hosts: Option<Vec<String>>,
    /// Long questions that run at once.
    pub questions: usize,
    /// Most bytes of all requests in flight.
    pub in_flight_bytes: usize,
    /// Events that one party may record a second; `None`: as many as the log takes.
    pub events_per_second: Option<NonZeroU32>,
    /// A commit that takes as long gets a log line.
    pub slow_commit: Duration,
    /// The calls that are traced. `None`: none.
    pub sampling: Option<Sampling>,
    /// Whose writes this node takes.
    pub writes: Writes,
}

/// A leader without principals and without a directory, that every host may name.
impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            access: AccessControl::open(),
            directory: None,
            tls_problem: Arc::default(),
            web_origins: Vec::new(),
            local_hosts: None,
            questions: 1,
            in_flight_bytes: IN_FLIGHT_BYTES_MAX,
            events_per_second: None,
            slow_commit: SLOW_COMMIT_DEFAULT,
            sampling: None,
            writes: Writes::default(),
        }
    }
}
