//! `tidu events`: events of the log, by position or by filter.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, FilterArgs, Output, at_least_one},
        client::Client,
        paged::paged,
        print::{event_line, print_json, print_line, withheld_line},
    },
    limits::PAGE_EVENTS_DEFAULT,
    protocol::{
        json::{Json, JsonPlace},
        pb,
    },
};

#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    /// Only the event at this position
    position: Option<u64>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Newest first
    #[arg(long)]
    newest: bool,
    /// Most events to list
    #[arg(long, short = 'n', default_value_t = PAGE_EVENTS_DEFAULT,
        value_parser = at_least_one())]
    limit: usize,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: EventsArgs) -> Result<(), CliError> {
    let mut client = Client::connect(&args.common.server.address).await?;
    let json = Json::new()?;
    let print = |place: &JsonPlace| match (place, args.common.output) {
        (JsonPlace::Event(event), Output::Json) => {
            print_json(&json.line("RecordedEvent", event.as_ref())?)
        }
        (JsonPlace::Event(event), Output::Human) => print_line(&event_line(event)),
        (JsonPlace::Withheld(place), Output::Json) => {
            print_json(&json.line("Withheld", place.as_ref())?)
        }
        (JsonPlace::Withheld(place), Output::Human) => print_line(&withheld_line(place)),
    };
    if let Some(position) = args.position {
        let request = pb::GetEventRequest { position: Some(position), raw: false };
        let found = client.ledger.get_event(request).await?.into_inner();
        return print(&match found.withheld {
            Some(withheld) => JsonPlace::withheld(withheld),
            None => JsonPlace::event(found.event.unwrap_or_default()),
        });
    }
    let filter = args.filter.filter()?;
    let order = if args.newest { pb::EventOrder::Descending } else { pb::EventOrder::Ascending };
    let fetch = async |page_size, page_token| {
        let request = pb::ListEventsRequest {
            filter: Some(filter.clone()),
            order: order.into(),
            page_size,
            page_token,
        };
        let page = client.ledger.list_events(request).await?.into_inner();
        let withheld = page.withheld.into_iter().map(JsonPlace::withheld);
        let mut places: Vec<_> =
            page.events.into_iter().map(JsonPlace::event).chain(withheld).collect();
        places.sort_by_key(JsonPlace::position);
        if args.newest {
            places.reverse();
        }
        Ok((places, page.next_page_token))
    };
    paged(args.limit, fetch, print).await.map(drop)
}
