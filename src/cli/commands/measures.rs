//! `tidu measures`: laws, regulations, guidelines and measures.

use clap::{Args, ValueEnum};

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs},
        client::Client,
        names,
        paged::paged,
        print::{Printer, as_of, date, word},
    },
    domain::{AuthorityCode, BodyCode},
    protocol::pb,
};

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
    named.ok_or_else(|| "is neither the code nor the name of a body; see tidu bodies".to_owned())
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
        if self.all { "instruments" } else { "instruments in force" }
    }
}

pub(super) async fn run(args: MeasuresArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    if args.without { without(&args, &mut client).await } else { list(&args, &mut client).await }
}

async fn list(args: &MeasuresArgs, client: &mut Client) -> Result<(), CliError> {
    let header = [
        "authority",
        "programme",
        "kind",
        "title",
        "document",
        "amends",
        "bodies",
        "from",
        "to",
        "event",
    ];
    let mut printer = Printer::new(args.common.output, header)?;
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
    printer.finish(Some(&format!(
        "{total} {what}, of {authorities} provincial-level authorities, {at}"
    )))
}

fn row(measure: &pb::Measure) -> [String; 10] {
    [
        measure.authority.clone(),
        measure.programme.clone(),
        word(measure.instrument().as_str_name(), "INSTRUMENT_"),
        measure.title.clone(),
        measure.document_number.clone(),
        measure.amends.clone(),
        issuers(measure),
        date(measure.in_force_from.as_ref()),
        date(measure.in_force_to.as_ref()),
        measure.position.to_string(),
    ]
}

/// The bodies, or else the issuer as the document names it.
fn issuers(measure: &pb::Measure) -> String {
    if measure.issuing_bodies.is_empty() {
        return measure.issuer_name.clone();
    }
    measure.issuing_bodies.join(" ")
}

/// Lists the provincial-level authorities without such an instrument.
async fn without(args: &MeasuresArgs, client: &mut Client) -> Result<(), CliError> {
    let request = pb::ListMeasuresRequest { page_size: 1, ..args.request() };
    let answer = client.register.list_measures(request).await?.into_inner();
    let mut printer = Printer::new(args.common.output, ["authority", "name"])?;
    for code in &answer.authorities_without {
        let info = AuthorityCode::parse(code).ok().map(AuthorityCode::info);
        let authority = pb::Authority {
            code: code.clone(),
            name: info.map_or("", |info| info.name).to_owned(),
            name_en: info.map_or("", |info| info.name_en).to_owned(),
            kind: info.map_or("", |info| info.kind.as_str()).to_owned(),
            ..Default::default()
        };
        printer.add("Authority", &authority, |a| [a.code.clone(), a.name.clone()])?;
    }
    let (count, with) = (answer.authorities_without.len(), answer.provincial_authority_count);
    let (what, at) = (args.what(), as_of(answer.as_of.as_ref()));
    printer.finish(Some(&format!(
        "{count} provincial-level authorities have no such {what}, {with} have, {at}"
    )))
}
