//! Redaction: the bytes of an event are gone, and every proof is as before.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

use prost::Message as _;
use tidu::protocol::pb::{self, event::Fact, subscribe_response::Payload};

use crate::support::{
    Client, Fresh, Server, TIDU, base64, done, event, list, reason, refused, seed, text, unpacked,
};

/// Kills of a redaction, or more until some came early and some late.
const KILLS: usize = 8;
const REASON: &str = "the list named a natural person";
/// Texts of the event that is erased, none of which another event has.
const SECRETS: [&str; 3] = ["914403007954257495", "示例保密科技有限公司", "穗工信函〔2023〕417号"];

fn tidu(server: &str, args: &[&str]) -> Output {
    Command::new(TIDU).args(args).env("TIDU_SERVER", server).stdin(Stdio::null()).output().unwrap()
}

fn redact(data: &Path, position: u64, more: &[&str]) -> Output {
    let args = ["redact", &position.to_string(), "--reason", REASON, "--data-dir", text(data)];
    tidu("", &[&args, more].concat())
}

/// Every file under a directory that holds one of the texts.
fn holding(directory: &Path, secrets: &[&[u8]]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, secrets));
            continue;
        }
        let bytes = unpacked(fs::read(&path).unwrap());
        let holds = |secret: &&&[u8]| bytes.windows(secret.len()).any(|part| part == **secret);
        found.extend(secrets.iter().find(holds).map(|_| path.display().to_string()));
    }
    found
}

fn known(designee: &str, at: u64) -> pb::GetDesigneeRequest {
    let as_of = pb::AsOf { known: Some(pb::as_of::Known::KnownAt(at)), valid_on: None };
    pb::GetDesigneeRequest { designee: designee.to_owned(), as_of: Some(as_of) }
}

fn secret_event() -> pb::Event {
    let profile = pb::Profile { name: SECRETS[1].to_owned(), ..Default::default() };
    let fact = pb::Designated {
        programme: "little-giant".to_owned(),
        batch: "secret-batch".to_owned(),
        recommended_by: "440300".to_owned(),
        profile: Some(profile),
        ..Default::default()
    };
    let document_number = SECRETS[2].to_owned();
    pb::Event {
        evidence: Some(pb::Evidence { document_number, ..Default::default() }),
        ..event("100000", SECRETS[0], "2023-07-01", Fact::Designated(fact))
    }
}

fn annulment(position: u64) -> pb::Event {
    let fact = pb::Annulled { position: Some(position), reason: "listed by mistake".to_owned() };
    event("100000", "", "2024-06-01", Fact::Annulled(fact))
}

fn named(id: &str, events: Vec<pb::Event>) -> pb::AppendRequest {
    pb::AppendRequest { request_id: id.to_owned(), events, ..Default::default() }
}

/// A log in which the event at 40 is annulled at 45. Gives its root.
async fn secret_log(fresh: &Fresh) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut client = fresh.client().await;
    let events = list(1, 200);
    client.record(events[..40].to_vec()).await.unwrap();
    let first = [&[secret_event()], &events[40..42]].concat();
    client.append(named("secret", first)).await.unwrap();
    client.record(events[42..44].to_vec()).await.unwrap();
    client.append(named("annulment", vec![annulment(40)])).await.unwrap();
    client.record(events[44..].to_vec()).await.unwrap();
    let digests = digests(&mut client, 0, [0; 32]).await;
    (client.status().await.root_hash.to_vec(), digests)
}

