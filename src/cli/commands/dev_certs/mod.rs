//! `tidu dev-certs`: a CA, certificates, a token and the settings that fit them, for development.

mod authority;
mod texts;

use std::{
    fs, io,
    io::Write as _,
    path::{self, Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use x509_parser::{certificate::X509Certificate, pem, prelude::FromDer as _};

use self::{
    authority::{Authority, Made, Revoked, Validity},
    texts::{MEMBERS, PORTAL},
};
use crate::{
    cli::{
        CliError,
        names::nearest,
        print::{eprint_line, print_line, print_text},
    },
    domain::text::hex,
    files,
    lang::{comma, say, word},
    limits::{DEV_DAYS_DEFAULT, DEV_DAYS_MAX, DEV_TOKEN_BYTES, PEM_BYTES_MAX},
};

/// The names of the files, without those of principals.
const CA: &str = "ca";
const SERVER: &str = "server";
const CRL: &str = "crl.pem";
const PRINCIPALS: &str = "principals.toml";
const SETTINGS: &str = "tidu.toml";
/// The names that every server certificate has.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const SECONDS_OF_DAY: u64 = 86_400;

#[derive(Debug, Args)]
#[command(after_help = "\
It makes a directory with a CA (ca.pem, ca.key), a list of revoked certificates (crl.pem), the
certificate of a server for localhost, 127.0.0.1 and ::1 (server.pem, server.key), certificates of
five principals (such as guangdong.recorder.pem and .key) and the token of a sixth
(guangdong.portal.token). principals.toml has their roles and tidu.toml the settings of a server.
It prints the commands to type next. Every file is private (0600), and none is overwritten.

FOR DEVELOPMENT ONLY: the key of the CA lies beside the certificates.

Examples:
  tidu dev-certs
  tidu dev-certs --dir try --host tidu.test --days 7
  tidu dev-certs revoke guangdong.reader")]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct DevCertsArgs {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    make: MakeArgs,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Revoke the certificate of a principal: adds it to crl.pem, which a server reads again
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
struct MakeArgs {
    /// Directory to make; it must be empty if it exists
    #[arg(long, value_name = "DIRECTORY", default_value = DIRECTORY)]
    dir: PathBuf,
    /// Host or address that the server's certificate is for as well (may be repeated)
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// Days that everything is valid
    #[arg(long, value_name = "DAYS", default_value_t = DEV_DAYS_DEFAULT,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(DEV_DAYS_MAX)))]
    days: u32,
}

#[derive(Debug, Args)]
struct RevokeArgs {
    /// The principal, such as guangdong.reader
    name: String,
    /// The directory that `tidu dev-certs` made
    #[arg(long, value_name = "DIRECTORY", default_value = DIRECTORY)]
    dir: PathBuf,
}

const DIRECTORY: &str = "tidu-dev";

pub(super) fn run(args: DevCertsArgs) -> Result<(), CliError> {
    match args.action {
        Some(Action::Revoke(args)) => revoke(&args),
        None => make(&args.make),
    }
}

/// Random bytes of the system.
fn fill(bytes: &mut [u8]) -> Result<(), CliError> {
    getrandom::fill(bytes).map_err(|error| {
        CliError::Message(say!(
            en: "the system gives no random bytes: {error}", zh: "系统没有给出随机数：{error}"
        ))
    })
}

#[allow(clippy::disallowed_methods)] // dates certificates; nothing is recorded
fn now() -> Timestamp {
    Timestamp::now()
}

fn validity(days: u32) -> Validity {
    let from = u64::try_from(now().as_second()).unwrap_or_default();
    Validity { from, until: from + u64::from(days) * SECONDS_OF_DAY }
}

fn at(path: &Path) -> impl Fn(io::Error) -> CliError {
    let name = path.display().to_string();
    move |error| CliError::Io(name.clone(), error)
}

/// Makes the directory, or takes an empty one.
fn require_empty(directory: &Path) -> Result<(), CliError> {
    files::create_directory(directory).map_err(at(directory))?;
    match fs::read_dir(directory).map_err(at(directory))?.next() {
        None => Ok(()),
        Some(_) => {
            let path = directory.display();
            Err(CliError::Refused(say!(
                en: "{path} is not empty, and nothing is overwritten: name another directory with \
                     --dir, or remove it",
                zh: "{path} 不是空目录，不会覆盖已有文件：请用 --dir 另选目录，或将其删除"
            )))
        }
    }
}

fn make(args: &MakeArgs) -> Result<(), CliError> {
    let directory = path::absolute(&args.dir).map_err(at(&args.dir))?;
    let validity = validity(args.days);
    // All is made before anything is written: a wrong host leaves nothing behind.
    let (authority, ca) = Authority::new(validity)?;
    let hosts = LOCAL.into_iter().map(str::to_owned).chain(args.hosts.iter().cloned());
    let server = authority.server(&hosts.collect::<Vec<_>>())?;
    let mut token = [0; DEV_TOKEN_BYTES];
    fill(&mut token)?;
    let token = URL_SAFE_NO_PAD.encode(token);
    let until = i64::try_from(validity.until).unwrap_or(i64::MAX);
    let expires = Timestamp::from_second(until).unwrap_or(Timestamp::MAX).to_string();
    let mut parts = vec![
        (CRL.to_owned(), authority.revocations(&[])?),
        (PRINCIPALS.to_owned(), texts::principals(&Sha256::digest(&token), &expires)),
        (SETTINGS.to_owned(), texts::settings(&directory)),
        (format!("{}.token", PORTAL.id), format!("{token}\n")),
    ];
    let mut add = |name: &str, made: Made| {
        parts.push((format!("{name}.pem"), made.certificate));
        parts.push((format!("{name}.key"), made.key));
    };
    add(CA, ca);
    add(SERVER, server);
    for member in &MEMBERS {
        add(member.id, authority.client(member.id, &texts::uri(member.id))?);
    }
    require_empty(&directory)?;
    for (name, text) in parts {
        let path = directory.join(name);
        let mut file = files::create(&path).map_err(at(&path))?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(at(&path))?;
    }
    files::sync(&directory).map_err(at(&directory))?;
    eprint_line(word!(
        en: "tidu: FOR DEVELOPMENT ONLY: the key of the CA lies beside the certificates. Whoever \
             can read it can be anybody. A real CA keeps its key elsewhere; see docs/security.md.",
        zh: "tidu：仅供开发使用：CA 的密钥与证书放在一起，能读取它的人可以冒充任何人。\
             正式的 CA 应另行保管密钥，见 docs/security.md。"
    ));
    let dir = args.dir.display();
    let made = say!(
        en: "made {dir}, valid until {expires}", zh: "已生成 {dir}，有效期至 {expires}"
    );
    print_text(&format!("{made}\n\n{}", texts::next_steps(&args.dir)))
}

fn revoke(args: &RevokeArgs) -> Result<(), CliError> {
    let directory = &args.dir;
    let ca = directory.join(format!("{CA}.key"));
    let key = files::read_secret(&ca, PEM_BYTES_MAX).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            let path = directory.display();
            CliError::Message(say!(
                en: "{path} is not a directory of `tidu dev-certs`: it has no {CA}.key; name it \
                     with --dir",
                zh: "{path} 不是 tidu dev-certs 生成的目录：其中没有 {CA}.key；请用 --dir 指定"
            ))
        }
        _ => at(&ca)(error),
    })?;
    let certificate = directory.join(format!("{}.pem", args.name));
    if !MEMBERS.iter().any(|member| member.id == args.name) {
        return Err(unknown(&args.name));
    }
    let serial = read(&certificate, |der| {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        Some(certificate.raw_serial().to_vec())
    })?;
    let list = directory.join(CRL);
    let mut revoked = read(&list, |der| {
        let (_, list) =
            x509_parser::revocation_list::CertificateRevocationList::from_der(der).ok()?;
        let entries = list.iter_revoked_certificates().map(|entry| Revoked {
            serial: entry.raw_serial().to_vec(),
            at: u64::try_from(entry.revocation_date.timestamp()).unwrap_or_default(),
        });
        Some(entries.collect::<Vec<_>>())
    })?;
    let number = hex(&serial);
    if revoked.iter().any(|entry| entry.serial == serial) {
        let name = &args.name;
        return print_line(&say!(
            en: "{name} is revoked already (serial {number})",
            zh: "{name} 此前已吊销（序列号 {number}）"
        ));
    }
    let validity = validity(DEV_DAYS_MAX);
    revoked.push(Revoked { serial, at: validity.from });
    let authority = Authority::of_key(&String::from_utf8_lossy(&key), validity)?;
    let text = authority.revocations(&revoked)?;
    files::replace(&list, text.as_bytes()).map_err(at(&list))?;
    let (name, list) = (&args.name, list.display());
    print_line(&say!(
        en: "revoked {name} (serial {number}); a running server reads {list} again within seconds",
        zh: "已吊销 {name}（序列号 {number}）；运行中的服务器会在几秒内重新读取 {list}"
    ))
}

