//! `tidu explain`: the facts and rules behind the status of a title.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs},
        client::Client,
        designees::Asked,
        names,
        print::{
            Tone, as_of, authorities_cell, authority_name, conclusion, date, document, flags_cell,
            kind_alone, obstacle, print_line, print_message, print_toned, programme_name,
            reject_table, sentence,
        },
    },
    lang::{say, word},
    limits::EXPLAINED_EVENTS_MAX,
    protocol::pb::{self, event::Fact},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Each fact is a sentence with the document behind it, in the order in which the facts count. The
position names its event: tidu events POSITION shows the record.

Examples:
  tidu generate --rows 5 --to list.csv
  tidu record list.csv --authority 广东 --programme 专精特新中小企业 \\
    --batch 2026-1 --date 2026-03-01
  tidu explain 91440800YY0000001X 专精特新中小企业")]
pub(crate) struct ExplainArgs {
    /// Code, other identifier, name, or part of a name
    designee: String,
    /// Programme: its id or name [default: every one of which it has a title]
    #[arg(value_parser = names::programme)]
    programme: Option<String>,
    /// Deciding authority [default: every one with such a title]
    #[arg(long, value_name = "CODE|NAME", value_parser = names::authority)]
    authority: Option<String>,
    /// Type, site or product [default: every one]
    #[arg(long, default_value = "", hide_default_value = true)]
    item: String,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: ExplainArgs) -> Result<(), CliError> {
    let output = args.common.output;
    reject_table(output)?;
    let mut client = Client::to(&args.common.server).await?;
    let as_of = args.moment.message();
    let asked = Asked { text: &args.designee, as_of, output, command: "tidu explain" };
    let (designee, programmes) = match args.programme {
        Some(programme) => (args.designee.clone(), vec![programme]),
        None => titled(&mut client, &asked).await?,
    };
    for programme in programmes {
        let mut request = pb::ExplainTitleRequest {
            designee: designee.clone(),
            programme,
            authority: args.authority.clone().unwrap_or_default(),
            item: args.item.clone(),
            as_of,
        };
        let answer = match client.register.explain_title(request.clone()).await {
            Ok(answer) => answer,
            Err(refused) => {
                request.designee = asked.instead(&mut client, refused).await?;
                client.register.explain_title(request).await?
            }
        };
        let answer = answer.into_inner();
        if output.is_human() {
            print(&mut client, &answer).await?;
        } else {
            print_message(output, "ExplainTitleResponse", &answer, |_| Ok(()))?;
        }
    }
    Ok(())
}

/// The identifier of the designee asked for, and the programmes of which it has a title.
async fn titled(client: &mut Client, asked: &Asked<'_>) -> Result<(String, Vec<String>), CliError> {
    let answer = asked.designee(client).await?;
    let designee = answer.designee.unwrap_or_default();
    let mut programmes: Vec<_> = designee.titles.into_iter().map(|title| title.programme).collect();
    programmes.dedup();
    if programmes.is_empty() {
        let name = designee.name;
        return Err(CliError::Refused(say!(
            en: "{name} has no title on record [TITLE_NOT_FOUND]",
            zh: "{name} 没有称号记录 [TITLE_NOT_FOUND]"
        )));
    }
    Ok((designee.designee, programmes))
}

/// Prints the explanations for people, with the words and the documents of the events.
async fn print(client: &mut Client, answer: &pb::ExplainTitleResponse) -> Result<(), CliError> {
    print_toned(&format!("{}  {}", answer.name, answer.designee), Tone::Strong)?;
    print_line(&as_of(answer.as_of.as_ref()))?;
    let day = answer.as_of.as_ref().and_then(|at| at.valid_on);
    let mut room = EXPLAINED_EVENTS_MAX;
    for explained in &answer.explanations {
        print_title(explained, day.as_ref())?;
        for (number, step) in (1..).zip(&explained.steps) {
            let stated = if room > 0 { stated(client, step.position).await? } else { None };
            room = room.saturating_sub(1);
            step_lines(number, step, stated.as_ref())
                .iter()
                .try_for_each(|line| print_line(line))?;
        }
        let count = explained.omitted_step_count;
        if count > 0 {
            print_line(&say!(en: "… and {count} more facts", zh: "……另有 {count} 个事件"))?;
        }
    }
    match answer.omitted_explanation_count {
        0 => Ok(()),
        count => print_line(&say!(
            en: "… and {count} more titles; --item names one",
            zh: "……另有 {count} 个称号，可用 --item 指定"
        )),
    }
}

