//! Files that cannot be used: the start is refused with the setting, the file, the line and the
//! cause, and with no byte of a key.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use super::{arguments, at};
use crate::support::{
    TIDU, directory,
    mtls::{Ca, private},
};

/// What a start says that is refused.
fn refused(dir: &Path, args: &[String]) -> String {
    let output = Command::new(TIDU)
        .arg("serve")
        .args(["--listen", "127.0.0.1:0", "--operations-listen", "off", "--data-dir"])
        .arg(dir.join("data"))
        .args(args)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_start_with_a_broken_file_names_it_with_its_line() {
    let (dir, ca) = (directory(), Ca::new());
    let (other, of_one_name) = (Ca::named("Tidu other CA"), Ca::new());
    let dir = dir.path();
    let mut args = arguments(&ca, dir);
    private(&dir.join("crl.pem"), &ca.revoking(&[]));
    args.extend(["--tls-client-crl".to_owned(), at(dir, "crl.pem")]);
    let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
    let (certificate, key, authority) = (read("server.pem"), read("server.key"), read("ca.pem"));
    let planted = "AAAAcGxhbnRlZC1zZWNyZXQ";
    other.server().write(dir, "other");
    let of_other = read("other.key");
    let of_key = format!("line {}: ", certificate.lines().count() + 2);
    let cases = [
        ("server.pem", String::new(), "tls_cert", "no section CERTIFICATE"),
        ("server.pem", format!("a\n{certificate}{key}"), &*of_key, "only sections CERTIFICATE"),
        ("server.pem", certificate.replace("END", "FIN"), "line 1", "has no end"),
        ("server.key", certificate.clone(), "tls_key", "not a private key"),
        ("server.key", of_other, "line 1", "not that of the first certificate"),
        ("server.key", key.replacen('\n', &format!("\n{planted}\n"), 1), "tls_key", "line 1"),
        ("ca.pem", certificate.clone(), "tls_client_ca", "not that of an authority"),
        ("ca.pem", format!("{authority}\n{}", other.pem()), "tls_client_ca", "no revocation list"),
        ("crl.pem", of_one_name.revoking(&[]), "tls_client_crl", "does not have the signature"),
        ("crl.pem", "no list".to_owned(), "tls_client_crl", "not a revocation list"),
    ];
    for (name, content, first, second) in cases {
        let whole = read(name);
        private(&dir.join(name), &content);
        let said = refused(dir, &args);
        for expected in [at(dir, name).as_str(), first, second] {
            assert!(said.contains(expected), "{name}: {expected}: {said}");
        }
        assert!(!said.contains(planted), "{said}");
        private(&dir.join(name), &whole);
    }
}

#[test]
fn a_key_that_everybody_can_read_is_refused() {
    let (dir, ca) = (directory(), Ca::new());
    let args = arguments(&ca, dir.path());
    let key = dir.path().join("server.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let said = refused(dir.path(), &args);
    assert!(said.contains("mode 0644") && said.contains("chmod o= "), "{said}");
    fs::remove_file(&key).unwrap();
    let said = refused(dir.path(), &args);
    assert!(said.contains("tls_key: ") && said.contains("No such file"), "{said}");
}

#[test]
fn settings_that_need_each_other_say_so() {
    let (dir, ca) = (directory(), Ca::new());
    let args = arguments(&ca, dir.path());
    let said = refused(dir.path(), &args[..2]);
    assert!(said.contains("tls_cert") && said.contains("tls_key is not"), "{said}");
    let said = refused(dir.path(), &args[2..4]);
    assert!(said.contains("tls_key") && said.contains("tls_cert is not"), "{said}");
    let said = refused(dir.path(), &args[4..]);
    assert!(said.contains("tls_client_ca") && said.contains("tls_cert is not"), "{said}");
    let open = [&args[..], &["--listen".to_owned(), "0.0.0.0:0".to_owned()]].concat();
    let said = Command::new(TIDU).arg("serve").args(&open).output().unwrap();
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("knows no principals") && said.contains("--insecure"), "{said}");
}
