//! A data directory that an earlier version wrote is opened by today's code, with the same root and
//! the same answers.
//!
//! `tests/fixtures/data-v1.tar.gz` holds, as written by the first version of every format:
//!
//! ```text
//! data/          a data directory: log, high-water mark, cursors
//! export.raw     an archive of the same log
//! hook.state     how far `tidu watch --exec` had come
//! answers.jsonl  questions to the API, each with the answer that it got
//! commits.jsonl  the requests that were recorded
//! ```
//!
//! A format that is changed and landed gets a fixture of its own beside the older ones. To write
//! one: `TIDU_FIXTURE=data-v2 cargo test old_formats::write_a_fixture -- --ignored`.

use std::{
    collections::BTreeSet,
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Value, json};
use tidu::protocol::pb::{self, event::Fact};
use tonic::{Response, Status};

use crate::support::{Client, Server, TIDU, directory, reason};

/// Fixtures by the name of their file.
const FIXTURES: [&str; 1] = ["data-v1"];

/// Days that the questions are about.
const DAYS: [&str; 4] = ["2019-06-30", "2021-12-31", "2022-09-08", "2024-08-01"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/{name}.tar.gz"))
}

fn unpack(name: &str, into: &Path) {
    let packed = File::open(fixture(name)).unwrap();
    tar::Archive::new(GzDecoder::new(packed)).unpack(into).unwrap();
}

