//! `tidu show`.

use clap::Args;

use super::{
    CliError, Common, Output,
    ask::MomentArgs,
    client::Client,
    json::Json,
    text::{self, date, say},
};
use crate::protocol::pb;

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Code, identifier, or name (brackets, width and spaces do not matter)
    designee: String,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: ShowArgs) -> Result<(), CliError> {
    let mut client = Client::connect(&args.common).await?;
    let request = pb::GetDesigneeRequest {
        designee: args.designee,
        as_of: args.moment.as_of,
        known_at: args.moment.size(),
        known_at_time: args.moment.time(),
    };
    let answer = client.register.get_designee(request).await?.into_inner();
    if args.common.output == Output::Json {
        return say(&Json::new()?.line("GetDesigneeResponse", &answer)?);
    }
    print(&answer)
}

/// Prints a designee for people.
pub(super) fn print(answer: &pb::GetDesigneeResponse) -> Result<(), CliError> {
    let designee = answer.designee.clone().unwrap_or_default();
    say(&format!("{}  {}", designee.name, designee.designee))?;
    let day = date(answer.as_of.as_ref());
    say(&format!("as of {day}, as known at log size {}", answer.known_at))?;
    for earlier in designee.names.iter().rev().skip(1) {
        say(&format!(
            "formerly {} (on record from {})",
            earlier.name,
            date(earlier.from.as_ref())
        ))?;
    }
    for id in designee.identifiers.iter().filter(|id| id.designee != designee.designee) {
        say(&format!("also {} {}", id.designee, since(id.from.as_ref())))?;
    }
    if !designee.responsible_authority.is_empty() {
        say(&format!("responsible authority {}", designee.responsible_authority))?;
    }
    if designee.ended_on.is_some() {
        say(&format!("ceased to exist on {}", date(designee.ended_on.as_ref())))?;
    }
    for pool in &designee.pools {
        let day = date(pool.entered_on.as_ref());
        say(&format!("in pool {} of {} since {day}", pool.pool, pool.authority))?;
    }
    let mut table = text::table([
        "programme",
        "authority",
        "status",
        "from",
        "to",
        "batch",
        "round",
        "recommended by",
        "flags",
        "events",
    ]);
    for title in &designee.titles {
        let inferred = if title.valid_to_inferred { " (inferred)" } else { "" };
        let positions: Vec<_> = title.positions.iter().map(u64::to_string).collect();
        table.add_row([
            title.programme.clone(),
            title.authority.clone(),
            text::title_status(title.status()),
            date(title.valid_from.as_ref()),
            format!("{}{inferred}", date(title.valid_to.as_ref())),
            title.batch.clone(),
            title.round.clone(),
            title.recommended_by.clone(),
            text::flags(title),
            positions.join(" "),
        ]);
    }
    say(&table.to_string())
}

fn since(day: Option<&pb::Date>) -> String {
    day.map_or_else(|| "at first".to_owned(), |day| format!("from {}", date(Some(day))))
}
