//! `tidu compare`: two batches, or two titles, by their holders.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs, at_least_one},
        client::Client,
        names,
        paged::paged,
        print::{
            Cell, Heading, Printer, Worded as _, as_of, authority_cell, programme_cell,
            title_status,
        },
    },
    lang::say,
    limits::PAGE_EVENTS_DEFAULT,
    protocol::pb,
};

const HEADINGS: [Heading; 5] = [
    Heading::new("designee", "designee", "代码"),
    Heading::new("name", "name", "名称"),
    Heading::new("in", "in", "所属"),
    Heading::new("first", "first", "第一组").drops(1),
    Heading::new("second", "second", "第二组").drops(1),
];

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// The first set: a programme, with the holders of its titles in force, or a batch of it:
    /// little-giant, little-giant/4, innovative-sme/2024-1/440000
    #[arg(value_parser = set)]
    first: pb::TitleFilter,
    /// The second set
    #[arg(value_parser = set)]
    second: pb::TitleFilter,
    /// Only these parts: both, only-first, only-second
    #[arg(long = "part", value_name = "PART", value_delimiter = ',',
        value_parser = names::enum_value::<pb::ComparisonPart>)]
    parts: Vec<i32>,
    /// Most rows to list
    #[arg(long, short = 'n', default_value_t = PAGE_EVENTS_DEFAULT,
        value_parser = at_least_one())]
    limit: usize,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    common: Common,
}

/// Reads a programme, or a batch of it, perhaps of an authority.
fn set(text: &str) -> Result<pb::TitleFilter, String> {
    let mut parts = text.splitn(3, '/').map(str::to_owned);
    let (programme, batch, authority) = (parts.next(), parts.next(), parts.next());
    if [&programme, &batch, &authority].into_iter().flatten().any(String::is_empty) {
        return Err(say!(
            en: "not a programme, nor PROGRAMME/BATCH or PROGRAMME/BATCH/AUTHORITY",
            zh: "应为认定项目，或 项目/批次、项目/批次/认定机构，例如 小巨人/4"
        ));
    }
    let programme = programme.map(|text| names::programme(&text)).transpose()?;
    let authority = authority.map(|text| names::authority(&text)).transpose()?;
    let in_force = vec![pb::TitleStatus::Active.into()];
    Ok(pb::TitleFilter {
        programmes: programme.into_iter().collect(),
        authorities: authority.into_iter().collect(),
        statuses: if batch.is_none() { in_force } else { Vec::new() },
        listed_in: batch.into_iter().collect(),
        ..Default::default()
    })
}

pub(super) async fn run(args: CompareArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    let mut printer = Printer::new(args.common.output, HEADINGS)?;
    let (mut counts, mut at) = (pb::ComparisonCounts::default(), None);
    let fetch = async |page_size, page_token| {
        let request = pb::CompareBatchesRequest {
            first: Some(args.first.clone()),
            second: Some(args.second.clone()),
            parts: args.parts.clone(),
            as_of: args.moment.message(),
            page_size,
            page_token,
        };
        let page = client.register.compare_batches(request).await?.into_inner();
        counts = page.counts.unwrap_or(counts);
        at = page.as_of;
        Ok((page.designees, page.next_page_token))
    };
    let take = |row: &pb::ComparedDesignee| printer.add("ComparedDesignee", row, cells);
    let listed = paged(args.limit, fetch, take).await?;
    let (count, more, at) = (listed.count, listed.more(), as_of(at.as_ref()));
    let pb::ComparisonCounts { both, only_first, only_second } = counts;
    printer.finish(Some(&say!(
        en: "{both} in both, {only_first} in the first only, {only_second} in the second only; \
             {count} listed{more}, {at}",
        zh: "两组皆有 {both} 个，仅第一组 {only_first} 个，仅第二组 {only_second} 个；\
             列出 {count} 个{more}，{at}"
    )))
}

fn cells(row: &pb::ComparedDesignee) -> [Cell; 5] {
    [
        row.designee.as_str().into(),
        row.name.as_str().into(),
        row.part().cell(),
        side(row.first_title.as_ref(), row.first_count),
        side(row.second_title.as_ref(), row.second_count),
    ]
}

/// The first title of a side, and the number of the others.
fn side(title: Option<&pb::Title>, count: u32) -> Cell {
    let Some(title) = title else { return Cell::of("", "–") };
    let pb::Title { programme, authority, batch, .. } = title;
    let machine = format!("{programme} {authority} {batch} {}", title_status(title.status()));
    let more = match count.saturating_sub(1) {
        0 => String::new(),
        more => say!(en: " and {more} more", zh: "，另有 {more} 个"),
    };
    let (programme, authority) = (programme_cell(programme), authority_cell(authority));
    let (programme, authority) = (programme.human(), authority.human());
    let status = title.status().human();
    let shown = say!(
        en: "{programme} of {authority}, batch {batch}: {status}{more}",
        zh: "{authority} {programme} 批次 {batch}：{status}{more}"
    );
    Cell::of(machine, shown)
}
