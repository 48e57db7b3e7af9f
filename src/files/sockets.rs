//! The files of Unix sockets. Binding makes such a file; here is what comes before and after.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use super::access::{require_guarded, require_socket};

/// True if the name belongs to a socket, false if nothing has it.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] if it belongs to anything else, a link included.
pub fn is_socket(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        metadata => require_socket(metadata?.file_type()).map(|()| true),
    }
}

/// Refuses a socket in a directory where another user could put one of the same name.
///
/// # Errors
/// [`io::ErrorKind::PermissionDenied`] if the directory belongs to another user but root, or if
/// everybody may change it.
pub fn require_guarded_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    require_guarded(&fs::metadata(directory)?, directory)
}

/// Keeps a socket to this user, and to the group of its file if somebody else shall reach it.
///
/// # Errors
/// If it is not a socket, or if its mode cannot be changed.
pub fn permit_socket(path: &Path, to_group: bool) -> io::Result<()> {
    require_socket(fs::symlink_metadata(path)?.file_type())?;
    let mode = if to_group { 0o660 } else { 0o600 };
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Removes a socket.
///
/// # Errors
/// If it is not a socket, or cannot be removed.
pub fn remove_socket(path: &Path) -> io::Result<()> {
    if is_socket(path)? { fs::remove_file(path) } else { Ok(()) }
}
