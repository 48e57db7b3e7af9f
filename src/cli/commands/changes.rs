//! `tidu changes`: the titles whose status differs between two moments.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, TitleArgs, at_least_one, moment},
        client::Client,
        paged::paged,
        print::{
            Cell, Heading, Printer, Worded as _, as_of, authority_cell, programme_cell, status_cell,
        },
    },
    lang::say,
    limits::PAGE_EVENTS_DEFAULT,
    protocol::pb,
};

const HEADINGS: [Heading; 9] = [
    Heading::new("designee", "designee", "代码"),
    Heading::new("name", "name", "名称").drops(1),
    Heading::new("programme", "programme", "认定项目").drops(2),
    Heading::new("authority", "authority", "认定机构").drops(5),
    Heading::new("item", "item", "类别").drops(6),
    Heading::new("before", "before", "之前"),
    Heading::new("after", "after", "之后"),
    Heading::new("reason", "reason", "原因").drops(3),
    Heading::new("events", "events", "事件位置").drops(4),
];

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
    let mut printer = Printer::new(args.common.output, HEADINGS)?;
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
    let listed = paged(args.limit, fetch, take).await?;
    let (count, more) = (listed.count, listed.more());
    let titles = if count == 1 { "title" } else { "titles" };
    let (from, to) = (as_of(from.as_ref()), as_of(to.as_ref()));
    printer.finish(Some(&say!(
        en: "{count} {titles} changed{more}, from {from}, to {to}",
        zh: "{count} 个称号有变化{more}；起点：{from}；终点：{to}"
    )))
}

fn row(change: &pb::StatusChange) -> [Cell; 9] {
    let status = |status: pb::TitleStatus| match status {
        pb::TitleStatus::Unspecified => Cell::of("", "–"),
        status => status_cell(status),
    };
    let positions: Vec<String> = change.positions.iter().map(u64::to_string).collect();
    let positions = positions.join(" ");
    let events = match change.omitted_position_count {
        0 => Cell::from(&positions),
        count => {
            let shown =
                say!(en: "{positions} and {count} more", zh: "{positions} 等，另有 {count} 个");
            Cell::of(positions, shown)
        }
    };
    [
        change.designee.as_str().into(),
        change.name.as_str().into(),
        programme_cell(&change.programme),
        authority_cell(&change.authority),
        change.item.as_str().into(),
        status(change.before()),
        status(change.after()),
        change.reason().cell(),
        events,
    ]
}
