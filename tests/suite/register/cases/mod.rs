//! The edge cases of the domain, one test each: what happens to titles when real life does not
//! follow the forms.
//!
//! Enterprises are known by codes that are valid in form only for these tests; what is said of them
//! is made up.

mod batches;
mod effects;
mod identifiers;
mod identity;
mod lists;
mod order;
mod sealed;
mod service;
mod steps;
mod subjects;
mod titles;
mod twice;

use tidu::{
    domain::{AuthorityCode, DesigneeId, fault::Fault},
    ledger::AppendError,
    protocol::pb::{
        self, IdentifierChangeReason as Why, RegisterPart as Part, RelocationStage as Stage,
        event::Fact,
    },
    register::{DesigneeView, Flag, Interest, Status, TitleView},
};

use crate::support::{Book, annulled, commit, corrected, date, day, event, view};

const A: &str = "91110000MA00000152";
const B: &str = "91440300MA0000023W";
const C: &str = "91659001MA0000031P";
const D: &str = "91330200MA000004XF";

const MINISTRY: &str = "100000";
const GUANGDONG: &str = "440000";
const SHENZHEN: &str = "440300";
const LIAONING: &str = "210000";
const XPCC: &str = "660000";

const GIANT: &str = "little-giant";
const SPECIALISED: &str = "specialised-sme";
const INNOVATIVE: &str = "innovative-sme";

fn designation(programme: &str, batch: &str) -> pb::Designated {
    let (programme, batch) = (programme.to_owned(), batch.to_owned());
    pb::Designated { programme, batch, ..Default::default() }
}

fn designated(issuer: &str, who: &str, programme: &str, batch: &str, from: &str) -> pb::Event {
    event(issuer, who, from, Fact::Designated(designation(programme, batch)))
}

fn giant(who: &str, batch: &str, from: &str) -> pb::Event {
    designated(MINISTRY, who, GIANT, batch, from)
}

fn notice(
    issuer: &str,
    who: &str,
    programme: &str,
    batch: &str,
    from: &str,
    to: &str,
) -> pb::Event {
    let fact = pb::NoticeOpened {
        programme: programme.to_owned(),
        batch: batch.to_owned(),
        purpose: pb::NoticePurpose::New.into(),
        notice_from: date(from),
        notice_to: date(to),
        ..Default::default()
    };
    event(issuer, who, from, Fact::NoticeOpened(fact))
}

fn revoked(
    issuer: &str,
    who: &str,
    programme: &str,
    on: &str,
    ban_until: Option<&str>,
) -> pb::Event {
    let fact = pb::Revoked {
        programme: programme.to_owned(),
        ground: pb::RevocationGround::Falsification.into(),
        ban_until: ban_until.and_then(date),
        ..Default::default()
    };
    event(issuer, who, on, Fact::Revoked(fact))
}

fn passed(who: &str, programme: &str, round: &str, from: &str) -> pb::Event {
    let (programme, round) = (programme.to_owned(), round.to_owned());
    let fact = pb::ReviewPassed { programme, round, ..Default::default() };
    event(MINISTRY, who, from, Fact::ReviewPassed(fact))
}

fn ended(issuer: &str, who: &str, on: &str) -> pb::Event {
    let cause = pb::SubjectEndCause::Deregistered.into();
    event(issuer, who, on, Fact::SubjectEnded(pb::SubjectEnded { cause }))
}

fn moved(
    issuer: &str,
    who: &str,
    on: &str,
    (from, to): (&str, &str),
    region: &str,
    stage: pb::RelocationStage,
) -> pb::Event {
    let fact = pb::Relocated {
        to_region: region.to_owned(),
        from_authority: from.to_owned(),
        to_authority: to.to_owned(),
        stage: stage.into(),
        ..Default::default()
    };
    event(issuer, who, on, Fact::Relocated(fact))
}

fn linked(who: &str, other: &str, on: &str, reason: pb::IdentifierChangeReason) -> pb::Event {
    let fact = pb::IdentifierChanged { new_designee: other.to_owned(), reason: reason.into() };
    event(MINISTRY, who, on, Fact::IdentifierChanged(fact))
}

