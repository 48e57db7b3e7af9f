//! `tidu assessments`: assessments of regions.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs},
        client::Client,
        names,
        paged::paged,
        print::{Cell, Heading, Printer, as_of, region_cell},
    },
    lang::{Lang, say},
    protocol::pb,
};

const HEADINGS: [Heading; 5] = [
    Heading::new("region", "region", "地区"),
    Heading::new("year", "year", "年度"),
    Heading::new("assessor", "assessor", "评估机构").drops(2),
    Heading::new("results", "results", "结果"),
    Heading::new("event", "event", "事件位置").drops(1),
];

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
    let mut printer = Printer::new(args.common.output, HEADINGS)?;
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
    let at = as_of(at.as_ref());
    printer.finish(Some(&say!(en: "{count} assessments, {at}", zh: "{count} 项评估，{at}")))
}

fn row(summary: &pb::Assessment) -> [Cell; 5] {
    let stated = summary.assessment.clone().unwrap_or_default();
    let result = |one: &pb::Indicator| format!("{} {}{}", one.name, one.value, one.unit);
    let results: Vec<_> = stated.indicators.iter().map(result).collect();
    [
        region_cell(&stated.region),
        stated.year.to_string().into(),
        stated.assessor.as_str().into(),
        Cell::of(results.join(", "), results.join(Lang::current().of(", ", "，"))),
        summary.position.to_string().into(),
    ]
}