/// Digests of the log under filters of several sorts.
async fn digests(client: &mut Client, from: u64, digest: [u8; 32]) -> Vec<Vec<u8>> {
    let size = client.status().await.log_size;
    let filters = [
        pb::EventFilter::default(),
        pb::EventFilter { authorities: vec!["440300".to_owned()], ..Default::default() },
        pb::EventFilter { region_under: "440300".to_owned(), ..Default::default() },
        pb::EventFilter { batches: vec!["secret-batch".to_owned()], ..Default::default() },
        pb::EventFilter { programmes: vec!["little-giant".to_owned()], ..Default::default() },
        pb::EventFilter { kinds: vec![pb::EventKind::Designated.into()], ..Default::default() },
    ];
    let mut digests = Vec::new();
    for filter in filters {
        let request = pb::GetDigestRequest {
            filter: Some(filter),
            from_position: from,
            digest: digest.to_vec().into(),
            to_position: Some(size),
            ..Default::default()
        };
        let answer = client.proof.get_digest(request).await.unwrap().into_inner();
        assert_eq!(answer.next_position, size);
        digests.push(answer.digest.to_vec());
    }
    digests
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redacted_event_is_in_no_file_and_every_proof_stays() {
    let fresh = Fresh::start();
    let (root, before) = secret_log(&fresh).await;
    let address = fresh.server.address.clone();
    let data = fresh.data();
    let copies = fresh.dir.path().join("copies");
    let (backup, raw, json) = (copies.join("backup"), copies.join("raw"), copies.join("json"));
    fs::create_dir(&copies).unwrap();
    let copy = |address: &str, backup: &Path, raw: &Path, json: &Path| {
        done(&tidu(address, &["backup", text(backup)]));
        done(&tidu(address, &["export", "--format", "raw", text(raw)]));
        done(&tidu(address, &["export", text(json)]));
    };
    copy(&address, &backup, &raw, &json);
    let old_copy = fs::read(&json).unwrap();
    let request = pb::GetEventRequest { position: Some(40), raw: true };
    let mut client = fresh.client().await;
    let stored = client.ledger.get_event(request).await.unwrap().into_inner();
    let body = stored.event.unwrap().event.unwrap().encode_to_vec();
    let secrets: Vec<&[u8]> =
        SECRETS.iter().map(|text| text.as_bytes()).chain([&body[..]]).collect();
    assert!(!holding(&data, &secrets[..1]).is_empty(), "the test looks for the right thing");

    refused(&redact(&data, 40, &["--yes"]), &["in use by another process"]);
    assert_eq!(fresh.server.terminate(), Some(0));
    let archives = ["--archive", text(&backup), "--archive", text(&raw), "--archive", text(&json)];
    for (position, why) in
        [(39, "is not annulled"), (45, "is an annulment"), (9_999, "is not recorded; the log has")]
    {
        refused(&redact(&data, position, &["--yes"]), &[why]);
    }
    let said = done(&redact(&data, 40, &archives));
    assert!(said.contains("nothing was changed") && said.contains(text(&json)), "{said}");
    for (reason, why) in [(" ", "the reason must have"), ("two\nlines", "control characters")] {
        let args = ["redact", "40", "--reason", reason, "--data-dir", text(&data), "--yes"];
        refused(&tidu("", &args), &[why]);
    }
    // A directory that would be left as it is.
    for (directory, why) in [(&data, "is a data directory"), (&copies, "contains no archive")] {
        refused(&redact(&data, 40, &["--archive", text(directory), "--yes"]), &[why]);
    }
    assert!(!holding(&data, &secrets).is_empty());
    let said = done(&redact(&data, 40, &[&archives[..], &["--yes"]].concat()));
    assert!(said.contains("root") && said.contains("as before"), "{said}");
    refused(&redact(&data, 40, &["--yes"]), &["is redacted already"]);
    assert_eq!(holding(fresh.dir.path(), &secrets), Vec::<String>::new());
    let left: Vec<_> = fs::read_dir(&data).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("log.red")), "{left:?}");
    for path in [&data, &backup, &raw, &json] {
        let said = done(&tidu("", &["verify", text(path)]));
        assert!(said.contains(&tidu::domain::text::hex(&root)), "{said}");
    }

    // The log goes on: same root and digests, the request id still answers, and copies are fresh.
    let server = Server::start(&data);
    let mut client = server.client().await;
    assert_eq!(client.status().await.root_hash.to_vec(), root);
    assert_eq!(digests(&mut client, 0, [0; 32]).await, before);
    let events = list(1, 200);
    let first = [&[secret_event()], &events[40..42]].concat();
    let again = client.append(named("secret", first)).await.unwrap();
    assert!(again.replayed && again.first_position == Some(40), "{again:?}");
    let found = client.ledger.get_event(request).await.unwrap().into_inner();
    assert_eq!(found.event, None);
    let withheld = found.withheld.filter(|withheld| withheld.reason == REASON).unwrap();
    assert_eq!(withheld.commit.unwrap(), pb::Commit { first_position: Some(40), size: 3 });
    // Only an answer known before the annulment lacks it, and says so.
    for (known_at, lacking) in [(40, vec![]), (43, vec![40]), (46, vec![])] {
        let answer = client.register.get_designee(known(&events[0].designee, known_at)).await;
        let as_of = answer.unwrap().into_inner().as_of.unwrap();
        assert_eq!(as_of.redacted_positions, lacking, "at {known_at}");
    }
    let lost = client.register.get_designee(known(SECRETS[0], 43)).await.unwrap_err();
    assert_eq!(reason(&lost), "DESIGNEE_NOT_FOUND");
    assert!(lost.message().contains("at position 40"), "{lost:?}");
    for (target, why) in [(40, "is redacted"), (45, "the repairs of a redacted")] {
        let error = client.record(vec![annulment(target)]).await.unwrap_err();
        assert_eq!(reason(&error), "REPAIR_NOT_ALLOWED");
        assert!(error.message().contains(why), "{error:?}");
    }
    let fresh_copies = fresh.dir.path().join("fresh");
    fs::create_dir(&fresh_copies).unwrap();
    let of = |name: &str| fresh_copies.join(name);
    copy(&server.address, &of("backup"), &of("raw"), &of("json"));
    done(&tidu(&server.address, &["backup", text(&backup)]));
    for copy in [&json, &raw, &of("json")] {
        let said = done(&tidu(&server.address, &["diff", text(copy)]));
        assert!(said.contains("equal"), "{said}");
    }
    // A subscriber's copy from before is still equal: it has the same leaf hashes.
    fs::write(of("old"), old_copy).unwrap();
    done(&tidu(&server.address, &["diff", text(&of("old"))]));
    fs::remove_file(of("old")).unwrap();
    let shown = done(&tidu(&server.address, &["events", "40"]));
    assert!(shown.contains("redacted") && shown.contains(REASON), "{shown}");
    let code = &events[0].designee;
    for (known_at, said) in [("43", ", without event 40, which was redacted since"), ("46", "")] {
        let shown = done(&tidu(&server.address, &["show", code, "--known-at", known_at]));
        let line = shown.lines().nth(1).unwrap();
        assert!(line.ends_with(&format!("as known at log size {known_at}{said}")), "{shown}");
    }
    let shown = done(&tidu(&server.address, &["watch", "--until", "46"]));
    assert_eq!(shown.lines().count(), 46, "{shown}");
    assert_eq!(streamed(&mut client, false).await, streamed(&mut client, true).await);
    assert_eq!(server.terminate(), Some(0));
    assert_eq!(holding(fresh.dir.path(), &secrets), Vec::<String>::new());

    for name in ["backup", "raw", "json"] {
        let data = fresh.dir.path().join(format!("from-{name}"));
        done(&tidu("", &["import", text(&of(name)), "--data-dir", text(&data)]));
        let server = Server::start(&data);
        let mut client = server.client().await;
        assert_eq!(client.status().await.root_hash.to_vec(), root);
        assert_eq!(digests(&mut client, 0, [0; 32]).await, before);
        assert_eq!(server.terminate(), Some(0));
        assert_eq!(holding(&data, &secrets), Vec::<String>::new());
    }
}

