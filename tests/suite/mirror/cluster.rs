//! A cluster of PostgreSQL in a directory of its own, behind a Unix socket, and on loopback with
//! TLS if a test asks for it.

use std::{
    env, fs,
    net::TcpListener,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::support::mtls::{Ca, Certified, private};

/// The directory with the programs of PostgreSQL.
const PROGRAMS: &str = "TIDU_POSTGRES_BIN";
/// The user to whom a test that runs as root gives the cluster: it refuses root.
const USER: &str = "nobody";
/// Part of the name of the socket where nothing listens on a port.
const PORT_UNUSED: u16 = 5432;

pub struct Cluster {
    dir: TempDir,
    programs: PathBuf,
    postgres: Option<Child>,
    port: u16,
    listens: bool,
}

impl Cluster {
    /// `None` where the tests are not asked for.
    pub async fn start() -> Option<Self> {
        let mut cluster = Self::make()?;
        cluster.open().await;
        Some(cluster)
    }

    /// One that listens on loopback with this certificate, takes certificates of callers of this
    /// authority, and lets these in: lines of `pg_hba.conf`.
    pub async fn start_with_tls(server: &Certified, callers: &Ca, lets_in: &str) -> Option<Self> {
        let mut cluster = Self::make()?;
        cluster.listens = true;
        cluster.certify(server);
        cluster.put("callers.pem", &callers.pem());
        cluster.put("pg_hba.conf", &format!("local all all trust\n{lets_in}"));
        let settings = "ssl = on\nssl_cert_file = 'server.pem'\nssl_key_file = 'server.key'\n\
                        ssl_ca_file = 'callers.pem'\n";
        let conf = cluster.data().join("postgresql.conf");
        let stated = fs::read_to_string(&conf).unwrap();
        cluster.put("postgresql.conf", &format!("{stated}\n{settings}"));
        cluster.open().await;
        Some(cluster)
    }

    fn make() -> Option<Self> {
        let programs = PathBuf::from(env::var_os(PROGRAMS)?);
        // The path of a socket is short.
        let dir = tempfile::tempdir_in("/tmp").unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let cluster = Self { dir, programs, postgres: None, port: PORT_UNUSED, listens: false };
        let made = cluster
            .command("initdb")
            .args(["--auth=trust", "--username=tidu", "--encoding=UTF8", "--no-locale", "-D"])
            .arg(cluster.data())
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        Some(cluster)
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("cluster")
    }

    /// Writes a file into the cluster, for its user alone.
    fn put(&self, name: &str, text: &str) {
        let (path, owner) = (self.data().join(name), fs::metadata(self.data()).unwrap());
        private(&path, text);
        chown(path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }

    /// Gives it a certificate, which it takes when it is opened.
    pub fn certify(&self, server: &Certified) {
        let (certificate, key) = server.write(self.dir.path(), "server");
        self.put("server.pem", &fs::read_to_string(certificate).unwrap());
        self.put("server.key", &fs::read_to_string(key).unwrap());
    }

    /// A program of PostgreSQL, never as root.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let uid = Command::new("id").arg("-u").output().unwrap();
        if String::from_utf8_lossy(&uid.stdout).trim() != "0" {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid", USER, "--regid", "nogroup", "--clear-groups", "--"]).arg(program);
        command.current_dir("/");
        command
    }

    fn spawn(&mut self) -> Child {
        if self.listens {
            // Free a moment ago. Whoever takes it first, the next try has another one.
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            self.port = free.local_addr().unwrap().port();
        }
        let listen = if self.listens { "127.0.0.1" } else { "" };
        self.command("postgres")
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(self.dir.path())
            .args(["-p", &self.port.to_string(), "-c", &format!("listen_addresses={listen}")])
            .args(["-c", "shared_buffers=16MB"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    pub async fn open(&mut self) {
        let answers = async {
            let mut postgres = self.spawn();
            while tokio_postgres::connect(&self.address(), NoTls).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
                // It refuses to start beside processes of one that was killed.
                if postgres.try_wait().unwrap().is_some() {
                    postgres = self.spawn();
                }
            }
            postgres
        };
        let postgres = tokio::time::timeout(Duration::from_secs(60), answers).await.unwrap();
        self.postgres = Some(postgres);
    }

    /// Its address behind the socket.
    pub fn address(&self) -> String {
        format!("postgres://tidu@/postgres?host={}&port={}", self.dir.path().display(), self.port)
    }

    /// Its address on loopback under a name, for a user.
    pub fn address_at(&self, name: &str, user: &str) -> String {
        format!("postgres://{user}@{name}:{}/postgres", self.port)
    }

    /// Ends it as a crash would, or as an operator does who does not wait.
    pub fn stop(&mut self, signal: &str) {
        let Some(mut postgres) = self.postgres.take() else { return };
        let pid = postgres.id().to_string();
        // A killed postmaster leaves its children, which notice and end.
        let _ = Command::new("kill").args([signal, &pid]).status();
        postgres.wait().unwrap();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop("-QUIT");
    }
}
