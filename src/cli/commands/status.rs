//! `tidu status`: the server and its log.

use std::time::Duration;

use clap::Args;
use tokio::time::timeout;

use crate::{
    cli::{
        CliError,
        args::Common,
        client::Client,
        print::{bytes, instant, print_message, print_pairs},
        target::Target,
    },
    domain::text::hex,
    lang::{say, word},
    limits::{STATUS_DURATION_MAX, TOLD_RATIO_BYTES_MIN},
    protocol::pb::{self, NodeRole},
};

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: StatusArgs) -> Result<(), CliError> {
    let target = args.common.server.target()?;
    let mut client = Client::connect(&target).await?;
    let status = ask(&mut client, &target).await?;
    print_message(args.common.output, "GetStatusResponse", &status, print)
}

/// Asks for the status. A process that hangs still accepts connections, so the wait has a bound.
async fn ask(client: &mut Client, server: &Target) -> Result<pb::GetStatusResponse, CliError> {
    let answer = client.admin.get_status(pb::GetStatusRequest {});
    let answer = timeout(STATUS_DURATION_MAX, answer)
        .await
        .map_err(|_| CliError::NoAnswer { server: server.to_string() })?;
    Ok(answer?.into_inner())
}

fn print(status: &pb::GetStatusResponse) -> Result<(), CliError> {
    print_pairs(&lines(status))
}