/// The order in which a stream delivers events and withheld places, with its last digest.
async fn streamed(client: &mut Client, raw: bool) -> (Vec<(u64, bool)>, Vec<u8>) {
    let size = client.status().await.log_size;
    let request = pb::SubscribeRequest {
        stop_position: Some(size),
        digest: Some(vec![0; 32].into()),
        raw,
        ..Default::default()
    };
    let mut stream = client.ledger.subscribe(request).await.unwrap().into_inner();
    let (mut places, mut digest) = (Vec::new(), Vec::new());
    while let Some(message) = stream.message().await.unwrap() {
        match message.payload.unwrap() {
            Payload::Events(batch) | Payload::RawEvents(batch) => {
                for leaf in batch.leaves {
                    let event = pb::RecordedEvent::decode(leaf).unwrap();
                    places.push((event.position.unwrap(), false));
                }
            }
            Payload::Withheld(withheld) => places.push((withheld.position.unwrap(), true)),
            Payload::Progress(progress) => digest = progress.digest.to_vec(),
        }
    }
    assert!(places.iter().map(|(at, _)| *at).eq(0..size), "in order, each once");
    assert_eq!(places.iter().find(|(_, withheld)| *withheld), Some(&(40, true)));
    let all = digests(client, 0, [0; 32]).await;
    assert_eq!(digest, all[0], "the stream's digest is the log's");
    (places, digest)
}

