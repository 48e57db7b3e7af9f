//! A server that follows another one.

use std::sync::Arc;

use uuid::Uuid;

use super::config::{Config, FollowAppends};
use crate::{
    follow::{self, Follower, Leaders, Upstream},
    ledger::{LagLimits, Ledger},
    log,
    service::{ApiSettings, Writes},
};

/// How a server follows others.
pub(super) struct Following {
    leaders: Leaders,
    forwards: bool,
    lag: LagLimits,
}

impl Following {
    /// How the settings say that a server follows; `None` if it leads.
    pub(super) fn of(config: &Config) -> Option<Self> {
        config.leaders().map(|leaders| Self {
            leaders,
            forwards: config.follow_appends == FollowAppends::Forward,
            lag: config.lag_limits(),
        })
    }

    /// Tells the ledger and the services that this node follows.
    pub(super) fn begin(
        self,
        ledger: &Arc<Ledger>,
        node: String,
        settings: &mut ApiSettings,
    ) -> Follower {
        let Self { leaders, forwards, lag } = self;
        ledger.limit_lag(lag);
        let upstream = Upstream::new(Arc::clone(ledger), leaders.clone(), node, forwards);
        settings.writes = Writes::There(Arc::new(upstream));
        Follower { ledger: Arc::clone(ledger), leaders }
    }
}

/// The id of the log, if it is new: one of its own, or that of the leader, which must answer.
pub(super) async fn fresh_log_id(config: &Config) -> Uuid {
    match config.leaders() {
        Some(leaders) if !log::is_in(&config.data_dir) => follow::log_id_of(&leaders).await,
        _ => {
            #[allow(clippy::disallowed_methods)] // a new log gets its id here
            Uuid::new_v4()
        }
    }
}
