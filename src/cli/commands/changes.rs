//! `tidu changes`: the titles whose status differs between two moments.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, TitleArgs, at_least_one, moment},
        client::Client,
        paged::{Listed, paged},
        print::{Printer, as_of, title_status, word},
    },
    limits::PAGE_EVENTS_DEFAULT,
    protocol::pb,
};

const HEADER: [&str; 9] =
    ["designee", "name", "programme", "authority", "item", "before", "after", "reason", "events"];

#[derive(Debug, Args)]
pub(crate) struct ChangesArgs {
    /// The beginning: a day, a log size with @ (or a day or an instant at which the events were
    /// known), or both: 2024-01-01, @42, 2024-01-01@42
    #[arg(long, value_name = "DAY|@SIZE", value_parser = moment)]
    from: pb::AsOf,
    /// The end [default: today, and all events]
    #[arg(long, value_name = "DAY|@SIZE", value_parser = moment)]
    to: Option<pb::AsOf>,
    #[command(flatten)]
    titles: TitleArgs,
    /// Most rows to list
    #[arg(long, short = 'n', default_value_t = PAGE_EVENTS_DEFAULT,
        value_parser = at_least_one())]
    limit: usize,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: ChangesArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    let mut printer = Printer::new(args.common.output, HEADER)?;
    let (mut from, mut to) = (None, None);
    let fetch = async |page_size, page_token| {
        let request = pb::ListChangesRequest {
            filter: args.titles.filter(),
            from: Some(args.from),
            to: args.to,
            page_size,
            page_token,
        };
        let page = client.register.list_changes(request).await?.into_inner();
        (from, to) = (page.from, page.to);
        Ok((page.changes, page.next_page_token))
    };
    let take = |change: &pb::StatusChange| printer.add("StatusChange", change, row);
    let Listed { count, has_more } = paged(args.limit, fetch, take).await?;
    let more = if has_more { "; there are more (-n)" } else { "" };
    let titles = if count == 1 { "title" } else { "titles" };
    let (from, to) = (as_of(from.as_ref()), as_of(to.as_ref()));
    printer.finish(Some(&format!("{count} {titles} changed{more}, from {from}, to {to}")))
}

fn row(change: &pb::StatusChange) -> [String; 9] {
    let status = |status: pb::TitleStatus| match status {
        pb::TitleStatus::Unspecified => "–".to_owned(),
        status => title_status(status),
    };
    let mut events: Vec<String> = change.positions.iter().map(u64::to_string).collect();
    if change.omitted_position_count > 0 {
        events.push(format!("… and {} more", change.omitted_position_count));
    }
    [
        change.designee.clone(),
        change.name.clone(),
        change.programme.clone(),
        change.authority.clone(),
        change.item.clone(),
        status(change.before()),
        status(change.after()),
        word(change.reason().as_str_name(), "CHANGE_REASON_"),
        events.join(" "),
    ]
}
