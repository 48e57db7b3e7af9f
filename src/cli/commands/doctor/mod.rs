//! `tidu doctor`: looks at everything that a server needs, and says how to mend what is wrong.
//!
//! It gathers facts first, and each check is a function of facts. It changes nothing but a scratch
//! file, which it removes, and takes the log's lock from nobody.

mod access;
mod backup;
mod clock;
mod configuration;
mod disk;
mod finding;
mod holder;
mod log;
mod machine;
mod node;
mod operations;
mod server;
mod tls;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::Args;

pub(super) use self::finding::word;
use self::{
    access::Access,
    backup::{Backup, Served},
    clock::Clock,
    configuration::Sources,
    disk::{Growth, Room, Syncs},
    finding::{Finding, HEADINGS, IDS, Level, summary},
    holder::Holder,
    log::LogFiles,
    machine::Machine,
    server::Server,
};
use crate::{
    catalogue_files,
    cli::{
        CliError,
        args::{DEFAULT_SERVER, IdentityArgs, Output, PLAIN_ADDRESS, ServerAddress, ServerArgs},
        print::{Printer, eprint_line, print_json, print_line, print_toned},
    },
    files,
    lang::{Lang, word},
    log::default_reserve,
    protocol::pb,
    server::config::Config,
};

#[derive(Debug, Args)]
#[command(after_help = "\
It runs beside a server, or on a data directory at rest. It changes nothing but a scratch file,
which it removes. Run it as the user of the server, in its directory and with its environment: then
it sees the same settings. While no server has the log, it reads the whole store.

Each line is a finding: OK, WARN or ERROR, its id, and the command that mends it. The ids are in
docs/operating.md.

Exit codes: 0 all is well; 1 warnings; 2 errors.")]
pub(crate) struct DoctorArgs {
    /// Directory of the log [default: the one that `tidu serve` would use here]
    #[arg(long, value_name = "DIRECTORY")]
    data_dir: Option<PathBuf>,
    /// Configuration file [default: tidu.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Backup to read and to compare with the log
    #[arg(long, value_name = "DIRECTORY")]
    backup: Option<PathBuf>,
    /// Print the findings as one JSON array
    #[arg(long, conflicts_with = "output")]
    json: bool,
    /// Output format
    #[arg(long, short, value_enum, default_value_t = Output::Human)]
    output: Output,
    /// Server to talk to: https://HOST:PORT, or http://HOST:PORT in plaintext [default: where `tidu
    /// serve` would listen here]
    #[arg(long, env = "TIDU_SERVER", hide_env_values = true, value_name = "URL")]
    server: Option<ServerAddress>,
    #[command(flatten)]
    identity: IdentityArgs,
    /// Operations port of that server [default: where `tidu serve` would have it here]
    #[arg(long, value_name = "URL", value_parser = PLAIN_ADDRESS)]
    operations: Option<ServerAddress>,
}

/// Everything that the checks look at.
struct Facts {
    sources: Sources,
    tls: tls::Tls,
    access: Access,
    room: Room,
    syncs: Syncs,
    machine: Machine,
    clock: Clock,
    files: LogFiles,
    server: Server,
    operations: operations::Answer,
    backup: Option<Backup>,
    backup_directory: Option<PathBuf>,
}

pub(super) async fn run(args: DoctorArgs) -> Result<(), CliError> {
    let (json, output) = (args.json, args.output);
    if json || !output.is_human() {
        // A program reads the same whatever the language of the terminal is.
        Lang::En.set();
    } else {
        eprint_line(word!(
            en: "tidu: looking at files, disk, clock, limits and server; this takes some seconds",
            zh: "tidu：正在检查文件、磁盘、时钟、限额和服务器，需要几秒钟"
        ));
    }
    let findings = findings(&gather(args).await?);
    let failed = |error: serde_json::Error| CliError::Message(error.to_string());
    if json {
        print_json(&serde_json::to_string(&findings).map_err(failed)?)?;
    } else if output.is_human() {
        findings
            .iter()
            .try_for_each(|finding| print_toned(&finding.to_string(), finding.tone()))?;
        print_line(&summary(&findings))?;
    } else {
        let mut printer = Printer::new(output, HEADINGS)?;
        for finding in &findings {
            let line = serde_json::to_string(finding).map_err(failed)?;
            printer.add_line(&line, || finding.cells())?;
        }
        printer.finish(None)?;
    }
    let worst = findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok);
    match worst {
        Level::Ok => Ok(()),
        worst => Err(CliError::Findings(worst.exit_code())),
    }
}

