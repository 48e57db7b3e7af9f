//! `tidu count`: titles or designees in groups, as of a day, as known at a moment.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Form, MomentArgs, TableArgs, TitleArgs, parse_word},
        client::Client,
        print::{as_of, print_line, print_message, print_table, table, word},
        tables::{TableFile, Target, Value, count_header, group_header},
    },
    protocol::pb,
};

#[derive(Debug, Args)]
pub(crate) struct CountArgs {
    /// Group by at most three of: programme, authority, responsible-authority, recommended-by,
    /// region, status, cohort, round, industry, valid-to-month, valid-to-year, end-cause, item
    #[arg(long = "by", value_name = "GROUP", value_delimiter = ',', value_parser = group)]
    by: Vec<i32>,
    /// Stage that a title must have reached: recommended, noticed, ever-designated, reviewed,
    /// active, any
    #[arg(long, default_value = "active", value_parser = stage)]
    stage: i32,
    /// Count designees instead of titles
    #[arg(long)]
    designees: bool,
    #[command(flatten)]
    titles: TitleArgs,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    table: TableArgs,
}

fn group(text: &str) -> Result<i32, String> {
    parse_word(text, "COUNT_GROUP_", pb::CountGroup::as_str_name)
}

fn stage(text: &str) -> Result<i32, String> {
    parse_word(text, "COUNT_STAGE_", pb::CountStage::as_str_name)
}

pub(super) async fn run(args: CountArgs) -> Result<(), CliError> {
    let form = args.table.form()?;
    let mut client = Client::to(&args.table.server).await?;
    let unit = if args.designees { pb::CountUnit::Designees } else { pb::CountUnit::Titles };
    let request = pb::CountTitlesRequest {
        filter: args.titles.filter(),
        as_of: args.moment.message(),
        unit: unit.into(),
        stage: args.stage,
        group_by: args.by.clone(),
    };
    let answer = client.register.count_titles(request).await?.into_inner();
    match form {
        Form::Printed(output) => {
            print_message(output, "CountTitlesResponse", &answer, |answer| print(answer, &args.by))
        }
        Form::Table(target) => write(&target, &answer, &args.by),
    }
}

/// Writes the groups as a table; without groups, the whole count.
fn write(target: &Target, answer: &pb::CountTitlesResponse, by: &[i32]) -> Result<(), CliError> {
    let group = |number: &i32| group_header(pb::CountGroup::try_from(*number).unwrap_or_default());
    let mut headers: Vec<_> = by.iter().map(group).collect();
    headers.push(count_header(answer.unit()));
    let by_region = by.contains(&pb::CountGroup::Region.into());
    headers.extend(by_region.then_some("其中推定"));
    let mut file = TableFile::begin(target, "统计", &headers)?;
    if by.is_empty() {
        file.add(&[Value::Number(answer.total_count)])?;
    }
    for group in answer.groups.iter().filter(|_| !by.is_empty()) {
        let keys = group.keys.iter().cloned().map(Value::Text);
        let inferred = by_region.then_some(Value::Number(group.region_inferred_count));
        let cells: Vec<_> = keys.chain([Value::Number(group.count)]).chain(inferred).collect();
        file.add(&cells)?;
    }
    let Some(written) = file.finish()? else { return Ok(()) };
    print_line(&format!("{written}: {}", as_of(answer.as_of.as_ref())))
}

fn print(answer: &pb::CountTitlesResponse, by: &[i32]) -> Result<(), CliError> {
    let stage = word(answer.stage().as_str_name(), "COUNT_STAGE_");
    let unit = word(answer.unit().as_str_name(), "COUNT_UNIT_");
    let total = answer.total_count;
    if !by.is_empty() {
        let heading = |number: &i32| {
            let name = pb::CountGroup::try_from(*number).map_or("", |group| group.as_str_name());
            word(name, "COUNT_GROUP_")
        };
        let mut header: Vec<String> = by.iter().map(heading).collect();
        header.push(format!("{unit} ({stage})"));
        let by_region = by.contains(&pb::CountGroup::Region.into());
        header.extend(by_region.then(|| "of these, region inferred".to_owned()));
        let mut table = table(header);
        for group in &answer.groups {
            let key = |key: &String| if key.is_empty() { "–".to_owned() } else { key.clone() };
            let inferred = by_region.then(|| group.region_inferred_count.to_string());
            let numbers = [group.count.to_string()].into_iter().chain(inferred);
            table.add_row(group.keys.iter().map(key).chain(numbers));
        }
        let mut last = vec!["total".to_owned()];
        last.resize(by.len(), String::new());
        last.push(total.to_string());
        last.extend(by_region.then(String::new));
        table.add_row(last);
        print_table(&table)?;
    }
    let as_of = as_of(answer.as_of.as_ref());
    print_line(&format!("{total} {unit}, stage {stage}, {as_of}"))
}
