//! `tidu list`: titles or designees as of a day, as known at a moment.

use clap::{Args, ValueEnum};

use super::find::inferred_region;
use crate::{
    cli::{
        CliError,
        args::{Form, MomentArgs, Output, TableArgs, TitleArgs, Within, at_least_one, within},
        client::Client,
        paged::{Listed, paged},
        print::{
            Cell, Heading, Printer, Worded as _, as_of, authority_cell, date, end_cell, flags_cell,
            industry_cell, print_line, programme_cell, status_cell, title_status,
        },
        tables::{self, Column, DESIGNEES, TITLES, TableFile, Target},
    },
    lang::{Lang, say, word},
    limits::{PAGE_EVENTS_DEFAULT, SORTED_TITLES_MAX},
    protocol::pb,
};

const DESIGNEE_HEADINGS: [Heading; 6] = [
    Heading::new("designee", "designee", "代码"),
    Heading::new("name", "name", "名称"),
    Heading::new("region", "region", "地区").drops(1),
    Heading::new("industry", "industry", "行业").drops(4),
    Heading::new("responsible_authority", "responsible", "主管机构").drops(3),
    Heading::new("titles", "titles", "称号").drops(2),
];

/// The columns of titles. The programme that the caller asks for says little.
fn title_headings(filter: &pb::TitleFilter) -> [Heading; 10] {
    let is_one = filter.programmes.len() == 1;
    [
        Heading::new("designee", "designee", "代码"),
        Heading::new("name", "name", "名称"),
        Heading::new("programme", "programme", "认定项目").drops(if is_one { 8 } else { 1 }),
        Heading::new("authority", "authority", "认定机构").drops(4),
        Heading::new("status", "status", "状态"),
        Heading::new("from", "from", "起始日").drops(5),
        Heading::new("to", "to", "截止日").drops(2),
        Heading::new("batch", "batch", "批次").drops(3),
        Heading::new("end", "end", "终止原因").drops(6),
        Heading::new("flags", "flags", "提示").drops(7),
    ]
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Rows to list
    #[arg(value_enum, default_value_t = Unit::Titles)]
    unit: Unit,
    #[command(flatten)]
    titles: TitleArgs,
    /// Only titles in force whose last day comes within this many days or months, such as 90d or 6m
    #[arg(long, value_name = "TIME", value_parser = within,
        conflicts_with_all = ["valid_to_from", "valid_to_to"])]
    expires_within: Option<Within>,
    #[command(flatten)]
    moment: MomentArgs,
    /// Most rows to list [default: 100; all of them as CSV or XLSX]
    #[arg(long, short = 'n', value_parser = at_least_one())]
    limit: Option<usize>,
    #[command(flatten)]
    table: TableArgs,
}

/// The subject of a row.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Unit {
    /// One row for each title
    Titles,
    /// One row for each designee
    Designees,
}

pub(super) async fn run(args: ListArgs) -> Result<(), CliError> {
    let form = args.table.form()?;
    let mut client = Client::to(&args.table.server).await?;
    match args.unit {
        Unit::Titles => titles(&mut client, &args, form).await,
        Unit::Designees => designees(&mut client, &args, form).await,
    }
}

/// The rows of a list on their way out.
enum Rows {
    Printed(Printer),
    Table(TableFile),
}

impl Rows {
    fn print(
        output: Output,
        headings: impl IntoIterator<Item = Heading>,
    ) -> Result<Self, CliError> {
        Printer::new(output, headings).map(Self::Printed)
    }

    fn write<T>(target: &Target, name: &str, columns: &[Column<T>]) -> Result<Self, CliError> {
        TableFile::begin(target, name, &tables::headers(columns)).map(Self::Table)
    }

    /// Ends the rows, with a line that says what was listed.
    fn finish(self, summary: &str) -> Result<(), CliError> {
        match self {
            Self::Printed(printer) => printer.finish(Some(summary)),
            Self::Table(file) => match file.finish()? {
                Some(written) => {
                    print_line(&say!(en: "{written}: {summary}", zh: "{written}：{summary}"))
                }
                None => Ok(()),
            },
        }
    }
}

