//! A store, archives, a backup and an export of the first version are read by today's code, with
//! the root that the first version stated.
//!
//! `tests/fixtures/v1-archives.tar.gz` holds one log of 214 events, of all kinds that the first
//! version knew but a few:
//!
//! ```text
//! data/         the data directory, closed cleanly
//! export.raw    an archive      export.jsonl  an export      backup/  two archives
//! ```

use std::{
    fs::{self, File},
    path::Path,
    process::Command,
};

use flate2::read::GzDecoder;

use crate::support::{Server, TIDU, archives, directory};

const ROOT: &str = "915198178fd6850542dca60959489ccc09c82a9ce9a535b2d516caf21cae6380";

fn unpack(into: &Path) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1-archives.tar.gz");
    tar::Archive::new(GzDecoder::new(File::open(path).unwrap())).unpack(into).unwrap();
}

fn tidu(arguments: &[&str]) -> String {
    let output = Command::new(TIDU).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_the_first_version_wrote_has_its_root() {
    let dir = directory();
    unpack(dir.path());
    for name in ["data", "export.raw", "export.jsonl", "backup"] {
        let path = dir.path().join(name);
        let said = tidu(&["verify", path.to_str().unwrap()]);
        assert!(said.contains(ROOT) && said.contains("214"), "{name}: {said}");
    }
    for name in ["export.raw", "export.jsonl", "backup"] {
        let (source, data) = (dir.path().join(name), dir.path().join(format!("of-{name}")));
        let said =
            tidu(&["import", source.to_str().unwrap(), "--data-dir", data.to_str().unwrap()]);
        assert!(said.contains(ROOT), "{name}: {said}");
        assert!(tidu(&["verify", data.to_str().unwrap()]).contains(ROOT), "{name}");
    }
}

/// Nothing new is in it, so it goes out in the bytes of the first version.
#[test]
fn a_log_of_the_first_version_is_exported_as_it_was() {
    let dir = directory();
    unpack(dir.path());
    let server = Server::start(&dir.path().join("data"));
    let (again, backup) = (dir.path().join("again.raw"), dir.path().join("backup"));
    let at = ["--server", server.address.as_str()];
    tidu(&[&["export", "--format", "plain"], at.as_slice(), &[again.to_str().unwrap()]].concat());
    assert_eq!(fs::read(&again).unwrap(), fs::read(dir.path().join("export.raw")).unwrap());
    // The backup of the first version goes on where it is, and its archives stay.
    let before: Vec<_> =
        archives(&backup).into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect();
    for verify in [&[][..], &["--verify"], &["--full", "--keep", "1"]] {
        tidu(&[&["backup"], at.as_slice(), &[backup.to_str().unwrap()], verify].concat());
        assert!(tidu(&["verify", backup.to_str().unwrap()]).contains(ROOT), "{verify:?}");
        let is_there = |(bytes, path): &(Vec<u8>, _)| fs::read(path).is_ok_and(|now| now == *bytes);
        let stay = !verify.contains(&"--full");
        assert_eq!(
            before.iter().filter(|archive| is_there(archive)).count(),
            2 * usize::from(stay)
        );
    }
    assert_eq!(server.terminate(), Some(0));
    assert!(tidu(&["verify", dir.path().join("data").to_str().unwrap()]).contains(ROOT));
}