async fn gather(args: DoctorArgs) -> Result<Facts, CliError> {
    let began = clock::read();
    let sources = configuration::look(args.config.as_deref(), args.data_dir.as_deref());
    let configured = sources.config.as_ref().ok().map(|config| config.data_dir.clone());
    let data = args.data_dir.or(configured).unwrap_or_else(|| Config::default().data_dir);
    let access = access::look(&data);
    let room = disk::look(&data);
    let syncs = disk::time_syncs(&room.directory);
    let files = log::look(&data);
    let address = match (args.server, &args.identity.context) {
        (None, None) => Some(configured_server(&sources)?),
        (address, _) => address,
    };
    let target =
        ServerArgs { address: address.map(Into::into), identity: args.identity }.target()?;
    let server = server::look(&target).await;
    let operations = match args.operations.or_else(|| configured_operations(&sources)) {
        Some(address) => operations::look(&address).await,
        None => operations::Answer::NoPort,
    };
    let process = match files.holder {
        Holder::Process(pid) => pid,
        Holder::Nobody | Holder::Unknown(_) => None,
    };
    let backup = match &args.backup {
        Some(directory) => Some(backup::look(directory, &files, served(&server, &files)).await),
        None => None,
    };
    let clock = clock::look(began);
    Ok(Facts {
        tls: tls::look(sources.config.as_ref().ok(), clock.now_micros),
        sources,
        access,
        room,
        syncs,
        machine: machine::look(process),
        clock,
        files,
        server,
        operations,
        backup,
        backup_directory: args.backup,
    })
}

/// The address at which the settings have the server; the usual one if they cannot be used, or name
/// any free port.
fn configured_server(sources: &Sources) -> Result<ServerAddress, CliError> {
    let config = sources.config.as_ref().ok();
    config
        .and_then(|config| reached_at(scheme(config), config.listen))
        .map_or_else(|| DEFAULT_SERVER.parse(), Ok)
        .map_err(CliError::Message)
}

/// The address of the operations port in the settings.
fn configured_operations(sources: &Sources) -> Option<ServerAddress> {
    reached_at("http", sources.config.as_ref().ok()?.operations_listen.address()?)
}

/// How a server with these settings is spoken to.
fn scheme(config: &Config) -> &'static str {
    if config.has_tls() { "https" } else { "http" }
}