impl ListArgs {
    /// Most rows to list. A table has all of them, because nobody sees where one ends.
    fn limit(&self, form: &Form) -> usize {
        let default = match form {
            Form::Printed(_) => PAGE_EVENTS_DEFAULT,
            Form::Table(_) => usize::MAX,
        };
        self.limit.unwrap_or(default)
    }
}

/// The filter, with the days of `--expires-within`.
async fn filter(client: &mut Client, args: &ListArgs) -> Result<pb::TitleFilter, CliError> {
    let mut filter = args.titles.filter().unwrap_or_default();
    let Some(within) = args.expires_within else { return Ok(filter) };
    // The day of the answer is the server's.
    let request = pb::ListProgrammesRequest { as_of: args.moment.message() };
    let answer = client.register.list_programmes(request).await?.into_inner();
    let day = answer.as_of.and_then(|as_of| as_of.valid_on);
    let last = day.and_then(|day| within.after(day));
    let last = last.ok_or_else(|| CliError::Refused(beyond_calendar()))?;
    (filter.valid_to_from, filter.valid_to_to) = (day, Some(last));
    if filter.statuses.is_empty() {
        filter.statuses.push(pb::TitleStatus::Active.into());
    }
    Ok(filter)
}

fn beyond_calendar() -> String {
    say!(
        en: "--expires-within ends beyond the calendar",
        zh: "--expires-within 的截止日超出历法范围"
    )
}

async fn titles(client: &mut Client, args: &ListArgs, form: Form) -> Result<(), CliError> {
    let limit = args.limit(&form);
    let filter = filter(client, args).await?;
    let mut out = match form {
        Form::Printed(output) => Rows::print(output, title_headings(&filter))?,
        Form::Table(target) => Rows::write(&target, "称号", TITLES)?,
    };
    let mut add = |row: &pb::DesigneeTitle| match &mut out {
        Rows::Printed(printer) => printer.add("DesigneeTitle", row, title_row),
        Rows::Table(file) => file.add_row(TITLES, row),
    };
    // A list of last days is read by them. Whoever sorts reads all titles first.
    let is_sorted = filter.valid_to_from.is_some() || filter.valid_to_to.is_some();
    let mut as_of = None;
    let fetch = async |page_size, page_token| {
        let request = pb::ListTitlesRequest {
            filter: Some(filter.clone()),
            as_of: args.moment.message(),
            page_size,
            page_token,
        };
        let page = client.register.list_titles(request).await?.into_inner();
        as_of = page.as_of;
        Ok((page.titles, page.next_page_token))
    };
    let listed = if is_sorted {
        let rows = by_last_day(fetch).await?;
        let shown = rows.iter().take(limit);
        shown.clone().try_for_each(&mut add)?;
        Listed { count: shown.len(), has_more: rows.len() > limit }
    } else {
        paged(limit, fetch, add).await?
    };
    out.finish(&summary(listed, word!(en: "titles", zh: "个称号"), as_of.as_ref()))
}

/// All titles, by their last day; those of one day keep their order.
async fn by_last_day(
    fetch: impl AsyncFnMut(i32, String) -> Result<(Vec<pb::DesigneeTitle>, String), CliError>,
) -> Result<Vec<pb::DesigneeTitle>, CliError> {
    let mut rows = Vec::new();
    let keep = |row: &pb::DesigneeTitle| {
        rows.push(row.clone());
        Ok(())
    };
    let listed = paged(SORTED_TITLES_MAX, fetch, keep).await?;
    if listed.has_more {
        return Err(CliError::Refused(say!(
            en: "more than {SORTED_TITLES_MAX} titles match, and no more than that are sorted by \
                 their last day; narrow the filter",
            zh: "符合条件的称号超过 {SORTED_TITLES_MAX} 个，无法按截止日排序；请缩小筛选范围"
        )));
    }
    rows.sort_by_key(|row| {
        let last = row.title.as_ref().and_then(|title| title.valid_to);
        last.map(|day| (day.year, day.month, day.day))
    });
    Ok(rows)
}

