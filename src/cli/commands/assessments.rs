//! `tidu assessments`: assessments of regions.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs},
        client::Client,
        paged::paged,
        print::Printer,
    },
    protocol::pb,
};

#[derive(Debug, Args)]
pub(crate) struct AssessmentsArgs {
    /// Only this region and the regions within it
    #[arg(long = "region", value_name = "CODE", default_value = "", hide_default_value = true)]
    region: String,
    /// Only this year (may be repeated)
    #[arg(long = "year")]
    years: Vec<u32>,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: AssessmentsArgs) -> Result<(), CliError> {
    let mut client = Client::connect(&args.common.server.address).await?;
    let header = ["region", "year", "assessor", "results", "event"];
    let mut printer = Printer::new(args.common.output, header)?;
    let fetch = async |page_size, page_token| {
        let request = pb::ListAssessmentsRequest {
            region_under: args.region.clone(),
            years: args.years.clone(),
            as_of: args.moment.message(),
            page_size,
            page_token,
        };
        let page = client.register.list_assessments(request).await?.into_inner();
        Ok((page.assessments, page.next_page_token))
    };
    let take = |summary: &pb::Assessment| printer.add("Assessment", summary, row);
    paged(usize::MAX, fetch, take).await?;
    printer.finish(None)
}

fn row(summary: &pb::Assessment) -> [String; 5] {
    let stated = summary.assessment.clone().unwrap_or_default();
    let result = |one: &pb::Indicator| format!("{} {}{}", one.name, one.value, one.unit);
    let results: Vec<_> = stated.indicators.iter().map(result).collect();
    [
        stated.region.clone(),
        stated.year.to_string(),
        stated.assessor.clone(),
        results.join(", "),
        summary.position.to_string(),
    ]
}
