//! `tidu explain`: the facts and rules behind the status of a title.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs},
        client::Client,
        names,
        print::{as_of, date, end, flags, print_line, print_message, print_table, table, word},
    },
    domain::kind::Kind,
    protocol::pb,
};

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Code, other identifier, or name
    designee: String,
    /// Programme: its id or name
    #[arg(value_parser = names::programme)]
    programme: String,
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
    let mut client = Client::to(&args.common.server).await?;
    let request = pb::ExplainTitleRequest {
        designee: args.designee,
        programme: args.programme,
        authority: args.authority.unwrap_or_default(),
        item: args.item,
        as_of: args.moment.message(),
    };
    let answer = client.register.explain_title(request).await?.into_inner();
    print_message(args.common.output, "ExplainTitleResponse", &answer, |answer| {
        print_line(&format!("{}  {}", answer.name, answer.designee))?;
        print_line(&as_of(answer.as_of.as_ref()))?;
        answer.explanations.iter().try_for_each(print_title)?;
        match answer.omitted_explanation_count {
            0 => Ok(()),
            count => print_line(&format!("… and {count} more titles; --item names one")),
        }
    })
}

fn print_title(explained: &pb::TitleExplanation) -> Result<(), CliError> {
    let title = explained.title.clone().unwrap_or_default();
    let item = if title.item.is_empty() { String::new() } else { format!(" ({})", title.item) };
    let (programme, authority) = (&title.programme, &title.authority);
    print_line("")?;
    print_line(&format!("{programme}{item} of {authority}: {}", explained.conclusion))?;
    let end = end(&title);
    if !end.is_empty() {
        print_line(&format!("end: {end}"))?;
    }
    let flags = flags(&title);
    if !flags.is_empty() {
        print_line(&format!("flags: {flags}"))?;
    }
    let mut steps =
        table(["holds from", "event", "stated by", "meaning", "effect", "document", "rule"]);
    explained.steps.iter().for_each(|step| {
        steps.add_row(row(step));
    });
    print_table(&steps)?;
    match explained.omitted_step_count {
        0 => Ok(()),
        count => print_line(&format!("… and {count} more facts")),
    }
}

fn row(step: &pb::ExplainedStep) -> [String; 7] {
    let kind = Kind::from_number(step.kind).map_or("", Kind::name);
    let position = match step.corrected_position {
        Some(place) => format!("{} (corrects {place})", step.position),
        None => step.position.to_string(),
    };
    let rule: Vec<&str> = [step.rule_version.as_str(), &step.rule]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    [
        date(step.effective_date.as_ref()),
        format!("{position} {kind}"),
        step.authority.clone(),
        step.message.clone(),
        word(step.effect().as_str_name(), "STEP_EFFECT_"),
        step.document_number.clone(),
        rule.join(" "),
    ]
}