/// Copies a directory.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_redaction_is_finished_or_undone() {
    let fresh = Fresh::start();
    let (root, _) = secret_log(&fresh).await;
    let data = fresh.data();
    assert_eq!(fresh.server.terminate(), Some(0));
    // A snapshot of the register holds names of the old log, too.
    let server = Server::start_with(&data, &["--snapshot-events", "1"]);
    assert_eq!(server.terminate(), Some(0));
    assert!(data.join("register.snapshot").exists());
    let (old, new) = (fresh.dir.path().join("old"), fresh.dir.path().join("new"));
    copy(&data, &old);
    done(&redact(&data, 40, &["--yes"]));
    copy(&data, &new);
    let secret = [SECRETS[0].as_bytes()];
    // Each step of the replacement, and what a start makes of it.
    type Interrupt = fn(&Path, &Path, &Path);
    let steps: [(&str, bool, Interrupt); 6] = [
        ("begun", false, |data, old, new| {
            copy(old, data);
            copy(new, &data.join("log.redacting"));
            fs::remove_file(data.join("log.redacting/log/db")).unwrap();
        }),
        ("built and not decided", false, |data, old, new| {
            copy(old, data);
            copy(new, &data.join("log.redacting"));
        }),
        ("decided", true, |data, old, new| {
            copy(old, data);
            copy(new, &data.join("log.redacted"));
        }),
        ("the old store half removed", true, |data, old, new| {
            copy(old, data);
            copy(new, &data.join("log.redacted"));
            fs::remove_file(data.join("log/db")).unwrap();
        }),
        ("the old store removed", true, |data, old, new| {
            copy(old, data);
            copy(new, &data.join("log.redacted"));
            fs::remove_dir_all(data.join("log")).unwrap();
        }),
        ("the new store in its place", true, |data, _, new| {
            copy(new, data);
            copy(new, &data.join("log.redacted"));
            fs::remove_dir_all(data.join("log.redacted/log")).unwrap();
        }),
    ];
    for (step, finished, prepare) in steps {
        for starts in [true, false] {
            let place = fresh.dir.path().join("place");
            prepare(&place, &old, &new);
            if starts {
                let server = Server::start(&place);
                let status = server.client().await.status().await;
                assert_eq!(status.root_hash.to_vec(), root, "{step}");
                assert_eq!(server.terminate(), Some(0));
            } else if finished {
                refused(&redact(&place, 40, &["--yes"]), &["is redacted already"]);
            } else {
                done(&redact(&place, 40, &["--yes"]));
            }
            let left: Vec<_> =
                fs::read_dir(&place).unwrap().map(|e| e.unwrap().file_name()).collect();
            let left = left.iter().any(|name| name.to_string_lossy().starts_with("log.red"));
            assert!(!left, "{step}: leftovers");
            let gone = holding(&place, &secret).is_empty();
            assert_eq!(gone, finished || !starts, "{step}: the old bytes");
            fs::remove_dir_all(&place).unwrap();
        }
    }
    // An old store that went on is never replaced by a shorter one.
    let place = fresh.dir.path().join("place");
    copy(&old, &place);
    let server = Server::start(&place);
    server.client().await.record(list(7, 3)).await.unwrap();
    assert_eq!(server.terminate(), Some(0));
    copy(&new, &place.join("log.redacted"));
    let server = Server::start(&place);
    assert_eq!(server.client().await.status().await.log_size, 205);
    assert_eq!(server.terminate(), Some(0));
    assert!(!place.join("log.redacted").exists());
}

/// Kills around the moment at which a redaction is decided.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_redaction_is_finished_or_undone() {
    let mut random = seed::random("TIDU_REDACTION_SEED");
    let fresh = Fresh::start();
    let (root, _) = secret_log(&fresh).await;
    let (old, place) = (fresh.dir.path().join("old"), fresh.dir.path().join("place"));
    assert_eq!(fresh.server.kill(), None);
    copy(&fresh.dir.path().join("data"), &old);
    let (mut finished, mut undone, mut within) = (0, 0, Duration::from_millis(100));
    while finished + undone < KILLS || finished == 0 || undone == 0 {
        copy(&old, &place);
        let mut redaction = Command::new(TIDU);
        redaction.args(["redact", "40", "--yes", "--reason", REASON, "--data-dir", text(&place)]);
        let mut redaction = redaction.stdout(Stdio::null()).spawn().unwrap();
        // No waiting for anything: it chooses the moment of the kill.
        tokio::time::sleep(within.mul_f64(1.0 - random.f64() / 2.0)).await;
        redaction.kill().unwrap();
        redaction.wait().unwrap();
        let server = Server::start(&place);
        let mut client = server.client().await;
        assert_eq!(client.status().await.root_hash.to_vec(), root);
        let request = pb::GetEventRequest { position: Some(40), raw: false };
        let found = client.ledger.get_event(request).await.unwrap().into_inner();
        let erased = found.withheld.is_some();
        assert_eq!(server.terminate(), Some(0));
        assert_eq!(holding(&place, &[SECRETS[0].as_bytes()]).is_empty(), erased);
        assert!(!place.join("log.redacting").exists() && !place.join("log.redacted").exists());
        (finished, undone) = (finished + usize::from(erased), undone + usize::from(!erased));
        within = within.mul_f64(if erased { 0.7 } else { 1.5 });
        fs::remove_dir_all(&place).unwrap();
    }
    println!("{finished} redactions were finished, {undone} undone");
}