/// Reads the DER of the first part of a file.
fn read<T>(path: &Path, parse: impl FnOnce(&[u8]) -> Option<T>) -> Result<T, CliError> {
    let bytes = files::read(path, PEM_BYTES_MAX).map_err(at(path))?;
    let part = pem::parse_x509_pem(&bytes).ok();
    part.and_then(|(_, part)| parse(&part.contents)).ok_or_else(|| {
        let path = path.display();
        CliError::Message(say!(
            en: "{path}: it was not made by `tidu dev-certs`",
            zh: "{path}：不是由 tidu dev-certs 生成"
        ))
    })
}

fn unknown(name: &str) -> CliError {
    let known = || MEMBERS.iter().map(|member| member.id);
    if name == PORTAL.id {
        return CliError::Message(say!(
            en: "{name} has a token and no certificate: remove its entry from {PRINCIPALS}",
            zh: "{name} 使用令牌，没有证书：请从 {PRINCIPALS} 中删除其条目"
        ));
    }
    let near = nearest(name, known());
    let near = if near.is_empty() { known().collect() } else { near };
    let near = near.join(comma());
    CliError::Message(say!(
        en: "{name:?} has no certificate here; there are {near}",
        zh: "这里没有 {name:?} 的证书；已有 {near}"
    ))
}
