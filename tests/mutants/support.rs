//! The helpers of the register's own tests, without a log.

use std::sync::LazyLock;

use tidu::{
    domain::{
        CivilDate, DesigneeId, PartialDate, Principal,
        catalogue::{Catalogue, Catalogues},
    },
    ledger::{AppendError, Commit, Ledger},
    protocol::{event as protocol, pb},
    register::{AsOf, DesigneeIndex, DesigneeView, Register, Status},
};

#[path = "../suite/support/any_event.rs"]
pub mod any_event;
#[path = "../suite/support/events.rs"]
pub mod events;
#[path = "../suite/support/facts.rs"]
pub mod facts;
#[path = "../suite/support/histories.rs"]
pub mod histories;
#[path = "../suite/support/interests.rs"]
pub mod interests;
#[path = "../suite/support/rules.rs"]
pub mod rules;
#[path = "../suite/support/seed.rs"]
pub mod seed;
#[path = "../suite/support/stories/mod.rs"]
pub mod stories;

pub use self::{
    any_event::any_event,
    events::{authority, changed, date, designated, event, list, little_giant, made_up, valid_on},
    facts::{annulled, corrected, failed, ministry, notice, passed, revoked, sealed},
    histories::{A, B, DESIGNEES, OTHERS, Step, other, steps},
    interests::{interests, of_authority, of_batch, scopes, under, watching},
    rules::{BOTH_RULES, SECOND_RULES, rules_adopted},
};

pub fn commit(events: Vec<pb::Event>) -> Commit {
    let catalogue = Catalogue::built_in();
    let read =
        |(index, event)| (index, protocol::proposal(&catalogue, index, event).unwrap().event);
    let events = events.into_iter().enumerate().map(read).collect();
    Commit { events, recorded_by: Principal::named("test").unwrap() }
}

pub struct Book {
    pub ledger: Ledger,
}

impl Book {
    pub fn new() -> Self {
        Self { ledger: Ledger::new() }
    }

    pub async fn record(&self, events: Vec<pb::Event>) -> Result<u64, Vec<String>> {
        match self.ledger.append(commit(events)).await {
            Ok(receipt) => Ok(receipt.first),
            Err(AppendError::Rejected(faults)) => {
                Err(faults.into_iter().map(|fault| format!("{:?}", fault.reason())).collect())
            }
        }
    }

    pub fn status(&self, designee: &str, as_of: &str) -> Option<Status> {
        self.status_known(designee, as_of, u64::MAX)
    }

    pub fn status_known(&self, designee: &str, as_of: &str, known_at: u64) -> Option<Status> {
        let register = self.ledger.register();
        let known_at = known_at.min(register.size());
        let index = register.find(&DesigneeId::parse(designee).unwrap(), known_at)?;
        let view = view(&register, index, day(as_of), known_at);
        view.titles.first().map(|title| title.status)
    }
}

pub fn view(
    register: &Register,
    index: DesigneeIndex,
    as_of: CivilDate,
    known_at: u64,
) -> DesigneeView {
    static CATALOGUES: LazyLock<Catalogues> = LazyLock::new(Catalogues::built_in);
    register.view(&CATALOGUES, index, AsOf { valid_on: as_of, known_at })
}

pub fn day(iso: &str) -> CivilDate {
    PartialDate::parse_iso(iso).unwrap().first_day()
}
