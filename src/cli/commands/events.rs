//! `tidu events`: events of the log, by position, by recorded time or by filter.

use std::io::{IsTerminal as _, stdout};

use clap::Args;
use prost_types::Timestamp;

use crate::{
    cli::{
        CliError,
        args::{Common, FilterArgs, Output, at_least_one, since, until},
        client::Client,
        paged::paged,
        print::{
            columns_of_terminal, event_line_within, event_lines, print_json, print_line,
            withheld_line, withheld_lines,
        },
    },
    limits::PAGE_EVENTS_DEFAULT,
    protocol::{
        json::{Json, JsonPlace},
        pb,
    },
};

#[derive(Debug, Args)]
#[command(after_help = "\
A line has the position, the recorded time, the recorder, the first day on which the fact holds, the
authority, the fact and the document. A narrow terminal leaves out the record and the document. The
event at one position is shown with its record, its commit and its document.

Examples:
  tidu generate --rows 5 --to list.csv
  tidu record list.csv --authority 广东 --programme 专精特新中小企业 \\
    --batch 2026-1 --date 2026-03-01
  tidu events --newest -n 20
  tidu events 3
  tidu events --from 1 --to 4
  tidu events --since 2026-03-01 --until 2026-03-31 --authority 440000")]
pub(crate) struct EventsArgs {
    /// Only the event at this position, with its record
    #[arg(conflicts_with_all = ["from", "to", "since", "until", "newest", "limit"],
        conflicts_with_all = FilterArgs::IDS)]
    position: Option<u64>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Only events at or after this position
    #[arg(long, value_name = "POSITION")]
    from: Option<u64>,
    /// Only events below this position
    #[arg(long, value_name = "POSITION")]
    to: Option<u64>,
    /// Only events recorded on this day in Shanghai or later, or at or after this instant
    #[arg(long, value_name = "DAY|TIME", value_parser = since)]
    since: Option<Timestamp>,
    /// Only events recorded on this day in Shanghai or earlier, or before this instant
    #[arg(long, value_name = "DAY|TIME", value_parser = until)]
    until: Option<Timestamp>,
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
    let mut client = Client::to(&args.common.server).await?;
    let output = args.common.output;
    if let Some(position) = args.position {
        return one(&mut client, position, output).await;
    }
    let json = Json::new()?;
    let columns = columns_of_terminal().filter(|_| stdout().is_terminal()).unwrap_or(usize::MAX);
    let print = |place: &JsonPlace| match (place, output) {
        (place, Output::Json | Output::PlainJson | Output::Csv | Output::Tsv) => {
            print_place(&json, place)
        }
        (JsonPlace::Event(event), Output::Human) => print_line(&event_line_within(event, columns)),
        (JsonPlace::Withheld(place), Output::Human) => print_line(&withheld_line(place)),
    };
    let filter = args.filter.filter()?;
    let order = if args.newest { pb::EventOrder::Descending } else { pb::EventOrder::Ascending };
    let fetch = async |page_size, page_token| {
        let request = pb::ListEventsRequest {
            filter: Some(filter.clone()),
            order: order.into(),
            page_size,
            page_token,
            from_position: args.from,
            to_position: args.to,
            recorded_from: args.since,
            recorded_to: args.until,
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

/// Prints the event at a position with its record.
async fn one(client: &mut Client, position: u64, output: Output) -> Result<(), CliError> {
    let request = pb::GetEventRequest { position: Some(position), raw: false };
    let found = client.ledger.get_event(request).await?.into_inner();
    let place = match found.withheld {
        Some(withheld) => JsonPlace::withheld(withheld),
        None => JsonPlace::event(found.event.unwrap_or_default()),
    };
    let lines = match (&place, output) {
        (place, Output::Json | Output::PlainJson | Output::Csv | Output::Tsv) => {
            return print_place(&Json::new()?, place);
        }
        (JsonPlace::Event(event), Output::Human) => event_lines(event),
        (JsonPlace::Withheld(place), Output::Human) => withheld_lines(place),
    };
    lines.iter().try_for_each(|line| print_line(line))
}

fn print_place(json: &Json, place: &JsonPlace) -> Result<(), CliError> {
    print_json(&match place {
        JsonPlace::Event(event) => json.line("RecordedEvent", event.as_ref())?,
        JsonPlace::Withheld(place) => json.line("Withheld", place.as_ref())?,
    })
}
