//! `tidu list`: titles or designees as of a day, as known at a moment.

use clap::{Args, ValueEnum};

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs, TitleArgs, Within, at_least_one, within},
        client::Client,
        paged::{Listed, paged},
        print::{Printer, as_of, date, end, flags, title_status},
    },
    limits::{PAGE_EVENTS_DEFAULT, SORTED_TITLES_MAX},
    protocol::pb,
};

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Rows to list
    #[arg(value_enum, default_value_t = Unit::Titles)]
    unit: Unit,
    #[command(flatten)]
    titles: TitleArgs,
    /// Only titles in force whose last day comes within so many days or months, such as 90d or 6m
    #[arg(long, value_name = "TIME", value_parser = within,
        conflicts_with_all = ["valid_to_from", "valid_to_to"])]
    expires_within: Option<Within>,
    #[command(flatten)]
    moment: MomentArgs,
    /// Most rows to list
    #[arg(long, short = 'n', default_value_t = PAGE_EVENTS_DEFAULT,
        value_parser = at_least_one())]
    limit: usize,
    #[command(flatten)]
    common: Common,
}

/// The subject of a row.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Unit {
    /// One row for each title
    Titles,
    /// One row for each designee
    Designees,
}

pub(super) async fn run(args: ListArgs) -> Result<(), CliError> {
    let mut client = Client::connect(&args.common.server.address).await?;
    match args.unit {
        Unit::Titles => titles(&mut client, &args).await,
        Unit::Designees => designees(&mut client, &args).await,
    }
}

/// The filter, with the days of `--expires-within`.
async fn filter(client: &mut Client, args: &ListArgs) -> Result<pb::TitleFilter, CliError> {
    let mut filter = args.titles.filter().unwrap_or_default();
    let Some(within) = args.expires_within else { return Ok(filter) };
    // The day of the answer is the server's.
    let request = pb::ListProgrammesRequest { as_of: args.moment.message() };
    let answer = client.register.list_programmes(request).await?.into_inner();
    let day = answer.as_of.and_then(|as_of| as_of.valid_on);
    let last = day.and_then(|day| within.after(day));
    let last = last
        .ok_or_else(|| CliError::Refused("--expires-within ends beyond the calendar".to_owned()))?;
    (filter.valid_to_from, filter.valid_to_to) = (day, Some(last));
    if filter.statuses.is_empty() {
        filter.statuses.push(pb::TitleStatus::Active.into());
    }
    Ok(filter)
}

async fn titles(client: &mut Client, args: &ListArgs) -> Result<(), CliError> {
    let header = [
        "designee",
        "name",
        "programme",
        "authority",
        "status",
        "from",
        "to",
        "batch",
        "end",
        "flags",
    ];
    let mut printer = Printer::new(args.common.output, header)?;
    let filter = filter(client, args).await?;
    // A list of last days is read by them. Whoever sorts reads all titles first.
    let is_sorted = filter.valid_to_from.is_some() || filter.valid_to_to.is_some();
    let mut as_of = None;
    let fetch = async |page_size, page_token| {
        let request = pb::ListTitlesRequest {
            filter: Some(filter.clone()),
            as_of: args.moment.message(),
            page_size,
            page_token,
        };
        let page = client.register.list_titles(request).await?.into_inner();
        as_of = page.as_of;
        Ok((page.titles, page.next_page_token))
    };
    let listed = if is_sorted {
        let mut rows = Vec::new();
        let keep = |row: &pb::DesigneeTitle| {
            rows.push(row.clone());
            Ok(())
        };
        require_all(paged(SORTED_TITLES_MAX, fetch, keep).await?)?;
        sort(&mut rows);
        let shown = rows.iter().take(args.limit);
        shown.clone().try_for_each(|row| printer.add("DesigneeTitle", row, title_row))?;
        Listed { count: shown.len(), has_more: rows.len() > args.limit }
    } else {
        let take = |row: &pb::DesigneeTitle| printer.add("DesigneeTitle", row, title_row);
        paged(args.limit, fetch, take).await?
    };
    printer.finish(Some(&summary(listed, "titles", as_of.as_ref())))
}

fn require_all(listed: Listed) -> Result<(), CliError> {
    if listed.has_more {
        return Err(CliError::Refused(format!(
            "more than {SORTED_TITLES_MAX} titles match, and no more than that are sorted by their \
             last day; narrow the filter"
        )));
    }
    Ok(())
}

/// Sorts titles by their last day; those of one day keep their order.
fn sort(rows: &mut [pb::DesigneeTitle]) {
    rows.sort_by_key(|row| {
        let last = row.title.as_ref().and_then(|title| title.valid_to);
        last.map(|day| (day.year, day.month, day.day))
    });
}

fn title_row(row: &pb::DesigneeTitle) -> [String; 10] {
    let title = row.title.clone().unwrap_or_default();
    [
        row.designee.clone(),
        row.name.clone(),
        title.programme.clone(),
        title.authority.clone(),
        title_status(title.status()),
        date(title.valid_from.as_ref()),
        date(title.valid_to.as_ref()),
        title.batch.clone(),
        end(&title),
        flags(&title),
    ]
}

async fn designees(client: &mut Client, args: &ListArgs) -> Result<(), CliError> {
    let header = ["designee", "name", "region", "industry", "responsible", "titles"];
    let mut printer = Printer::new(args.common.output, header)?;
    let filter = filter(client, args).await?;
    let mut as_of = None;
    let fetch = async |page_size, page_token| {
        let request = pb::ListDesigneesRequest {
            filter: Some(filter.clone()),
            as_of: args.moment.message(),
            page_size,
            page_token,
        };
        let page = client.register.list_designees(request).await?.into_inner();
        as_of = page.as_of;
        Ok((page.designees, page.next_page_token))
    };
    let listed =
        paged(args.limit, fetch, |row: &pb::Designee| printer.add("Designee", row, designee_row));
    let listed = listed.await?;
    printer.finish(Some(&summary(listed, "designees", as_of.as_ref())))
}

fn designee_row(row: &pb::Designee) -> [String; 6] {
    let title = |title: &pb::Title| format!("{} {}", title.programme, title_status(title.status()));
    let titles: Vec<_> = row.titles.iter().map(title).collect();
    [
        row.designee.clone(),
        row.name.clone(),
        row.region.clone(),
        row.industry.clone(),
        row.responsible_authority.clone(),
        titles.join(", "),
    ]
}

/// The line below the table: the count, and the moment of the answer.
fn summary(listed: Listed, unit: &str, at: Option<&pb::AnswerAsOf>) -> String {
    let more = if listed.has_more { "; there are more (-n)" } else { "" };
    format!("{} {unit}{more}, {}", listed.count, as_of(at))
}
