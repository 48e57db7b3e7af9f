//! The server, as it answers.

use std::{fmt, path::Path};

use tokio::time::timeout;
use tonic::Code;

use super::{
    finding::{Finding, word},
    holder::Holder,
    log::LogFiles,
};
use crate::{
    catalogue_files::CatalogueFiles,
    cli::{
        CliError,
        client::{Client, replay_progress},
        print,
        target::Target,
    },
    lang::{say, word as said},
    limits::DOCTOR_CALL_DURATION_MAX,
    protocol::pb,
};

/// The version of this program.
const OWN_VERSION: &str = env!("CARGO_PKG_VERSION");

/// What one server answered.
pub(super) struct Server {
    pub(super) address: String,
    pub(super) answer: Answer,
    /// Digests of the catalogues that its log has adopted and that need a file.
    pub(super) adopted: Vec<[u8; 32]>,
    pub(super) client: Option<Client>,
}

/// The answer to GetStatus.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Status(Box<pb::GetStatusResponse>),
    /// It is starting, and has come so far.
    Starting(String),
    /// Nobody answers.
    Nobody(String),
    Refused(String),
    /// It does not know this caller, or this caller does not trust it.
    Stranger(String),
}

pub(super) async fn look(address: &Target) -> Server {
    let mut server = Server {
        address: address.to_string(),
        answer: Answer::Nobody(said!(en: "no address is given", zh: "未给出地址").to_owned()),
        adopted: Vec::new(),
        client: None,
    };
    if address.addresses.is_empty() {
        return server;
    }
    server.answer = match timeout(DOCTOR_CALL_DURATION_MAX, ask(address)).await {
        Ok(Ok((client, status))) => {
            server.client = Some(client);
            Answer::Status(Box::new(status))
        }
        Ok(Err(CliError::Status(status))) => refused(&status),
        Ok(Err(CliError::Unreachable { why, .. })) => Answer::Nobody(why),
        Ok(Err(error @ CliError::Untrusted { .. })) => Answer::Stranger(error.to_string()),
        Ok(Err(error)) => Answer::Nobody(error.to_string()),
        Err(_) => {
            let seconds = DOCTOR_CALL_DURATION_MAX.as_secs();
            Answer::Refused(say!(
                en: "no answer within {seconds} s", zh: "{seconds} 秒内没有应答"
            ))
        }
    };
    if let Some(client) = &server.client {
        let asked = timeout(DOCTOR_CALL_DURATION_MAX, adopted(client.clone())).await;
        server.adopted = asked.ok().flatten().unwrap_or_default();
    }
    server
}

async fn ask(address: &Target) -> Result<(Client, pb::GetStatusResponse), CliError> {
    let mut client = Client::connect(address).await?;
    let status = client.admin.get_status(pb::GetStatusRequest {}).await?.into_inner();
    Ok((client, status))
}

fn refused(status: &tonic::Status) -> Answer {
    match replay_progress(status) {
        Some(progress) => Answer::Starting(progress),
        None if is_stranger(status.code()) => Answer::Stranger(print::status(status)),
        None => Answer::Refused(print::status(status)),
    }
}

fn is_stranger(code: Code) -> bool {
    matches!(code, Code::Unauthenticated | Code::PermissionDenied)
}

/// The digests of the adopted catalogues that do not come with this program.
async fn adopted(mut client: Client) -> Option<Vec<[u8; 32]>> {
    let listed = client.register.list_catalogues(pb::ListCataloguesRequest {}).await.ok()?;
    let built_in = CatalogueFiles::built_in();
    let digests = listed.into_inner().catalogues.into_iter();
    let digests = digests.filter_map(|catalogue| catalogue.sha256.as_ref().try_into().ok());
    Some(digests.filter(|digest| built_in.needs_file(digest)).collect())
}

impl Server {
    /// The flag that names it in a command.
    pub(super) fn argument(&self) -> String {
        format!("--server {}", word(Path::new(&self.address)))
    }

    pub(super) fn status(&self) -> Option<&pb::GetStatusResponse> {
        match &self.answer {
            Answer::Status(status) => Some(status),
            _ => None,
        }
    }
}

/// True if the server has the log of these files, as far as that can be told.
pub(super) fn is_own(status: &pb::GetStatusResponse, files: &LogFiles) -> bool {
    match &files.mark {
        Ok(Some(mark)) => mark.log_id.to_string() == status.log_id,
        Ok(None) | Err(_) => matches!(files.holder, Holder::Process(_)),
    }
}

