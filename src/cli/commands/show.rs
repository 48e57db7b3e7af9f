//! `tidu show`: a designee with its names, identifiers and titles.

use clap::Args;
use tonic_types::StatusExt as _;

use super::find::print_bearers;
use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs},
        client::Client,
        print::{
            as_of, date, end, flags, print_line, print_message, print_table, table, title_status,
        },
    },
    protocol::pb,
};

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Code, other identifier, or name; brackets, width and spaces do not matter
    designee: String,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: ShowArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    let (designee, as_of) = (args.designee, args.moment.message());
    let request = pb::GetDesigneeRequest { designee: designee.clone(), as_of };
    let answer = match client.register.get_designee(request).await {
        Ok(answer) => answer.into_inner(),
        Err(refused) => {
            if args.common.output.is_human() && names_several(&refused) {
                print_bearers(&mut client, &designee, as_of).await?;
            }
            return Err(refused.into());
        }
    };
    print_message(args.common.output, "GetDesigneeResponse", &answer, print)
}

/// True for the refusal of a name that several designees bear or bore.
fn names_several(refused: &tonic::Status) -> bool {
    let details = refused.get_error_details();
    details.error_info().is_some_and(|info| info.reason == "NAME_AMBIGUOUS")
}

/// Prints a designee for people.
pub(super) fn print(answer: &pb::GetDesigneeResponse) -> Result<(), CliError> {
    let designee = answer.designee.clone().unwrap_or_default();
    print_line(&format!("{}  {}", designee.name, designee.designee))?;
    print_line(&as_of(answer.as_of.as_ref()))?;
    for earlier in designee.names.iter().rev().skip(1) {
        let from = date(earlier.from_date.as_ref());
        print_line(&format!("formerly {} (on record from {from})", earlier.name))?;
    }
    for id in designee.identifiers.iter().filter(|id| id.designee != designee.designee) {
        print_line(&format!("also {} {}", id.designee, since(id.from_date.as_ref())))?;
    }
    if let Some(profile) = designee.profile.as_ref().filter(|p| !p.main_product.is_empty()) {
        print_line(&format!("main product {}", profile.main_product))?;
    }
    if !designee.responsible_authority.is_empty() {
        print_line(&format!("responsible authority {}", designee.responsible_authority))?;
    }
    if designee.ended_on.is_some() {
        print_line(&format!("ceased to exist on {}", date(designee.ended_on.as_ref())))?;
    }
    for pool in &designee.pools {
        let day = date(pool.entered_on.as_ref());
        print_line(&format!("in pool {} of {} since {day}", pool.pool, pool.authority))?;
    }
    print_titles(&designee.titles)?;
    for (count, what) in [
        (designee.omitted_title_count, "titles; `tidu list` shows all"),
        (designee.omitted_name_count, "names"),
        (designee.omitted_identifier_count, "identifiers"),
        (designee.omitted_pool_count, "pools"),
    ] {
        if count > 0 {
            print_line(&format!("… and {count} more {what}"))?;
        }
    }
    Ok(())
}

fn print_titles(titles: &[pb::Title]) -> Result<(), CliError> {
    let mut table = table([
        "programme",
        "authority",
        "status",
        "from",
        "to",
        "batch",
        "round",
        "recommended by",
        "end",
        "flags",
        "events",
    ]);
    for title in titles {
        let inferred = if title.valid_to_inferred { " (inferred)" } else { "" };
        let positions: Vec<_> = title.positions.iter().map(u64::to_string).collect();
        table.add_row([
            title.programme.clone(),
            title.authority.clone(),
            title_status(title.status()),
            date(title.valid_from.as_ref()),
            format!("{}{inferred}", date(title.valid_to.as_ref())),
            title.batch.clone(),
            title.round.clone(),
            title.recommended_by.clone(),
            end(title),
            flags(title),
            positions.join(" "),
        ]);
    }
    print_table(&table)
}

fn since(day: Option<&pb::Date>) -> String {
    day.map_or_else(|| "at first".to_owned(), |day| format!("from {}", date(Some(day))))
}
