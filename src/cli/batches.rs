//! `tidu batches`: what was published together, whether it is complete, and what is missing.

use clap::Args;

use super::{
    CliError, Common, Output,
    ask::{MomentArgs, word},
    client::Client,
    json::Json,
    text::{self, date, say},
};
use crate::{limits::PAGE_EVENTS_MAX, protocol::pb};

#[derive(Debug, Args)]
pub(super) struct BatchesArgs {
    /// Only batches of this programme
    programme: Option<String>,
    /// This batch alone, with its sub-lists and its digest
    batch: Option<String>,
    /// Whose batches [default: all; of a batch alone: the ministry's]
    #[arg(long, value_name = "CODE")]
    authority: Option<String>,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: BatchesArgs) -> Result<(), CliError> {
    let mut client = Client::connect(&args.common).await?;
    match (&args.programme, &args.batch) {
        (Some(programme), Some(batch)) => one(&mut client, &args, programme, batch).await,
        _ => all(&mut client, &args).await,
    }
}

async fn all(client: &mut Client, args: &BatchesArgs) -> Result<(), CliError> {
    let json = Json::new()?;
    let mut table = text::table(HEADER);
    let mut page_token = String::new();
    loop {
        let request = pb::ListBatchesRequest {
            programmes: args.programme.iter().cloned().collect(),
            authorities: args.authority.iter().cloned().collect(),
            as_of: args.moment.as_of,
            known_at: args.moment.size(),
            known_at_time: args.moment.time(),
            page_size: i32::try_from(PAGE_EVENTS_MAX).unwrap_or(i32::MAX),
            page_token,
            ..Default::default()
        };
        let page = client.register.list_batches(request).await?.into_inner();
        for batch in &page.batches {
            if args.common.output == Output::Json {
                say(&json.line("BatchSummary", batch)?)?;
            } else {
                table.add_row(row(batch));
            }
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if args.common.output == Output::Human { say(&table.to_string()) } else { Ok(()) }
}

async fn one(
    client: &mut Client,
    args: &BatchesArgs,
    programme: &str,
    batch: &str,
) -> Result<(), CliError> {
    let request = pb::GetBatchRequest {
        programme: programme.to_owned(),
        authority: args.authority.clone().unwrap_or_default(),
        batch: batch.to_owned(),
        as_of: args.moment.as_of,
        known_at: args.moment.size(),
        known_at_time: args.moment.time(),
    };
    let answer = client.register.get_batch(request).await?.into_inner();
    if args.common.output == Output::Json {
        return say(&Json::new()?.line("GetBatchResponse", &answer)?);
    }
    let whole = answer.batch.clone().unwrap_or_default();
    let mut table = text::table(HEADER);
    table.add_row(row(&whole));
    say(&table.to_string())?;
    let digest = text::hex(&whole.digest);
    say(&format!("digest of the content {digest}"))?;
    if answer.sublists.is_empty() {
        return Ok(());
    }
    let mut table = text::table([
        "sub-list",
        "state",
        "noticed",
        "designated",
        "reviewed",
        "not designated",
        "sealed on",
    ]);
    for sublist in &answer.sublists {
        let counts = sublist.counts.unwrap_or_default();
        table.add_row([
            sublist.sublist.clone(),
            word(sublist.state().as_str_name(), "BATCH_STATE_"),
            counts.noticed.to_string(),
            counts.designated.to_string(),
            counts.reviewed.to_string(),
            counts.not_designated.to_string(),
            date(sublist.sealed_on.as_ref()),
        ]);
    }
    say(&table.to_string())
}

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

fn row(batch: &pb::BatchSummary) -> [String; 9] {
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
