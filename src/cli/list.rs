//! `tidu list` and `tidu count`: titles and designees as of a day, as known at a moment.

use clap::{Args, ValueEnum};

use super::{
    CliError, Common, Output,
    ask::{MomentArgs, TitleArgs, by_word, word},
    client::Client,
    json::Json,
    text::{self, date, say},
};
use crate::{limits::PAGE_EVENTS_MAX, protocol::pb};

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// What to list
    #[arg(value_enum, default_value_t = What::Titles)]
    what: What,
    #[command(flatten)]
    titles: TitleArgs,
    #[command(flatten)]
    moment: MomentArgs,
    /// Most rows to list
    #[arg(long, short = 'n', default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    common: Common,
}

/// What to list.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// One row a title
    Titles,
    /// One row a designee
    Designees,
}

pub(super) async fn run(args: ListArgs) -> Result<(), CliError> {
    let mut client = Client::connect(&args.common).await?;
    match args.what {
        What::Titles => titles(&mut client, &args).await,
        What::Designees => designees(&mut client, &args).await,
    }
}

async fn titles(client: &mut Client, args: &ListArgs) -> Result<(), CliError> {
    let json = Json::new()?;
    let mut table = text::table([
        "designee",
        "name",
        "programme",
        "authority",
        "status",
        "from",
        "to",
        "batch",
        "flags",
    ]);
    let (mut left, mut page_token, mut stands) = (args.limit, String::new(), None);
    let mut shown = 0;
    while left > 0 {
        let request = pb::ListTitlesRequest {
            filter: args.titles.filter(),
            as_of: args.moment.as_of,
            known_at: args.moment.size(),
            known_at_time: args.moment.time(),
            page_size: page_size(left),
            page_token,
        };
        let page = client.register.list_titles(request).await?.into_inner();
        for listed in &page.titles {
            if args.common.output == Output::Json {
                say(&json.line("DesigneeTitle", listed)?)?;
                continue;
            }
            let title = listed.title.clone().unwrap_or_default();
            table.add_row([
                listed.designee.clone(),
                listed.name.clone(),
                title.programme.clone(),
                title.authority.clone(),
                text::title_status(title.status()),
                date(title.valid_from.as_ref()),
                date(title.valid_to.as_ref()),
                title.batch.clone(),
                text::flags(&title),
            ]);
        }
        stands = Some((page.as_of, page.known_at));
        shown += page.titles.len();
        left = left.saturating_sub(page.titles.len());
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if args.common.output == Output::Human {
        say(&table.to_string())?;
        footer(shown, "titles", !page_token.is_empty(), stands)?;
    }
    Ok(())
}

async fn designees(client: &mut Client, args: &ListArgs) -> Result<(), CliError> {
    let json = Json::new()?;
    let mut table =
        text::table(["designee", "name", "region", "industry", "responsible", "titles"]);
    let (mut left, mut page_token, mut stands) = (args.limit, String::new(), None);
    let mut shown = 0;
    while left > 0 {
        let request = pb::ListDesigneesRequest {
            filter: args.titles.filter(),
            as_of: args.moment.as_of,
            known_at: args.moment.size(),
            known_at_time: args.moment.time(),
            page_size: page_size(left),
            page_token,
        };
        let page = client.register.list_designees(request).await?.into_inner();
        for designee in &page.designees {
            if args.common.output == Output::Json {
                say(&json.line("Designee", designee)?)?;
                continue;
            }
            let title = |title: &pb::Title| {
                format!("{} {}", title.programme, text::title_status(title.status()))
            };
            let titles: Vec<_> = designee.titles.iter().map(title).collect();
            table.add_row([
                designee.designee.clone(),
                designee.name.clone(),
                designee.region.clone(),
                designee.industry.clone(),
                designee.responsible_authority.clone(),
                titles.join(", "),
            ]);
        }
        stands = Some((page.as_of, page.known_at));
        shown += page.designees.len();
        left = left.saturating_sub(page.designees.len());
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if args.common.output == Output::Human {
        say(&table.to_string())?;
        footer(shown, "designees", !page_token.is_empty(), stands)?;
    }
    Ok(())
}

fn page_size(left: usize) -> i32 {
    i32::try_from(left.min(PAGE_EVENTS_MAX)).unwrap_or(i32::MAX)
}

/// What the answer stands on, and whether there is more.
fn footer(
    shown: usize,
    what: &str,
    more: bool,
    stands: Option<(Option<pb::Date>, u64)>,
) -> Result<(), CliError> {
    let more = if more { "; there are more (-n)" } else { "" };
    let (as_of, known_at) = stands.unwrap_or_default();
    let day = date(as_of.as_ref());
    say(&format!("{shown} {what}{more}, as of {day}, as known at log size {known_at}"))
}

#[derive(Debug, Args)]
pub(super) struct CountArgs {
    /// By what to group, at most three: programme, authority, responsible-authority, recommended-by, region, status, cohort,
    /// round, industry
    #[arg(long = "by", value_name = "GROUP", value_delimiter = ',', value_parser = group)]
    by: Vec<i32>,
    /// How far a title must have come: recommended, noticed, ever-designated, reviewed, standing
    #[arg(long, default_value = "standing", value_parser = stage)]
    stage: i32,
    /// Count designees rather than titles
    #[arg(long)]
    designees: bool,
    #[command(flatten)]
    titles: TitleArgs,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    common: Common,
}

fn group(text: &str) -> Result<i32, String> {
    by_word(text, "COUNT_GROUP_", pb::CountGroup::as_str_name)
}

fn stage(text: &str) -> Result<i32, String> {
    by_word(text, "COUNT_STAGE_", pb::CountStage::as_str_name)
}

pub(super) async fn count(args: CountArgs) -> Result<(), CliError> {
    let mut client = Client::connect(&args.common).await?;
    let unit = if args.designees { pb::CountUnit::Designees } else { pb::CountUnit::Titles };
    let request = pb::CountTitlesRequest {
        filter: args.titles.filter(),
        as_of: args.moment.as_of,
        known_at: args.moment.size(),
        known_at_time: args.moment.time(),
        unit: unit.into(),
        stage: args.stage,
        group_by: args.by.clone(),
    };
    let answer = client.register.count_titles(request).await?.into_inner();
    if args.common.output == Output::Json {
        return say(&Json::new()?.line("CountTitlesResponse", &answer)?);
    }
    let stage = word(answer.stage().as_str_name(), "COUNT_STAGE_");
    let unit = word(answer.unit().as_str_name(), "COUNT_UNIT_");
    let heading = |number: &i32| {
        let name = pb::CountGroup::try_from(*number).map_or("", |group| group.as_str_name());
        word(name, "COUNT_GROUP_")
    };
    let mut header: Vec<String> = args.by.iter().map(heading).collect();
    header.push(format!("{unit} ({stage})"));
    let mut table = text::table(header);
    for group in &answer.groups {
        let keys = group.keys.iter().map(|key| if key.is_empty() { "–" } else { key }.to_owned());
        table.add_row(keys.chain([group.count.to_string()]));
    }
    if !args.by.is_empty() {
        let mut total = vec!["total".to_owned()];
        total.resize(args.by.len(), String::new());
        total.push(answer.total.to_string());
        table.add_row(total);
        say(&table.to_string())?;
    }
    let day = date(answer.as_of.as_ref());
    let total = answer.total;
    say(&format!(
        "{total} {unit}, stage {stage}, as of {day}, as known at log size {}",
        answer.known_at
    ))
}
