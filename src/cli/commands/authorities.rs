//! `tidu authorities`: the ministry and the provincial-level authorities.

use clap::Args;

use crate::{
    cli::{CliError, args::Common, client::Client, names, print::Printer},
    domain::Region,
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

pub(super) async fn run(args: AuthoritiesArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    let answer = client.register.list_authorities(pb::ListAuthoritiesRequest {}).await?;
    let all = answer.into_inner().authorities;
    let header = ["code", "name", "English name", "kind", "region"];
    let mut printer = Printer::new(args.common.output, header)?;
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
    printer.finish(Some(&format!("{count} of {} authorities", all.len())))
}

fn region_of(authority: &pb::Authority) -> Option<&'static Region> {
    Region::all().iter().find(|region| region.code == authority.code)
}

fn row(authority: &pb::Authority, region: Option<&Region>) -> [String; 5] {
    let region = region.map_or("", |region| region.name);
    let apart = match authority.excluded_from.as_str() {
        "" => String::new(),
        province => format!(", not under {province}"),
    };
    [
        authority.code.clone(),
        authority.name.clone(),
        authority.name_en.clone(),
        authority.kind.replace('_', "-"),
        format!("{region}{apart}"),
    ]
}
