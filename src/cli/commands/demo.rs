//! `tidu demo`: the main job on real data, in a temporary server.
//!
//! Of real enterprises it records only published facts: rows of the ministry's first list and of a
//! later notice. It shows a review and a revocation on made-up enterprises, marked 示例 (example).

use clap::Args;
use prost::Message as _;
use tokio::{sync::watch, task::JoinHandle};

use super::{
    generate::{Enterprise, enterprises},
    show,
};
use crate::{
    cli::{
        CliError,
        append::{AppendFailure, Recorded, append_with_retry},
        client::Client,
        lists::authority_of,
        print::{event_line, print_line, print_text},
        target::Target,
        throwaway,
    },
    domain::{AuthorityCode, kind::Kind},
    import::{self, ImportedRow},
    protocol::pb::{self, event::Fact, subscribe_response::Payload},
};

/// Real rows: the ministry decides, the column names the recommending authority.
const SAMPLE: &str = include_str!("../../../examples/data/little-giants-sample.csv");
const SAMPLE_FILE: &str = "examples/data/little-giants-sample.csv";
const PROGRAMME: &str = "little-giant";

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {}

pub(super) async fn run(_args: DemoArgs) -> Result<(), CliError> {
    throwaway::with_server(async |address: &Target| {
        print_line(&format!("A temporary server listens on {address}; its log is empty."))?;
        print_line("")?;
        play(address).await
    })
    .await
}

async fn play(address: &Target) -> Result<(), CliError> {
    let mut client = Client::connect(address).await?;
    let (end, ends) = watch::channel(u64::MAX);
    let followers = followers(address, &ends).await?;

    print_line(&format!(
        "1. The ministry's list and notice, as published ({SAMPLE_FILE}), in one commit:"
    ))?;
    let options =
        import::Options { authority: Some("100000".to_owned()), ..import::Options::default() };
    let list = import::read(SAMPLE_FILE, SAMPLE.as_bytes(), &options, authority_of)
        .map_err(|e| CliError::Message(e.to_string()))?;
    record(&mut client, &list.rows).await?;

    print_text(
        "\n2. Two made-up enterprises are designated. Three years later, \
         one passes its review; the\n   \
         title of the other is revoked for a falsified declaration:",
    )?;
    let ministry = AuthorityCode::ministry();
    let made_up: Vec<_> = enterprises(1, ministry).take(2).collect();
    for events in later_events(&made_up) {
        let rows: Vec<_> = events.into_iter().map(row).collect();
        record(&mut client, &rows).await?;
    }

    print_text(
        "\n3. A province may not designate a little giant: nothing is recorded, and the error \
         says why:",
    )?;
    if let Some(enterprise) = made_up.first() {
        let mut event = designated(enterprise);
        event.authority = "440000".to_owned();
        if let Err(CliError::Message(why)) = record(&mut client, &[row(event)]).await {
            print_line(&format!("   {why}"))?;
        }
    }

    let size = client.admin.get_status(pb::GetStatusRequest {}).await?.into_inner().log_size;
    // Followers stop at this position.
    let _ = end.send(size);
    print_line("")?;
    print_line("4. Meanwhile, three subscribers with different filters received:")?;
    for (who, follower) in followers {
        let events = follower.await.map_err(|e| CliError::Message(e.to_string()))??;
        print_line(&format!("   {who}: {} of {size} events", events.len()))?;
        for event in events.iter().rev().take(3).rev() {
            print_line(&format!("     {}", event_line(event)))?;
        }
    }

    print_line("")?;

    print_line("5. The revoked enterprise on the day before its revocation, and today:")?;
    if let [_, revoked] = made_up.as_slice() {
        for valid_on in [Some(pb::Date { year: 2024, month: 2, day: 29 }), None] {
            let designee = revoked.uscc.to_string();
            let as_of = Some(pb::AsOf { valid_on, known: None });
            let request = pb::GetDesigneeRequest { designee, as_of };
            show::print(&client.register.get_designee(request).await?.into_inner())?;
        }
    }
    print_text(NEXT)
}

/// Lines of commands begin with two spaces and fit into 80 columns.
const NEXT: &str = "
Next, in any directory. If your shell does not find tidu, run `cargo install
--path .` in the repository first. In one terminal, start a server:

  tidu serve

In a second one, follow what concerns Guangdong:

  tidu watch --authority 440000

In a third one, record a list of made-up enterprises, and ask the register:

  tidu generate --rows 500 --to list.csv
  tidu check list.csv --authority 440000 --programme specialised-sme \\
    --batch 2026-1 --date 2026-03-01
  tidu record list.csv --authority 440000 --programme specialised-sme \\
    --batch 2026-1 --date 2026-03-01
  tidu show 91440800YY0000001X --as-of 2026-03-01
  tidu explain 91440800YY0000001X specialised-sme --as-of 2026-03-01
  tidu count --by status --as-of 2026-03-01";

async fn record(client: &mut Client, rows: &[ImportedRow]) -> Result<(), CliError> {
    match append_with_retry(client, rows, false).await {
        Ok(Recorded { answer, .. }) => {
            let (first, next) = (answer.first_position.unwrap_or_default(), answer.next_position);
            for (position, row) in (first..).zip(rows).take(4) {
                let event = Some(row.event.clone());
                let recorded =
                    pb::RecordedEvent { position: Some(position), event, ..Default::default() };
                print_line(&format!("   {}", event_line(&recorded)))?;
            }
            if rows.len() > 4 {
                print_line(&format!("   … to position {}", next - 1))?;
            }
            Ok(())
        }
        Err(AppendFailure::Rejected(answer)) => {
            let first = answer.rejections.into_iter().next().unwrap_or_default();
            let pb::Rejection { value, message, reason, rule, .. } = first;
            Err(CliError::Message(format!("{value} {message} [{reason}; {rule}]")))
        }
        Err(AppendFailure::Other(error) | AppendFailure::Unknown(error)) => Err(error),
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

/// Three subscribers: a ministry follows everything, Guangdong its own events, a bank changes of
/// titles.
async fn followers(
    address: &Target,
    ends: &watch::Receiver<u64>,
) -> Result<Vec<(&'static str, Follower)>, CliError> {
    let kinds = ["designated", "review_passed", "revoked"];
    let kinds = kinds.iter().filter_map(|name| Kind::from_name(name));
    let bank = pb::EventFilter {
        kinds: kinds.map(|kind| i32::from(kind.number())).collect(),
        ..Default::default()
    };
    let guangdong =
        pb::EventFilter { authorities: vec!["440000".to_owned()], ..Default::default() };
    let mut followers = Vec::new();
    for (who, filter) in [
        ("a ministry, without a filter", pb::EventFilter::default()),
        ("Guangdong, events that concern it", guangdong),
        ("a bank, designations, reviews passed and revocations", bank),
    ] {
        let mut client = Client::connect(address).await?;
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

/// Collects all events below the end.
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
                    seen.push(decoded.map_err(|e| CliError::Message(e.to_string()))?);
                }
                next = batch.next_position;
            }
            Some(Payload::Progress(progress)) => next = progress.next_position,
            Some(_) => {}
            None => return Ok(seen),
        }
    }
}
