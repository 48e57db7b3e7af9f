//! `tidu explain`: why a title is what it is.

use clap::Args;

use super::{
    CliError, Common, Output,
    ask::{MomentArgs, word},
    client::Client,
    json::Json,
    text::{self, date, say},
};
use crate::{domain::kind::Kind, protocol::pb};

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// Code, identifier, or name
    designee: String,
    /// Programme
    programme: String,
    /// Deciding authority [default: all that have such a title]
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    authority: String,
    /// Type, site or product [default: all]
    #[arg(long, default_value = "", hide_default_value = true)]
    item: String,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: ExplainArgs) -> Result<(), CliError> {
    let mut client = Client::connect(&args.common).await?;
    let request = pb::ExplainTitleRequest {
        designee: args.designee,
        programme: args.programme,
        authority: args.authority,
        item: args.item,
        as_of: args.moment.as_of,
        known_at: args.moment.size(),
        known_at_time: args.moment.time(),
    };
    let answer = client.register.explain_title(request).await?.into_inner();
    if args.common.output == Output::Json {
        return say(&Json::new()?.line("ExplainTitleResponse", &answer)?);
    }
    say(&format!("{}  {}", answer.name, answer.designee))?;
    let day = date(answer.as_of.as_ref());
    say(&format!("as of {day}, as known at log size {}", answer.known_at))?;
    for explained in &answer.titles {
        let title = explained.title.clone().unwrap_or_default();
        let item = if title.item.is_empty() { String::new() } else { format!(" ({})", title.item) };
        say(&format!(
            "\n{}{item} of {}: {}",
            title.programme, title.authority, explained.conclusion
        ))?;
        let flags = text::flags(&title);
        if !flags.is_empty() {
            say(&format!("flags: {flags}"))?;
        }
        let mut table = text::table([
            "holds from",
            "event",
            "stated by",
            "what it says",
            "effect",
            "document",
            "rule",
        ]);
        for step in &explained.steps {
            let kind = Kind::from_number(step.kind).map_or("", Kind::name);
            let position = match step.corrected_position {
                Some(place) => format!("{} (corrects {place})", step.position),
                None => step.position.to_string(),
            };
            let rule = [&step.rule_version, &step.rule];
            let rule: Vec<_> =
                rule.iter().filter(|part| !part.is_empty()).map(|p| p.as_str()).collect();
            table.add_row([
                date(step.effective_date.as_ref()),
                format!("{position} {kind}"),
                step.authority.clone(),
                step.message.clone(),
                word(step.effect().as_str_name(), "STEP_EFFECT_"),
                step.document_number.clone(),
                rule.join(" "),
            ]);
        }
        say(&table.to_string())?;
    }
    Ok(())
}
