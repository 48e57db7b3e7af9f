//! A server that follows another one.

use std::{path::Path, sync::Arc};

use tokio::time::timeout;
use uuid::Uuid;

use super::{
    StartError,
    config::{Config, FollowAppends, FollowStopped},
    standing::PartError,
};
use crate::{
    follow::{self, Follower, LeaderUrl, Leaders, Upstream},
    handover::{NodeName, Pledge, Standing},
    ledger::{LagLimits, Ledger},
    limits::FOLLOW_FIRST_ANSWER_MAX,
    log,
    service::{ApiSettings, Awaited, Phases, Writes},
};

/// How the names of nodes begin; a random number makes each its own.
const NAME: &str = "node";

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
    ///
    /// # Errors
    /// [`PartError`] if a file of the data directory cannot be used.
    pub(super) fn begin(
        self,
        ledger: &Arc<Ledger>,
        directory: &Path,
        settings: &mut ApiSettings,
    ) -> Result<Follower, PartError> {
        let Self { leaders, forwards, lag } = self;
        let pledge = pledge(directory, ledger.log_id(), ledger.epoch())?;
        let name = pledge.name().to_string();
        ledger.limit_lag(lag);
        ledger.hear_epoch(pledge.epoch());
        ledger.note_contact(|contact| contact.name.clone_from(&name));
        let upstream = Upstream::new(Arc::clone(ledger), leaders.clone(), name, forwards);
        settings.writes = Writes::There(Arc::new(upstream));
        Ok(Follower { ledger: Arc::clone(ledger), leaders, pledge: Arc::new(pledge) })
    }
}

/// The id of the log, if it is new: one of its own, or that of the leader, which must answer. A
/// directory that begins as a copy follows before it has a log: it never leads in that history by
/// mistake.
///
/// # Errors
/// [`StartError::Standing`], and [`StartError::NoLeader`] if the settings bound the wait.
pub(super) async fn fresh_log_id(config: &Config, phases: &Phases) -> Result<Uuid, StartError> {
    let directory = &config.data_dir;
    // A start may have ended before it had a log. Its log is that of its leader all the same.
    if directory.is_dir()
        && let Some(follows) = Standing::of(directory).map_err(PartError::from)?.follows
    {
        return Ok(follows.log_id);
    }
    match config.leaders() {
        Some(leaders) if !log::is_in(directory) => {
            let note = |leader, why| phases.note_awaited(Some(Awaited { leader, why }));
            note(addresses(&config.follow), "it is being asked".to_owned());
            let asking = follow::log_of(&leaders, |url, why| note(url.to_string(), why));
            let log_id = match config.follow_stopped {
                FollowStopped::Serve => asking.await,
                FollowStopped::Exit => timeout(FOLLOW_FIRST_ANSWER_MAX, asking)
                    .await
                    .map_err(|_| StartError::NoLeader(config.follow.clone()))?,
            };
            phases.note_awaited(None);
            log::keep_older_versions_away(directory)
                .map_err(|error| PartError::Log(error.into()))?;
            // A fresh mark is of epoch 0, so that closes it. A higher one counts once two answers
            // tell it.
            let pledge = pledge(directory, log_id, 0)?;
            pledge.give(0).map_err(PartError::from)?;
            Ok(log_id)
        }
        #[allow(clippy::disallowed_methods)] // a new log gets its id here
        _ => Ok(Uuid::new_v4()),
    }
}

fn addresses(urls: &[LeaderUrl]) -> String {
    urls.iter().map(LeaderUrl::to_string).collect::<Vec<_>>().join(", ")
}

fn pledge(directory: &Path, log_id: Uuid, epoch: u64) -> Result<Pledge, PartError> {
    let fresh = NodeName::of_follower(NAME, fastrand::u32(..)).map_err(PartError::Name)?;
    Ok(Pledge::of(directory, (log_id, epoch), fresh)?)
}
