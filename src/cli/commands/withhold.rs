//! `tidu withhold`: withholds an event from everybody, with the approval of a second principal.

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::Common,
        client::Client,
        print::{instant, print_line, print_message, reject_table},
    },
    files,
    lang::{say, word},
    limits::PROPOSAL_BYTES_MAX,
    protocol::pb,
};

#[derive(Debug, Args)]
#[command(after_help = "\
An operator proposes, and a second principal, an operator or an auditor, approves: with the same
position and reason, and the file that the proposal wrote. From then on every reader gets a withheld
place for the event. The event stays in force and on the log, and the root stays the same; annul it
to take it out of force, then redact it to erase it. A withholding cannot be taken back.

The first one types: tidu withhold 17 --reason 'a court order' --propose order.proposal
and the second one:  tidu withhold 17 --reason 'a court order' --approve order.proposal")]
pub(crate) struct WithholdArgs {
    /// Position of the event
    position: u64,
    /// Why; it goes on the log with the names of both principals
    #[arg(long)]
    reason: String,
    /// Propose it, and write the proposal to this file
    #[arg(long, value_name = "FILE", required_unless_present = "approve")]
    propose: Option<PathBuf>,
    /// Approve the proposal in this file
    #[arg(long, value_name = "FILE", conflicts_with = "propose")]
    approve: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: WithholdArgs) -> Result<(), CliError> {
    reject_table(args.common.output)?;
    let proposal = match &args.approve {
        None => Vec::new(),
        Some(path) => {
            let name = path.display();
            let failed = |e| CliError::Io(say!(en: "cannot read {name}", zh: "无法读取 {name}"), e);
            files::read(path, PROPOSAL_BYTES_MAX).map_err(failed)?
        }
    };
    let mut client = Client::to(&args.common.server).await?;
    let request = pb::WithholdEventRequest {
        position: Some(args.position),
        reason: args.reason.clone(),
        proposal: proposal.into(),
    };
    let answer = client.admin.withhold_event(request).await?.into_inner();
    if let Some(path) = &args.propose {
        let name = path.display();
        let failed = |e| CliError::Io(say!(en: "cannot write {name}", zh: "无法写入 {name}"), e);
        files::replace(path, &answer.proposal).map_err(failed)?;
    }
    print_message(args.common.output, "WithholdEventResponse", &answer, |answer| {
        print(&args, answer)
    })
}

fn print(args: &WithholdArgs, answer: &pb::WithholdEventResponse) -> Result<(), CliError> {
    let WithholdArgs { position, reason, .. } = args;
    if let Some(at) = answer.withheld_at {
        return print_line(&say!(
            en: "event {position} is withheld from everybody, by event {at}",
            zh: "事件 {position} 已对所有人不予展示，依据事件 {at}"
        ));
    }
    let file = args.propose.as_ref().map_or_else(String::new, |path| path.display().to_string());
    let until = instant(answer.proposal_expire_time.as_ref());
    print_line(&say!(
        en: "proposed to withhold event {position}; the proposal is good until {until}",
        zh: "已提出对事件 {position} 不予展示；提案有效至 {until}"
    ))?;
    print_line(word!(en: "another principal approves it:", zh: "请由另一主体批准："))?;
    print_line(&format!("tidu withhold {position} --reason {reason:?} --approve {file:?}"))
}
