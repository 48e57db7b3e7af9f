//! `tidu backup`: adds what a served log has recorded since to a directory of backups.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::{Args, value_parser};

use super::{
    export::{archive, events, frames, header, summary},
    import::watcher,
};
use crate::{
    archive::{
        ArchiveError, ExpectedRoot, Form, Header, LogBuilder,
        backup::{Backup, Draft, Generation, Keep, Manifest, Tip},
    },
    catalogue_files::CatalogueFiles,
    cli::{
        CliError,
        args::{CatalogueArgs, ServerArgs, is_standard},
        catalogues,
        client::Client,
        cursor_file,
        destination::Destination,
        print::{Progress, eprint_line},
    },
    handover::HeardEpoch,
    lang::{say, word},
    limits::{BACKUP_KEEP_DAYS_MAX, BACKUP_KEEP_MAX},
    log,
    protocol::batch::Frame,
};

#[derive(Debug, Args)]
#[command(after_help = "\
DIRECTORY holds generations: whole backups, each of which grows by what was recorded since. The
first command begins one, and the next ones add to it. They read its manifest, not its archives:
the new part continues the frontier of the log that the manifest states, and must give the root
that the server states. `tidu verify DIRECTORY` reads everything; --verify does it for the newest
generation at once. --full begins another generation; so does the one after 1,000 archives.

Without --keep and --keep-days nothing is removed. With both, a generation stays that either of
them keeps. Old ones are removed only when the newest was read whole and found good, and the newest
stays always.

The backup holds the cursors and the catalogues that the log has adopted, other than those that
come with tidu. `-` writes the whole log to standard output. `tidu restore DIRECTORY --data-dir
DATA` builds a log from the newest generation.")]
pub(crate) struct BackupArgs {
    /// Directory of the backup, created if missing; or - for standard output
    directory: PathBuf,
    /// Begin a new generation: a whole backup, apart from those before
    #[arg(long)]
    full: bool,
    /// Keep so many generations, with the newest
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=KEEP_MAX))]
    keep: Option<u32>,
    /// Keep the generations that were written within so many days
    #[arg(long, value_name = "DAYS", value_parser = value_parser!(u32).range(1..=DAYS_MAX))]
    keep_days: Option<u32>,
    /// Read the newest generation whole afterwards
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    catalogue: CatalogueArgs,
    #[command(flatten)]
    server: ServerArgs,
}

const KEEP_MAX: i64 = BACKUP_KEEP_MAX as i64;
const DAYS_MAX: i64 = BACKUP_KEEP_DAYS_MAX as i64;

pub(super) async fn run(args: BackupArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.server).await?;
    if is_standard(&args.directory) {
        return stream(&args, &mut client).await;
    }
    reject_data_directory(&args.directory)?;
    let backup = Backup::open(&args.directory)?;
    for path in backup.removed() {
        let path = path.display();
        eprint_line(&say!(
            en: "removed {path}, which an interrupted backup had left",
            zh: "已删除中断的备份留下的 {path}"
        ));
    }
    let known = args.catalogue.read(&args.directory)?;
    let (files, adopted) = catalogues::fetch(&mut client, known).await?;
    // The cursors come first: none of them is then past the end of the log that is copied.
    let cursors = cursor_file::fetch(&mut client).await?;
    let cursors = cursors.as_deref().map(str::as_bytes);
    let mut source = Source { client, files };
    let newest = backup.generations()?.pop();
    let stand =
        newest.as_ref().map(|newest| source.stand(newest, args.full)).transpose()?.flatten();
    let generation = match (newest, stand) {
        (Some(newest), Some(Stand { manifest, builder })) if !args.full && !manifest.is_full() => {
            let epoch = manifest.epoch;
            let draft = backup.go_on(&newest, manifest);
            catalogues::keep(Some(draft.place()), &source.files, &adopted)?;
            source.add((draft, epoch), builder, cursors).await?
        }
        (_, stand) => {
            let draft = backup.begin()?;
            catalogues::keep(Some(draft.place()), &source.files, &adopted)?;
            let begun = source.begin(draft, stand.map(|stand| stand.manifest), cursors).await;
            if begun.is_err() {
                backup.give_up()?;
            }
            begun?
        }
    };
    finish(&args, &backup, &generation)
}

