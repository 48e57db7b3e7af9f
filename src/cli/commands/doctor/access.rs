//! Who may read and change the data directory.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use super::finding::{Finding, word};
use crate::{
    files,
    lang::{say, word as said},
    limits::DOCTOR_FILES_MAX,
    log,
};

/// Permissions of everybody but the owner.
const OTHERS: u32 = 0o077;

/// Names of files in a data directory that a start opens.
const FILES: [&str; 3] = ["LOCK", "MARK", "cursors.redb"];
/// Names of directories in it.
const DIRECTORIES: [&str; 2] = ["catalogues", "log"];

/// A file or directory of a log.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
    /// The lower nine bits of its mode.
    pub(super) mode: u32,
    pub(super) owner: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    File,
    /// Something else, in English and in Chinese.
    Odd((&'static str, &'static str)),
}

/// A data directory, as far as this user sees it.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) directory: PathBuf,
    /// `None` if there is no directory.
    pub(super) own: Option<Named>,
    /// The files of the log in it.
    pub(super) files: Vec<Named>,
    /// The first of them that could not be looked at.
    pub(super) unseen: Option<(PathBuf, String)>,
    /// The user who looks.
    pub(super) user: u32,
}

pub(super) fn look(directory: &Path) -> Access {
    let mut access = Access {
        directory: directory.to_path_buf(),
        own: None,
        files: Vec::new(),
        unseen: None,
        user: rustix::process::geteuid().as_raw(),
    };
    // The directory itself may be named through a link.
    match fs::metadata(directory) {
        Ok(metadata) => access.own = Some(named(directory, &metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return access,
        Err(error) => access.unseen = Some((directory.to_path_buf(), error.to_string())),
    }
    for name in log::FILE_NAMES {
        access.add(&directory.join(name));
    }
    access
}

impl Access {
    fn add(&mut self, path: &Path) {
        let metadata = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.note(path, &error),
            Ok(metadata) => metadata,
        };
        if self.files.len() >= DOCTOR_FILES_MAX {
            return;
        }
        self.files.push(named(path, &metadata));
        if !metadata.is_dir() {
            return;
        }
        match fs::read_dir(path) {
            Ok(entries) => entries.flatten().for_each(|entry| self.add(&entry.path())),
            Err(error) => self.note(path, &error),
        }
    }

    /// True for a directory in the place of a file, or a file in that of a directory.
    fn is_misplaced(&self, named: &Named) -> bool {
        let is_at = |names: &[&str]| names.iter().any(|it| self.directory.join(it) == named.path);
        match named.kind {
            Kind::Directory => is_at(&FILES),
            Kind::File => is_at(&DIRECTORIES),
            Kind::Odd(_) => false,
        }
    }

    fn note(&mut self, path: &Path, error: &io::Error) {
        self.unseen.get_or_insert_with(|| (path.to_path_buf(), error.to_string()));
    }
}

fn named(path: &Path, metadata: &Metadata) -> Named {
    let kind = match metadata.file_type() {
        kind if kind.is_dir() => Kind::Directory,
        kind if kind.is_file() => Kind::File,
        kind if kind.is_symlink() => Kind::Odd(("a symbolic link", "符号链接")),
        kind if kind.is_fifo() => Kind::Odd(("a named pipe", "命名管道")),
        kind if kind.is_socket() => Kind::Odd(("a socket", "套接字")),
        _ => Kind::Odd(("a device", "设备文件")),
    };
    Named { path: path.to_path_buf(), kind, mode: metadata.mode() & 0o777, owner: metadata.uid() }
}

/// `data-directory`: it is there, and this user can look into it.
pub(super) fn check_directory(access: &Access) -> Finding {
    let id = "data-directory";
    let (shown, command) = (access.directory.display(), word(&access.directory));
    let Some(own) = &access.own else {
        if let Some((path, why)) = &access.unseen {
            let path = path.display();
            let found = say!(en: "{path} cannot be looked at: {why}", zh: "无法查看 {path}：{why}");
            return Finding::error(id, found, format!("sudo tidu doctor --data-dir {command}"));
        }
        let found = say!(
            en: "{shown} does not exist; the first start makes it",
            zh: "{shown} 不存在，首次启动时会创建"
        );
        return Finding::ok(id, found);
    };
    if own.kind != Kind::Directory {
        // Somebody else may need that file, so it is not to be moved.
        let found = say!(
            en: "{shown} is not a directory; name the data directory of the log",
            zh: "{shown} 不是目录，请指定日志的数据目录"
        );
        return Finding::error(id, found, "tidu doctor --data-dir DIRECTORY");
    }
    if let Some((path, why)) = &access.unseen {
        let (owner, user, path) = (own.owner, access.user, path.display());
        let found = say!(
            en: "{path} cannot be looked at: {why}; the directory belongs to user {owner}, and \
                 this is user {user}",
            zh: "无法查看 {path}：{why}；该目录属于用户 {owner}，而当前用户为 {user}"
        );
        let run = format!("sudo -u '#{owner}' tidu doctor --data-dir {command}");
        return Finding::error(id, found, run);
    }
    let files = access.files.len();
    Finding::ok(
        id,
        say!(
            en: "{shown} has {files} files and directories of a log",
            zh: "{shown} 中有日志的 {files} 个文件和目录"
        ),
    )
}

/// `access`: it belongs to one user, who alone can read and change it.
pub(super) fn check(access: &Access) -> Vec<Finding> {
    let id = "access";
    let Some(own) = access.own.as_ref().filter(|own| own.kind == Kind::Directory) else {
        return Vec::new();
    };
    let command = word(&access.directory);
    let mut found = Vec::new();
    let is_wrong = |named: &&Named| named.is_odd() || access.is_misplaced(named);
    for Named { path, kind, .. } in access.files.iter().filter(is_wrong) {
        let aside = word(&files::beside(path, ".aside"));
        let (kind, shown) = (kind.name(), path.display());
        let text = say!(
            en: "{shown} is {kind}; a start refuses it", zh: "{shown} 是{kind}，启动时会被拒绝"
        );
        found.push(Finding::error(id, text, format!("mv {} {aside}", word(path))));
    }
    let regular = || [own].into_iter().chain(&access.files).filter(|named| !named.is_odd());
    let of_others: Vec<_> = regular().filter(|named| named.owner != own.owner).collect();
    if let Some(first) = of_others.first() {
        let (owner, path, other) = (own.owner, first.path.display(), first.owner);
        let count = of_others.len();
        let text = say!(
            en: "{count} of the files belong to other users than the directory's user {owner}: \
                 {path} belongs to user {other}",
            zh: "有 {count} 个文件不属于目录的用户 {owner}：{path} 属于用户 {other}"
        );
        found.push(Finding::error(id, text, format!("sudo chown -hR {owner} {command}")));
    }
    let open: Vec<_> = regular().filter(|named| named.mode & OTHERS != 0).collect();
    if let Some(first) = open.first() {
        let (count, path, mode) = (open.len(), first.path.display(), first.mode);
        let text = say!(
            en: "other users have access to {count} of the files: {path} has mode {mode:04o}",
            zh: "其他用户可以访问其中 {count} 个文件：{path} 的权限为 {mode:04o}"
        );
        found.push(Finding::warn(id, text, format!("chmod -R go= {command}")));
    }
    let shut: Vec<_> = regular().filter(|named| named.is_shut()).collect();
    if let Some(first) = shut.first() {
        let (count, path, mode) = (shut.len(), first.path.display(), first.mode);
        let text = say!(
            en: "their own user has no full access to {count} of the files: {path} has mode \
                 {mode:04o}",
            zh: "所属用户不能完全访问其中 {count} 个文件：{path} 的权限为 {mode:04o}"
        );
        found.push(Finding::error(id, text, format!("chmod -R u+rwX {command}")));
    }
    if found.is_empty() {
        let owner = own.owner;
        found.push(Finding::ok(
            id,
            say!(
                en: "only user {owner} can read and change the files",
                zh: "只有用户 {owner} 可以读取和修改这些文件"
            ),
        ));
    }
    found
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Directory => said!(en: "a directory", zh: "目录"),
            Self::File => said!(en: "a file", zh: "文件"),
            Self::Odd((en, zh)) => said!(en: en, zh: zh),
        }
    }
}

