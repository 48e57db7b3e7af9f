//! `tidu demo`: the main job on real data, in a throw-away server.
//!
//! What is recorded of real enterprises is what was published: the sample of the ministry's first list and of a later
//! notice. Reviews and a revocation are shown on made-up ones, whose names say 示例 (example).

use clap::Args;
use prost::Message as _;
use tokio::{sync::watch, task::JoinHandle};

use super::{
    CliError,
    client::Client,
    generate::{Enterprise, enterprises},
    record::{Failure, authority_of, commit},
    show,
    text::{self, say},
    throwaway,
};
use crate::{
    domain::{AuthorityCode, kind::Kind},
    import::{self, ImportedRow},
    protocol::pb::{self, event::Fact, subscribe_response::Payload},
};

/// Real rows: the ministry decides, the column names the recommending authority.
const SAMPLE: &str = include_str!("../../examples/data/little-giants-sample.csv");
const SAMPLE_FILE: &str = "examples/data/little-giants-sample.csv";
const PROGRAMME: &str = "little-giant";

#[derive(Debug, Args)]
pub(super) struct DemoArgs {}

pub(super) async fn run(_args: DemoArgs) -> Result<(), CliError> {
    throwaway::with_server(async |address: &str| {
        say(&format!("A throw-away server listens on {address}; its log is empty.\n"))?;
        play(address).await
    })
    .await
}

async fn play(address: &str) -> Result<(), CliError> {
    let mut client = Client::connect_to(address).await?;
    let (end, ends) = watch::channel(u64::MAX);
    let followers = followers(address, &ends).await?;

    say(&format!(
        "1. The ministry's list and notice, as published ({SAMPLE_FILE}), in one commit:"
    ))?;
    let options =
        import::Options { authority: Some("100000".to_owned()), ..import::Options::default() };
    let list = import::read(SAMPLE_FILE, SAMPLE.as_bytes(), &options, authority_of)
        .map_err(|e| CliError::Said(e.to_string()))?;
    record(&mut client, &list.rows).await?;

    say(
        "\n2. Two made-up enterprises are designated; three years later one passes its review, and\n   the other is revoked for a falsified declaration:",
    )?;
    let ministry = AuthorityCode::ministry();
    let made_up: Vec<_> = enterprises(1, ministry).take(2).collect();
    for events in later_events(&made_up) {
        let rows: Vec<_> = events.into_iter().map(row).collect();
        record(&mut client, &rows).await?;
    }

    say(
        "\n3. A province may not decide on a little giant; nothing is recorded, and the reason is named:",
    )?;
    if let Some(enterprise) = made_up.first() {
        let mut event = designated(enterprise);
        event.authority = "440000".to_owned();
        if let Err(CliError::Said(why)) = record(&mut client, &[row(event)]).await {
            say(&format!("   {why}"))?;
        }
    }

    let size = client.admin.get_status(pb::GetStatusRequest {}).await?.into_inner().log_size;
    // Followers stop when they have seen everything below the end.
    let _ = end.send(size);
    say("\n4. What three subscribers with different filters received meanwhile:")?;
    for (who, follower) in followers {
        let events = follower.await.map_err(|e| CliError::Said(e.to_string()))??;
        say(&format!("   {who}: {} of {size} events", events.len()))?;
        for event in events.iter().rev().take(3).rev() {
            say(&format!("     {}", text::event(event)))?;
        }
    }

    say("\n5. What follows for the revoked enterprise, the day before and today:")?;
    if let [_, revoked] = made_up.as_slice() {
        for as_of in [Some(pb::Date { year: 2024, month: 2, day: 29 }), None] {
            let designee = revoked.uscc.to_string();
            let request = pb::GetDesigneeRequest { designee, as_of, ..Default::default() };
            show::print(&client.register.get_designee(request).await?.into_inner())?;
        }
    }
    say(NEXT)
}

const NEXT: &str = "
Next, in two terminals:
  tidu serve
  tidu record examples/data/little-giants-sample.csv --authority 100000
  tidu watch --authority 440000
  tidu show 瑞普(天津)生物药业有限公司 --as-of 2020-01-01
  tidu generate --rows 9271 --to list.csv
  tidu record list.csv --authority 440000 --programme specialised-sme --batch 2026-1 --date 2026-03-01
(with cargo: cargo run --release -- serve)";