/// A copy gets every withheld place of the log. Without the annulment of one it could not be
/// restored any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_gets_all_places_or_stays_as_it_is() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let [short, long, link] = ["short", "long", "link"].map(|name| fresh.dir.path().join(name));
    let export = |to: &Path| tidu(&fresh.server.address, &["export", "--format", "raw", text(to)]);
    client.record(list(1, 3)).await.unwrap();
    client.record(vec![annulment(0)]).await.unwrap();
    done(&export(&short));
    client.record(vec![annulment(1)]).await.unwrap();
    done(&export(&long));
    let data = fresh.data();
    assert_eq!(fresh.server.terminate(), Some(0));
    done(&redact(&data, 1, &["--yes"]));
    let before = fs::read(&short).unwrap();
    let why = "ends at position 4, before event 4 annuls event 1";
    refused(&redact(&data, 0, &["--archive", text(&short), "--yes"]), &[why]);
    assert_eq!(fs::read(&short).unwrap(), before);
    std::os::unix::fs::symlink(&long, &link).unwrap();
    done(&redact(&data, 0, &["--archive", text(&link), "--yes"]));
    for path in [&data, &short, &long] {
        done(&tidu("", &["verify", text(path)]));
    }
    let erased = list(1, 3);
    let erased: Vec<_> = erased[..2].iter().map(|event| event.designee.as_bytes()).collect();
    assert_eq!(holding(&data, &erased), Vec::<String>::new());
    assert_eq!(holding(fresh.dir.path(), &erased), [short.display().to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_hides_a_live_event_is_refused() {
    let fresh = Fresh::start();
    secret_log(&fresh).await;
    let data = fresh.data();
    assert_eq!(fresh.server.terminate(), Some(0));
    done(&redact(&data, 40, &["--yes"]));
    let server = Server::start(&data);
    let json = fresh.dir.path().join("log.jsonl");
    done(&tidu(&server.address, &["export", text(&json)]));
    assert_eq!(server.terminate(), Some(0));
    let lines: Vec<String> =
        fs::read_to_string(&json).unwrap().lines().map(str::to_owned).collect();
    let withheld: serde_json::Value = serde_json::from_str(&lines[41]).unwrap();
    assert!(withheld.get("leafHash").is_some(), "{withheld}");
    let live: serde_json::Value = serde_json::from_str(&lines[40]).unwrap();
    let try_import = |change: &dyn Fn(&mut Vec<String>), what: &str| {
        let mut lines = lines.clone();
        change(&mut lines);
        let source = fresh.dir.path().join("changed");
        fs::write(&source, lines.join("\n")).unwrap();
        let target = fresh.dir.path().join("target");
        let args = ["import", text(&source), "--data-dir", text(&target)];
        refused(&tidu("", &args), &[what]);
        assert!(!target.exists(), "{what}: something was built");
    };
    let with = |place: &serde_json::Value, key: &str, value: serde_json::Value| {
        let mut place = place.clone();
        place[key] = value;
        place.to_string()
    };
    let short = with(&withheld, "leafHash", "AAAA".into());
    try_import(&|lines| lines[41].clone_from(&short), "leaf_hash: must have 32 bytes");
    let no_reason = with(&withheld, "reason", "".into());
    try_import(&|lines| lines[41].clone_from(&no_reason), "reason: must have");
    // The event before it, which is live.
    let mut hidden = withheld.clone();
    for key in ["position", "recordedTime", "commit", "requestId", "requestDigest"] {
        hidden[key] = live.get(key).cloned().unwrap_or_default();
    }
    let leaf = {
        let json = tidu::protocol::json::Json::new().unwrap();
        let bytes = json.parse("RecordedEvent", &lines[40]).unwrap();
        tidu::merkle::leaf_hash(&bytes)
    };
    hidden["leafHash"] = base64(&leaf).into();
    for key in ["requestId", "requestDigest"] {
        if hidden[key].is_null() {
            hidden.as_object_mut().unwrap().remove(key);
        }
    }
    hidden["concerns"]["designeePositions"] = serde_json::json!([]);
    hidden.as_object_mut().unwrap().remove("derived");
    let hidden = hidden.to_string();
    try_import(&|lines| lines[40].clone_from(&hidden), "but no later event annuls it");
    // A wrong hash gives another root.
    let mut wrong = leaf;
    wrong[0] ^= 1;
    let wrong = with(&withheld, "leafHash", base64(&wrong).into());
    try_import(&|lines| lines[41].clone_from(&wrong), "another Merkle root");
}