impl Named {
    fn is_odd(&self) -> bool {
        matches!(self.kind, Kind::Odd(_))
    }

    fn is_shut(&self) -> bool {
        let needed = if self.kind == Kind::Directory { 0o700 } else { 0o600 };
        self.mode & needed != needed
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::finding::{Level, told},
        *,
    };

    fn access() -> Access {
        let named = |path: &str, kind, mode| Named { path: path.into(), kind, mode, owner: 7 };
        Access {
            directory: "/data".into(),
            own: Some(named("/data", Kind::Directory, 0o700)),
            files: vec![
                named("/data/LOCK", Kind::File, 0o600),
                named("/data/log", Kind::Directory, 0o700),
            ],
            unseen: None,
            user: 7,
        }
    }

    fn commands(access: &Access) -> Vec<(Level, String)> {
        let found = told(|| [vec![check_directory(access)], check(access)].concat());
        found.into_iter().map(|it| (it.level, it.run.unwrap_or_default())).collect()
    }

    #[test]
    fn private_files_of_one_user_are_well() {
        assert_eq!(commands(&access()), [(Level::Ok, String::new()), (Level::Ok, String::new())]);
        let none = Access { own: None, files: Vec::new(), ..access() };
        assert_eq!(commands(&none), [(Level::Ok, String::new())]);
    }