/// Where this machine reaches a server that listens on an address; `None` for any free port.
fn reached_at(scheme: &str, mut listen: SocketAddr) -> Option<ServerAddress> {
    if listen.ip().is_unspecified() {
        listen.set_ip(match listen.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("{scheme}://{listen}").parse().ok().filter(|_| listen.port() > 0)
}

/// The server, if it has the log of these files, or if there are no files to compare it with.
fn served(server: &Server, files: &LogFiles) -> Option<Served> {
    let status = server.status().filter(|status| !files.exists || server::is_own(status, files))?;
    let (id, root) = (status.log_id.clone(), status.root_hash.clone());
    Some(Served { client: server.client.clone()?, id, size: status.log_size, root })
}

fn findings(facts: &Facts) -> Vec<Finding> {
    let Facts { sources, access, room, machine, clock, files, server, .. } = facts;
    let config = sources.config.as_ref().ok();
    let status = server.status().filter(|status| server::is_own(status, files));
    let reserve = status
        .and_then(|status| status.disk_reserve_bytes)
        .or(config.and_then(|config| config.disk_reserve_bytes))
        .unwrap_or_else(|| default_reserve(room.disk.as_ref().map_or(0, |disk| disk.bytes)));
    let growth = status.and_then(growth).map(|growth| disk::check_growth(room, reserve, growth));
    let listen = config.map(|config| format!("{}://{}", scheme(config), config.listen));
    let asked = config.and_then(|config| config.connections);
    let recorded = status.and_then(|status| status.last_recorded_time);
    let recorded = recorded.map(|at| at.seconds.saturating_mul(1_000_000));
    let last = match recorded {
        Some(micros) => Some((word!(en: "the last recorded time", zh: "最后的写入时间"), micros)),
        None => files.marked_micros.map(|micros| {
            (word!(en: "the time of the high-water mark", zh: "高水位标记的时间"), micros)
        }),
    };
    let restore = restore(facts);
    let missing = status.map_or_else(Vec::new, |_| missing(server, files));
    let of_catalogues = log::check_catalogues(
        files,
        &missing,
        facts.backup_directory.as_deref(),
        &server.argument(),
    );
    let backup = facts.backup.iter().map(|backup| backup::check(backup, &server.argument()));
    let found = [
        configuration::check(sources),
        configuration::check_settings(sources),
        configuration::check_exposure(sources),
        tls::check(&facts.tls, clock.now_micros, &sources.edit()),
        vec![access::check_directory(access)],
        access::check(access),
        vec![disk::check_kind(room, &access.directory)],
        disk::check_space(room, reserve),
        growth.unwrap_or_default(),
        vec![disk::check_syncs(&facts.syncs, &room.directory)],
        vec![machine::check_descriptors(machine, asked), machine::check_tasks(machine)],
        vec![clock::check_step(clock), clock::check_keeper(clock)],
        vec![clock::check_record(clock, last)],
        log::check_failures(files, clock.now_micros),
        log::check_mark(files, status.map(|status| status.log_size), &restore),
        log::check_store(files, &restore),
        log::check_cursors(files),
        of_catalogues,
        server::check(server, files, listen.as_deref()),
        server::check_appends(server, &sources.edit()),
        node::check(server, &sources.edit()),
        node::check_at_rest(files, sources),
        of_operations(facts),
        backup.collect(),
    ];
    let found = found.concat();
    debug_assert!(found.iter().all(|finding| IDS.contains(&finding.id)), "an id is not declared");
    found
}

/// The findings of the operations port, if a server answers.
fn of_operations(facts: &Facts) -> Vec<Finding> {
    let operations = facts.operations.operations();
    if facts.server.status().is_none() && operations.is_none() {
        return Vec::new();
    }
    let server = facts.server.argument();
    let mut found = vec![operations::check_readiness(&facts.operations, &server)];
    if let Some(operations) = operations {
        found.push(operations::check_lines(operations));
        found.push(operations::check_cursors(operations, &server));
    }
    found
}

/// How the log of a server grows, if it says so.
fn growth(status: &pb::GetStatusResponse) -> Option<Growth> {
    let work = status.recent_work.as_ref()?;
    let window = work.window.as_ref()?;
    Some(Growth {
        disk_bytes: status.disk_bytes?,
        events: status.log_size,
        recorded: work.event_count,
        over: Duration::try_from(*window).ok()?,
    })
}

/// The digests of the adopted catalogues whose files are not there.
fn missing(server: &Server, files: &LogFiles) -> Vec<[u8; 32]> {
    let is_missing =
        |digest: &&[u8; 32]| !catalogue_files::path_in(&files.directory, digest).exists();
    server.adopted.iter().filter(is_missing).copied().collect()
}

/// The command that makes a log of the backup, or else finds the first event that is wrong.
fn restore(facts: &Facts) -> String {
    let data = &facts.files.directory;
    match &facts.backup_directory {
        Some(backup) => {
            let restored = files::beside(data, ".restored");
            format!("tidu restore {} --data-dir {}", word(backup), word(&restored))
        }
        None => format!("tidu verify {}", word(data)),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    #[test]
    fn a_server_is_reached_where_it_listens() {
        let reached = |listen: &str| {
            let reached = reached_at("http", listen.parse().unwrap());
            reached.map_or_else(String::new, |address| address.to_string())
        };
        assert_eq!(reached("127.0.0.1:7"), "http://127.0.0.1:7");
        assert_eq!(reached("0.0.0.0:7"), "http://127.0.0.1:7");
        assert_eq!(reached("[::]:7"), "http://[::1]:7");
        assert_eq!(reached("127.0.0.1:0"), "");
    }

    /// The table of the page lists each id once.
    #[test]
    fn the_page_lists_every_finding() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operating.md");
        let page = fs::read_to_string(page).unwrap();
        let section = page.split("## tidu doctor").nth(1).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let listed: Vec<_> = rows.collect();
        assert_eq!(listed.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from(IDS));
        assert_eq!(listed.len(), IDS.len(), "one row for each");
    }
}
