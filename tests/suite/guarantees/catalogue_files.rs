//! Adopted catalogues are kept beside the log and in its copies, and a start that lacks one says
//! which.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use bytes::Bytes;
use tidu::{domain::catalogue::Catalogue, protocol::pb};

use crate::support::{
    Client, Server, TIDU,
    catalogues::{BUILT_IN, digest, more, other},
    date, directory, done, list, refused, text,
};

/// A log that adopted another catalogue at position 3, and its data directory.
struct Kept {
    dir: tempfile::TempDir,
    /// The answers known before the adoption.
    before: Vec<pb::GetDesigneeResponse>,
}

fn tidu(arguments: &[&str]) -> Output {
    tidu_reading(arguments, Stdio::null())
}

fn tidu_reading(arguments: &[&str], input: Stdio) -> Output {
    Command::new(TIDU).args(arguments).stdin(input).output().unwrap()
}

fn sha256(text: &str) -> Bytes {
    Bytes::copy_from_slice(&Catalogue::digest(text.as_bytes()))
}

fn known_at(known_at: u64) -> Option<pb::AsOf> {
    let known = Some(pb::as_of::Known::KnownAt(known_at));
    Some(pb::AsOf { valid_on: date("2026-11-01"), known })
}

async fn answers(client: &mut Client, known: u64) -> Vec<pb::GetDesigneeResponse> {
    let mut all = Vec::new();
    for event in list(1, 3) {
        let (designee, as_of) = (event.designee, known_at(known));
        let request = pb::GetDesigneeRequest { designee, as_of };
        all.push(client.register.get_designee(request).await.unwrap().into_inner());
    }
    all
}

impl Kept {
    /// Three events under the built-in catalogue, an adoption, and two under the other one.
    async fn new() -> Self {
        let dir = directory();
        fs::write(dir.path().join("other.toml"), other()).unwrap();
        let server = Server::start(&dir.path().join("data"));
        let mut client = server.client().await;
        client.record(list(1, 3)).await.unwrap();
        let before = answers(&mut client, 3).await;
        assert_eq!(server.terminate(), Some(0));
        assert!(!dir.path().join("data/catalogues").exists(), "a built-in one needs no file");
        let kept = Self { dir, before };
        let server = kept.start(&kept.data());
        let mut client = server.client().await;
        assert_eq!(client.status().await.log_size, 4);
        client.record(list(2, 2)).await.unwrap();
        kept.assert_answers(&mut client).await;
        assert_eq!(server.terminate(), Some(0));
        assert_eq!(fs::read_to_string(kept.file()).unwrap(), other());
        kept
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }

    fn file(&self) -> PathBuf {
        self.data().join(format!("catalogues/{}.toml", digest(&other())))
    }

    fn start(&self, data: &Path) -> Server {
        Server::start_with(data, &["--catalogue", text(&self.path("other.toml"))])
    }

    fn start_refused(&self, arguments: &[&str], what: &[&str]) {
        let mut all = vec!["serve", "--listen", "127.0.0.1:0", "--operations-listen", "off"];
        all.push("--data-dir");
        let data = self.data();
        all.push(text(&data));
        all.extend(arguments);
        refused(&tidu(&all), what);
    }

