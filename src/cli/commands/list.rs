//! `tidu list`: titles or designees as of a day, as known at a moment.

use clap::{Args, ValueEnum};

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs, TitleArgs, at_least_one},
        client::Client,
        paged::{Listed, paged},
        print::{Printer, as_of, date, flags, title_status},
    },
    limits::PAGE_EVENTS_DEFAULT,
    protocol::pb,
};

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Rows to list
    #[arg(value_enum, default_value_t = Unit::Titles)]
    unit: Unit,
    #[command(flatten)]
    titles: TitleArgs,
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

async fn titles(client: &mut Client, args: &ListArgs) -> Result<(), CliError> {
    let header =
        ["designee", "name", "programme", "authority", "status", "from", "to", "batch", "flags"];
    let mut printer = Printer::new(args.common.output, header)?;
    let mut as_of = None;
    let fetch = async |page_size, page_token| {
        let request = pb::ListTitlesRequest {
            filter: args.titles.filter(),
            as_of: args.moment.message(),
            page_size,
            page_token,
        };
        let page = client.register.list_titles(request).await?.into_inner();
        as_of = page.as_of;
        Ok((page.titles, page.next_page_token))
    };
    let listed = paged(args.limit, fetch, |row: &pb::DesigneeTitle| {
        printer.add("DesigneeTitle", row, title_row)
    });
    let listed = listed.await?;
    printer.finish(Some(&summary(listed, "titles", as_of.as_ref())))
}

fn title_row(row: &pb::DesigneeTitle) -> [String; 9] {
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
        flags(&title),
    ]
}

async fn designees(client: &mut Client, args: &ListArgs) -> Result<(), CliError> {
    let header = ["designee", "name", "region", "industry", "responsible", "titles"];
    let mut printer = Printer::new(args.common.output, header)?;
    let mut as_of = None;
    let fetch = async |page_size, page_token| {
        let request = pb::ListDesigneesRequest {
            filter: args.titles.filter(),
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