fn tidu(arguments: &[&str], data: &Path) -> String {
    let output = Command::new(TIDU).args(arguments).arg(data).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The kept questions, each with the answer of the version that wrote the fixture.
fn kept_answers(dir: &Path) -> Vec<Value> {
    lines(&dir.join("answers.jsonl"))
}

fn lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Asks every kept question again and compares.
async fn compare(data: &Path, kept: &[Value], cursors: bool) {
    let server = Server::start(data);
    let mut client = server.client().await;
    let asker = Asker::new();
    let mut compared = 0;
    for line in kept {
        let method = line["method"].as_str().unwrap();
        if method == "ListCursors" && !cursors {
            continue;
        }
        let (request, kept) = in_todays_words(method, &line["request"], &line["answer"]);
        let answer = asker.ask(&mut client, method, &request).await;
        assert_eq!(answer, kept, "{method} {request}");
        compared += 1;
    }
    assert!(compared > 500, "only {compared} questions");
    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test]
async fn a_directory_of_an_earlier_version_gives_the_same_answers() {
    for name in FIXTURES {
        let dir = directory();
        unpack(name, dir.path());
        let (data, kept) = (dir.path().join("data"), kept_answers(dir.path()));
        tidu(&["verify"], &data);
        // The second start reads what today's code wrote when it closed the directory.
        for _ in 0..2 {
            compare(&data, &kept, true).await;
        }
    }
}

#[tokio::test]
async fn an_export_of_an_earlier_version_is_imported_whole() {
    for name in FIXTURES {
        let dir = directory();
        unpack(name, dir.path());
        let (export, data) = (dir.path().join("export.raw"), dir.path().join("imported"));
        tidu(&["import", export.to_str().unwrap(), "--data-dir"], &data);
        compare(&data, &kept_answers(dir.path()), false).await;
    }
}

#[test]
fn a_hook_goes_on_from_the_state_file_of_an_earlier_version() {
    for name in FIXTURES {
        let dir = directory();
        unpack(name, dir.path());
        let server = Server::start(&dir.path().join("data"));
        let (state, taken) = (dir.path().join("hook.state"), dir.path().join("taken"));
        let before: Value = serde_json::from_slice(&fs::read(&state).unwrap()).unwrap();
        let from = before["next_position"].as_u64().unwrap();
        deliver(&server, &state, "echo $TIDU_POSITION >> taken", from + 3, dir.path());
        let positions = fs::read_to_string(taken).unwrap();
        assert_eq!(positions, format!("{}\n{}\n{}\n", from, from + 1, from + 2));
    }
}

fn deliver(server: &Server, state: &Path, command: &str, until: u64, directory: &Path) {
    let state = ["--state", state.to_str().unwrap(), "--server", &server.address];
    let until = ["--until".to_owned(), until.to_string()];
    let mut watch = Command::new(TIDU);
    watch.args(["watch", "--exec", command]).args(state).args(until).current_dir(directory);
    let output = watch.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Questions and answers in protobuf JSON.
struct Asker(DescriptorPool);

impl Asker {
    fn new() -> Self {
        Self(DescriptorPool::decode(pb::DESCRIPTORS).unwrap())
    }

    fn encode(&self, method: &str, request: &Value) -> Vec<u8> {
        let message = self.0.get_message_by_name(&format!("tidu.v1.{method}Request")).unwrap();
        DynamicMessage::deserialize(message, request).unwrap().encode_to_vec()
    }

    fn json(&self, method: &str, answer: &[u8]) -> Value {
        let message = self.0.get_message_by_name(&format!("tidu.v1.{method}Response")).unwrap();
        serde_json::to_value(DynamicMessage::decode(message, answer).unwrap()).unwrap()
    }

    async fn ask(&self, client: &mut Client, method: &str, request: &Value) -> Value {
        let bytes = self.encode(method, request);
        match call(client, method, bytes.as_slice()).await {
            Ok(answer) => {
                let mut answer = self.json(method, &answer);
                keep_what_must_not_change(method, &mut answer);
                answer
            }
            Err(status) => {
                json!({ "code": format!("{:?}", status.code()), "reason": reason(&status) })
            }
        }
    }
}

async fn call(client: &mut Client, method: &str, request: &[u8]) -> Result<Vec<u8>, Status> {
    macro_rules! ask {
        ($service:ident, $method:ident, $request:ident) => {{
            let request = pb::$request::decode(request).unwrap();
            let answer = client.$service.$method(request).await;
            answer.map(Response::into_inner).map(|answer| answer.encode_to_vec())
        }};
    }
    match method {
        "GetStatus" => ask!(admin, get_status, GetStatusRequest),
        "ListCursors" => ask!(cursors, list_cursors, ListCursorsRequest),
        "GetEvent" => ask!(ledger, get_event, GetEventRequest),
        "GetDesignee" => ask!(register, get_designee, GetDesigneeRequest),
        "ExplainTitle" => ask!(register, explain_title, ExplainTitleRequest),
        "ListTitles" => ask!(register, list_titles, ListTitlesRequest),
        "CountTitles" => ask!(register, count_titles, CountTitlesRequest),
        "ListBatches" => ask!(register, list_batches, ListBatchesRequest),
        "GetBatch" => ask!(register, get_batch, GetBatchRequest),
        "ListPools" => ask!(register, list_pools, ListPoolsRequest),
        "ListMeasures" => ask!(register, list_measures, ListMeasuresRequest),
        "ListAssessments" => ask!(register, list_assessments, ListAssessmentsRequest),
        other => panic!("{other} is not asked"),
    }
}

/// A kept question and its answer in the words that the API has now.
fn in_todays_words(method: &str, request: &Value, answer: &Value) -> (Value, Value) {
    let names: &[(&str, &str)] = match method {
        "CountTitles" => &[("total", "totalCount"), ("COUNT_STAGE_STANDING", "COUNT_STAGE_ACTIVE")],
        "ExplainTitle" => &[("titles", "explanations")],
        "GetDesignee" => &[("from", "fromDate")],
        "ListMeasures" => {
            &[("total", "totalSize"), ("provincialAuthorities", "provincialAuthorityCount")]
        }
        "ListPools" => &[("entries", "entryCount"), ("authorities", "authorityCount")],
        _ => &[],
    };
    let (mut request, mut answer) = (request.clone(), renamed(answer, names));
    drop_later(&mut answer);
    gather_as_of(&mut request);
    gather_as_of(&mut answer);
    if let Some(Value::Object(as_of)) = answer.get_mut("asOf") {
        as_of.insert("rulesVersion".to_owned(), json!(1));
        // The first version left a size of 0 out.
        as_of.entry("knownAt").or_insert_with(|| json!("0"));
    }
    (request, answer)
}

/// Puts the day and the log size of a message into one.
fn gather_as_of(message: &mut Value) {
    let message = message.as_object_mut().unwrap();
    let Some(day) = message.get("asOf").filter(|day| day.get("year").is_some()) else { return };
    let mut as_of = json!({ "validOn": day });
    if let Some(known_at) = message.remove("knownAt") {
        as_of["knownAt"] = known_at;
    }
    message.insert("asOf".to_owned(), as_of);
}

/// Replaces names of fields and enum values.
fn renamed(value: &Value, names: &[(&str, &str)]) -> Value {
    let new = |old: &String| {
        let found = names.iter().find(|(name, _)| name == old);
        found.map_or(old.as_str(), |(_, new)| new).to_owned()
    };
    match value {
        Value::Object(fields) => {
            let field = |(name, value)| (new(name), renamed(value, names));
            Value::Object(fields.iter().map(field).collect())
        }
        Value::Array(items) => items.iter().map(|item| renamed(item, names)).collect(),
        Value::String(word) => json!(new(word)),
        value => value.clone(),
    }
}

/// Fields that answers have had since, which the versions that wrote the fixtures did not know. A
/// title that lapses has only its last day by now, also if its review failed.
const LATER: [&str; 7] = [
    "authoritiesWithout",
    "banUntilInferred",
    "endCause",
    "endedPosition",
    "ground",
    "regionInferred",
    "regionInferredCount",
];

fn drop_later(answer: &mut Value) {
    match answer {
        Value::Object(fields) => {
            let lapsed = fields.get("status") == Some(&json!("TITLE_STATUS_EXPIRED"));
            fields.retain(|name, _| {
                !(LATER.contains(&name.as_str()) || (lapsed && name == "endedOn"))
            });
            fields.values_mut().for_each(drop_later);
        }
        Value::Array(values) => values.iter_mut().for_each(drop_later),
        _ => {}
    }
}

/// Drops texts for people, values of the moment, and fields of later versions.
fn keep_what_must_not_change(method: &str, answer: &mut Value) {
    drop_later(answer);
    let retain = |object: &mut Value, kept: &[&str]| {
        object.as_object_mut().unwrap().retain(|key, _| kept.contains(&key.as_str()));
    };
    match method {
        "GetStatus" => retain(answer, &["logId", "logSize", "rootHash"]),
        "ListCursors" => {
            let kept = ["cursorId", "filter", "nextPosition", "logId", "createTime", "advanceTime"];
            for cursor in answer["cursors"].as_array_mut().unwrap() {
                retain(cursor, &kept);
            }
        }
        "ExplainTitle" => {
            for title in answer["explanations"].as_array_mut().unwrap() {
                title.as_object_mut().unwrap().remove("conclusion");
                for step in title["steps"].as_array_mut().unwrap() {
                    step.as_object_mut().unwrap().remove("message");
                }
            }
        }
        _ => {}
    }
}

#[tokio::test]
#[ignore = "writes the fixture of a format that is about to land"]
async fn write_a_fixture() {
    let name = env::var("TIDU_FIXTURE").expect("TIDU_FIXTURE names the fixture to write");
    let dir = directory();
    let data = dir.path().join("data");
    let server = Server::start(&data);
    let mut client = server.client().await;
    let asker = Asker::new();
    let sizes = record(&mut client, &asker).await;
    make_cursors(&mut client).await;
    let export = dir.path().join("export.raw");
    tidu(&["export", "--format", "raw", "--server", &server.address], &export);
    deliver(&server, &dir.path().join("hook.state"), "true", 7, dir.path());

    let mut answers = String::new();
    for (method, request) in questions(&mut client, &sizes).await {
        let answer = asker.ask(&mut client, method, &request).await;
        let line = json!({ "method": method, "request": request, "answer": answer });
        answers += &format!("{line}\n");
    }
    assert_eq!(server.terminate(), Some(0));

    let packed = File::create_new(fixture(&name)).unwrap();
    let mut tar = tar::Builder::new(GzEncoder::new(packed, Compression::best()));
    tar.mode(tar::HeaderMode::Deterministic);
    tar.append_dir_all("data", &data).unwrap();
    for file in ["export.raw", "hook.state"] {
        tar.append_path_with_name(dir.path().join(file), file).unwrap();
    }
    fs::write(dir.path().join("answers.jsonl"), answers).unwrap();
    unpack(FIXTURES[0], &dir.path().join("first"));
    tar.append_path_with_name(dir.path().join("answers.jsonl"), "answers.jsonl").unwrap();
    tar.append_path_with_name(dir.path().join("first/commits.jsonl"), "commits.jsonl").unwrap();
    tar.into_inner().unwrap().finish().unwrap();
}

/// Records the commits of the first fixture, which state every kind of fact. Gives the sizes of the
/// log in between.
async fn record(client: &mut Client, asker: &Asker) -> Vec<u64> {
    let dir = directory();
    unpack(FIXTURES[0], dir.path());
    let mut sizes = vec![0];
    for commit in lines(&dir.path().join("commits.jsonl")) {
        let request = asker.encode("Append", &commit);
        let request = pb::AppendRequest::decode(request.as_slice()).unwrap();
        sizes.push(client.append(request).await.unwrap().next_position);
    }
    sizes
}

async fn make_cursors(client: &mut Client) {
    let guangdong =
        pb::EventFilter { authorities: vec!["440000".to_owned()], ..Default::default() };
    for (id, filter, next_position) in [("all", None, 0), ("guangdong", Some(guangdong), 9)] {
        let cursor_id = id.to_owned();
        let request = pb::CreateCursorRequest { cursor_id, filter, next_position };
        client.cursors.create_cursor(request).await.unwrap();
    }
    let log_id = client.status().await.log_id;
    let (cursor_id, next_position) = ("all".to_owned(), 5);
    let request = pb::AdvanceCursorRequest { cursor_id, next_position, log_id, force: false };
    client.cursors.advance_cursor(request).await.unwrap();
}

/// Questions about the log, and about the register on several days at several sizes.
async fn questions(client: &mut Client, sizes: &[u64]) -> Vec<(&'static str, Value)> {
    let size = *sizes.last().unwrap();
    let request = pb::SubscribeRequest { stop_position: Some(size), ..Default::default() };
    let recorded = client.collect(request).await;
    let (mut designees, mut batches, mut titles) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for recorded in &recorded {
        let event = recorded.event.as_ref().unwrap();
        if !event.designee.is_empty() && !designees.contains(&event.designee) {
            designees.push(event.designee.clone());
        }
        if let Some(Fact::Designated(fact)) = &event.fact {
            batches.insert((fact.programme.clone(), event.authority.clone(), fact.batch.clone()));
            titles.insert((event.designee.clone(), fact.programme.clone()));
        }
    }

    let mut asked = vec![("GetStatus", json!({})), ("ListCursors", json!({}))];
    for position in (0..size).step_by(37) {
        asked.push(("GetEvent", json!({ "position": position.to_string(), "raw": true })));
    }
    let everything = |known_at: &u64| DAYS.map(|day| (*known_at, day));
    for (known_at, day) in sizes.iter().step_by(12).chain([&size]).flat_map(everything) {
        asked.extend(about_all(known_at, day));
    }
    for (known_at, day) in [&sizes[16], &sizes[41], &size].into_iter().flat_map(everything) {
        for (programme, authority, batch) in &batches {
            let request = json!({ "programme": programme, "authority": authority, "batch": batch });
            asked.push(("GetBatch", at(request, known_at, day)));
        }
        for designee in designees.iter().step_by(5) {
            let request = json!({ "designee": designee });
            asked.push(("GetDesignee", at(request, known_at, day)));
        }
        for (designee, programme) in titles.iter().step_by(11) {
            let request = json!({ "designee": designee, "programme": programme });
            asked.push(("ExplainTitle", at(request, known_at, day)));
        }
    }
    asked
}

fn about_all(known_at: u64, day: &str) -> Vec<(&'static str, Value)> {
    let mut asked = Vec::new();
    for group in [3, 6, 7, 9] {
        asked.push(("CountTitles", json!({ "stage": 3, "groupBy": [1, 2, group] })));
    }
    asked.push(("CountTitles", json!({ "unit": 2, "groupBy": [5] })));
    asked.push(("ListTitles", json!({ "pageSize": 40 })));
    asked.push(("ListTitles", json!({ "filter": { "programmes": ["little-giant"] } })));
    for method in ["ListBatches", "ListPools", "ListMeasures", "ListAssessments"] {
        asked.push((method, json!({})));
    }
    asked.into_iter().map(|(method, request)| (method, at(request, known_at, day))).collect()
}

fn at(mut request: Value, known_at: u64, day: &str) -> Value {
    let parts: Vec<i32> = day.split('-').map(|part| part.parse().unwrap()).collect();
    let day = json!({ "year": parts[0], "month": parts[1], "day": parts[2] });
    request["asOf"] = json!({ "validOn": day, "knownAt": known_at.to_string() });
    request
}