fn sealed(
    issuer: &str,
    programme: &str,
    batch: &str,
    sublist: &str,
    on: &str,
    counts: Option<(u32, u32)>,
) -> pb::Event {
    let declared = counts.map(|(designated, reviewed)| pb::DeclaredCounts {
        designated: Some(designated),
        reviewed: Some(reviewed),
    });
    let fact = pb::BatchSealed {
        programme: programme.to_owned(),
        batch: batch.to_owned(),
        sublist: sublist.to_owned(),
        declared,
        ..Default::default()
    };
    event(issuer, "", on, Fact::BatchSealed(fact))
}

fn complete(issuer: &str, programme: &str, part: pb::RegisterPart, from: &str) -> pb::Event {
    let (programme, part) = (programme.to_owned(), part.into());
    event(
        issuer,
        "",
        from,
        Fact::CompletenessDeclared(pb::CompletenessDeclared { programme, part }),
    )
}

fn profile(name: &str, region: &str) -> Option<pb::Profile> {
    let (name, registered_region) = (name.to_owned(), region.to_owned());
    Some(pb::Profile { name, registered_region, ..Default::default() })
}

/// Rules about absence: these tests say nothing about notices, measures, other titles and names.
const EVERYWHERE: [&str; 5] = [
    "notice-missing",
    "prerequisite-missing",
    "measures-missing",
    "notice-short",
    "designee-name-missing",
];

/// The rule of a fault, with the events concerned.
fn named(fault: &Fault) -> String {
    let rule = fault.breach.rule().as_str();
    if fault.conflicts.is_empty() { rule.into() } else { format!("{rule} {:?}", fault.conflicts) }
}

impl Book {
    /// Records one event; gives its position.
    async fn say(&self, event: pb::Event) -> u64 {
        self.record(vec![event]).await.unwrap()
    }

    /// Why one event is rejected.
    async fn refused(&self, event: pb::Event) -> Vec<String> {
        self.record(vec![event]).await.unwrap_err()
    }

    /// What deserves a look in an event that is recorded. Few designees here have a name.
    async fn warned(&self, event: pb::Event) -> Vec<String> {
        let receipt = self.ledger.append(commit(vec![event])).await.unwrap();
        let reasons = receipt.warnings.iter().map(|warning| format!("{:?}", warning.reason()));
        reasons.filter(|reason| reason != "DesigneeNameMissing").collect()
    }

    /// The rules behind the warnings about one event that is recorded, each with the events
    /// concerned. Rules about absence that every event here breaks are left out.
    async fn noted(&self, event: pb::Event) -> Vec<String> {
        let receipt = self.ledger.append(commit(vec![event])).await.unwrap();
        receipt.warnings.iter().map(named).filter(|told| !EVERYWHERE.contains(&&**told)).collect()
    }

    /// The rules behind the rejection of one event, each with the events concerned.
    async fn refused_by(&self, event: pb::Event) -> Vec<String> {
        match self.ledger.append(commit(vec![event])).await {
            Err(AppendError::Rejected(faults)) => faults.iter().map(named).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// The messages of a rejection.
    async fn told(&self, events: Vec<pb::Event>) -> String {
        match self.ledger.append(commit(events)).await {
            Err(AppendError::Rejected(faults)) => faults
                .iter()
                .map(|f| format!("[{}] {}: {}\n", f.index, f.field, f.breach))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    fn shown(&self, who: &str, as_of: &str) -> DesigneeView {
        let register = self.ledger.register();
        let known_at = register.size();
        let index = register.find(&DesigneeId::parse(who).unwrap(), known_at).unwrap();
        view(&register, index, day(as_of), known_at)
    }

    fn title(&self, who: &str, programme: &str, as_of: &str) -> Option<TitleView> {
        let id = self.ledger.catalogue().find(programme).unwrap();
        self.shown(who, as_of).titles.into_iter().find(|title| title.programme == id)
    }

    fn stands(&self, who: &str, programme: &str, as_of: &str) -> Option<Status> {
        self.title(who, programme, as_of).map(|title| title.status)
    }

    fn concerned(&self, position: u64) -> Vec<&'static str> {
        let register = self.ledger.register();
        let concerned = |authority: &AuthorityCode| {
            let mut interest = Interest::default();
            interest.authority(*authority);
            register.matching(&interest, position, position + 1, 1).0 == [position]
        };
        AuthorityCode::all().filter(concerned).map(AuthorityCode::as_str).collect()
    }
}