/// The status of a title, its reason and its flags.
fn print_title(explained: &pb::TitleExplanation, day: Option<&pb::Date>) -> Result<(), CliError> {
    let title = explained.title.clone().unwrap_or_default();
    let (programme, authority) =
        (programme_name(&title.programme), authority_name(&title.authority));
    let item = match title.item.as_str() {
        "" => String::new(),
        item => say!(en: " ({item})", zh: "（{item}）"),
    };
    print_line("")?;
    print_toned(
        &say!(en: "{programme}{item}, {authority}", zh: "{programme}{item} · {authority}"),
        Tone::Strong,
    )?;
    let tone = match title.status() {
        pb::TitleStatus::Active => Tone::Good,
        pb::TitleStatus::Pending | pb::TitleStatus::Noticed => Tone::Warning,
        pb::TitleStatus::Revoked => Tone::Bad,
        _ => Tone::Plain,
    };
    print_toned(&conclusion(&title, day), tone)?;
    let flags = flags_cell(&title);
    if !flags.human().is_empty() {
        let flags = flags.human();
        print_toned(&say!(en: "flags: {flags}", zh: "提示：{flags}"), Tone::Warning)?;
    }
    print_line(word!(
        en: "The facts, in the order in which they count:",
        zh: "依据的事件（按生效顺序）："
    ))
}

/// The event that states a fact in force, for its words and its document: of a correction, the
/// event in its place. `None` if it cannot be read.
async fn stated(client: &mut Client, position: u64) -> Result<Option<pb::Event>, CliError> {
    let request = pb::GetEventRequest { position: Some(position), raw: false };
    let answer = client.ledger.get_event(request).await?.into_inner();
    let event = answer.event.and_then(|recorded| recorded.event);
    Ok(event.map(|mut event| match event.fact.take() {
        Some(Fact::Corrected(corrected)) => *corrected.replacement.unwrap_or_default(),
        fact => pb::Event { fact, ..event },
    }))
}

/// The lines of a fact: the sentence, why it does not count, and its source.
fn step_lines(number: usize, step: &pb::ExplainedStep, stated: Option<&pb::Event>) -> Vec<String> {
    let fact = stated.and_then(|event| event.fact.as_ref());
    let words = fact.map_or_else(|| kind_alone(step.kind), sentence);
    let day = date(step.effective_date.as_ref());
    let mut lines = vec![format!("{number:>3}. {day}  {words}")];
    let indent = "     ";
    let obstacle = match step.effect() {
        pb::StepEffect::Superseded => {
            let why = obstacle(step.obstacle());
            say!(en: "it changes nothing: {why}", zh: "未起作用：{why}")
        }
        pb::StepEffect::Later => {
            word!(en: "it takes effect after the day", zh: "在所问日期之后才生效").to_owned()
        }
        pb::StepEffect::Applied | pb::StepEffect::Unspecified => String::new(),
    };
    let source = source(step, stated);
    let lines_below = [obstacle, source].into_iter().filter(|line| !line.is_empty());
    lines.extend(lines_below.map(|line| format!("{indent}{line}")));
    lines
}

/// The issuer of a fact, its document and its rule, and the place of its event.
fn source(step: &pb::ExplainedStep, stated: Option<&pb::Event>) -> String {
    let evidence = stated.and_then(|event| event.evidence.as_ref());
    let document = evidence.map_or_else(|| step.document_number.clone(), document);
    let co_issuers = stated.map_or(&[][..], |event| &event.co_issuers);
    let codes = [step.authority.as_str()].into_iter().chain(co_issuers.iter().map(String::as_str));
    let authorities = authorities_cell(codes);
    let (who, position) = (authorities.human(), step.position);
    let url = evidence.map_or("", |evidence| &evidence.url);
    let parts = [document.as_str(), url].into_iter().filter(|part| !part.is_empty());
    let document = parts.map(|part| say!(en: ", {part}", zh: "，{part}")).collect::<String>();
    let rule = match (step.rule_version.as_str(), step.rule.as_str()) {
        ("", _) => String::new(),
        (version, "") => say!(en: "; rules of {version}", zh: "；规则版本 {version}"),
        (version, rule) => {
            say!(en: "; rules of {version}, {rule}", zh: "；规则版本 {version}（{rule}）")
        }
    };
    let place = match step.corrected_position {
        None => say!(en: "; event {position}", zh: "；事件 {position}"),
        Some(first) => say!(
            en: "; event {position}, which corrects event {first}",
            zh: "；事件 {position}（更正事件 {first}）"
        ),
    };
    say!(en: "source: {who}{document}{rule}{place}", zh: "来源：{who}{document}{rule}{place}")
}