/// Writes the whole log to standard output.
async fn stream(args: &BackupArgs, client: &mut Client) -> Result<(), CliError> {
    if args.full || args.verify || args.keep.is_some() || args.keep_days.is_some() {
        return Err(CliError::Refused(word!(
            en: "--full, --keep, --keep-days and --verify are for a directory of backups; leave \
                 them out, or name a directory in the place of -",
            zh: "--full、--keep、--keep-days 和 --verify 用于备份目录；请去掉，或用目录代替 -"
        ).to_owned()));
    }
    let known = args.catalogue.read(&args.directory)?;
    let (files, adopted) = catalogues::fetch(client, known).await?;
    catalogues::keep(None, &files, &adopted)?;
    let (header, _) = header(client, 0).await?;
    let out = Destination::standard();
    let out = archive(client, &header, out, &args.directory, Form::Compressed).await?;
    out.commit().map_err(|e| ArchiveError::unwritten(&args.directory, e))?;
    eprint_line(&summary(&header));
    Ok(())
}

/// An archive beside a log would be lost with it, and no redaction of the log would find it.
fn reject_data_directory(directory: &Path) -> Result<(), CliError> {
    if !log::is_in(directory) {
        return Ok(());
    }
    let name = directory.display();
    Err(CliError::Refused(say!(
        en: "{name} is a data directory; name another one for the backup",
        zh: "{name} 是数据目录，请为备份另选目录"
    )))
}

/// The server whose log is copied.
struct Source {
    client: Client,
    files: CatalogueFiles,
}

/// A generation and where it ends.
struct Stand {
    manifest: Manifest,
    /// Continues its log.
    builder: LogBuilder,
}

impl Source {
    /// Where a generation ends: by its manifest, or by reading one of an earlier version. A damaged
    /// one does not keep a new generation from being begun.
    fn stand(&self, newest: &Generation, full: bool) -> Result<Option<Stand>, CliError> {
        let found = self.try_stand(newest);
        match found {
            Err(error) if full => {
                let newest = newest.path().display();
                eprint_line(&say!(
                    en: "{newest} cannot be used, and stays as it is: {error}",
                    zh: "{newest} 无法使用，保持原样：{error}"
                ));
                Ok(None)
            }
            found => found.map_err(|error| {
                CliError::from(error).advised(say!(
                    en: "a new generation beside it: tidu backup DIRECTORY --full",
                    zh: "可在其旁另建一代备份：tidu backup 目录 --full"
                ))
            }),
        }
    }

    fn try_stand(&self, newest: &Generation) -> Result<Option<Stand>, ArchiveError> {
        if let Some(manifest) = newest.present()? {
            let builder = LogBuilder::continuing(self.files.clone(), &manifest.tip)?;
            return Ok(Some(Stand { manifest, builder }));
        }
        let (mut builder, progress) = checking(self.files.clone());
        let manifest = newest.read(&mut builder)?;
        progress.finish();
        Ok(manifest.map(|manifest| Stand { manifest, builder }))
    }

    /// The header of the server's log from a position on. Another log than that of the backup
    /// before is refused, and a node that was succeeded since, in that epoch.
    async fn header(
        &mut self,
        first: u64,
        draft: &mut Draft,
        before: Option<(&Tip, u64)>,
    ) -> Result<Header, CliError> {
        // Two answers must tell an epoch that is new.
        let mut heard = HeardEpoch::knowing(before.map_or(0, |(_, epoch)| epoch));
        loop {
            let (header, status) = header(&mut self.client, first).await?;
            before.map(|(tip, _)| self.require_same_log(tip, &header)).transpose()?;
            let epoch = status.node.map_or(0, |node| node.epoch);
            let is_new = heard.hear(epoch).map_err(|e| CliError::OtherHistory(e.to_string()))?;
            if is_new || epoch == heard.known() {
                draft.set_epoch(heard.known());
                return Ok(header);
            }
        }
    }

    /// Adds to a generation what the log has beyond it.
    async fn add(
        &mut self,
        (mut draft, epoch): (Draft, u64),
        mut builder: LogBuilder,
        cursors: Option<&[u8]>,
    ) -> Result<Generation, CliError> {
        let had = builder.so_far().size;
        let header = self.header(had, &mut draft, Some((&tip_of(&builder)?, epoch))).await?;
        require_longer(&header, had)?;
        let (name, summary) = (served_log(), summary(&header));
        if header.next == had {
            // It must still be the same log.
            builder.begin(name, &header)?;
            builder.end(name, &header)?;
            let generation = draft.commit(tip_of(&builder)?, cursors)?;
            eprint_line(&say!(
                en: "nothing was recorded since the last backup; {summary}",
                zh: "上次备份之后没有新事件；{summary}"
            ));
            return Ok(generation);
        }
        self.copy(draft, builder, &header, cursors).await
    }

