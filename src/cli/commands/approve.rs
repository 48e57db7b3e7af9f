//! `tidu approve`: shows what another principal proposes, and records it with this approval.

use std::path::PathBuf;

use clap::Args;

use super::{
    judged::print_changes,
    proposal::{ask, print_recorded},
};
use crate::{
    cli::{
        CliError,
        append::send_request,
        args::Common,
        client::Client,
        print::{print_line, print_message},
        proposal_file::ProposalFile,
    },
    domain::{
        catalogue::Catalogue,
        event::Event,
        text::{counted, hex},
    },
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
    let file = ProposalFile::read(&args.file)?;
    let mut client = Client::to(&args.common.server).await?;
    if output.is_human() {
        print_file(&file)?;
    }
    let tried = send_request(&mut client, || file.approval(true)).await?;
    if tried.rejection_count > 0 {
        let count = counted(tried.rejection_count, "rejection");
        print_message(output, "AppendResponse", &tried, |tried| {
            tried.rejections.iter().try_for_each(|rejection| {
                print_line(&format!("{}: {}", rejection.field, rejection.message))
            })
        })?;
        return Err(CliError::Refused(format!("nothing was recorded: {count}")));
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
    print_line(&format!("proposed by   {}", file.proposal.proposer))?;
    print_line(&format!("valid until   {}", file.expires()))?;
    print_line(&format!("request id    {}", file.request.request_id))?;
    print_line(&format!("content root  {}", file.root()))?;
    let read = read(events);
    match &read {
        Some((_, root)) if *root == file.root() => {}
        Some((_, root)) => print_line(&format!(
            "              differs from {root}, which this program computes: the server reads the \
             events by another catalogue, or the file was changed; the server will tell"
        ))?,
        None => print_line("              this program's catalogue cannot read the events")?,
    }
    print_line(&counted(events.len(), "event"))?;
    let Some((read, _)) = read else { return Ok(()) };
    for event in read.iter().take(NAMED_ROWS_MAX) {
        let about = event.fact.designee().map(|designee| format!(" {designee}"));
        print_line(&format!(
            "  {} {}{}",
            event.fact.kind().name(),
            event.issuer.as_str(),
            about.unwrap_or_default()
        ))?;
    }
    match read.len().saturating_sub(NAMED_ROWS_MAX) {
        0 => Ok(()),
        more => print_line(&format!("  and {more} more")),
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
