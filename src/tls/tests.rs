//! The files of a client, good and bad. Keys are made for each test.

use std::{fs, os::unix::fs::PermissionsExt as _};

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use super::*;

const FLAGS: Flags = Flags { ca: "--ca", certificate: "--cert", key: "--key" };

struct Made {
    dir: TempDir,
    certificate: String,
    key: String,
}

impl Made {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        Self { dir: TempDir::new().unwrap(), certificate, key: key.serialize_pem() }
    }

    fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// The error of files, which never has any of the key.
    fn refused(&self, files: &ClientFiles) -> String {
        let text = files.read().unwrap_err().to_string();
        for line in self.key.lines().filter(|line| !line.starts_with('-')) {
            assert!(!text.contains(line), "{text}");
        }
        text
    }
}

#[test]
fn a_certificate_and_its_key_come_in_two_files_or_in_one() {
    let made = Made::new();
    let certificate = made.file("cert.pem", &made.certificate, 0o644);
    let key = made.file("key.pem", &made.key, 0o600);
    let both = made.file("both.pem", &format!("{}{}", made.key, made.certificate), 0o600);
    let none = ClientFiles { ca: Some(certificate.clone()), ..ClientFiles::none(&FLAGS) };
    assert!(!none.read().unwrap().client_auth_cert_resolver.has_certs());
    let two =
        ClientFiles { certificate: Some(certificate.clone()), key: Some(key), ..none.clone() };
    let one = ClientFiles { certificate: Some(both), ..none.clone() };
    for files in [two, one] {
        assert!(files.read().unwrap().client_auth_cert_resolver.has_certs());
    }
    // The file of the certificate has no key, and none is named.
    let half = ClientFiles { certificate: Some(certificate), ..none };
    assert!(made.refused(&half).contains("a file of its own: --key"));
    let open = made.file("open.pem", &format!("{}{}", made.key, made.certificate), 0o644);
    let open = ClientFiles { certificate: Some(open), ..half };
    assert!(made.refused(&open).contains("chmod 600"));
}

#[test]
fn a_file_at_fault_is_named_with_its_line() {
    let made = Made::new();
    let (certificate, key) = (made.certificate.as_str(), made.key.as_str());
    let cut = certificate.replace("-----END CERTIFICATE-----", "");
    let odd = certificate.replacen("\nM", "\n!", 1);
    let other = Made::new();
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    for (name, text, expected) in [
        ("empty.pem", "", "no certificate"),
        ("key.pem", key, "no certificate"),
        ("cut.pem", &cut, "line 1: CERTIFICATE has no end"),
        ("twice.pem", &format!("{cut}{certificate}"), "line 1: CERTIFICATE has no end"),
        ("odd.pem", &format!("a remark\n{odd}"), "line 2: CERTIFICATE is damaged"),
        ("end.pem", "-----END CERTIFICATE-----", "line 1: this is the end of nothing"),
        ("wrong.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "line 1: "),
    ] {
        let path = made.file(name, text, 0o644);
        let files = ClientFiles { ca: Some(path), ..ClientFiles::none(&FLAGS) };
        let said = made.refused(&files);
        assert!(said.starts_with("--ca ") && said.contains(name), "{said}");
        assert!(said.contains(expected), "{name}: {said}");
    }
    let ca = made.file("ca.pem", certificate, 0o644);
    for (name, text, mode, expected) in [
        ("open.key", key, 0o640, "chmod 600"),
        ("two.key", &format!("{key}{key}"), 0o600, "this is a second key"),
        ("encrypted.key", &encrypted, 0o600, "line 1: the key is encrypted"),
        ("none.key", "no key", 0o600, "it holds no key"),
        ("other.key", &other.key, 0o600, "does not belong to the certificate"),
    ] {
        let path = made.file(name, text, mode);
        let files = ClientFiles {
            ca: Some(ca.clone()),
            certificate: Some(ca.clone()),
            key: Some(path),
            flags: &FLAGS,
        };
        let said = made.refused(&files);
        assert!(said.starts_with("--key ") && said.contains(name), "{said}");
        assert!(said.contains(expected), "{name}: {said}");
    }
    let missing = ClientFiles { ca: Some(PathBuf::from("nowhere")), ..ClientFiles::none(&FLAGS) };
    assert!(made.refused(&missing).contains("there is no such file"));
    let alone = ClientFiles { key: Some(ca), ..ClientFiles::none(&FLAGS) };
    assert!(made.refused(&alone).contains("without its certificate; give --cert too"));
}

#[test]
fn parts_have_their_lines_and_a_long_label_is_never_repeated() {
    let text = "a remark\n-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n\r\n\
                -----BEGIN PRIVATE KEY-----\r\nBA==\r\n-----END PRIVATE KEY-----";
    let found = pem::sections(text).unwrap();
    let found: Vec<_> = found.iter().map(|s| (s.line, s.label, s.der.as_slice())).collect();
    assert_eq!(found, [(2, "CERTIFICATE", &[1, 2, 3][..]), (6, "PRIVATE KEY", &[4][..])]);
    assert!(pem::is_pem(text.as_bytes()) && !pem::is_pem(b"-----BEGIN"));
    let label = |bytes| format!("-----BEGIN {}-----\nAQID\n", "A".repeat(bytes));
    assert_eq!(pem::sections(&label(33)).unwrap().len(), 0, "a remark");
    assert_eq!(pem::sections(&label(32)).unwrap_err().line, 1);
}
