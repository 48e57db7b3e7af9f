//! `tidu show`.

use clap::Args;
use comfy_table::{Table, presets::UTF8_HORIZONTAL_ONLY};

use super::{
    CliError, Common, Output,
    client::Client,
    json::Json,
    text::{date, parse_date, say},
};
use crate::pb;

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Code, identifier, or name (brackets, width and spaces do not matter)
    designee: String,
    /// Day to answer for [default: today]
    #[arg(long, value_parser = parse_date, value_name = "DATE")]
    as_of: Option<pb::Date>,
    /// Answer as known when the log had this many events [default: all]
    #[arg(long, value_name = "LOG_SIZE")]
    known_at: Option<u64>,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: ShowArgs) -> Result<(), CliError> {
    let mut client = Client::connect(&args.common).await?;
    let request = pb::GetDesigneeRequest {
        designee: args.designee,
        as_of: args.as_of,
        known_at: args.known_at,
        ..Default::default()
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
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "programme",
        "authority",
        "status",
        "from",
        "to",
        "batch",
        "round",
        "recommended by",
        "events",
    ]);
    for title in &designee.titles {
        let inferred = if title.valid_to_inferred { " (inferred)" } else { "" };
        let positions: Vec<_> = title.positions.iter().map(u64::to_string).collect();
        table.add_row([
            title.programme.clone(),
            title.authority.clone(),
            status(title.status()).to_owned(),
            date(title.valid_from.as_ref()),
            format!("{}{inferred}", date(title.valid_to.as_ref())),
            title.batch.clone(),
            title.round.clone(),
            title.recommended_by.clone(),
            positions.join(" "),
        ]);
    }
    say(&table.to_string())
}

/// A status in a word.
pub(super) fn status(status: pb::TitleStatus) -> &'static str {
    let name = status.as_str_name();
    name.strip_prefix("TITLE_STATUS_").unwrap_or(name)
}
