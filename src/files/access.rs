//! Who may open a file, and which files are opened.
//!
//! - Whatever is made here belongs to this user alone: directories get mode 0700, files 0600.
//! - A file to write never goes through a symbolic link. Its name is taken exclusively, so that
//!   nobody can plant another file under it.
//! - A file to read must be regular. Opening a pipe would wait, and reading a device could go on
//!   for ever. It may be named through a link.
//! - A directory that a caller names may be a link as well.

use std::{
    fs::{self, DirBuilder, File, FileType, Metadata, OpenOptions, Permissions},
    io::{self, Read},
    os::unix::fs::{
        DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _,
        PermissionsExt as _,
    },
    path::Path,
};

use rustix::{fs::Mode, process};

/// Permissions of everybody but the owner.
const OTHERS: u32 = 0o077;
const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Keeps everything that this process makes from now on to its user. The stores make files of their
/// own, which have no mode in this code.
pub fn make_private() {
    process::umask(Mode::from_raw_mode(OTHERS));
}

/// Makes a directory and those above it, unless they exist. A directory that exists keeps its mode.
///
/// # Errors
/// If it cannot be made.
pub fn create_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path)
}

/// Makes a directory, or takes one of this user and withdraws the access of others: to the
/// directory, and to the files and directories in it that have one of these names. Returns true if
/// others had access.
///
/// # Errors
/// [`io::ErrorKind::PermissionDenied`] if it belongs to another user, who could replace its files.
pub fn own_directory(path: &Path, names: &[&str]) -> io::Result<bool> {
    create_directory(path)?;
    let directory = OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY).open(path)?;
    let metadata = directory.metadata()?;
    require_own(&metadata)?;
    if metadata.mode() & OTHERS == 0 {
        return Ok(false);
    }
    // The directory comes last, so that an interrupted start goes over the files again.
    for name in names {
        withdraw_below(&path.join(name))?;
    }
    withdraw(&directory, &metadata)?;
    Ok(true)
}

/// Withdraws the access of others to a file, or to a directory with everything in it. Leaves alone
/// what is missing, a link, or of another user.
fn withdraw_below(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata?,
    };
    let kind = metadata.file_type();
    if require_own(&metadata).is_err() || !(kind.is_dir() || kind.is_file()) {
        return Ok(());
    }
    if kind.is_dir() {
        for entry in fs::read_dir(path)? {
            withdraw_below(&entry?.path())?;
        }
    }
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(path)?;
    withdraw(&file, &metadata)
}

fn withdraw(file: &File, metadata: &Metadata) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(metadata.mode() & !OTHERS))
}

/// Opens a file to read it.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] if it is not a regular file.
pub fn open(path: &Path) -> io::Result<File> {
    // Looked at before it is opened, because opening alone moves some devices.
    require_regular(fs::metadata(path)?.file_type())?;
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    require_regular(file.metadata()?.file_type())?;
    Ok(file)
}

/// Opens a file that this program made, to read and change it.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] if it is not a regular file, or a link.
pub fn open_to_change(path: &Path) -> io::Result<File> {
    reject_link(path)?;
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?;
    require_regular(file.metadata()?.file_type())?;
    Ok(file)
}

/// Makes a file to read and write.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] if anything has that name, a link included.
pub fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(FILE_MODE).open(path)
}

/// Opens a file of this user that nobody else can open, or makes it.
///
/// # Errors
/// As [`open_to_change`]; [`io::ErrorKind::PermissionDenied`] if it belongs to another user.
pub(super) fn open_own(path: &Path) -> io::Result<File> {
    let file = match create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open_to_change(path)?,
        created => created?,
    };
    owned(file)
}

/// As [`open_own`]. Whatever is written goes to the end of the file.
pub(super) fn open_own_to_append(path: &Path) -> io::Result<File> {
    // The name is taken exclusively, or is that of a regular file.
    drop(open_own(path)?);
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).append(true).custom_flags(flags).open(path)?;
    require_regular(file.metadata()?.file_type())?;
    owned(file)
}

fn owned(file: File) -> io::Result<File> {
    let metadata = file.metadata()?;
    require_own(&metadata)?;
    if metadata.mode() & OTHERS != 0 {
        withdraw(&file, &metadata)?;
    }
    Ok(file)
}

/// Reads a file of at most `bytes_max` bytes.
///
/// # Errors
/// As [`open`]; [`io::ErrorKind::FileTooLarge`].
pub fn read(path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    if length > bytes_max {
        return Err(too_large(bytes_max));
    }
    // The file can have grown since.
    read_into(Vec::with_capacity(length), file, bytes_max)
}