    #[test]
    fn each_fault_has_its_level_and_its_command() {
        let of = |change: &dyn Fn(&mut Access)| {
            let mut access = access();
            change(&mut access);
            let bad = commands(&access).into_iter().find(|(level, _)| *level != Level::Ok);
            bad.unwrap()
        };
        let file = |change: &dyn Fn(&mut Named)| of(&|access| change(&mut access.files[0]));
        for (found, level, command) in [
            (file(&|file| file.mode = 0o640), Level::Warn, "chmod -R go= /data"),
            (file(&|file| file.owner = 8), Level::Error, "sudo chown -hR 7 /data"),
            (file(&|file| file.mode = 0o400), Level::Error, "chmod -R u+rwX /data"),
            (
                file(&|file| file.kind = Kind::Odd(("a named pipe", "命名管道"))),
                Level::Error,
                "mv /data/LOCK /data/LOCK.aside",
            ),
            (
                file(&|file| file.kind = Kind::Directory),
                Level::Error,
                "mv /data/LOCK /data/LOCK.aside",
            ),
            (
                of(&|access| access.files[1].kind = Kind::File),
                Level::Error,
                "mv /data/log /data/log.aside",
            ),
            (
                of(&|access| access.own.as_mut().unwrap().mode = 0o755),
                Level::Warn,
                "chmod -R go= /data",
            ),
            (
                of(&|access| access.own.as_mut().unwrap().kind = Kind::File),
                Level::Error,
                "tidu doctor --data-dir DIRECTORY",
            ),
            (
                of(&|access| access.unseen = Some(("/data/log".into(), "no".to_owned()))),
                Level::Error,
                "sudo -u '#7' tidu doctor --data-dir /data",
            ),
            (
                of(&|access| {
                    access.own = None;
                    access.unseen = Some(("/data".into(), "no".to_owned()));
                }),
                Level::Error,
                "sudo tidu doctor --data-dir /data",
            ),
        ] {
            assert_eq!(found, (level, command.to_owned()));
        }
    }
}
