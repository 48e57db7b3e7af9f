//! Two machines on a switch, each in a network namespace of its own. A cut link answers nothing:
//! packets vanish on it, and nobody is told.

use std::{
    fs::File,
    io,
    net::{SocketAddr, TcpStream as StdStream},
    os::fd::AsFd as _,
    path::Path,
    process::{self, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use futures_util::future::BoxFuture;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::{net::TcpStream, sync::oneshot};

use crate::support::{Server, TIDU, text, tools::is_there};

/// The networks of this process.
static LANS: AtomicUsize = AtomicUsize::new(0);

/// Makes a bridge in a namespace that is gone at once.
const TRIAL: [&str; 8] = ["unshare", "--net", "ip", "link", "add", "bridge0", "type", "bridge"];

/// The namespaces of a switch and of two machines. Nobody outside of them sees their links; they
/// end with the names.
pub struct Lan {
    switch: String,
    machines: [String; 2],
}

/// The way in which a link is cut, at the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    /// The cable is pulled out: the machine sees no carrier.
    Unplugged,
    /// The switch hands nothing on, and the machine sees its carrier all the time.
    Swallowed,
    /// Nothing comes to the machine, and all that it sends arrives.
    Deafened,
}

impl Lan {
    /// `None` where nobody may make namespaces. `without_it` tells what is not tested then.
    pub fn new(without_it: &str) -> Option<Self> {
        if !is_there(&TRIAL, without_it) {
            return None;
        }
        let number = LANS.fetch_add(1, Ordering::Relaxed);
        let named = |end| format!("tidu-{}-{number}-{end}", process::id());
        let lan = Self { switch: named("switch"), machines: ["one", "two"].map(named) };
        ip(&format!("netns add {}", lan.switch));
        ip(&format!("-n {} link add bridge0 type bridge", lan.switch));
        ip(&format!("-n {} link set bridge0 up", lan.switch));
        for (at, machine) in lan.machines.iter().enumerate() {
            let (switch, port, address) = (&lan.switch, port(at), address(at));
            ip(&format!("netns add {machine}"));
            ip(&format!(
                "link add uplink netns {machine} type veth peer name {port} netns {switch}"
            ));
            ip(&format!("-n {switch} link set {port} master bridge0 up"));
            ip(&format!("-n {machine} address add {address}/24 dev uplink"));
            ip(&format!("-n {machine} link set lo up"));
            ip(&format!("-n {machine} link set uplink address {} up", mac(at)));
        }
        Some(lan)
    }

    /// Cuts the link of a machine.
    pub fn cut(&self, at: usize, how: Cut) {
        let (switch, port) = (&self.switch, port(at));
        match how {
            Cut::Unplugged => ip(&format!("-n {switch} link set {port} down")),
            Cut::Swallowed => ip(&format!("-n {switch} link set {port} nomaster")),
            Cut::Deafened => self.mislead("replace", at),
        }
    }

    /// The link of a machine is as before the cut.
    pub fn mend(&self, at: usize, how: Cut) {
        let (switch, port) = (&self.switch, port(at));
        match how {
            Cut::Unplugged => ip(&format!("-n {switch} link set {port} up")),
            Cut::Swallowed => ip(&format!("-n {switch} link set {port} master bridge0")),
            Cut::Deafened => self.mislead("delete", at),
        }
    }

    /// Lets the switch believe that a machine is where packets for it come from: it drops them.
    fn mislead(&self, act: &str, at: usize) {
        let (switch, mac, port) = (&self.switch, mac(at), port(1 - at));
        let bridge = format!("bridge fdb {act} {mac} dev {port} master static sticky");
        ip(&format!("netns exec {switch} {bridge}"));
    }

    /// Delays packets of a machine and loses some; false if the kernel cannot do it.
    pub fn worsen(&self, at: usize) -> bool {
        let args = ["netns", "exec", &self.switch, "tc", "qdisc", "replace", "dev", &port(at)];
        let how = ["root", "netem", "delay", "20ms", "10ms", "loss", "20%"];
        let mut command = Command::new("ip");
        let command = command.args(args).args(how).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// The packets of a machine arrive as at first.
    pub fn ease(&self, at: usize) {
        ip(&format!("netns exec {} tc qdisc del dev {} root", self.switch, port(at)));
    }

    /// Starts a server at a machine, with a directory of its own.
    pub fn serve(&self, at: usize, dir: &Path, port: u16, args: &[String]) -> Server {
        let listen = format!("{}:{port}", address(at));
        let child = Command::new("ip")
            .args(["netns", "exec", &self.machines[at], TIDU, "serve", "--listen", &listen])
            .args(["--operations-listen", "127.0.0.1:0", "--data-dir", text(&dir.join("data"))])
            .args(args)
            .current_dir(dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Server::of(child).unwrap_or_else(|_| panic!("the server did not start"))
    }

    /// Connects at a machine, whatever its link.
    pub async fn connect(&self, at: usize, to: SocketAddr) -> io::Result<TcpStream> {
        connect(self.machines[at].clone(), to).await
    }

    /// The same, again and again.
    pub fn connector(
        &self,
        at: usize,
        to: SocketAddr,
    ) -> impl Fn() -> BoxFuture<'static, io::Result<TcpStream>> + Send + Sync + 'static {
        let machine = self.machines[at].clone();
        move || Box::pin(connect(machine.clone(), to))
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        // Some may be missing, if a test failed before they were made.
        for name in self.machines.iter().chain([&self.switch]) {
            let mut command = Command::new("ip");
            let _ = command.args(["netns", "delete", name]).stderr(Stdio::null()).status();
        }
    }
}

async fn connect(machine: String, to: SocketAddr) -> io::Result<TcpStream> {
    let (tell, told) = oneshot::channel();
    // A socket stays in the namespace of the thread that made it. The thread ends with it.
    thread::spawn(move || tell.send(connected(&machine, to)));
    TcpStream::from_std(told.await.map_err(io::Error::other)??)
}

fn connected(machine: &str, to: SocketAddr) -> io::Result<StdStream> {
    let namespace = File::open(Path::new("/run/netns").join(machine))?;
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
    let stream = StdStream::connect(to)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

fn port(at: usize) -> String {
    format!("port{at}")
}

fn mac(at: usize) -> String {
    format!("02:00:00:00:00:0{}", at + 1)
}

/// The address of a machine.
pub fn address(at: usize) -> String {
    format!("10.77.0.{}", at + 1)
}

fn ip(line: &str) {
    let output = Command::new("ip").args(line.split(' ')).output().unwrap();
    assert!(output.status.success(), "ip {line}: {output:?}");
}
