//! `tidu regions`: provinces, and cities with independent planning status.

use clap::Args;

use crate::{
    cli::{CliError, args::Common, client::Client, names, print::Printer},
    protocol::pb,
};

#[derive(Debug, Args)]
#[command(after_help = "\
Every command that takes a region takes its code, or a name of this table, official or short, in
Chinese or English. Other cities and counties are named by their code of GB/T 2260: 440305.")]
pub(crate) struct RegionsArgs {
    /// Only those with this text in their code or in a name
    #[arg(default_value = "", hide_default_value = true)]
    text: String,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: RegionsArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    let answer = client.register.list_regions(pb::ListRegionsRequest {}).await?;
    let all = answer.into_inner().regions;
    let header = ["code", "name", "English name", "kind", "lies in", "ISO 3166-2", "authority"];
    let mut printer = Printer::new(args.common.output, header)?;
    let mut count = 0;
    for region in &all {
        let names = [&*region.code, &*region.name, &*region.name_en, &*region.iso_code];
        if names::is_part_of(&args.text, names.into_iter()) {
            count += 1;
            printer.add("Region", region, row)?;
        }
    }
    printer.finish(Some(&format!("{count} of {} regions", all.len())))
}

fn row(region: &pb::Region) -> [String; 7] {
    [
        region.code.clone(),
        region.name.clone(),
        region.name_en.clone(),
        region.kind.replace('_', "-"),
        region.parent.clone(),
        region.iso_code.clone(),
        region.authority.clone(),
    ]
}
