//! `tidu programmes`: the programmes of the catalogue, with their dated names and rule versions.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs},
        client::Client,
        names,
        print::{Cell, Heading, Printer, as_of, date},
    },
    lang::{Lang, say, word},
    protocol::pb,
};

const HEADINGS: [Heading; 6] = [
    Heading::new("id", "id", "代码"),
    Heading::new("names", "names", "名称"),
    Heading::new("decided_by", "decided by", "认定方").drops(2),
    Heading::new("validity", "validity", "有效期").drops(1),
    Heading::new("renewal", "renewal", "延续方式").drops(3),
    Heading::new("rule_versions", "rule versions", "规则版本").drops(4),
];

#[derive(Debug, Args)]
#[command(after_help = "\
Every command that takes a programme takes its id or a name of it, also a part that no other one
has: little-giant, 小巨人, Little giant. Names are those of the catalogue that comes with tidu; a
programme of another catalogue is named by its id.")]
pub(crate) struct ProgrammesArgs {
    /// Only those with this text in their id or in a name
    #[arg(default_value = "", hide_default_value = true)]
    text: String,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: ProgrammesArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    let request = pb::ListProgrammesRequest { as_of: args.moment.message() };
    let answer = client.register.list_programmes(request).await?.into_inner();
    let mut printer = Printer::new(args.common.output, HEADINGS)?;
    let mut count = 0;
    for programme in &answer.programmes {
        let dated = programme.names.iter().flat_map(|name| [&*name.name, &*name.name_en]);
        if names::is_part_of(&args.text, [&*programme.id].into_iter().chain(dated)) {
            count += 1;
            printer.add("Programme", programme, row)?;
        }
    }
    let (all, at) = (answer.programmes.len(), as_of(answer.as_of.as_ref()));
    printer.finish(Some(&say!(
        en: "{count} of {all} programmes, {at}",
        zh: "{all} 个认定项目中的 {count} 个，{at}"
    )))
}

fn row(programme: &pb::Programme) -> [Cell; 6] {
    let dated = |name: &pb::ProgrammeName| {
        format!("{} ({}), from {}", name.name, name.name_en, date(name.from_date.as_ref()))
    };
    let version = |rule: &pb::RuleVersion| {
        format!("{} from {} {}", rule.version, date(rule.from_date.as_ref()), rule.document)
    };
    let names: Vec<_> = programme.names.iter().map(dated).collect();
    let versions: Vec<_> = programme.rule_versions.iter().map(version).collect();
    let newest = programme.rule_versions.last().cloned().unwrap_or_default();
    [
        programme.id.as_str().into(),
        Cell::of(names.join("; "), human_names(&programme.names)),
        decided_by(&newest.decided_by),
        validity(newest.validity_years),
        renewal(&newest.renewal),
        Cell::of(versions.join("; "), human_versions(&programme.rule_versions)),
    ]
}

fn human_names(names: &[pb::ProgrammeName]) -> String {
    let dated = |name: &pb::ProgrammeName| {
        let pb::ProgrammeName { name, name_en, from_date, .. } = name;
        let from = date(from_date.as_ref());
        say!(en: "{name} ({name_en}), from {from}", zh: "{name}（自 {from}）")
    };
    names.iter().map(dated).collect::<Vec<_>>().join(Lang::current().of("; ", "；"))
}

fn human_versions(versions: &[pb::RuleVersion]) -> String {
    let version = |rule: &pb::RuleVersion| {
        let pb::RuleVersion { version, document, from_date, .. } = rule;
        let from = date(from_date.as_ref());
        say!(en: "{version} from {from} {document}", zh: "{version}（自 {from}）{document}")
    };
    versions.iter().map(version).collect::<Vec<_>>().join(Lang::current().of("; ", "；"))
}

fn decided_by(word: &str) -> Cell {
    let human = match word {
        "ministry" => word!(en: "ministry", zh: "工信部"),
        "provincial" => word!(en: "provincial", zh: "省级"),
        "any" => word!(en: "any", zh: "工信部或省级"),
        other => other,
    };
    Cell::of(word, human)
}

fn validity(years: u32) -> Cell {
    match years {
        0 => Cell::of("as decided", word!(en: "as decided", zh: "以文件为准")),
        years => Cell::of(format!("{years} years"), say!(en: "{years} years", zh: "{years} 年")),
    }
}

fn renewal(word: &str) -> Cell {
    let human = match word {
        "review" => word!(en: "review", zh: "复核"),
        "designation" => word!(en: "designation", zh: "重新认定"),
        "none" => word!(en: "none", zh: "不延续"),
        other => other,
    };
    Cell::of(word, human)
}
