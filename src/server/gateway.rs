//! Unix sockets of gateways. A gateway ends a channel that this server does not speak, on the same
//! machine, and hands its callers on. The system tells the user of the process at the other end:
//! that is its credential, and only one user is let in at each socket.

use std::{
    io,
    os::unix::net::UnixStream as Probe,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::process;
use tokio::{
    net::{UnixListener, UnixStream},
    time::sleep,
};
use tokio_util::task::TaskTracker;

use super::{
    accept::Seldom,
    config::GatewaySocket,
    connection::{Remote, Serving},
    places::Places,
};
use crate::{access::Channel, domain::Party, files, limits::ACCEPT_PAUSE};

/// A socket that gateways reach. Its file is removed when this is dropped.
pub(super) struct Gateway {
    path: PathBuf,
    uid: u32,
    listener: UnixListener,
}

impl Gateway {
    /// Listens. A socket that an earlier process left behind is replaced.
    ///
    /// # Errors
    /// If another process listens there, if the name belongs to anything but a socket, or if the
    /// socket cannot be made.
    pub(super) fn listen(socket: &GatewaySocket) -> io::Result<Self> {
        let path = socket.path();
        files::require_guarded_directory(path)?;
        remove_stale(path)?;
        let listener = UnixListener::bind(path)?;
        // The user of the gateway needs access by the group, unless it is this one. Whoever else
        // has access is refused by its user.
        let is_own = socket.uid() == process::geteuid().as_raw();
        let gateway = Self { path: path.to_path_buf(), uid: socket.uid(), listener };
        files::permit_socket(path, !is_own)?;
        Ok(gateway)
    }

    /// Accepts connections for ever.
    pub(super) async fn run(self, places: Arc<Places>, serving: Serving, tasks: TaskTracker) {
        let (mut failed, mut refused) = (Seldom::default(), Seldom::default());
        let (path, uid) = (self.path.display(), self.uid);
        loop {
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    failed.report(|more| {
                        tracing::warn!(%path, %error, more, "cannot accept a gateway");
                    });
                    places.free_some();
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let user = stream.peer_cred().map(|peer| peer.uid());
            if !user.as_ref().is_ok_and(|user| *user == uid) {
                refused.report(|more| {
                    let allowed = uid;
                    tracing::warn!(%path, ?user, allowed, more, "refused the user of a gateway");
                });
                serving.metrics.connections_refused_total.with(["user"]).inc();
                continue;
            }
            self.admit(stream, &places, &serving, &tasks, &mut refused);
        }
    }

    fn admit(
        &self,
        stream: UnixStream,
        places: &Arc<Places>,
        serving: &Serving,
        tasks: &TaskTracker,
        refused: &mut Seldom,
    ) {
        match places.take(Party::User(self.uid)) {
            Ok(place) => {
                let channel = Some(Channel::gateway_socket(self.uid));
                let remote = Remote { peer: None, channel };
                tasks.spawn(serving.clone().serve(stream, remote, place));
            }
            Err(full) => {
                let path = self.path.display();
                refused.report(|more| tracing::warn!(%path, %full, more, "refused a gateway"));
                serving.metrics.connections_refused_total.with([full.cause()]).inc();
            }
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // The next start removes what is left.
        let _ = files::remove_socket(&self.path);
    }
}

/// Removes the socket of a process that has ended.
fn remove_stale(path: &Path) -> io::Result<()> {
    if !files::is_socket(path)? {
        return Ok(());
    }
    match Probe::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            files::remove_socket(path)
        }
        Err(error) => Err(error),
        Ok(_) => {
            let text = "another process listens there; stop it first";
            Err(io::Error::new(io::ErrorKind::AddrInUse, text))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    fn socket(path: &Path, uid: u32) -> GatewaySocket {
        format!("{}:{uid}", path.display()).parse().unwrap()
    }

    #[tokio::test]
    async fn a_socket_is_private_and_takes_the_place_of_a_stale_one_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gateway.sock");
        let own = process::geteuid().as_raw();
        let mode = || fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777;
        let listening = Gateway::listen(&socket(&path, own)).unwrap();
        assert_eq!(mode(), 0o600);
        let busy = Gateway::listen(&socket(&path, own)).err().unwrap();
        assert_eq!(busy.kind(), io::ErrorKind::AddrInUse);
        // As a process leaves it that was killed.
        std::mem::forget(std::mem::replace(&mut { listening }.path, PathBuf::new()));
        let other = Gateway::listen(&socket(&path, own + 1)).unwrap();
        assert_eq!(mode(), 0o660);
        drop(other);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_directory_that_everybody_may_change_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let socket = socket(&dir.path().join("gateway.sock"), 7);
        for (mode, is_taken) in [(0o777, false), (0o1777, true), (0o775, true)] {
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Gateway::listen(&socket).is_ok(), is_taken, "{mode:o}");
        }
    }

    #[tokio::test]
    async fn a_name_that_is_not_a_socket_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        fs::write(&file, "x").unwrap();
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &link).unwrap();
        for path in [&file, &link] {
            let refused = Gateway::listen(&socket(path, 7)).err().unwrap();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput, "{}", path.display());
            assert!(fs::symlink_metadata(path).is_ok());
        }
    }
}
