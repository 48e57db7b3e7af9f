//! `tidu measures`: laws, regulations, guidelines and measures.

use clap::{Args, ValueEnum};

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs},
        client::Client,
        names,
        paged::paged,
        print::{
            Cell, Heading, Printer, Worded as _, as_of, authority_cell, authority_name, date,
            issuer_name, programme_cell,
        },
    },
    domain::{AuthorityCode, BodyCode},
    lang::{Lang, say, word},
    protocol::pb,
};

const HEADINGS: [Heading; 10] = [
    Heading::new("authority", "authority", "认定机构").drops(4),
    Heading::new("programme", "programme", "认定项目").drops(5),
    Heading::new("instrument", "kind", "类型").drops(2),
    Heading::new("title", "title", "标题"),
    Heading::new("document_number", "document", "文号"),
    Heading::new("amends", "amends", "修改的文件").drops(8),
    Heading::new("bodies", "bodies", "发文机关").drops(7),
    Heading::new("from", "from", "施行日").drops(1),
    Heading::new("to", "to", "失效日").drops(6),
    Heading::new("event", "event", "事件位置").drops(9),
];
const WITHOUT_HEADINGS: [Heading; 2] =
    [Heading::new("authority", "authority", "代码"), Heading::new("name", "name", "名称")];

#[derive(Debug, Args)]
pub(crate) struct MeasuresArgs {
    /// Only instruments of this kind (may be repeated)
    #[arg(long = "instrument", value_name = "KIND")]
    instruments: Vec<InstrumentKind>,
    /// Only instruments that this body issued: a code or a name, such as mof or 财政部 (may be
    /// repeated); `tidu bodies` lists them
    #[arg(long = "body", value_name = "BODY", value_parser = body)]
    bodies: Vec<BodyCode>,
    /// Only instruments that govern this programme (may be repeated)
    #[arg(long = "programme", value_name = "ID|NAME", value_parser = names::programme)]
    programmes: Vec<String>,
    /// Only instruments of this authority (may be repeated)
    #[arg(long = "authority", value_name = "CODE|NAME", value_parser = names::authority)]
    authorities: Vec<String>,
    /// Also list instruments that are not in force on the day
    #[arg(long)]
    all: bool,
    /// List the provincial-level authorities that have no such instrument
    #[arg(long)]
    without: bool,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    common: Common,
}

/// Kinds of instrument.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum InstrumentKind {
    /// 法律
    Law,
    /// 条例
    Regulation,
    /// 意见
    Guideline,
    /// 办法
    Measures,
}

fn body(text: &str) -> Result<BodyCode, String> {
    let named = BodyCode::parse(text).ok().or_else(|| BodyCode::from_name(text));
    named.ok_or_else(|| {
        say!(
            en: "is neither the code nor the name of a body; see tidu bodies",
            zh: "不是发文机关的代码或名称；可用 tidu bodies 查看"
        )
    })
}

impl MeasuresArgs {
    fn request(&self) -> pb::ListMeasuresRequest {
        let instrument = |kind: &InstrumentKind| match kind {
            InstrumentKind::Law => pb::Instrument::Law.into(),
            InstrumentKind::Regulation => pb::Instrument::Regulation.into(),
            InstrumentKind::Guideline => pb::Instrument::Guideline.into(),
            InstrumentKind::Measures => pb::Instrument::Measures.into(),
        };
        pb::ListMeasuresRequest {
            authorities: self.authorities.clone(),
            programmes: self.programmes.clone(),
            instruments: self.instruments.iter().map(instrument).collect(),
            bodies: self.bodies.iter().map(|body| body.as_str().to_owned()).collect(),
            in_force_only: !self.all,
            as_of: self.moment.message(),
            ..Default::default()
        }
    }

    /// The instruments that are listed, in a sentence.
    fn what(&self) -> &'static str {
        if self.all {
            word!(en: "instruments", zh: "文件")
        } else {
            word!(en: "instruments in force", zh: "现行文件")
        }
    }
}

pub(super) async fn run(args: MeasuresArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    if args.without { without(&args, &mut client).await } else { list(&args, &mut client).await }
}

async fn list(args: &MeasuresArgs, client: &mut Client) -> Result<(), CliError> {
    let mut printer = Printer::new(args.common.output, HEADINGS)?;
    // Every page tells the totals.
    let mut totals = (0, 0, None);
    let fetch = async |page_size, page_token| {
        let request = pb::ListMeasuresRequest { page_size, page_token, ..args.request() };
        let page = client.register.list_measures(request).await?.into_inner();
        totals = (page.total_size, page.provincial_authority_count, page.as_of);
        Ok((page.measures, page.next_page_token))
    };
    let take = |measure: &pb::Measure| printer.add("Measure", measure, row);
    paged(usize::MAX, fetch, take).await?;
    let (total, authorities, at) = totals;
    let (what, at) = (args.what(), as_of(at.as_ref()));
    printer.finish(Some(&say!(
        en: "{total} {what}, of {authorities} provincial-level authorities, {at}",
        zh: "{what} {total} 件，涉及 {authorities} 个省级认定机构，{at}"
    )))
}

fn row(measure: &pb::Measure) -> [Cell; 10] {
    [
        authority_cell(&measure.authority),
        programme_cell(&measure.programme),
        measure.instrument().cell(),
        measure.title.as_str().into(),
        measure.document_number.as_str().into(),
        measure.amends.as_str().into(),
        issuers(measure),
        date(measure.in_force_from.as_ref()).into(),
        date(measure.in_force_to.as_ref()).into(),
        measure.position.to_string().into(),
    ]
}

/// The bodies, or else the issuer as the document names it.
fn issuers(measure: &pb::Measure) -> Cell {
    if measure.issuing_bodies.is_empty() {
        return measure.issuer_name.as_str().into();
    }
    let codes = measure.issuing_bodies.join(" ");
    match Lang::current() {
        Lang::En => codes.into(),
        Lang::Zh => {
            let names: Vec<_> =
                measure.issuing_bodies.iter().map(|code| issuer_name(code)).collect();
            Cell::of(codes, names.join(" "))
        }
    }
}

/// Lists the provincial-level authorities without such an instrument.
async fn without(args: &MeasuresArgs, client: &mut Client) -> Result<(), CliError> {
    let request = pb::ListMeasuresRequest { page_size: 1, ..args.request() };
    let answer = client.register.list_measures(request).await?.into_inner();
    let mut printer = Printer::new(args.common.output, WITHOUT_HEADINGS)?;
    for code in &answer.authorities_without {
        let info = AuthorityCode::parse(code).ok().map(AuthorityCode::info);
        let authority = pb::Authority {
            code: code.clone(),
            name: info.map_or("", |info| info.name).to_owned(),
            name_en: info.map_or("", |info| info.name_en).to_owned(),
            kind: info.map_or("", |info| info.kind.as_str()).to_owned(),
            ..Default::default()
        };
        let name = |a: &pb::Authority| Cell::of(a.name.as_str(), authority_name(&a.code));
        printer.add("Authority", &authority, |a| [a.code.as_str().into(), name(a)])?;
    }
    let (count, with) = (answer.authorities_without.len(), answer.provincial_authority_count);
    let (what, at) = (args.what(), as_of(answer.as_of.as_ref()));
    printer.finish(Some(&say!(
        en: "{count} provincial-level authorities have no such {what}, {with} have, {at}",
        zh: "{count} 个省级认定机构没有此类{what}，{with} 个有，{at}"
    )))
}
