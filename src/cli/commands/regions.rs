//! `tidu regions`: provinces, and cities with independent planning status.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::Common,
        client::Client,
        names,
        print::{Cell, Heading, Printer, authority_cell, region_cell},
    },
    lang::{say, word},
    protocol::pb,
};

const HEADINGS: [Heading; 7] = [
    Heading::new("code", "code", "代码"),
    Heading::new("name", "name", "名称"),
    Heading::new("name_en", "English name", "英文名称").drops(3),
    Heading::new("kind", "kind", "类型").drops(2),
    Heading::new("parent", "lies in", "位于").drops(1),
    Heading::new("iso_code", "ISO 3166-2", "ISO 3166-2").drops(5),
    Heading::new("authority", "authority", "认定机构").drops(4),
];

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
    let mut printer = Printer::new(args.common.output, HEADINGS)?;
    let mut count = 0;
    for region in &all {
        let names = [&*region.code, &*region.name, &*region.name_en, &*region.iso_code];
        if names::is_part_of(&args.text, names.into_iter()) {
            count += 1;
            printer.add("Region", region, row)?;
        }
    }
    let all = all.len();
    printer.finish(Some(&say!(en: "{count} of {all} regions", zh: "{all} 个地区中的 {count} 个")))
}

fn row(region: &pb::Region) -> [Cell; 7] {
    [
        region.code.as_str().into(),
        region.name.as_str().into(),
        region.name_en.as_str().into(),
        kind(&region.kind),
        region_cell(&region.parent),
        region.iso_code.as_str().into(),
        authority_cell(&region.authority),
    ]
}

fn kind(kind: &str) -> Cell {
    let machine = kind.replace('_', "-");
    let human = match kind {
        "province" => word!(en: "province", zh: "省"),
        "municipality" => word!(en: "municipality", zh: "直辖市"),
        "autonomous_region" => word!(en: "autonomous region", zh: "自治区"),
        "sar" => word!(en: "special administrative region", zh: "特别行政区"),
        "separate_planning_city" => word!(en: "separate planning city", zh: "计划单列市"),
        _ => &machine,
    };
    Cell::of(machine.clone(), human)
}