    async fn assert_answers(&self, client: &mut Client) {
        assert_eq!(answers(client, 3).await, self.before);
        let after = answers(client, 4).await;
        let titles = |all: &[pb::GetDesigneeResponse]| -> Vec<_> {
            all.iter().map(|answer| answer.designee.clone().unwrap().titles).collect()
        };
        assert_eq!(titles(&after), titles(&self.before), "older facts keep theirs");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_tells_which_catalogues_it_has_adopted() {
    let kept = Kept::new().await;
    let server = kept.start(&kept.data());
    let mut client = server.client().await;
    let listed = client.register.list_catalogues(pb::ListCataloguesRequest {}).await.unwrap();
    let listed: Vec<_> = listed.into_inner().catalogues;
    let expected = [(None, BUILT_IN, "2026-04-01"), (Some(3), &other(), "2027-01-01")];
    assert_eq!(listed.len(), 2);
    for (adoption, (position, text, version)) in listed.iter().zip(expected) {
        assert_eq!((adoption.position, adoption.version.as_str()), (position, version));
        assert_eq!(adoption.sha256, sha256(text));
        let request = pb::GetCatalogueRequest { sha256: sha256(text) };
        let found = client.register.get_catalogue(request).await.unwrap().into_inner();
        assert_eq!(
            (found.toml, found.version.as_str()),
            (Bytes::copy_from_slice(text.as_bytes()), version)
        );
    }
    for (known, count) in [(0, 11), (3, 11), (4, 12), (6, 12)] {
        let request = pb::ListProgrammesRequest { as_of: known_at(known) };
        let answer = client.register.list_programmes(request).await.unwrap().into_inner();
        assert_eq!(answer.programmes.len(), count, "known at {known}");
    }
    // A filter names a programme of any of them, also after another adoption.
    assert_eq!(server.terminate(), Some(0));
    let server = Server::start(&kept.data());
    let mut client = server.client().await;
    assert_eq!(client.status().await.log_size, 7, "back to the built-in one: a third adoption");
    kept.assert_answers(&mut client).await;
    for (programme, count) in [("specialised-sme", 5), ("advanced-sme", 0)] {
        let programmes = vec![programme.to_owned()];
        let filter = Some(pb::EventFilter { programmes: programmes.clone(), ..Default::default() });
        let request = pb::ListEventsRequest { filter, ..Default::default() };
        let events = client.ledger.list_events(request).await.unwrap().into_inner().events;
        let filter = Some(pb::TitleFilter { programmes, ..Default::default() });
        let request = pb::ListTitlesRequest { filter, ..Default::default() };
        let titles = client.register.list_titles(request).await.unwrap().into_inner().titles;
        assert_eq!((events.len(), titles.len()), (count, count), "{programme}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_of_a_log_have_its_catalogues() {
    let kept = Kept::new().await;
    let server = kept.start(&kept.data());
    let exports = kept.path("exports");
    fs::create_dir(&exports).unwrap();
    let [backup, json, raw] =
        [kept.path("backup"), exports.join("log.jsonl"), exports.join("log.tidu")];
    let at = ["--server", server.address.as_str()];
    for arguments in [
        &["backup", text(&backup)][..],
        &["export", text(&json)],
        &["export", "--format", "raw", text(&raw)],
        &["verify"],
    ] {
        done(&tidu(&[arguments, &at].concat()));
    }
    // Nothing new: also its catalogues are checked again.
    done(&tidu(&[&["backup", text(&backup)][..], &at].concat()));
    assert_eq!(server.terminate(), Some(0));
    let verified = done(&tidu(&["verify", text(&kept.data())]));
    assert_eq!(done(&tidu(&["verify", text(&kept.data()), "--from", "5"])), verified);
    for (i, source) in [&backup, &json, &raw].into_iter().enumerate() {
        assert_eq!(done(&tidu(&["verify", text(source)])), verified);
        let data = kept.path(&format!("built-{i}"));
        done(&tidu(&["import", text(source), "--data-dir", text(&data)]));
        assert_eq!(done(&tidu(&["verify", text(&data)])), verified);
        let built = kept.start(&data);
        let mut client = built.client().await;
        assert_eq!(client.status().await.log_size, 6, "it is adopted already");
        kept.assert_answers(&mut client).await;
    }
    // From a stream, nobody knows where the files are.
    let (data, digest) = (kept.path("streamed"), digest(&other()));
    let import = ["import", "-", "--data-dir", text(&data)];
    let input = || Stdio::from(fs::File::open(&raw).unwrap());
    refused(&tidu_reading(&import, input()), &[&digest, "position 3", "--catalogue"]);
    assert!(!data.exists());
    let path = kept.path("other.toml");
    done(&tidu_reading(&[&import[..], &["--catalogue", text(&path)]].concat(), input()));
    assert_eq!(done(&tidu(&["verify", text(&data)])), verified);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_lacks_a_catalogue_says_which() {
    let kept = Kept::new().await;
    let verified = done(&tidu(&["verify", text(&kept.data())]));
    let file = kept.file();
    // Changed: also a catalogue that is named does not take its place.
    let changed = other().replace("2027-01-01", "2027-01-02");
    fs::write(&file, &changed).unwrap();
    let other_digest = digest(&changed);
    let found = [text(&file), "position 3", &other_digest];
    kept.start_refused(&[], &found);
    let path = kept.path("other.toml");
    kept.start_refused(&["--catalogue", text(&path)], &found);
    refused(&tidu(&["verify", text(&kept.data())]), &found);
    assert_eq!(fs::read_to_string(&file).unwrap(), changed, "it is never written again");
    // Missing.
    fs::remove_file(&file).unwrap();
    let adopted = digest(&other());
    let missing = [adopted.as_str(), "position 3", text(&file)];
    kept.start_refused(&[], &missing);
    refused(&tidu(&["verify", text(&kept.data())]), &missing);
    assert_eq!(fs::read_dir(kept.data().join("catalogues")).unwrap().count(), 0);
    // Named again, it is kept again; nothing was recorded meanwhile.
    let server = kept.start(&kept.data());
    kept.assert_answers(&mut server.client().await).await;
    assert_eq!(server.terminate(), Some(0));
    assert_eq!(fs::read_to_string(&file).unwrap(), other());
    assert_eq!(done(&tidu(&["verify", text(&kept.data())])), verified);
    // One that does not fit to the others is not adopted.
    fs::write(&path, more(21)).unwrap();
    kept.start_refused(&["--catalogue", text(&path)], &["33 programmes; 32 are allowed"]);
    assert_eq!(done(&tidu(&["verify", text(&kept.data())])), verified);
}
