//! `tidu authorities`: the ministry and the provincial-level authorities.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::Common,
        client::Client,
        names,
        print::{Cell, Heading, Printer},
    },
    domain::Region,
    lang::{say, word},
    protocol::pb,
};

#[derive(Debug, Args)]
#[command(after_help = "\
Every command that takes an authority takes its code, its name, or the name of its region, official
or short, in Chinese or English: 440000, 广东, 广东省工业和信息化厅, Guangdong, 兵团.")]
pub(crate) struct AuthoritiesArgs {
    /// Only those with this text in their code or in a name
    #[arg(default_value = "", hide_default_value = true)]
    text: String,
    #[command(flatten)]
    common: Common,
}

const HEADINGS: [Heading; 5] = [
    Heading::new("code", "code", "代码"),
    Heading::new("name", "name", "名称"),
    Heading::new("name_en", "English name", "英文名称").drops(2),
    Heading::new("kind", "kind", "类型").drops(3),
    Heading::new("region", "region", "地区").drops(1),
];

pub(super) async fn run(args: AuthoritiesArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    let answer = client.register.list_authorities(pb::ListAuthoritiesRequest {}).await?;
    let all = answer.into_inner().authorities;
    let mut printer = Printer::new(args.common.output, HEADINGS)?;
    let mut count = 0;
    for authority in &all {
        let region = region_of(authority);
        let names = [&*authority.code, &*authority.name, &*authority.name_en];
        let of_region = region.map(|region| [region.name, region.name_en, region.short_name()]);
        let names = names.into_iter().chain(of_region.into_iter().flatten());
        if names::is_part_of(&args.text, names) {
            count += 1;
            printer.add("Authority", authority, |authority| row(authority, region))?;
        }
    }
    let all = all.len();
    let summary = say!(en: "{count} of {all} authorities", zh: "{all} 个认定机构中的 {count} 个");
    printer.finish(Some(&summary))
}

fn region_of(authority: &pb::Authority) -> Option<&'static Region> {
    Region::all().iter().find(|region| region.code == authority.code)
}

fn row(authority: &pb::Authority, region: Option<&Region>) -> [Cell; 5] {
    let name = region.map_or("", |region| word!(en: region.name_en, zh: region.name));
    let apart = match authority.excluded_from.as_str() {
        "" => String::new(),
        province => say!(en: ", not under {province}", zh: "，不归 {province} 管辖"),
    };
    let code = region.map_or("", |region| region.code);
    [
        authority.code.as_str().into(),
        authority.name.as_str().into(),
        authority.name_en.as_str().into(),
        kind(&authority.kind),
        Cell::of(code, format!("{name}{apart}")),
    ]
}

fn kind(kind: &str) -> Cell {
    let human = match kind {
        "national" => word!(en: "national", zh: "国家级"),
        "provincial" => word!(en: "provincial", zh: "省级"),
        "provincial_level_city" => word!(en: "city of provincial level", zh: "计划单列市"),
        "provincial_level_corps" => word!(en: "corps of provincial level", zh: "兵团"),
        _ => kind,
    };
    Cell::of(kind, human)
}
