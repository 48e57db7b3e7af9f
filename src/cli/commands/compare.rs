//! `tidu compare`: two batches, or two titles, by their holders.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs, at_least_one, parse_word},
        client::Client,
        names,
        paged::{Listed, paged},
        print::{Printer, as_of, title_status, word},
    },
    limits::PAGE_EVENTS_DEFAULT,
    protocol::pb,
};

const HEADER: [&str; 5] = ["designee", "name", "in", "first", "second"];

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
    #[arg(long = "part", value_name = "PART", value_delimiter = ',', value_parser = part)]
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
        return Err("not a programme, nor PROGRAMME/BATCH or PROGRAMME/BATCH/AUTHORITY".to_owned());
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

fn part(text: &str) -> Result<i32, String> {
    parse_word(text, "COMPARISON_PART_", pb::ComparisonPart::as_str_name)
}

pub(super) async fn run(args: CompareArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    let mut printer = Printer::new(args.common.output, HEADER)?;
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
    let Listed { count, has_more } = paged(args.limit, fetch, take).await?;
    let more = if has_more { "; there are more (-n)" } else { "" };
    let pb::ComparisonCounts { both, only_first, only_second } = counts;
    let as_of = as_of(at.as_ref());
    printer.finish(Some(&format!(
        "{both} in both, {only_first} in the first only, {only_second} in the second only; \
         {count} listed{more}, {as_of}"
    )))
}

fn cells(row: &pb::ComparedDesignee) -> [String; 5] {
    [
        row.designee.clone(),
        row.name.clone(),
        word(row.part().as_str_name(), "COMPARISON_PART_"),
        side(row.first_title.as_ref(), row.first_count),
        side(row.second_title.as_ref(), row.second_count),
    ]
}

/// The first title of a side, and the number of the others.
fn side(title: Option<&pb::Title>, count: u32) -> String {
    let Some(title) = title else { return "–".to_owned() };
    let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
    let (programme, authority) = (&title.programme, &title.authority);
    let status = title_status(title.status());
    format!("{programme} of {authority}, batch {}: {status}{more}", title.batch)
}
