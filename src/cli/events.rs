//! `tidu events`.

use clap::Args;

use super::{
    CliError, Common, Output,
    client::Client,
    filter::FilterArgs,
    json::Json,
    text::{event, say},
};
use crate::{limits::PAGE_EVENTS_MAX, protocol::pb};

#[derive(Debug, Args)]
pub(super) struct EventsArgs {
    /// Only the event at this position
    position: Option<u64>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Newest first
    #[arg(long)]
    newest: bool,
    /// Most events to list
    #[arg(long, short = 'n', default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: EventsArgs) -> Result<(), CliError> {
    let mut client = Client::connect(&args.common).await?;
    let json = Json::new()?;
    let print = |recorded: &pb::RecordedEvent| match args.common.output {
        Output::Json => say(&json.line("RecordedEvent", recorded)?),
        Output::Human => say(&event(recorded)),
    };
    if let Some(position) = args.position {
        let request = pb::GetEventRequest { position: Some(position), raw: false };
        let found = client.ledger.get_event(request).await?.into_inner().event;
        return print(&found.unwrap_or_default());
    }
    let filter = args.filter.filter()?;
    let order = if args.newest { pb::EventOrder::Descending } else { pb::EventOrder::Ascending };
    let (mut left, mut page_token) = (args.limit, String::new());
    while left > 0 {
        let request = pb::ListEventsRequest {
            filter: Some(filter.clone()),
            order: order.into(),
            page_size: i32::try_from(left.min(PAGE_EVENTS_MAX)).unwrap_or(i32::MAX),
            page_token,
        };
        let page = client.ledger.list_events(request).await?.into_inner();
        page.events.iter().try_for_each(print)?;
        left = left.saturating_sub(page.events.len());
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    Ok(())
}
