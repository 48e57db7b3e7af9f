//! `tidu events`: events of the log, by position, by recorded time or by filter.

use clap::Args;
use prost_types::Timestamp;

use crate::{
    cli::{
        CliError,
        args::{Common, FilterArgs, Output, at_least_one, since, until},
        client::Client,
        designees::identify,
        paged::paged,
        print::{
            Cell, Heading, JsonLines, Printer, columns_of_output, date, event_line_within,
            event_lines, kind_cell, print_line, utc, withheld_line, withheld_lines,
        },
    },
    limits::PAGE_EVENTS_DEFAULT,
    protocol::{event::kind_of, json::JsonPlace, pb},
};

/// The columns for programs; people read lines.
const HEADINGS: [Heading; 9] = [
    Heading::new("position", "position", "位置"),
    Heading::new("recorded_time", "recorded", "记录时间"),
    Heading::new("recorded_by", "by", "记录人"),
    Heading::new("effective_date", "holds from", "生效日"),
    Heading::new("authority", "authority", "认定机构"),
    Heading::new("kind", "kind", "事件"),
    Heading::new("designee", "designee", "代码"),
    Heading::new("document_number", "document", "文号"),
    Heading::new("withheld", "withheld", "不予展示"),
];

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
    let mut filter = args.filter.filter()?;
    identify(&mut client, &mut filter, output).await?;
    let mut printed = Printed::new(output)?;
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
    paged(args.limit, fetch, |place| printed.add(place)).await?;
    printed.finish()
}

/// Events on their way out: lines for people, messages or rows for programs.
enum Printed {
    Lines { columns: usize },
    Messages(JsonLines),
    Rows(Printer),
}

impl Printed {
    fn new(output: Output) -> Result<Self, CliError> {
        if matches!(output, Output::Csv | Output::Tsv) {
            return Printer::new(output, HEADINGS).map(Self::Rows);
        }
        let columns = columns_of_output().unwrap_or(usize::MAX);
        Ok(JsonLines::new(output)?.map_or(Self::Lines { columns }, Self::Messages))
    }

    fn add(&mut self, place: &JsonPlace) -> Result<(), CliError> {
        match (self, place) {
            (Self::Lines { columns }, JsonPlace::Event(event)) => {
                print_line(&event_line_within(event, *columns))
            }
            (Self::Lines { .. }, JsonPlace::Withheld(place)) => print_line(&withheld_line(place)),
            (Self::Messages(lines), place) => print_message(lines, place),
            (Self::Rows(printer), JsonPlace::Event(event)) => {
                printer.add("RecordedEvent", event.as_ref(), row)
            }
            (Self::Rows(printer), JsonPlace::Withheld(place)) => {
                printer.add("Withheld", place.as_ref(), withheld_row)
            }
        }
    }

    fn finish(self) -> Result<(), CliError> {
        match self {
            Self::Rows(printer) => printer.finish(None),
            Self::Lines { .. } | Self::Messages(_) => Ok(()),
        }
    }
}

fn row(recorded: &pb::RecordedEvent) -> [Cell; 9] {
    let event = recorded.event.clone().unwrap_or_default();
    let evidence = event.evidence.unwrap_or_default();
    let kind = event.fact.as_ref().map(|fact| i32::from(kind_of(fact).number()));
    let kind = kind.and_then(|number| pb::EventKind::try_from(number).ok());
    [
        place_cell(recorded.position),
        utc(recorded.recorded_time.as_ref()).into(),
        recorded.recorded_by.as_str().into(),
        date(event.effective_date.as_ref()).into(),
        event.authority.into(),
        kind.map_or_else(Cell::default, kind_cell),
        event.designee.into(),
        evidence.document_number.into(),
        Cell::default(),
    ]
}

/// A place without its event: its reason is in the last column.
fn withheld_row(withheld: &pb::Withheld) -> [Cell; 9] {
    let mut row = [const { String::new() }; 9].map(Cell::from);
    row[0] = place_cell(withheld.position);
    row[1] = utc(withheld.recorded_time.as_ref()).into();
    row[8] = withheld.reason.as_str().into();
    row
}

fn place_cell(position: Option<u64>) -> Cell {
    position.map_or_else(Cell::default, |position| position.to_string().into())
}

/// Prints the event at a position with its record.
async fn one(client: &mut Client, position: u64, output: Output) -> Result<(), CliError> {
    let lines = JsonLines::new(output)?;
    let request = pb::GetEventRequest { position: Some(position), raw: false };
    let found = client.ledger.get_event(request).await?.into_inner();
    let place = match found.withheld {
        Some(withheld) => JsonPlace::withheld(withheld),
        None => JsonPlace::event(found.event.unwrap_or_default()),
    };
    if let Some(lines) = lines {
        return print_message(&lines, &place);
    }
    let lines = match &place {
        JsonPlace::Event(event) => event_lines(event),
        JsonPlace::Withheld(place) => withheld_lines(place),
    };
    lines.iter().try_for_each(|line| print_line(line))
}

fn print_message(lines: &JsonLines, place: &JsonPlace) -> Result<(), CliError> {
    match place {
        JsonPlace::Event(event) => lines.print("RecordedEvent", event.as_ref()),
        JsonPlace::Withheld(place) => lines.print("Withheld", place.as_ref()),
    }
}
