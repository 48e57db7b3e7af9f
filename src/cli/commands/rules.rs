//! `tidu rules`: by which version of its rules the register answers, and what another one changes.

use clap::{Args, Subcommand};

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs, Output, at_least_one},
        client::Client,
        paged::{Listed, paged},
        print::{Printer, as_of, date, flags, print_json, print_line, print_message, title_status},
    },
    domain::kind::Kind,
    limits::PAGE_EVENTS_DEFAULT,
    protocol::{
        json::Json,
        pb::{self, event::Fact},
    },
};

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
    let mut client = Client::to(&common.server).await?;
    let status = client.admin.get_status(pb::GetStatusRequest {}).await?.into_inner();
    let (in_force, newest) = (status.rules_version, status.newest_rules_version);
    let json = Json::new()?;
    if !common.output.is_human() {
        print_json(&json.whole("GetStatusResponse", &status)?)?;
    } else {
        let later = if newest > in_force { "; see tidu rules diff" } else { "" };
        print_line(&format!("in force  version {in_force}"))?;
        print_line(&format!("known     versions 1 to {newest}{later}"))?;
    }
    let adopted = Kind::RulesAdopted.number().into();
    let filter = Some(pb::EventFilter { kinds: vec![adopted], ..Default::default() });
    let fetch = async |page_size, page_token| {
        let filter = filter.clone();
        let request = pb::ListEventsRequest { filter, page_size, page_token, ..Default::default() };
        let page = client.ledger.list_events(request).await?.into_inner();
        Ok((page.events, page.next_page_token))
    };
    let print = |recorded: &pb::RecordedEvent| match common.output {
        Output::Json | Output::PlainJson | Output::Csv | Output::Tsv => {
            print_json(&json.line("RecordedEvent", recorded)?)
        }
        Output::Human => print_line(&adoption(recorded)),
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
    format!("adopted   version {version} at position {position}, {day}")
}

async fn diff(args: &DiffArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    let header = ["designee", "name", "programme", "authority", "before", "after"];
    let mut printer = Printer::new(args.common.output, header)?;
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
        let Self { listed: Listed { count, has_more }, version, as_of: at } = self;
        let more = if *has_more { "; there are more (-n)" } else { "" };
        let in_force = at.as_ref().map_or(0, |at| at.rules_version);
        let day = as_of(at.as_ref());
        if in_force == *version {
            return format!("version {version} is in force; nothing to compare, {day}");
        }
        let titles = match count {
            0 => "no title differs".to_owned(),
            1 => "1 title differs".to_owned(),
            _ => format!("{count} titles differ"),
        };
        format!("{titles} from version {in_force} to {version}{more}, {day}")
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

fn difference(row: &pb::TitleDifference) -> [String; 6] {
    let either = row.before.as_ref().or(row.after.as_ref());
    let (programme, authority) = either
        .map_or_else(Default::default, |title| (title.programme.clone(), title.authority.clone()));
    let (before, after) = (side(row.before.as_ref()), side(row.after.as_ref()));
    [row.designee.clone(), row.name.clone(), programme, authority, before, after]
}

/// Status, last day and flags of a title.
fn side(title: Option<&pb::Title>) -> String {
    let Some(title) = title else { return "no title".to_owned() };
    let to =
        title.valid_to.as_ref().map_or_else(String::new, |to| format!(" to {}", date(Some(to))));
    let flags = flags(title);
    let gap = if flags.is_empty() { "" } else { " " };
    format!("{}{to}{gap}{flags}", title_status(title.status()))
}

async fn adopt(args: &AdoptArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    if !args.yes {
        return preview(&mut client, args).await;
    }
    let request = pb::AdoptRulesRequest { version: args.version, log_size: args.log_size };
    let answer = client.admin.adopt_rules(request).await?.into_inner();
    print_message(args.common.output, "AdoptRulesResponse", &answer, |answer| {
        let version = answer.version;
        let at = answer.position.map(|at| format!(" at position {at}")).unwrap_or_default();
        if answer.recorded {
            return print_line(&format!("version {version} of the rules adopted{at}"));
        }
        let since = answer.position.map(|at| format!(", adopted at position {at}"));
        let since = since.unwrap_or_default();
        print_line(&format!("version {version} of the rules is in force{since}; nothing to adopt"))
    })
}

/// Prints how many titles an adoption would change, and the command for it.
async fn preview(client: &mut Client, args: &AdoptArgs) -> Result<(), CliError> {
    let compared = compare(client, args.version, None, usize::MAX, |_| Ok(())).await?;
    let (version, at) = (compared.version, compared.as_of.clone().unwrap_or_default());
    if version == at.rules_version {
        let line = format!("version {version} of the rules is in force; nothing to adopt");
        return print_line(&line);
    }
    print_line(&compared.summary())?;
    let size = at.known_at();
    print_line(&format!(
        "to adopt it: tidu rules adopt --version {version} --log-size {size} --yes"
    ))
}
