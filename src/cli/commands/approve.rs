//! `tidu approve`: shows what another principal proposes, and records it with this approval.

use std::path::PathBuf;

use clap::Args;

use super::{
    judged::print_changes,
    proposal::{ask, print_recorded, rejected},
};
use crate::{
    cli::{
        CliError,
        append::send_request,
        args::Common,
        client::Client,
        print::{fault_message, fault_rule, kind_alone, print_line, print_message, reject_table},
        proposal_file::ProposalFile,
    },
    domain::{
        catalogue::Catalogue,
        event::Event,
        text::{counted, hex},
    },
    lang::{say, word},
    limits::NAMED_ROWS_MAX,
    merkle::{self, Frontier},
    protocol::{event, pb},
};

#[derive(Debug, Args)]
#[command(after_help = "\
The file comes from `tidu record LIST --propose FILE`, or from `correct` or `annul` with --propose.
The server judges it again for this caller, and the command shows who proposes, the events, and the
titles that would change now. Then it asks; where nobody can be asked, it needs --yes. The events
are recorded by the one who proposed them and approved by this caller, who must be another
principal, with the right to approve. A repeat records nothing new.

Exit codes: 0 recorded, or recorded before; 3 rejected, or not confirmed.")]
pub(crate) struct ApproveArgs {
    /// File of the proposal
    file: PathBuf,
    /// Record it without a question
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: ApproveArgs) -> Result<(), CliError> {
    let output = args.common.output;
    reject_table(output)?;
    let file = ProposalFile::read(&args.file)?;
    let mut client = Client::to(&args.common.server).await?;
    if output.is_human() {
        print_file(&file)?;
    }
    let tried = send_request(&mut client, || file.approval(true)).await?;
    if tried.rejection_count > 0 {
        print_message(output, "AppendResponse", &tried, |tried| {
            tried.rejections.iter().try_for_each(|rejection| {
                let (field, message) = (&rejection.field, fault_message(rejection));
                print_line(&say!(en: "{field}: {message}", zh: "{field}：{message}"))?;
                match fault_rule(rejection) {
                    rule if rule.is_empty() => Ok(()),
                    rule => print_line(&say!(en: "  rule: {rule}", zh: "  规则：{rule}")),
                }
            })
        })?;
        return Err(rejected(tried.rejection_count));
    }
    if !tried.replayed {
        if output.is_human() {
            print_changes(&tried)?;
        }
        if !args.yes {
            if !output.is_human() {
                print_message(output, "AppendResponse", &tried, |_| Ok(()))?;
            }
            ask()?;
        }
    }
    let answer = send_request(&mut client, || file.approval(false)).await?;
    print_message(output, "AppendResponse", &answer, print_recorded)
}

/// Says who proposes what, as the file has it. The server has not said a word yet.
fn print_file(file: &ProposalFile) -> Result<(), CliError> {
    let events = &file.request.events;
    let (proposer, until) = (&file.proposal.proposer, file.expires());
    let (id, root) = (&file.request.request_id, file.root());
    print_line(&say!(en: "proposed by   {proposer}", zh: "提出者    {proposer}"))?;
    print_line(&say!(en: "valid until   {until}", zh: "有效至    {until}"))?;
    print_line(&say!(en: "request id    {id}", zh: "请求编号  {id}"))?;
    print_line(&say!(en: "content root  {root}", zh: "内容根    {root}"))?;
    let read = read(events);
    match &read {
        Some((_, root)) if *root == file.root() => {}
        Some((_, root)) => print_line(&say!(
            en: "              differs from {root}, which this program computes: the server reads \
                 the events by another catalogue, or the file was changed; the server will tell",
            zh: "          与本程序算出的 {root} 不同：服务器使用另一版目录，或文件被改动过；以服务器的\
                 判断为准"
        ))?,
        None => print_line(word!(
            en: "              this program's catalogue cannot read the events",
            zh: "          本程序的目录无法读取这些事件"
        ))?,
    }
    let count = events.len();
    let in_events = counted(count, "event");
    print_line(&say!(en: "{in_events}", zh: "{count} 个事件"))?;
    let Some((read, _)) = read else { return Ok(()) };
    for event in read.iter().take(NAMED_ROWS_MAX) {
        let about = event.fact.designee().map(|designee| format!(" {designee}"));
        let kind = kind_alone(event.fact.kind().number().into());
        let issuer = event.issuer.as_str();
        print_line(&format!("  {kind} {issuer}{}", about.unwrap_or_default()))?;
    }
    match read.len().saturating_sub(NAMED_ROWS_MAX) {
        0 => Ok(()),
        more => print_line(&say!(en: "  and {more} more", zh: "  另有 {more} 个")),
    }
}

/// The events as the built-in catalogue reads them, and the root over them.
fn read(events: &[pb::Event]) -> Option<(Vec<Event>, String)> {
    let catalogue = Catalogue::built_in();
    let mut frontier = Frontier::default();
    let mut read = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        let proposed = event::proposal(&catalogue, index, event.clone()).ok()?;
        frontier.push(merkle::leaf_hash(&proposed.body));
        read.push(proposed.event);
    }
    Some((read, hex(&frontier.root())))
}
