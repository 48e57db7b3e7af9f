//! Texts from the record, the wire, files and their names cannot obey a terminal, nor look like a
//! line of their own.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::ffi::OsStrExt as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use fastrand::Rng;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, ReflectMessage as _, Value};
use tidu::{
    domain::{catalogue::Catalogues, characters::is_hidden},
    log::SledLog,
    protocol::{
        event::stored_event,
        pb::{self, event::Fact},
    },
};
use uuid::Uuid;

use crate::support::{OTHERS, Server, TIDU, any_event, directory, encoded, other, record, text};

/// Clears a terminal, rings, ends the line and begins another one; turns the direction of writing.
const TRAP: &str =
    "\u{1B}[2J\u{7}\r\n 9  2026-01-01  9\u{202E}\u{2066}\u{200B}\u{9B}\u{85}\u{2028}";
/// The beginning of the forged line.
const FORGED: &str = "9  2026-01-01";

/// The message with the trap in one of its texts, for each of them.
fn trapped(message: &DynamicMessage) -> Vec<DynamicMessage> {
    let mut found = Vec::new();
    for field in message.descriptor().fields() {
        let value = message.get_field(&field);
        let mut add = |value| {
            let mut changed = message.clone();
            changed.set_field(&field, value);
            found.push(changed);
        };
        // A text that is not there stands for itself; an unset choice would become another fact.
        let is_choice = field.containing_oneof().is_some();
        match (&*value, field.kind()) {
            (Value::String(text), _) if !is_choice || message.has_field(&field) => {
                add(Value::String(format!("{text}{TRAP}")));
            }
            (Value::List(texts), Kind::String) => {
                let more = texts.iter().cloned().chain([Value::String(TRAP.to_owned())]);
                add(Value::List(more.collect()));
            }
            (Value::Message(inner), _) if message.has_field(&field) => {
                trapped(inner).into_iter().for_each(|inner| add(Value::Message(inner)));
            }
            (Value::List(values), Kind::Message(_)) => {
                for (at, value) in values.iter().enumerate() {
                    let Value::Message(inner) = value else { continue };
                    for inner in trapped(inner) {
                        let mut values = values.clone();
                        values[at] = Value::Message(inner);
                        add(Value::List(values));
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// Events with traps that a log is read with: for some events of each kind, one for each text.
fn events() -> Vec<pb::Event> {
    let random = &mut Rng::with_seed(1);
    let mut plain: Vec<_> = (0..OTHERS).map(|kind| other(kind, 0, 1, "2024-01-01")).collect();
    plain.extend((0..600).map(|_| any_event(random, 3)));
    // A program reads no log under rules that it does not know.
    plain.retain(|event| !matches!(event.fact, Some(Fact::RulesAdopted(_))));
    let pool = DescriptorPool::decode(pb::DESCRIPTORS).unwrap();
    let descriptor = pool.get_message_by_name("tidu.v1.Event").unwrap();
    let mut of_kind = BTreeMap::<_, usize>::new();
    let mut found: Vec<pb::Event> = plain.iter().take(3).cloned().collect();
    for event in plain {
        let kind = format!("{:?}", event.fact).chars().take(16).collect::<String>();
        let count = of_kind.entry(kind).or_default();
        *count += 1;
        if *count > 3 {
            continue;
        }
        let bytes = event.encode_to_vec();
        let message = DynamicMessage::decode(descriptor.clone(), bytes.as_slice()).unwrap();
        let events = trapped(&message).into_iter().map(|message| message.encode_to_vec());
        let is_read =
            |bytes: &Vec<u8>| stored_event(Catalogues::built_in().in_use(), bytes).is_ok();
        found.extend(events.filter(is_read).map(|e| pb::Event::decode(e.as_slice()).unwrap()));
    }
    assert!(of_kind.len() > 25, "{of_kind:?}");
    assert!(found.len() > 150, "only {} events", found.len());
    found
}

fn tidu(server: &str, args: &[&str]) -> Output {
    let mut command = Command::new(TIDU);
    command.args(args).env("TIDU_SERVER", server).stdin(Stdio::null()).output().unwrap()
}

/// Lines of which none is forged or hides anything.
#[track_caller]
fn lines(what: &[&str], bytes: &[u8]) -> usize {
    let shown = String::from_utf8(bytes.to_vec()).unwrap();
    for line in shown.split('\n') {
        let hidden = line.chars().find(|c| is_hidden(*c));
        assert_eq!(hidden, None, "{what:?}: {line:?}");
        assert!(!line.trim_start().starts_with(FORGED), "{what:?}: {line:?}");
    }
    shown.matches("\\u{1b}").count() + shown.matches("\\u001b").count()
}

/// Runs a command for people and for programs; gives how many traps each showed.
fn run(server: &str, args: &[&str]) -> [usize; 2] {
    let human = tidu(server, args);
    let json = tidu(server, &[args, &["-o", "json"]].concat());
    for line in json.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        serde_json::from_slice::<serde_json::Value>(line).unwrap();
    }
    [human, json].map(|output| lines(args, &output.stdout) + lines(args, &output.stderr))
}

#[test]
fn no_command_prints_a_character_that_a_terminal_obeys() {
    let dir = directory();
    let data = dir.path().join("data");
    let events = events();
    let log = SledLog::open(&data, Uuid::from_u128(7)).unwrap();
    record(&log, &encoded(&events));
    drop(log);
    let verified = tidu("", &["verify", text(&data)]);
    assert!(verified.status.success(), "{verified:?}");
    let server = Server::start(&data);
    let address = server.address.as_str();
    let size = events.len().to_string();
    let copy = dir.path().join("copy");
    let watch = ["watch", "--until", &size];
    fs::write(&copy, tidu(address, &[&watch[..], &["-o", "json"]].concat()).stdout).unwrap();
    let mut shown = BTreeMap::new();
    let mut add = |name: &str, args: &[&str]| {
        let [human, json] = run(address, args);
        let sum: &mut [usize; 2] = shown.entry(name.to_owned()).or_default();
        (sum[0], sum[1]) = (sum[0] + human, sum[1] + json);
    };
    add("watch", &watch);
    add("events", &["events", "-n", &size]);
    add("event", &["events", "4"]);
    add("measures", &["measures", "--all"]);
    add("measures", &["measures", "--all", "--programme", TRAP]);
    add("assessments", &["assessments"]);
    add("pools", &["pools"]);
    add("batches", &["batches"]);
    add("list", &["list", "-n", "1000", "--as-of", "2030-01-01"]);
    add("list", &["list", "designees", "-n", "1000"]);
    add("list", &["list", "--name", TRAP]);
    add("count", &["count", "--by", "programme,batch,status", "--stage", "noticed"]);
    add("status", &["status"]);
    add("rules", &["rules"]);
    add("rules", &["rules", "diff", "--as-of", "2030-01-01"]);
    add("cursor", &["cursor", "create", "a", "--batch", TRAP]);
    add("cursor", &["cursor", "create", "b", "--designee", TRAP]);
    add("cursor", &["cursor", "show", "a"]);
    add("cursor", &["cursor", "list"]);
    add("cursor", &["cursor", "show", TRAP]);
    add("diff", &["diff", text(&copy)]);
    add("diff", &["diff", text(&copy), "--until", "3"]);
    add("show", &["show", TRAP]);
    add("explain", &["explain", TRAP, TRAP]);
    let designees: BTreeSet<_> = events.iter().map(|event| event.designee.as_str()).collect();
    for designee in designees.into_iter().filter(|designee| !designee.is_empty()) {
        add("show", &["show", designee, "--as-of", "2030-01-01"]);
    }
    let exported = tidu(address, &["export"]);
    assert!(lines(&["export"], &exported.stdout) > 100);
    let imported = dir.path().join("imported");
    fs::write(&copy, &exported.stdout).unwrap();
    let built = tidu("", &["import", text(&copy), "--data-dir", text(&imported)]);
    assert!(built.status.success(), "{built:?}");
    println!("{shown:?}");
    for name in
        ["watch", "events", "measures", "assessments", "pools", "batches", "list", "show", "cursor"]
    {
        assert!(shown[name].iter().all(|count| *count > 0), "{name} showed no trap: {shown:?}");
    }
}

#[test]
fn texts_of_files_and_their_names_are_shown_as_they_are() {
    let dir = directory();
    let name = format!("list{}.csv", TRAP.replace('/', ""));
    let file = dir.path().join(&name);
    let cell = TRAP.replace(['\r', '\n'], "");
    fs::write(&file, format!("企业名称,批次{cell},统一社会信用代码\n甲{cell},1,{cell}\n")).unwrap();
    let options = ["--authority", "440000", "--programme", "specialised-sme", "--batch", "1"];
    let mut count = 0;
    for command in ["record", "check"] {
        for file in [file.as_path(), Path::new(&name)] {
            let file = str::from_utf8(file.as_os_str().as_bytes()).unwrap();
            let args = [&[command, file, "--date", "2024-03-01"][..], &options].concat();
            count += run("http://127.0.0.1:1", &args).iter().sum::<usize>();
        }
    }
    for args in [["verify", &name], ["backup", &name], ["diff", &name]] {
        count += run("http://127.0.0.1:1", &args).iter().sum::<usize>();
    }
    assert!(count >= 8, "{count} traps were shown");
}