/// `server`: it answers where it is expected, with this version. `listen` is the URL of a
/// server that has these settings.
pub(super) fn check(server: &Server, files: &LogFiles, listen: Option<&str>) -> Vec<Finding> {
    let id = "server";
    let address = &server.address;
    let data = word(&files.directory);
    let stop = |pid| stop(pid, &data);
    let held = match &files.holder {
        Holder::Process(pid) => Some(*pid),
        Holder::Nobody | Holder::Unknown(_) => None,
    };
    let elsewhere = || match listen {
        Some(url) if !address.ends_with(url.rsplit('/').next().unwrap_or(url)) => {
            format!("tidu doctor --data-dir {data} --server {url}")
        }
        _ => held.map_or_else(|| "tidu serve".to_owned(), stop),
    };
    let found = match (&server.answer, held) {
        (Answer::Nobody(why), None) => {
            let text = say!(
                en: "nobody answers at {address} ({why}), and no process has the log",
                zh: "{address} 没有应答（{why}），也没有进程在使用该日志"
            );
            Finding::ok(id, text)
        }
        (Answer::Nobody(why), Some(pid)) => {
            let text = say!(
                en: "{} has the log, but nobody answers at {address} ({why})",
                zh: "{}正在使用该日志，但 {address} 没有应答（{why}）",
                Process(pid)
            );
            Finding::error(id, text, elsewhere())
        }
        (Answer::Refused(why), held) => {
            let text = say!(
                en: "the server at {address} does not answer: {why}",
                zh: "{address} 的服务器没有应答：{why}"
            );
            Finding::error(id, text, held.map_or_else(elsewhere, stop))
        }
        (Answer::Stranger(why), _) => {
            let text = say!(
                en: "a server is at {address}, and does not tell its state here: {why}",
                zh: "{address} 有服务器，但不向这里透露状态：{why}"
            );
            let files = "--tls-ca FILE --tls-cert FILE --tls-key FILE";
            Finding::warn(id, text, format!("tidu doctor {} {files}", server.argument()))
        }
        (Answer::Starting(progress), _) => {
            let text = say!(
                en: "the server at {address} is starting: {progress}",
                zh: "{address} 的服务器正在启动：{progress}"
            );
            Finding::warn(id, text, format!("tidu status {}", server.argument()))
        }
        (Answer::Status(status), held) => of_status(server, files, status, held, &elsewhere()),
    };
    vec![found]
}

/// The command that ends a server.
fn stop(pid: Option<u32>, data: &str) -> String {
    pid.map_or_else(|| format!("fuser -v {data}/LOCK"), |pid| format!("kill -TERM {pid}"))
}

/// The findings about a server that tells its state. `held` is the process that has the log here,
/// and `elsewhere` a command that asks in another place.
fn of_status(
    server: &Server,
    files: &LogFiles,
    status: &pb::GetStatusResponse,
    held: Option<Option<u32>>,
    elsewhere: &str,
) -> Finding {
    let (id, address) = ("server", &server.address);
    let (size, version) = (status.log_size, &status.version);
    if files.exists && !is_own(status, files) {
        let (other, directory) = (&status.log_id, files.directory.display());
        let text = say!(
            en: "the server at {address} has log {other}, which is not that of {directory}",
            zh: "{address} 的服务器的日志是 {other}，不是 {directory} 中的日志"
        );
        return Finding::warn(id, text, held.map_or("tidu config", |_| elsewhere));
    }
    if status.version != OWN_VERSION {
        let text = say!(
            en: "the server at {address} has version {version}, this program {OWN_VERSION}; stop \
                 it, and start it with this program",
            zh: "{address} 的服务器版本为 {version}，此程序为 {OWN_VERSION}；请停止后用此程序启动"
        );
        return Finding::warn(id, text, stop(held.flatten(), &word(&files.directory)));
    }
    Finding::ok(
        id,
        say!(
            en: "version {version} answers at {address}, with {size} events",
            zh: "{address} 由版本 {version} 应答，有 {size} 个事件"
        ),
    )
}

struct Process(Option<u32>);

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(pid) => f.write_str(&say!(en: "process {pid}", zh: "进程 {pid} ")),
            None => f.write_str(said!(en: "a process", zh: "有进程")),
        }
    }
}

