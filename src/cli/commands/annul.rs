//! `tidu annul`: removes an event, or all events of a commit.

use clap::Args;

use super::proposal::{ConfirmArgs, DocumentArgs, Proposal, print_repeat, row};
use crate::{
    cli::{
        CliError,
        args::{Common, parse_date},
        client::Client,
        names,
        paged::paged,
        print::{event_line, print_line, reject_table},
        repairs::{InForce, Repairs},
    },
    domain::text::counted,
    lang::say,
    limits::SHOWN_FAULTS_MAX,
    protocol::pb::{self, event::Fact},
};

#[derive(Debug, Args)]
#[command(after_help = "\
An annulled event stays on the log and counts no more. To annul a correction or an annulment gives
back what it replaced. Events of a commit that are annulled already are left out; the others are
annulled in one commit. The warnings and the titles that would change are shown, and the command
asks before it records; where nobody can be asked, it needs --yes. A repeat records nothing new.

Examples:
  tidu generate --rows 5 --to list.csv
  tidu record list.csv --authority 广东 --programme 专精特新中小企业 \\
    --batch 2026-1 --date 2026-03-01
  tidu annul 3 --reason 'not on the published list' --yes
  tidu annul --commit 0 --reason 'the wrong list was recorded' --yes

Exit codes: 0 recorded, or recorded before; 3 rejected, or not confirmed.")]
pub(crate) struct AnnulArgs {
    /// Position of the event
    #[arg(required_unless_present = "commit", conflicts_with = "commit")]
    position: Option<u64>,
    /// Annul all events of the commit that has this position
    #[arg(long, value_name = "POSITION")]
    commit: Option<u64>,
    /// Reason of the annulment
    #[arg(long)]
    reason: String,
    /// Authority that annuls [default: the one that stated the event]
    #[arg(long = "as", value_name = "CODE|NAME", value_parser = names::authority)]
    authority: Option<String>,
    /// Day of the annulment [default: that of the document, or today]
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    date: Option<pb::Date>,
    #[command(flatten)]
    document: DocumentArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: AnnulArgs) -> Result<(), CliError> {
    reject_table(args.common.output)?;
    let mut client = Client::to(&args.common.server).await?;
    let named = args.position.or(args.commit).unwrap_or_default();
    let knows_issuer = args.authority.is_some();
    let events = events(&mut client, named, args.commit.is_some(), knows_issuer).await?;
    let first = events.first().and_then(|event| event.position).unwrap_or(named);
    let only = match events.as_slice() {
        [one] => one.event.as_ref(),
        _ => None,
    };
    let repairs = Repairs::read(&mut client, first, only).await?;
    let (mut left, mut before) = (Vec::new(), Vec::new());
    for event in &events {
        let position = event.position.unwrap_or_default();
        match repairs.in_force(position) {
            InForce::Annulled(by) => before.push((position, by)),
            _ => left.push(event),
        }
    }
    if let (true, Some((position, by))) = (left.is_empty(), before.last()) {
        let places = || before.iter().map(|(_, by)| by.position);
        if before.iter().all(|(_, by)| by.reason == args.reason) {
            let (first, last) = (places().min().unwrap_or_default(), by.position);
            return print_repeat(args.common.output, first, places().max().unwrap_or(last));
        }
        let (at, reason) = (by.position, &by.reason);
        return Err(CliError::Refused(say!(
            en: "nothing was recorded: event {position} was annulled at position {at}: {reason}",
            zh: "没有记录任何内容：事件 {position} 已在位置 {at} 作废：{reason}"
        )));
    }
    if args.common.output.is_human() {
        print_events(&left, before.len())?;
    }
    let rows = left.into_iter().map(|recorded| {
        let position = recorded.position.unwrap_or_default();
        let issuer = recorded.event.as_ref().map(|event| event.authority.clone());
        let annulled = pb::Annulled { position: Some(position), reason: args.reason.clone() };
        let event = pb::Event {
            authority: args.authority.clone().or(issuer).unwrap_or_default(),
            effective_date: args.document.effective_date(args.date),
            evidence: args.document.evidence(),
            fact: Some(Fact::Annulled(annulled)),
            ..Default::default()
        };
        row(position, event)
    });
    let proposal = Proposal { rows: rows.collect(), output: args.common.output };
    proposal.confirm_and_record(&mut client, args.confirm).await
}

/// The event at a position, or all of its commit. Erased ones were annulled before.
async fn events(
    client: &mut Client,
    position: u64,
    is_commit: bool,
    knows_issuer: bool,
) -> Result<Vec<pb::RecordedEvent>, CliError> {
    let request = pb::GetEventRequest { position: Some(position), raw: false };
    let found = client.ledger.get_event(request).await?.into_inner();
    // An event that is there and not shown can be annulled by who knows its authority.
    let is_there = found.withheld.as_ref().is_some_and(|place| place.concerns.is_none());
    if !is_commit {
        return match found.event {
            Some(event) => Ok(vec![event]),
            None if is_there && knows_issuer => {
                Ok(vec![pb::RecordedEvent { position: Some(position), ..Default::default() }])
            }
            None if is_there => Err(CliError::Refused(say!(
                en: "nothing was recorded: event {position} is withheld; name its authority with \
                     --as",
                zh: "没有记录任何内容：事件 {position} 不予展示；请用 --as 写明它的机构"
            ))),
            None => Err(CliError::Refused(say!(
                en: "nothing was recorded: event {position} was annulled and redacted",
                zh: "没有记录任何内容：事件 {position} 已作废并抹除"
            ))),
        };
    }
    let commit = found.event.as_ref().map(|event| event.commit);
    let commit = commit.or_else(|| found.withheld.as_ref().map(|place| place.commit));
    let pb::Commit { first_position, size } = commit.flatten().unwrap_or_default();
    let first = first_position.unwrap_or(position);
    let mut events = Vec::new();
    let fetch = async |page_size, page_token| {
        let request = pb::ListEventsRequest {
            page_size,
            page_token,
            from_position: Some(first),
            to_position: Some(first + u64::from(size)),
            ..Default::default()
        };
        let page = client.ledger.list_events(request).await?.into_inner();
        Ok((page.events, page.next_page_token))
    };
    let take = |event: &pb::RecordedEvent| {
        events.push(event.clone());
        Ok(())
    };
    paged(usize::MAX, fetch, take).await?;
    if events.is_empty() {
        return Err(CliError::Refused(say!(
            en: "nothing was recorded: all events of the commit were annulled and redacted",
            zh: "没有记录任何内容：该次提交的所有事件均已作废并抹除"
        )));
    }
    Ok(events)
}

fn print_events(events: &[&pb::RecordedEvent], before: usize) -> Result<(), CliError> {
    let count = events.len();
    let events_in_words = counted(count, "event");
    let before = match before {
        0 => String::new(),
        before => say!(
            en: "; {before} of the commit were annulled before",
            zh: "；该次提交中有 {before} 个此前已作废"
        ),
    };
    print_line(&say!(
        en: "to annul: {events_in_words}{before}",
        zh: "将作废 {count} 个事件{before}"
    ))?;
    for event in events.iter().take(SHOWN_FAULTS_MAX) {
        print_line(&event_line(event))?;
    }
    if count > SHOWN_FAULTS_MAX {
        let more = count - SHOWN_FAULTS_MAX;
        print_line(&say!(en: "  … and {more} more", zh: "  ……另有 {more} 个"))?;
    }
    Ok(())
}