/// What a status says, by name.
fn lines(status: &pb::GetStatusResponse) -> Vec<(&'static str, String)> {
    let format = status.log_format;
    let refused = match format > 1 {
        true => word!(
            en: "; older versions of tidu refuse this log", zh: "；较旧版本的 tidu 会拒绝此日志"
        ),
        false => "",
    };
    let (rules, newest) = (status.rules_version, status.newest_rules_version);
    let later = match newest > rules {
        true => say!(en: "; {newest} is the newest", zh: "；最新为 {newest}"),
        false => String::new(),
    };
    let (since, version) = (instant(status.start_time.as_ref()), &status.version);
    let (refusal, tls) = (&status.appends_refused, &status.tls_problem);
    [
        (word!(en: "log", zh: "日志"), Some(status.log_id.clone())),
        (word!(en: "events", zh: "事件"), Some(status.log_size.to_string())),
        (word!(en: "node", zh: "节点"), status.node.as_ref().map(node)),
        (word!(en: "leader", zh: "主节点"), leader(status)),
        (word!(en: "designees", zh: "认定对象"), Some(status.designee_count.to_string())),
        (word!(en: "root", zh: "根哈希"), Some(hex(&status.root_hash))),
        (word!(en: "last commit", zh: "最近提交"), Some(last_commit(status))),
        (word!(en: "format", zh: "格式"), Some(format!("{format}{refused}"))),
        (word!(en: "size", zh: "大小"), size(status)),
        (word!(en: "disk", zh: "磁盘"), disk(status)),
        (word!(en: "subscribers", zh: "订阅方"), Some(status.subscriber_count.to_string())),
        (
            word!(en: "rules", zh: "规则"),
            Some(say!(en: "version {rules}{later}", zh: "版本 {rules}{later}")),
        ),
        (
            word!(en: "appends", zh: "写入"),
            (!refusal.is_empty()).then(|| say!(en: "refused: {refusal}", zh: "拒绝：{refusal}")),
        ),
        ("TLS", (!tls.is_empty()).then(|| tls.clone())),
        (word!(en: "principals", zh: "主体"), principals(status)),
        (word!(en: "work", zh: "工作量"), status.recent_work.as_ref().and_then(work)),
        (word!(en: "questions", zh: "查询"), questions(status)),
        (word!(en: "memory", zh: "内存"), status.memory_bytes.map(bytes)),
        (word!(en: "start", zh: "启动"), start(status)),
        (word!(en: "verified", zh: "校验"), verified(status)),
        (
            word!(en: "serving", zh: "服务"),
            Some(say!(en: "since {since}, version {version}", zh: "自 {since} 起，版本 {version}")),
        ),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

/// The part of the node, and its epoch.
fn node(node: &pb::Node) -> String {
    let (epoch, other) = (node.epoch, &node.leader);
    match node.role() {
        NodeRole::Retired => say!(
            en: "epoch {epoch}, handed over to {other}", zh: "任期 {epoch}，已移交给 {other}"
        ),
        NodeRole::Follower => {
            let name = &node.name;
            say!(en: "{name}, epoch {epoch}, a follower", zh: "{name}，任期 {epoch}，从节点")
        }
        NodeRole::Leader | NodeRole::Unspecified => {
            say!(en: "epoch {epoch}, takes appends", zh: "任期 {epoch}，接受写入")
        }
    }
}

/// The leader of a follower, and how far that is behind it.
fn leader(status: &pb::GetStatusResponse) -> Option<String> {
    let node = status.node.as_ref().filter(|node| node.role() == NodeRole::Follower)?;
    let problem = &node.problem;
    // With several nodes to follow, none is named while none is reached.
    let leader = match node.leader.is_empty() {
        true => word!(en: "one of several", zh: "多个节点之一"),
        false => &node.leader,
    };
    let state = match node.state.as_str() {
        "stopped" => word!(en: "no longer followed", zh: "已停止跟随"),
        "connecting" => word!(en: "not connected", zh: "未连接"),
        "catching_up" => word!(en: "catching up", zh: "正在追赶"),
        _ => word!(en: "followed", zh: "跟随中"),
    };
    let why = match problem.is_empty() {
        true => String::new(),
        false => say!(en: " ({problem})", zh: "（{problem}）"),
    };
    let heard = match &node.last_contact {
        None => word!(en: "not heard yet", zh: "尚无联系").to_owned(),
        Some(heard) => {
            let behind = node.leader_size.saturating_sub(status.log_size);
            let at = instant(Some(heard));
            say!(
                en: "{behind} events behind, last heard {at}",
                zh: "落后 {behind} 个事件，最近联系 {at}"
            )
        }
    };
    Some(say!(en: "{leader}: {state}{why}; {heard}", zh: "{leader}：{state}{why}；{heard}"))
}

/// The principals, and why their files cannot be used.
fn principals(status: &pb::GetStatusResponse) -> Option<String> {
    let (count, generation) = (status.principal_count?, status.policy_generation?);
    let problem = &status.policy_problem;
    let broken = match problem.is_empty() {
        true => String::new(),
        false => say!(en: "; {problem}", zh: "；{problem}"),
    };
    Some(say!(
        en: "{count}, policy {generation}{broken}", zh: "{count} 个，策略第 {generation} 代{broken}"
    ))
}

fn last_commit(status: &pb::GetStatusResponse) -> String {
    let recorded = status.last_recorded_time.as_ref();
    recorded
        .map_or_else(|| word!(en: "none", zh: "无").to_owned(), |recorded| instant(Some(recorded)))
}

/// The bytes of the log, and how many the disk holds for each.
fn size(status: &pb::GetStatusResponse) -> Option<String> {
    let on_disk = status.disk_bytes?;
    let taken = bytes(on_disk);
    let Some(stored) = status.stored_bytes.filter(|stored| *stored > 0) else {
        return Some(say!(en: "{taken} on the disk", zh: "磁盘占用 {taken}"));
    };
    let each = on_disk as f64 / stored as f64;
    let is_told = stored >= TOLD_RATIO_BYTES_MIN;
    let stored = bytes(stored);
    Some(match is_told {
        true => say!(
            en: "{stored} of events take {taken}, {each:.1} bytes on the disk for each stored byte",
            zh: "事件 {stored}，磁盘占用 {taken}，为事件的 {each:.1} 倍"
        ),
        false => say!(
            en: "{stored} of events take {taken} on the disk", zh: "事件 {stored}，磁盘占用 {taken}"
        ),
    })
}

fn disk(status: &pb::GetStatusResponse) -> Option<String> {
    let free = bytes(status.disk_free_bytes?);
    let reserve = status.disk_reserve_bytes.map(|reserve| {
        let reserve = bytes(reserve);
        say!(en: "; appends need more than {reserve}", zh: "；低于 {reserve} 时拒绝写入")
    });
    let reserve = reserve.unwrap_or_default();
    Some(say!(en: "{free} free{reserve}", zh: "剩余 {free}{reserve}"))
}

/// The rates of the work, and the time over which they were counted.
fn work(work: &pb::RecentWork) -> Option<String> {
    let window = Duration::try_from(work.window?).ok()?;
    let seconds = window.as_secs_f64();
    if seconds <= 0.0 {
        return None;
    }
    let rate = |count: u64| count as f64 / seconds;
    let (events, calls) = (rate(work.event_count), rate(work.call_count));
    Some(say!(
        en: "{events:.1} events/s and {calls:.1} calls/s in the last {seconds:.0} s",
        zh: "最近 {seconds:.0} 秒：{events:.1} 个事件/秒，{calls:.1} 次调用/秒"
    ))
}

fn questions(status: &pb::GetStatusResponse) -> Option<String> {
    let (running, waiting) = (status.questions_running?, status.questions_waiting?);
    Some(say!(
        en: "{running} running, {waiting} waiting", zh: "{running} 个运行，{waiting} 个等待"
    ))
}

fn start(status: &pb::GetStatusResponse) -> Option<String> {
    let took = Duration::try_from(status.start_duration?).ok()?;
    let events = status.replayed_events.unwrap_or_default();
    Some(say!(
        en: "took {took:.1?} and replayed {events} events",
        zh: "用时 {took:.1?}，重放 {events} 个事件"
    ))
}

/// How much of the log is read that the start has not read.
fn verified(status: &pb::GetStatusResponse) -> Option<String> {
    let trusted = status.trusted_events.filter(|trusted| *trusted > 0)?;
    let verified = status.verified_events?;
    Some(match verified < trusted {
        true => say!(
            en: "{verified} of the {trusted} events that the start took from its snapshot",
            zh: "启动时取自快照的 {trusted} 个事件，已校验 {verified} 个"
        ),
        false => say!(
            en: "all {trusted} events that the start took from its snapshot",
            zh: "启动时取自快照的 {trusted} 个事件，已全部校验"
        ),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::cli::args::ServerAddress;

    fn seconds(seconds: i64) -> Option<prost_types::Duration> {
        Some(prost_types::Duration { seconds, nanos: 0 })
    }

    #[test]
    fn a_status_is_as_long_as_its_server_knows() {
        let earlier = pb::GetStatusResponse::default();
        let names: Vec<_> = lines(&earlier).into_iter().map(|(name, _)| name).collect();
        let expected = [
            "log",
            "events",
            "designees",
            "root",
            "last commit",
            "format",
            "subscribers",
            "rules",
            "serving",
        ];
        assert_eq!(names, expected);
        let status = pb::GetStatusResponse {
            stored_bytes: Some(1 << 20),
            disk_bytes: Some(5 << 20),
            disk_free_bytes: Some(1 << 30),
            disk_reserve_bytes: Some(1 << 20),
            memory_bytes: Some(1 << 20),
            replayed_events: Some(9),
            start_duration: seconds(2),
            trusted_events: Some(90),
            verified_events: Some(7),
            questions_running: Some(1),
            questions_waiting: Some(0),
            recent_work: Some(pb::RecentWork {
                window: seconds(10),
                event_count: 5,
                call_count: 25,
            }),
            ..earlier
        };
        let found = lines(&status);
        for (name, value) in [
            ("size", "1.0 MiB of events take 5.0 MiB, 5.0 bytes on the disk for each stored byte"),
            ("last commit", "none"),
            ("disk", "1.0 GiB free; appends need more than 1.0 MiB"),
            ("work", "0.5 events/s and 2.5 calls/s in the last 10 s"),
            ("questions", "1 running, 0 waiting"),
            ("memory", "1.0 MiB"),
            ("start", "took 2.0s and replayed 9 events"),
            ("verified", "7 of the 90 events that the start took from its snapshot"),
        ] {
            assert!(found.contains(&(name, value.to_owned())), "{name}: {found:?}");
        }
    }

    #[test]
    fn a_follower_tells_its_name_and_how_far_it_is() {
        let follower = |state: &str, problem: &str| pb::GetStatusResponse {
            log_size: 7,
            node: Some(pb::Node {
                role: NodeRole::Follower.into(),
                leader: "https://a:1".to_owned(),
                leader_size: 9,
                name: "node-0000001f".to_owned(),
                state: state.to_owned(),
                problem: problem.to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        };
        for (state, problem, expected) in [
            ("following", "", "followed; not heard yet"),
            ("catching_up", "", "catching up; not heard yet"),
            ("connecting", "", "not connected; not heard yet"),
            ("stopped", "", "no longer followed; not heard yet"),
            ("stopped", "another log", "no longer followed (another log); not heard yet"),
        ] {
            let status = follower(state, problem);
            assert_eq!(leader(&status).unwrap(), format!("https://a:1: {expected}"));
            let name = node(status.node.as_ref().unwrap());
            assert_eq!(name, "node-0000001f, epoch 0, a follower");
        }
        let mut lost = follower("connecting", "");
        lost.node.as_mut().unwrap().leader.clear();
        assert_eq!(leader(&lost).unwrap(), "one of several: not connected; not heard yet");
        assert_eq!(leader(&pb::GetStatusResponse::default()), None, "a leader has none");
    }

    #[test]
    fn the_disk_of_a_small_log_is_told_without_a_ratio() {
        let status = pb::GetStatusResponse {
            stored_bytes: Some(TOLD_RATIO_BYTES_MIN - 1),
            disk_bytes: Some(5 << 20),
            ..Default::default()
        };
        assert_eq!(size(&status).unwrap(), "1024.0 KiB of events take 5.0 MiB on the disk");
    }

    /// A port that accepts and never answers, as a process that hangs has one.
    #[tokio::test]
    async fn a_server_that_never_answers_is_given_up() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: ServerAddress =
            format!("http://{}", silent.local_addr().unwrap()).parse().unwrap();
        let address = Target::from(address);
        let mut client = Client::connect(&address).await.unwrap();
        tokio::time::pause();
        let began = tokio::time::Instant::now();
        let error = ask(&mut client, &address).await.unwrap_err();
        assert!(began.elapsed() <= STATUS_DURATION_MAX + Duration::from_millis(1));
        let expected =
            format!("no answer from {address} within 5 s; the process may hang: tidu doctor");
        assert_eq!(error.to_string(), expected);
    }
}
