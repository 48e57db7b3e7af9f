//! `tidu handover` and `tidu promote`: one node stops recording, and another one begins.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use uuid::Uuid;

use crate::{
    archive::promotion::{self, Begun, Promoted, PromotionError},
    cli::{
        CliError,
        args::ServerArgs,
        client::Client,
        destination::Destination,
        print::{eprint_line, print_line, print_text},
    },
    files,
    handover::{NodeName, Receipt, Unfit},
    lang::{say, word},
    limits::RECEIPT_BYTES_MAX,
    protocol::pb,
};

#[derive(Debug, Args)]
#[command(after_help = "\
The node takes no appends any more, for ever: what it acknowledged is durable, and below the size of
the receipt. It goes on serving reads, also after a restart. Only the successor can use the receipt,
with tidu promote. Asked again, the node gives the same receipt. It cannot be taken back.

Without a server, --data-dir hands over the log of a directory whose server has stopped.

Example: tidu handover node-0000001f --to receipt.txt")]
pub(crate) struct HandoverArgs {
    /// Name of the node that takes over, as `tidu status` at that node says
    successor: NodeName,
    /// Data directory that no server uses
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Write the receipt to this file [default: standard output]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The server of the directory must be stopped. The log must have the events of the receipt, all of
them and no others. Its epoch then rises, and the next start without --follow records. The id of the
log stays, so subscribers and cursors go on.

Without a receipt, because the leader is lost with its disk, there is no proof that nothing is
missing. --new-log then begins another history with the events that are there: the log gets another
id, and the cursors of the directory are dropped. Subscribers stop, and say so.

Exit codes: 0 promoted, or promoted before; 3 the log lacks events of the receipt: follow on;
10 the log or the directory disagrees with the receipt.")]
pub(crate) struct PromoteArgs {
    /// File with the receipt of the hand-over
    #[arg(required_unless_present = "new_log")]
    receipt: Option<PathBuf>,
    /// Data directory of the follower
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Begin another history with the events that are there
    #[arg(long, conflicts_with = "receipt")]
    new_log: bool,
}

pub(super) async fn hand_over(args: HandoverArgs) -> Result<(), CliError> {
    // A hand-over cannot be taken back, so its receipt has a place before it begins.
    let place = args.to.as_deref().map(Place::begin).transpose()?;
    let text = match args.data_dir {
        Some(directory) => promotion::hand_over(&directory, args.successor.clone())?.text(),
        None => {
            let mut client = Client::to(&args.server).await?;
            let request = pb::HandOverRequest { successor: args.successor.to_string() };
            client.admin.hand_over(request).await?.into_inner().receipt
        }
    };
    let text = text.trim_end();
    let given = match place {
        None => print_text(text).map_err(|error| error.advised(again().to_owned())),
        Some(place) => place.fill(text).or_else(|error| {
            print_text(text)?;
            Err(error.advised(shown_instead().to_owned()))
        }),
    };
    let receipt = Receipt::of_carried(text)
        .map_err(|why| CliError::Message(why.to_string()).advised(again().to_owned()))?;
    let Receipt { size, epoch, successor, .. } = receipt;
    eprint_line(&say!(
        en: "{size} events of epoch {epoch} are handed over to {successor}; this node records \
             nothing any more",
        zh: "任期 {epoch} 的 {size} 个事件已移交给 {successor}；本节点不再写入"
    ));
    given
}

/// The file that is to hold a receipt.
struct Place<'a> {
    path: &'a Path,
    out: Destination,
}

impl<'a> Place<'a> {
    fn begin(path: &'a Path) -> Result<Self, CliError> {
        let out = Destination::file(path).map_err(|error| unwritten(path, error))?;
        Ok(Self { path, out })
    }

    fn fill(mut self, receipt: &str) -> Result<(), CliError> {
        let written = writeln!(self.out, "{receipt}").and_then(|()| self.out.commit());
        written.map_err(|error| unwritten(self.path, error))
    }
}

fn unwritten(path: &Path, error: io::Error) -> CliError {
    let name = path.display();
    CliError::Io(say!(en: "cannot write {name}", zh: "无法写入 {name}"), error)
}

fn again() -> &'static str {
    word!(
        en: "the hand-over took place; the same command gives the receipt again",
        zh: "移交已完成；再次运行同一命令即可重新取得回执"
    )
}

fn shown_instead() -> &'static str {
    word!(
        en: "the hand-over took place; the receipt is on standard output, and the same command \
             gives it again",
        zh: "移交已完成；回执已写到标准输出，再次运行同一命令也可重新取得"
    )
}

pub(super) fn promote(args: &PromoteArgs) -> Result<(), CliError> {
    let Some(path) = &args.receipt else { return begin_history(args) };
    let name = path.display();
    let failed = |e| CliError::Io(say!(en: "cannot read {name}", zh: "无法读取 {name}"), e);
    let text = files::read_text(path, RECEIPT_BYTES_MAX).map_err(failed)?;
    let receipt = Receipt::of_carried(&text)
        .map_err(|why| CliError::OtherHistory(format!("{name}: {why}")))?;
    let Receipt { size, log_id, .. } = receipt;
    let (said, epoch) = match promotion::promote(&args.data_dir, &receipt)? {
        Promoted::Now(epoch) => (word!(en: "promoted", zh: "已升级为主节点"), epoch),
        Promoted::Before(epoch) => (word!(en: "promoted before", zh: "此前已升级"), epoch),
    };
    print_line(&say!(
        en: "{said}: log {log_id}, {size} events handed over, epoch {epoch}; start it without \
             --follow",
        zh: "{said}：日志 {log_id}，移交的事件 {size} 个，任期 {epoch}；请不带 --follow 启动"
    ))
}

fn begin_history(args: &PromoteArgs) -> Result<(), CliError> {
    #[allow(clippy::disallowed_methods)] // a new history gets its id here
    let fresh_id = Uuid::new_v4();
    let begun = promotion::begin_history(&args.data_dir, fresh_id)?;
    let Begun { before, log_id, size, had_cursors } = begun;
    print_line(&say!(
        en: "log {log_id} begins with the {size} events of log {before}; subscribers of that log \
             stop here",
        zh: "日志 {log_id} 以日志 {before} 的 {size} 个事件开始；原日志的订阅方到此停止"
    ))?;
    if had_cursors {
        print_line(word!(
            en: "the cursors of the directory are dropped", zh: "该目录的游标已删除"
        ))?;
    }
    Ok(())
}

impl From<PromotionError> for CliError {
    fn from(error: PromotionError) -> Self {
        match error {
            PromotionError::Log(error) => error.into(),
            PromotionError::Unfit(behind @ Unfit::Behind { .. }) => {
                Self::Refused(behind.to_string())
            }
            other => Self::OtherHistory(other.to_string()),
        }
    }
}
