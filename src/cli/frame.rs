//! `tidu measures`, `tidu pools` and `tidu assessments`: the frame around the titles.

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
pub(super) struct MeasuresArgs {
    /// Only instruments that govern this programme (may be repeated)
    #[arg(long = "programme", value_name = "ID")]
    programmes: Vec<String>,
    /// Only instruments of this authority (may be repeated)
    #[arg(long = "authority", value_name = "CODE")]
    authorities: Vec<String>,
    /// Also those that are not in force on the day
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn measures(args: MeasuresArgs) -> Result<(), CliError> {
    let mut client = Client::connect(&args.common).await?;
    let json = Json::new()?;
    let mut table =
        text::table(["authority", "programme", "kind", "title", "document", "from", "to", "event"]);
    let mut page_token = String::new();
    let last = loop {
        let request = pb::ListMeasuresRequest {
            authorities: args.authorities.clone(),
            programmes: args.programmes.clone(),
            in_force_only: !args.all,
            as_of: args.moment.as_of,
            known_at: args.moment.size(),
            known_at_time: args.moment.time(),
            page_size: i32::try_from(PAGE_EVENTS_MAX).unwrap_or(i32::MAX),
            page_token,
            ..Default::default()
        };
        let mut page = client.register.list_measures(request).await?.into_inner();
        for measure in &page.measures {
            if args.common.output == Output::Json {
                say(&json.line("MeasureSummary", measure)?)?;
                continue;
            }
            table.add_row([
                measure.authority.clone(),
                measure.programme.clone(),
                word(measure.instrument().as_str_name(), "INSTRUMENT_"),
                measure.title.clone(),
                measure.document_number.clone(),
                date(measure.in_force_from.as_ref()),
                date(measure.in_force_to.as_ref()),
                measure.position.to_string(),
            ]);
        }
        page_token = std::mem::take(&mut page.next_page_token);
        if page_token.is_empty() {
            break page;
        }
    };
    if args.common.output == Output::Json {
        return Ok(());
    }
    say(&table.to_string())?;
    let day = date(last.as_of.as_ref());
    let what = if args.all { "instruments" } else { "instruments in force" };
    say(&format!(
        "{} {what}, of {} provincial-level authorities, as of {day}",
        last.total, last.provincial_authorities
    ))
}

#[derive(Debug, Args)]
pub(super) struct PoolsArgs {
    /// Only pools of this authority (may be repeated)
    #[arg(long = "authority", value_name = "CODE")]
    authorities: Vec<String>,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn pools(args: PoolsArgs) -> Result<(), CliError> {
    let mut client = Client::connect(&args.common).await?;
    let request = pb::ListPoolsRequest {
        authorities: args.authorities.clone(),
        as_of: args.moment.as_of,
        known_at: args.moment.size(),
        known_at_time: args.moment.time(),
    };
    let answer = client.register.list_pools(request).await?.into_inner();
    if args.common.output == Output::Json {
        return say(&Json::new()?.line("ListPoolsResponse", &answer)?);
    }
    let mut table = text::table(["authority", "pool", "entries"]);
    for pool in &answer.pools {
        table.add_row([pool.authority.clone(), pool.pool.clone(), pool.entries.to_string()]);
    }
    table.add_row(["total".to_owned(), String::new(), answer.entries.to_string()]);
    say(&table.to_string())?;
    let day = date(answer.as_of.as_ref());
    say(&format!("pools of {} authorities, as of {day}", answer.authorities))
}

#[derive(Debug, Args)]
pub(super) struct AssessmentsArgs {
    /// Only this region and what lies in it
    #[arg(long = "region", value_name = "CODE", default_value = "", hide_default_value = true)]
    region: String,
    /// Only this year (may be repeated)
    #[arg(long = "year")]
    years: Vec<u32>,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn assessments(args: AssessmentsArgs) -> Result<(), CliError> {
    let mut client = Client::connect(&args.common).await?;
    let json = Json::new()?;
    let mut table = text::table(["region", "year", "assessor", "results", "event"]);
    let mut page_token = String::new();
    loop {
        let request = pb::ListAssessmentsRequest {
            region_under: args.region.clone(),
            years: args.years.clone(),
            as_of: args.moment.as_of,
            known_at: args.moment.size(),
            known_at_time: args.moment.time(),
            page_size: 0,
            page_token,
        };
        let page = client.register.list_assessments(request).await?.into_inner();
        for summary in &page.assessments {
            if args.common.output == Output::Json {
                say(&json.line("AssessmentSummary", summary)?)?;
                continue;
            }
            let stated = summary.assessment.clone().unwrap_or_default();
            let result = |one: &pb::Indicator| format!("{} {}{}", one.name, one.value, one.unit);
            let results: Vec<_> = stated.indicators.iter().map(result).collect();
            table.add_row([
                stated.region.clone(),
                stated.year.to_string(),
                stated.assessor.clone(),
                results.join(", "),
                summary.position.to_string(),
            ]);
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if args.common.output == Output::Human { say(&table.to_string()) } else { Ok(()) }
}
