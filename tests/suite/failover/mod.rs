//! Several nodes with one log: what a follower hands on to its leader, what it waits for, and how
//! clients move from one node to another.

mod arrivals;
mod clients;
mod handed_on;

use std::{fmt, sync::Arc, time::Duration};

use tidu::service::{Api, ApiSettings, Heard, Leader, Way, Writes};
use tower::{ServiceExt as _, util::BoxCloneSyncService};

use crate::support::Governed;

const LEADER: &str = "https://10.0.0.1:50051";

/// A leader, as a follower in these tests knows it.
struct Known {
    heard: Heard,
    way: Option<Way>,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.heard.fmt(f)
    }
}

impl Leader for Known {
    fn heard(&self) -> Heard {
        self.heard.clone()
    }

    fn way(&self) -> Option<Way> {
        self.way.clone()
    }

    fn node(&self) -> &str {
        "second"
    }
}

/// The last news of the leader.
fn heard() -> Heard {
    let (size, age) = (Some(60), Some(Duration::from_secs(2)));
    Heard { address: LEADER.to_owned(), size, age, ..Heard::default() }
}

/// The settings of a node that follows, and that hands writes on this way, or refuses them.
fn following(way: Option<Way>) -> ApiSettings {
    let heard = heard();
    ApiSettings { writes: Writes::There(Arc::new(Known { heard, way })), ..ApiSettings::default() }
}

/// A node that follows, without principals.
fn follower(way: Option<Way>) -> Governed {
    Governed::open_with(following(way))
}

/// The way to a node in this process.
fn way_to(api: &Api) -> Way {
    BoxCloneSyncService::new(api.clone().map_err(|never| match never {}))
}
