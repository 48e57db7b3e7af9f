//! `tidu rules`: by which version of its rules the register answers, and what another one changes.

use clap::{Args, Subcommand};

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs, at_least_one},
        client::Client,
        paged::{Listed, paged},
        print::{
            Cell, Heading, JsonLines, Printer, Worded as _, as_of, authority_cell, date, flags,
            flags_cell, print_line, print_message, programme_cell, reject_table, title_status,
        },
    },
    domain::kind::Kind,
    lang::{say, word},
    limits::PAGE_EVENTS_DEFAULT,
    protocol::pb::{self, event::Fact},
};

const DIFFERENCE_HEADINGS: [Heading; 6] = [
    Heading::new("designee", "designee", "代码"),
    Heading::new("name", "name", "名称").drops(1),
    Heading::new("programme", "programme", "认定项目").drops(2),
    Heading::new("authority", "authority", "认定机构").drops(3),
    Heading::new("before", "before", "之前"),
    Heading::new("after", "after", "之后"),
];

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
The rules say how facts become titles. A log keeps the version that it has adopted, also when the
server is updated. Answers known before an adoption stay as they were given.

In JSON, the first line is the response of GetStatus. Then comes one RulesAdopted event a line."
)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the titles that another version would show otherwise
    Diff(DiffArgs),
    /// Adopt a version; it cannot be taken back
    Adopt(AdoptArgs),
}

#[derive(Debug, Args)]
struct DiffArgs {
    /// The version to compare with [default: the newest]
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    #[command(flatten)]
    moment: MomentArgs,
    /// Most titles to list
    #[arg(long, short = 'n', default_value_t = PAGE_EVENTS_DEFAULT,
        value_parser = at_least_one())]
    limit: usize,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct AdoptArgs {
    /// The version to adopt [default: the newest]
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    /// Adopt it only if the log still has this size
    #[arg(long, value_name = "SIZE")]
    log_size: Option<u64>,
    /// Adopt it; otherwise only the number of titles that change is shown
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: RulesArgs) -> Result<(), CliError> {
    match args.action {
        None => show(&args.common).await,
        Some(Action::Diff(args)) => diff(&args).await,
        Some(Action::Adopt(args)) => adopt(&args).await,
    }
}

async fn show(common: &Common) -> Result<(), CliError> {
    let lines = JsonLines::new(common.output)?;
    let mut client = Client::to(&common.server).await?;
    let status = client.admin.get_status(pb::GetStatusRequest {}).await?.into_inner();
    let (in_force, newest) = (status.rules_version, status.newest_rules_version);
    if let Some(lines) = &lines {
        lines.print("GetStatusResponse", &status)?;
    } else {
        let later = match newest > in_force {
            true => word!(en: "; see tidu rules diff", zh: "；可用 tidu rules diff 比较"),
            false => "",
        };
        print_line(&say!(en: "in force  version {in_force}", zh: "现行规则  版本 {in_force}"))?;
        print_line(&say!(
            en: "known     versions 1 to {newest}{later}",
            zh: "已知规则  版本 1 至 {newest}{later}"
        ))?;
    }
    let adopted = Kind::RulesAdopted.number().into();
    let filter = Some(pb::EventFilter { kinds: vec![adopted], ..Default::default() });
    let fetch = async |page_size, page_token| {
        let filter = filter.clone();
        let request = pb::ListEventsRequest { filter, page_size, page_token, ..Default::default() };
        let page = client.ledger.list_events(request).await?.into_inner();
        Ok((page.events, page.next_page_token))
    };
    let print = |recorded: &pb::RecordedEvent| match &lines {
        Some(lines) => lines.print("RecordedEvent", recorded),
        None => print_line(&adoption(recorded)),
    };
    paged(usize::MAX, fetch, print).await.map(drop)
}

fn adoption(recorded: &pb::RecordedEvent) -> String {
    let event = recorded.event.clone().unwrap_or_default();
    let day = date(event.effective_date.as_ref());
    let version = match event.fact {
        Some(Fact::RulesAdopted(adopted)) => adopted.version,
        _ => 0,
    };
    let position = recorded.position.unwrap_or_default();
    say!(
        en: "adopted   version {version} at position {position}, {day}",
        zh: "采用记录  版本 {version}，位置 {position}，{day}"
    )
}

async fn diff(args: &DiffArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    let mut printer = Printer::new(args.common.output, DIFFERENCE_HEADINGS)?;
    let moment = args.moment.message();
    let take = |row: &pb::TitleDifference| printer.add("TitleDifference", row, difference);
    let compared = compare(&mut client, args.version, moment, args.limit, take).await?;
    if args.common.output.is_human() && compared.listed.count == 0 {
        return print_line(&compared.summary());
    }
    printer.finish(Some(&compared.summary()))
}

/// A comparison of two versions of the rules.
struct Compared {
    listed: Listed,
    /// The version compared with.
    version: u32,
    as_of: Option<pb::AnswerAsOf>,
}