    /// Begins a generation. It must have the events of the one before it, if that can be used.
    async fn begin(
        &mut self,
        mut draft: Draft,
        before: Option<Manifest>,
        cursors: Option<&[u8]>,
    ) -> Result<Generation, CliError> {
        let known = before.as_ref().map(|before| (&before.tip, before.epoch));
        let header = self.header(0, &mut draft, known).await?;
        let mut builder = LogBuilder::checking(self.files.clone());
        if let Some(before) = before {
            let tip = &before.tip;
            require_longer(&header, before.size())?;
            let (root, size) = (tip.frontier.root(), before.size());
            let has_events = size > 0;
            builder.expect(has_events.then_some(ExpectedRoot { root, size: Some(size) }));
        }
        self.copy(draft, builder, &header, cursors).await
    }

    /// Refuses another log, as any other archive.
    fn require_same_log(&self, tip: &Tip, header: &Header) -> Result<(), ArchiveError> {
        if tip.log_id == header.log_id {
            return Ok(());
        }
        LogBuilder::continuing(self.files.clone(), tip)?.begin(served_log(), header)
    }

    /// Copies a part of the log into a generation, and keeps it only if it fits.
    async fn copy(
        &mut self,
        mut draft: Draft,
        mut builder: LogBuilder,
        header: &Header,
        cursors: Option<&[u8]>,
    ) -> Result<Generation, CliError> {
        let name = served_log();
        builder.begin(name, header)?;
        let mut archive = draft.archive(*header)?;
        let does_not_follow = |e: ArchiveError| match e {
            e @ ArchiveError::OtherRoot { .. } => e,
            e => ArchiveError::Misplaced {
                name: name.to_owned(),
                detail: say!(
                    en: "it does not continue the backup: {e}", zh: "与已有备份不衔接：{e}"
                ),
            },
        };
        let take = |frame: Frame| {
            builder.frame(&frame).map_err(does_not_follow)?;
            Ok(archive.frame(&frame)?)
        };
        frames(&mut self.client, header, take).await?;
        builder.end(name, header)?;
        draft.add(archive, now_micros())?;
        let generation = draft.commit(tip_of(&builder)?, cursors)?;
        eprint_line(&summary(header));
        Ok(generation)
    }
}

/// A log that is shorter than its backup went back.
fn require_longer(header: &Header, had: u64) -> Result<(), ArchiveError> {
    let has = header.next;
    if has >= had {
        return Ok(());
    }
    Err(ArchiveError::Misplaced {
        name: served_log().to_owned(),
        detail: say!(
            en: "the backup has {had} events, but the server's log has only {has}",
            zh: "备份有 {had} 个事件，而服务器的日志只有 {has} 个"
        ),
    })
}

/// Where a log ends that has an archive.
fn tip_of(builder: &LogBuilder) -> Result<Tip, CliError> {
    let without =
        || CliError::Message(word!(en: "the log has no id", zh: "日志没有编号").to_owned());
    builder.tip().ok_or_else(without)
}

/// Reads the newest generation if that is asked for, or before an older one is removed.
fn finish(args: &BackupArgs, backup: &Backup, newest: &Generation) -> Result<(), CliError> {
    let keep = Keep { generations: args.keep, days: args.keep_days };
    let gone = keep.removable(&backup.generations()?, now_micros())?;
    if args.verify || !gone.is_empty() {
        let (mut builder, progress) = checking(args.catalogue.read(newest.path())?);
        newest.read(&mut builder)?;
        let size = builder.finish()?.size;
        progress.finish();
        let path = newest.path().display();
        eprint_line(&say!(
            en: "{path}: {size} events verified", zh: "{path}：已校验 {size} 个事件"
        ));
    }
    for generation in gone {
        backup.remove(&generation)?;
        let path = generation.path().display();
        eprint_line(&say!(en: "removed {path}", zh: "已删除 {path}"));
    }
    Ok(())
}

/// Checks archives, and tells how far it is.
fn checking(files: CatalogueFiles) -> (LogBuilder, Arc<Progress>) {
    let mut builder = LogBuilder::checking(files);
    let what = word!(en: "reading the backup", zh: "正在读取备份");
    let progress = Arc::new(Progress::new(what, events(), 0));
    builder.watch(watcher(&progress));
    (builder, progress)
}

/// The log of the server, as the source of an archive.
fn served_log() -> &'static str {
    word!(en: "the server's log", zh: "服务器的日志")
}

#[allow(clippy::disallowed_methods)] // the time of a backup; no record depends on it
fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