async fn record(client: &mut Client, rows: &[ImportedRow]) -> Result<(), CliError> {
    match commit(client, rows, false).await {
        Ok(answer) => {
            let (first, next) = (answer.first_position.unwrap_or_default(), answer.next_position);
            for (position, row) in (first..).zip(rows).take(4) {
                let event = Some(row.event.clone());
                let recorded =
                    pb::RecordedEvent { position: Some(position), event, ..Default::default() };
                say(&format!("   {}", text::event(&recorded)))?;
            }
            if rows.len() > 4 {
                say(&format!("   … to position {}", next - 1))?;
            }
            Ok(())
        }
        Err(Failure::Rejected(answer)) => {
            let first = answer.rejections.into_iter().next().unwrap_or_default();
            let pb::Rejection { value, message, reason, rule, .. } = first;
            Err(CliError::Said(format!("{value} {message} [{reason}; {rule}]")))
        }
        Err(Failure::Other(error)) => Err(error),
    }
}

fn row(event: pb::Event) -> ImportedRow {
    ImportedRow { sheet: String::new(), row: 0, event }
}

fn day(year: i32, month: i32, day: i32) -> Option<pb::Date> {
    Some(pb::Date { year, month, day })
}

fn stated(enterprise: &Enterprise, effective_date: Option<pb::Date>, fact: Fact) -> pb::Event {
    pb::Event {
        authority: "100000".to_owned(),
        designee: enterprise.uscc.to_string(),
        effective_date,
        fact: Some(fact),
        ..Default::default()
    }
}

fn designated(enterprise: &Enterprise) -> pb::Event {
    let profile = pb::Profile { name: enterprise.name.clone(), ..Default::default() };
    let fact = pb::Designated {
        programme: PROGRAMME.to_owned(),
        batch: "3".to_owned(),
        profile: Some(profile),
        ..Default::default()
    };
    stated(enterprise, day(2021, 7, 1), Fact::Designated(fact))
}

fn later_events(made_up: &[Enterprise]) -> Vec<Vec<pb::Event>> {
    let [passes, falsifies] = made_up else { return Vec::new() };
    let passed = pb::ReviewPassed {
        programme: PROGRAMME.to_owned(),
        round: "2024".to_owned(),
        ..Default::default()
    };
    let revoked = pb::Revoked {
        programme: PROGRAMME.to_owned(),
        ground: pb::RevocationGround::Falsification.into(),
        ban_until: day(2027, 2, 28),
        ..Default::default()
    };
    vec![
        vec![designated(passes), designated(falsifies)],
        vec![stated(passes, day(2024, 7, 1), Fact::ReviewPassed(passed))],
        vec![stated(falsifies, day(2024, 3, 1), Fact::Revoked(revoked))],
    ]
}

type Follower = JoinHandle<Result<Vec<pb::RecordedEvent>, CliError>>;

/// Three subscribers: the ministry follows everything, Guangdong what concerns it, a bank what changes titles.
async fn followers(
    address: &str,
    ends: &watch::Receiver<u64>,
) -> Result<Vec<(&'static str, Follower)>, CliError> {
    let kinds = ["designated", "review_passed", "revoked"];
    let kinds = kinds.iter().filter_map(|name| Kind::from_name(name));
    let bank = pb::Filter {
        kinds: kinds.map(|kind| i32::from(kind.number())).collect(),
        ..Default::default()
    };
    let guangdong = pb::Filter { authorities: vec!["440000".to_owned()], ..Default::default() };
    let mut followers = Vec::new();
    for (who, filter) in [
        ("a ministry that follows everything", pb::Filter::default()),
        ("Guangdong, what concerns it", guangdong),
        ("a bank, designations, reviews passed and revocations", bank),
    ] {
        let mut client = Client::connect_to(address).await?;
        let request = pb::SubscribeRequest {
            filter: Some(filter),
            heartbeat_interval: Some(prost_types::Duration { seconds: 1, nanos: 0 }),
            ..Default::default()
        };
        let stream = client.ledger.subscribe(request).await?.into_inner();
        followers.push((who, tokio::spawn(follow(stream, ends.clone()))));
    }
    Ok(followers)
}

/// Collects events until everything below the end was seen.
async fn follow(
    mut stream: tonic::Streaming<pb::SubscribeResponse>,
    mut ends: watch::Receiver<u64>,
) -> Result<Vec<pb::RecordedEvent>, CliError> {
    let (mut seen, mut next) = (Vec::new(), 0);
    loop {
        let end = *ends.borrow_and_update();
        if next >= end {
            return Ok(seen);
        }
        let message = tokio::select! {
            message = stream.message() => message?,
            _ = ends.changed() => continue,
        };
        match message.and_then(|message| message.payload) {
            Some(Payload::Events(batch)) => {
                for leaf in batch.leaves {
                    let decoded = pb::RecordedEvent::decode(leaf);
                    seen.push(decoded.map_err(|e| CliError::Said(e.to_string()))?);
                }
                next = batch.next_position;
            }
            Some(Payload::Progress(progress)) => next = progress.next_position,
            Some(_) => {}
            None => return Ok(seen),
        }
    }
}
