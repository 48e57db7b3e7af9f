//! `tidu count`: titles or designees in groups, as of a day, as known at a moment.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Form, MomentArgs, Output, TableArgs, TitleArgs},
        client::Client,
        names,
        print::{
            Cell, Heading, Printer, TableColumn, Worded, as_of, authority_cell, industry_cell,
            print_line, print_message, programme_cell, region_cell,
        },
        tables::{TableFile, Target, Value, count_header, group_header},
    },
    lang::{say, word},
    protocol::pb,
};

#[derive(Debug, Args)]
pub(crate) struct CountArgs {
    /// Group by at most three of: programme, authority, responsible-authority, recommended-by,
    /// region, status, cohort, round, industry, valid-to-month, valid-to-year, end-cause, item
    #[arg(long = "by", value_name = "GROUP", value_delimiter = ',',
        value_parser = names::enum_value::<pb::CountGroup>)]
    by: Vec<i32>,
    /// Stage that a title must have reached: recommended, noticed, ever-designated, reviewed,
    /// active, any
    #[arg(long, default_value = "active", value_parser = names::enum_value::<pb::CountStage>)]
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
        Form::Printed(output @ (Output::Json | Output::PlainJson)) => {
            print_message(output, "CountTitlesResponse", &answer, |_| Ok(()))
        }
        Form::Printed(output) => print(output, &answer, &args.by),
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
    let at = as_of(answer.as_of.as_ref());
    print_line(&say!(en: "{written}: {at}", zh: "{written}：{at}"))
}

/// Prints the groups, for people with the total below them. Without groups, people get a sentence.
fn print(output: Output, answer: &pb::CountTitlesResponse, by: &[i32]) -> Result<(), CliError> {
    let groups: Vec<_> =
        by.iter().map(|number| pb::CountGroup::try_from(*number).unwrap_or_default()).collect();
    if !by.is_empty() || !output.is_human() {
        let by_region = groups.contains(&pb::CountGroup::Region);
        let mut printer = Printer::new(output, headings(answer, &groups))?;
        for counted in &answer.groups {
            printer.add("CountedGroup", counted, |counted| row(counted, &groups, by_region))?;
        }
        if by.is_empty() {
            let all = pb::CountedGroup { count: answer.total_count, ..Default::default() };
            printer.add("CountedGroup", &all, |all| [Cell::from(all.count)])?;
        } else if output.is_human() {
            printer.add("", answer, |answer| total(answer.total_count, by.len(), by_region))?;
        }
        printer.finish(None)?;
    }
    if !output.is_human() {
        return Ok(());
    }
    let (total, at) = (answer.total_count, as_of(answer.as_of.as_ref()));
    let (unit, stage) = (answer.unit().human(), answer.stage().human());
    print_line(&say!(
        en: "{total} {unit}, stage {stage}, {at}",
        zh: "共 {total} 个{unit}，阶段：{stage}，{at}"
    ))
}

fn headings(answer: &pb::CountTitlesResponse, groups: &[pb::CountGroup]) -> Vec<TableColumn> {
    let named = groups.iter().map(|group| TableColumn::named(&group.machine(), group.human()));
    let (unit, stage) = (answer.unit(), answer.stage().human());
    let name = unit.human();
    let count = say!(en: "{name} ({stage})", zh: "{name}数（{stage}）");
    let inferred =
        Heading::new("region_inferred", "of these, region inferred", "其中地区为推定").drops(1);
    let by_region = groups.contains(&pb::CountGroup::Region);
    named
        .chain([TableColumn::named(&unit.machine(), count)])
        .chain(by_region.then(|| inferred.into()))
        .collect()
}

fn row(counted: &pb::CountedGroup, groups: &[pb::CountGroup], by_region: bool) -> Vec<Cell> {
    let keys = counted.keys.iter().zip(groups).map(|(key, group)| group_cell(*group, key));
    let inferred = by_region.then(|| counted.region_inferred_count.into());
    keys.chain([counted.count.into()]).chain(inferred).collect()
}

/// The last row, for people.
fn total(count: u64, groups: usize, by_region: bool) -> Vec<Cell> {
    let mut row = vec![Cell::from(word!(en: "total", zh: "合计"))];
    row.resize(groups, Cell::default());
    row.push(count.into());
    row.extend(by_region.then(Cell::default));
    row
}

/// The key of a group. Programs read the code, people its name.
fn group_cell(group: pb::CountGroup, key: &str) -> Cell {
    use pb::CountGroup as Group;
    match group {
        _ if key.is_empty() => Cell::of("", "–"),
        Group::Programme => programme_cell(key),
        Group::Authority | Group::ResponsibleAuthority | Group::RecommendedBy => {
            authority_cell(key)
        }
        Group::Region => region_cell(key),
        Group::Industry => industry_cell(key),
        Group::Status => human_word::<pb::TitleStatus>(key),
        Group::EndCause => human_word::<pb::EndCause>(key),
        Group::Unspecified
        | Group::Cohort
        | Group::Round
        | Group::ValidToMonth
        | Group::ValidToYear
        | Group::Item => key.into(),
    }
}

/// The cell of an enum value that the server names by its word: `not_designated`.
fn human_word<E: Worded>(key: &str) -> Cell {
    let value = names::enum_value::<E>(key).ok().and_then(|number| E::try_from(number).ok());
    value.map_or_else(|| key.into(), |value| Cell::of(key, value.human()))
}
