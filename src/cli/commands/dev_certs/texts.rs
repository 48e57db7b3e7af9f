//! The settings and principals of a development set, and the commands to type next.

use std::path::Path;

use super::{CA, CRL, PRINCIPALS, SERVER, SETTINGS};
use crate::{cli::commands::doctor::word, domain::text::hex, lang::say};

/// A principal of the set.
pub(super) struct Member {
    pub(super) id: &'static str,
    pub(super) authority: Option<&'static str>,
    pub(super) roles: &'static [&'static str],
}

/// The principals with a certificate.
pub(super) const MEMBERS: [Member; 5] = [
    Member { id: "operator", authority: None, roles: &["operator"] },
    Member { id: "ministry.recorder", authority: Some("100000"), roles: &["recorder"] },
    Member { id: "guangdong.recorder", authority: Some("440000"), roles: &["recorder"] },
    Member { id: "guangdong.reader", authority: Some("440000"), roles: &["reader"] },
    Member { id: "auditor", authority: None, roles: &["auditor"] },
];

/// The principal with a token.
pub(super) const PORTAL: Member =
    Member { id: "guangdong.portal", authority: Some("440000"), roles: &["reader"] };

/// The URI in the certificate of a principal.
pub(super) fn uri(id: &str) -> String {
    format!("tidu://dev/{id}")
}

/// A text in TOML.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// `principals.toml`. `token_expires` is an instant in RFC 3339.
pub(super) fn principals(token_sha256: &[u8], token_expires: &str) -> String {
    let mut text = "\
# For development only. Made by `tidu dev-certs`.
#
# A principal is known by the one URI in its certificate, or by the SHA-256 of its token.
# A server that runs takes a change of this file within seconds, without a restart.
"
    .to_owned();
    let member = |member: &Member, credential: &str| {
        let roles: Vec<_> = member.roles.iter().map(|role| quoted(role)).collect();
        let authority = member.authority.map(|code| format!("authority = {}\n", quoted(code)));
        format!(
            "\n[[principal]]\nid = {}\n{}roles = [{}]\n{credential}\n",
            quoted(member.id),
            authority.unwrap_or_default(),
            roles.join(", "),
        )
    };
    for known in &MEMBERS {
        text += &member(known, &format!("certificate = {}", quoted(&uri(known.id))));
    }
    let token =
        format!("token_sha256 = {}\ntoken_expires = {token_expires}", quoted(&hex(token_sha256)));
    text + &member(&PORTAL, &token)
}

/// `tidu.toml`. `directory` is absolute.
pub(super) fn settings(directory: &Path) -> String {
    let of = |name: &str| quoted(&directory.join(name).display().to_string());
    format!(
        "\
# For development only. Made by `tidu dev-certs`: tidu serve --config THIS-FILE
data_dir = {}
tls_cert = {}
tls_key = {}
tls_client_ca = {}
tls_client_crl = [{}]
principals = {}
",
        of("data"),
        of(&format!("{SERVER}.pem")),
        of(&format!("{SERVER}.key")),
        of(&format!("{CA}.pem")),
        of(CRL),
        of(PRINCIPALS),
    )
}

/// The commands to type next. No line is wider than a terminal.
pub(super) fn next_steps(directory: &Path) -> String {
    let of = |name: &str| word(&directory.join(name));
    let ca = of(&format!("{CA}.pem"));
    let context = |name: &str, credential: &[String]| {
        let first = format!("  tidu context add {name} --server https://localhost:50051");
        let ca = format!("    --tls-ca {ca}");
        let lines = [first, ca].into_iter().chain(credential.iter().cloned());
        lines.collect::<Vec<_>>().join(" \\\n")
    };
    let certificate = |member: &str| {
        [
            format!("    --tls-cert {}", of(&format!("{member}.pem"))),
            format!("    --tls-key {}", of(&format!("{member}.key"))),
        ]
    };
    let token = [format!("    --token-file {}", of(&format!("{}.token", PORTAL.id)))];
    let settings = of(SETTINGS);
    let recorder = context("recorder", &certificate("guangdong.recorder"));
    let reader = context("reader", &certificate("guangdong.reader"));
    let (portal, dir) = (context("portal", &token), word(directory));
    say!(
        en: "\
Start the server, and leave it running:
  tidu serve --config {settings}

In another terminal, name the callers:
{recorder}
{reader}
{portal}

The first record, and the first read:
  tidu whoami --context recorder
  tidu generate --authority 440000 --rows 20 --to list.csv
  tidu record list.csv --context recorder --authority 440000 \\
    --programme specialised-sme --batch 2026-1 --date 2026-03-01
  tidu list --context reader --as-of 2026-03-01

A revocation, after which the reader is refused within five seconds:
  tidu dev-certs revoke guangdong.reader --dir {dir}
  sleep 5
  tidu list --context reader --as-of 2026-03-01",
        zh: "\
启动服务器，并保持运行：
  tidu serve --config {settings}

在另一个终端中添加调用方：
{recorder}
{reader}
{portal}

第一次写入和第一次读取：
  tidu whoami --context recorder
  tidu generate --authority 440000 --rows 20 --to list.csv
  tidu record list.csv --context recorder --authority 440000 \\
    --programme specialised-sme --batch 2026-1 --date 2026-03-01
  tidu list --context reader --as-of 2026-03-01

吊销证书，五秒内查阅员即被拒绝：
  tidu dev-certs revoke guangdong.reader --dir {dir}
  sleep 5
  tidu list --context reader --as-of 2026-03-01"
    )
}