impl Compared {
    fn summary(&self) -> String {
        let Self { listed, version, as_of: at } = self;
        let (count, more) = (listed.count, listed.more());
        let in_force = at.as_ref().map_or(0, |at| at.rules_version);
        let day = as_of(at.as_ref());
        if in_force == *version {
            return say!(
                en: "version {version} is in force; nothing to compare, {day}",
                zh: "版本 {version} 即现行版本，无需比较，{day}"
            );
        }
        let titles = match count {
            0 => word!(en: "no title differs", zh: "没有称号不同").to_owned(),
            1 => word!(en: "1 title differs", zh: "1 个称号不同").to_owned(),
            _ => say!(en: "{count} titles differ", zh: "{count} 个称号不同"),
        };
        say!(
            en: "{titles} from version {in_force} to {version}{more}, {day}",
            zh: "版本 {in_force} 与版本 {version} 相比，{titles}{more}，{day}"
        )
    }
}

async fn compare(
    client: &mut Client,
    version: Option<u32>,
    as_of: Option<pb::AsOf>,
    limit: usize,
    take: impl FnMut(&pb::TitleDifference) -> Result<(), CliError>,
) -> Result<Compared, CliError> {
    let (mut compared_with, mut answered) = (0, None);
    let fetch = async |page_size, page_token| {
        let request = pb::DiffRulesRequest { version, as_of, page_size, page_token };
        let page = client.register.diff_rules(request).await?.into_inner();
        (compared_with, answered) = (page.version, page.as_of);
        Ok((page.differences, page.next_page_token))
    };
    let listed = paged(limit, fetch, take).await?;
    Ok(Compared { listed, version: compared_with, as_of: answered })
}

fn difference(row: &pb::TitleDifference) -> [Cell; 6] {
    let either = row.before.as_ref().or(row.after.as_ref());
    let (programme, authority) = either.map_or_else(Default::default, |title| {
        (programme_cell(&title.programme), authority_cell(&title.authority))
    });
    let (before, after) = (side(row.before.as_ref()), side(row.after.as_ref()));
    let (designee, name) = (row.designee.as_str().into(), row.name.as_str().into());
    [designee, name, programme, authority, before, after]
}

/// Status, last day and flags of a title.
fn side(title: Option<&pb::Title>) -> Cell {
    let Some(title) = title else {
        return Cell::of("no title", word!(en: "no title", zh: "无称号"));
    };
    let joined = |parts: [&str; 3]| {
        let stated = parts.into_iter().filter(|part| !part.is_empty());
        stated.collect::<Vec<_>>().join(" ")
    };
    let day = date(title.valid_to.as_ref());
    let [to, shown] = match day.as_str() {
        "" => [const { String::new() }; 2],
        day => [format!("to {day}"), say!(en: "to {day}", zh: "至 {day}")],
    };
    let machine = joined([&title_status(title.status()), &to, &flags(title)]);
    Cell::of(machine, joined([&title.status().human(), &shown, flags_cell(title).human()]))
}

async fn adopt(args: &AdoptArgs) -> Result<(), CliError> {
    let output = args.common.output;
    reject_table(output)?;
    let mut client = Client::to(&args.common.server).await?;
    if !args.yes {
        return preview(&mut client, args).await;
    }
    let request = pb::AdoptRulesRequest { version: args.version, log_size: args.log_size };
    let answer = client.admin.adopt_rules(request).await?.into_inner();
    print_message(output, "AdoptRulesResponse", &answer, |answer| print_line(&adopted(answer)))
}

fn adopted(answer: &pb::AdoptRulesResponse) -> String {
    let version = answer.version;
    match (answer.recorded, answer.position) {
        (true, Some(at)) => say!(
            en: "version {version} of the rules adopted at position {at}",
            zh: "已采用规则版本 {version}，位置 {at}"
        ),
        (true, None) => say!(
            en: "version {version} of the rules adopted",
            zh: "已采用规则版本 {version}"
        ),
        (false, Some(at)) => say!(
            en: "version {version} of the rules is in force, adopted at position {at}; nothing to \
                 adopt",
            zh: "规则版本 {version} 已在执行（在位置 {at} 采用），无需采用"
        ),
        (false, None) => in_force(version),
    }
}

fn in_force(version: u32) -> String {
    say!(
        en: "version {version} of the rules is in force; nothing to adopt",
        zh: "规则版本 {version} 已在执行，无需采用"
    )
}

/// Prints how many titles an adoption would change, and the command for it.
async fn preview(client: &mut Client, args: &AdoptArgs) -> Result<(), CliError> {
    let compared = compare(client, args.version, None, usize::MAX, |_| Ok(())).await?;
    let (version, at) = (compared.version, compared.as_of.clone().unwrap_or_default());
    if version == at.rules_version {
        return print_line(&in_force(version));
    }
    print_line(&compared.summary())?;
    let size = at.known_at();
    let command = format!("tidu rules adopt --version {version} --log-size {size} --yes");
    print_line(&say!(en: "to adopt it: {command}", zh: "如需采用：{command}"))
}
