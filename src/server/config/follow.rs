//! Settings of a node that follows another one.

use std::{sync::Arc, time::Duration};

use clap::ValueEnum;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::{Config, ConfigError};
use crate::{
    follow::{Dialer, FLAGS, LeaderUrl, Leaders},
    ledger::LagLimits,
    limits::FOLLOW_LEADERS_MAX,
    tls::ClientFiles,
};

/// The way of a node that follows with appends and other writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum FollowAppends {
    /// It hands them on to its leader.
    #[default]
    Forward,
    /// It refuses them, with the address of its leader.
    Refuse,
}

/// The way of a node that has stopped following for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum FollowStopped {
    /// It serves what it has.
    #[default]
    Serve,
    /// Its process drains, and ends with the exit code of the cause.
    Exit,
}

/// Addresses as a list, or in one text with commas, as the flag takes them and a variable has them.
pub(super) fn addresses<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<LeaderUrl>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        List(Vec<String>),
        Text(String),
    }
    let texts = match Form::deserialize(from)? {
        Form::List(texts) => texts,
        Form::Text(text) => text.split(',').map(|one| one.trim().to_owned()).collect(),
    };
    texts.into_iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
}

impl Config {
    /// The nodes to follow; `None` for a leader.
    #[must_use]
    pub fn leaders(&self) -> Option<Leaders> {
        let tls = ClientFiles {
            ca: self.follow_tls_ca.clone(),
            certificate: self.follow_tls_cert.clone(),
            key: self.follow_tls_key.clone(),
            flags: &FLAGS,
        };
        let (urls, token_file) = (self.follow.clone(), self.follow_token_file.clone());
        (!urls.is_empty()).then(|| Leaders { urls, dial: Arc::new(Dialer { tls, token_file }) })
    }

    /// How far a node that follows may be behind and count as ready.
    #[must_use]
    pub fn lag_limits(&self) -> LagLimits {
        let age = Duration::from_secs(self.follow_lag_seconds);
        LagLimits { events: self.follow_lag_events, age }
    }

    /// Refuses settings of a follower that do not go together.
    pub(super) fn require_whole_follow(&self) -> Result<(), ConfigError> {
        let of_follower = [
            ("follow_token_file", self.follow_token_file.is_some()),
            ("follow_tls_ca", self.follow_tls_ca.is_some()),
            ("follow_tls_cert", self.follow_tls_cert.is_some()),
            ("follow_tls_key", self.follow_tls_key.is_some()),
        ];
        for (set, is_set) in of_follower {
            if is_set && self.follow.is_empty() {
                return Err(ConfigError::Alone { set, missing: "follow" });
            }
        }
        if self.follow_tls_key.is_some() && self.follow_tls_cert.is_none() {
            let (set, missing) = ("follow_tls_key", "follow_tls_cert");
            return Err(ConfigError::Alone { set, missing });
        }
        let (count, most) = (self.follow.len(), FOLLOW_LEADERS_MAX);
        if count > most {
            return Err(ConfigError::TooManyLeaders { count, most });
        }
        let gives_away = |url: &&crate::follow::LeaderUrl| !url.is_secure() && !url.is_local();
        if let Some(url) = self.follow.iter().find(gives_away) {
            return Err(ConfigError::PlaintextLeader(url.clone()));
        }
        Ok(())
    }
}
