//! `tidu dev-certs`: files that fit each other, private ones, and never over others.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
    sync::Arc,
};

use rustls::{
    RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use x509_parser::{pem::parse_x509_pem, prelude::*};

use crate::support::{PATIENCE, Server, TIDU, directory, done, refused};

fn tidu(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(TIDU);
    command.arg("dev-certs").args(args).current_dir(dir);
    command.env("XDG_CONFIG_HOME", dir).output().unwrap()
}

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join("tidu-dev").join(name)).unwrap()
}

/// True if a server with the CA and the list of a set takes the certificate of a principal.
fn is_accepted(dir: &Path, name: &str) -> bool {
    let der = |name: &str| CertificateDer::from_pem_slice(read(dir, name).as_bytes()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(der("ca.pem")).unwrap();
    let list = CertificateRevocationListDer::from_pem_slice(read(dir, "crl.pem").as_bytes());
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .with_crls([list.unwrap()])
        .build()
        .unwrap();
    let certificate = der(&format!("{name}.pem"));
    verifier.verify_client_cert(&certificate, &[], UnixTime::now()).is_ok()
}

#[test]
fn a_set_is_private_and_its_parts_fit_each_other() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let made = tidu(dir, &["--host", "register.example", "--host", "10.1.2.3", "--days", "3"]);
    let said = done(&made);
    let warned = String::from_utf8_lossy(&made.stderr).into_owned();
    assert!(warned.contains("FOR DEVELOPMENT ONLY"), "{warned}");
    let set = dir.join("tidu-dev");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&set), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(&set).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        // No secret is printed.
        let text = fs::read_to_string(&path).unwrap();
        let secret = path.extension().is_some_and(|end| end == "key" || end == "token");
        for line in text.lines().filter(|line| secret && !line.starts_with('-')) {
            assert!(!said.contains(line) && !warned.contains(line), "{}", path.display());
        }
        files += 1;
    }
    assert_eq!(files, 18);

    let (_, ca) = parse_x509_pem(read(dir, "ca.pem").as_bytes()).unwrap();
    let ca = ca.parse_x509().unwrap();
    let uris = |name: &str| {
        let (_, pem) = parse_x509_pem(read(dir, name).as_bytes()).unwrap();
        let certificate = pem.parse_x509().unwrap();
        let names = certificate.subject_alternative_name().unwrap().unwrap();
        let names: Vec<_> = names.value.general_names.iter().map(ToString::to_string).collect();
        let days =
            certificate.validity().not_after.timestamp() - ca.validity().not_after.timestamp();
        assert_eq!(days, 0, "all ends together");
        names
    };
    let principals: toml::Table = read(dir, "principals.toml").parse().unwrap();
    let principals = principals["principal"].as_array().unwrap().clone();
    assert_eq!(principals.len(), 6);
    for principal in &principals {
        let id = principal["id"].as_str().unwrap();
        match principal.get("certificate") {
            Some(uri) => {
                let uri = uri.as_str().unwrap();
                assert_eq!(uris(&format!("{id}.pem")), [format!("URI({uri})")], "one name");
                assert_eq!(uri, format!("tidu://dev/{id}"));
                assert!(is_accepted(dir, id), "{id}");
            }
            None => {
                let token = read(dir, &format!("{id}.token"));
                assert!(token.trim().len() >= 43, "256 bits");
                let digest = Sha256::digest(token.trim());
                let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(principal["token_sha256"].as_str().unwrap(), hex);
                assert!(principal["token_expires"].as_datetime().is_some());
            }
        }
    }
    let names = uris("server.pem");
    for name in ["localhost", "register.example"] {
        assert!(names.contains(&format!("DNSName({name})")), "{names:?}");
    }
    assert_eq!(names.len(), 5, "{names:?}");
    let settings: toml::Table = read(dir, "tidu.toml").parse().unwrap();
    for (name, value) in &settings {
        let path = value.as_str().or_else(|| value[0].as_str()).unwrap();
        assert!(Path::new(path).is_absolute(), "{name}");
        assert!(name == "data_dir" || Path::new(path).exists(), "{name}");
    }
    // Every line that is to be typed fits into a terminal.
    assert!(said.lines().all(|line| line.len() <= 80), "{said}");
}

#[test]
fn nothing_is_overwritten_and_nothing_is_left_of_a_failure() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    refused(&tidu(dir, &["--host", "a host\u{e9}"]), &["--host", "not a host name"]);
    assert!(!dir.join("tidu-dev").exists());
    for days in ["0", "826"] {
        assert_eq!(tidu(dir, &["--days", days]).status.code(), Some(2), "{days}");
    }
    done(&tidu(dir, &["--days", "825"]));
    let key = read(dir, "ca.key");
    let again = tidu(dir, &[]);
    refused(&again, &["is not empty, and nothing is overwritten"]);
    assert_eq!(again.status.code(), Some(3));
    assert_eq!(read(dir, "ca.key"), key);
    fs::create_dir(dir.join("empty")).unwrap();
    done(&tidu(dir, &["--dir", "empty"]));
}

