//! `tidu programmes`: the programmes of the catalogue, with their dated names and rule versions.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs},
        client::Client,
        names,
        print::{Printer, as_of, date},
    },
    protocol::pb,
};

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
    let header = ["id", "names", "decided by", "validity", "renewal", "rule versions"];
    let mut printer = Printer::new(args.common.output, header)?;
    let mut count = 0;
    for programme in &answer.programmes {
        let dated = programme.names.iter().flat_map(|name| [&*name.name, &*name.name_en]);
        if names::is_part_of(&args.text, [&*programme.id].into_iter().chain(dated)) {
            count += 1;
            printer.add("Programme", programme, row)?;
        }
    }
    let as_of = as_of(answer.as_of.as_ref());
    printer.finish(Some(&format!("{count} of {} programmes, {as_of}", answer.programmes.len())))
}

fn row(programme: &pb::Programme) -> [String; 6] {
    let dated = |name: &pb::ProgrammeName| {
        format!("{} ({}), from {}", name.name, name.name_en, date(name.from_date.as_ref()))
    };
    let version = |rule: &pb::RuleVersion| {
        format!("{} from {} {}", rule.version, date(rule.from_date.as_ref()), rule.document)
    };
    let names: Vec<_> = programme.names.iter().map(dated).collect();
    let versions: Vec<_> = programme.rule_versions.iter().map(version).collect();
    let newest = programme.rule_versions.last().cloned().unwrap_or_default();
    let validity = match newest.validity_years {
        0 => "as decided".to_owned(),
        years => format!("{years} years"),
    };
    [
        programme.id.clone(),
        names.join("; "),
        newest.decided_by,
        validity,
        newest.renewal,
        versions.join("; "),
    ]
}
