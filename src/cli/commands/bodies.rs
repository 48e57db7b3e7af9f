//! `tidu bodies`: the bodies that issue laws, regulations and guidelines.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::Common,
        client::Client,
        print::{Cell, Heading, Printer, date},
    },
    lang::say,
    protocol::pb,
};

const HEADINGS: [Heading; 7] = [
    Heading::new("code", "code", "代码"),
    Heading::new("name", "name", "名称"),
    Heading::new("short_name", "short name", "简称").drops(2),
    Heading::new("name_en", "English name", "英文名称").drops(5),
    Heading::new("from", "from", "自").drops(3),
    Heading::new("to", "to", "至").drops(4),
    Heading::new("successor", "successor", "继任机关").drops(1),
];

#[derive(Debug, Args)]
pub(crate) struct BodiesArgs {
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: BodiesArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    let answer = client.register.list_bodies(pb::ListBodiesRequest {}).await?.into_inner();
    let mut printer = Printer::new(args.common.output, HEADINGS)?;
    answer.bodies.iter().try_for_each(|body| printer.add("Body", body, row))?;
    let count = answer.bodies.len();
    printer.finish(Some(&say!(en: "{count} bodies", zh: "{count} 个发文机关")))
}

/// The latest name.
fn row(body: &pb::Body) -> [Cell; 7] {
    let name = body.names.last().cloned().unwrap_or_default();
    let (from, to) = (date(name.from_date.as_ref()), date(name.to_date.as_ref()));
    let (code, successor) = (body.code.clone(), body.successor.clone());
    [code, name.name, name.short_name, name.name_en, from, to, successor].map(Cell::from)
}