/// `appends`: they are accepted. A node that has handed its log over rightly takes none.
pub(super) fn check_appends(server: &Server, edit: &str) -> Vec<Finding> {
    let id = "appends";
    let Some(status) = server.status() else { return Vec::new() };
    let why = &status.appends_refused;
    if why.is_empty() {
        return vec![Finding::ok(id, said!(en: "they are accepted", zh: "可以写入"))];
    }
    let text = say!(en: "they are refused: {why}", zh: "拒绝写入：{why}");
    let role = status.node.as_ref().map(pb::Node::role);
    vec![match role {
        Some(pb::NodeRole::Retired) => Finding::warn(id, text, edit),
        _ => Finding::error(id, text, format!("tidu status {}", server.argument())),
    }]
}

#[cfg(test)]
mod tests {
    use crate::log::mark::HighWaterMark;
    use uuid::Uuid;

    use super::{
        super::finding::{Level, told},
        *,
    };

    fn files(holder: Holder) -> LogFiles {
        let mark = HighWaterMark::new(Uuid::nil(), 9, [0; 32]);
        LogFiles {
            directory: "/data".into(),
            exists: true,
            holder,
            mark: Ok(Some(mark)),
            marked_micros: None,
            examined: None,
            cursors: None,
            standing: None,
            failures: Vec::new(),
            catalogues: Vec::new(),
            catalogue_count: 0,
        }
    }

    fn status() -> pb::GetStatusResponse {
        let (log_id, version) = (Uuid::nil().to_string(), OWN_VERSION.to_owned());
        pb::GetStatusResponse { log_id, version, log_size: 9, ..Default::default() }
    }

    fn server(answer: Answer) -> Server {
        let address = "http://127.0.0.1:1".to_owned();
        Server { address, answer, adopted: Vec::new(), client: None }
    }

    fn answering(change: impl Fn(&mut pb::GetStatusResponse)) -> Server {
        let mut status = status();
        change(&mut status);
        server(Answer::Status(Box::new(status)))
    }

    fn only(found: &[Finding]) -> (Level, &str) {
        assert_eq!(found.len(), 1, "{found:?}");
        (found[0].level, found[0].run.as_deref().unwrap_or_default())
    }

    #[test]
    fn a_server_that_answers_is_well() {
        let served = files(Holder::Process(Some(7)));
        let server = answering(|_| ());
        let listen = Some("http://127.0.0.1:1");
        let found =
            told(|| [check(&server, &served, listen), check_appends(&server, "edit")].concat());
        assert_eq!(found.iter().map(|it| it.level).collect::<Vec<_>>(), [Level::Ok; 2]);
        let nobody = self::server(Answer::Nobody("no".to_owned()));
        assert_eq!(only(&told(|| check(&nobody, &files(Holder::Nobody), None))).0, Level::Ok);
        assert!(check_appends(&nobody, "edit").is_empty());
    }

    #[test]
    fn a_server_that_is_not_where_it_is_expected_is_named() {
        let nobody = server(Answer::Nobody("no".to_owned()));
        let held = files(Holder::Process(Some(7)));
        let of = |server: &Server, files: &LogFiles, listen: Option<&str>| {
            let found = told(|| check(server, files, listen));
            let (level, run) = only(&found);
            (level, run.to_owned())
        };
        let elsewhere = "tidu doctor --data-dir /data --server http://127.0.0.1:2".to_owned();
        assert_eq!(of(&nobody, &held, Some("http://127.0.0.1:2")), (Level::Error, elsewhere));
        let stop = (Level::Error, "kill -TERM 7".to_owned());
        assert_eq!(of(&nobody, &held, Some("http://127.0.0.1:1")), stop);
        assert_eq!(of(&server(Answer::Refused("no".to_owned())), &held, None), stop);
        let hidden = files(Holder::Process(None));
        assert_eq!(of(&nobody, &hidden, None).1, "fuser -v /data/LOCK");
        let starting = server(Answer::Starting("1 of 2".to_owned()));
        assert_eq!(of(&starting, &held, None).0, Level::Warn);
        let stranger = server(Answer::Stranger("no".to_owned()));
        let (level, run) = of(&stranger, &held, None);
        assert!(level == Level::Warn && run.contains("--tls-ca FILE"), "it goes on: {run}");
        let other = answering(|status| status.log_id = Uuid::from_u128(1).to_string());
        assert_eq!(of(&other, &held, None).0, Level::Warn);
        let older = answering(|status| status.version = "0.0.1".to_owned());
        assert_eq!(of(&older, &held, None), (Level::Warn, "kill -TERM 7".to_owned()));
    }

    #[test]
    fn refused_appends_are_named() {
        let low = answering(|status| status.appends_refused = "the disk is low".to_owned());
        assert_eq!(only(&told(|| check_appends(&low, "edit"))).0, Level::Error);
    }
}
