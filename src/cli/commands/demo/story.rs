//! The story: real rows of the ministry's first list and of a later notice, then a review and a
//! revocation of made-up enterprises, marked 示例 (example), and three subscribers.

use std::collections::HashMap;

use prost::Message as _;
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    cli::{
        CliError,
        append::{AppendFailure, Recorded, append_with_retry},
        client::Client,
        commands::generate::{Enterprise, enterprises},
        lists::authority_of,
        print::{
            Cell, Heading, Tone, date, end_cell, fault_message, fault_rule, print_line,
            print_table, print_text, print_toned, status_cell, table,
        },
        target::Target,
    },
    domain::{AuthorityCode, catalogue::Catalogue, kind::Kind},
    import::{self, ImportedRow},
    lang::{say, word},
    protocol::pb::{self, event::Fact, subscribe_response::Payload},
};

/// Real rows: the ministry decides, the column names the recommending authority.
const SAMPLE: &str = include_str!("../../../../examples/data/little-giants-sample.csv");
const SAMPLE_FILE: &str = "examples/data/little-giants-sample.csv";
const PROGRAMME: &str = "little-giant";
/// Events of a table that are shown.
const SHOWN: usize = 4;

pub(super) async fn run(address: &Target) -> Result<(), CliError> {
    let mut story = Story { client: Client::connect(address).await?, names: HashMap::new() };
    print_line(&say!(
        en: "A temporary server listens on {address}; its log is empty.",
        zh: "临时服务器正在监听 {address}，日志为空。"
    ))?;
    let (end, ends) = watch::channel(u64::MAX);
    let followers = followers(address, &ends).await?;
    story.published_list().await?;
    let made_up: Vec<_> = enterprises(1, AuthorityCode::ministry()).take(2).collect();
    story.lifecycle(&made_up).await?;
    story.refusal(&made_up).await?;
    let request = pb::GetStatusRequest {};
    let size = story.client.admin.get_status(request).await?.into_inner().log_size;
    // Followers stop at this position.
    let _ = end.send(size);
    story.received(followers, size).await?;
    story.question(&made_up).await?;
    print_text(&next())
}

struct Story {
    client: Client,
    /// Names by designee: only an event that designates has one.
    names: HashMap<String, String>,
}

impl Story {
    async fn published_list(&mut self) -> Result<(), CliError> {
        heading(&say!(
            en: "1. The ministry's list and notice, as published ({SAMPLE_FILE}), in one commit",
            zh: "1. 工信部已公布的名单和公示（{SAMPLE_FILE}），一次提交"
        ))?;
        let authority = Some(AuthorityCode::ministry().as_str().to_owned());
        let options = import::Options { authority, ..import::Options::default() };
        let list = import::read(SAMPLE_FILE, SAMPLE.as_bytes(), &options, authority_of)
            .map_err(|e| CliError::Message(e.to_string()))?;
        let recorded = self.record(&list.rows).await?;
        self.print(&recorded)
    }

    async fn lifecycle(&mut self, made_up: &[Enterprise]) -> Result<(), CliError> {
        heading(word!(
            en: "2. Two made-up enterprises are designated; three years later one passes its \
                 review, and the title of the other is revoked for a falsified declaration",
            zh: "2. 认定两家虚构企业；三年后，一家通过复核，另一家因数据造假被撤销称号"
        ))?;
        let mut all = Vec::new();
        for events in later_events(made_up) {
            let rows: Vec<_> = events.into_iter().map(row).collect();
            all.extend(self.record(&rows).await?);
        }
        self.print(&all)
    }

