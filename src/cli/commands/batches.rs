//! `tidu batches`: batches with their state and counts, or one with its sub-lists.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs},
        client::Client,
        names,
        paged::paged,
        print::{Printer, as_of, date, print_line, print_message, print_table, table, word},
    },
    domain::text::hex,
    protocol::pb,
};

const HEADER: [&str; 9] = [
    "programme",
    "authority",
    "batch",
    "state",
    "noticed",
    "designated",
    "reviewed",
    "not designated",
    "sealed on",
];

const SUBLIST_HEADER: [&str; 7] =
    ["sub-list", "state", "noticed", "designated", "reviewed", "not designated", "sealed on"];

#[derive(Debug, Args)]
pub(crate) struct BatchesArgs {
    /// Only batches of this programme: its id or name
    #[arg(value_parser = names::programme)]
    programme: Option<String>,
    /// Only this batch, with its sub-lists and its digest
    batch: Option<String>,
    /// Authority of the batches [default: any; a batch of several is listed]
    #[arg(long, value_name = "CODE|NAME", value_parser = names::authority)]
    authority: Option<String>,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: BatchesArgs) -> Result<(), CliError> {
    let mut client = Client::connect(&args.common.server.address).await?;
    let (Some(programme), Some(batch)) = (&args.programme, &args.batch) else {
        return all(&mut client, &args).await;
    };
    if let Some(authority) = &args.authority {
        return one(&mut client, &args, (programme, batch, authority)).await;
    }
    // The authorities that have such a batch. Without one, the server answers about the ministry's.
    let owners = page(&mut client, &args, 2, String::new()).await?;
    match owners.batches.as_slice() {
        [] => one(&mut client, &args, (programme, batch, "")).await,
        [only] => one(&mut client, &args, (programme, batch, &only.authority)).await,
        _ => all(&mut client, &args).await,
    }
}

async fn page(
    client: &mut Client,
    args: &BatchesArgs,
    page_size: i32,
    page_token: String,
) -> Result<pb::ListBatchesResponse, CliError> {
    let request = pb::ListBatchesRequest {
        programmes: args.programme.iter().cloned().collect(),
        authorities: args.authority.iter().cloned().collect(),
        batches: args.batch.iter().cloned().collect(),
        as_of: args.moment.message(),
        page_size,
        page_token,
        ..Default::default()
    };
    Ok(client.register.list_batches(request).await?.into_inner())
}

async fn all(client: &mut Client, args: &BatchesArgs) -> Result<(), CliError> {
    let mut printer = Printer::new(args.common.output, HEADER)?;
    let mut at = None;
    let fetch = async |page_size, page_token| {
        let page = page(client, args, page_size, page_token).await?;
        at = page.as_of;
        Ok((page.batches, page.next_page_token))
    };
    let take = |batch: &pb::Batch| printer.add("Batch", batch, row);
    let count = paged(usize::MAX, fetch, take).await?.count;
    printer.finish(Some(&format!("{count} batches, {}", as_of(at.as_ref()))))
}

async fn one(
    client: &mut Client,
    args: &BatchesArgs,
    (programme, batch, authority): (&str, &str, &str),
) -> Result<(), CliError> {
    let request = pb::GetBatchRequest {
        programme: programme.to_owned(),
        authority: authority.to_owned(),
        batch: batch.to_owned(),
        as_of: args.moment.message(),
    };
    let answer = client.register.get_batch(request).await?.into_inner();
    print_message(args.common.output, "GetBatchResponse", &answer, print)
}

/// A line with the numbers that the table has no column for, if there are any.
fn beside(what: &str, numbers: [(u64, &str); 2]) -> Option<String> {
    let stated = numbers.iter().filter(|(number, _)| *number > 0);
    let all: Vec<_> = stated.map(|(number, name)| format!("{number} {name}")).collect();
    (!all.is_empty()).then(|| format!("{what} {}", all.join(", ")))
}

fn print(answer: &pb::GetBatchResponse) -> Result<(), CliError> {
    let whole = answer.batch.clone().unwrap_or_default();
    let mut batches = table(HEADER);
    batches.add_row(row(&whole));
    print_table(&batches)?;
    let counts = whole.counts.unwrap_or_default();
    let noticed =
        [(counts.recommended, "recommended"), (counts.reviews_noticed, "in notices of reviews")];
    let late = [(counts.supplements, "designated"), (counts.reviewed_supplements, "review passed")];
    for line in [beside("also", noticed), beside("by a supplement", late)].iter().flatten() {
        print_line(line)?;
    }
    print_line(&format!("digest of the content {}", hex(&whole.digest)))?;
    print_line(&as_of(answer.as_of.as_ref()))?;
    if answer.sublists.is_empty() {
        return Ok(());
    }
    let mut sublists = table(SUBLIST_HEADER);
    for sublist in &answer.sublists {
        let counts = sublist.counts.unwrap_or_default();
        sublists.add_row([
            sublist.sublist.clone(),
            word(sublist.state().as_str_name(), "BATCH_STATE_"),
            counts.noticed.to_string(),
            counts.designated.to_string(),
            counts.reviewed.to_string(),
            counts.not_designated.to_string(),
            date(sublist.sealed_on.as_ref()),
        ]);
    }
    print_table(&sublists)
}

fn row(batch: &pb::Batch) -> [String; 9] {
    let counts = batch.counts.unwrap_or_default();
    [
        batch.programme.clone(),
        batch.authority.clone(),
        batch.batch.clone(),
        word(batch.state().as_str_name(), "BATCH_STATE_"),
        counts.noticed.to_string(),
        counts.designated.to_string(),
        counts.reviewed.to_string(),
        counts.not_designated.to_string(),
        date(batch.sealed_on.as_ref()),
    ]
}
