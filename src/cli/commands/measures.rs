//! `tidu measures`: laws, regulations, guidelines and measures.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs},
        client::Client,
        paged::paged,
        print::{Printer, date, day, word},
    },
    protocol::pb,
};

#[derive(Debug, Args)]
pub(crate) struct MeasuresArgs {
    /// Only instruments that govern this programme (may be repeated)
    #[arg(long = "programme", value_name = "ID")]
    programmes: Vec<String>,
    /// Only instruments of this authority (may be repeated)
    #[arg(long = "authority", value_name = "CODE")]
    authorities: Vec<String>,
    /// Also list instruments that are not in force on the day
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: MeasuresArgs) -> Result<(), CliError> {
    let mut client = Client::connect(&args.common.server.address).await?;
    let header = ["authority", "programme", "kind", "title", "document", "from", "to", "event"];
    let mut printer = Printer::new(args.common.output, header)?;
    // Every page tells the totals.
    let mut totals = (0, 0, None);
    let fetch = async |page_size, page_token| {
        let request = pb::ListMeasuresRequest {
            authorities: args.authorities.clone(),
            programmes: args.programmes.clone(),
            in_force_only: !args.all,
            as_of: args.moment.message(),
            page_size,
            page_token,
            ..Default::default()
        };
        let page = client.register.list_measures(request).await?.into_inner();
        totals = (page.total_size, page.provincial_authority_count, page.as_of);
        Ok((page.measures, page.next_page_token))
    };
    let take = |measure: &pb::Measure| printer.add("Measure", measure, row);
    paged(usize::MAX, fetch, take).await?;
    let (total, authorities, as_of) = totals;
    let day = day(as_of.as_ref());
    let what = if args.all { "instruments" } else { "instruments in force" };
    printer.finish(Some(&format!(
        "{total} {what}, of {authorities} provincial-level authorities, as of {day}"
    )))
}

fn row(measure: &pb::Measure) -> [String; 8] {
    [
        measure.authority.clone(),
        measure.programme.clone(),
        word(measure.instrument().as_str_name(), "INSTRUMENT_"),
        measure.title.clone(),
        measure.document_number.clone(),
        date(measure.in_force_from.as_ref()),
        date(measure.in_force_to.as_ref()),
        measure.position.to_string(),
    ]
}