    async fn refusal(&mut self, made_up: &[Enterprise]) -> Result<(), CliError> {
        heading(word!(
            en: "3. A province may not designate little giants: nothing is recorded, and the error \
                 says why",
            zh: "3. 省级机构无权认定“小巨人”企业：不予写入，并说明原因"
        ))?;
        let Some(enterprise) = made_up.first() else { return Ok(()) };
        let event = pb::Event { authority: "440000".to_owned(), ..designated(enterprise) };
        match self.record(&[row(event)]).await {
            Err(CliError::Refused(why)) => print_toned(&why, Tone::Bad),
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }

    async fn received(&mut self, followers: Followers, size: u64) -> Result<(), CliError> {
        heading(word!(
            en: "4. Meanwhile, three subscribers with different filters received",
            zh: "4. 与此同时，三个筛选条件不同的订阅方收到"
        ))?;
        for (who, follower) in followers {
            let events = follower.await.map_err(|e| CliError::Message(e.to_string()))??;
            let count = events.len();
            print_line(&say!(
                en: "{who}: {count} of {size} events", zh: "{who}：{size} 个事件中的 {count} 个"
            ))?;
        }
        Ok(())
    }

    async fn question(&mut self, made_up: &[Enterprise]) -> Result<(), CliError> {
        let [_, revoked] = made_up else { return Ok(()) };
        let name = &revoked.name;
        heading(&say!(
            en: "5. {name} on the day before its revocation, and today",
            zh: "5. {name}：撤销前一日与今日"
        ))?;
        let mut rows = table(STATUSES);
        for valid_on in [Some(pb::Date { year: 2024, month: 2, day: 29 }), None] {
            let designee = revoked.uscc.to_string();
            let as_of = Some(pb::AsOf { valid_on, known: None });
            let request = pb::GetDesigneeRequest { designee, as_of };
            let answer = self.client.register.get_designee(request).await?.into_inner();
            let day = answer.as_of.and_then(|as_of| as_of.valid_on);
            for title in answer.designee.unwrap_or_default().titles {
                rows.add_row(status_row(day.as_ref(), &title));
            }
        }
        print_table(&rows)
    }

    /// Records rows in one commit, and gives them as recorded.
    async fn record(&mut self, rows: &[ImportedRow]) -> Result<Vec<pb::RecordedEvent>, CliError> {
        match append_with_retry(&mut self.client, rows, false).await {
            Ok(Recorded { answer, .. }) => {
                let first = answer.first_position.unwrap_or_default();
                let recorded = |(position, row): (u64, &ImportedRow)| pb::RecordedEvent {
                    position: Some(position),
                    event: Some(row.event.clone()),
                    ..Default::default()
                };
                Ok((first..).zip(rows).map(recorded).collect())
            }
            Err(AppendFailure::Rejected(answer)) => {
                let first = answer.rejections.into_iter().next().unwrap_or_default();
                let (message, rule) = (fault_message(&first), fault_rule(&first));
                let (value, reason) = (first.value, first.reason);
                Err(CliError::Refused(format!("{value} {message} [{reason}; {rule}]")))
            }
            Err(AppendFailure::Other(error) | AppendFailure::Unknown(error)) => Err(error),
        }
    }

    /// Prints the first of some events.
    fn print(&mut self, events: &[pb::RecordedEvent]) -> Result<(), CliError> {
        let mut rows = table(EVENTS);
        for recorded in events.iter().take(SHOWN) {
            rows.add_row(self.event_row(recorded));
        }
        print_table(&rows)?;
        let more = events.len().saturating_sub(SHOWN);
        if more == 0 {
            return Ok(());
        }
        let last = events.last().and_then(|event| event.position).unwrap_or_default();
        let text = say!(
            en: "… and {more} more, to position {last}", zh: "……另有 {more} 个，至位置 {last}"
        );
        print_toned(&text, Tone::Faint)
    }

    fn event_row(&mut self, recorded: &pb::RecordedEvent) -> [Cell; 5] {
        let event = recorded.event.clone().unwrap_or_default();
        let (fact, tone, profile, part) = match event.fact.unwrap_or_else(no_fact) {
            Fact::NoticeOpened(f) => {
                let batch = batch(&f.batch);
                (word!(en: "notice", zh: "公示"), Tone::Plain, f.profile, batch)
            }
            Fact::Designated(f) => {
                let batch = batch(&f.batch);
                (word!(en: "designated", zh: "认定"), Tone::Good, f.profile, batch)
            }
            Fact::ReviewPassed(f) => {
                let round = f.round;
                let round = say!(en: ", round {round}", zh: "，{round} 年复核");
                (word!(en: "review passed", zh: "复核通过"), Tone::Good, None, round)
            }
            _ => (word!(en: "revoked", zh: "撤销"), Tone::Bad, None, String::new()),
        };
        if let Some(profile) = profile {
            self.names.insert(event.designee.clone(), profile.name);
        }
        let name = self.names.get(&event.designee).cloned().unwrap_or_default();
        [
            recorded.position.unwrap_or_default().into(),
            date(event.effective_date.as_ref()).into(),
            Cell::from(fact).tone(tone),
            name.into(),
            format!("{}{part}", programme()).into(),
        ]
    }
}

const EVENTS: [Heading; 5] = [
    Heading::new("position", "position", "位置"),
    Heading::new("day", "on", "日期"),
    Heading::new("fact", "fact", "事实"),
    Heading::new("designee", "enterprise", "企业"),
    Heading::new("title", "title", "称号").drops(1),
];

const STATUSES: [Heading; 5] = [
    Heading::new("day", "asked for", "查询日期"),
    Heading::new("status", "status", "状态"),
    Heading::new("from", "from", "起"),
    Heading::new("to", "to", "止"),
    Heading::new("end", "end", "终止原因"),
];

fn status_row(day: Option<&pb::Date>, title: &pb::Title) -> [Cell; 5] {
    [
        date(day).into(),
        status_cell(title.status()),
        date(title.valid_from.as_ref()).into(),
        date(title.valid_to.as_ref()).into(),
        end_cell(title),
    ]
}

fn heading(text: &str) -> Result<(), CliError> {
    print_line("")?;
    print_toned(text, Tone::Strong)
}

/// The name of the programme, as the catalogue spells it.
fn programme() -> String {
    let catalogue = Catalogue::built_in();
    let found = catalogue.programmes().find(|programme| programme.id == PROGRAMME);
    let name = found.and_then(|programme| programme.names.last());
    let name = name.map(|name| word!(en: name.name_en.as_str(), zh: name.name.as_str()));
    name.unwrap_or(PROGRAMME).to_owned()
}

fn batch(batch: &str) -> String {
    say!(en: ", batch {batch}", zh: "，第 {batch} 批")
}

fn no_fact() -> Fact {
    Fact::Revoked(pb::Revoked::default())
}

/// Lines of commands begin with two spaces and fit into 80 columns.
const LIST: &str = "  tidu generate --rows 500 --to list.csv
  tidu check list.csv --authority 440000 --programme specialised-sme \\
    --batch 2026-1 --date 2026-03-01
  tidu record list.csv --authority 440000 --programme specialised-sme \\
    --batch 2026-1 --date 2026-03-01
  tidu show 91440800YY0000001X --as-of 2026-03-01
  tidu explain 91440800YY0000001X specialised-sme --as-of 2026-03-01
  tidu count --by status --as-of 2026-03-01";

fn next() -> String {
    say!(
        en: "
Next, in any directory. If your shell does not find tidu, run `cargo install
--path .` in the repository first. In one terminal, start a server:

  tidu serve

In a second one, follow what concerns Guangdong:

  tidu watch --authority 440000

In a third one, record a list of made-up enterprises, and ask the register:

{LIST}

`tidu demo --keep` keeps a server with the whole published history.",
        zh: "
接下来，在任意目录中均可操作。如果终端找不到 tidu，请先在代码目录中运行
`cargo install --path .`。在第一个终端中启动服务器：

  tidu serve

在第二个终端中跟踪与广东有关的事件：

  tidu watch --authority 440000

在第三个终端中写入一份虚构企业名单，然后查询：

{LIST}

`tidu demo --keep` 启动一个载有全部已公布历史的服务器。"
    )
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
type Followers = Vec<(&'static str, Follower)>;

/// Three subscribers: the ministry follows everything, Guangdong its own events, a bank changes of
/// titles.
async fn followers(address: &Target, ends: &watch::Receiver<u64>) -> Result<Followers, CliError> {
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
        (
            word!(en: "the ministry, without a filter", zh: "工信部（不筛选）"),
            pb::EventFilter::default(),
        ),
        (word!(en: "Guangdong, events that concern it", zh: "广东（与其有关的事件）"), guangdong),
        (
            word!(
                en: "a bank, designations, reviews passed and revocations",
                zh: "某银行（认定、复核通过和撤销）"
            ),
            bank,
        ),
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
