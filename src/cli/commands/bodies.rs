//! `tidu bodies`: the bodies that issue laws, regulations and guidelines.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::Common,
        client::Client,
        print::{Printer, date},
    },
    protocol::pb,
};

#[derive(Debug, Args)]
pub(crate) struct BodiesArgs {
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: BodiesArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    let answer = client.register.list_bodies(pb::ListBodiesRequest {}).await?.into_inner();
    let header = ["code", "name", "short name", "English name", "from", "to", "successor"];
    let mut printer = Printer::new(args.common.output, header)?;
    answer.bodies.iter().try_for_each(|body| printer.add("Body", body, row))?;
    printer.finish(Some(&format!("{} bodies", answer.bodies.len())))
}

/// The latest name.
fn row(body: &pb::Body) -> [String; 7] {
    let name = body.names.last().cloned().unwrap_or_default();
    let (from, to) = (date(name.from_date.as_ref()), date(name.to_date.as_ref()));
    let successor = body.successor.clone();
    [body.code.clone(), name.name, name.short_name, name.name_en, from, to, successor]
}