/// Reads at most `bytes_max` bytes to the end of an input, such as standard input.
///
/// # Errors
/// [`io::ErrorKind::FileTooLarge`] if it has more; errors of the input.
pub fn read_whole(input: impl Read, bytes_max: usize) -> io::Result<Vec<u8>> {
    read_into(Vec::new(), input, bytes_max)
}

/// Reads a file that holds a secret, such as a private key: nobody but its owner may open it.
///
/// # Errors
/// As [`read`]; [`io::ErrorKind::PermissionDenied`] if others may open it.
pub fn read_secret(path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let mode = file.metadata()?.mode() & 0o7777;
    if mode & OTHERS != 0 {
        let text = format!(
            "others may open it (mode {mode:04o}), and it holds a secret; close it to them: chmod \
             600 {}",
            path.display()
        );
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    read_into(Vec::new(), file, bytes_max)
}

fn read_into(mut bytes: Vec<u8>, input: impl Read, bytes_max: usize) -> io::Result<Vec<u8>> {
    let most = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    input.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > bytes_max { Err(too_large(bytes_max)) } else { Ok(bytes) }
}

fn too_large(bytes_max: usize) -> io::Error {
    let text = format!("it has more than {bytes_max} bytes, which is the limit");
    io::Error::new(io::ErrorKind::FileTooLarge, text)
}

/// Reads a text of at most `bytes_max` bytes.
///
/// # Errors
/// As [`read`]; [`io::ErrorKind::InvalidData`] if it is not UTF-8.
pub fn read_text(path: &Path, bytes_max: usize) -> io::Result<String> {
    String::from_utf8(read(path, bytes_max)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not a text in UTF-8"))
}

/// Copies a file to a name that nothing has.
///
/// # Errors
/// As [`open`] and [`create`].
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    io::copy(&mut open(from)?, &mut create(to)?).map(drop)
}

/// Refuses to replace anything but a regular file. A link, a pipe or a device under the name of a
/// file to write is a mistake or a trap.
pub(super) fn require_replaceable(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => require_regular(metadata.file_type()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// True if a name still belongs to an open file.
#[must_use]
pub fn is_named(file: &File, path: &Path) -> bool {
    let identity = |metadata: &Metadata| (metadata.dev(), metadata.ino());
    let (open, named) = (file.metadata(), fs::symlink_metadata(path));
    matches!((open, named), (Ok(open), Ok(named)) if identity(&open) == identity(&named))
}

fn reject_link(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() { require_regular(metadata.file_type()) } else { Ok(()) }
}

fn require_regular(found: FileType) -> io::Result<()> {
    if found.is_file() { Ok(()) } else { Err(other_than("a regular file", found)) }
}

/// Refuses anything but a Unix socket.
pub(super) fn require_socket(found: FileType) -> io::Result<()> {
    if found.is_socket() { Ok(()) } else { Err(other_than("a socket", found)) }
}

fn other_than(wanted: &str, found: FileType) -> io::Error {
    let is = match found {
        found if found.is_file() => "a regular file",
        found if found.is_symlink() => "a symbolic link",
        found if found.is_dir() => "a directory",
        found if found.is_fifo() => "a named pipe",
        found if found.is_socket() => "a socket",
        _ => "a device",
    };
    io::Error::new(io::ErrorKind::InvalidInput, format!("it is {is}, not {wanted}"))
}

/// Refuses a directory in which another user could replace files.
pub(super) fn require_guarded(metadata: &Metadata, directory: &Path) -> io::Result<()> {
    const ANYBODY_WRITES: u32 = 0o002;
    /// Everybody may make files, and remove only those of their own.
    const STICKY: u32 = 0o1000;
    let (owner, mode) = (metadata.uid(), metadata.mode());
    let shown = directory.display();
    let text = if owner != 0 && require_own(metadata).is_err() {
        format!("the directory {shown} belongs to user {owner}")
    } else if mode & ANYBODY_WRITES != 0 && mode & STICKY == 0 {
        format!("everybody may change the directory {shown}; run: chmod o-w '{shown}'")
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
}

fn require_own(metadata: &Metadata) -> io::Result<()> {
    let (owner, user) = (metadata.uid(), process::geteuid().as_raw());
    if owner == user {
        return Ok(());
    }
    let text = format!(
        "it belongs to user {owner}, and this is user {user}; run the command as that user: sudo \
         -u '#{owner}' …"
    );
    Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
}

#[cfg(test)]
mod tests;