#[test]
fn a_revocation_adds_one_certificate_to_the_list() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    refused(&tidu(dir, &["revoke", "auditor"]), &["it has no ca.key; name it with --dir"]);
    done(&tidu(dir, &[]));
    let listed = || {
        let der = CertificateRevocationListDer::from_pem_slice(read(dir, "crl.pem").as_bytes());
        let der = der.unwrap();
        let (_, list) = CertificateRevocationList::from_der(&der).unwrap();
        let serials: Vec<_> =
            list.iter_revoked_certificates().map(|one| one.raw_serial().to_vec()).collect();
        (serials, list.crl_number().unwrap().to_string())
    };
    let serial = |name: &str| {
        let (_, pem) = parse_x509_pem(read(dir, name).as_bytes()).unwrap();
        pem.parse_x509().unwrap().raw_serial().to_vec()
    };
    assert_eq!(listed(), (Vec::new(), "1".to_owned()));
    let said = done(&tidu(dir, &["revoke", "guangdong.reader"]));
    assert!(said.starts_with("revoked guangdong.reader (serial "), "{said}");
    let reader = serial("guangdong.reader.pem");
    assert_eq!(listed(), (vec![reader.clone()], "2".to_owned()));
    assert!(!is_accepted(dir, "guangdong.reader") && is_accepted(dir, "guangdong.recorder"));
    let said = done(&tidu(dir, &["revoke", "guangdong.reader"]));
    assert!(said.contains("is revoked already"), "{said}");
    done(&tidu(dir, &["revoke", "auditor", "--dir", "tidu-dev"]));
    assert_eq!(listed(), (vec![reader, serial("auditor.pem")], "3".to_owned()));
    refused(&tidu(dir, &["revoke", "guangdong.reder"]), &["guangdong.reader"]);
    refused(&tidu(dir, &["revoke", "../ca"]), &["has no certificate here"]);
    refused(
        &tidu(dir, &["revoke", "guangdong.portal"]),
        &["remove its entry from principals.toml"],
    );
    assert_eq!(listed().1, "3");
}

/// A set with a server that uses it.
struct Served {
    dir: TempDir,
    server: Server,
}

impl Served {
    fn start() -> Self {
        let dir = directory();
        done(&tidu(dir.path(), &[]));
        let settings = dir.path().join("tidu-dev/tidu.toml");
        let data = dir.path().join("data");
        let server = Server::start_with(&data, &["--config", settings.to_str().unwrap()]);
        assert!(server.address.starts_with("https://"), "{}", server.address);
        Self { dir, server }
    }

    /// A command with these files of the set.
    fn command(&self, args: &[&str], files: &[(&str, &str)]) -> Command {
        let mut command = Command::new(TIDU);
        command.args(args).args(["--server", &self.server.address]);
        for (flag, name) in [("--tls-ca", "ca.pem")].iter().chain(files) {
            command.arg(flag).arg(self.dir.path().join("tidu-dev").join(name));
        }
        command.current_dir(self.dir.path()).env("XDG_CONFIG_HOME", self.dir.path());
        command
    }

    fn run(&self, args: &[&str], files: &[(&str, &str)]) -> Output {
        self.command(args, files).output().unwrap()
    }

    fn by_certificate(&self, principal: &str, args: &[&str]) -> Output {
        let (certificate, key) = (format!("{principal}.pem"), format!("{principal}.key"));
        self.run(args, &[("--tls-cert", &certificate), ("--tls-key", &key)])
    }

    fn by_token(&self, args: &[&str]) -> Output {
        self.run(args, &[("--token-file", "guangdong.portal.token")])
    }
}

const RECORD: [&str; 10] = [
    "record",
    "list.csv",
    "--authority",
    "440000",
    "--programme",
    "specialised-sme",
    "--batch",
    "2026-1",
    "--date",
    "2026-03-01",
];

#[test]
fn a_set_serves_its_callers_until_one_is_revoked() {
    let served = Served::start();
    let generate = ["generate", "--authority", "440000", "--rows", "3", "--to", "list.csv"];
    let generated = Command::new(TIDU).args(generate).current_dir(served.dir.path()).output();
    done(&generated.unwrap());
    for member in ["operator", "ministry.recorder", "guangdong.recorder", "guangdong.reader"] {
        let who = done(&served.by_certificate(member, &["whoami"]));
        assert!(who.contains(&format!("principal    {member}\n")), "{who}");
        assert!(who.contains("client certificate") && who.contains("valid until"), "{who}");
    }
    let who = done(&served.by_token(&["whoami", "-o", "json"]));
    let who: serde_json::Value = serde_json::from_str(&who).unwrap();
    assert_eq!(who["principal"]["id"], "guangdong.portal");
    assert_eq!(who["credential"], "CREDENTIAL_KIND_TOKEN");

    done(&served.by_certificate("guangdong.recorder", &RECORD));
    let list = ["list", "--as-of", "2026-03-01"];
    let read = done(&served.by_certificate("guangdong.reader", &list));
    assert!(read.contains("3 titles"), "{read}");
    assert_eq!(done(&served.by_token(&list)), read);
    let not_yours = served.by_certificate("guangdong.reader", &RECORD);
    assert_eq!(not_yours.status.code(), Some(3), "{not_yours:?}");
    let stranger = served.run(&list, &[]);
    refused(&stranger, &["CREDENTIAL_MISSING", "--tls-cert and --tls-key, or --token-file"]);
    assert_eq!(stranger.status.code(), Some(3));

    let revoke = ["revoke", "guangdong.reader", "--dir", "tidu-dev"];
    done(&tidu(served.dir.path(), &revoke));
    #[allow(clippy::disallowed_methods)] // the test gives up in the end
    let began = std::time::Instant::now();
    let refusal = loop {
        let output = served.by_certificate("guangdong.reader", &list);
        if !output.status.success() {
            break output;
        }
        assert!(began.elapsed() < PATIENCE, "the list of revoked certificates is not read");
    };
    refused(&refusal, &["guangdong.reader.pem (--tls-cert) is revoked"]);
    assert_eq!(refusal.status.code(), Some(3), "{refusal:?}");
    done(&served.by_certificate("guangdong.recorder", &list));
    done(&served.by_token(&list));
}
