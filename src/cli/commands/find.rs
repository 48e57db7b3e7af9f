//! `tidu find`: designees by a part of a name.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs, Output, at_least_one},
        client::Client,
        paged::{Listed, paged},
        print::{Printer, as_of},
    },
    limits::PAGE_EVENTS_DEFAULT,
    protocol::pb,
};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidu find 安全封条
  tidu find 'example (tianjin)'          # brackets, width, case and spaces do not matter
  tidu find 示例生物有限公司 --whole     # all that bear or bore this very name")]
pub(crate) struct FindArgs {
    /// Part of a name that the designee bears or bore: at least two characters
    text: String,
    /// The text is the whole name
    #[arg(long)]
    whole: bool,
    #[command(flatten)]
    moment: MomentArgs,
    /// Most designees to list
    #[arg(long, short = 'n', default_value_t = PAGE_EVENTS_DEFAULT,
        value_parser = at_least_one())]
    limit: usize,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: FindArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    let request = pb::FindDesigneesRequest {
        text: args.text,
        whole_name: args.whole,
        as_of: args.moment.message(),
        ..Default::default()
    };
    print_found(&mut client, &request, args.limit, args.common.output).await
}

/// Prints the bearers of a name that `show` cannot choose from, for people.
pub(super) async fn print_bearers(
    client: &mut Client,
    name: &str,
    as_of: Option<pb::AsOf>,
) -> Result<(), CliError> {
    let (text, whole_name) = (name.to_owned(), true);
    let request = pb::FindDesigneesRequest { text, whole_name, as_of, ..Default::default() };
    print_found(client, &request, PAGE_EVENTS_DEFAULT, Output::Human).await
}

async fn print_found(
    client: &mut Client,
    request: &pb::FindDesigneesRequest,
    limit: usize,
    output: Output,
) -> Result<(), CliError> {
    let header = ["designee", "name", "found as", "region", "titles in force"];
    let mut printer = Printer::new(output, header)?;
    let mut answer_as_of = None;
    let fetch = async |page_size, page_token| {
        let request = pb::FindDesigneesRequest { page_size, page_token, ..request.clone() };
        let page = client.register.find_designees(request).await?.into_inner();
        answer_as_of = page.as_of;
        Ok((page.designees, page.next_page_token))
    };
    let take = |found: &pb::FoundDesignee| printer.add("FoundDesignee", found, row);
    let Listed { count, has_more } = paged(limit, fetch, take).await?;
    let more = if has_more { "; there are more (-n)" } else { "" };
    printer.finish(Some(&format!("{count} designees{more}, {}", as_of(answer_as_of.as_ref()))))
}

fn row(found: &pb::FoundDesignee) -> [String; 5] {
    let bearer = found.bearer.clone().unwrap_or_default();
    let is_borne = bearer.name == found.matched_name;
    [
        bearer.designee.clone(),
        bearer.name.clone(),
        if is_borne { String::new() } else { found.matched_name.clone() },
        region(&bearer),
        bearer.titles_in_force_count.to_string(),
    ]
}

/// The region of a bearer, and whether it is only that of the responsible authority.
pub(super) fn region(bearer: &pb::NameBearer) -> String {
    let inferred = if bearer.region_inferred { " (inferred)" } else { "" };
    format!("{}{inferred}", bearer.region)
}
