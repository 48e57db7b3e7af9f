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
        print::{
            Cell, Heading, Printer, as_of, authority_cell, batch_state_cell, date, print_line,
            print_message, print_table, programme_cell, table,
        },
        tables::{self, BATCHES, ENTRIES, TableFile, Target},
    },
    domain::text::hex,
    lang::{Lang, say, word},
    protocol::pb,
};

const STATE: Heading = Heading::new("state", "state", "状态");
const NOTICED: Heading = Heading::new("noticed", "noticed", "公示数").drops(4);
const DESIGNATED: Heading = Heading::new("designated", "designated", "认定数");
const REVIEWED: Heading = Heading::new("reviewed", "reviewed", "复核通过数").drops(3);
const NOT_DESIGNATED: Heading =
    Heading::new("not_designated", "not designated", "未认定数").drops(5);
const SEALED_ON: Heading = Heading::new("sealed_on", "sealed on", "封存日").drops(1);

const HEADINGS: [Heading; 9] = [
    Heading::new("programme", "programme", "认定项目"),
    Heading::new("authority", "authority", "认定机构").drops(2),
    Heading::new("batch", "batch", "批次"),
    STATE,
    NOTICED,
    DESIGNATED,
    REVIEWED,
    NOT_DESIGNATED,
    SEALED_ON,
];

const SUBLIST_HEADINGS: [Heading; 7] = [
    Heading::new("sublist", "sub-list", "分名单"),
    STATE,
    NOTICED,
    DESIGNATED,
    REVIEWED,
    NOT_DESIGNATED,
    SEALED_ON,
];

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
        _ if matches!(form, Form::Table(_)) => Err(CliError::Refused(say!(
            en: "several authorities have a batch {batch} of {programme}, and a list is that of \
                 one; say which: --authority CODE (tidu batches {programme} {batch} shows them)",
            zh: "{programme} 的批次 {batch} 属于多个认定机构，一份名单只能属于一个；\
                 请用 --authority 指定（tidu batches {programme} {batch} 列出全部）"
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
    let mut printer = Printer::new(output, HEADINGS)?;
    let mut at = None;
    let fetch = async |page_size, page_token| {
        let page = page(client, args, page_size, page_token).await?;
        at = page.as_of;
        Ok((page.batches, page.next_page_token))
    };
    let take = |batch: &pb::Batch| printer.add("Batch", batch, row);
    let count = paged(usize::MAX, fetch, take).await?.count;
    let at = as_of(at.as_ref());
    printer.finish(Some(&say!(en: "{count} batches, {at}", zh: "{count} 个批次，{at}")))
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
    let at = as_of(at);
    print_line(&say!(en: "{written}: {at}", zh: "{written}：{at}"))
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
        Form::Printed(output @ Output::Tsv) => {
            let mut printer = Printer::new(*output, HEADINGS)?;
            let batch = answer.batch.clone().unwrap_or_default();
            printer.add("Batch", &batch, row)?;
            printer.finish(None)
        }
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
    (!all.is_empty()).then(|| format!("{what} {}", all.join(Lang::current().of(", ", "，"))))
}

fn print(answer: &pb::GetBatchResponse) -> Result<(), CliError> {
    let whole = answer.batch.clone().unwrap_or_default();
    let mut batches = table(HEADINGS);
    batches.add_row(row(&whole));
    print_table(&batches)?;
    let counts = whole.counts.unwrap_or_default();
    let noticed = [
        (counts.recommended, word!(en: "recommended", zh: "个推荐")),
        (counts.reviews_noticed, word!(en: "in notices of reviews", zh: "个复核公示")),
    ];
    let late = [
        (counts.supplements, word!(en: "designated", zh: "个认定")),
        (counts.reviewed_supplements, word!(en: "review passed", zh: "个复核通过")),
    ];
    let also = beside(word!(en: "also", zh: "另有"), noticed);
    let late = beside(word!(en: "by a supplement", zh: "其中增补"), late);
    for line in [also, late].iter().flatten() {
        print_line(line)?;
    }
    let digest = hex(&whole.digest);
    print_line(&say!(en: "digest of the content {digest}", zh: "内容摘要 {digest}"))?;
    print_line(&as_of(answer.as_of.as_ref()))?;
    if answer.sublists.is_empty() {
        return Ok(());
    }
    let mut sublists = table(SUBLIST_HEADINGS);
    answer.sublists.iter().for_each(|sublist| sublists.add_row(sublist_row(sublist)));
    print_table(&sublists)
}

fn row(batch: &pb::Batch) -> [Cell; 9] {
    let counts = batch.counts.unwrap_or_default();
    [
        programme_cell(&batch.programme),
        authority_cell(&batch.authority),
        batch.batch.as_str().into(),
        batch_state_cell(batch.state()),
        counts.noticed.into(),
        counts.designated.into(),
        counts.reviewed.into(),
        counts.not_designated.into(),
        date(batch.sealed_on.as_ref()).into(),
    ]
}

fn sublist_row(sublist: &pb::Sublist) -> [Cell; 7] {
    let counts = sublist.counts.unwrap_or_default();
    [
        authority_cell(&sublist.sublist),
        batch_state_cell(sublist.state()),
        counts.noticed.into(),
        counts.designated.into(),
        counts.reviewed.into(),
        counts.not_designated.into(),
        date(sublist.sealed_on.as_ref()).into(),
    ]
}
