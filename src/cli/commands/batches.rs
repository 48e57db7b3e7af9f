//! `tidu batches`: batches with their state and counts, or one with its sub-lists.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Form, MomentArgs, Output, TableArgs},
        batch_entries::{self, Wanted},
        client::Client,
        names,
        paged::paged,
        print::{Printer, as_of, date, print_line, print_message, print_table, table, word},
        tables::{self, BATCHES, ENTRIES, TableFile, Target},
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
#[command(after_help = "\
With --output csv or --to, one batch is its list: a row for each designation and each result of a
review in force. `tidu record` reads the list without any option, and the facts are the same. Joint
issuers and digests of documents have no column; `tidu events --output json` has everything.

Examples:
  tidu batches little-giant --to batches.xlsx
  tidu batches specialised-sme --authority 440000 -o csv")]
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
    table: TableArgs,
}

pub(super) async fn run(args: BatchesArgs) -> Result<(), CliError> {
    let form = args.table.form()?;
    let mut client = Client::to(&args.table.server).await?;
    let (Some(programme), Some(batch)) = (&args.programme, &args.batch) else {
        return all(&mut client, &args, &form).await;
    };
    if let Some(authority) = &args.authority {
        return one(&mut client, &args, (programme, batch, authority), &form).await;
    }
    // The authorities that have such a batch. Without one, the server answers about the ministry's.
    let owners = page(&mut client, &args, 2, String::new()).await?;
    match owners.batches.as_slice() {
        [] => one(&mut client, &args, (programme, batch, ""), &form).await,
        [only] => one(&mut client, &args, (programme, batch, &only.authority), &form).await,
        _ if matches!(form, Form::Table(_)) => Err(CliError::Refused(format!(
            "several authorities have a batch {batch} of {programme}, and a list is that of one; \
             say which: --authority CODE (tidu batches {programme} {batch} shows them)"
        ))),
        _ => all(&mut client, &args, &form).await,
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

async fn all(client: &mut Client, args: &BatchesArgs, form: &Form) -> Result<(), CliError> {
    match form {
        Form::Printed(output) => print_all(client, args, *output).await,
        Form::Table(target) => write_all(client, args, target).await,
    }
}

async fn print_all(
    client: &mut Client,
    args: &BatchesArgs,
    output: Output,
) -> Result<(), CliError> {
    let mut printer = Printer::new(output, HEADER)?;
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

async fn write_all(
    client: &mut Client,
    args: &BatchesArgs,
    target: &Target,
) -> Result<(), CliError> {
    let mut file = TableFile::begin(target, "批次", &tables::headers(BATCHES))?;
    let mut at = None;
    let fetch = async |page_size, page_token| {
        let page = page(client, args, page_size, page_token).await?;
        at = page.as_of;
        Ok((page.batches, page.next_page_token))
    };
    paged(usize::MAX, fetch, |batch| file.add_row(BATCHES, batch)).await?;
    finish(file, at.as_ref())
}

/// Ends a table, and says for which moment it is.
fn finish(file: TableFile, at: Option<&pb::AnswerAsOf>) -> Result<(), CliError> {
    let Some(written) = file.finish()? else { return Ok(()) };
    print_line(&format!("{written}: {}", as_of(at)))
}

async fn one(
    client: &mut Client,
    args: &BatchesArgs,
    (programme, batch, authority): (&str, &str, &str),
    form: &Form,
) -> Result<(), CliError> {
    let request = pb::GetBatchRequest {
        programme: programme.to_owned(),
        authority: authority.to_owned(),
        batch: batch.to_owned(),
        as_of: args.moment.message(),
    };
    let answer = client.register.get_batch(request).await?.into_inner();
    match form {
        Form::Printed(output) => print_message(*output, "GetBatchResponse", &answer, print),
        Form::Table(target) => write_list(client, args, &answer, target).await,
    }
}

/// Writes the list of a batch: its facts, in the order of recording.
async fn write_list(
    client: &mut Client,
    args: &BatchesArgs,
    answer: &pb::GetBatchResponse,
    target: &Target,
) -> Result<(), CliError> {
    let batch = answer.batch.clone().unwrap_or_default();
    let wanted = Wanted {
        programme: &batch.programme,
        authority: &batch.authority,
        batch: &batch.batch,
        known_at: answer.as_of.as_ref().map_or(0, pb::AnswerAsOf::known_at),
        on: args.moment.message().and_then(|moment| moment.valid_on),
    };
    let mut file = TableFile::begin(target, "名单", &tables::headers(ENTRIES))?;
    batch_entries::read(client, &wanted, |entry| file.add_row(ENTRIES, entry)).await?;
    finish(file, answer.as_of.as_ref())
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