fn title_row(row: &pb::DesigneeTitle) -> [Cell; 10] {
    let title = row.title.clone().unwrap_or_default();
    [
        row.designee.as_str().into(),
        row.name.as_str().into(),
        programme_cell(&title.programme),
        authority_cell(&title.authority),
        status_cell(title.status()),
        date(title.valid_from.as_ref()).into(),
        date(title.valid_to.as_ref()).into(),
        title.batch.as_str().into(),
        end_cell(&title),
        flags_cell(&title),
    ]
}

async fn designees(client: &mut Client, args: &ListArgs, form: Form) -> Result<(), CliError> {
    let limit = args.limit(&form);
    let filter = filter(client, args).await?;
    let mut out = match form {
        Form::Printed(output) => Rows::print(output, DESIGNEE_HEADINGS)?,
        Form::Table(target) => Rows::write(&target, "企业", DESIGNEES)?,
    };
    let add = |row: &pb::Designee| match &mut out {
        Rows::Printed(printer) => printer.add("Designee", row, designee_row),
        Rows::Table(file) => file.add_row(DESIGNEES, row),
    };
    let mut as_of = None;
    let fetch = async |page_size, page_token| {
        let request = pb::ListDesigneesRequest {
            filter: Some(filter.clone()),
            as_of: args.moment.message(),
            page_size,
            page_token,
        };
        let page = client.register.list_designees(request).await?.into_inner();
        as_of = page.as_of;
        Ok((page.designees, page.next_page_token))
    };
    let listed = paged(limit, fetch, add).await?;
    out.finish(&summary(listed, word!(en: "designees", zh: "个认定对象"), as_of.as_ref()))
}

fn designee_row(row: &pb::Designee) -> [Cell; 6] {
    let title = |title: &pb::Title| format!("{} {}", title.programme, title_status(title.status()));
    let titles: Vec<_> = row.titles.iter().map(title).collect();
    let shown: Vec<_> = row.titles.iter().map(human_title).collect();
    let shown = shown.join(Lang::current().of(", ", "，"));
    [
        row.designee.as_str().into(),
        row.name.as_str().into(),
        inferred_region(&row.region, row.region_inferred),
        industry_cell(&row.industry),
        authority_cell(&row.responsible_authority),
        Cell::of(titles.join(", "), shown),
    ]
}

/// A title with its status, for people.
fn human_title(title: &pb::Title) -> String {
    let (programme, status) = (programme_cell(&title.programme), title.status().human());
    let programme = programme.human();
    say!(en: "{programme} {status}", zh: "{programme}（{status}）")
}

/// The line below the table: the count, and the moment of the answer.
fn summary(listed: Listed, unit: &str, at: Option<&pb::AnswerAsOf>) -> String {
    let (count, more, at) = (listed.count, listed.more(), as_of(at));
    say!(en: "{count} {unit}{more}, {at}", zh: "{count} {unit}{more}，{at}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(year: i32) -> pb::DesigneeTitle {
        let valid_to = Some(pb::Date { year, month: 1, day: 1 });
        let title = Some(pb::Title { valid_to, ..Default::default() });
        pb::DesigneeTitle { title, ..Default::default() }
    }

    /// Sorts as many titles, whose last days come the wrong way round.
    async fn sorted(count: usize) -> Result<Vec<pb::DesigneeTitle>, CliError> {
        let mut given = 0;
        let fetch = async |size, _| {
            let some = usize::try_from(size).unwrap().min(count - given);
            let year = |index: usize| i32::try_from(count - given - index).unwrap();
            let page = (0..some).map(|index| title(year(index))).collect();
            given += some;
            Ok((page, if given < count { given.to_string() } else { String::new() }))
        };
        by_last_day(fetch).await
    }

    #[tokio::test]
    async fn titles_are_sorted_up_to_their_bound() {
        let rows = sorted(SORTED_TITLES_MAX).await.ok().unwrap();
        assert_eq!((rows.len(), &rows[0]), (SORTED_TITLES_MAX, &title(1)));
        assert!(rows.is_sorted_by_key(|row| row.title.as_ref().unwrap().valid_to.unwrap().year));
        let refused = sorted(SORTED_TITLES_MAX + 1).await.err().unwrap().to_string();
        assert!(refused.contains(&SORTED_TITLES_MAX.to_string()), "{refused}");
    }
}
