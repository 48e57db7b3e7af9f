//! `tidu find`: designees by a part of a name.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs, Output, at_least_one},
        client::Client,
        paged::paged,
        print::{Cell, Heading, Printer, as_of, region_cell},
    },
    lang::say,
    limits::PAGE_EVENTS_DEFAULT,
    protocol::pb,
};

const HEADINGS: [Heading; 5] = [
    Heading::new("designee", "designee", "代码"),
    Heading::new("name", "name", "名称"),
    Heading::new("found_as", "found as", "匹配的名称").drops(3),
    Heading::new("region", "region", "地区").drops(1),
    Heading::new("titles_in_force", "titles in force", "有效称号").drops(2),
];

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

/// Prints the designees that a request finds.
pub(crate) async fn print_found(
    client: &mut Client,
    request: &pb::FindDesigneesRequest,
    limit: usize,
    output: Output,
) -> Result<(), CliError> {
    let mut printer = Printer::new(output, HEADINGS)?;
    let mut answer_as_of = None;
    let fetch = async |page_size, page_token| {
        let request = pb::FindDesigneesRequest { page_size, page_token, ..request.clone() };
        let page = client.register.find_designees(request).await?.into_inner();
        answer_as_of = page.as_of;
        Ok((page.designees, page.next_page_token))
    };
    let take = |found: &pb::FoundDesignee| printer.add("FoundDesignee", found, row);
    let listed = paged(limit, fetch, take).await?;
    let (count, more, at) = (listed.count, listed.more(), as_of(answer_as_of.as_ref()));
    printer.finish(Some(&say!(
        en: "{count} designees{more}, {at}",
        zh: "{count} 个认定对象{more}，{at}"
    )))
}

fn row(found: &pb::FoundDesignee) -> [Cell; 5] {
    let bearer = found.bearer.clone().unwrap_or_default();
    let is_borne = bearer.name == found.matched_name;
    [
        bearer.designee.as_str().into(),
        bearer.name.as_str().into(),
        if is_borne { Cell::default() } else { found.matched_name.as_str().into() },
        region(&bearer),
        bearer.titles_in_force_count.into(),
    ]
}

/// The region of a bearer, and whether it is only that of the responsible authority.
pub(super) fn region(bearer: &pb::NameBearer) -> Cell {
    inferred_region(&bearer.region, bearer.region_inferred)
}

/// The cell of a region that may be only that of the responsible authority. Programs read the code.
pub(super) fn inferred_region(code: &str, is_inferred: bool) -> Cell {
    let known = region_cell(code);
    if !is_inferred {
        return known;
    }
    let name = known.human();
    Cell::of(code, say!(en: "{name} (inferred)", zh: "{name}（推定）"))
}
