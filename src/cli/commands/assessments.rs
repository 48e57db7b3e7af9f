//! `tidu assessments`: assessments of regions.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs},
        client::Client,
        names,
        paged::paged,
        print::{Printer, as_of},
    },
    protocol::pb,
};

#[derive(Debug, Args)]
pub(crate) struct AssessmentsArgs {
    /// Only this region and the regions within it
    #[arg(long = "region", value_name = "CODE|NAME", value_parser = names::region)]
    region: Option<String>,
    /// Only this year (may be repeated)
    #[arg(long = "year")]
    years: Vec<u32>,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: AssessmentsArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    let header = ["region", "year", "assessor", "results", "event"];
    let mut printer = Printer::new(args.common.output, header)?;
    let mut at = None;
    let fetch = async |page_size, page_token| {
        let request = pb::ListAssessmentsRequest {
            region_under: args.region.clone().unwrap_or_default(),
            years: args.years.clone(),
            as_of: args.moment.message(),
            page_size,
            page_token,
        };
        let page = client.register.list_assessments(request).await?.into_inner();
        at = page.as_of;
        Ok((page.assessments, page.next_page_token))
    };
    let take = |summary: &pb::Assessment| printer.add("Assessment", summary, row);
    let count = paged(usize::MAX, fetch, take).await?.count;
    printer.finish(Some(&format!("{count} assessments, {}", as_of(at.as_ref()))))
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
